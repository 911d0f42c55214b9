/*
 * bucket_key: a wrapped key opens for its bucket, version and root key, and for nothing else.
 */
#include "client/bucket_key.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

static const uint8_t bucket_id[BUCKET_ID_SIZE] = {
    0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf};

struct fixture {
    struct test_env env;
    struct root_key root;
    struct bucket_key key;
    uint8_t wrapped[BUCKET_KEY_WRAPPED_SIZE];
    struct hearth_err err;
};

static int fixture_setup(void **state)
{
    static struct fixture fixture;
    test_env_init(&fixture.env, 1);
    test_env_count_bytes(&fixture.env);
    for (unsigned i = 0; i < sizeof(fixture.root.bytes); i++) {
        fixture.root.bytes[i] = (uint8_t)i;
    }
    bucket_key_draw(&fixture.env.env, 3, &fixture.key);
    bucket_key_wrap(&fixture.key, &fixture.env.env, &fixture.root, bucket_id, fixture.wrapped);
    *state = &fixture;
    return 0;
}

static enum hearth_code unwrap(struct fixture *fixture, uint32_t version, const uint8_t id[])
{
    struct bucket_key key;
    return bucket_key_unwrap(view_of(fixture->wrapped, sizeof(fixture->wrapped)), version,
        &fixture->root, id, &key, &fixture->err);
}

static void the_wrap_is_the_golden_bytes_and_opens(void **state)
{
    struct fixture *fixture = *state;
    struct view wrapped = view_of(fixture->wrapped, sizeof(fixture->wrapped));
    test_vector_expect("bucket_key.txt", "wrapped", wrapped);
    struct bucket_key key;
    assert_ok(bucket_key_unwrap(wrapped, 3, &fixture->root, bucket_id, &key, &fixture->err),
        &fixture->err);
    assert_int_equal(key.version, 3);
    assert_memory_equal(key.bytes, fixture->key.bytes, sizeof(key.bytes));
}

static void every_flipped_bit_and_cut_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct bucket_key key;
    for (size_t bit = 0; bit < 8 * sizeof(fixture->wrapped); bit++) {
        fixture->wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            unwrap(fixture, 3, bucket_id), bit < 8 ? HEARTH_UNKNOWN_FORMAT : HEARTH_WRONG_KEY);
        fixture->wrapped[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sizeof(fixture->wrapped); size++) {
        assert_int_equal(bucket_key_unwrap(view_of(fixture->wrapped, size), 3, &fixture->root,
                             bucket_id, &key, &fixture->err),
            HEARTH_WRONG_KEY);
    }
}

static void another_version_bucket_or_root_key_does_not_open_it(void **state)
{
    struct fixture *fixture = *state;
    uint8_t other_id[BUCKET_ID_SIZE];
    memcpy(other_id, bucket_id, sizeof(other_id));
    other_id[0] ^= 1;
    assert_int_equal(unwrap(fixture, 4, bucket_id), HEARTH_WRONG_KEY);
    assert_int_equal(unwrap(fixture, 3, other_id), HEARTH_WRONG_KEY);
    fixture->root.bytes[31] ^= 1;
    assert_int_equal(unwrap(fixture, 3, bucket_id), HEARTH_WRONG_KEY);
}

static void wrapping_twice_never_repeats_a_nonce(void **state)
{
    struct fixture *fixture = *state;
    uint8_t again[BUCKET_KEY_WRAPPED_SIZE];
    test_env_init(&fixture->env, 2);
    bucket_key_wrap(&fixture->key, &fixture->env.env, &fixture->root, bucket_id, again);
    assert_memory_not_equal(again + 1, fixture->wrapped + 1, CRYPTO_NONCE_SIZE);
    memcpy(fixture->wrapped, again, sizeof(again));
    assert_ok(unwrap(fixture, 3, bucket_id), &fixture->err);
}

static void the_etag_column_is_the_golden_bytes_and_opens(void **state)
{
    struct fixture *fixture = *state;
    struct etag_key key;
    etag_key_derive(&fixture->key, &key);
    uint8_t md5[CRYPTO_MD5_SIZE];
    uint8_t column[CRYPTO_MD5_SIZE];
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    crypto_hash_update(hash, view_text("hearth"));
    crypto_hash_final(hash, md5);
    crypto_hash_destroy(hash);

    etag_seal(&key, md5, column);
    test_vector_expect("bucket_key.txt", "etag", view_of(column, sizeof(column)));
    etag_open(&key, column, column);
    assert_memory_equal(column, md5, sizeof(md5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, fixture_setup)
        CASE(the_wrap_is_the_golden_bytes_and_opens),
        CASE(every_flipped_bit_and_cut_is_refused),
        CASE(another_version_bucket_or_root_key_does_not_open_it),
        CASE(wrapping_twice_never_repeats_a_nonce),
        CASE(the_etag_column_is_the_golden_bytes_and_opens),
#undef CASE
    };
    return cmocka_run_group_tests_name("bucket_key", tests, NULL, NULL);
}
