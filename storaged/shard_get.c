#include "storaged/shard_get.h"

#include "common/log.h"
#include "proto/wire_shard.h"
#include "storaged/shard_pace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 *   OPENING --order good--> FINDING --shard is here--> SENDING --last cell sent--> DONE
 *      |                       |                          |
 *      +---- refused, not here, rotten, too slow, client gone ----> FAILED
 *
 * The stream is finished on entering DONE or FAILED, and nowhere else.
 */
enum get_state { GET_OPENING, GET_FINDING, GET_SENDING, GET_DONE, GET_FAILED, GET_STATES };

#define TO(state) (1u << (state))
static const uint32_t get_next[GET_STATES] = {
    [GET_OPENING] = TO(GET_FINDING) | TO(GET_FAILED),
    [GET_FINDING] = TO(GET_SENDING) | TO(GET_FAILED),
    [GET_SENDING] = TO(GET_DONE) | TO(GET_FAILED),
};
#undef TO

enum { MESSAGE_ARENA_MAX = 16 * 1024 };

struct shard_get {
    const struct shard_context *context;
    struct shard_stream *stream;
    enum get_state state;
    struct shard_pace pace;
    struct rate_turn turn; /* to send the next cell */
    bool may_send;         /* it came */
    struct order order;
    struct shard_id id; /* the order's */

    struct volume_get *volume_get; /* NULL: none open */
    struct volume_wait open_wait;
    struct volume_read read;

    uint32_t stripe_to_read; /* next; */
    uint32_t stripe_to_send; /* not sent yet; <= stripe_to_read */
    uint32_t stripe_end;
    struct buf *sending; /* cells from stripe_to_send on, at sending_offset; NULL: none */
    size_t sending_offset;
    struct buf *ahead; /* those after them; NULL: none */
    bool send_is_out;

    /* What still refers to this get; the last one frees it. */
    bool stream_is_open;
    bool volume_is_busy;
};

static void move(struct shard_get *get, enum get_state next)
{
    assert(get_next[get->state] & (1u << next));
    get->state = next;
}

static void free_when_over(struct shard_get *get)
{
    if (!get->stream_is_open && !get->volume_is_busy) {
        assert(get->state == GET_DONE || get->state == GET_FAILED);
        assert(get->volume_get == NULL);
        buf_unref(get->sending);
        buf_unref(get->ahead);
        free(get);
    }
}

static void end(struct shard_get *get, enum get_state state, const struct hearth_err *err)
{
    shard_pace_end(&get->pace);
    rate_gate_leave(get->context->upload, &get->turn);
    if (get->volume_get != NULL) {
        volume_get_close(get->volume_get);
        get->volume_get = NULL;
    }
    move(get, state);
    if (get->stream_is_open) {
        shard_stream_finish(
            get->stream, err == NULL ? HEARTH_OK : err->code, err == NULL ? NULL : err->message);
    }
}

static void fail(struct shard_get *get, const struct hearth_err *err)
{
    log_write(LOG_SHARD_REFUSED, "req=%s shard=%s code=%s reason=\"%s\"", get->stream->request,
        shard_id_text(&get->id).chars, hearth_code_name(err->code), err->message);
    end(get, GET_FAILED, err);
}

static void fail_with(struct shard_get *get, enum hearth_code code, const char *text)
{
    struct hearth_err err;
    hearth_fail(&err, code, "%s", text);
    fail(get, &err);
}

/* ---- sending: one cell a message ---- */

static size_t cell_and_tag_size(const struct shard_get *get, uint32_t stripe)
{
    const struct volume_shard_info *info = volume_get_info(get->volume_get);
    bool is_last = stripe == info->cell_count - 1;
    return (is_last ? info->last_cell_size : info->cell_size) + VOLUME_TAG_SIZE;
}

