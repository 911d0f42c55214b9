/*
 * storaged.h - the daemon put together: what starts in which order, and ends in the other.
 *
 *   identity -> loop, disk, volume -> shard service -> RPC server -> heartbeat
 *
 *   main thread   waits for signals, renews the certificate              (blocks)
 *   loop thread   the volume, every request for a shard, the heartbeat   (never blocks)
 *   disk threads  pread, pwrite, fdatasync                               (block)
 *   pumps         the network; hand everything to the loop               (never block)
 */
#ifndef HEARTH_STORAGED_STORAGED_H
#define HEARTH_STORAGED_STORAGED_H

#include "common/env.h"
#include "storaged/settings.h"

struct storaged;

/*
 * Serves when it returns HEARTH_OK.  `settings` outlive it.  Errors say which step failed:
 * "open volume /x: in use by another process".
 */
enum hearth_code storaged_start(const struct settings *settings, struct env *env,
    struct storaged **out, struct hearth_err *err);

enum storaged_event {
    STORAGED_STOP,        /* `stop_fd` is readable */
    STORAGED_RELOAD,      /* `reload_fd` is readable */
    STORAGED_VOLUME_GONE, /* the volume's disk was taken away: nothing is served any more */
};

/* Until one of these. Renews the certificate when it is time. */
enum storaged_event storaged_run(struct storaged *storaged, int stop_fd, int reload_fd);

/* What an owner may change while it runs: capacity_bytes, upload, download of these settings. */
void storaged_set_limits(struct storaged *storaged, const struct settings *settings);

/* Lets requests under way end, for some seconds; everything is closed and freed. Accepts NULL. */
void storaged_stop(struct storaged *storaged);

#endif /* HEARTH_STORAGED_STORAGED_H */
