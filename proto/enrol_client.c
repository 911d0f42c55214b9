#include "common/config.h"
#include "common/crypto.h"
#include "proto/enrol.h"
#include "proto/enrol_link.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

/* ---- a connected socket ---- */

/* Starts it; the link waits. -1: errno says why. */
static int start_connecting(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS) {
        int failed = errno;
        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

/* Waits until the socket is connected. */
static enum hearth_code finish_connecting(struct enrol_link *link, struct hearth_err *err)
{
    if (enrol_link_wait(link, POLLOUT, err) != HEARTH_OK) {
        return err->code;
    }
    int failed = 0;
    socklen_t size = sizeof(failed);
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0 || failed != 0) {
        return hearth_fail_sys(err, HEARTH_UNREACHABLE, failed != 0 ? failed : errno, "connect");
    }
    return HEARTH_OK;
}

static enum hearth_code look_up(
    const char *address, struct arena *arena, struct addrinfo **out, struct hearth_err *err)
{
    struct config_address parsed;
    if (config_parse_address(address, arena, &parsed, err) != HEARTH_OK) {
        return err->code;
    }
    char port[8];
    snprintf(port, sizeof(port), "%u", parsed.port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int rc = getaddrinfo(parsed.host, port, &hints, out);
    if (rc != 0) {
        return hearth_fail(
            err, HEARTH_UNREACHABLE, "look up %s: %s", parsed.host, gai_strerror(rc));
    }
    return HEARTH_OK;
}

/* ---- is the other end the coordinator of the pinned cluster? ---- */

/* In the arena. NULL: out of memory. */
static char *pem_of(X509 *certificate, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert(bio != NULL && PEM_write_bio_X509(bio, certificate) == 1);
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    char *text = arena_text(arena, view_of(bytes, (size_t)size));
    BIO_free(bio);
    return text;
}

static enum hearth_code check_ca(
    struct view ca_pem, const uint8_t *expected_pin, struct hearth_err *err)
{
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (pki_ca_read(ca_pem, cluster, pin, err) != HEARTH_OK ||
        !crypto_equal(pin, expected_pin, sizeof(pin))) {
        return hearth_fail(
            err, HEARTH_DENIED, "whoever answers is not of the cluster we were invited to");
    }
    return HEARTH_OK;
}

/* The server sends its certificate and its CA's; TLS has shown that it holds the first one's key.
 */
static enum hearth_code check_server(const struct enrol_call *call, const struct enrol_link *link,
    struct arena *arena, struct hearth_err *err)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(link->ssl);
    if (chain == NULL || sk_X509_num(chain) < 2) {
        return hearth_fail(
            err, HEARTH_DENIED, "whoever answers is not of the cluster we were invited to");
    }
    char *pem = pem_of(sk_X509_value(chain, 0), arena);
    char *ca_pem = pem_of(sk_X509_value(chain, 1), arena);
    struct pki_certificate server;
    if (pem == NULL || ca_pem == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "certificates");
    }
    if (check_ca(view_text(ca_pem), call->ca_pin, err) != HEARTH_OK ||
        pki_certificate_verify(link->env, view_text(pem), ca_pem, &server, err) != HEARTH_OK) {
        return err->code;
    }
    if (server.identity.class != PEER_COORDINATOR) {
        return hearth_fail(err, HEARTH_DENIED, "this is a %s of the cluster, not its coordinator",
            peer_class_text(server.identity.class));
    }
    return HEARTH_OK;
}

/* ---- the conversation ---- */

