/*
 * body_digest.h - what a client says of its bytes, and whether it is so.
 *
 *   x-amz-content-sha256 (64 digits), Content-MD5, one x-amz-checksum-* in a header or in a trailer
 *
 * Thread-safety: belongs to its body; bytes may be added by one thread while another takes the
 * trailer.
 */
#ifndef HEARTH_GATEWAY_BODY_DIGEST_H
#define HEARTH_GATEWAY_BODY_DIGEST_H

#include "common/crypto.h"
#include "gateway/checksum_text.h"
#include "gateway/s3_error.h"

struct body_digest {
    bool has_sha256; /* of the payload, as signed */
    uint8_t sha256[CRYPTO_SHA256_SIZE];
    bool has_md5;
    uint8_t md5[CRYPTO_MD5_SIZE];
    const struct checksum_kind *kind; /* NULL: none was announced */
    bool has_checksum;                /* its value is known: from the start, or after the trailer */
    bool is_made;                     /* here, at the end: the client said nothing */
    uint8_t checksum[CHECKSUM_SIZE_MAX];

    /* So far. */
    struct crypto_hash *running_sha256; /* NULL: nobody asks for it */
    struct crypto_hash *running_sha1;
    struct crypto_hash *running_md5;
    uint64_t running_crc;
};

/*
 * What the head says; payload: what was signed of it (sig_claim.h), its hash or one of the words.
 * takes_checksum: x-amz-checksum-* is about this body, and not about an object that it completes.
 * To be ended with body_digest_fini() in any case.
 */
enum s3_error body_digest_init(struct body_digest *digest, const struct http_head *head,
    struct view payload, bool takes_checksum, const char **why);
void body_digest_fini(struct body_digest *digest);

/* "x-amz-checksum-crc32" as announced for a trailer; false: none of ours. */
bool body_digest_announce(struct body_digest *digest, struct view name);

/* A trailer of that name; false: not the one that was announced, or no such value, or again. */
bool body_digest_trailer(struct body_digest *digest, struct view name, struct view value);

/* No checksum came or was announced: this one is made, and is in `checksum` at the end.  Before the
 * first byte. */
void body_digest_make(struct body_digest *digest, const struct checksum_kind *kind);

/* Content-MD5, which somebody else verifies from now on; NULL: there is none.  Lives as long as the
 * digest.  Before the first byte. */
const uint8_t *body_digest_hand_over_md5(struct body_digest *digest);

void body_digest_update(struct body_digest *digest, struct view bytes);

/* At the end of the bytes: S3_ERROR_NONE, or which of them does not fit. */
enum s3_error body_digest_finish(struct body_digest *digest);

#endif /* HEARTH_GATEWAY_BODY_DIGEST_H */
