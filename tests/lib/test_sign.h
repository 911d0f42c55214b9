/*
 * test_sign.h - an S3 client in a few lines: requests that are signed as they should be, to be
 * spoiled by tests, and bodies in chunks.
 *
 * It signs what it is given and encodes nothing: a target is written in its canonical form, with
 * its parameters in any order.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_TESTS_LIB_TEST_SIGN_H
#define HEARTH_TESTS_LIB_TEST_SIGN_H

#include "common/http/http.h"
#include "common/sigv4.h"
#include "gateway/auth_proof.h"

enum {
    TEST_SIGN_HEADERS_MAX = 40,
    TEST_SIGN_TEXT_MAX = 1024,
    TEST_SIGN_TARGET_MAX = 4096,
};

struct test_signer {
    const char *access_key;
    const char *secret;
    const char *region;
    const char *time; /* "20130524T000000Z" */
};

/* Of the examples that AWS publishes. */
extern const struct test_signer test_signer_published;

struct test_signed {
    char method[16];
    char target[TEST_SIGN_TARGET_MAX];
    unsigned count;
    struct {
        char name[TEST_SIGN_TEXT_MAX];
        char value[TEST_SIGN_TEXT_MAX];
    } headers[TEST_SIGN_HEADERS_MAX];
    char signature[SIGV4_SIGNATURE_SIZE + 1]; /* once it is signed */
    uint8_t key[CRYPTO_KEY_SIZE];
    struct http_header list[TEST_SIGN_HEADERS_MAX]; /* of test_signed_head() */
};

/* With a host header. */
void test_signed_init(struct test_signed *request, const char *method, const char *target);
void test_signed_add(struct test_signed *request, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Its value, to be changed; NULL: there is none. */
char *test_signed_find(struct test_signed *request, const char *name);
void test_signed_remove(struct test_signed *request, const char *name);

/* Adds date, payload and Authorization; every header that is there is signed. */
void test_sign_header(
    struct test_signed *request, const struct test_signer *signer, const char *payload);

/* The same; returns what a verifier would have made of it, whose texts are borrowed. */
struct auth_proof test_sign_proof(
    struct test_signed *request, const struct test_signer *signer, const char *payload);

/* Adds what a presigned target has. */
void test_sign_query(
    struct test_signed *request, const struct test_signer *signer, unsigned expires_s);

/* Borrowed from the request until it is changed. */
struct http_head test_signed_head(struct test_signed *request);

/* ---- bodies ---- */

/* A source of these bytes, at most `part_max` a time (0: as many as are asked for). */
struct test_bytes {
    struct hearth_source source;
    struct view bytes;
    size_t at;
    size_t part_max;
};
void test_bytes_init(struct test_bytes *bytes, struct view view, size_t part_max);

struct test_chunks {
    size_t size;
    uint8_t bytes[256 * 1024];
};

/*
 * `plain` in chunks of that size.  signer NULL: not signed.  trailer NULL: none, else
 * "x-amz-checksum-crc32:AAAAAA==".
 */
void test_chunks_encode(struct test_chunks *out, const struct test_signed *request,
    const struct test_signer *signer, struct view plain, size_t chunk_size, const char *trailer);

#endif /* HEARTH_TESTS_LIB_TEST_SIGN_H */
