/*
 * http_listen.h - a socket that listens, for the HTTP ports.
 */
#ifndef HEARTH_COMMON_HTTP_HTTP_LISTEN_H
#define HEARTH_COMMON_HTTP_HTTP_LISTEN_H

#include "common/config.h"

#include <netinet/in.h>

/* Port 0: a free one is found.  The descriptor is the caller's. */
enum hearth_code http_listen(
    const struct config_address *address, int *out_fd, unsigned *out_port, struct hearth_err *err);

/* "192.0.2.7", also for a caller who came to a v6 socket by v4. */
void http_address_text(const struct sockaddr *from, char text[INET6_ADDRSTRLEN]);

#endif /* HEARTH_COMMON_HTTP_HTTP_LISTEN_H */
