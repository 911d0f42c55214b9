/*
 * Who may speak to whom: every way in which a certificate can be wrong, at either end.
 * Time is a server's env where it can be, and certificates issued in the past where TLS looks.
 */
#include "common/cleanup.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_forge.h"
#include "tests/lib/test_rpc.h"
#include "tests/lib/test_tls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { DAY_S = 86400 };

struct fixture {
    struct test_rpc rpc;
    pthread_mutex_t mutex; /* of `seen`: workers take turns, in an order only the network knows */
    struct peer_identity seen; /* by the handler, of the last call */
    struct arena arena;
    struct view answer;
    atomic_bool revoked;
};

static void remember(struct fixture *at, const struct rpc_context *context)
{
    UNLOCKS pthread_mutex_t *held = lock(&at->mutex);
    at->seen = context->peer;
}

static struct peer_identity last_seen(struct fixture *at)
{
    UNLOCKS pthread_mutex_t *held = lock(&at->mutex);
    return at->seen;
}

static enum hearth_code echo(void *service, const struct rpc_context *context, const void *request,
    void *response, struct hearth_err *err)
{
    remember(service, context);
    return test_echo(service, context, request, response, err);
}

static enum hearth_code knocked(void *service, struct rpc_stream *stream,
    const struct rpc_context *context, const struct rpc_stream_handlers **handlers,
    void **handler_context, struct hearth_err *err)
{
    remember(service, context);
    return test_knocked(service, stream, context, handlers, handler_context, err);
}

static const struct rpc_handler served[] = {
    {.method = TEST_ECHO, .unary = echo},
    {.method = TEST_KNOCK, .opened = knocked},
};
enum { SERVED = 2 };

static bool allowed(void *service, const struct peer_identity *peer)
{
    struct fixture *at = service;
    return peer->class != PEER_CLIENT || !atomic_load(&at->revoked);
}

static int set_up_with(void **state, enum rpc_transport transport)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to closed sockets here */
    struct fixture *at = calloc(1, sizeof(*at));
    pthread_mutex_init(&at->mutex, NULL);
    test_rpc_init(&at->rpc);
    at->rpc.transport = transport;
    arena_init(&at->arena, 0);
    struct rpc_server_options options = {.allowed = allowed};
    test_rpc_serve(&at->rpc, served, SERVED, at, &options);
    *state = at;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, RPC_GRPC);
}

static int set_up_link(void **state)
{
    return set_up_with(state, RPC_LINK);
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_rpc_fini(&at->rpc);
    arena_fini(&at->arena);
    pthread_mutex_destroy(&at->mutex);
    free(at);
    return 0;
}

/* The link carries streams alone. */
static enum hearth_code call_on(struct fixture *at, struct rpc_channel *channel)
{
    if (at->rpc.transport == RPC_LINK) {
        return test_rpc_knock(&at->rpc, channel);
    }
    return test_rpc_call(&at->rpc, channel, TEST_ECHO, view_text("hello"), &at->arena, &at->answer);
}

/* One call over a channel made with these options. */
static enum hearth_code call_with(struct fixture *at, const struct rpc_channel_options *options)
{
    struct rpc_channel *channel = NULL;
    assert_ok(rpc_channel_create(options, &channel, &at->rpc.err), &at->rpc.err);
    enum hearth_code code = call_on(at, channel);
    rpc_channel_destroy(channel);
    return code;
}

static enum hearth_code call_as(struct fixture *at, struct rpc_credentials *credentials TAKES)
{
    struct rpc_channel_options options = test_rpc_options(&at->rpc, credentials);
    enum hearth_code code = call_with(at, &options);
    rpc_credentials_unref(credentials);
    return code;
}

