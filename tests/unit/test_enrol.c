/*
 * enrol: over a real loopback connection, a key becomes a certificate, and nothing else does.
 *
 * The fixture is a cluster with its coordinator's certificate and a server whose handler issues a
 * node certificate to whoever brings the right token.  Hostile ends are made with the link beneath.
 */
#include "common/cleanup.h"
#include "proto/enrol.h"
#include "proto/enrol_proof.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

enum { DAY_S = 86400, SHORT_MS = 1000 };

static const uint8_t cluster[PKI_CLUSTER_SIZE] = {0xc1};
static const uint8_t token[16] = {0x70};

struct authority {
    struct pki_key *key;
    char *pem;
    uint8_t pin[PKI_PIN_SIZE];
};

struct fixture {
    struct env *env;
    struct authority ca;
    struct authority other_ca; /* of the same cluster id, and another key */
    struct pki_key *server_key;
    struct pki_key *caller_key;
    struct pki_key *_Atomic certified; /* what the handler certifies; NULL: the caller's */
    struct authority *_Atomic issuer;  /* by whom; NULL: the CA */
    struct enrol_server *server;
    char address[32];
    struct arena arena;
    struct hearth_err err;
    _Atomic unsigned handled;
    pthread_mutex_t mutex;
    struct enrol_caller seen; /* the last; under the mutex */
};

static void authority_init(struct fixture *at, struct authority *ca)
{
    assert_ok(pki_key_create(&ca->key, &at->err), &at->err);
    ca->pem = pki_ca_certificate(at->env, ca->key, cluster, 3650 * DAY_S);
    pki_key_pin(ca->key, ca->pin);
}

static void authority_fini(struct authority *ca)
{
    pki_key_destroy(ca->key);
    free(ca->pem);
}

static char *issue(struct fixture *at, const struct authority *ca, const struct pki_key *key,
    enum peer_class class)
{
    char *pem;
    const struct pki_subject subject = {.key = key, .class = class, .lifetime_s = 30 * DAY_S};
    assert_ok(pki_issue(at->env, ca->key, ca->pem, &subject, &pem, &at->err), &at->err);
    return pem;
}

static enum hearth_code handle(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct fixture *at = service;
    at->handled++;
    {
        UNLOCKS pthread_mutex_t *held = lock(&at->mutex);
        at->seen = *caller;
    }
    if (!view_equal(caller->token, view_of(token, sizeof(token)))) {
        return hearth_fail(err, HEARTH_EXPIRED, "invitation expired yesterday");
    }
    const struct authority *ca = at->issuer != NULL ? at->issuer : &at->ca;
    FREES char *pem = issue(at, ca, at->certified != NULL ? at->certified : caller->key, PEER_NODE);
    reply->certificate = arena_copy(arena, view_text(pem));
    reply->ca_certificate = view_text(ca->pem);
    reply->cluster_id = view_of(cluster, sizeof(cluster));
    return HEARTH_OK;
}

static void start_server(struct fixture *at, enum peer_class class, unsigned timeout_ms)
{
    FREES char *pem = issue(at, &at->ca, at->server_key, class);
    const struct enrol_server_options options = {.address = "127.0.0.1:0",
        .certificate_pem = pem,
        .ca_pem = at->ca.pem,
        .key = at->server_key,
        .handler = handle,
        .service = at,
        .timeout_ms = timeout_ms};
    assert_ok(enrol_server_start(&options, &at->server, &at->err), &at->err);
    snprintf(at->address, sizeof(at->address), "127.0.0.1:%u", enrol_server_port(at->server));
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    signal(SIGPIPE, SIG_IGN);
    at->env = env_system();
    pthread_mutex_init(&at->mutex, NULL);
    authority_init(at, &at->ca);
    authority_init(at, &at->other_ca);
    assert_ok(pki_key_create(&at->server_key, &at->err), &at->err);
    assert_ok(pki_key_create(&at->caller_key, &at->err), &at->err);
    arena_init(&at->arena, 0);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    enrol_server_stop_blocking(at->server);
    authority_fini(&at->ca);
    authority_fini(&at->other_ca);
    pki_key_destroy(at->server_key);
    pki_key_destroy(at->caller_key);
    arena_fini(&at->arena);
    pthread_mutex_destroy(&at->mutex);
    free(at);
    return 0;
}

