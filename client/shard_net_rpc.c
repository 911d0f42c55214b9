/*
 * A call belongs to two: the transfer, until it drops it, and the stream, until closed().  The
 * last one frees it.  The pump thread and the transfer's thread meet under the call's lock, which
 * is never held while anything is posted.
 */
#include "client/shard_net_rpc.h"

#include "client/channel_cache.h"
#include "common/cleanup.h"
#include "proto/rpc_stream.h"
#include "proto/wire_shard.h"

#include <assert.h>

/* Orders last ten minutes; a stream that is older serves nobody. */
enum { CALL_DEADLINE_MS = 15 * 60 * 1000 };

struct net_rpc {
    struct shard_net net; /* first: the seam's functions get a pointer to it */
    struct channel_cache *channels;
    char *ca_pem;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t fewer;
        unsigned calls; /* not freed yet */
    } shared;
};

struct queued_cell {
    struct queued_cell *next;
    struct slice cell;
};

struct net_call {
    struct shard_call call; /* first */
    struct net_rpc *net;
    struct shard_port port;
    struct channel_entry *channel;
    struct rpc_stream *stream;

    /* The pump thread only. */
    struct buf *receipt; /* put: the reply */
    uint32_t cells_left; /* get: still to come */
    bool is_unreachable; /* nobody answered at the channel's address */
    bool is_broken;      /* the peer broke the rules; closed() tells why */
    struct hearth_err why;

    struct {
        pthread_mutex_t mutex;
        unsigned owners;
        bool is_closed;
        /* put */
        bool is_sending;
        bool is_cell_sending; /* ... and it is a cell that the transfer waits to hear of */
        struct queued_cell *first;
        struct queued_cell **last;
        unsigned queued;
        bool has_footer;
        struct shard_footer footer;
        /* get */
        bool is_reading;
        unsigned wanted;
    } shared;
};

/* ---- life and death ---- */

static void forget_call(struct net_rpc *net)
{
    UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
    net->shared.calls--;
    pthread_cond_broadcast(&net->shared.fewer);
}

static void free_call(struct net_call *call)
{
    struct net_rpc *net = call->net;
    while (call->shared.first != NULL) {
        struct queued_cell *cell = call->shared.first;
        call->shared.first = cell->next;
        buf_unref(cell->cell.owner);
        free(cell);
    }
    rpc_stream_release(call->stream);
    if (call->channel != NULL) {
        channel_release(net->channels, call->channel, !call->is_unreachable);
    }
    shard_port_fini(&call->port);
    buf_unref(call->receipt);
    pthread_mutex_destroy(&call->shared.mutex);
    free(call);
    forget_call(net);
}

static void leave(struct net_call *call)
{
    bool is_last;
    {
        UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
        assert(call->shared.owners > 0);
        is_last = --call->shared.owners == 0;
    }
    if (is_last) {
        free_call(call);
    }
}

static struct net_call *make_call(struct net_rpc *net, struct shard_inbox *inbox, void *context)
{
    struct net_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->call.net = &net->net;
    call->net = net;
    call->shared.owners = 1;
    call->shared.last = &call->shared.first;
    pthread_mutex_init(&call->shared.mutex, NULL);
    shard_port_open(&call->port, inbox, context);
    UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
    net->shared.calls++;
    return call;
}

/* The peer did what no peer does: end it, and remember why. On the pump thread. */
static void break_call(struct net_call *call, enum hearth_code code, const char *why)
{
    if (!call->is_broken) {
        call->is_broken = true;
        hearth_fail(&call->why, code, "%s", why);
    }
    rpc_stream_cancel(call->stream);
}

/* ---- put ---- */

static void send_cell(struct net_call *call, struct slice cell TAKES)
{
    struct wire_cell_head head = wire_put_cell_head(cell.view.size);
    struct slice slices[] = {{.view = view_of(head.bytes, head.size)}, cell};
    call->shared.is_sending = true;
    call->shared.is_cell_sending = true;
    rpc_stream_send(call->stream, slices, 2);
}

