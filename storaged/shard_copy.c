#include "storaged/shard_copy.h"

#include "common/crypto.h"
#include "common/token_bucket.h"
#include "proto/wire_shard.h"
#include "storaged/shard_put.h"
#include "storaged/shard_source.h"

#include <assert.h>
#include <stdlib.h>

/*
 *   ASKED --request good--> OPENING --> CELLS --the last one--> FOOTER --> SAID
 *
 * What the put asks for next in each: the open message, a cell of the source, the footer, nothing.
 */
enum copy_step { COPY_ASKED, COPY_OPENING, COPY_CELLS, COPY_FOOTER, COPY_SAID };

enum { MESSAGE_ARENA_MAX = 16 * 1024 };

struct shard_copy {
    const struct shard_context *context;
    struct shard_stream *asker; /* the coordinator's */
    struct shard_stream put;    /* as shard_put sees a client */
    struct shard_fetch fetch;
    enum copy_step step;
    struct arena arena; /* of the request */
    struct wire_shard_copy_request request;
    struct crypto_hash *tags; /* of all cells so far */
    uint32_t cells_left;
    uint64_t size;                /* of cells and tags so far */
    struct hearth_err source_err; /* why the source gave no more; code 0: nothing is wrong */
    struct task tell_task;        /* the put's next message, which never comes from inside a call */
    struct token_bucket bucket;   /* by the request's rate */
    struct timer rest;            /* until the next cell may be asked for */
    bool is_telling;
    bool is_awaiting; /* a read is out at the source: the put waits for what comes of it */
    bool has_put;     /* it was begun; it gets the end of the asker's stream */
    bool has_fetch;   /* it was opened; closed() has not come */
    bool asker_is_open;
    bool is_finished; /* the asker's stream was */
};

static void free_when_over(struct shard_copy *copy)
{
    if (!copy->asker_is_open && !copy->has_fetch && !copy->is_telling) {
        loop_timer_cancel(copy->context->loop, &copy->rest);
        crypto_hash_destroy(copy->tags);
        arena_fini(&copy->arena);
        free(copy);
    }
}

static void let_go_of_source(struct shard_copy *copy)
{
    if (copy->has_fetch) {
        copy->context->source->ops->cancel(&copy->fetch);
    }
}

static void finish(struct shard_copy *copy, enum hearth_code code, const char *text)
{
    let_go_of_source(copy);
    if (copy->asker_is_open && !copy->is_finished) {
        copy->is_finished = true;
        shard_stream_finish(copy->asker, code, text);
    }
}

/* ---- what the put is told ---- */

static struct buf *encode(const struct wire_shard_put_message *message)
{
    struct buf *buf;
    struct hearth_err err;
    return wire_encode(&wire_shard_put_message_message, message, &buf, &err) == HEARTH_OK ? buf
                                                                                          : NULL;
}

static struct buf *make_open(const struct shard_copy *copy)
{
    const struct wire_shard_put_open open = {
        .order = copy->request.put_order, .size_expected = copy->request.size};
    return encode(&(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_OPEN, .open = &open});
}

static struct buf *make_footer(struct shard_copy *copy)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_hash_final(copy->tags, digest);
    const struct wire_shard_put_footer footer = {.cells = copy->request.cells,
        .size = copy->size,
        .tag_digest = view_of(digest, sizeof(digest))};
    return encode(
        &(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_FOOTER, .footer = &footer});
}

/* NULL: the put hears that no more comes, and fails. */
static void tell(struct shard_copy *copy, struct buf *message TAKES)
{
    copy->put.user->message(&copy->put, message);
}

/* Now, or when as much has passed as the rate lets pass. */
static void read_source(struct shard_copy *copy)
{
    const uint64_t now_ns = env_now_ns(loop_env(copy->context->loop));
    const uint64_t rest_ns = token_bucket_wait_ns(&copy->bucket, now_ns);
    if (rest_ns > 0) {
        loop_timer_set(copy->context->loop, &copy->rest, now_ns + rest_ns);
        return;
    }
    copy->is_awaiting = true;
    copy->context->source->ops->read(&copy->fetch);
}