static void assert_said(struct fixture *at, const char *words)
{
    if (strstr(at->rpc.err.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", at->rpc.err.message, words);
    }
}

/* ---- the client's side ---- */

static void another_id_behind_the_right_address_is_unreachable(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    uint8_t other[PKI_ID_SIZE] = {1, 2, 3};
    options.peer_id = other;
    assert_int_equal(call_with(at, &options), HEARTH_UNREACHABLE);
}

static void another_class_is_unreachable(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.peer_class = PEER_GATEWAY;
    assert_int_equal(call_with(at, &options), HEARTH_UNREACHABLE);
}

static const char *protocol_of(const struct fixture *at)
{
    return at->rpc.transport == RPC_LINK ? TEST_TLS_LINK : TEST_TLS_HTTP2;
}

struct impostor {
    SSL_CTX *context;
    int listener;
    size_t heard; /* bytes after the handshake */
};

/* Shakes hands once and listens until the client leaves. */
static void *run_impostor(void *context)
{
    struct impostor *impostor = context;
    struct test_tls tls;
    uint8_t bytes[64];
    int fd = accept(impostor->listener, NULL, NULL);
    if (test_tls_open(&tls, impostor->context, fd, true)) {
        size_t got;
        while ((got = test_tls_read(&tls, bytes, sizeof(bytes))) > 0) {
            impostor->heard += got;
        }
    }
    test_tls_close(&tls);
    return NULL;
}

/* A certificate that our CA signed, with all the right names, for another key.  TLS is content;
 * it is the hash of the key that tells. */
static void the_right_names_over_another_key_are_unreachable(void **state)
{
    struct fixture *at = *state;
    struct pki_key *key;
    struct pki_key *other;
    char *pem;
    test_issue(&at->rpc.ca, env_system(), PEER_NODE, DAY_S, &key, &pem);
    assert_ok(pki_key_create(&other, &at->rpc.err), &at->rpc.err);
    char *forged = test_forge(pem, at->rpc.ca.key, other, NULL);
    uint16_t port;
    struct impostor impostor = {
        .context = test_tls_context(&at->rpc.ca, other, forged, protocol_of(at)),
        .listener = test_tcp_listen(&port),
    };
    pthread_t thread;
    pthread_create(&thread, NULL, run_impostor, &impostor);

    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    uint8_t id[PKI_ID_SIZE];
    pki_key_id(key, id);
    options.address = address;
    options.peer_id = id;
    assert_int_equal(call_with(at, &options), HEARTH_UNREACHABLE);
    assert_said(at, "not the id of its key");
    pthread_join(thread, NULL);
    assert_int_equal(impostor.heard, 0);
    close(impostor.listener);
    SSL_CTX_free(impostor.context);
    free(pem);
    free(forged);
    pki_key_destroy(key);
    pki_key_destroy(other);
}

static void a_coordinator_needs_no_known_id_but_its_class(void **state)
{
    struct fixture *at = *state;
    test_rpc_stop_server(&at->rpc);
    rpc_channel_destroy(at->rpc.channel);
    struct rpc_credentials *node = at->rpc.server_credentials;
    at->rpc.server_credentials =
        test_credentials(&at->rpc.ca, env_system(), PEER_COORDINATOR, DAY_S);
    test_rpc_serve(&at->rpc, served, SERVED, at, NULL);

    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.peer_class = PEER_COORDINATOR;
    options.peer_id = NULL;
    assert_ok(call_with(at, &options), &at->rpc.err);
    rpc_credentials_unref(node);
}

/* Nodes move, and another may be where one was; a coordinator's address is written down, and asking
 * there again does not help. */
static void a_node_is_no_coordinator_and_will_never_be(void **state)
{
    struct fixture *at = *state;
    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.peer_class = PEER_COORDINATOR;
    options.peer_id = NULL;
    assert_int_equal(call_with(at, &options), HEARTH_DENIED);
    assert_said(at, "another answers there");
}

/* A server of the same CA key and cluster name cannot exist; one of another CA can. */
static void a_server_of_another_ca_is_unreachable(void **state)
{
    struct fixture *at = *state;
    struct test_ca other;
    test_ca_init(&other, env_system());
    assert_int_equal(call_as(at, test_credentials(&other, env_system(), PEER_CLIENT, DAY_S)),
        HEARTH_UNREACHABLE);
    test_ca_fini(&other);
}

static void a_coordinator_of_another_ca_is_denied(void **state)
{
    struct fixture *at = *state;
    struct test_ca other;
    test_ca_init(&other, env_system());
    struct rpc_credentials *stranger = test_credentials(&other, env_system(), PEER_CLIENT, DAY_S);
    struct rpc_channel_options options = test_rpc_options(&at->rpc, stranger);
    options.peer_class = PEER_COORDINATOR;
    options.peer_id = NULL;
    assert_int_equal(call_with(at, &options), HEARTH_DENIED);
    assert_said(at, "another answers there");
    assert_said(at, "certificate verify failed");
    rpc_credentials_unref(stranger);
    test_ca_fini(&other);
}

static void a_server_whose_certificate_ended_is_unreachable(void **state)
{
    struct fixture *at = *state;
    test_rpc_stop_server(&at->rpc);
    rpc_channel_destroy(at->rpc.channel);
    rpc_credentials_unref(at->rpc.server_credentials);
    struct test_env past;
    test_env_init(&past, 1);
    past.unix_ms = env_unix_ms(env_system()) - UINT64_C(10) * DAY_S * 1000;
    at->rpc.server_credentials = test_credentials(&at->rpc.ca, &past.env, PEER_NODE, DAY_S);
    test_rpc_serve(&at->rpc, served, SERVED, at, NULL);
    assert_int_equal(call_on(at, at->rpc.channel), HEARTH_UNREACHABLE);
}

/* ---- the server's side ---- */

static void a_client_whose_certificate_ended_gets_no_connection(void **state)
{
    struct fixture *at = *state;
    struct test_env past;
    test_env_init(&past, 1);
    past.unix_ms = env_unix_ms(env_system()) - UINT64_C(10) * DAY_S * 1000;
    enum hearth_code code =
        call_as(at, test_credentials(&at->rpc.ca, &past.env, PEER_CLIENT, DAY_S));
    assert_true(code == HEARTH_UNREACHABLE);
}

/* TLS looked at the dates when the connection was made; the server's clock goes on. */
static void a_certificate_that_ends_on_an_open_connection_is_expired(void **state)
{
    struct fixture *at = *state;
    struct test_env clock;
    test_env_init(&clock, 1);
    clock.unix_ms = env_unix_ms(env_system());
    struct rpc_runtime *runtime = NULL;
    struct rpc_runtime_options with_clock = {.env = &clock.env};
    assert_ok(rpc_runtime_create(&with_clock, &runtime, &at->rpc.err), &at->rpc.err);
    test_rpc_stop_server(&at->rpc);
    rpc_channel_destroy(at->rpc.channel);
    struct rpc_server_options options = {.runtime = runtime};
    test_rpc_serve(&at->rpc, served, SERVED, at, &options);

    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err);
    clock.unix_ms += UINT64_C(2) * DAY_S * 1000; /* alone: else the connection's timers end, too */
    assert_int_equal(call_on(at, at->rpc.channel), HEARTH_EXPIRED);
    test_rpc_stop_server(&at->rpc);
    rpc_runtime_destroy(runtime);
}

