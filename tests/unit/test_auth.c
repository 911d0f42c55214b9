/*
 * auth: nobody comes in without a signature that is right now, for a key that is good now, for what
 * its key may do; or without any, where everybody may read.  Time is stepped; the coordinator is
 * invented.
 */
#include "gateway/auth.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_sign.h"

#include <pthread.h>
#include <stdlib.h>

static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct fixture {
    struct test_env env;
    struct arena arena;
    struct auth_source source;
    struct auth *auth;
    struct test_signed signed_request;
    struct route route;
    const struct auth_proof *proof;
    const char *why;

    /* What the invented coordinator says. */
    struct test_signer known;
    uint64_t rights;
    enum hearth_code code; /* of every question; OK: as it is */
    bool is_public;
    unsigned asked;
};

/* Whose the key and the bucket are; never looked into. */
static struct hearth *const ann = (struct hearth *)0x10;

static enum hearth_code answer_key(void *context, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err)
{
    struct fixture *fixture = context;
    fixture->asked++;
    if (fixture->code != HEARTH_OK) {
        return hearth_fail(err, fixture->code, "invented");
    }
    if (!view_equal(access_key, view_text(fixture->known.access_key))) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key");
    }
    *out = (struct auth_key){.rights = fixture->rights, .hearth = ann};
    sigv4_derive_key(view_text(fixture->known.secret), scope, out->key);
    return HEARTH_OK;
}

static enum hearth_code answer_bucket(
    void *context, const char *bucket, struct hearth **out, struct hearth_err *err)
{
    struct fixture *fixture = context;
    fixture->asked++;
    if (fixture->code != HEARTH_OK) {
        return hearth_fail(err, fixture->code, "invented");
    }
    *out = ann;
    return fixture->is_public && strcmp(bucket, "photos") == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "not public");
}

static const uint64_t signed_at_ms = UINT64_C(1369353600) * 1000; /* 20130524T000000Z */

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_env_init(&fixture->env, 1);
    fixture->env.unix_ms = signed_at_ms;
    arena_init(&fixture->arena, 0);
    fixture->known = test_signer_published;
    fixture->rights = HEARTH_RIGHT_READ | HEARTH_RIGHT_WRITE | HEARTH_RIGHT_OWN;
    fixture->route = (struct route){.operation = "GetObject", .right = ROUTE_READ};
    fixture->source = (struct auth_source){answer_key, answer_bucket, fixture};
    const struct auth_options options = {
        .env = &fixture->env.env, .source = &fixture->source, .region = "home-1"};
    fixture->auth = auth_create(&options);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    auth_destroy(fixture->auth);
    arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static enum s3_error admit(struct fixture *at)
{
    struct http_head head = test_signed_head(&at->signed_request);
    const struct request request = {
        .head = &head, .bucket = "photos", .key = view_text("garden.jpg")};
    at->proof = NULL;
    enum s3_error error =
        auth_admit(at->auth, &request, &at->route, &at->arena, &at->proof, &at->why);
    assert_true((error == S3_ERROR_NONE) == (at->proof != NULL));
    return error;
}

static enum s3_error admit_signed_by(struct fixture *at, const struct test_signer *signer)
{
    test_signed_init(&at->signed_request, "GET", "/photos/garden.jpg?versionId=null");
    test_sign_header(&at->signed_request, signer, empty_hash);
    return admit(at);
}

static enum s3_error admit_presigned_by(
    struct fixture *at, const struct test_signer *signer, unsigned expires_s)
{
    test_signed_init(&at->signed_request, "GET", "/photos/garden.jpg?versionId=null");
    test_sign_query(&at->signed_request, signer, expires_s);
    return admit(at);
}

/* ---- signatures ---- */

static void a_right_signature_comes_in_as_its_tenant(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
    assert_ptr_equal(auth_proof_hearth(at->proof), ann);
    assert_true(view_equal(auth_proof_access_key(at->proof), view_text(at->known.access_key)));
    assert_int_equal(admit_presigned_by(at, &at->known, 60), S3_ERROR_NONE);
    assert_ptr_equal(auth_proof_hearth(at->proof), ann);
}

