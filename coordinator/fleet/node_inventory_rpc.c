#include "coordinator/fleet/node_inventory_rpc.h"

#include "coordinator/fleet/node_walk.h"

#include <stdlib.h>

/* A node of a million shards on a home line: 80 MB. */
enum { WALK_DEADLINE_MS = 60 * 60 * 1000, DIGEST_DEADLINE_MS = 60 * 1000 };

struct inventory_rpc {
    struct node_inventory inventory; /* first: the seam's functions get a pointer to it */
    struct node_walker walker;
};

static enum hearth_code walk(struct node_inventory *inventory, uint32_t node,
    const struct rpc_request *request, struct node_taker *taker, struct hearth_err *err)
{
    const struct inventory_rpc *rpc = (const struct inventory_rpc *)inventory;
    return node_walk(&rpc->walker, node, request, taker, err) == HEARTH_OK
        ? HEARTH_OK
        : hearth_err_prefix(err, "inventory of node %u", node);
}

/* ---- shards by name ---- */

struct list_taker {
    struct node_taker taker; /* first */
    bool has_after;
    uint8_t after[16]; /* the last id seen */
    node_inventory_page_fn *page;
    void *context;
};

static enum hearth_code check_order(
    struct list_taker *list, const struct wire_shard_page *page, struct hearth_err *err)
{
    for (size_t i = 0; i < page->shards_count; i++) {
        const uint8_t *id = page->shards[i].shard_id.bytes;
        if (list->has_after && memcmp(id, list->after, sizeof(list->after)) <= 0) {
            return hearth_fail(err, HEARTH_CHECKSUM, "shards are not in the order of their ids");
        }
        memcpy(list->after, id, sizeof(list->after));
        list->has_after = true;
    }
    return HEARTH_OK;
}

static enum hearth_code take_shards(
    struct node_taker *taker, const void *message, bool *goes_on, struct hearth_err *err)
{
    struct list_taker *list = (struct list_taker *)taker;
    const struct wire_shard_page *page = message;
    if (check_order(list, page, err) != HEARTH_OK) {
        return err->code;
    }
    *goes_on = list->page(list->context, page);
    return HEARTH_OK;
}

static enum hearth_code list_shards(struct node_inventory *inventory, uint32_t node,
    const struct wire_list_shards_request *request, node_inventory_page_fn *page, void *context,
    struct hearth_err *err)
{
    struct list_taker list = {.taker = {.take = take_shards}, .page = page, .context = context};
    list.has_after = request->after.size == sizeof(list.after);
    if (list.has_after) {
        memcpy(list.after, request->after.bytes, sizeof(list.after));
    }
    const struct rpc_request call = {
        .method = RPC_LIST_SHARDS, .message = request, .deadline_ms = WALK_DEADLINE_MS};
    return walk(inventory, node, &call, &list.taker, err);
}

/* ---- sums ---- */

struct digest_taker {
    struct node_taker taker; /* first */
    struct wire_shard_digest *out;
    uint32_t left;
};

static enum hearth_code take_digests(
    struct node_taker *taker, const void *message, bool *goes_on, struct hearth_err *err)
{
    struct digest_taker *digest = (struct digest_taker *)taker;
    const struct wire_shard_digest_page *page = message;
    *goes_on = true;
    size_t count = page->ranges.size / WIRE_DIGEST_SIZE;
    if (page->ranges.size % WIRE_DIGEST_SIZE != 0 || count > digest->left) {
        return hearth_fail(err, HEARTH_CHECKSUM, "sums of other ranges than were asked for");
    }
    struct reader reader = reader_of(page->ranges);
    for (size_t i = 0; i < count; i++) {
        *digest->out++ = wire_digest_read(&reader);
    }
    digest->left -= (uint32_t)count;
    return HEARTH_OK;
}

static enum hearth_code digest_shards(struct node_inventory *inventory, uint32_t node,
    const struct wire_digest_shards_request *request, struct wire_shard_digest *out,
    struct hearth_err *err)
{
    struct digest_taker digest = {
        .taker = {.take = take_digests}, .out = out, .left = request->count};
    const struct rpc_request call = {
        .method = RPC_DIGEST_SHARDS, .message = request, .deadline_ms = DIGEST_DEADLINE_MS};
    enum hearth_code code = walk(inventory, node, &call, &digest.taker, err);
    if (code == HEARTH_OK && digest.left > 0) {
        return hearth_fail(
            err, HEARTH_CHECKSUM, "inventory of node %u: %u ranges are missing", node, digest.left);
    }
    return code;
}

/* ---- a life ---- */

enum hearth_code node_inventory_rpc_create(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, struct node_table *nodes, struct node_inventory **out,
    struct hearth_err *err)
{
    return node_inventory_rpc_create_with(
        runtime, credentials, node_walk_address_in_table, nodes, out, err);
}

enum hearth_code node_inventory_rpc_create_with(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, node_walk_address_fn *address, void *context,
    struct node_inventory **out, struct hearth_err *err)
{
    static const struct node_inventory_ops ops = {.list = list_shards, .digest = digest_shards};
    struct inventory_rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inventories");
    }
    rpc->inventory.ops = &ops;
    if (node_walker_init(&rpc->walker, runtime, credentials, address, context, err) != HEARTH_OK) {
        free(rpc);
        return err->code;
    }
    *out = &rpc->inventory;
    return HEARTH_OK;
}

void node_inventory_rpc_destroy(struct node_inventory *inventory)
{
    struct inventory_rpc *rpc = (struct inventory_rpc *)inventory;
    if (rpc != NULL) {
        node_walker_fini(&rpc->walker);
        free(rpc);
    }
}
