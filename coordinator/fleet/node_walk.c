/*
 * The caller's thread asks for one message after the other; the pump thread hands each over under
 * the walk's lock.
 */
#include "coordinator/fleet/node_walk.h"

#include "common/cleanup.h"
#include "common/moment.h"
#include "proto/rpc_stream.h"

#include <pthread.h>

struct walk {
    struct rpc_stream *stream;
    uint64_t patience_ms;
    const struct halt *halt;
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

/* False: nothing has come for so long. */
static bool await_change(struct walk *walk, uint64_t ms)
{
    const struct timespec until = moment_after_ms(ms);
    int rc = 0;
    while (walk->shared.message == NULL && !walk->shared.is_closed && rc == 0) {
        rc = pthread_cond_timedwait(&walk->shared.changed, &walk->shared.mutex, &until);
    }
    return rc == 0;
}

/* The next message, now ours; NULL: the end has come, or will, because nothing else came in time,
 * or before a halt. */
static struct buf *next_message(struct walk *walk)
{
    uint64_t left_ms = walk->patience_ms;
    bool has_come = false;
    rpc_stream_read(walk->stream);
    UNLOCKS pthread_mutex_t *held = lock(&walk->shared.mutex);
    while (!has_come && left_ms > 0 && !halt_is_called(walk->halt)) {
        const uint64_t ms = walk->halt != NULL && left_ms > HALT_LOOK_MS ? HALT_LOOK_MS : left_ms;
        has_come = await_change(walk, ms);
        left_ms -= ms;
    }
    if (!has_come) {
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

static enum hearth_code take_message(struct walk *walk, struct node_taker *taker,
    const struct buf *message, bool *goes_on, struct hearth_err *err)
{
    union node_page page;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = rpc_stream_decode(walk->stream, message, &arena, &page, err);
    if (code == HEARTH_OK) {
        code = taker->take(taker, &page, goes_on, err);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code take_all(
    struct walk *walk, struct node_taker *taker, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    bool goes_on = true;
    struct buf *message;
    while (code == HEARTH_OK && goes_on && (message = next_message(walk)) != NULL) {
        code = take_message(walk, taker, message, &goes_on, err);
        buf_unref(message);
    }
    bool was_cut = code != HEARTH_OK || !goes_on;
    if (code == HEARTH_OK && message == NULL) {
        code = halt_check(walk->halt, err);
    }
    if (was_cut) {
        rpc_stream_cancel(walk->stream);
    }
    wait_for_end(walk);
    if (code == HEARTH_OK && !was_cut && walk->shared.end.code != HEARTH_OK) {
        *err = walk->shared.end;
        code = err->code;
    }
    return code;
}

static enum hearth_code walk_channel(struct rpc_channel *channel, uint64_t patience_ms,
    const struct rpc_request *request, struct node_taker *taker, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {
        .message = walk_message, .closed = walk_closed};
    struct walk walk = {.patience_ms = patience_ms, .halt = taker->halt};
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

enum hearth_code node_walk(const struct node_walker *walker, uint32_t node,
    const struct rpc_request *request, struct node_taker *taker, struct hearth_err *err)
{
    struct arena arena;
    struct wire_node_address address;
    struct channel_entry *entry = NULL;
    arena_init(&arena, 0);
    enum hearth_code code = walker->address(walker->address_context, node, &arena, &address)
        ? channel_acquire(walker->channels, &address, &entry, err)
        : hearth_fail(err, HEARTH_UNREACHABLE, "no address is known");
    if (code == HEARTH_OK) {
        code = walk_channel(channel_of(entry), walker->patience_ms, request, taker, err);
        channel_release(walker->channels, entry, code != HEARTH_UNREACHABLE);
    }
    arena_fini(&arena);
    return code;
}

bool node_walk_address_in_table(
    void *context, uint32_t node, struct arena *arena, struct wire_node_address *out)
{
    return node_table_address(context, node, arena, out);
}

enum hearth_code node_walker_init(struct node_walker *walker, struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, node_walk_address_fn *address, void *context,
    struct hearth_err *err)
{
    walker->address = address;
    walker->address_context = context;
    walker->patience_ms = NODE_WALK_PATIENCE_MS;
    walker->channels = channel_cache_create(runtime);
    if (walker->channels == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "connections to nodes");
    }
    channel_cache_set_credentials(walker->channels, credentials);
    return HEARTH_OK;
}

void node_walker_fini(struct node_walker *walker)
{
    channel_cache_destroy(walker->channels);
}
