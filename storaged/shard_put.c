#include "storaged/shard_put.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "proto/wire_shard.h"
#include "storaged/shard_pace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 *   OPENING --order good--> RECEIVING --footer--> FINISHING --durable--> DONE
 *      |                        |                     |
 *      +--- refused, too slow, client gone, disk failed ---> FAILED
 *
 * The stream is finished on entering DONE or FAILED, and nowhere else.
 */
enum put_state { PUT_OPENING, PUT_RECEIVING, PUT_FINISHING, PUT_DONE, PUT_FAILED, PUT_STATES };

#define TO(state) (1u << (state))
static const uint32_t put_next[PUT_STATES] = {
    [PUT_OPENING] = TO(PUT_RECEIVING) | TO(PUT_FAILED),
    [PUT_RECEIVING] = TO(PUT_FINISHING) | TO(PUT_FAILED),
    [PUT_FINISHING] = TO(PUT_DONE) | TO(PUT_FAILED),
};
#undef TO

struct shard_put {
    const struct shard_context *context;
    struct shard_stream *stream;
    char request[SHARD_REQUEST_TEXT_SIZE]; /* its, for the log: the stream may go first */
    enum put_state state;
    struct shard_pace pace;
    struct rate_turn turn; /* to ask for the next message */
    uint64_t counted;      /* of the message that was asked for: what the limit takes it for */
    struct order order;
    struct shard_id id; /* the order's */
    uint64_t length_max;

    struct volume_put *volume_put;   /* NULL: none open */
    struct volume_finish finish;     /* its wait serves every call to the volume */
    struct slice first_cell;         /* kept while the volume opens the put */
    struct crypto_hash *tags;        /* of all cells so far */
    struct volume_put_totals totals; /* from the footer */

    /* What still refers to this put; the last one frees it. */
    bool stream_is_open;
    bool volume_is_busy;
};

enum {
    MESSAGE_ARENA_MAX = 16 * 1024,  /* an open or a footer, decoded; cells do not pass there */
    MESSAGE_SIZE_USUAL = 64 * 1024, /* how large one is, is known when it has come */
};

static void move(struct shard_put *put, enum put_state next)
{
    assert(put_next[put->state] & (1u << next));
    put->state = next;
}

static void free_when_over(struct shard_put *put)
{
    if (!put->stream_is_open && !put->volume_is_busy) {
        assert(put->state == PUT_DONE || put->state == PUT_FAILED);
        assert(put->volume_put == NULL);
        buf_unref(put->first_cell.owner);
        crypto_hash_destroy(put->tags);
        free(put);
    }
}

/* A message that was asked for has come, or will not. */
static void count_message(struct shard_put *put, size_t size)
{
    if (put->counted != 0) {
        rate_gate_correct(put->context->download, put->counted, size);
        put->counted = 0;
    }
}

static void fail(struct shard_put *put, const struct hearth_err *err)
{
    log_write(LOG_SHARD_REFUSED, "req=%s shard=%s code=%s reason=\"%s\"", put->request,
        shard_id_text(&put->id).chars, hearth_code_name(err->code), err->message);
    shard_pace_end(&put->pace);
    rate_gate_leave(put->context->download, &put->turn);
    count_message(put, 0);
    if (put->volume_put != NULL) {
        volume_put_abort(put->volume_put);
        put->volume_put = NULL;
    }
    move(put, PUT_FAILED);
    if (put->stream_is_open) {
        shard_stream_finish(put->stream, err->code, err->message);
    }
}

static void fail_with(struct shard_put *put, enum hearth_code code, const char *text)
{
    struct hearth_err err;
    hearth_fail(&err, code, "%s", text);
    fail(put, &err);
}

static void read_message(struct shard_put *put)
{
    put->counted = MESSAGE_SIZE_USUAL;
    shard_pace_wait(&put->pace);
    shard_stream_read(put->stream);
}

