#include "proto/listen.h"

#include "proto/rpc_transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 256 };

/* -1: errno says why. */
static int listen_at(const struct addrinfo *at, int backlog)
{
    int on = 1;
    int off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, backlog) == 0) {
        return fd;
    }
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

enum hearth_code listen_on(const char *address, int backlog, int *out_fd, struct hearth_err *err)
{
    char host[HOST_MAX];
    const char *port;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (!rpc_split_address(address, host, sizeof(host), &port) ||
        getaddrinfo(host, port, &hints, &found) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "listen on %s: no such address", address);
    }
    int fd = listen_at(found, backlog);
    int failure = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        enum hearth_code code = failure == EADDRINUSE ? HEARTH_EXISTS : HEARTH_INVALID;
        return hearth_fail_sys(err, code, failure, "listen on %s", address);
    }
    *out_fd = fd;
    return HEARTH_OK;
}

unsigned listen_port(int fd)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(own);
    int rc = getsockname(fd, (struct sockaddr *)&own, &size);
    assert(rc == 0);
    return ntohs(own.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&own)->sin6_port
                                           : ((const struct sockaddr_in *)&own)->sin_port);
}