static void a_revoked_peer_is_denied_on_its_next_call(void **state)
{
    struct fixture *at = *state;
    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err);
    atomic_store(&at->revoked, true);
    assert_int_equal(call_on(at, at->rpc.channel), HEARTH_DENIED);
    assert_ok(
        call_as(at, test_credentials(&at->rpc.ca, env_system(), PEER_WORKER, DAY_S)), &at->rpc.err);
}

/* More of them than would fit into the server's memory of peers without sharing places. */
static void each_of_many_peers_is_known_as_itself(void **state)
{
    struct fixture *at = *state;
    enum { PEERS = 40 };
    struct rpc_credentials *credentials[PEERS];
    struct rpc_channel *channels[PEERS];
    for (unsigned i = 0; i < PEERS; i++) {
        credentials[i] = test_credentials(&at->rpc.ca, env_system(), PEER_SESSION, DAY_S);
        channels[i] = test_rpc_channel(&at->rpc, credentials[i]);
    }
    for (unsigned i = 0; i < 2 * PEERS; i++) {
        assert_ok(call_on(at, channels[i % PEERS]), &at->rpc.err);
        const struct pki_certificate *own = rpc_credentials_certificate(credentials[i % PEERS]);
        const struct peer_identity seen = last_seen(at);
        assert_memory_equal(seen.id, own->identity.id, PKI_ID_SIZE);
    }
    for (unsigned i = 0; i < PEERS; i++) {
        rpc_channel_destroy(channels[i]);
        rpc_credentials_unref(credentials[i]);
    }
}