static enum hearth_code call(
    struct fixture *at, const uint8_t *pin, size_t token_size, struct wire_enrol_reply *reply)
{
    const struct enrol_call enrol = {.address = at->address,
        .ca_pin = pin,
        .token = view_of(token, token_size),
        .key = at->caller_key};
    return enrol_call_blocking(&enrol, &at->arena, reply, &at->err);
}

/* ---- the good way ---- */

static void a_key_becomes_a_certificate(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    struct pki_certificate certificate;
    uint8_t id[PKI_ID_SIZE];
    start_server(at, PEER_COORDINATOR, 0);
    assert_ok(call(at, at->ca.pin, sizeof(token), &reply), &at->err);
    assert_ok(
        pki_certificate_verify(at->env, reply.certificate, at->ca.pem, &certificate, &at->err),
        &at->err);
    pki_key_id(at->caller_key, id);
    assert_memory_equal(certificate.identity.id, id, sizeof(id));
    assert_int_equal(certificate.identity.class, PEER_NODE);
    assert_true(reply.now_unix_ms != 0);
    UNLOCKS pthread_mutex_t *held = lock(&at->mutex);
    assert_memory_equal(at->seen.id, id, sizeof(id));
    assert_string_equal(at->seen.address, "127.0.0.1");
}

static void a_refusal_arrives_with_its_reason(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_COORDINATOR, 0);
    assert_int_equal(call(at, at->ca.pin, 0, &reply), HEARTH_EXPIRED);
    assert_non_null(strstr(at->err.message, "invitation expired yesterday"));
    assert_non_null(strstr(at->err.message, at->address));
}

/* ---- hostile and wrong servers ---- */

static void a_server_of_another_ca_gets_no_word(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_COORDINATOR, 0);
    assert_int_equal(call(at, at->other_ca.pin, sizeof(token), &reply), HEARTH_DENIED);
    assert_int_equal(at->handled, 0);
}

static void a_node_cannot_play_the_coordinator(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_NODE, 0);
    assert_int_equal(call(at, at->ca.pin, sizeof(token), &reply), HEARTH_DENIED);
    assert_int_equal(at->handled, 0);
}

static void a_certificate_of_another_key_or_ca_is_not_taken(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_COORDINATOR, 0);
    at->certified = at->server_key;
    assert_int_equal(call(at, at->ca.pin, sizeof(token), &reply), HEARTH_INVALID);
    at->certified = NULL;
    at->issuer = &at->other_ca;
    assert_int_equal(call(at, at->ca.pin, sizeof(token), &reply), HEARTH_DENIED);
}

static void nobody_there_is_said_and_so_is_a_taken_port(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_COORDINATOR, 0);
    FREES char *pem = issue(at, &at->ca, at->server_key, PEER_COORDINATOR);
    struct enrol_server *second = NULL;
    struct enrol_server_options options = {.address = at->address,
        .certificate_pem = pem,
        .ca_pem = at->ca.pem,
        .key = at->server_key,
        .handler = handle};
    assert_int_equal(enrol_server_start(&options, &second, &at->err), HEARTH_EXISTS);
    options.address = "nowhere";
    assert_int_equal(enrol_server_start(&options, &second, &at->err), HEARTH_INVALID);
    options.key = at->caller_key;
    options.address = "127.0.0.1:0";
    assert_int_equal(enrol_server_start(&options, &second, &at->err), HEARTH_INVALID);
    assert_null(second);
    enrol_server_stop_blocking(at->server);
    at->server = NULL;
    assert_int_equal(call(at, at->ca.pin, sizeof(token), &reply), HEARTH_UNREACHABLE);
}