static void turn_came(struct rate_turn *turn)
{
    read_message((struct shard_put *)((char *)turn - offsetof(struct shard_put, turn)));
}

/* The owner's limit slows the client by not reading; the client's patience clock stands meanwhile.
 */
static void ask_for_message(struct shard_put *put)
{
    put->turn.go = turn_came;
    if (rate_gate_ask(put->context->download, &put->turn, MESSAGE_SIZE_USUAL)) {
        read_message(put);
    }
}

/* The volume has the wait until done(). */
static struct volume_wait *wait_for_volume(
    struct shard_put *put, void (*done)(struct volume_wait *wait))
{
    assert(!put->volume_is_busy);
    put->volume_is_busy = true;
    put->finish.wait.done = done;
    return &put->finish.wait;
}

/* False: it failed, or the put had ended before. To be followed by free_when_over(). */
static bool volume_answered(struct shard_put *put)
{
    put->volume_is_busy = false;
    if (put->state == PUT_FAILED) {
        return false;
    }
    if (put->finish.wait.err.code != HEARTH_OK) {
        fail(put, &put->finish.wait.err);
    }
    return put->state != PUT_FAILED;
}

static struct shard_put *put_of_wait(struct volume_wait *wait)
{
    return (struct shard_put *)((char *)wait - offsetof(struct shard_put, finish.wait));
}

/* ---- footer: the volume makes it durable, the client gets its receipt ---- */

/* A reply with the receipt, encoded. */
static enum hearth_code make_reply(
    const struct shard_put *put, struct slice *out, struct hearth_err *err)
{
    struct order_stored stored = {.cells = put->totals.cell_count,
        .size = put->totals.length,
        .stored_unix_ms = put->finish.stored_unix_ms};
    memcpy(stored.tag_digest, put->totals.tag_digest, ORDER_DIGEST_SIZE);
    uint8_t bytes[RECEIPT_SIZE];
    if (order_check_receipt(put->context->orders, &put->order, &stored, bytes, err) != HEARTH_OK) {
        return err->code;
    }
    struct wire_shard_put_reply reply = {.receipt = view_of(bytes, sizeof(bytes))};
    struct buf *buf;
    if (wire_encode(&wire_shard_put_reply_message, &reply, &buf, err) != HEARTH_OK) {
        return err->code;
    }
    *out = (struct slice){buf, buf_view(buf)};
    return HEARTH_OK;
}

static void acknowledge(struct shard_put *put)
{
    struct hearth_err err;
    struct slice reply;
    if (make_reply(put, &reply, &err) != HEARTH_OK) {
        fail(put, &err);
        return;
    }
    log_write(LOG_SHARD_STORED, "req=%s shard=%s bytes=%" PRIu64, put->request,
        shard_id_text(&put->id).chars, put->totals.length);
    move(put, PUT_DONE);
    if (!put->stream_is_open) {
        buf_unref(reply.owner); /* the client left; it may ask again */
        return;
    }
    shard_stream_send(put->stream, &reply, 1);
    shard_stream_finish(put->stream, HEARTH_OK, NULL);
    (void)FAILPOINT(STORAGED_PUT_ACKNOWLEDGED);
}

/* D3: the receipt waits for this, not for the last cell's write. */
static void became_durable(struct volume_wait *wait)
{
    struct shard_put *put = put_of_wait(wait);
    if (volume_answered(put)) {
        if (FAILPOINT(STORAGED_PUT_DURABLE)) {
            fail_with(put, HEARTH_IO, "failpoint");
        } else {
            acknowledge(put);
        }
    }
    free_when_over(put);
}

static enum hearth_code check_footer(
    struct shard_put *put, const struct wire_shard_put_footer *footer, struct hearth_err *err)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    if (put->volume_put == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "a shard without cells");
    }
    crypto_hash_final(put->tags, digest);
    if (memcmp(digest, footer->tag_digest.bytes, sizeof(digest)) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the digest is not that of the tags that came");
    }
    return order_check_time(put->context->orders, &put->order, err);
}

