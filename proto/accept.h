/*
 * accept.h - the next connection of a listening socket of our own, straight from the kernel: in a
 * program with gRPC the name accept4 means what gRPC needs (core_server.c).
 */
#ifndef HEARTH_PROTO_ACCEPT_H
#define HEARTH_PROTO_ACCEPT_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Does not block, closes on exec. -1: errno. */
static inline int accept_connection(int fd, struct sockaddr *from, socklen_t *size)
{
    return (int)syscall(SYS_accept4, fd, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* It may work later: whoever polls the socket finds it readable until then. */
static inline bool accept_lacks_resources(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

#endif /* HEARTH_PROTO_ACCEPT_H */
