/*
 * body: whichever of the five ways it was sent, what comes out is what was meant, and its end is
 * said only when everything was right; whatever is spoiled in it, the end is not said.
 *
 * Published: "Transferring Payload in Multiple Chunks" and "Including Trailing Headers", Amazon S3
 * API Reference:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
#include "gateway/body.h"

#include "common/codec.h"
#include "gateway/auth_proof.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_sign.h"

#include <stdio.h>
#include <stdlib.h>

static const char unsigned_payload[] = "UNSIGNED-PAYLOAD";
static const char signed_chunks[] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
static const char unsigned_trailer[] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
static const char signed_trailer[] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

enum { PLAIN_SIZE = 66560, OUT_MAX = 128 * 1024 };

struct fixture {
    struct arena arena;
    struct test_signed request;
    struct test_signer signer;
    struct route route;
    struct auth_proof proof;
    struct test_chunks raw;
    size_t part_max;  /* of the raw source */
    size_t read_size; /* how much is asked for at once */
    uint8_t plain[PLAIN_SIZE];
    uint8_t out[OUT_MAX];
    size_t out_size;
    enum s3_error error; /* of opening or reading */
    struct hearth_checksum checksum;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    arena_init(&fixture->arena, 0);
    memset(fixture->plain, 'a', sizeof(fixture->plain)); /* as published */
    fixture->signer = test_signer_published;
    fixture->route =
        (struct route){.operation = "PutObject", .right = ROUTE_WRITE, .body = ROUTE_BODY_OBJECT};
    fixture->read_size = OUT_MAX;
    test_signed_init(&fixture->request, "PUT", "/photos/garden.jpg");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static void sign(struct fixture *at, const char *payload)
{
    at->proof = test_sign_proof(&at->request, &at->signer, payload);
}

static void say_decoded_size(struct fixture *at, size_t size)
{
    test_signed_add(&at->request, "x-amz-decoded-content-length", "%zu", size);
}

/* Reads until the end or a failure; true: the end. */
static bool read_all(struct fixture *at, struct body *body)
{
    struct hearth_err err;
    const struct hearth_source source = body_source(body);
    at->out_size = 0;
    for (;;) {
        size_t got;
        size_t room = OUT_MAX - at->out_size;
        size_t size = at->read_size < room ? at->read_size : room;
        enum hearth_code code =
            source.read(source.context, at->out + at->out_size, size, &got, &err);
        if (code != HEARTH_OK) {
            at->error = body_error(body);
            assert_int_not_equal(at->error, S3_ERROR_NONE);
            assert_int_equal(source.read(source.context, at->out, 1, &got, &err), code);
            return false;
        }
        if (got == 0) {
            return true;
        }
        at->out_size += got;
    }
}

/* Opens and reads at->raw; true: the end was said. */
static bool take(struct fixture *at)
{
    struct http_head head = test_signed_head(&at->request);
    const struct request request = {.head = &head, .bucket = "photos"};
    struct test_bytes raw;
    struct body *body;
    const char *why;
    test_bytes_init(&raw, view_of(at->raw.bytes, at->raw.size), at->part_max);
    at->error = body_open(
        &at->proof, &request, &at->route, raw.source, at->raw.size, &at->arena, &body, &why);
    if (at->error != S3_ERROR_NONE) {
        assert_int_equal(raw.at, 0);
        return false;
    }
    bool has_ended = read_all(at, body);
    const struct hearth_checksums *found = body_checksums(body);
    at->checksum = found->count > 0 ? found->items[0] : (struct hearth_checksum){.kind = 0};
    body_close(body);
    return has_ended;
}

static void send_plain(struct fixture *at)
{
    memcpy(at->raw.bytes, at->plain, sizeof(at->plain));
    at->raw.size = sizeof(at->plain);
}

/* The trailer that fits the bytes. */
static const char *trailer_of(const char *payload)
{
    return payload == signed_chunks ? NULL : "x-amz-checksum-crc32c:sOO8/Q==";
}

static void send_chunks(struct fixture *at, const char *payload)
{
    say_decoded_size(at, sizeof(at->plain));
    if (trailer_of(payload) != NULL) {
        test_signed_add(&at->request, "x-amz-trailer", "x-amz-checksum-crc32c");
    }
    sign(at, payload);
    test_chunks_encode(&at->raw, &at->request, payload != unsigned_trailer ? &at->signer : NULL,
        view_of(at->plain, sizeof(at->plain)), 65536, trailer_of(payload));
}