static void tell_next(struct shard_copy *copy)
{
    if (copy->step == COPY_OPENING) {
        copy->step = COPY_CELLS;
        tell(copy, make_open(copy));
    } else if (copy->step == COPY_CELLS && copy->cells_left == 0) {
        copy->step = COPY_FOOTER;
        let_go_of_source(copy);
        tell(copy, make_footer(copy));
    } else if (copy->step == COPY_CELLS && copy->has_fetch) {
        read_source(copy);
    } else {
        tell(copy, NULL);
    }
}

static void run_tell(struct task *task)
{
    struct shard_copy *copy =
        (struct shard_copy *)((char *)task - offsetof(struct shard_copy, tell_task));
    copy->is_telling = false;
    if (copy->asker_is_open && !copy->is_finished) {
        tell_next(copy);
    }
    free_when_over(copy);
}

static void run_rest(struct timer *timer)
{
    struct shard_copy *copy =
        (struct shard_copy *)((char *)timer - offsetof(struct shard_copy, rest));
    if (copy->asker_is_open && !copy->is_finished) {
        tell_next(copy);
    }
}

/* ---- the put's stream ---- */

static struct shard_copy *of_put(struct shard_stream *stream)
{
    return (struct shard_copy *)((char *)stream - offsetof(struct shard_copy, put));
}

static void put_read(struct shard_stream *stream)
{
    struct shard_copy *copy = of_put(stream);
    assert(!copy->is_telling);
    copy->is_telling = true;
    loop_post(copy->context->loop, &copy->tell_task);
}

/* The reply with the receipt. */
static void put_send(struct shard_stream *stream, const struct slice *slices TAKES, size_t count)
{
    shard_stream_send(of_put(stream)->asker, slices, count);
}

static void put_finish(struct shard_stream *stream, enum hearth_code code, const char *text)
{
    struct shard_copy *copy = of_put(stream);
    if (code != HEARTH_OK && copy->source_err.code != HEARTH_OK) {
        finish(copy, copy->source_err.code, copy->source_err.message);
    } else {
        finish(copy, code, text);
    }
    copy->step = COPY_SAID;
}

/* ---- the source ---- */

static struct shard_copy *of_fetch(struct shard_fetch *fetch)
{
    return (struct shard_copy *)((char *)fetch - offsetof(struct shard_copy, fetch));
}

/* A cell and its tag, counted; false: it is none, or one too many. */
static bool count_cell(struct shard_copy *copy, const struct buf *message)
{
    struct arena arena;
    struct wire_shard_get_message got;
    struct hearth_err err;
    arena_init(&arena, MESSAGE_ARENA_MAX);
    bool is_cell = wire_decode_shard_get(buf_view(message), &arena, &got, &err) == HEARTH_OK &&
        got.cell.size > CRYPTO_TAG_SIZE && copy->cells_left > 0;
    if (is_cell) {
        const uint8_t *tag = got.cell.bytes + got.cell.size - CRYPTO_TAG_SIZE;
        crypto_hash_update(copy->tags, view_of(tag, CRYPTO_TAG_SIZE));
        copy->size += got.cell.size;
        token_bucket_take(&copy->bucket, (int64_t)got.cell.size);
        copy->cells_left--;
    }
    arena_fini(&arena);
    return is_cell;
}

static void fetch_message(struct shard_fetch *fetch, struct buf *message TAKES)
{
    struct shard_copy *copy = of_fetch(fetch);
    if (copy->step != COPY_CELLS || copy->is_finished || !copy->asker_is_open) {
        buf_unref(message);
        return;
    }
    if (message == NULL) {
        return; /* closed() follows, and says why */
    }
    copy->is_awaiting = false;
    if (count_cell(copy, message) && wire_get_cell_to_put(message)) {
        tell(copy, message);
        return;
    }
    buf_unref(message);
    hearth_fail(&copy->source_err, HEARTH_CHECKSUM, "the source sent what is no cell");
    tell(copy, NULL);
}

