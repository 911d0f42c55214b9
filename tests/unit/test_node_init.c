/*
 * node_init, identity: an invitation becomes a folder that loads; an interrupted or refused init
 * leaves nothing that looks complete; a certificate is renewed at two thirds of its life.
 *
 * The coordinator's side is the real enrolment server on a loopback port, with a handler that
 * certifies whoever has the token, and whoever it certified before.
 */
#include "proto/identity.h"
#include "storaged/node_init.h"
#include "storaged/settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *path_of(struct test_enrol *fixture, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/node/%s", fixture->folder, name);
    return arena_text(&fixture->arena, view_text(path));
}

static enum hearth_code init(struct test_enrol *fixture)
{
    const struct node_init init = {
        .dir = path_of(fixture, ""),
        .invite = fixture->invite,
        .listen = "127.0.0.1:7411",
        .capacity_bytes = UINT64_C(5) << 30,
    };
    return node_init_blocking(&init, &fixture->env.env, &fixture->err);
}

static bool exists(struct test_enrol *fixture, const char *name)
{
    struct stat status;
    return stat(path_of(fixture, name), &status) == 0;
}

static void load_settings(struct test_enrol *fixture, struct settings *settings)
{
    assert_ok(config_load(&storaged_settings_table, path_of(fixture, SETTINGS_FILE),
                  &fixture->arena, settings, &fixture->err),
        &fixture->err);
}

static enum hearth_code load(
    struct test_enrol *fixture, const struct settings *settings, struct identity *identity)
{
    struct identity_files files = settings_identity(settings);
    return identity_load(identity, &fixture->env.env, &files, &fixture->err);
}

static void an_invitation_becomes_a_folder_that_can_serve(void **state)
{
    struct test_enrol *fixture = *state;
    struct settings settings;
    struct identity identity;
    struct stat status;
    assert_ok(init(fixture), &fixture->err);

    load_settings(fixture, &settings);
    assert_string_equal(settings.listen.items[0].host, "127.0.0.1");
    assert_int_equal(settings.listen.items[0].port, 7411);
    assert_int_equal(settings.capacity_bytes, UINT64_C(5) << 30);
    assert_string_equal(settings.coordinators.items[0].host, "127.0.0.1");
    assert_int_equal(settings.coordinators.items[0].port, 7400);
    assert_int_equal(settings.enrolment.items[0].port, enrol_server_port(fixture->server));
    assert_true(exists(fixture, SETTINGS_VOLUME));
    assert_int_equal(stat(path_of(fixture, SETTINGS_KEY), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    struct rpc_credentials *credentials;
    assert_ok(load(fixture, &settings, &identity), &fixture->err);
    assert_ok(identity_credentials(&identity, &credentials, &fixture->err), &fixture->err);
    rpc_credentials_unref(credentials);
    identity_fini(&identity);
}

static void a_folder_with_a_node_is_left_alone(void **state)
{
    struct test_enrol *fixture = *state;
    assert_ok(init(fixture), &fixture->err);
    assert_int_equal(init(fixture), HEARTH_EXISTS);
    assert_non_null(strstr(fixture->err.message, "there is a node already"));
}

static void a_refused_init_can_be_repeated_with_the_same_key(void **state)
{
    struct test_enrol *fixture = *state;
    struct pki_key *first;
    struct settings settings;
    struct identity identity;
    uint8_t id[PKI_ID_SIZE];
    fixture->refuses = true;
    assert_int_equal(init(fixture), HEARTH_DENIED);
    assert_non_null(strstr(fixture->err.message, "the invitation was used"));
    assert_false(exists(fixture, SETTINGS_FILE));
    assert_ok(pki_key_load(path_of(fixture, SETTINGS_KEY), &first, &fixture->err), &fixture->err);
    pki_key_id(first, id);
    pki_key_destroy(first);

    fixture->refuses = false;
    assert_ok(init(fixture), &fixture->err);
    load_settings(fixture, &settings);
    assert_ok(load(fixture, &settings, &identity), &fixture->err);
    assert_memory_equal(identity.id, id, PKI_ID_SIZE);
    identity_fini(&identity);
}

static void a_wrong_invitation_is_said_to_be_so(void **state)
{
    struct test_enrol *fixture = *state;
    test_enrol_invite(fixture, PEER_CLIENT);
    assert_int_equal(init(fixture), HEARTH_INVALID);
    assert_non_null(strstr(fixture->err.message, "for a client, not for a node"));

    strcpy(fixture->invite, "hearth1nonsense");
    assert_int_equal(init(fixture), HEARTH_INVALID);
    assert_false(exists(fixture, SETTINGS_KEY));
}

static void a_certificate_is_renewed_at_two_thirds_of_its_life(void **state)
{
    struct test_enrol *fixture = *state;
    struct settings settings;
    struct identity identity;
    assert_ok(init(fixture), &fixture->err);
    load_settings(fixture, &settings);
    assert_ok(load(fixture, &settings, &identity), &fixture->err);

    uint64_t life_ms = UINT64_C(1000) * (TEST_ENROL_LIFE_S + PKI_BACKDATE_S);
    uint64_t backdate_ms = UINT64_C(1000) * PKI_BACKDATE_S;
    test_env_step_ms(&fixture->env, life_ms / 3 * 2 - backdate_ms - 5000);
    assert_false(identity_should_renew(&identity));
    test_env_step_ms(&fixture->env, 10000);
    assert_true(identity_should_renew(&identity));

    char before[PKI_PEM_MAX];
    strcpy(before, identity.certificate_pem);
    assert_ok(identity_renew(&identity, &fixture->err), &fixture->err);
    assert_int_equal(fixture->renewals, 1);
    assert_false(identity_should_renew(&identity));
    assert_string_not_equal(identity.certificate_pem, before);

    /* and the file holds it */
    struct identity again;
    assert_ok(load(fixture, &settings, &again), &fixture->err);
    assert_string_equal(again.certificate_pem, identity.certificate_pem);
    identity_fini(&again);
    identity_fini(&identity);
}

static void a_certificate_of_another_key_is_refused(void **state)
{
    struct test_enrol *fixture = *state;
    struct settings settings;
    struct identity identity;
    struct pki_key *other;
    assert_ok(init(fixture), &fixture->err);
    load_settings(fixture, &settings);
    assert_int_equal(remove(path_of(fixture, SETTINGS_KEY)), 0);
    assert_ok(pki_key_create(&other, &fixture->err), &fixture->err);
    assert_ok(pki_key_save(other, path_of(fixture, SETTINGS_KEY), &fixture->err), &fixture->err);
    pki_key_destroy(other);
    assert_int_equal(load(fixture, &settings, &identity), HEARTH_INVALID);
    assert_non_null(strstr(fixture->err.message, "is not the certificate of the key in"));
    identity_fini(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, test_enrol_setup, test_enrol_teardown)
        CASE(an_invitation_becomes_a_folder_that_can_serve),
        CASE(a_folder_with_a_node_is_left_alone),
        CASE(a_refused_init_can_be_repeated_with_the_same_key),
        CASE(a_wrong_invitation_is_said_to_be_so),
        CASE(a_certificate_is_renewed_at_two_thirds_of_its_life),
        CASE(a_certificate_of_another_key_is_refused),
#undef CASE
    };
    return cmocka_run_group_tests_name("node_init", tests, NULL, NULL);
}