static void finish(struct shard_put *put, const struct wire_shard_put_footer *footer)
{
    put->totals.cell_count = footer->cells;
    put->totals.length = footer->size;
    put->totals.stored_unix_ms = order_check_now_unix_ms(put->context->orders);
    memcpy(put->totals.tag_digest, footer->tag_digest.bytes, VOLUME_DIGEST_SIZE);
    struct volume_put *volume_put = put->volume_put;
    put->volume_put = NULL;
    move(put, PUT_FINISHING);
    wait_for_volume(put, became_durable);
    volume_put_finish(volume_put, &put->totals, &put->finish);
}

static void take_footer(struct shard_put *put, const struct wire_shard_put_footer *footer)
{
    struct hearth_err err;
    if (check_footer(put, footer, &err) != HEARTH_OK) {
        fail(put, &err);
    } else if (FAILPOINT(STORAGED_PUT_FOOTER)) {
        fail_with(put, HEARTH_IO, "failpoint");
    } else {
        finish(put, footer);
    }
}

/* ---- cells: to the volume, one at a time ---- */

/* Back-pressure: the next message is asked for only now, so a slow disk slows the client. */
static void cell_taken(struct volume_wait *wait)
{
    struct shard_put *put = put_of_wait(wait);
    if (volume_answered(put)) {
        if (FAILPOINT(STORAGED_PUT_CELL)) {
            fail_with(put, HEARTH_IO, "failpoint");
        } else {
            ask_for_message(put);
        }
    }
    free_when_over(put);
}

static void append(struct shard_put *put, struct slice cell TAKES)
{
    const uint8_t *tag = cell.view.bytes + cell.view.size - VOLUME_TAG_SIZE;
    crypto_hash_update(put->tags, view_of(tag, VOLUME_TAG_SIZE));
    volume_put_append(put->volume_put, cell, wait_for_volume(put, cell_taken));
}

static void volume_opened(struct volume_wait *wait)
{
    struct shard_put *put = put_of_wait(wait);
    if (wait->err.code != HEARTH_OK) {
        put->volume_put = NULL; /* it is gone already */
    }
    if (volume_answered(put)) {
        struct slice cell = put->first_cell;
        put->first_cell = (struct slice){NULL, {NULL, 0}};
        append(put, cell);
    }
    free_when_over(put);
}

/* Only the first cell tells how large the cells of this shard are. */
static void open_volume(struct shard_put *put, struct slice cell TAKES)
{
    struct volume_put_request request = {
        .id = put->id,
        .slot = put->order.slot,
        .p = put->order.p,
        .cell_size = (uint32_t)(cell.view.size - VOLUME_TAG_SIZE),
        .length_max = put->length_max,
    };
    memcpy(request.locator.bytes, put->order.locator, SHARD_LOCATOR_SIZE);
    put->first_cell = cell;
    put->volume_put =
        volume_put_begin(put->context->volume, &request, wait_for_volume(put, volume_opened));
}

static void take_cell(struct shard_put *put, struct slice cell TAKES)
{
    struct hearth_err err = {0};
    if (cell.view.size <= VOLUME_TAG_SIZE ||
        cell.view.size > VOLUME_CELL_SIZE_MAX + VOLUME_TAG_SIZE) {
        hearth_fail(&err, HEARTH_INVALID, "a cell of %zu bytes", cell.view.size);
    } else {
        order_check_time(put->context->orders, &put->order, &err);
    }
    if (err.code != HEARTH_OK) {
        buf_unref(cell.owner);
        fail(put, &err);
    } else if (put->volume_put == NULL) {
        open_volume(put, cell);
    } else {
        append(put, cell);
    }
}

/* ---- open: the order ---- */

