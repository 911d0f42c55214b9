/*
 * shard_inbox.h - where one transfer hears from all its nodes.
 *
 *   call's port --post--\
 *   call's port --post--->  [ events in order of arrival ]  --take-->  the transfer
 *   call's port --post--/
 *
 * The transfer takes all there is at once, so a burst of cells costs one wake-up.  "Another cell
 * was sent" counts up in an event that is there already, and wakes nobody before half of what the
 * call had queued is gone: until then the line does not run dry.  Once the transfer has given its
 * last cell it wakes nobody at all: the receipt will.  Who can do nothing with fewer cells than so
 * many says so before it waits.
 *
 * The inbox is counted, because a call may outlive the transfer that let go of it: every port
 * holds a reference until it is closed.
 *
 * Thread-safety: posting from any thread, one at a time for a port; the rest by the one transfer.
 */
#ifndef HEARTH_CLIENT_SHARD_INBOX_H
#define HEARTH_CLIENT_SHARD_INBOX_H

#include "common/buf.h"
#include "common/env.h"
#include "common/err.h"

#include <limits.h>

enum shard_event_kind {
    SHARD_SENT,   /* put: `count` more cells were taken by the transport */
    SHARD_CELL,   /* get: `bytes` is the next cell with its tag, as the node sent it: unverified */
    SHARD_DONE,   /* last. put: `bytes` is the receipt; get: all that was asked for has come */
    SHARD_FAILED, /* last. `err` says why */
};

struct shard_port;

struct shard_event {
    struct shard_event *next;
    struct shard_port *port;
    void *context; /* of the port */
    enum shard_event_kind kind;
    unsigned count;
    uint64_t at_ns;        /* when it was posted, by the inbox's clock */
    struct slice bytes;    /* its reference is the event's */
    struct hearth_err err; /* set when SHARD_FAILED */
};

struct shard_inbox;

/* One reference, the caller's.  NULL: out of memory. */
struct shard_inbox *shard_inbox_create(struct env *env);
/* Accepts NULL.  When no port is open either, drops what was never taken and is gone. */
void shard_inbox_unref(struct shard_inbox *inbox);

/*
 * Moves out the oldest event; false: there is none.  What `bytes` refers to is then the caller's
 * to release with buf_unref(bytes.owner).
 */
bool shard_inbox_take(struct shard_inbox *inbox, struct shard_event *out);

bool shard_inbox_has_events(struct shard_inbox *inbox);

/* The next wait is not over for fewer cells than these, as long as nothing else comes.  Of a closed
 * port, too: they may be waited for too short, never too long. */
void shard_inbox_want_cells(struct shard_inbox *inbox, unsigned least);

/* Until there is an event or the clock says until_ns; UINT64_MAX: for ever.  Real time only:
 * transfers call shard_net_wait(), which tests replace. */
void shard_inbox_wait_blocking(struct shard_inbox *inbox, uint64_t until_ns);

/* ---- the end of a call ---- */

/* Lives in the call. */
struct shard_port {
    struct shard_inbox *inbox;
    void *context;
    struct {
        bool is_closed;
        struct shard_event *sent; /* in the inbox now, to be counted up; else NULL */
    } shared;                     /* holding the inbox's lock */
};

void shard_port_open(struct shard_port *port, struct shard_inbox *inbox, void *context);

enum { SHARD_SENT_LAST = INT_MAX }; /* in place of still_queued: no cell follows those queued */

/* These do nothing once the port is closed. */
void shard_port_post_sent(struct shard_port *port, unsigned still_queued);
void shard_port_post_cell(struct shard_port *port, struct slice bytes TAKES);
void shard_port_post_done(struct shard_port *port, struct slice bytes TAKES);
void shard_port_post_failed(struct shard_port *port, const struct hearth_err *err);

/* By the transfer: no event of this port is in the inbox afterwards, and none will be. */
void shard_port_close(struct shard_port *port);

/* After close, by the last who could have posted. */
void shard_port_fini(struct shard_port *port);

#endif /* HEARTH_CLIENT_SHARD_INBOX_H */