static void again(struct fixture *at)
{
    test_signed_init(&at->request, "PUT", "/photos/garden.jpg");
}

static void assert_whole(struct fixture *at)
{
    assert_int_equal(at->out_size, sizeof(at->plain));
    assert_memory_equal(at->out, at->plain, sizeof(at->plain));
}

/* ---- as it should be ---- */

static void the_published_chunks_are_read(void **state)
{
    struct fixture *at = *state;
    send_chunks(at, signed_chunks);
    memcpy(at->proof.signature, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        64);
    memcpy(at->request.signature, at->proof.signature, 65);
    test_chunks_encode(
        &at->raw, &at->request, &at->signer, view_of(at->plain, sizeof(at->plain)), 65536, NULL);
    assert_int_equal(at->raw.size, 66824); /* as published */
    assert_non_null(memmem(at->raw.bytes, at->raw.size,
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n",
        84));
    assert_true(take(at));
    assert_whole(at);
}

static void the_published_trailer_is_read(void **state)
{
    struct fixture *at = *state;
    static const char trailer[] =
        "x-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
    send_chunks(at, signed_trailer);
    memcpy(at->proof.signature, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        64);
    memcpy(at->request.signature, at->proof.signature, 65);
    test_chunks_encode(&at->raw, &at->request, &at->signer, view_of(at->plain, sizeof(at->plain)),
        65536, trailer_of(signed_trailer));
    assert_non_null(memmem(at->raw.bytes, at->raw.size, trailer, sizeof(trailer) - 1));
    assert_true(take(at));
    assert_whole(at);
    assert_int_equal(at->checksum.kind, HEARTH_CHECKSUM_CRC32C);
}

static void every_mode_gives_the_same_bytes_however_they_come(void **state)
{
    struct fixture *at = *state;
    static const char *const modes[] = {signed_chunks, unsigned_trailer, signed_trailer};
    static const size_t sizes[] = {1, 7, 4096, 0};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            again(at);
            send_chunks(at, modes[i]);
            at->part_max = sizes[j];
            at->read_size = sizes[3 - j] == 0 ? OUT_MAX : sizes[3 - j];
            assert_true(take(at));
            assert_whole(at);
        }
    }
}

static void bytes_as_they_are_come_out_as_they_are(void **state)
{
    struct fixture *at = *state;
    sign(at, unsigned_payload);
    send_plain(at);
    assert_true(take(at));
    assert_whole(at);
    assert_int_equal(at->checksum.kind, HEARTH_CHECKSUM_NONE);
}

static void hash_of(const void *bytes, size_t size, char text[65])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(view_of(bytes, size), digest);
    hex_encode(digest, sizeof(digest), text);
}

static void a_signed_hash_must_be_that_of_the_bytes(void **state)
{
    struct fixture *at = *state;
    char hash[65];
    hash_of(at->plain, sizeof(at->plain), hash);
    sign(at, hash);
    send_plain(at);
    assert_true(take(at));
    assert_whole(at);
    at->raw.bytes[1000] ^= 1;
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_X_AMZ_CONTENT_SHA256_MISMATCH);
}

static void an_empty_body_is_a_body_in_every_mode(void **state)
{
    struct fixture *at = *state;
    static const char *const modes[] = {signed_chunks, unsigned_trailer, signed_trailer};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        again(at);
        say_decoded_size(at, 0);
        if (trailer_of(modes[i]) != NULL) {
            test_signed_add(&at->request, "x-amz-trailer", "x-amz-checksum-crc32c");
        }
        sign(at, modes[i]);
        test_chunks_encode(&at->raw, &at->request,
            modes[i] != unsigned_trailer ? &at->signer : NULL, view_of("", 0), 1,
            modes[i] == signed_chunks ? NULL : "x-amz-checksum-crc32c:AAAAAA==");
        assert_true(take(at));
        assert_int_equal(at->out_size, 0);
    }
}

/* ---- checksums ---- */

