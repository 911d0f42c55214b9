#include "tests/lib/test_enrol.h"

#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t token[INVITE_TOKEN_SIZE] = {1, 2, 3};
static const uint8_t cluster[PKI_CLUSTER_SIZE] = {7};

static enum hearth_code certify(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct test_enrol *enrol = service;
    static const struct view coordinators[] = {{(const uint8_t *)"127.0.0.1:7400", 14}};
    if (enrol->refuses) {
        return hearth_fail(err, HEARTH_DENIED, "the invitation was used");
    }
    enrol->renewals += caller->token.size == 0;
    const struct pki_subject subject = {caller->key, enrol->class, TEST_ENROL_LIFE_S};
    char *pem;
    if (pki_issue(&enrol->env.env, enrol->ca_key, enrol->ca_pem, &subject, &pem, err) !=
        HEARTH_OK) {
        return err->code;
    }
    reply->certificate = arena_copy(arena, view_text(pem));
    reply->ca_certificate = view_text(enrol->ca_pem);
    reply->cluster_id = view_of(cluster, sizeof(cluster));
    reply->tenant_name = view_text(TEST_ENROL_TENANT);
    reply->coordinators = coordinators;
    reply->coordinators_count = 1;
    free(pem);
    return HEARTH_OK;
}

static void start_server(struct test_enrol *enrol)
{
    const struct pki_subject subject = {enrol->server_key, PEER_COORDINATOR, TEST_ENROL_LIFE_S};
    assert_ok(pki_issue(&enrol->env.env, enrol->ca_key, enrol->ca_pem, &subject, &enrol->server_pem,
                  &enrol->err),
        &enrol->err);
    const struct enrol_server_options options = {
        .env = &enrol->env.env,
        .address = "127.0.0.1:0",
        .certificate_pem = enrol->server_pem,
        .ca_pem = enrol->ca_pem,
        .key = enrol->server_key,
        .handler = certify,
        .service = enrol,
    };
    assert_ok(enrol_server_start(&options, &enrol->server, &enrol->err), &enrol->err);
}

void test_enrol_invite(struct test_enrol *enrol, enum peer_class kind)
{
    char address[32];
    enrol->class = kind;
    snprintf(address, sizeof(address), "127.0.0.1:%u", enrol_server_port(enrol->server));
    struct invite invite = {
        .kind = kind,
        .expires_unix_ms = env_unix_ms(&enrol->env.env) + 60000,
        .addresses = {view_text(address)},
        .address_count = 1,
        .owner = view_text("anna"),
        .place = view_text("attic"),
    };
    memcpy(invite.token, token, sizeof(token));
    pki_key_pin(enrol->ca_key, invite.ca_pin);
    invite_encode(&invite, enrol->invite);
}

int test_enrol_setup(void **state)
{
    static struct test_enrol enrol;
    enrol = (struct test_enrol){.folder = "/tmp/hearth-test-init-XXXXXX"};
    test_env_init(&enrol.env, 1);
    enrol.env.unix_ms = env_unix_ms(env_system()); /* TLS looks at the real clock */
    arena_init(&enrol.arena, 0);
    assert_non_null(mkdtemp(enrol.folder));
    assert_ok(pki_key_create(&enrol.ca_key, &enrol.err), &enrol.err);
    assert_ok(pki_key_create(&enrol.server_key, &enrol.err), &enrol.err);
    enrol.ca_pem =
        pki_ca_certificate(&enrol.env.env, enrol.ca_key, cluster, UINT64_C(86400) * 3650);
    start_server(&enrol);
    test_enrol_invite(&enrol, PEER_NODE);
    *state = &enrol;
    return 0;
}

int test_enrol_teardown(void **state)
{
    struct test_enrol *enrol = *state;
    char command[128];
    enrol_server_stop_blocking(enrol->server);
    pki_key_destroy(enrol->ca_key);
    pki_key_destroy(enrol->server_key);
    free(enrol->ca_pem);
    free(enrol->server_pem);
    arena_fini(&enrol->arena);
    snprintf(command, sizeof(command), "rm -rf %s", enrol->folder);
    return system(command);
}
