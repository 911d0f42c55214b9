#include "storaged/endpoints.h"

#include "common/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { KIND_DIRECT = 1 }; /* Endpoint.kind in hearth.proto */

static bool is_any(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Connecting a datagram socket sends nothing; it only chooses the way. */
static enum hearth_code name_own_side(
    const struct addrinfo *peer, char host[NI_MAXHOST], struct hearth_err *err)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof(own);
    CLOSES_FD int fd = socket(peer->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, peer->ai_addr, peer->ai_addrlen) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
        return hearth_fail_sys(err, HEARTH_UNREACHABLE, errno, "find the way to it");
    }
    int rc = getnameinfo((struct sockaddr *)&own, size, host, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
    if (rc != 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "name our side: %s", gai_strerror(rc));
    }
    return HEARTH_OK;
}

static enum hearth_code find_own_host(
    const struct config_address *coordinator, char host[NI_MAXHOST], struct hearth_err *err)
{
    char port[8];
    struct addrinfo *found;
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    snprintf(port, sizeof(port), "%u", (unsigned)coordinator->port);
    int rc = getaddrinfo(coordinator->host, port, &hints, &found);
    if (rc != 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "%s", gai_strerror(rc));
    }
    enum hearth_code code = name_own_side(found, host, err);
    freeaddrinfo(found);
    return code;
}

static enum hearth_code add(struct endpoints *endpoints, const char *host, uint16_t port,
    struct arena *arena, struct hearth_err *err)
{
    struct view copy = arena_copy(arena, view_text(host));
    if (copy.bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "endpoint %s", host);
    }
    endpoints->items[endpoints->count++] =
        (struct wire_endpoint){.kind = KIND_DIRECT, .host = copy, .port = port};
    return HEARTH_OK;
}

enum hearth_code endpoints_make(const struct settings *settings, uint16_t port, struct arena *arena,
    struct endpoints *out, struct hearth_err *err)
{
    const struct config_addresses *addresses =
        settings->advertise.count > 0 ? &settings->advertise : &settings->listen;
    const struct config_address *coordinator = &settings->coordinators.items[0];
    out->count = 0;
    for (unsigned i = 0; i < addresses->count; i++) {
        const struct config_address *address = &addresses->items[i];
        char own[NI_MAXHOST];
        const char *host = address->host;
        if (is_any(host)) {
            if (find_own_host(coordinator, own, err) != HEARTH_OK) {
                return hearth_err_prefix(err,
                    "advertise is not given, and our address towards %s is not known",
                    coordinator->host);
            }
            host = own;
        }
        if (add(out, host, address->port == 0 ? port : address->port, arena, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}
