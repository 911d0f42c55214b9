/*
 * The caller's thread asks for one message after the other; the pump thread hands each over under
 * the walk's lock.
 */
#include "coordinator/node_inventory_rpc.h"

#include "client/channel_cache.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/moment.h"
#include "proto/rpc_stream.h"
#include "proto/wire.h"

#include <assert.h>
#include <stdlib.h>

/* A node of a million shards on a home line: 80 MB. */
enum {
    WALK_DEADLINE_MS = 60 * 60 * 1000,
    DIGEST_DEADLINE_MS = 60 * 1000,
    PAGE_PATIENCE_MS = 30 * 1000, /* a node that makes others wait does not hold a duty up */
};

struct inventory_rpc {
    struct node_inventory inventory; /* first: the seam's functions get a pointer to it */
    node_inventory_address_fn *address;
    void *address_context;
    struct channel_cache *channels;
};

struct walk {
    struct rpc_stream *stream;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct buf *message; /* came, and was not taken yet */
        bool is_closed;
        struct hearth_err end; /* why */
    } shared;
};

/* ---- on the pump thread ---- */

static void walk_message(void *context, struct buf *message TAKES)
{
    struct walk *walk = context;
    UNLOCKS pthread_mutex_t *held = lock(&walk->shared.mutex);
    walk->shared.message = message; /* NULL: closed() follows */
    pthread_cond_signal(&walk->shared.changed);
}

static void walk_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct walk *walk = context;
    UNLOCKS pthread_mutex_t *held = lock(&walk->shared.mutex);
    walk->shared.end = code == HEARTH_OK ? (struct hearth_err){.code = HEARTH_OK} : *err;
    walk->shared.is_closed = true;
    pthread_cond_signal(&walk->shared.changed);
}

/* ---- on the caller's ---- */

/* The next message, now ours; NULL: the end has come, or will, because nothing else came in time.
 */
static struct buf *next_message(struct walk *walk)
{
    struct timespec until = moment_after_ms(PAGE_PATIENCE_MS);
    int rc = 0;
    rpc_stream_read(walk->stream);
    UNLOCKS pthread_mutex_t *held = lock(&walk->shared.mutex);
    while (walk->shared.message == NULL && !walk->shared.is_closed && rc == 0) {
        rc = pthread_cond_timedwait(&walk->shared.changed, &walk->shared.mutex, &until);
    }
    if (rc != 0) {
        rpc_stream_cancel(walk->stream);
    }
    struct buf *message = walk->shared.message;
    walk->shared.message = NULL;
    return message;
}

static void wait_for_end(struct walk *walk)
{
    UNLOCKS pthread_mutex_t *held = lock(&walk->shared.mutex);
    while (!walk->shared.is_closed) {
        pthread_cond_wait(&walk->shared.changed, &walk->shared.mutex);
    }
    buf_unref(walk->shared.message);
    walk->shared.message = NULL;
}

/* What a call does with each page. HEARTH_OK and *goes_on false: it has enough. */
struct taker {
    enum hearth_code (*take)(
        struct taker *taker, const void *page, bool *goes_on, struct hearth_err *err);
};

