/*
 * listen.h - a socket of our own that listens at an address.
 *
 * Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_LISTEN_H
#define HEARTH_PROTO_LISTEN_H

#include "common/err.h"

/*
 * "host:port"; "[::]:port" is everybody, by v4 too; port 0: a free one.  *out_fd is the caller's;
 * it does not block, and closes on exec.  HEARTH_EXISTS: somebody listens there.  HEARTH_INVALID:
 * it is no address, or none of this machine.
 */
enum hearth_code listen_on(const char *address, int backlog, int *out_fd, struct hearth_err *err);

/* Which port it is. */
unsigned listen_port(int fd);

#endif /* HEARTH_PROTO_LISTEN_H */