static void fetch_closed(struct shard_fetch *fetch, const struct hearth_err *err)
{
    struct shard_copy *copy = of_fetch(fetch);
    copy->has_fetch = false;
    bool is_early = (copy->step == COPY_OPENING || copy->step == COPY_CELLS) &&
        copy->cells_left > 0 && !copy->is_finished && copy->asker_is_open;
    if (is_early && copy->source_err.code == HEARTH_OK) {
        hearth_fail(&copy->source_err, err->code != HEARTH_OK ? err->code : HEARTH_CHECKSUM,
            "read from the source: %s", err->code != HEARTH_OK ? err->message : "it ended early");
    }
    if (is_early && copy->is_awaiting) {
        copy->is_awaiting = false;
        tell(copy, NULL);
    }
    free_when_over(copy);
}

/* ---- the request ---- */

static void begin(struct shard_copy *copy)
{
    static const struct shard_fetch_user user = {.message = fetch_message, .closed = fetch_closed};
    struct hearth_err err;
    const struct shard_fetch_request request = {.node = copy->request.source,
        .order = copy->request.get_order,
        .cells = copy->request.cells};
    copy->cells_left = copy->request.cells;
    copy->step = COPY_OPENING;
    token_bucket_init(&copy->bucket,
        copy->request.rate < TOKEN_RATE_MAX ? copy->request.rate : TOKEN_RATE_MAX,
        env_now_ns(loop_env(copy->context->loop)));
    if (shard_put_start(copy->context, &copy->put, &err) != HEARTH_OK) {
        finish(copy, err.code, err.message);
        return;
    }
    copy->has_put = true;
    copy->fetch.user = &user;
    copy->has_fetch = copy->context->source->ops->open(copy->context->source, &request,
                          &copy->fetch, &copy->source_err) == HEARTH_OK;
}

static void asker_message(struct shard_stream *stream, struct buf *message TAKES)
{
    struct shard_copy *copy = stream->context;
    struct hearth_err err;
    if (copy->step != COPY_ASKED || copy->is_finished) {
        buf_unref(message);
        return;
    }
    if (message == NULL) {
        finish(copy, HEARTH_INVALID, "no request");
        return;
    }
    enum hearth_code code = wire_decode(
        &wire_shard_copy_request_message, buf_view(message), &copy->arena, &copy->request, &err);
    buf_unref(message);
    if (code == HEARTH_OK && copy->context->source == NULL) {
        code = hearth_fail(&err, HEARTH_UNIMPLEMENTED, "this node reads from no other");
    }
    if (code != HEARTH_OK) {
        finish(copy, err.code, err.message);
    } else {
        begin(copy);
    }
}

static void asker_sent(struct shard_stream *stream)
{
    struct shard_copy *copy = stream->context;
    if (copy->has_put) {
        copy->put.user->sent(&copy->put);
    }
}

/* After finish(), or the coordinator left: the put hears of it as of a client that does. */
static void asker_closed(struct shard_stream *stream)
{
    struct shard_copy *copy = stream->context;
    copy->asker_is_open = false;
    let_go_of_source(copy);
    if (copy->has_put) {
        copy->put.user->closed(&copy->put);
    }
    free_when_over(copy);
}

enum hearth_code shard_copy_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err)
{
    static const struct shard_stream_ops put_ops = {
        .read = put_read, .send = put_send, .finish = put_finish};
    static const struct shard_stream_user user = {
        .message = asker_message, .sent = asker_sent, .closed = asker_closed};
    struct shard_copy *copy = calloc(1, sizeof(*copy));
    if (copy == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "copy a shard");
    }
    copy->context = context;
    copy->asker = stream;
    copy->asker_is_open = true;
    copy->tags = crypto_hash_create(CRYPTO_SHA256);
    copy->tell_task.run = run_tell;
    copy->rest.run = run_rest;
    arena_init(&copy->arena, MESSAGE_ARENA_MAX);
    copy->put.ops = &put_ops;
    memcpy(copy->put.peer_id, stream->peer_id, PKI_ID_SIZE);
    memcpy(copy->put.request, stream->request, SHARD_REQUEST_TEXT_SIZE);
    stream->user = &user;
    stream->context = copy;
    shard_stream_read(stream);
    return HEARTH_OK;
}