/* ---- strangers ---- */

/* HTTP/2 wants to be greeted first; the link's server is the one that greets. */
static bool greet(const struct fixture *at, struct test_tls *tls)
{
    return at->rpc.transport == RPC_LINK ||
        (test_tls_write(tls, view_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) &&
            test_tls_write(tls, view_of("\0\0\0\4\0\0\0\0\0", 9)));
}

/* true: the server let it through the handshake and said something of its protocol. */
static bool server_speaks_to(
    struct fixture *at, const struct pki_key *key, const char *pem, const char *protocol)
{
    SSL_CTX *context = test_tls_context(&at->rpc.ca, key, pem, protocol);
    struct test_tls tls;
    uint8_t bytes[64];
    bool spoke = test_tls_open(&tls, context,
                     test_tcp_connect((uint16_t)rpc_server_port(at->rpc.server)), false) &&
        greet(at, &tls) && test_tls_read(&tls, bytes, sizeof(bytes)) > 0;
    test_tls_close(&tls);
    SSL_CTX_free(context);
    return spoke;
}

static void without_a_certificate_nobody_is_spoken_to(void **state)
{
    struct fixture *at = *state;
    assert_false(server_speaks_to(at, NULL, NULL, protocol_of(at)));

    struct pki_key *key;
    char *pem;
    test_issue(&at->rpc.ca, env_system(), PEER_CLIENT, DAY_S, &key, &pem);
    assert_true(
        server_speaks_to(at, key, pem, protocol_of(at))); /* the same steps do get there with one */
    free(pem);
    pki_key_destroy(key);
}

static void whoever_speaks_something_else_is_not_spoken_to(void **state)
{
    struct fixture *at = *state;
    struct pki_key *key;
    char *pem;
    test_issue(&at->rpc.ca, env_system(), PEER_CLIENT, DAY_S, &key, &pem);
    assert_false(server_speaks_to(at, key, pem, TEST_TLS_HTTP2));
    free(pem);
    pki_key_destroy(key);
}

static void a_certificate_of_another_ca_is_not_spoken_to(void **state)
{
    struct fixture *at = *state;
    struct test_ca other;
    test_ca_init(&other, env_system());
    struct pki_key *key;
    char *pem;
    test_issue(&other, env_system(), PEER_CLIENT, DAY_S, &key, &pem);
    assert_false(server_speaks_to(at, key, pem, protocol_of(at)));
    free(pem);
    pki_key_destroy(key);
    test_ca_fini(&other);
}

static void plain_text_is_not_answered(void **state)
{
    struct fixture *at = *state;
    CLOSES_FD int fd = test_tcp_connect((uint16_t)rpc_server_port(at->rpc.server));
    const char *preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_int_equal(write(fd, preface, strlen(preface)), strlen(preface));
    char bytes[512];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
        assert_int_equal(bytes[0], 21); /* a TLS alert, then the end */
    }
    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err);
}

/* ---- changing ---- */

static void new_credentials_serve_the_next_connection(void **state)
{
    struct fixture *at = *state;
    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err);
    struct rpc_credentials *next = test_credentials(&at->rpc.ca, env_system(), PEER_NODE, DAY_S);
    rpc_server_set_credentials(at->rpc.server, next);
    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err); /* the old connection goes on */

    struct rpc_channel_options options = test_rpc_options(&at->rpc, at->rpc.client_credentials);
    options.peer_id = rpc_credentials_certificate(next)->identity.id;
    assert_ok(call_with(at, &options), &at->rpc.err);
    rpc_credentials_unref(next);
}

