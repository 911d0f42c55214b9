/*
 * auth and body over the whole table of routes: every operation x every way to send a body x
 * {right, wrong, absent, another's, expired, future} signature.  Only the right one comes in; and
 * what comes in may do what its key may.  A route that is added is tried without a line here.
 */
#include "gateway/body.h"

#include "common/codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_keys.h"
#include "tests/lib/test_sign.h"

#include <stdio.h>
#include <stdlib.h>

/* How a request is signed, and its body sent. */
enum mode {
    MODE_HASH,
    MODE_UNSIGNED,
    MODE_SIGNED_CHUNKS,
    MODE_UNSIGNED_TRAILER,
    MODE_SIGNED_TRAILER,
    MODE_PRESIGNED,
    MODES,
};

static const char *const words[MODES] = {
    [MODE_UNSIGNED] = "UNSIGNED-PAYLOAD",
    [MODE_SIGNED_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    [MODE_UNSIGNED_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    [MODE_SIGNED_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
};

/* What is the matter with the signature. */
enum state { RIGHT, WRONG, ABSENT, OTHER_KEY, EXPIRED, FUTURE, STATES };

static const uint64_t signed_at_s = 1369353600; /* 20130524T000000Z */

struct fixture {
    struct test_env env;
    struct arena arena;
    struct test_keys keys;
    struct auth *auth;
    struct test_signed signed_request;
    struct test_chunks raw;
    struct http_head head;
    struct request request;
    const struct route *route;
    bool is_exact; /* the body that was read last is the one that was meant */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_env_init(&fixture->env, 1);
    test_keys_init(&fixture->keys, HEARTH_RIGHT_READ | HEARTH_RIGHT_WRITE | HEARTH_RIGHT_OWN);
    fixture->auth = auth_create(&(struct auth_options){
        .env = &fixture->env.env, .source = &fixture->keys.source, .region = "home-1"});
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    auth_destroy(fixture->auth);
    free(fixture);
    return 0;
}

/* ---- a request of a row ---- */

static void begin_request(struct fixture *at, const struct route *row)
{
    static const char *const paths[] = {
        [ROUTE_SERVICE] = "/", [ROUTE_BUCKET] = "/photos", [ROUTE_OBJECT] = "/photos/garden.jpg"};
    char target[256];
    snprintf(target, sizeof(target), "%s%s%s%s%s", paths[row->resource],
        row->param != NULL ? "?" : "", row->param != NULL ? row->param : "",
        row->param2 != NULL ? "&" : "", row->param2 != NULL ? row->param2 : "");
    test_signed_init(&at->signed_request, row->method, target);
    if (row->header != NULL) {
        test_signed_add(&at->signed_request, row->header, "/photos/other.jpg");
    }
}

static const struct view plain = {(const uint8_t *)"123456789", 9};
static const char trailer[] = "x-amz-checksum-crc32:y/Q5Jg==";

static void sign(struct fixture *at, enum mode mode, const struct test_signer *signer)
{
    struct test_signed *request = &at->signed_request;
    char hash[2 * CRYPTO_SHA256_SIZE + 1];
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(plain, digest);
    hex_encode(digest, sizeof(digest), hash);
    if (mode == MODE_PRESIGNED) {
        test_sign_query(request, signer, 900);
        return;
    }
    if (mode >= MODE_SIGNED_CHUNKS) {
        test_signed_add(request, "x-amz-decoded-content-length", "%zu", plain.size);
    }
    if (mode == MODE_UNSIGNED_TRAILER || mode == MODE_SIGNED_TRAILER) {
        test_signed_add(request, "x-amz-trailer", "x-amz-checksum-crc32");
    }
    test_sign_header(request, signer, mode == MODE_HASH ? hash : words[mode]);
}

static void encode_body(struct fixture *at, enum mode mode, const struct test_signer *signer)
{
    if (mode == MODE_HASH || mode == MODE_UNSIGNED || mode == MODE_PRESIGNED) {
        at->raw.size = plain.size;
        memcpy(at->raw.bytes, plain.bytes, plain.size);
        return;
    }
    test_chunks_encode(&at->raw, &at->signed_request, mode == MODE_UNSIGNED_TRAILER ? NULL : signer,
        plain, 4, mode == MODE_SIGNED_CHUNKS ? NULL : trailer);
}

static void make(struct fixture *at, const struct route *row, enum mode mode, enum state state)
{
    struct test_signer signer = test_signer_published;
    if (state == WRONG) {
        signer.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ";
    } else if (state == OTHER_KEY) {
        signer.access_key = "AKIAIOSFODNN7EXAMPLF";
    }
    begin_request(at, row);
    if (state != ABSENT) {
        sign(at, mode, &signer);
    }
    encode_body(at, mode, &signer);
    const int64_t apart_s = state == EXPIRED ? 901 : state == FUTURE ? -901 : 0;
    at->env.unix_ms = (uint64_t)((int64_t)signed_at_s + apart_s) * 1000;
}

/* ---- what becomes of it ---- */

static bool read_body(struct fixture *at, const struct auth_proof *proof)
{
    struct test_bytes raw;
    struct body *body;
    const char *why;
    struct hearth_err err;
    uint8_t out[64];
    size_t got = 0;
    size_t size = 0;
    test_bytes_init(&raw, view_of(at->raw.bytes, at->raw.size), 0);
    if (body_open(proof, &at->request, at->route, raw.source, at->raw.size, &at->arena, &body,
            &why) != S3_ERROR_NONE) {
        return false;
    }
    const struct hearth_source source = body_source(body);
    enum hearth_code code;
    do {
        code = source.read(source.context, out + size, sizeof(out) - size, &got, &err);
        size += got;
    } while (code == HEARTH_OK && got > 0);
    body_close(body);
    at->is_exact = view_equal(view_of(out, size), plain);
    return code == HEARTH_OK;
}

/* Let in, and its body read to its end. */
static bool comes_in(struct fixture *at, const struct route *row)
{
    static const struct request_domains none;
    const struct auth_proof *proof;
    const char *why;
    arena_init(&at->arena, 0);
    at->head = test_signed_head(&at->signed_request);
    assert_int_equal(request_parse(&at->head, &none, &at->arena, &at->request), S3_ERROR_NONE);
    assert_int_equal(route_find(&at->request, &at->route), S3_ERROR_NONE);
    assert_ptr_equal(at->route, row);
    bool is_in =
        auth_admit(at->auth, &at->request, row, &at->arena, &proof, &why) == S3_ERROR_NONE &&
        (row->body == ROUTE_BODY_NONE || read_body(at, proof));
    arena_fini(&at->arena);
    return is_in;
}

static void only_the_right_signature_comes_in_by_any_route_in_any_mode(void **state)
{
    struct fixture *at = *state;
    unsigned tried = 0;
    for (unsigned i = 0; i < route_count; i++) {
        for (enum mode mode = 0; mode < MODES; mode++) {
            for (enum state what = 0; what < STATES; what++) {
                make(at, &route_table[i], mode, what);
                at->is_exact = true; /* without a body */
                if (comes_in(at, &route_table[i]) != (what == RIGHT) ||
                    (what == RIGHT && !at->is_exact)) {
                    fail_msg("%s, mode %d, state %d", route_table[i].operation, mode, what);
                }
                tried++;
            }
        }
    }
    print_message("%u routes, %u requests\n", route_count, tried);
}

/* The signature of the head is right; that of a piece, or the hash, is not. */
static void a_body_that_is_not_what_was_signed_comes_in_by_no_route(void **state)
{
    struct fixture *at = *state;
    static const enum mode signed_modes[] = {MODE_HASH, MODE_SIGNED_CHUNKS, MODE_SIGNED_TRAILER};
    for (unsigned i = 0; i < route_count; i++) {
        for (size_t j = 0; route_table[i].body != ROUTE_BODY_NONE && j < 3; j++) {
            make(at, &route_table[i], signed_modes[j], RIGHT);
            for (size_t k = 0; k < at->raw.size; k++) { /* each digit in turn: small stays small */
                bool is_digit = at->raw.bytes[k] >= '1' && at->raw.bytes[k] <= '8';
                at->raw.bytes[k] = (uint8_t)(at->raw.bytes[k] + is_digit);
                assert_true(comes_in(at, &route_table[i]) == !is_digit);
                at->raw.bytes[k] = (uint8_t)(at->raw.bytes[k] - is_digit);
            }
        }
    }
}

static bool suffices(uint64_t rights, unsigned needed)
{
    const bool reads = rights & HEARTH_RIGHT_READ;
    const bool writes = rights & HEARTH_RIGHT_WRITE;
    const bool owns = rights & HEARTH_RIGHT_OWN;
    return needed != 0 && (reads || !(needed & (ROUTE_READ | ROUTE_LIST))) &&
        (writes || !(needed & (ROUTE_WRITE | ROUTE_DELETE))) &&
        (owns || !(needed & ROUTE_MANAGE_BUCKET));
}

static void a_key_does_by_any_route_what_its_rights_say(void **state)
{
    struct fixture *at = *state;
    for (at->keys.rights = 0; at->keys.rights < 8; at->keys.rights++) {
        test_env_step_ms(&at->env, 60 * 1000); /* the key is asked for again */
        for (unsigned i = 0; i < route_count; i++) {
            make(at, &route_table[i], MODE_UNSIGNED, RIGHT);
            assert_true(
                comes_in(at, &route_table[i]) == suffices(at->keys.rights, route_table[i].right));
        }
    }
}

/* Who copies reads the source. */
static void a_route_that_reads_a_source_needs_the_right_to(void **state)
{
    (void)state;
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        if (row->header != NULL && strcmp(row->header, "x-amz-copy-source") == 0) {
            assert_true(row->right & ROUTE_READ);
            assert_true(row->right & ROUTE_WRITE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(only_the_right_signature_comes_in_by_any_route_in_any_mode),
        CASE(a_body_that_is_not_what_was_signed_comes_in_by_no_route),
        CASE(a_key_does_by_any_route_what_its_rights_say),
        CASE(a_route_that_reads_a_source_needs_the_right_to),
#undef CASE
    };
    return cmocka_run_group_tests_name("auth_routes", tests, NULL, NULL);
}
