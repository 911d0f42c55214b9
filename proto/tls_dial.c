#include "common/config.h"
#include "proto/tls_link.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

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
static enum hearth_code finish_connecting(struct tls_link *link, struct hearth_err *err)
{
    if (tls_link_wait(link, POLLOUT, err) != HEARTH_OK) {
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

/* The certificate is looked at by whoever dialled: it knows whom it wants, and by which CA. */
static SSL_CTX *create_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert(context != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

static enum hearth_code dial_one(const struct tls_dial *dial, const struct addrinfo *to,
    SSL_CTX *context, struct tls_link *link, struct hearth_err *err)
{
    int fd = start_connecting(to);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_UNREACHABLE, errno, "connect");
    }
    tls_link_init(link, context, fd, dial->stop_fd > 0 ? dial->stop_fd : -1, dial->env,
        dial->timeout_ms, TLS_CALLER);
    SSL_set_tlsext_host_name(link->ssl, dial->server_name);
    if (finish_connecting(link, err) != HEARTH_OK || tls_link_handshake(link, err) != HEARTH_OK) {
        tls_link_fini(link);
        return err->code;
    }
    return HEARTH_OK;
}

enum hearth_code tls_dial(
    const struct tls_dial *dial, struct tls_link *link, struct hearth_err *err)
{
    struct arena arena;
    struct addrinfo *addresses;
    arena_init(&arena, 0);
    enum hearth_code code = look_up(dial->address, &arena, &addresses, err);
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        return code;
    }
    SSL_CTX *context = create_context();
    code = HEARTH_UNREACHABLE;
    for (const struct addrinfo *at = addresses; at != NULL && code != HEARTH_OK; at = at->ai_next) {
        code = dial_one(dial, at, context, link, err);
    }
    SSL_CTX_free(context);
    freeaddrinfo(addresses);
    return code;
}