static void another_secret_or_key_does_not(void **state)
{
    struct fixture *at = *state;
    struct test_signer other = at->known;
    other.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ";
    assert_int_equal(admit_signed_by(at, &other), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    assert_int_equal(admit_presigned_by(at, &other, 60), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    other = at->known;
    other.access_key = "AKIAIOSFODNN7EXAMPLF";
    assert_int_equal(admit_signed_by(at, &other), S3_ERROR_INVALID_ACCESS_KEY_ID);
    assert_int_equal(admit_presigned_by(at, &other, 60), S3_ERROR_INVALID_ACCESS_KEY_ID);
}

static void a_signature_is_for_one_method_path_query_and_header(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
    strcpy(at->signed_request.method, "PUT");
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    admit_signed_by(at, &at->known);
    strcpy(at->signed_request.target, "/photos/garden.jp%67?versionId=null"); /* the same bytes */
    assert_int_equal(admit(at), S3_ERROR_NONE);
    strcpy(at->signed_request.target, "/photos/garden.jpf?versionId=null");
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    strcpy(at->signed_request.target, "/photos/garden.jpg?versionId=null&acl");
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    strcpy(at->signed_request.target, "/photos/garden.jpg");
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    admit_signed_by(at, &at->known);
    strcpy(test_signed_find(&at->signed_request, "host"), "elsewhere");
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    admit_signed_by(at, &at->known);
    test_signed_find(&at->signed_request, "x-amz-content-sha256")[0] = 'f';
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

static void a_signature_has_sixty_four_small_digits(void **state)
{
    struct fixture *at = *state;
    admit_signed_by(at, &at->known);
    char *text = strstr(test_signed_find(&at->signed_request, "authorization"), "Signature=") + 10;
    for (char *digit = text; *digit != '\0'; digit++) {
        *digit = (char)(*digit >= 'a' ? *digit - 'a' + 'A' : *digit);
    }
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    admit_signed_by(at, &at->known);
    text[63] = '\0';
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
    text[0] = '\0';
    assert_int_equal(admit(at), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

static void the_regions_that_clients_name_are_taken(void **state)
{
    struct fixture *at = *state;
    static const char *const taken[] = {"home-1", "us-east-1", "US", "auto"};
    struct test_signer signer = at->known;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        signer.region = taken[i];
        assert_int_equal(admit_signed_by(at, &signer), S3_ERROR_NONE);
    }
    signer.region = "eu-west-1";
    assert_int_equal(admit_signed_by(at, &signer), S3_ERROR_AUTHORIZATION_HEADER_MALFORMED);
    assert_int_equal(admit_presigned_by(at, &signer, 60), S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS);
}

static void yesterdays_and_tomorrows_requests_are_refused(void **state)
{
    struct fixture *at = *state;
    at->env.unix_ms = signed_at_ms + 901 * 1000;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_REQUEST_TIME_TOO_SKEWED);
    at->env.unix_ms = signed_at_ms - 901 * 1000;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_REQUEST_TIME_TOO_SKEWED);
    assert_int_equal(admit_presigned_by(at, &at->known, 60), S3_ERROR_ACCESS_DENIED);
    at->env.unix_ms = signed_at_ms + 61 * 1000;
    assert_int_equal(admit_presigned_by(at, &at->known, 60), S3_ERROR_REQUEST_EXPIRED);
    assert_int_equal(at->asked, 0); /* nobody is asked for their key */
}

/* ---- keys are remembered, and forgotten ---- */

static void a_key_is_asked_for_once_a_minute(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
    }
    assert_int_equal(at->asked, 1);
}

static void a_revoked_key_is_refused_within_sixty_seconds(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
    struct test_signer revoked = at->known;
    at->known.access_key = "AKIAIOSFODNN7EXAMPLF";
    test_env_step_ms(&at->env, 60 * 1000);
    assert_int_equal(admit_signed_by(at, &revoked), S3_ERROR_INVALID_ACCESS_KEY_ID);
}

static void who_guesses_keys_does_not_reach_the_coordinator_each_time(void **state)
{
    struct fixture *at = *state;
    struct test_signer guess = at->known;
    guess.access_key = "AKIAIOSFODNN7EXAMPLF";
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(admit_signed_by(at, &guess), S3_ERROR_INVALID_ACCESS_KEY_ID);
    }
    assert_int_equal(at->asked, 1);
    at->known = guess; /* made meanwhile */
    test_env_step_ms(&at->env, AUTH_KEYS_ABSENT_MS);
    assert_int_equal(admit_signed_by(at, &guess), S3_ERROR_NONE);
}