static void checksums_of_every_kind_are_verified_and_kept(void **state)
{
    struct fixture *at = *state;
    static const struct {
        const char *name;
        enum hearth_checksum_kind kind;
        size_t size;
        const char *value; /* of "123456789" */
    } kinds[] = {
        {"crc32", HEARTH_CHECKSUM_CRC32, 4, "y/Q5Jg=="},
        {"crc32c", HEARTH_CHECKSUM_CRC32C, 4, "4waSgw=="},
        {"crc64nvme", HEARTH_CHECKSUM_CRC64NVME, 8, "rosUhgp5mIg="},
        {"sha1", HEARTH_CHECKSUM_SHA1, 20, "98O8HYCOBHMq32eZZczDTKeuNEE="},
        {"sha256", HEARTH_CHECKSUM_SHA256, 32, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "x-amz-checksum-%s", kinds[i].name);
        again(at);
        test_signed_add(&at->request, name, "%s", kinds[i].value);
        sign(at, unsigned_payload);
        memcpy(at->raw.bytes, "123456789", 9);
        at->raw.size = 9;
        assert_true(take(at));
        assert_int_equal(at->checksum.kind, kinds[i].kind);
        assert_int_equal(at->checksum.value.size, kinds[i].size);
        at->raw.bytes[3] ^= 1;
        assert_false(take(at));
        assert_int_equal(at->error, S3_ERROR_BAD_DIGEST);
    }
}

static void content_md5_is_verified(void **state)
{
    struct fixture *at = *state;
    test_signed_add(&at->request, "content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="); /* 123456789 */
    sign(at, unsigned_payload);
    memcpy(at->raw.bytes, "123456789", 9);
    at->raw.size = 9;
    assert_true(take(at));
    at->raw.bytes[0] ^= 1;
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_BAD_DIGEST);
}

static void what_is_no_digest_is_refused_before_a_byte_is_taken(void **state)
{
    struct fixture *at = *state;
    static const struct {
        const char *name;
        const char *value;
        enum s3_error error;
    } cases[] = {
        {"content-md5", "", S3_ERROR_INVALID_DIGEST},
        {"content-md5", "JfnnlDI7RTiF9RgfG2JNCw", S3_ERROR_INVALID_DIGEST},
        {"content-md5", "JfnnlDI7RTiF9RgfG2JNCx==", S3_ERROR_INVALID_DIGEST},
        {"x-amz-checksum-crc32", "AAAA", S3_ERROR_INVALID_REQUEST},
        {"x-amz-checksum-sha256", "AAAAAA==", S3_ERROR_INVALID_REQUEST},
        {"x-amz-checksum-crc32", "!AAAAA==", S3_ERROR_INVALID_REQUEST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(at);
        test_signed_add(&at->request, cases[i].name, "%s", cases[i].value);
        sign(at, unsigned_payload);
        send_plain(at);
        assert_false(take(at));
        assert_int_equal(at->error, cases[i].error);
    }
    again(at);
    test_signed_add(&at->request, "x-amz-checksum-crc32", "AAAAAA==");
    test_signed_add(&at->request, "x-amz-checksum-crc32c", "AAAAAA==");
    sign(at, unsigned_payload);
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_INVALID_REQUEST);
}

/* There the header is about the object. */
static void the_checksum_of_a_complete_is_not_that_of_its_document(void **state)
{
    struct fixture *at = *state;
    at->route = (struct route){
        .operation = "CompleteMultipartUpload", .right = ROUTE_WRITE, .body = ROUTE_BODY_XML};
    test_signed_add(&at->request, "x-amz-checksum-crc32", "AAAAAA==");
    sign(at, unsigned_payload);
    send_plain(at);
    assert_true(take(at));
    assert_int_equal(at->checksum.kind, HEARTH_CHECKSUM_NONE);
}

/* ---- spoiled ---- */

static void no_changed_byte_of_signed_chunks_is_accepted(void **state)
{
    struct fixture *at = *state;
    static const char *const modes[] = {signed_chunks, signed_trailer};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        again(at);
        send_chunks(at, modes[i]);
        const size_t heads[][2] = {{0, 100}, {65536, 65900}, {at->raw.size - 400, at->raw.size}};
        for (size_t j = 0; j < 3; j++) {
            for (size_t k = heads[j][0]; k < heads[j][1]; k++) {
                at->raw.bytes[k] ^= 0x41;
                bool is_whole = take(at);
                at->raw.bytes[k] ^= 0x41;
                assert_false(is_whole);
            }
        }
        assert_true(take(at));
    }
}

static void no_beginning_of_a_body_in_chunks_is_accepted(void **state)
{
    struct fixture *at = *state;
    static const char *const modes[] = {signed_chunks, unsigned_trailer, signed_trailer};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        again(at);
        send_chunks(at, modes[i]);
        size_t whole = at->raw.size;
        for (size_t cut = 3; cut<whole; cut += cut> 300 ? 997 : 1) {
            at->raw.size = whole - cut; /* without the last "\r\n" all is said */
            assert_false(take(at));
        }
    }
}