static void send_footer(struct net_call *call)
{
    struct hearth_err err;
    struct wire_shard_put_footer footer = {
        .cells = call->shared.footer.cells,
        .size = call->shared.footer.size,
        .tag_digest =
            view_of(call->shared.footer.tag_digest, sizeof(call->shared.footer.tag_digest)),
    };
    struct wire_shard_put_message message = {.step = WIRE_SHARD_PUT_FOOTER, .footer = &footer};
    call->shared.has_footer = false;
    call->shared.is_sending = true;
    call->shared.is_cell_sending = false;
    enum hearth_code code = rpc_stream_send_message(call->stream, &message, &err);
    assert(code == HEARTH_OK);
    rpc_stream_send_close(call->stream);
}

/* Under the lock, when nothing is being sent. */
static void send_next(struct net_call *call)
{
    struct queued_cell *next = call->shared.first;
    if (next != NULL) {
        call->shared.first = next->next;
        call->shared.queued--;
        if (call->shared.first == NULL) {
            call->shared.last = &call->shared.first;
        }
        send_cell(call, next->cell);
        free(next);
    } else if (call->shared.has_footer) {
        send_footer(call);
    }
}

static void put_sent(void *context)
{
    struct net_call *call = context;
    bool was_cell;
    unsigned queued;
    {
        UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
        was_cell = call->shared.is_cell_sending;
        queued = call->shared.has_footer ? SHARD_SENT_LAST : call->shared.queued;
        call->shared.is_sending = false;
        call->shared.is_cell_sending = false;
        send_next(call);
    }
    if (was_cell) {
        shard_port_post_sent(&call->port, queued);
    }
}

static void put_message(void *context, struct buf *message TAKES)
{
    struct net_call *call = context;
    if (message == NULL) {
        return; /* closed() follows */
    }
    if (call->receipt != NULL) {
        buf_unref(message);
        break_call(call, HEARTH_INTERNAL, "node sent two receipts");
        return;
    }
    call->receipt = message;
    rpc_stream_read(call->stream);
}

static void post_receipt(struct net_call *call)
{
    struct hearth_err err;
    struct arena arena;
    struct wire_shard_put_reply reply;
    arena_init(&arena, 0);
    enum hearth_code code = call->receipt == NULL
        ? hearth_fail(&err, HEARTH_INTERNAL, "node said done without a receipt")
        : rpc_stream_decode(call->stream, call->receipt, &arena, &reply, &err);
    struct buf *copy = code == HEARTH_OK ? buf_copy(reply.receipt) : NULL;
    if (code == HEARTH_OK && copy == NULL) {
        code = hearth_fail(&err, HEARTH_NO_MEMORY, "receipt");
    }
    if (code == HEARTH_OK) {
        shard_port_post_done(&call->port, (struct slice){copy, buf_view(copy)});
    } else {
        shard_port_post_failed(&call->port, &err);
    }
    arena_fini(&arena);
}

/* What the stream ended with; true: the transfer was told that it failed. */
static bool close_call(struct net_call *call, enum hearth_code code, const struct hearth_err *err)
{
    call->is_unreachable = code == HEARTH_UNREACHABLE;
    {
        UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
        call->shared.is_closed = true;
    }
    if (call->is_broken || code != HEARTH_OK) {
        shard_port_post_failed(&call->port, call->is_broken ? &call->why : err);
    }
    return call->is_broken || code != HEARTH_OK;
}

static void put_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct net_call *call = context;
    if (!close_call(call, code, err)) {
        post_receipt(call);
    }
    leave(call);
}

static const struct rpc_stream_handlers put_handlers = {
    .message = put_message, .sent = put_sent, .closed = put_closed};

/* ---- get ---- */

/* The cell in a message, which keeps it; owner NULL: there is none, and err says why. */
static struct slice cell_of(struct buf *message TAKES, struct hearth_err *err)
{
    struct arena arena;
    struct wire_shard_get_message cell = {0};
    arena_init(&arena, 0);
    enum hearth_code code = wire_decode_shard_get(buf_view(message), &arena, &cell, err);
    bool is_inside = code == HEARTH_OK && cell.cell.bytes >= message->bytes &&
        cell.cell.bytes + cell.cell.size <= message->bytes + message->size;
    struct slice found = {message, cell.cell};
    if (!is_inside) { /* nonsense, or decoded the general way: into the arena */
        struct buf *copy = code == HEARTH_OK ? buf_copy(cell.cell) : NULL;
        found = (struct slice){copy, copy == NULL ? (struct view){0} : buf_view(copy)};
        buf_unref(message);
    }
    if (code == HEARTH_OK && found.owner == NULL) {
        hearth_fail(err, HEARTH_NO_MEMORY, "a cell");
    }
    arena_fini(&arena);
    return found;
}