static enum hearth_code take_message(struct walk *walk, struct taker *taker,
    const struct buf *message, bool *goes_on, struct hearth_err *err)
{
    union {
        struct wire_shard_page shards;
        struct wire_shard_digest_page digests;
    } page;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = rpc_stream_decode(walk->stream, message, &arena, &page, err);
    if (code == HEARTH_OK) {
        code = taker->take(taker, &page, goes_on, err);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code take_all(struct walk *walk, struct taker *taker, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    bool goes_on = true;
    struct buf *message;
    while (code == HEARTH_OK && goes_on && (message = next_message(walk)) != NULL) {
        code = take_message(walk, taker, message, &goes_on, err);
        buf_unref(message);
    }
    bool was_cut = code != HEARTH_OK || !goes_on;
    if (was_cut) {
        rpc_stream_cancel(walk->stream);
    }
    wait_for_end(walk);
    if (!was_cut && walk->shared.end.code != HEARTH_OK) {
        *err = walk->shared.end;
        code = err->code;
    }
    return code;
}

static enum hearth_code walk_channel(struct rpc_channel *channel, const struct rpc_request *request,
    struct taker *taker, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {
        .message = walk_message, .closed = walk_closed};
    struct walk walk = {.stream = NULL};
    pthread_condattr_t attributes;
    pthread_mutex_init(&walk.shared.mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&walk.shared.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    enum hearth_code code = rpc_stream_open(channel, request, &handlers, &walk, &walk.stream, err);
    if (code == HEARTH_OK) {
        code = take_all(&walk, taker, err);
        rpc_stream_release(walk.stream);
    }
    pthread_cond_destroy(&walk.shared.changed);
    pthread_mutex_destroy(&walk.shared.mutex);
    return code;
}

static enum hearth_code walk_node(struct inventory_rpc *rpc, uint32_t node,
    const struct rpc_request *request, struct taker *taker, struct hearth_err *err)
{
    struct arena arena;
    struct wire_node_address address;
    struct channel_entry *entry = NULL;
    arena_init(&arena, 0);
    enum hearth_code code = rpc->address(rpc->address_context, node, &arena, &address)
        ? channel_acquire(rpc->channels, &address, &entry, err)
        : hearth_fail(err, HEARTH_UNREACHABLE, "no address is known");
    if (code == HEARTH_OK) {
        code = walk_channel(channel_of(entry), request, taker, err);
        channel_release(rpc->channels, entry, code != HEARTH_UNREACHABLE);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "inventory of node %u", node);
}

/* ---- shards by name ---- */

struct list_taker {
    struct taker taker; /* first */
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
    struct taker *taker, const void *message, bool *goes_on, struct hearth_err *err)
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
    return walk_node((struct inventory_rpc *)inventory, node, &call, &list.taker, err);
}

/* ---- sums ---- */

struct digest_taker {
    struct taker taker; /* first */
    struct wire_shard_digest *out;
    uint32_t left;
};

static enum hearth_code take_digests(
    struct taker *taker, const void *message, bool *goes_on, struct hearth_err *err)
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
    enum hearth_code code =
        walk_node((struct inventory_rpc *)inventory, node, &call, &digest.taker, err);
    if (code == HEARTH_OK && digest.left > 0) {
        return hearth_fail(
            err, HEARTH_CHECKSUM, "inventory of node %u: %u ranges are missing", node, digest.left);
    }
    return code;
}

/* ---- a life ---- */

static bool address_in_table(
    void *context, uint32_t node, struct arena *arena, struct wire_node_address *out)
{
    return node_table_address(context, node, arena, out);
}

enum hearth_code node_inventory_rpc_create(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, struct node_table *nodes, struct node_inventory **out,
    struct hearth_err *err)
{
    return node_inventory_rpc_create_with(runtime, credentials, address_in_table, nodes, out, err);
}

enum hearth_code node_inventory_rpc_create_with(struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, node_inventory_address_fn *address, void *context,
    struct node_inventory **out, struct hearth_err *err)
{
    static const struct node_inventory_ops ops = {.list = list_shards, .digest = digest_shards};
    struct inventory_rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inventories");
    }
    rpc->inventory.ops = &ops;
    rpc->address = address;
    rpc->address_context = context;
    rpc->channels = channel_cache_create(runtime);
    if (rpc->channels == NULL) {
        free(rpc);
        return hearth_fail(err, HEARTH_NO_MEMORY, "inventories");
    }
    channel_cache_set_credentials(rpc->channels, credentials);
    *out = &rpc->inventory;
    return HEARTH_OK;
}

void node_inventory_rpc_destroy(struct node_inventory *inventory)
{
    struct inventory_rpc *rpc = (struct inventory_rpc *)inventory;
    if (rpc != NULL) {
        channel_cache_destroy(rpc->channels);
        free(rpc);
    }
}