static void send_cell(struct shard_get *get)
{
    size_t size = cell_and_tag_size(get, get->stripe_to_send);
    struct wire_cell_head head = wire_get_cell_head(size);
    const struct slice slices[] = {
        {NULL, view_of(head.bytes, head.size)},
        slice_of(get->sending, get->sending_offset, size),
    };
    get->sending_offset += size;
    get->stripe_to_send++;
    get->send_is_out = true;
    shard_pace_wait(&get->pace);
    shard_stream_send(get->stream, slices, 2);
}

/* The next cells to send move up when those before them are gone. */
static void move_up(struct shard_get *get)
{
    if (get->sending != NULL && get->sending_offset == get->sending->size) {
        buf_unref(get->sending);
        get->sending = NULL;
    }
    if (get->sending == NULL) {
        get->sending = get->ahead;
        get->sending_offset = 0;
        get->ahead = NULL;
    }
}

static void read_ahead(struct shard_get *get);
static void go_on(struct shard_get *get);

static void turn_came(struct rate_turn *turn)
{
    struct shard_get *get = (struct shard_get *)((char *)turn - offsetof(struct shard_get, turn));
    get->may_send = true;
    go_on(get);
}

/* The owner's limit slows the client by not sending. */
static void send_in_turn(struct shard_get *get)
{
    get->turn.go = turn_came;
    if (get->may_send ||
        rate_gate_ask(
            get->context->upload, &get->turn, cell_and_tag_size(get, get->stripe_to_send))) {
        get->may_send = false;
        send_cell(get);
    }
}

/* Whatever can be done now: send, read, or end. */
static void go_on(struct shard_get *get)
{
    struct hearth_err err;
    if (get->send_is_out || rate_turn_is_waiting(&get->turn)) {
        return;
    }
    move_up(get);
    if (get->stripe_to_send == get->stripe_end) {
        log_write(LOG_SHARD_SERVED, "req=%s shard=%s end=%" PRIu32, get->stream->request,
            shard_id_text(&get->id).chars, get->stripe_end);
        end(get, GET_DONE, NULL);
        return;
    }
    if (order_check_time(get->context->orders, &get->order, &err) != HEARTH_OK) {
        fail(get, &err);
        return;
    }
    if (get->sending != NULL) {
        send_in_turn(get);
    }
    read_ahead(get);
}

/* ---- reading: one batch ahead of what is being sent ---- */

static void cells_read(struct volume_wait *wait)
{
    struct volume_read *read =
        (struct volume_read *)((char *)wait - offsetof(struct volume_read, wait));
    struct shard_get *get = (struct shard_get *)((char *)read - offsetof(struct shard_get, read));
    get->volume_is_busy = false;
    if (get->state == GET_FAILED) {
        free_when_over(get);
        return;
    }
    if (wait->err.code != HEARTH_OK) {
        fail(get, &wait->err);
        return;
    }
    assert(get->ahead == NULL);
    get->ahead = read->cells;
    go_on(get);
}

static void read_ahead(struct shard_get *get)
{
    uint32_t left = get->stripe_end - get->stripe_to_read;
    if (get->volume_is_busy || get->ahead != NULL || left == 0) {
        return;
    }
    uint32_t count = left < VOLUME_READ_CELLS_MAX ? left : VOLUME_READ_CELLS_MAX;
    uint32_t first = get->stripe_to_read;
    get->stripe_to_read += count;
    get->volume_is_busy = true;
    get->read.wait.done = cells_read;
    volume_get_read(get->volume_get, first, count, &get->read);
}

/* ---- request: the order, then the shard ---- */

static enum hearth_code check_range(const struct shard_get *get, struct hearth_err *err)
{
    const struct volume_shard_info *info = volume_get_info(get->volume_get);
    if (get->stripe_end > info->cell_count) {
        return hearth_fail(err, HEARTH_INVALID, "stripes up to %" PRIu32 " of a shard of %" PRIu32,
            get->stripe_end, info->cell_count);
    }
    return HEARTH_OK;
}

