/*
 * node_inventory.h - the seam to what a node says it holds: shards by name, or sums of them.
 *
 *   node_inventory_list_blocking    id, locator, length, live or trash, when; in the order of ids
 *   node_inventory_digest_blocking  how many in each range of ids, and the sum of them (id_sum.h)
 *
 * node_inventory_rpc.c asks real nodes, and is all that shows them the coordinator's own
 * certificate: shards are read and written by sessions, so a node learns nothing about those here.
 *
 * A node is not believed: what it lists may not exist, what it leaves out may.  What is sure is the
 * form: ids ascend from `after`, a locator is 20 bytes.  Whether id and locator belong together is
 * for shard_name_open().
 *
 * Thread-safety: any thread, several calls at a time; never on a pump thread or a worker that
 * others wait for: a large node takes minutes to list.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_H
#define HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_H

#include "common/err.h"
#include "proto/wire_inventory.h"

struct node_inventory {
    const struct node_inventory_ops *ops;
};

/* Borrowed for the call. False: that was enough, the walk ends well. */
typedef bool node_inventory_page_fn(void *context, const struct wire_shard_page *page);

struct node_inventory_ops {
    enum hearth_code (*list)(struct node_inventory *inventory, uint32_t node,
        const struct wire_list_shards_request *request, node_inventory_page_fn *page, void *context,
        struct hearth_err *err);
    enum hearth_code (*digest)(struct node_inventory *inventory, uint32_t node,
        const struct wire_digest_shards_request *request, struct wire_shard_digest *out,
        struct hearth_err *err);
};

/*
 * HEARTH_OK: the walk reached the end, request->max, or `page` said so.  Anything else: it broke
 * off, and the pages that came are all that is known.  HEARTH_UNREACHABLE, HEARTH_BUSY (the node's
 * places are taken), HEARTH_DEADLINE, HEARTH_CHECKSUM: the node does not keep to the form.
 */
static inline enum hearth_code node_inventory_list_blocking(struct node_inventory *inventory,
    uint32_t node, const struct wire_list_shards_request *request, node_inventory_page_fn *page,
    void *context, struct hearth_err *err)
{
    return inventory->ops->list(inventory, node, request, page, context, err);
}

/* out: request->count ranges. Codes as above. */
static inline enum hearth_code node_inventory_digest_blocking(struct node_inventory *inventory,
    uint32_t node, const struct wire_digest_shards_request *request, struct wire_shard_digest *out,
    struct hearth_err *err)
{
    return inventory->ops->digest(inventory, node, request, out, err);
}

#endif /* HEARTH_COORDINATOR_FLEET_NODE_INVENTORY_H */