static void nothing_may_follow_the_end(void **state)
{
    struct fixture *at = *state;
    static const char *const modes[] = {signed_chunks, unsigned_trailer, signed_trailer};
    static const char *const more[] = {"x", "0\r\n", "a:b\r\n", "\r\n\r\nx:y\r\n",
        "x-amz-checksum-crc32c:sOO8/Q==\r\n", "x-amz-checksum-crc32:sOO8/Q==\r\n"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        for (size_t j = 0; j < sizeof(more) / sizeof(more[0]); j++) {
            again(at);
            send_chunks(at, modes[i]);
            memcpy(at->raw.bytes + at->raw.size, more[j], strlen(more[j]));
            at->raw.size += strlen(more[j]);
            assert_false(take(at));
        }
    }
}

static void the_length_that_was_said_is_the_length(void **state)
{
    struct fixture *at = *state;
    static const int lies[] = {-1, 1, 1000, -66560};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        again(at);
        say_decoded_size(at, (size_t)(PLAIN_SIZE + lies[i]));
        sign(at, unsigned_trailer);
        test_chunks_encode(
            &at->raw, &at->request, NULL, view_of(at->plain, sizeof(at->plain)), 1000, NULL);
        assert_false(take(at));
        assert_true(at->out_size <= (size_t)(PLAIN_SIZE + (lies[i] < 0 ? lies[i] : 0)));
    }
}

static void sizes_that_no_chunk_has_are_refused(void **state)
{
    struct fixture *at = *state;
    static const char *const bodies[] = {"10000000000000001\r\na\r\n0\r\n\r\n",
        "ffffffffffffffff\r\na\r\n0\r\n\r\n", "-1\r\na\r\n0\r\n\r\n", "+1\r\na\r\n0\r\n\r\n",
        " 1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n", "1;x=y\r\na\r\n0\r\n\r\n",
        "1\r\na\r\n0;x=y\r\n\r\n", "0x1\r\na\r\n0\r\n\r\n", "\r\n1\r\na\r\n0\r\n\r\n",
        "x\r\na\r\n0\r\n\r\n", "1\na\n0\n\n", "1\r\nab\r\n0\r\n\r\n", "1\r\na0\r\n\r\n",
        "2\r\nab\r\n0\r\n\r\n", "fffffffffffffff\r\na\r\n0\r\n\r\n"};
    static const char right[] = "1\r\na\r\n0\r\n\r\n";
    say_decoded_size(at, 1);
    sign(at, unsigned_trailer);
    at->raw.size = sizeof(right) - 1;
    memcpy(at->raw.bytes, right, at->raw.size);
    assert_true(take(at));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        again(at);
        say_decoded_size(at, 1);
        sign(at, unsigned_trailer);
        at->raw.size = strlen(bodies[i]);
        memcpy(at->raw.bytes, bodies[i], at->raw.size);
        assert_false(take(at));
    }
    memset(at->raw.bytes, '0', 4096);
    at->raw.size = 4096;
    assert_false(take(at));
}

static void a_wrong_trailer_spoils_the_body(void **state)
{
    struct fixture *at = *state;
    static const struct {
        const char *announced;
        const char *sent;
    } cases[] = {
        {"x-amz-checksum-crc32c", "x-amz-checksum-crc32c:sOO8/g=="}, /* another value */
        {"x-amz-checksum-crc32c", "x-amz-checksum-crc32:sOO8/Q=="},  /* another name */
        {"x-amz-checksum-crc32c", NULL},                             /* none */
        {NULL, "x-amz-checksum-crc32c:sOO8/Q=="},                    /* not announced */
        {"x-amz-checksum-crc32c", "x-amz-meta-a:b"},
        {"x-amz-checksum-crc32c", "x-amz-checksum-crc32c"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(at);
        say_decoded_size(at, PLAIN_SIZE);
        if (cases[i].announced != NULL) {
            test_signed_add(&at->request, "x-amz-trailer", "%s", cases[i].announced);
        }
        sign(at, unsigned_trailer);
        test_chunks_encode(&at->raw, &at->request, NULL, view_of(at->plain, sizeof(at->plain)),
            4096, cases[i].sent);
        assert_false(take(at));
    }
}

static void only_checksums_are_taken_from_behind_a_body(void **state)
{
    struct fixture *at = *state;
    static const char *const names[] = {"x-amz-meta-a", "x-amz-acl", "x-amz-checksum-md5",
        "x-amz-checksum-crc32,x-amz-checksum-sha1", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        again(at);
        say_decoded_size(at, PLAIN_SIZE);
        test_signed_add(&at->request, "x-amz-trailer", "%s", names[i]);
        sign(at, unsigned_trailer);
        assert_false(take(at));
        assert_int_equal(at->error, S3_ERROR_INVALID_REQUEST);
    }
    again(at); /* nor where no trailer comes */
    test_signed_add(&at->request, "x-amz-trailer", "x-amz-checksum-crc32");
    sign(at, unsigned_payload);
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_INVALID_REQUEST);
}

