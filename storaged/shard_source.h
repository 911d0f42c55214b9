/*
 * shard_source.h - the seam to other nodes: cells of a shard, asked for one at a time.
 *
 *   shard_source_rpc.c               over the link, as this node
 *   tests/unit/test_shard_copy.c     a source that the test plays
 *
 *   open --> read --> message(buf) ... read --> message(NULL) --> closed(err)
 *
 * One read at a time.  closed() comes once and last, also when there was never a connection.
 *
 * Thread-safety: everything on the loop thread; answers never come from inside a call.
 */
#ifndef HEARTH_STORAGED_SHARD_SOURCE_H
#define HEARTH_STORAGED_SHARD_SOURCE_H

#include "common/buf.h"
#include "common/err.h"

struct wire_node_address;
struct shard_fetch;

struct shard_fetch_user {
    /* As the source sent it; NULL: no more comes. */
    void (*message)(struct shard_fetch *fetch, struct buf *message TAKES);
    void (*closed)(struct shard_fetch *fetch, const struct hearth_err *err); /* code 0: all came */
};

/* Lives with its user until closed(). */
struct shard_fetch {
    const struct shard_fetch_user *user;
    void *implementation;
};

/* What to fetch: the first `cells` of what the order names. */
struct shard_fetch_request {
    const struct wire_node_address *node; /* borrowed for the call, like the order */
    struct view order;
    uint32_t cells;
};

struct shard_source;

struct shard_source_ops {
    /* HEARTH_NO_MEMORY: closed() will not come.  All else that goes wrong it tells. */
    enum hearth_code (*open)(struct shard_source *source, const struct shard_fetch_request *request,
        struct shard_fetch *fetch, struct hearth_err *err);
    void (*read)(struct shard_fetch *fetch);
    void (*cancel)(struct shard_fetch *fetch);
};

struct shard_source {
    const struct shard_source_ops *ops;
};

#endif /* HEARTH_STORAGED_SHARD_SOURCE_H */
