/*
 * node_probe: only the node itself, of our cluster, in date, is found at an address.
 *
 * The other end is a TLS server of one answer; anything that speaks TLS with a certificate will do,
 * so the enrolment server plays it.
 */
#include "proto/node_probe.h"

#include "common/cleanup.h"
#include "proto/enrol.h"
#include "tests/lib/test.h"

#include <signal.h>
#include <stdio.h>

enum { DAY_S = 86400 };

static const uint8_t cluster[PKI_CLUSTER_SIZE] = {0xc1};

struct fixture {
    struct pki_key *ca_key;
    char *ca_pem;
    struct pki_key *node_key;
    uint8_t node_id[PKI_ID_SIZE];
    struct enrol_server *server;
    char address[32];
    struct hearth_err err;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    signal(SIGPIPE, SIG_IGN);
    assert_ok(pki_key_create(&at->ca_key, &at->err), &at->err);
    assert_ok(pki_key_create(&at->node_key, &at->err), &at->err);
    at->ca_pem = pki_ca_certificate(env_system(), at->ca_key, cluster, 3650 * DAY_S);
    pki_key_id(at->node_key, at->node_id);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    enrol_server_stop_blocking(at->server);
    pki_key_destroy(at->ca_key);
    pki_key_destroy(at->node_key);
    free(at->ca_pem);
    free(at);
    return 0;
}

static void start_as(struct fixture *at, enum peer_class class)
{
    FREES char *pem = NULL;
    const struct pki_subject subject = {.key = at->node_key, .class = class, .lifetime_s = DAY_S};
    assert_ok(pki_issue(env_system(), at->ca_key, at->ca_pem, &subject, &pem, &at->err), &at->err);
    const struct enrol_server_options options = {.address = "127.0.0.1:0",
        .certificate_pem = pem,
        .ca_pem = at->ca_pem,
        .key = at->node_key};
    assert_ok(enrol_server_start(&options, &at->server, &at->err), &at->err);
    snprintf(at->address, sizeof(at->address), "127.0.0.1:%u", enrol_server_port(at->server));
}

static enum hearth_code probe(struct fixture *at, const uint8_t *id, const char *ca_pem)
{
    const struct node_probe probe = {.address = at->address, .id = id, .ca_pem = ca_pem};
    return node_probe_blocking(&probe, &at->err);
}

static void the_node_is_found_where_it_is(void **state)
{
    struct fixture *at = *state;
    start_as(at, PEER_NODE);
    assert_ok(probe(at, at->node_id, at->ca_pem), &at->err);
}

static void another_node_is_not_it(void **state)
{
    struct fixture *at = *state;
    start_as(at, PEER_NODE);
    uint8_t id[PKI_ID_SIZE];
    memcpy(id, at->node_id, sizeof(id));
    id[PKI_ID_SIZE - 1] ^= 1;
    assert_int_equal(probe(at, id, at->ca_pem), HEARTH_DENIED);
    assert_non_null(strstr(at->err.message, "answers there"));
}

static void the_same_key_as_something_else_is_not_it(void **state)
{
    struct fixture *at = *state;
    start_as(at, PEER_CLIENT);
    assert_int_equal(probe(at, at->node_id, at->ca_pem), HEARTH_DENIED);
}

static void a_node_of_another_cluster_is_not_it(void **state)
{
    struct fixture *at = *state;
    struct pki_key *other_key;
    start_as(at, PEER_NODE);
    assert_ok(pki_key_create(&other_key, &at->err), &at->err);
    FREES char *other_pem = pki_ca_certificate(env_system(), other_key, cluster, DAY_S);
    assert_int_equal(probe(at, at->node_id, other_pem), HEARTH_DENIED);
    pki_key_destroy(other_key);
}

static void nobody_is_not_it_either(void **state)
{
    struct fixture *at = *state;
    start_as(at, PEER_NODE);
    enrol_server_stop_blocking(at->server);
    at->server = NULL;
    assert_int_equal(probe(at, at->node_id, at->ca_pem), HEARTH_UNREACHABLE);
    snprintf(at->address, sizeof(at->address), "not an address");
    assert_int_equal(probe(at, at->node_id, at->ca_pem), HEARTH_INVALID);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(the_node_is_found_where_it_is),
        claim(another_node_is_not_it),
        claim(the_same_key_as_something_else_is_not_it),
        claim(a_node_of_another_cluster_is_not_it),
        claim(nobody_is_not_it_either),
    };
    return cmocka_run_group_tests_name("node_probe", tests, NULL, NULL);
}
