/*
 * node_walk.h - the coordinator asks a node something, as itself, and takes what comes page by
 * page.
 *
 * Thread-safety: any thread; a walk blocks its own.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_WALK_H
#define HEARTH_COORDINATOR_FLEET_NODE_WALK_H

#include "client/channel_cache.h"
#include "coordinator/fleet/node_table.h"
#include "coordinator/halt.h"
#include "proto/rpc_channel.h"
#include "proto/wire.h"

enum { NODE_WALK_PATIENCE_MS = 30 * 1000 };

/* Where a node is, in the arena; false: nobody knows. */
typedef bool node_walk_address_fn(
    void *context, uint32_t node, struct arena *arena, struct wire_node_address *out);

/* Connections with the coordinator's own certificate. */
struct node_walker {
    node_walk_address_fn *address;
    void *address_context;
    struct channel_cache *channels;
    uint64_t patience_ms; /* for the next page: a node that makes others wait holds no duty up */
};

/* The runtime is borrowed, like the context; of the credentials a reference is taken.  The patience
 * is NODE_WALK_PATIENCE_MS until its owner sets another. */
enum hearth_code node_walker_init(struct node_walker *walker, struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, node_walk_address_fn *address, void *context,
    struct hearth_err *err);

/* The address in a struct node_table, which is the context. */
node_walk_address_fn node_walk_address_in_table;

void node_walker_fini(struct node_walker *walker); /* no walk may be under way */

/* What may come. */
union node_page {
    struct wire_shard_page shards;
    struct wire_shard_digest_page digests;
    struct wire_shard_put_reply reply;
};

/* What a call does with each page. HEARTH_OK and *goes_on false: it has enough. */
struct node_taker {
    /* While nothing comes: nobody wants the rest any more. NULL: somebody does. */
    const struct halt *halt;
    enum hearth_code (*take)(
        struct node_taker *taker, const void *page, bool *goes_on, struct hearth_err *err);
};

/* HEARTH_UNREACHABLE: nobody answers there.  HEARTH_CANCELLED: a halt.  Else what the node said, or
 * the taker. */
enum hearth_code node_walk(const struct node_walker *walker, uint32_t node,
    const struct rpc_request *request, struct node_taker *taker, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_WALK_H */
