/*
 * tenants: an invitation becomes a tenant's folder, an interrupted one goes on; what cannot be
 * opened is left out, and the others are served.
 */
#include "gateway/tenants.h"
#include "tests/lib/test.h"
#include "tests/lib/test_enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder_of(struct test_enrol *enrol)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/tenants", enrol->folder);
    return arena_text(&enrol->arena, view_text(path));
}

static enum hearth_code join(struct test_enrol *enrol, char **name)
{
    return tenants_join(folder_of(enrol), enrol->invite, NULL, name, &enrol->err);
}

static struct tenants *open_all(struct test_enrol *enrol)
{
    const struct tenants_options options = {.folder = folder_of(enrol)};
    struct tenants *tenants;
    assert_ok(tenants_open(&options, &tenants, &enrol->err), &enrol->err);
    return tenants;
}

static void who_has_joined_is_served(void **state)
{
    struct test_enrol *enrol = *state;
    struct hearth *found[4];
    char *name;
    struct tenants *tenants = open_all(enrol);
    assert_int_equal(tenants_all(tenants, found, 4), 0);

    test_enrol_invite(enrol, PEER_GATEWAY);
    assert_ok(join(enrol, &name), &enrol->err);
    assert_string_equal(name, TEST_ENROL_TENANT);
    tenants_reload(tenants);
    tenants_reload(tenants); /* and once only */
    assert_int_equal(tenants_all(tenants, found, 4), 1);
    assert_string_equal(tenants_name(tenants, found[0]), TEST_ENROL_TENANT);
    assert_null(tenants_name(tenants, NULL));
    tenants_close(tenants);

    tenants = open_all(enrol);
    assert_int_equal(tenants_all(tenants, found, 0), 0);
    assert_int_equal(tenants_all(tenants, found, 4), 1);
    tenants_close(tenants);
    free(name);
}

static void a_tenant_is_joined_for_once(void **state)
{
    struct test_enrol *enrol = *state;
    char *name;
    test_enrol_invite(enrol, PEER_GATEWAY);
    assert_ok(join(enrol, &name), &enrol->err);
    free(name);
    test_enrol_invite(enrol, PEER_GATEWAY);
    assert_int_equal(join(enrol, &name), HEARTH_EXISTS);
    assert_non_null(strstr(enrol->err.message, TEST_ENROL_TENANT " is served already"));
}

static void a_refused_join_serves_nobody_and_can_be_repeated(void **state)
{
    struct test_enrol *enrol = *state;
    struct hearth *found[4];
    char *name;
    test_enrol_invite(enrol, PEER_GATEWAY);
    enrol->refuses = true;
    assert_int_equal(join(enrol, &name), HEARTH_DENIED);
    struct tenants *tenants = open_all(enrol);
    assert_int_equal(tenants_all(tenants, found, 4), 0);
    tenants_close(tenants);
    enrol->refuses = false;
    assert_ok(join(enrol, &name), &enrol->err);
    free(name);
}

static void an_invitation_for_a_customer_is_none_for_a_gateway(void **state)
{
    struct test_enrol *enrol = *state;
    char *name;
    test_enrol_invite(enrol, PEER_CLIENT);
    assert_int_equal(join(enrol, &name), HEARTH_INVALID);
}

static void what_cannot_be_opened_is_left_out(void **state)
{
    struct test_enrol *enrol = *state;
    struct hearth *found[4];
    char path[256];
    char *name;
    test_enrol_invite(enrol, PEER_GATEWAY);
    assert_ok(join(enrol, &name), &enrol->err);
    snprintf(path, sizeof(path), "%s/broken", folder_of(enrol));
    assert_int_equal(mkdir(path, 0700), 0);
    struct tenants *tenants = open_all(enrol);
    assert_int_equal(tenants_all(tenants, found, 4), 1);
    tenants_close(tenants);
    free(name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_enrol_setup, test_enrol_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_has_joined_is_served),
        TEST(a_tenant_is_joined_for_once),
        TEST(a_refused_join_serves_nobody_and_can_be_repeated),
        TEST(an_invitation_for_a_customer_is_none_for_a_gateway),
        TEST(what_cannot_be_opened_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
