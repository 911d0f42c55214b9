#include "storaged/shard_source_rpc.h"

#include "common/cleanup.h"
#include "proto/rpc_stream.h"
#include "proto/wire_messages.h"

#include <stdlib.h>

enum { FETCH_DEADLINE_MS = 10 * 60 * 1000 };

struct source_rpc {
    struct shard_source source; /* first: the seam's functions get a pointer to it */

    /* Set once. */
    struct loop *loop;
    struct rpc_runtime *runtime;

    struct {
        struct rpc_channel *channel; /* NULL: none is kept */
        uint8_t node_id[PKI_ID_SIZE];
        char address[RPC_HOST_PORT_SIZE];
    } on_loop;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t fewer;
        struct rpc_credentials *credentials;
        bool is_new;      /* the channel kept has those before */
        unsigned fetches; /* closed() has not come */
    } shared;
};

/* One fetch: events of the pump become tasks of the loop. */
struct fetch_rpc {
    struct source_rpc *source;
    struct shard_fetch *fetch;
    struct rpc_stream *stream; /* NULL: it could not be opened */
    struct task message_task;  /* under way at most once: one read is out */
    struct task closed_task;
    struct buf *message;
    struct hearth_err end;
};

/* ---- the channel ---- */

static void drop_channel(struct source_rpc *rpc)
{
    rpc_channel_destroy(rpc->on_loop.channel);
    rpc->on_loop.channel = NULL;
}

/* A reference for the caller. */
static struct rpc_credentials *take_credentials(struct source_rpc *rpc)
{
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    if (rpc->shared.is_new) {
        drop_channel(rpc);
    }
    rpc->shared.is_new = false;
    return rpc_credentials_ref(rpc->shared.credentials);
}

/* Whoever answers there has to be that node. */
static enum hearth_code make_channel(struct source_rpc *rpc, const struct wire_node_address *node,
    struct rpc_credentials *credentials, struct hearth_err *err)
{
    char address[RPC_HOST_PORT_SIZE];
    if (node->endpoints_count == 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "no address");
    }
    rpc_host_port(node->endpoints[0].host, node->endpoints[0].port, address);
    if (rpc->on_loop.channel != NULL && strcmp(rpc->on_loop.address, address) == 0 &&
        memcmp(rpc->on_loop.node_id, node->node_id.bytes, PKI_ID_SIZE) == 0) {
        return HEARTH_OK;
    }
    drop_channel(rpc);
    memcpy(rpc->on_loop.node_id, node->node_id.bytes, PKI_ID_SIZE);
    memcpy(rpc->on_loop.address, address, sizeof(address));
    const struct rpc_channel_options options = {.runtime = rpc->runtime,
        .credentials = credentials,
        .address = rpc->on_loop.address,
        .transport = RPC_LINK,
        .peer_class = PEER_NODE,
        .peer_id = rpc->on_loop.node_id};
    return rpc_channel_create(&options, &rpc->on_loop.channel, err);
}

static enum hearth_code ready_channel(
    struct source_rpc *rpc, const struct wire_node_address *node, struct hearth_err *err)
{
    struct rpc_credentials *credentials = take_credentials(rpc);
    enum hearth_code code = make_channel(rpc, node, credentials, err);
    rpc_credentials_unref(credentials);
    return code;
}

static void count_fetches(struct source_rpc *rpc, int more)
{
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    rpc->shared.fetches += (unsigned)more;
    pthread_cond_broadcast(&rpc->shared.fewer);
}

/* ---- events, on the loop ---- */

static void run_message(struct task *task)
{
    struct fetch_rpc *fetch =
        (struct fetch_rpc *)((char *)task - offsetof(struct fetch_rpc, message_task));
    struct buf *message = fetch->message;
    fetch->message = NULL;
    fetch->fetch->user->message(fetch->fetch, message);
}

static void run_closed(struct task *task)
{
    struct fetch_rpc *fetch =
        (struct fetch_rpc *)((char *)task - offsetof(struct fetch_rpc, closed_task));
    struct shard_fetch *user = fetch->fetch;
    const struct hearth_err end = fetch->end;
    struct source_rpc *rpc = fetch->source;
    if (end.code == HEARTH_UNREACHABLE) {
        drop_channel(rpc);
    }
    rpc_stream_release(fetch->stream);
    free(fetch);
    user->implementation = NULL;
    user->user->closed(user, &end);
    count_fetches(rpc, -1);
}