/* The second connection resumes the first one's TLS session; both are checked the same. */
static void a_resumed_session_is_still_of_the_peer_that_was_expected(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct rpc_channel *channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
        assert_ok(call_on(at, channel), &at->rpc.err);
        rpc_channel_destroy(channel);
    }
    atomic_store(&at->revoked, true);
    struct rpc_channel *channel = test_rpc_channel(&at->rpc, at->rpc.client_credentials);
    assert_int_equal(call_on(at, channel), HEARTH_DENIED);
    rpc_channel_destroy(channel);
}

static void a_port_in_use_is_an_error_that_names_it(void **state)
{
    struct fixture *at = *state;
    struct rpc_server_options options = {
        .transport = at->rpc.transport,
        .runtime = at->rpc.runtime,
        .credentials = at->rpc.server_credentials,
        .addresses = {at->rpc.address},
        .table = &test_rpc_table,
        .handlers = served,
        .handler_count = SERVED,
    };
    struct rpc_server *second = NULL;
    assert_int_equal(rpc_server_start(&options, &second, &at->rpc.err), HEARTH_EXISTS);
    assert_null(second);
    assert_said(at, at->rpc.address);
    assert_said(at, "Address already in use");

    options.addresses[0] = "192.0.2.1:7400"; /* documentation's, on no machine */
    assert_int_equal(rpc_server_start(&options, &second, &at->rpc.err), HEARTH_INVALID);
    assert_said(at, "listen on 192.0.2.1:7400");
    assert_ok(call_on(at, at->rpc.channel), &at->rpc.err);
}

static void credentials_that_do_not_belong_together_are_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_key *key;
    struct pki_key *other;
    char *pem;
    char *other_pem;
    test_issue(&at->rpc.ca, env_system(), PEER_NODE, DAY_S, &key, &pem);
    test_issue(&at->rpc.ca, env_system(), PEER_NODE, DAY_S, &other, &other_pem);
    struct rpc_credentials *credentials = NULL;
    assert_int_equal(rpc_credentials_create(at->rpc.ca.pem, pem, other, &credentials, &at->rpc.err),
        HEARTH_INVALID);
    assert_int_equal(
        rpc_credentials_create(pem, pem, key, &credentials, &at->rpc.err), HEARTH_INVALID);
    assert_int_equal(
        rpc_credentials_create(at->rpc.ca.pem, "nonsense", key, &credentials, &at->rpc.err),
        HEARTH_INVALID);
    assert_null(credentials);
    free(pem);
    free(other_pem);
    pki_key_destroy(key);
    pki_key_destroy(other);
}

#define over_grpc(test)                                                                            \
    {                                                                                              \
#test " over gRPC", test, set_up, tear_down, NULL                                          \
    }
#define over_link(test)                                                                            \
    {                                                                                              \
#test " over the link", test, set_up_link, tear_down, NULL                                 \
    }
#define over_both(test) over_grpc(test), over_link(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_both(another_id_behind_the_right_address_is_unreachable),
        over_both(another_class_is_unreachable),
        over_both(the_right_names_over_another_key_are_unreachable),
        over_grpc(a_coordinator_needs_no_known_id_but_its_class),
        over_grpc(a_node_is_no_coordinator_and_will_never_be),
        over_both(a_server_of_another_ca_is_unreachable),
        over_grpc(a_coordinator_of_another_ca_is_denied),
        over_both(a_server_whose_certificate_ended_is_unreachable),
        over_both(a_client_whose_certificate_ended_gets_no_connection),
        over_both(a_certificate_that_ends_on_an_open_connection_is_expired),
        over_both(a_revoked_peer_is_denied_on_its_next_call),
        over_both(each_of_many_peers_is_known_as_itself),
        over_both(without_a_certificate_nobody_is_spoken_to),
        over_link(whoever_speaks_something_else_is_not_spoken_to),
        over_both(a_certificate_of_another_ca_is_not_spoken_to),
        over_both(plain_text_is_not_answered),
        over_both(new_credentials_serve_the_next_connection),
        over_both(a_resumed_session_is_still_of_the_peer_that_was_expected),
        over_both(a_port_in_use_is_an_error_that_names_it),
        over_grpc(credentials_that_do_not_belong_together_are_refused),
    };
    return cmocka_run_group_tests_name("rpc_identity", tests, NULL, NULL);
}