static void without_a_coordinator_nobody_is_called_unknown(void **state)
{
    struct fixture *at = *state;
    at->code = HEARTH_UNREACHABLE;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_SERVICE_UNAVAILABLE);
    at->code = HEARTH_OK;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
}

/* ---- what one may do ---- */

static void a_key_does_what_its_rights_say_and_nothing_else(void **state)
{
    struct fixture *at = *state;
    static const enum route_right needed[] = {
        ROUTE_READ, ROUTE_LIST, ROUTE_WRITE, ROUTE_DELETE, ROUTE_MANAGE_BUCKET};
    static const uint64_t gives[] = {HEARTH_RIGHT_READ, HEARTH_RIGHT_READ, HEARTH_RIGHT_WRITE,
        HEARTH_RIGHT_WRITE, HEARTH_RIGHT_OWN};
    for (uint64_t rights = 0; rights < 8; rights++) {
        at->rights = rights;
        test_env_step_ms(&at->env, 60 * 1000);
        at->env.unix_ms = signed_at_ms;
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
            at->route.right = needed[i];
            assert_int_equal(admit_signed_by(at, &at->known),
                rights & gives[i] ? S3_ERROR_NONE : S3_ERROR_ACCESS_DENIED);
        }
    }
}

static void a_proof_permits_only_all_of_what_is_asked(void **state)
{
    struct fixture *at = *state;
    at->rights = HEARTH_RIGHT_READ;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_NONE);
    assert_true(auth_permits(at->proof, ROUTE_READ));
    assert_false(auth_permits(at->proof, ROUTE_READ | ROUTE_WRITE));
    assert_false(auth_permits(at->proof, 0));
    auth_proof_end(at->proof);
    assert_false(auth_permits(at->proof, ROUTE_READ));
}

static void a_route_without_a_right_is_for_nobody(void **state)
{
    struct fixture *at = *state;
    at->route.right = 0;
    assert_int_equal(admit_signed_by(at, &at->known), S3_ERROR_ACCESS_DENIED);
}

/* ---- nobody in particular ---- */

static enum s3_error admit_anybody(struct fixture *at, const char *operation, unsigned right)
{
    at->route = (struct route){.operation = operation, .right = right};
    test_signed_init(&at->signed_request, "GET", "/photos/garden.jpg");
    return admit(at);
}

static void anybody_reads_what_is_public_and_does_nothing_else(void **state)
{
    struct fixture *at = *state;
    at->is_public = true;
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_NONE);
    assert_ptr_equal(auth_proof_hearth(at->proof), ann);
    assert_int_equal(auth_proof_access_key(at->proof).size, 0);
    assert_false(auth_permits(at->proof, ROUTE_WRITE));
    assert_int_equal(admit_anybody(at, "ListObjectsV2", ROUTE_LIST), S3_ERROR_NONE);
    static const struct {
        const char *operation;
        unsigned right;
    } others[] = {
        {"PutObject", ROUTE_WRITE},
        {"DeleteObject", ROUTE_DELETE},
        {"DeleteBucket", ROUTE_MANAGE_BUCKET},
        {"ListMultipartUploads", ROUTE_LIST},
        {"ListBuckets", ROUTE_LIST},
        {"GetObjectTagging", ROUTE_READ},
        {"GetObject", ROUTE_READ | ROUTE_WRITE}, /* as no table should say */
        {"SomethingNew", ROUTE_READ},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(
            admit_anybody(at, others[i].operation, others[i].right), S3_ERROR_ACCESS_DENIED);
    }
}