/* ---- events, on the pump ---- */

static void on_message(void *context, struct buf *message TAKES)
{
    struct fetch_rpc *fetch = context;
    fetch->message = message;
    loop_post(fetch->source->loop, &fetch->message_task);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct fetch_rpc *fetch = context;
    fetch->end = code == HEARTH_OK ? (struct hearth_err){.code = HEARTH_OK} : *err;
    loop_post(fetch->source->loop, &fetch->closed_task);
}

/* ---- the seam ---- */

static enum hearth_code open_stream(
    struct fetch_rpc *fetch, const struct shard_fetch_request *request, struct hearth_err *err)
{
    static const struct rpc_stream_handlers handlers = {.message = on_message, .closed = on_closed};
    const struct wire_shard_get_request get = {
        .order = request->order, .first_stripe = 0, .stripes = request->cells};
    const struct rpc_request ask = {
        .method = RPC_PEER_FETCH, .message = &get, .deadline_ms = FETCH_DEADLINE_MS};
    if (ready_channel(fetch->source, request->node, err) != HEARTH_OK) {
        return err->code;
    }
    return rpc_stream_open(
        fetch->source->on_loop.channel, &ask, &handlers, fetch, &fetch->stream, err);
}

static enum hearth_code source_open(struct shard_source *source,
    const struct shard_fetch_request *request, struct shard_fetch *user, struct hearth_err *err)
{
    struct fetch_rpc *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "read from another node");
    }
    fetch->source = (struct source_rpc *)source;
    fetch->fetch = user;
    fetch->message_task.run = run_message;
    fetch->closed_task.run = run_closed;
    user->implementation = fetch;
    count_fetches(fetch->source, +1);
    if (open_stream(fetch, request, &fetch->end) != HEARTH_OK) {
        loop_post(fetch->source->loop, &fetch->closed_task);
    }
    return HEARTH_OK;
}

static void source_read(struct shard_fetch *user)
{
    struct fetch_rpc *fetch = user->implementation;
    if (fetch->stream != NULL) {
        rpc_stream_read(fetch->stream);
    }
}

static void source_cancel(struct shard_fetch *user)
{
    struct fetch_rpc *fetch = user->implementation;
    if (fetch->stream != NULL) {
        rpc_stream_cancel(fetch->stream);
    }
}

enum hearth_code shard_source_rpc_create(struct loop *loop, struct rpc_runtime *runtime,
    struct rpc_credentials *credentials, struct shard_source **out, struct hearth_err *err)
{
    static const struct shard_source_ops ops = {
        .open = source_open, .read = source_read, .cancel = source_cancel};
    struct source_rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "connections to other nodes");
    }
    rpc->source.ops = &ops;
    rpc->loop = loop;
    rpc->runtime = runtime;
    rpc->shared.credentials = rpc_credentials_ref(credentials);
    pthread_mutex_init(&rpc->shared.mutex, NULL);
    pthread_cond_init(&rpc->shared.fewer, NULL);
    *out = &rpc->source;
    return HEARTH_OK;
}

void shard_source_rpc_drain_blocking(struct shard_source *source)
{
    struct source_rpc *rpc = (struct source_rpc *)source;
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    while (rpc->shared.fetches > 0) {
        pthread_cond_wait(&rpc->shared.fewer, &rpc->shared.mutex);
    }
}

void shard_source_rpc_destroy(struct shard_source *source)
{
    struct source_rpc *rpc = (struct source_rpc *)source;
    if (rpc != NULL) {
        drop_channel(rpc);
        rpc_credentials_unref(rpc->shared.credentials);
        pthread_cond_destroy(&rpc->shared.fewer);
        pthread_mutex_destroy(&rpc->shared.mutex);
        free(rpc);
    }
}

void shard_source_rpc_set_credentials(
    struct shard_source *source, struct rpc_credentials *credentials)
{
    struct source_rpc *rpc = (struct source_rpc *)source;
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    rpc_credentials_unref(rpc->shared.credentials);
    rpc->shared.credentials = rpc_credentials_ref(credentials);
    rpc->shared.is_new = true;
}
