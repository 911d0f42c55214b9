/*
 * access_key: a secret comes back only for the id, tenant and master key it was sealed for, and
 * then only as a key for one day.
 */
#include "coordinator/service/access_key.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

static const uint8_t master[CRYPTO_KEY_SIZE] = {1};
static const uint8_t tenant[16] = {2};

static const struct sigv4_scope today = {
    .date = {(const uint8_t *)"20261128", 8}, .region = {(const uint8_t *)"home-1", 6}};

struct sealed_key {
    struct access_key key;
    uint8_t sealed[ACCESS_KEY_SEALED_SIZE];
};

static void seal_one(struct sealed_key *out)
{
    struct test_env env;
    test_env_init(&env, 1);
    access_key_draw(&env.env, &out->key);
    access_key_seal(&out->key, master, view_of(tenant, sizeof(tenant)), out->sealed);
}

static enum hearth_code derive(const char *id, struct view sealed, const uint8_t *by,
    const uint8_t *whose, uint8_t signing_key[CRYPTO_KEY_SIZE])
{
    struct hearth_err err;
    return access_key_derive(
        view_text(id), sealed, by, view_of(whose, sizeof(tenant)), &today, signing_key, &err);
}

static void a_key_has_the_shape_clients_expect(void **state)
{
    (void)state;
    struct sealed_key one;
    seal_one(&one);
    assert_int_equal(strlen(one.key.id), ACCESS_KEY_ID_SIZE);
    assert_int_equal(strlen(one.key.secret), ACCESS_KEY_SECRET_SIZE);
    assert_int_equal(strspn(one.key.id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), ACCESS_KEY_ID_SIZE);
    assert_memory_equal(one.key.id, "HK", 2);
}

static void what_is_derived_is_what_the_secret_signs_with(void **state)
{
    (void)state;
    struct sealed_key one;
    uint8_t expected[CRYPTO_KEY_SIZE];
    uint8_t found[CRYPTO_KEY_SIZE];
    seal_one(&one);
    sigv4_derive_key(view_text(one.key.secret), &today, expected);
    assert_int_equal(
        derive(one.key.id, view_of(one.sealed, sizeof(one.sealed)), master, tenant, found),
        HEARTH_OK);
    assert_memory_equal(found, expected, sizeof(found));
}

static void the_secret_is_not_in_what_is_kept(void **state)
{
    (void)state;
    struct sealed_key one;
    seal_one(&one);
    assert_null(memmem(one.sealed, sizeof(one.sealed), one.key.secret, 4));
}

static void every_changed_bit_is_refused(void **state)
{
    (void)state;
    struct sealed_key one;
    uint8_t found[CRYPTO_KEY_SIZE];
    seal_one(&one);
    for (size_t bit = 0; bit < 8 * sizeof(one.sealed); bit++) {
        one.sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(
            derive(one.key.id, view_of(one.sealed, sizeof(one.sealed)), master, tenant, found),
            HEARTH_OK);
        one.sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < sizeof(one.sealed); size++) {
        assert_int_not_equal(
            derive(one.key.id, view_of(one.sealed, size), master, tenant, found), HEARTH_OK);
    }
}

static void it_cannot_be_moved_to_another_id_tenant_or_cluster(void **state)
{
    (void)state;
    struct sealed_key one;
    uint8_t found[CRYPTO_KEY_SIZE];
    const uint8_t other[CRYPTO_KEY_SIZE] = {3};
    seal_one(&one);
    const struct view sealed = view_of(one.sealed, sizeof(one.sealed));
    assert_int_equal(derive(one.key.id, sealed, other, tenant, found), HEARTH_CHECKSUM);
    assert_int_equal(derive(one.key.id, sealed, master, other, found), HEARTH_CHECKSUM);
    one.key.id[ACCESS_KEY_ID_SIZE - 1] ^= 1;
    assert_int_equal(derive(one.key.id, sealed, master, tenant, found), HEARTH_CHECKSUM);
    assert_int_equal(derive("HK", sealed, master, tenant, found), HEARTH_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_shape_clients_expect),
        cmocka_unit_test(what_is_derived_is_what_the_secret_signs_with),
        cmocka_unit_test(the_secret_is_not_in_what_is_kept),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(it_cannot_be_moved_to_another_id_tenant_or_cluster),
    };
    return cmocka_run_group_tests_name("access_key", tests, NULL, NULL);
}
