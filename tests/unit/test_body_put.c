/*
 * body, handed over to a put: what it sees beside its own work decides at the end, in each way that
 * a body is sent; what must be known while it is read is still found then.
 */
#include "gateway/body.h"

#include "common/codec.h"
#include "gateway/auth_proof.h"
#include "tests/lib/test.h"
#include "tests/lib/test_sign.h"

#include <stdlib.h>

static const char signed_chunks[] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
static const char unsigned_trailer[] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
static const char signed_trailer[] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

enum { PLAIN_SIZE = 66560, SEEN_AT_ONCE = 4096 };

struct fixture {
    struct arena arena;
    struct test_signed request;
    struct test_signer signer;
    struct auth_proof proof;
    struct test_chunks raw;
    const uint8_t *md5;     /* that was handed over */
    bool sees_another_byte; /* than was read */
    enum s3_error error;
    uint8_t plain[PLAIN_SIZE];
    uint8_t out[PLAIN_SIZE + 1];
    size_t out_size;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    assert_non_null(at);
    arena_init(&at->arena, 0);
    memset(at->plain, 'a', sizeof(at->plain)); /* whose CRC is published */
    at->signer = test_signer_published;
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    arena_fini(&at->arena);
    free(at);
    return 0;
}

/* ---- requests ---- */

static void sign(struct fixture *at, const char *payload)
{
    at->proof = test_sign_proof(&at->request, &at->signer, payload);
}

static void begin(struct fixture *at)
{
    test_signed_init(&at->request, "PUT", "/photos/garden.jpg");
}

static void send_plain(struct fixture *at, const char *payload)
{
    sign(at, payload);
    memcpy(at->raw.bytes, at->plain, sizeof(at->plain));
    at->raw.size = sizeof(at->plain);
}

static void send_chunks(struct fixture *at, const char *payload)
{
    bool has_trailer = payload != signed_chunks;
    begin(at);
    test_signed_add(&at->request, "x-amz-decoded-content-length", "%d", PLAIN_SIZE);
    if (has_trailer) {
        test_signed_add(&at->request, "x-amz-trailer", "x-amz-checksum-crc32c");
    }
    sign(at, payload);
    test_chunks_encode(&at->raw, &at->request, payload != unsigned_trailer ? &at->signer : NULL,
        view_of(at->plain, sizeof(at->plain)), 65536,
        has_trailer ? "x-amz-checksum-crc32c:sOO8/Q==" : NULL);
}

/* ---- as a put does ---- */

static enum hearth_code read_all(struct fixture *at, struct hearth_source source)
{
    struct hearth_err err;
    enum hearth_code code = HEARTH_OK;
    size_t got = 1;
    for (at->out_size = 0; code == HEARTH_OK && got > 0; at->out_size += got) {
        size_t room = sizeof(at->out) - at->out_size;
        code = source.read(source.context, at->out + at->out_size, room, &got, &err);
    }
    return code;
}

static enum hearth_code see_all(struct fixture *at, struct hearth_source source)
{
    struct hearth_err err;
    at->out[0] ^= at->sees_another_byte;
    for (size_t seen = 0; seen < at->out_size; seen += SEEN_AT_ONCE) {
        size_t left = at->out_size - seen;
        size_t part = left < SEEN_AT_ONCE ? left : SEEN_AT_ONCE;
        source.see(source.context, view_of(at->out + seen, part));
    }
    return source.vouch(source.context, &err);
}

static enum s3_error put(struct fixture *at)
{
    struct http_head head = test_signed_head(&at->request);
    const struct request request = {.head = &head, .bucket = "photos"};
    const struct route route = {
        .operation = "PutObject", .right = ROUTE_WRITE, .body = ROUTE_BODY_OBJECT};
    struct test_bytes raw;
    struct body *body;
    const char *why;
    test_bytes_init(&raw, view_of(at->raw.bytes, at->raw.size), 0);
    enum s3_error error =
        body_open(&at->proof, &request, &route, raw.source, at->raw.size, &at->arena, &body, &why);
    assert_int_equal(error, S3_ERROR_NONE);
    at->md5 = body_hand_over(body);
    enum hearth_code code = read_all(at, body_source(body));
    if (code == HEARTH_OK) {
        code = see_all(at, body_source(body));
    }
    error = body_error(body);
    assert_int_equal(code == HEARTH_OK, error == S3_ERROR_NONE);
    body_close(body);
    return error;
}

/* The bytes that were seen decide, not those that were read. */
static void assert_seen_bytes_decide(struct fixture *at, enum s3_error error)
{
    at->sees_another_byte = false;
    assert_int_equal(put(at), S3_ERROR_NONE);
    assert_int_equal(at->out_size, sizeof(at->plain));
    assert_memory_equal(at->out, at->plain, sizeof(at->plain));
    at->sees_another_byte = true;
    assert_int_equal(put(at), error);
}

/* ---- the claims ---- */

static void a_signed_hash_is_that_of_what_was_seen(void **state)
{
    struct fixture *at = *state;
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char hash[2 * CRYPTO_SHA256_SIZE + 1];
    crypto_sha256(view_of(at->plain, sizeof(at->plain)), digest);
    hex_encode(digest, sizeof(digest), hash);
    begin(at);
    send_plain(at, hash);
    assert_seen_bytes_decide(at, S3_ERROR_X_AMZ_CONTENT_SHA256_MISMATCH);
}

static void a_checksum_in_a_trailer_is_that_of_what_was_seen(void **state)
{
    struct fixture *at = *state;
    send_chunks(at, unsigned_trailer);
    assert_seen_bytes_decide(at, S3_ERROR_BAD_DIGEST);
    send_chunks(at, signed_trailer);
    assert_seen_bytes_decide(at, S3_ERROR_BAD_DIGEST);
}

static void a_spoiled_chunk_is_found_when_it_is_read(void **state)
{
    struct fixture *at = *state;
    send_chunks(at, signed_chunks);
    assert_int_equal(put(at), S3_ERROR_NONE);
    at->raw.bytes[1000] ^= 1;
    assert_int_equal(put(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

static void content_md5_becomes_the_puts_to_verify(void **state)
{
    struct fixture *at = *state;
    begin(at);
    test_signed_add(&at->request, "content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="); /* of others */
    send_plain(at, "UNSIGNED-PAYLOAD");
    assert_int_equal(put(at), S3_ERROR_NONE);
    assert_non_null(at->md5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_signed_hash_is_that_of_what_was_seen),
        CASE(a_checksum_in_a_trailer_is_that_of_what_was_seen),
        CASE(a_spoiled_chunk_is_found_when_it_is_read),
        CASE(content_md5_becomes_the_puts_to_verify),
    };
    return cmocka_run_group_tests_name("body_put", tests, NULL, NULL);
}
