/*
 * auth: 100,000 requests that were signed and then changed by chance, in one place or a few.  None
 * is let in that asks for anything else than was signed.
 *
 * A change may leave the meaning as it was ("%41" for "A", a blank more in a header): such a
 * request is let in, and the test compares what it asks for with what was signed.  Prints its seed.
 */
#include "gateway/auth.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_keys.h"
#include "tests/lib/test_sign.h"

#include <stdio.h>
#include <stdlib.h>

enum { MUTANTS = 100 * 1000, SEED = 20261128 };

struct fixture {
    struct test_env env;
    struct auth *auth;
    struct test_keys keys;
    struct test_signed original;
    struct test_signed mutant;
    unsigned let_in;
    unsigned refused;
};

static uint64_t draw(struct fixture *at, uint64_t below)
{
    return env_random_below(&at->env.env, below);
}

/* ---- what is signed ---- */

static const char *const targets[] = {"/photos/garden.jpg",
    "/photos/2026/a%20b%2Bc.jpg?partNumber=2"
    "&uploadId=abc",
    "/photos?list-type=2&prefix=2026%2F&delimiter=%2F", "/?x-id=ListBuckets",
    "/photos/%C3%A9?versionId=null", "/photos?prefix=a%2Bb%20c"};
static const char *const methods[] = {"GET", "PUT", "DELETE", "HEAD", "POST"};

static void sign_one(struct fixture *at)
{
    static const char *const payloads[] = {"UNSIGNED-PAYLOAD",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"};
    test_signed_init(&at->original, methods[draw(at, 5)], targets[draw(at, 6)]);
    if (draw(at, 2) == 0) {
        test_signed_add(&at->original, "x-amz-meta-color", "dark green");
        test_signed_add(&at->original, "content-type", "image/jpeg");
    }
    if (draw(at, 3) == 0) {
        test_sign_query(&at->original, &test_signer_published, 900);
    } else {
        test_sign_header(&at->original, &test_signer_published, payloads[draw(at, 4)]);
    }
}

/* ---- what is changed ---- */

static void change_text(struct fixture *at, char *text, size_t size_max)
{
    static const char signs[] = "/%&=;,+ 0aAZ~.\t?:\x7f";
    size_t length = strlen(text);
    size_t where = draw(at, length + 1);
    char sign = draw(at, 3) == 0 ? (char)(1 + draw(at, 255)) : signs[draw(at, sizeof(signs) - 1)];
    switch (draw(at, 4)) {
    case 0:
        if (where < length) {
            text[where] = sign;
        }
        break;
    case 1:
        if (length + 2 < size_max) {
            memmove(text + where + 1, text + where, length - where + 1);
            text[where] = sign;
        }
        break;
    case 2:
        if (where < length) {
            memmove(text + where, text + where + 1, length - where);
        }
        break;
    default:
        if (where < length) {
            text[where] = (char)(text[where] ^ 1 << draw(at, 7));
        }
    }
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\r' || *c == '\n' ? '_' : *c; /* which no line of HTTP can hold */
    }
}

static void change_headers(struct fixture *at)
{
    static const char *const names[] = {"x-amz-acl", "x-amz-copy-source", "x-amz-meta-color",
        "content-md5", "authorization", "host", "x-amz-date", "x-amz-content-sha256", "range"};
    struct test_signed *mutant = &at->mutant;
    if (mutant->count == 0) {
        return;
    }
    unsigned which = (unsigned)draw(at, mutant->count);
    switch (draw(at, 3)) {
    case 0: test_signed_remove(mutant, mutant->headers[which].name); break;
    case 1:
        test_signed_add(mutant, names[draw(at, sizeof(names) / sizeof(names[0]))], "%s",
            mutant->headers[which].value);
        break;
    default: change_text(at, mutant->headers[which].value, TEST_SIGN_TEXT_MAX);
    }
}

static void change(struct fixture *at)
{
    at->mutant = at->original;
    for (uint64_t times = 1 + draw(at, 3); times > 0; times--) {
        switch (draw(at, 5)) {
        case 0: snprintf(at->mutant.method, 16, "%s", methods[draw(at, 5)]); break;
        case 1:
        case 2: change_text(at, at->mutant.target, TEST_SIGN_TARGET_MAX); break;
        default: change_headers(at);
        }
    }
}

/* ---- what is let in ---- */