/* One less to come; true: the next message may come, too. */
static bool count_cell(struct net_call *call)
{
    call->cells_left--;
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    assert(call->shared.wanted > 0);
    call->shared.wanted--;
    call->shared.is_reading = call->shared.wanted > 0 || call->cells_left == 0;
    return call->shared.is_reading;
}

static void get_message(void *context, struct buf *message TAKES)
{
    struct net_call *call = context;
    struct hearth_err err;
    if (message == NULL) {
        return; /* closed() follows */
    }
    struct slice cell = cell_of(message, &err);
    if (cell.owner == NULL) {
        bool is_ours = err.code == HEARTH_NO_MEMORY; /* which says nothing against the node */
        break_call(call, is_ours ? err.code : HEARTH_CHECKSUM, err.message);
        return;
    }
    if (call->cells_left == 0) {
        buf_unref(cell.owner);
        break_call(call, HEARTH_CHECKSUM, "node sent more cells than were asked for");
        return;
    }
    bool is_reading = count_cell(call);
    shard_port_post_cell(&call->port, cell);
    if (is_reading) {
        rpc_stream_read(call->stream); /* after the last cell: the end */
    }
}

static void get_sent(void *context)
{
    (void)context;
}

static void get_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct net_call *call = context;
    if (!close_call(call, code, err)) {
        shard_port_post_done(&call->port, (struct slice){0});
    }
    leave(call);
}

static const struct rpc_stream_handlers get_handlers = {
    .message = get_message, .sent = get_sent, .closed = get_closed};

/* ---- the seam ---- */

/* Opens the stream; on failure the port hears of it, and the stream owns nothing. */
static void open_stream(struct net_call *call, const struct wire_node_address *node,
    const struct rpc_request *request, const struct rpc_stream_handlers *handlers)
{
    struct hearth_err err;
    enum hearth_code code = channel_acquire(call->net->channels, node, &call->channel, &err);
    if (code == HEARTH_OK) {
        call->shared.owners++; /* the stream's, until closed() */
        code = rpc_stream_open(
            channel_of(call->channel), request, handlers, call, &call->stream, &err);
        if (code != HEARTH_OK) {
            call->shared.owners--;
        }
    }
    if (code != HEARTH_OK) {
        call->shared.is_closed = true;
        shard_port_post_failed(&call->port, &err);
    }
}

static struct shard_call *put_open(struct shard_net *net, const struct shard_door *door,
    uint64_t size_expected, struct shard_inbox *inbox, void *context)
{
    struct net_call *call = make_call((struct net_rpc *)net, inbox, context);
    assert(call != NULL);
    struct rpc_request request = {.method = RPC_SHARD_PUT, .deadline_ms = CALL_DEADLINE_MS};
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    open_stream(call, door->node, &request, &put_handlers);
    if (!call->shared.is_closed) {
        struct hearth_err err;
        struct wire_shard_put_open open = {.order = door->order, .size_expected = size_expected};
        struct wire_shard_put_message message = {.step = WIRE_SHARD_PUT_OPEN, .open = &open};
        call->shared.is_sending = true;
        enum hearth_code code = rpc_stream_send_message(call->stream, &message, &err);
        assert(code == HEARTH_OK);
        rpc_stream_read(call->stream);
    }
    return &call->call;
}

/* Under the lock. */
static void queue_cell(struct net_call *call, struct slice cell TAKES)
{
    if (call->shared.is_closed) {
        buf_unref(cell.owner);
        return;
    }
    struct queued_cell *queued = malloc(sizeof(*queued));
    assert(queued != NULL);
    *queued = (struct queued_cell){.cell = cell};
    *call->shared.last = queued;
    call->shared.last = &queued->next;
    call->shared.queued++;
}

static void put_cells(
    struct shard_call *shard_call, const struct slice *cells TAKES, unsigned count)
{
    struct net_call *call = (struct net_call *)shard_call;
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    for (unsigned i = 0; i < count; i++) {
        queue_cell(call, cells[i]);
    }
    if (!call->shared.is_closed && !call->shared.is_sending) {
        send_next(call);
    }
}