static enum hearth_code send_request(
    const struct enrol_call *call, struct enrol_link *link, struct hearth_err *err)
{
    uint8_t proof[ENROL_PROOF_SIZE];
    uint8_t public_key[PKI_PUBLIC_SIZE];
    struct pki_signature signature;
    enrol_link_proof(link, proof);
    pki_key_public(call->key, public_key);
    pki_sign(call->key, view_of(proof, sizeof(proof)), &signature);
    const struct wire_enrol_request request = {.format = ENROL_FORMAT,
        .token = call->token,
        .public_key = view_of(public_key, sizeof(public_key)),
        .signature = view_of(signature.bytes, signature.size)};
    struct buf *bytes;
    if (wire_encode(&wire_enrol_request_message, &request, &bytes, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = enrol_link_send(link, buf_view(bytes), err);
    buf_unref(bytes);
    return code;
}

/* What the coordinator gave is of our key and of the cluster we asked. */
static enum hearth_code check_reply(const struct enrol_call *call, const struct enrol_link *link,
    struct arena *arena, const struct wire_enrol_reply *reply, struct hearth_err *err)
{
    uint8_t id[PKI_ID_SIZE];
    struct pki_certificate certificate;
    const char *ca_pem = arena_text(arena, reply->ca_certificate);
    if (ca_pem == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "certificates");
    }
    if (check_ca(reply->ca_certificate, call->ca_pin, err) != HEARTH_OK ||
        pki_certificate_verify(link->env, reply->certificate, ca_pem, &certificate, err) !=
            HEARTH_OK) {
        return err->code;
    }
    pki_key_id(call->key, id);
    if (memcmp(certificate.identity.id, id, sizeof(id)) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the certificate is for another key");
    }
    return HEARTH_OK;
}

static enum hearth_code receive_reply(const struct enrol_call *call, struct enrol_link *link,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct buf *bytes;
    if (enrol_link_receive(link, ENROL_REPLY_MAX, &bytes, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_enrol_reply received;
    enum hearth_code code =
        wire_decode(&wire_enrol_reply_message, buf_view(bytes), arena, &received, err);
    buf_unref(bytes);
    if (code != HEARTH_OK) {
        return code;
    }
    if (received.code != HEARTH_OK) {
        return hearth_fail(
            err, hearth_code_from_wire(received.code), "%.*s", VIEW_ARGS(received.message));
    }
    if (check_reply(call, link, arena, &received, err) != HEARTH_OK) {
        return err->code;
    }
    *reply = received;
    return HEARTH_OK;
}

static enum hearth_code converse(const struct enrol_call *call, struct enrol_link *link,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    if (enrol_link_handshake(link, err) != HEARTH_OK ||
        check_server(call, link, arena, err) != HEARTH_OK ||
        send_request(call, link, err) != HEARTH_OK) {
        return err->code;
    }
    return receive_reply(call, link, arena, reply, err);
}

/* Proves nothing yet: who is there is checked in check_server(), before a word is sent. */
static SSL_CTX *create_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert(context != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

/* Each address of the name in turn, until one lets us connect. */
static enum hearth_code call_addresses(const struct enrol_call *call,
    const struct addrinfo *addresses, struct arena *arena, struct wire_enrol_reply *reply,
    struct hearth_err *err)
{
    SSL_CTX *context = create_context();
    struct env *env = call->env != NULL ? call->env : env_system();
    const unsigned timeout_ms = call->timeout_ms != 0 ? call->timeout_ms : ENROL_TIMEOUT_MS;
    bool connected = false;
    for (const struct addrinfo *at = addresses; at != NULL && !connected; at = at->ai_next) {
        int fd = start_connecting(at);
        if (fd < 0) {
            hearth_fail_sys(err, HEARTH_UNREACHABLE, errno, "connect");
            continue;
        }
        struct enrol_link link;
        enrol_link_init(&link, context, fd, -1, env, timeout_ms, ENROL_CALLER);
        connected = finish_connecting(&link, err) == HEARTH_OK;
        if (connected) {
            err->code = converse(call, &link, arena, reply, err);
        }
        enrol_link_fini(&link);
    }
    SSL_CTX_free(context);
    return err->code;
}

enum hearth_code enrol_call_blocking(const struct enrol_call *call, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct addrinfo *addresses;
    enum hearth_code code = look_up(call->address, arena, &addresses, err);
    if (code == HEARTH_OK) {
        code = call_addresses(call, addresses, arena, reply, err);
        freeaddrinfo(addresses);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "enrol at %s", call->address);
}