static void shard_found(struct volume_wait *wait)
{
    struct shard_get *get =
        (struct shard_get *)((char *)wait - offsetof(struct shard_get, open_wait));
    struct hearth_err err;
    get->volume_is_busy = false;
    if (get->state == GET_FAILED) {
        free_when_over(get);
    } else if (wait->err.code != HEARTH_OK) {
        get->volume_get = NULL; /* it is gone already */
        fail(get, &wait->err);
    } else if (check_range(get, &err) != HEARTH_OK) {
        fail(get, &err);
    } else {
        move(get, GET_SENDING);
        read_ahead(get);
    }
}

static enum hearth_code check_request(
    struct shard_get *get, const struct wire_shard_get_request *request, struct hearth_err *err)
{
    if (order_check_verify(get->context->orders, request->order, ORDER_GET, get->stream->peer_id,
            &get->order, err) != HEARTH_OK) {
        return err->code;
    }
    if (request->stripes == 0 || request->stripes > VOLUME_CELLS_MAX ||
        request->first_stripe > VOLUME_CELLS_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "%" PRIu32 " stripes from %" PRIu32,
            request->stripes, request->first_stripe);
    }
    return HEARTH_OK;
}

static void take_request(struct shard_get *get, const struct wire_shard_get_request *request)
{
    struct hearth_err err;
    if (check_request(get, request, &err) != HEARTH_OK) {
        fail(get, &err);
        return;
    }
    get->stripe_to_read = request->first_stripe;
    get->stripe_to_send = request->first_stripe;
    get->stripe_end = request->first_stripe + request->stripes;
    memcpy(get->id.bytes, get->order.shard_id, SHARD_ID_SIZE);
    move(get, GET_FINDING);
    get->volume_is_busy = true;
    get->open_wait.done = shard_found;
    get->volume_get = volume_get_open(get->context->volume, &get->id, &get->open_wait);
}

/* ---- what the network says ---- */

static void on_message(struct shard_stream *stream, struct buf *message TAKES)
{
    struct shard_get *get = stream->context;
    struct wire_shard_get_request request;
    struct hearth_err err;
    struct arena arena;
    shard_pace_moved(&get->pace, 0);
    if (message == NULL) {
        fail_with(get, HEARTH_INVALID, "the stream ended before its request");
        return;
    }
    arena_init(&arena, MESSAGE_ARENA_MAX);
    if (wire_decode(&wire_shard_get_request_message, buf_view(message), &arena, &request, &err) ==
        HEARTH_OK) {
        take_request(get, &request);
    } else {
        fail(get, &err);
    }
    arena_fini(&arena);
    buf_unref(message);
}

static void on_sent(struct shard_stream *stream)
{
    struct shard_get *get = stream->context;
    get->send_is_out = false;
    shard_pace_moved(&get->pace, cell_and_tag_size(get, get->stripe_to_send - 1));
    go_on(get);
}

static void on_closed(struct shard_stream *stream)
{
    struct shard_get *get = stream->context;
    get->stream_is_open = false;
    if (get->state != GET_DONE && get->state != GET_FAILED) {
        fail_with(get, HEARTH_CANCELLED, "the client left");
    }
    free_when_over(get);
}

static void on_late(struct shard_pace *pace)
{
    struct shard_get *get = (struct shard_get *)((char *)pace - offsetof(struct shard_get, pace));
    fail_with(get, HEARTH_DEADLINE, "the client is too slow");
}

enum hearth_code shard_get_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err)
{
    static const struct shard_stream_user user = {
        .message = on_message, .sent = on_sent, .closed = on_closed};
    struct shard_get *get = calloc(1, sizeof(*get));
    if (get == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "get a shard");
    }
    get->context = context;
    get->stream = stream;
    get->stream_is_open = true;
    stream->user = &user;
    stream->context = get;
    shard_pace_begin(&get->pace, context->loop, on_late);
    shard_pace_wait(&get->pace);
    shard_stream_read(stream);
    return HEARTH_OK;
}
