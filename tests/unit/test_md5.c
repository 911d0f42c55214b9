/*
 * md5: of every length, in pieces of every length, and of several messages together: always what
 * OpenSSL makes of it.
 */
#include "common/md5.h"

#include "common/crypto.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

enum { MESSAGE_MAX = 1000, ROUNDS = 2000 };

static uint8_t bytes[MD5_TOGETHER_MAX][MESSAGE_MAX];

static void draw_bytes(struct env *env)
{
    for (unsigned i = 0; i < MD5_TOGETHER_MAX; i++) {
        env_random(env, bytes[i], sizeof(bytes[i]));
    }
}

static void assert_is_md5_of(struct md5 *md5, struct view message)
{
    uint8_t digest[MD5_SIZE];
    uint8_t expected[CRYPTO_MD5_SIZE];
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    crypto_hash_update(hash, message);
    crypto_hash_final(hash, expected);
    crypto_hash_destroy(hash);
    md5_end(md5, digest);
    assert_memory_equal(digest, expected, sizeof(digest));
}

static void every_length_is_as_openssl_has_it(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 1);
    draw_bytes(&env.env);
    for (size_t size = 0; size < 300; size++) {
        struct md5 md5;
        md5_begin(&md5);
        md5_update(&md5, view_of(bytes[0], size));
        assert_is_md5_of(&md5, view_of(bytes[0], size));
    }
}

static void pieces_make_the_same_as_the_whole(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 2);
    draw_bytes(&env.env);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct md5 md5;
        size_t size = 0;
        md5_begin(&md5);
        while (size < MESSAGE_MAX) {
            size_t part = (size_t)env_random_below(&env.env, 200);
            part = part < MESSAGE_MAX - size ? part : MESSAGE_MAX - size;
            md5_update(&md5, view_of(bytes[0] + size, part));
            size += part;
        }
        assert_is_md5_of(&md5, view_of(bytes[0], MESSAGE_MAX));
    }
}

/* Pieces of different lengths, some empty, of one to eight messages. */
static void messages_that_are_hashed_together_do_not_mix(void **state)
{
    (void)state;
    struct test_env env;
    test_env_init(&env, 3);
    draw_bytes(&env.env);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct md5 md5s[MD5_TOGETHER_MAX];
        size_t sizes[MD5_TOGETHER_MAX] = {0};
        unsigned count = 1 + (unsigned)env_random_below(&env.env, MD5_TOGETHER_MAX);
        for (unsigned i = 0; i < count; i++) {
            md5_begin(&md5s[i]);
        }
        for (unsigned turn = 0; turn < 3; turn++) {
            struct md5_piece pieces[MD5_TOGETHER_MAX];
            for (unsigned i = 0; i < count; i++) {
                size_t size = (size_t)env_random_below(&env.env, MESSAGE_MAX / 3);
                pieces[i] = (struct md5_piece){&md5s[i], view_of(bytes[i] + sizes[i], size)};
                sizes[i] += size;
            }
            md5_update_together(pieces, count);
        }
        for (unsigned i = 0; i < count; i++) {
            assert_is_md5_of(&md5s[i], view_of(bytes[i], sizes[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_as_openssl_has_it),
        cmocka_unit_test(pieces_make_the_same_as_the_whole),
        cmocka_unit_test(messages_that_are_hashed_together_do_not_mix),
    };
    return cmocka_run_group_tests_name("md5", tests, NULL, NULL);
}
