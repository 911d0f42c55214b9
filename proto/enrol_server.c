/*
 * The enrolment server: as many threads as there may be conversations, each accepting its own, so
 * that the kernel's listening queue is the only queue.
 */
#include "proto/accept.h"
#include "proto/enrol.h"
#include "proto/enrol_proof.h"
#include "proto/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum {
    BACKLOG = 64,
    CONVERSATION_MEMORY_MAX = 256 << 10,
    OUT_OF_DESCRIPTORS_PAUSE_MS = 100, /* before trying to accept again */
};

struct enrol_server {
    /* Set once, before the threads. */
    struct env *env;
    enrol_handler *handler;
    void *service;
    unsigned timeout_ms;
    SSL_CTX *context;
    int listen_fd;
    int stop_fd; /* readable for ever once we stop */

    pthread_t threads[ENROL_CONNECTIONS_MAX];
    unsigned thread_count;
};

/* ---- one conversation ---- */

/* "192.0.2.7", also for a caller who came to a v6 socket by v4. */
static void address_text(const struct sockaddr_storage *from, char text[ENROL_ADDRESS_SIZE])
{
    static const char mapped[] = "::ffff:";
    char full[ENROL_ADDRESS_SIZE] = "";
    if (from->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, full, sizeof(full));
    } else if (from->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, full, sizeof(full));
    }
    const bool was_mapped = strncmp(full, mapped, strlen(mapped)) == 0 && strchr(full, '.') != NULL;
    snprintf(text, ENROL_ADDRESS_SIZE, "%s", full + (was_mapped ? strlen(mapped) : 0));
}

/* The public key, if its holder is at the other end of this very connection. */
static enum hearth_code prove(const struct tls_link *link, const struct wire_enrol_request *request,
    struct pki_key **key, struct hearth_err *err)
{
    uint8_t proof[ENROL_PROOF_SIZE];
    if (request->format != ENROL_FORMAT) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "enrolment format %u, we know %d",
            request->format, ENROL_FORMAT);
    }
    if (pki_key_from_public(request->public_key, key, err) != HEARTH_OK) {
        return err->code;
    }
    enrol_proof(link, proof);
    if (!pki_verify(*key, view_of(proof, sizeof(proof)), request->signature)) {
        pki_key_destroy(*key);
        return hearth_fail(err, HEARTH_DENIED, "the signature is not of that key");
    }
    return HEARTH_OK;
}

static enum hearth_code answer(const struct enrol_server *server, const struct tls_link *link,
    const struct sockaddr_storage *from, struct view message, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct wire_enrol_request request;
    struct pki_key *key;
    if (wire_decode(&wire_enrol_request_message, message, arena, &request, err) != HEARTH_OK ||
        prove(link, &request, &key, err) != HEARTH_OK) {
        return err->code;
    }
    struct enrol_caller caller = {.key = key, .token = request.token};
    pki_key_id(key, caller.id);
    address_text(from, caller.address);
    enum hearth_code code = server->handler(server->service, &caller, arena, reply, err);
    pki_key_destroy(key);
    return code;
}

/* Whatever came of it, the caller is told. */
static void send_reply(const struct enrol_server *server, struct tls_link *link,
    struct wire_enrol_reply *reply, enum hearth_code code, struct hearth_err *err)
{
    struct buf *bytes;
    if (code != HEARTH_OK) {
        const struct view text = view_text(err->message);
        *reply = (struct wire_enrol_reply){.code = (uint32_t)code,
            .message = view_of(text.bytes, text.size < WIRE_TEXT_MAX ? text.size : WIRE_TEXT_MAX)};
    }
    reply->now_unix_ms = env_unix_ms(server->env);
    if (wire_encode(&wire_enrol_reply_message, reply, &bytes, err) == HEARTH_OK) {
        tls_link_send(link, buf_view(bytes), err);
        buf_unref(bytes);
    }
}

/* Who does not get as far as one whole frame is a stranger, and gets no answer. */
static void converse(
    const struct enrol_server *server, struct tls_link *link, const struct sockaddr_storage *from)
{
    struct hearth_err err;
    struct buf *message;
    struct arena arena;
    struct wire_enrol_reply reply = {0};
    if (tls_link_handshake(link, &err) != HEARTH_OK ||
        tls_link_receive(link, ENROL_REQUEST_MAX, &message, &err) != HEARTH_OK) {
        return;
    }
    arena_init(&arena, CONVERSATION_MEMORY_MAX);
    enum hearth_code code = answer(server, link, from, buf_view(message), &arena, &reply, &err);
    send_reply(server, link, &reply, code, &err);
    arena_fini(&arena);
    buf_unref(message);
}

