#include "common/http/http_listen.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 1024 };

static unsigned port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t size = sizeof(at);
    int rc = getsockname(fd, (struct sockaddr *)&at, &size);
    assert(rc == 0);
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

static enum hearth_code listen_at(const struct addrinfo *at, int *out_fd, struct hearth_err *err)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open a socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        close(fd);
        return hearth_fail_sys(err, HEARTH_IO, why, "bind");
    }
    *out_fd = fd;
    return HEARTH_OK;
}

enum hearth_code http_listen(
    const struct config_address *address, int *out_fd, unsigned *out_port, struct hearth_err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    char port[sizeof("65535")];
    char text[CONFIG_ADDRESS_TEXT_SIZE];
    config_format_address(address, text);
    snprintf(port, sizeof(port), "%u", address->port);
    int rc = getaddrinfo(address->host, port, &hints, &found);
    if (rc != 0) {
        return hearth_fail(err, HEARTH_INVALID, "listen on %s: %s", text, gai_strerror(rc));
    }
    enum hearth_code code = listen_at(found, out_fd, err);
    freeaddrinfo(found);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "listen on %s", text);
    }
    *out_port = port_of(*out_fd);
    return HEARTH_OK;
}

void http_address_text(const struct sockaddr *from, char text[INET6_ADDRSTRLEN])
{
    static const char mapped[] = "::ffff:";
    text[0] = '\0';
    if (from->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, text, INET6_ADDRSTRLEN);
        return;
    }
    if (from->sa_family == AF_INET6) {
        inet_ntop(
            AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, text, INET6_ADDRSTRLEN);
    }
    if (strncmp(text, mapped, strlen(mapped)) == 0 && strchr(text, '.') != NULL) {
        memmove(text, text + strlen(mapped), strlen(text + strlen(mapped)) + 1);
    }
}