static enum hearth_code check_open(
    struct shard_put *put, const struct wire_shard_put_open *open, struct hearth_err *err)
{
    if (order_check_verify(put->context->orders, open->order, ORDER_PUT, put->stream->peer_id,
            &put->order, err) != HEARTH_OK) {
        return err->code;
    }
    memcpy(put->id.bytes, put->order.shard_id, SHARD_ID_SIZE);
    put->length_max = put->order.size_max;
    if (open->size_expected > put->length_max) {
        return hearth_fail(err, HEARTH_INVALID,
            "%" PRIu64 " bytes announced, the order is for %" PRIu64, open->size_expected,
            put->length_max);
    }
    if (open->size_expected != 0) {
        put->length_max = open->size_expected;
    }
    return HEARTH_OK;
}

static void take_open(struct shard_put *put, const struct wire_shard_put_open *open)
{
    struct hearth_err err;
    if (check_open(put, open, &err) != HEARTH_OK) {
        fail(put, &err);
    } else if (FAILPOINT(STORAGED_PUT_OPENED)) {
        fail_with(put, HEARTH_IO, "failpoint");
    } else {
        move(put, PUT_RECEIVING);
        ask_for_message(put);
    }
}

/* ---- what the network says ---- */

static void take_step(
    struct shard_put *put, const struct wire_shard_put_message *message, struct buf *bytes TAKES)
{
    if (put->state == PUT_RECEIVING && message->step == WIRE_SHARD_PUT_CELL) {
        take_cell(put, (struct slice){bytes, message->cell});
        return;
    }
    if (put->state == PUT_OPENING && message->step == WIRE_SHARD_PUT_OPEN) {
        take_open(put, message->open);
    } else if (put->state == PUT_RECEIVING && message->step == WIRE_SHARD_PUT_FOOTER) {
        take_footer(put, message->footer);
    } else {
        fail_with(put, HEARTH_INVALID, "a message out of turn");
    }
    buf_unref(bytes);
}

static void on_message(struct shard_stream *stream, struct buf *bytes TAKES)
{
    struct shard_put *put = stream->context;
    struct wire_shard_put_message message;
    struct hearth_err err;
    size_t size = bytes == NULL ? 0 : bytes->size;
    shard_pace_moved(&put->pace, size);
    count_message(put, size);
    if (bytes == NULL) {
        fail_with(put, HEARTH_INVALID, "the stream ended before its footer");
        return;
    }
    struct arena arena;
    arena_init(&arena, MESSAGE_ARENA_MAX);
    if (wire_decode_shard_put(buf_view(bytes), &arena, &message, &err) == HEARTH_OK) {
        take_step(put, &message, bytes);
    } else {
        fail(put, &err);
        buf_unref(bytes);
    }
    arena_fini(&arena);
}

static void on_sent(struct shard_stream *stream)
{
    (void)stream; /* the reply is all we send, and the end follows it */
}

static void on_closed(struct shard_stream *stream)
{
    struct shard_put *put = stream->context;
    put->stream_is_open = false;
    if (put->state == PUT_OPENING || put->state == PUT_RECEIVING) {
        fail_with(put, HEARTH_CANCELLED, "the client left");
    }
    free_when_over(put);
}

static void on_late(struct shard_pace *pace)
{
    struct shard_put *put = (struct shard_put *)((char *)pace - offsetof(struct shard_put, pace));
    fail_with(put, HEARTH_DEADLINE, "the client is too slow");
}

enum hearth_code shard_put_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err)
{
    static const struct shard_stream_user user = {
        .message = on_message, .sent = on_sent, .closed = on_closed};
    struct shard_put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "put a shard");
    }
    put->tags = crypto_hash_create(CRYPTO_SHA256);
    put->context = context;
    put->stream = stream;
    memcpy(put->request, stream->request, sizeof(put->request));
    put->stream_is_open = true;
    stream->user = &user;
    stream->context = put;
    shard_pace_begin(&put->pace, context->loop, on_late);
    ask_for_message(put);
    return HEARTH_OK;
}