/* ---- hostile callers ---- */

static int connect_raw(const struct fixture *at)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)enrol_server_port(at->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* A caller of our own making, after its handshake. */
struct hand_made {
    SSL_CTX *context;
    struct tls_link link;
};

static void hand_made_init(struct hand_made *caller, struct fixture *at)
{
    caller->context = SSL_CTX_new(TLS_client_method());
    tls_link_init(
        &caller->link, caller->context, connect_raw(at), -1, at->env, ENROL_TIMEOUT_MS, TLS_CALLER);
    assert_ok(tls_link_handshake(&caller->link, &at->err), &at->err);
}

static void hand_made_fini(struct hand_made *caller)
{
    tls_link_fini(&caller->link);
    SSL_CTX_free(caller->context);
}

/* The code the server answers with. */
static enum hearth_code receive_code(struct hand_made *caller, struct fixture *at)
{
    struct buf *bytes;
    struct wire_enrol_reply reply;
    assert_ok(tls_link_receive(&caller->link, ENROL_REPLY_MAX, &bytes, &at->err), &at->err);
    assert_ok(wire_decode(&wire_enrol_reply_message, buf_view(bytes), &at->arena, &reply, &at->err),
        &at->err);
    buf_unref(bytes);
    return (enum hearth_code)reply.code;
}

static enum hearth_code send_hand_made(
    struct hand_made *caller, struct fixture *at, const uint8_t *proof, uint32_t format)
{
    uint8_t public_key[PKI_PUBLIC_SIZE];
    struct pki_signature signature;
    struct buf *bytes;
    pki_key_public(at->caller_key, public_key);
    pki_sign(at->caller_key, view_of(proof, ENROL_PROOF_SIZE), &signature);
    const struct wire_enrol_request request = {.format = format,
        .token = view_of(token, sizeof(token)),
        .public_key = view_of(public_key, sizeof(public_key)),
        .signature = view_of(signature.bytes, signature.size)};
    assert_ok(wire_encode(&wire_enrol_request_message, &request, &bytes, &at->err), &at->err);
    assert_ok(tls_link_send(&caller->link, buf_view(bytes), &at->err), &at->err);
    buf_unref(bytes);
    return receive_code(caller, at);
}

static void a_signature_is_worth_nothing_on_another_connection(void **state)
{
    struct fixture *at = *state;
    struct hand_made first;
    struct hand_made second;
    uint8_t proof[ENROL_PROOF_SIZE];
    start_server(at, PEER_COORDINATOR, 0);
    hand_made_init(&first, at);
    hand_made_init(&second, at);
    enrol_proof(&first.link, proof);
    assert_int_equal(send_hand_made(&second, at, proof, ENROL_FORMAT), HEARTH_DENIED);
    assert_int_equal(at->handled, 0);
    assert_int_equal(send_hand_made(&first, at, proof, ENROL_FORMAT), HEARTH_OK);
    hand_made_fini(&second);
    hand_made_fini(&first);
}

static void a_newer_format_is_refused_as_one(void **state)
{
    struct fixture *at = *state;
    struct hand_made caller;
    uint8_t proof[ENROL_PROOF_SIZE];
    start_server(at, PEER_COORDINATOR, 0);
    hand_made_init(&caller, at);
    enrol_proof(&caller.link, proof);
    assert_int_equal(send_hand_made(&caller, at, proof, ENROL_FORMAT + 1), HEARTH_UNKNOWN_FORMAT);
    hand_made_fini(&caller);
}

static void bytes_that_are_no_message_are_refused(void **state)
{
    struct fixture *at = *state;
    struct hand_made caller;
    start_server(at, PEER_COORDINATOR, 0);
    hand_made_init(&caller, at);
    assert_ok(tls_link_send(&caller.link, view_text("\xff"), &at->err), &at->err);
    assert_int_equal(receive_code(&caller, at), HEARTH_INVALID);
    hand_made_fini(&caller);
}

static void a_frame_that_is_too_large_ends_the_conversation(void **state)
{
    struct fixture *at = *state;
    static const uint8_t bytes[ENROL_REQUEST_MAX + 1];
    struct hand_made caller;
    struct buf *answer;
    start_server(at, PEER_COORDINATOR, 0);
    hand_made_init(&caller, at);
    /* Not all of it may be taken: the server hangs up as soon as it has read the size. */
    tls_link_send(&caller.link, view_of(bytes, sizeof(bytes)), &at->err);
    assert_int_equal(
        tls_link_receive(&caller.link, ENROL_REPLY_MAX, &answer, &at->err), HEARTH_UNREACHABLE);
    assert_int_equal(at->handled, 0);
    hand_made_fini(&caller);
}

/* The server closes; what it says before that, an alert, is passed over. */
static void assert_is_closed(int fd)
{
    char bytes[64];
    ssize_t got;
    do {
        got = read(fd, bytes, sizeof(bytes));
    } while (got > 0);
    assert_true(got == 0 || errno == ECONNRESET);
    close(fd);
}

static void who_says_nothing_or_speaks_no_tls_is_dropped(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    start_server(at, PEER_COORDINATOR, SHORT_MS);
    int silent = connect_raw(at);
    int rude = connect_raw(at);
    assert_int_equal(write(rude, "GET / HTTP/1.0\r\n\r\n", 18), 18);
    assert_is_closed(rude);
    assert_is_closed(silent);
    assert_ok(call(at, at->ca.pin, sizeof(token), &reply), &at->err);
}

static void more_callers_than_threads_wait_their_turn(void **state)
{
    struct fixture *at = *state;
    struct wire_enrol_reply reply;
    int silent[ENROL_CONNECTIONS_MAX];
    start_server(at, PEER_COORDINATOR, SHORT_MS);
    for (unsigned i = 0; i < ENROL_CONNECTIONS_MAX; i++) {
        silent[i] = connect_raw(at);
    }
    assert_ok(call(at, at->ca.pin, sizeof(token), &reply), &at->err);
    for (unsigned i = 0; i < ENROL_CONNECTIONS_MAX; i++) {
        assert_is_closed(silent[i]);
    }
}

static void stopping_does_not_wait_for_a_silent_caller(void **state)
{
    struct fixture *at = *state;
    start_server(at, PEER_COORDINATOR, 0);
    struct hand_made caller;
    hand_made_init(&caller, at); /* a thread is now in the middle of a conversation */
    uint64_t before_ns = env_now_ns(at->env);
    enrol_server_stop_blocking(at->server);
    at->server = NULL;
    assert_true(env_now_ns(at->env) - before_ns < (uint64_t)ENROL_TIMEOUT_MS * 1000000 / 2);
    hand_made_fini(&caller);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_key_becomes_a_certificate),
        claim(a_refusal_arrives_with_its_reason),
        claim(a_server_of_another_ca_gets_no_word),
        claim(a_node_cannot_play_the_coordinator),
        claim(a_certificate_of_another_key_or_ca_is_not_taken),
        claim(nobody_there_is_said_and_so_is_a_taken_port),
        claim(a_signature_is_worth_nothing_on_another_connection),
        claim(a_newer_format_is_refused_as_one),
        claim(bytes_that_are_no_message_are_refused),
        claim(a_frame_that_is_too_large_ends_the_conversation),
        claim(who_says_nothing_or_speaks_no_tls_is_dropped),
        claim(more_callers_than_threads_wait_their_turn),
        claim(stopping_does_not_wait_for_a_silent_caller),
    };
    return cmocka_run_group_tests_name("enrol", tests, NULL, NULL);
}