static void chunks_cannot_be_left_out_repeated_or_exchanged(void **state)
{
    struct fixture *at = *state;
    for (size_t i = 0; i < sizeof(at->plain); i++) {
        at->plain[i] = (uint8_t)(i / 1000);
    }
    say_decoded_size(at, 3000);
    sign(at, signed_chunks);
    test_chunks_encode(&at->raw, &at->request, &at->signer, view_of(at->plain, 3000), 1000, NULL);
    const size_t chunk = 3 + 17 + 64 + 2 + 1000 + 2;
    static struct test_chunks whole;
    whole = at->raw;
    assert_true(take(at));
    memcpy(at->raw.bytes, whole.bytes + chunk, chunk); /* the second twice */
    assert_false(take(at));
    memcpy(at->raw.bytes + chunk, whole.bytes, chunk); /* and for the first */
    assert_false(take(at));
    at->raw = whole;
    memmove(at->raw.bytes + chunk, whole.bytes + 2 * chunk, whole.size - 2 * chunk);
    at->raw.size -= chunk;
    assert_false(take(at));
}

/* ---- which mode it is ---- */

static void what_is_no_mode_is_refused(void **state)
{
    struct fixture *at = *state;
    static const char *const payloads[] = {"", "unsigned-payload", "UNSIGNED-PAYLOAD ",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
        "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        again(at);
        sign(at, payloads[i]);
        assert_false(take(at));
        assert_int_equal(at->error, S3_ERROR_INVALID_ARGUMENT);
    }
}

static void who_does_not_sign_sends_no_body(void **state)
{
    struct fixture *at = *state;
    at->proof = (struct auth_proof){.is_anonymous = true};
    at->raw.size = 0;
    assert_true(take(at));
    send_plain(at);
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_ACCESS_DENIED);
}

static void chunks_need_a_length_that_is_one(void **state)
{
    struct fixture *at = *state;
    static const char *const bad[] = {"", "-1", "0x10", "1e3", "1 ", "9999999999999999999"};
    sign(at, signed_chunks);
    assert_false(take(at));
    assert_int_equal(at->error, S3_ERROR_MISSING_CONTENT_LENGTH);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        again(at);
        test_signed_add(&at->request, "x-amz-decoded-content-length", "%s", bad[i]);
        sign(at, signed_chunks);
        assert_false(take(at));
        assert_int_equal(at->error, S3_ERROR_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(the_published_chunks_are_read),
        CASE(the_published_trailer_is_read),
        CASE(every_mode_gives_the_same_bytes_however_they_come),
        CASE(bytes_as_they_are_come_out_as_they_are),
        CASE(a_signed_hash_must_be_that_of_the_bytes),
        CASE(an_empty_body_is_a_body_in_every_mode),
        CASE(checksums_of_every_kind_are_verified_and_kept),
        CASE(content_md5_is_verified),
        CASE(what_is_no_digest_is_refused_before_a_byte_is_taken),
        CASE(the_checksum_of_a_complete_is_not_that_of_its_document),
        CASE(no_changed_byte_of_signed_chunks_is_accepted),
        CASE(no_beginning_of_a_body_in_chunks_is_accepted),
        CASE(nothing_may_follow_the_end),
        CASE(the_length_that_was_said_is_the_length),
        CASE(sizes_that_no_chunk_has_are_refused),
        CASE(a_wrong_trailer_spoils_the_body),
        CASE(only_checksums_are_taken_from_behind_a_body),
        CASE(chunks_cannot_be_left_out_repeated_or_exchanged),
        CASE(what_is_no_mode_is_refused),
        CASE(who_does_not_sign_sends_no_body),
        CASE(chunks_need_a_length_that_is_one),
#undef CASE
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
