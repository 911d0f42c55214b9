/*
 * body_chunks.h - aws-chunked, taken apart: the encoding inside of a body that is sent in pieces.
 *
 *   SIZE[;chunk-signature=64 DIGITS]\r\n  bytes  \r\n          any number of them
 *   0[;chunk-signature=64 DIGITS]\r\n                          the last
 *   NAME:VALUE\r\n ...                                         with a trailer
 *   x-amz-trailer-signature:64 DIGITS\r\n                      when it is signed
 *   \r\n
 *
 * Each signature covers the one before it, from that of the request on; a chunk's bytes are handed
 * out before its signature is seen, and the read that meets a wrong one fails: nothing that was
 * read may count before the end was (0 bytes).  Nothing may follow the end.
 *
 * Thread-safety: belongs to its body.
 */
#ifndef HEARTH_GATEWAY_BODY_CHUNKS_H
#define HEARTH_GATEWAY_BODY_CHUNKS_H

#include "common/sigv4.h"
#include "gateway/body_digest.h"

enum {
    BODY_LINE_MAX = 256,     /* of a chunk's head */
    BODY_TRAILER_MAX = 2048, /* all that follows the last chunk */
    BODY_BUFFER_SIZE = 4096,
};

struct body_chunks_options {
    struct hearth_source raw;
    uint64_t size; /* of the bytes inside, as was said; more or less is refused */
    bool is_signed;
    bool has_trailer;
    /* With is_signed, borrowed: */
    const uint8_t *key;
    struct sigv4_scope scope;
    struct view time;
    const char *seed; /* the request's signature */
};

struct body_chunks {
    struct body_chunks_options options;
    struct body_digest *digest; /* gets the trailers */
    uint64_t left;              /* of the bytes inside */
    uint64_t chunk_left;
    bool in_chunk;
    bool has_ended;
    struct crypto_hash *chunk_sha256; /* NULL: not signed */
    char previous[SIGV4_SIGNATURE_SIZE + 1];
    char claimed[SIGV4_SIGNATURE_SIZE + 1]; /* of the chunk that is being read */
    enum s3_error error; /* what is wrong with it, when that is not the source's fault */
    size_t start;        /* of what waits in the buffer */
    size_t end;
    uint8_t buffer[BODY_BUFFER_SIZE];
};

/* The digest is borrowed.  To be ended with body_chunks_fini(). */
void body_chunks_init(struct body_chunks *chunks, const struct body_chunks_options *options,
    struct body_digest *digest);
void body_chunks_fini(struct body_chunks *chunks);

/* As a hearth_source: 0 bytes is the end, and all of it was right. */
enum hearth_code body_chunks_read(
    struct body_chunks *chunks, void *bytes, size_t size, size_t *out_got, struct hearth_err *err);

#endif /* HEARTH_GATEWAY_BODY_CHUNKS_H */