static void put_footer(struct shard_call *shard_call, const struct shard_footer *footer)
{
    struct net_call *call = (struct net_call *)shard_call;
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    if (call->shared.is_closed) {
        return;
    }
    call->shared.footer = *footer;
    call->shared.has_footer = true;
    if (!call->shared.is_sending) {
        send_next(call);
    }
}

static struct shard_call *get_open(struct shard_net *net, const struct shard_door *door,
    uint32_t first_stripe, uint32_t stripes, struct shard_inbox *inbox, void *context)
{
    struct net_call *call = make_call((struct net_rpc *)net, inbox, context);
    assert(call != NULL);
    struct wire_shard_get_request get = {
        .order = door->order, .first_stripe = first_stripe, .stripes = stripes};
    struct rpc_request request = {
        .method = RPC_SHARD_GET, .message = &get, .deadline_ms = CALL_DEADLINE_MS};
    call->cells_left = stripes;
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    open_stream(call, door->node, &request, &get_handlers);
    return &call->call;
}

static void get_read(struct shard_call *shard_call, unsigned cells)
{
    struct net_call *call = (struct net_call *)shard_call;
    UNLOCKS pthread_mutex_t *held = lock(&call->shared.mutex);
    call->shared.wanted += cells;
    if (!call->shared.is_closed && !call->shared.is_reading && call->shared.wanted > 0) {
        call->shared.is_reading = true;
        rpc_stream_read(call->stream);
    }
}

static void drop(struct shard_call *shard_call TAKES)
{
    struct net_call *call = (struct net_call *)shard_call;
    if (call->stream != NULL) {
        rpc_stream_cancel(call->stream);
    }
    shard_port_close(&call->port);
    leave(call);
}

static void wait_for_event(struct shard_net *net, struct shard_inbox *inbox, uint64_t until_ns)
{
    (void)net;
    shard_inbox_wait_blocking(inbox, until_ns);
}

static enum hearth_code identify(struct shard_net *shard_net, const struct pki_key *key,
    struct view certificate, struct hearth_err *err)
{
    struct net_rpc *net = (struct net_rpc *)shard_net;
    struct rpc_credentials *credentials = NULL;
    FREES char *pem = strndup((const char *)certificate.bytes, certificate.size);
    if (pem == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "session certificate");
    }
    enum hearth_code code = rpc_credentials_create(net->ca_pem, pem, key, &credentials, err);
    if (code == HEARTH_OK) {
        channel_cache_set_credentials(net->channels, credentials);
        rpc_credentials_unref(credentials);
    }
    return code;
}

static const struct shard_net_ops ops = {
    .identify = identify,
    .put_open = put_open,
    .put_cells = put_cells,
    .put_footer = put_footer,
    .get_open = get_open,
    .get_read = get_read,
    .drop = drop,
    .wait = wait_for_event,
};

enum hearth_code shard_net_rpc_create(
    struct rpc_runtime *runtime, const char *ca_pem, struct shard_net **out, struct hearth_err *err)
{
    struct net_rpc *net = calloc(1, sizeof(*net));
    if (net == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "net");
    }
    net->net.ops = &ops;
    pthread_mutex_init(&net->shared.mutex, NULL);
    pthread_cond_init(&net->shared.fewer, NULL);
    net->channels = channel_cache_create(runtime);
    net->ca_pem = strdup(ca_pem);
    if (net->channels == NULL || net->ca_pem == NULL) {
        shard_net_rpc_destroy(&net->net);
        return hearth_fail(err, HEARTH_NO_MEMORY, "net");
    }
    *out = &net->net;
    return HEARTH_OK;
}

void shard_net_rpc_destroy(struct shard_net *shard_net)
{
    struct net_rpc *net = (struct net_rpc *)shard_net;
    if (net == NULL) {
        return;
    }
    {
        UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
        while (net->shared.calls > 0) {
            pthread_cond_wait(&net->shared.fewer, &net->shared.mutex);
        }
    }
    channel_cache_destroy(net->channels);
    free(net->ca_pem);
    pthread_cond_destroy(&net->shared.fewer);
    pthread_mutex_destroy(&net->shared.mutex);
    free(net);
}