static bool is_same_param(const struct request_param *a, const struct request_param *b)
{
    return view_equal(a->name, b->name) && view_equal(a->value, b->value);
}

/* Each parameter of one is in the other, as often. */
static bool has_same_params(const struct request *a, const struct request *b)
{
    unsigned balance = 0;
    for (unsigned i = 0; i < a->param_count; i++) {
        unsigned here = 0;
        unsigned there = 0;
        for (unsigned j = 0; j < a->param_count; j++) {
            here += is_same_param(&a->params[i], &a->params[j]);
        }
        for (unsigned j = 0; j < b->param_count; j++) {
            there += is_same_param(&a->params[i], &b->params[j]);
        }
        balance += here != there;
    }
    return a->param_count == b->param_count && balance == 0;
}

static bool asks_the_same(const struct request *a, const struct request *b)
{
    bool has_buckets = a->bucket != NULL && b->bucket != NULL;
    return strcmp(a->head->method, b->head->method) == 0 &&
        (has_buckets ? strcmp(a->bucket, b->bucket) == 0 : a->bucket == b->bucket) &&
        view_equal(a->key, b->key) && has_same_params(a, b);
}

/* Blanks aside, which mean nothing there. */
static bool is_same_value(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        a += strspn(a, " \t");
        b += strspn(b, " \t");
        if (*a != *b) {
            return false;
        }
        a += *a != '\0';
        b += *b != '\0';
    }
    return true;
}

/* What the gateway acts upon, beside the target. */
static bool means_the_same(struct fixture *at)
{
    for (unsigned i = 0; i < at->mutant.count; i++) {
        const char *name = at->mutant.headers[i].name;
        if (strncmp(name, "x-amz-", 6) == 0 || strcmp(name, "content-md5") == 0 ||
            strcmp(name, "host") == 0) {
            const char *before = test_signed_find(&at->original, name);
            if (before == NULL || !is_same_value(before, at->mutant.headers[i].value)) {
                return false;
            }
        }
    }
    return true;
}

static bool try_one(
    struct fixture *at, struct test_signed *request, struct arena *arena, struct request *parsed)
{
    static const struct request_domains none;
    static const struct route route = {
        .operation = "Something", .right = ROUTE_READ, .body = ROUTE_BODY_NONE};
    static struct http_head heads[2];
    struct http_head *head = &heads[request == &at->mutant];
    const struct auth_proof *proof;
    const char *why;
    *head = test_signed_head(request);
    return request_parse(head, &none, arena, parsed) == S3_ERROR_NONE &&
        auth_admit(at->auth, parsed, &route, arena, &proof, &why) == S3_ERROR_NONE;
}

static void mutate(struct fixture *at, unsigned nth)
{
    struct arena arena;
    struct request original;
    struct request mutant;
    arena_init(&arena, 0);
    change(at);
    assert_true(try_one(at, &at->original, &arena, &original));
    if (!try_one(at, &at->mutant, &arena, &mutant)) {
        at->refused++;
    } else if (asks_the_same(&original, &mutant) && means_the_same(at)) {
        at->let_in++;
    } else {
        print_message("mutant %u: %s %s\n    was %s %s\n", nth, at->mutant.method,
            at->mutant.target, at->original.method, at->original.target);
        for (unsigned i = 0; i < at->mutant.count; i++) {
            print_message("    %s: %s\n", at->mutant.headers[i].name, at->mutant.headers[i].value);
        }
        fail_msg("it was let in");
    }
    arena_fini(&arena);
}

static void no_changed_request_is_let_in_for_something_else(void **state)
{
    (void)state;
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, SEED);
    print_message("seed %d\n", SEED);
    at->env.unix_ms = UINT64_C(1369353600) * 1000;
    test_keys_init(&at->keys, HEARTH_RIGHT_READ | HEARTH_RIGHT_WRITE);
    at->auth = auth_create(&(struct auth_options){
        .env = &at->env.env, .source = &at->keys.source, .region = "home-1"});
    for (unsigned i = 0; i < MUTANTS; i++) {
        if (i % 10 == 0) {
            sign_one(at);
        }
        mutate(at, i);
    }
    print_message("%u refused, %u meant the same\n", at->refused, at->let_in);
    assert_true(at->refused > MUTANTS / 2 && at->let_in > 0);
    auth_destroy(at->auth);
    free(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_changed_request_is_let_in_for_something_else),
    };
    return cmocka_run_group_tests_name("auth_mutants", tests, NULL, NULL);
}