/* ---- threads ---- */

/* false: we are stopping. */
static bool wait_for_caller(const struct enrol_server *server)
{
    struct pollfd polled[2] = {
        {.fd = server->listen_fd, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};
    poll(polled, 2, -1);
    return polled[1].revents == 0;
}

/* -1: another thread was faster, or there are no descriptors left, which waits a little. */
static int accept_caller(const struct enrol_server *server, struct sockaddr_storage *from)
{
    socklen_t size = sizeof(*from);
    int fd = accept_connection(server->listen_fd, (struct sockaddr *)from, &size);
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        struct pollfd polled = {.fd = server->stop_fd, .events = POLLIN};
        poll(&polled, 1, OUT_OF_DESCRIPTORS_PAUSE_MS);
    }
    return fd;
}

static void *serve(void *argument)
{
    const struct enrol_server *server = argument;
    while (wait_for_caller(server)) {
        struct sockaddr_storage from;
        int fd = accept_caller(server, &from);
        if (fd >= 0) {
            struct tls_link link;
            tls_link_init(&link, server->context, fd, server->stop_fd, server->env,
                server->timeout_ms, TLS_ANSWERER);
            converse(server, &link, &from);
            tls_link_fini(&link);
        }
    }
    OPENSSL_thread_stop();
    return NULL;
}

/* ---- a life ---- */

static X509 *read_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    assert(bio != NULL);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

static bool use_certificates(SSL_CTX *context, const struct enrol_server_options *options)
{
    X509 *certificate = read_pem(options->certificate_pem);
    X509 *ca = read_pem(options->ca_pem);
    bool fits = certificate != NULL && ca != NULL &&
        SSL_CTX_use_certificate(context, certificate) == 1 &&
        SSL_CTX_use_PrivateKey(context, pki_key_evp(options->key)) == 1 &&
        SSL_CTX_add1_chain_cert(context, ca) == 1;
    X509_free(certificate);
    X509_free(ca);
    ERR_clear_error();
    return fits;
}

static enum hearth_code create_context(
    const struct enrol_server_options *options, SSL_CTX **out, struct hearth_err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert(context != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0); /* nobody comes twice */
    if (!use_certificates(context, options)) {
        SSL_CTX_free(context);
        return hearth_fail(err, HEARTH_INVALID, "certificate and key do not fit together");
    }
    *out = context;
    return HEARTH_OK;
}

static enum hearth_code start_threads(struct enrol_server *server, struct hearth_err *err)
{
    while (server->thread_count < ENROL_CONNECTIONS_MAX) {
        int rc = pthread_create(&server->threads[server->thread_count], NULL, serve, server);
        if (rc != 0) {
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "enrolment thread");
        }
        server->thread_count++;
    }
    return HEARTH_OK;
}

enum hearth_code enrol_server_start(
    const struct enrol_server_options *options, struct enrol_server **out, struct hearth_err *err)
{
    struct enrol_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "enrolment server");
    }
    server->env = options->env != NULL ? options->env : env_system();
    server->handler = options->handler;
    server->service = options->service;
    server->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : ENROL_TIMEOUT_MS;
    server->listen_fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->stop_fd < 0) {
        hearth_fail_sys(err, HEARTH_IO, errno, "enrolment server");
        goto undo;
    }
    if (create_context(options, &server->context, err) != HEARTH_OK ||
        listen_on(options->address, BACKLOG, &server->listen_fd, err) != HEARTH_OK ||
        start_threads(server, err) != HEARTH_OK) {
        hearth_err_prefix(err, "enrolment");
        goto undo;
    }
    *out = server;
    return HEARTH_OK;

undo:
    enrol_server_stop_blocking(server);
    return err->code;
}

unsigned enrol_server_port(const struct enrol_server *server)
{
    return listen_port(server->listen_fd);
}

void enrol_server_stop_blocking(struct enrol_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->stop_fd >= 0) {
        eventfd_write(server->stop_fd, 1);
    }
    for (unsigned i = 0; i < server->thread_count; i++) {
        pthread_join(server->threads[i], NULL);
    }
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
    }
    if (server->stop_fd >= 0) {
        close(server->stop_fd);
    }
    SSL_CTX_free(server->context);
    free(server);
}