static void what_is_not_public_is_as_if_it_were_not_there(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_ACCESS_DENIED);
    assert_null(at->why);
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_ACCESS_DENIED);
    assert_int_equal(at->asked, 1);
    at->code = HEARTH_UNREACHABLE;
    test_env_step_ms(&at->env, 60 * 1000);
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_SERVICE_UNAVAILABLE);
}

static void a_bucket_is_public_no_longer_than_a_minute_after_it_was(void **state)
{
    struct fixture *at = *state;
    at->is_public = true;
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_NONE);
    at->is_public = false;
    test_env_step_ms(&at->env, 60 * 1000);
    assert_int_equal(admit_anybody(at, "GetObject", ROUTE_READ), S3_ERROR_ACCESS_DENIED);
}

/* A wrong signature is not taken for none. */
static void a_wrong_signature_reads_nothing_public(void **state)
{
    struct fixture *at = *state;
    struct test_signer other = at->known;
    at->is_public = true;
    other.secret = "not it";
    assert_int_equal(admit_signed_by(at, &other), S3_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

/* ---- many at once ---- */

enum { THREADS = 4, TIMES = 200 };

/* Half of the keys are there. */
static enum hearth_code answer_many(void *context, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err)
{
    (void)context;
    if (access_key.bytes[access_key.size - 1] % 2 == 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key");
    }
    *out = (struct auth_key){.rights = HEARTH_RIGHT_READ, .hearth = ann};
    sigv4_derive_key(view_text(test_signer_published.secret), scope, out->key);
    return HEARTH_OK;
}

/* How many of them were answered wrongly. */
static void *admit_often(void *context)
{
    struct fixture *at = context;
    size_t wrong = 0;
    for (unsigned i = 0; i < TIMES; i++) {
        char access_key[] = "AKIAIOSFODNN7EXAMPLE";
        char *last = &access_key[sizeof(access_key) - 2];
        struct test_signer signer = at->known;
        *last = (char)('A' + i % 20);
        signer.access_key = access_key;
        wrong += admit_signed_by(at, &signer) !=
            (*last % 2 == 0 ? S3_ERROR_INVALID_ACCESS_KEY_ID : S3_ERROR_NONE);
    }
    arena_fini(&at->arena);
    return (void *)wrong;
}

/* Keys are found, forgotten and asked for by several threads, while time goes on. */
static void threads_share_a_verifier(void **state)
{
    struct fixture *at = *state;
    static struct fixture own[THREADS]; /* each thread's, but for the verifier */
    pthread_t threads[THREADS];
    void *wrong;
    at->source.signing_key = answer_many;
    for (unsigned i = 0; i < THREADS; i++) {
        own[i] = *at;
        arena_init(&own[i].arena, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, admit_often, &own[i]), 0);
    }
    for (unsigned i = 0; i < 800; i++) {
        test_env_step_ms(&at->env, 1000); /* less than clocks may be apart */
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_right_signature_comes_in_as_its_tenant),
        CASE(another_secret_or_key_does_not),
        CASE(a_signature_is_for_one_method_path_query_and_header),
        CASE(a_signature_has_sixty_four_small_digits),
        CASE(the_regions_that_clients_name_are_taken),
        CASE(yesterdays_and_tomorrows_requests_are_refused),
        CASE(a_key_is_asked_for_once_a_minute),
        CASE(a_revoked_key_is_refused_within_sixty_seconds),
        CASE(who_guesses_keys_does_not_reach_the_coordinator_each_time),
        CASE(without_a_coordinator_nobody_is_called_unknown),
        CASE(a_key_does_what_its_rights_say_and_nothing_else),
        CASE(a_proof_permits_only_all_of_what_is_asked),
        CASE(a_route_without_a_right_is_for_nobody),
        CASE(anybody_reads_what_is_public_and_does_nothing_else),
        CASE(what_is_not_public_is_as_if_it_were_not_there),
        CASE(a_bucket_is_public_no_longer_than_a_minute_after_it_was),
        CASE(a_wrong_signature_reads_nothing_public),
        CASE(threads_share_a_verifier),
#undef CASE
    };
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
