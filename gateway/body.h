/*
 * body.h - the bytes of a request as they were meant, whichever way they were sent.
 *
 *   what was signed of it                        what comes
 *   64 digits                                    the bytes, which have that SHA-256
 *   UNSIGNED-PAYLOAD                             the bytes
 *   STREAMING-AWS4-HMAC-SHA256-PAYLOAD           signed chunks
 *   STREAMING-UNSIGNED-PAYLOAD-TRAILER           chunks, then a checksum
 *   STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER   signed chunks, a checksum, signed
 *
 * One decoder for all routes: which of the five it is follows from what the signature covers, and
 * from nothing else.  Content-MD5 and x-amz-checksum-* are verified with each of them.
 *
 * A read of 0 bytes says that the body is whole and everything in it was right (but for who puts
 * it, body_hand_over()).  Before that nothing of it may become visible; a read that fails has
 * failed for good.
 *
 * Thread-safety: belongs to its request; `see` may run beside reads.
 */
#ifndef HEARTH_GATEWAY_BODY_H
#define HEARTH_GATEWAY_BODY_H

#include "gateway/auth.h"
#include "gateway/checksum_text.h"

struct body;

/*
 * raw and raw_size: as they come by HTTP, HEARTH_SIZE_UNKNOWN: chunked.  Memory is the arena's; to
 * be ended with body_close().  Nothing is read yet: what can be refused by the head is refused
 * here, and any body of somebody who did not sign.
 */
enum s3_error body_open(const struct auth_proof *proof, const struct request *request,
    const struct route *route, struct hearth_source raw, uint64_t raw_size, struct arena *arena,
    struct body **out, const char **why);
void body_close(struct body *body); /* accepts NULL */

/* What was meant. Lives until body_close().  With `see` and `vouch`, for who takes them over. */
struct hearth_source body_source(struct body *body);

/* Of that; HEARTH_SIZE_UNKNOWN: a document in HTTP's own chunks. */
uint64_t body_size(const struct body *body);

/* Why a read has failed, in S3's words; S3_ERROR_NONE: the client or the network, as the code says.
 */
enum s3_error body_error(const struct body *body);

/* The checksum that came with it, for the object's metadata: what it is from the start, its value
 * when the body has ended.  None, or one. */
const struct hearth_checksums *body_checksums(const struct body *body);

/* Nothing came with it: this one is made of the bytes, and is in body_checksums() from now on.
 * Before the first read. */
void body_make_checksum(struct body *body, const struct checksum_kind *kind);

/*
 * For a handler that puts the bytes, before the first read: from now on the end is only the end,
 * and what was right is what `vouch` says, when `see` has seen all.  For that the put has a thread.
 * Its MD5 it makes anyway, so Content-MD5 is verified by it: 16 bytes; NULL: there is none.
 */
const uint8_t *body_hand_over(struct body *body);

#endif /* HEARTH_GATEWAY_BODY_H */
