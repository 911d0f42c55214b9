/*
 * node_init, identity: an invitation becomes a folder that loads; an interrupted or refused init
 * leaves nothing that looks complete; a certificate is renewed at two thirds of its life.
 *
 * The coordinator's side is the real enrolment server on a loopback port, with a handler that
 * certifies whoever has the token, and whoever it certified before.
 */
#include "proto/enrol.h"
#include "proto/identity.h"
#include "proto/invite.h"
#include "storaged/node_init.h"
#include "storaged/settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LIFE_S = 30 * 86400 };

struct fixture {
    struct test_env env;
    char folder[64];
    struct arena arena;
    struct pki_key *ca_key;
    char *ca_pem;
    struct pki_key *server_key;
    char *server_pem;
    struct enrol_server *server;
    bool refuses; /* the handler answers DENIED */
    unsigned renewals;
    char invite[INVITE_TEXT_MAX + 1];
    struct hearth_err err;
};

static const uint8_t token[INVITE_TOKEN_SIZE] = {1, 2, 3};
static const uint8_t cluster[PKI_CLUSTER_SIZE] = {7};

static enum hearth_code certify(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct fixture *fixture = service;
    static const struct view coordinators[] = {{(const uint8_t *)"127.0.0.1:7400", 14}};
    if (fixture->refuses) {
        return hearth_fail(err, HEARTH_DENIED, "the invitation was used");
    }
    fixture->renewals += caller->token.size == 0;
    const struct pki_subject subject = {caller->key, PEER_NODE, LIFE_S};
    char *pem;
    if (pki_issue(&fixture->env.env, fixture->ca_key, fixture->ca_pem, &subject, &pem, err) !=
        HEARTH_OK) {
        return err->code;
    }
    reply->certificate = arena_copy(arena, view_text(pem));
    reply->ca_certificate = view_text(fixture->ca_pem);
    reply->cluster_id = view_of(cluster, sizeof(cluster));
    reply->coordinators = coordinators;
    reply->coordinators_count = 1;
    free(pem);
    return HEARTH_OK;
}

static void start_server(struct fixture *fixture)
{
    const struct pki_subject subject = {fixture->server_key, PEER_COORDINATOR, LIFE_S};
    assert_ok(pki_issue(&fixture->env.env, fixture->ca_key, fixture->ca_pem, &subject,
                  &fixture->server_pem, &fixture->err),
        &fixture->err);
    const struct enrol_server_options options = {
        .env = &fixture->env.env,
        .address = "127.0.0.1:0",
        .certificate_pem = fixture->server_pem,
        .ca_pem = fixture->ca_pem,
        .key = fixture->server_key,
        .handler = certify,
        .service = fixture,
    };
    assert_ok(enrol_server_start(&options, &fixture->server, &fixture->err), &fixture->err);
}

static void make_invite(struct fixture *fixture, enum peer_class kind)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", enrol_server_port(fixture->server));
    struct invite invite = {
        .kind = kind,
        .expires_unix_ms = env_unix_ms(&fixture->env.env) + 60000,
        .addresses = {view_text(address)},
        .address_count = 1,
        .owner = view_text("anna"),
        .place = view_text("attic"),
    };
    memcpy(invite.token, token, sizeof(token));
    pki_key_pin(fixture->ca_key, invite.ca_pin);
    invite_encode(&invite, fixture->invite);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.folder = "/tmp/hearth-test-init-XXXXXX"};
    test_env_init(&fixture.env, 1);
    fixture.env.unix_ms = env_unix_ms(env_system()); /* TLS looks at the real clock */
    arena_init(&fixture.arena, 0);
    assert_non_null(mkdtemp(fixture.folder));
    assert_ok(pki_key_create(&fixture.ca_key, &fixture.err), &fixture.err);
    assert_ok(pki_key_create(&fixture.server_key, &fixture.err), &fixture.err);
    fixture.ca_pem =
        pki_ca_certificate(&fixture.env.env, fixture.ca_key, cluster, UINT64_C(86400) * 3650);
    start_server(&fixture);
    make_invite(&fixture, PEER_NODE);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    enrol_server_stop_blocking(fixture->server);
    pki_key_destroy(fixture->ca_key);
    pki_key_destroy(fixture->server_key);
    free(fixture->ca_pem);
    free(fixture->server_pem);
    arena_fini(&fixture->arena);
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    return system(command);
}

static const char *path_of(struct fixture *fixture, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/node/%s", fixture->folder, name);
    return arena_text(&fixture->arena, view_text(path));
}

static enum hearth_code init(struct fixture *fixture)
{
    const struct node_init init = {
        .dir = path_of(fixture, ""),
        .invite = fixture->invite,
        .listen = "127.0.0.1:7411",
        .capacity_bytes = UINT64_C(5) << 30,
    };
    return node_init_blocking(&init, &fixture->env.env, &fixture->err);
}

static bool exists(struct fixture *fixture, const char *name)
{
    struct stat status;
    return stat(path_of(fixture, name), &status) == 0;
}

static void load_settings(struct fixture *fixture, struct settings *settings)
{
    assert_ok(config_load(&settings_table, path_of(fixture, SETTINGS_FILE), &fixture->arena,
                  settings, &fixture->err),
        &fixture->err);
}

static enum hearth_code load(
    struct fixture *fixture, const struct settings *settings, struct identity *identity)
{
    struct identity_files files = settings_identity(settings);
    return identity_load(identity, &fixture->env.env, &files, &fixture->err);
}

static void an_invitation_becomes_a_folder_that_can_serve(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    assert_ok(init(fixture), &fixture->err);
    assert_int_equal(init(fixture), HEARTH_EXISTS);
    assert_non_null(strstr(fixture->err.message, "there is a node already"));
}

static void a_refused_init_can_be_repeated_with_the_same_key(void **state)
{
    struct fixture *fixture = *state;
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
    struct fixture *fixture = *state;
    make_invite(fixture, PEER_CLIENT);
    assert_int_equal(init(fixture), HEARTH_INVALID);
    assert_non_null(strstr(fixture->err.message, "for a client, not for a node"));

    strcpy(fixture->invite, "hearth1nonsense");
    assert_int_equal(init(fixture), HEARTH_INVALID);
    assert_false(exists(fixture, SETTINGS_KEY));
}

static void a_certificate_is_renewed_at_two_thirds_of_its_life(void **state)
{
    struct fixture *fixture = *state;
    struct settings settings;
    struct identity identity;
    assert_ok(init(fixture), &fixture->err);
    load_settings(fixture, &settings);
    assert_ok(load(fixture, &settings, &identity), &fixture->err);

    uint64_t life_ms = UINT64_C(1000) * (LIFE_S + PKI_BACKDATE_S);
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
    struct fixture *fixture = *state;
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
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
