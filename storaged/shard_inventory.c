#include "storaged/shard_inventory.h"

#include "common/log.h"
#include "proto/wire.h"
#include "storaged/shard_pace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 *   OPENING --request good--> GIVING --the last page taken--> ENDED
 *      |                        |                               ^
 *      +--- refused, too slow, the coordinator left ------------+
 *
 * The stream is finished on entering ENDED, and nowhere else.
 */
enum inventory_state { INVENTORY_OPENING, INVENTORY_GIVING, INVENTORY_ENDED };

enum { MESSAGE_ARENA_MAX = 16 * 1024 };
static_assert((int)WIRE_SHARD_PAGE_MAX == (int)VOLUME_LIST_MAX, "a page is a page");
static_assert((int)WIRE_DIGEST_BITS_MAX == (int)SHARD_DIGEST_BITS_MAX, "ranges are ranges");

struct inventory;

/* What the two calls do differently. */
struct inventory_kind {
    const struct wire_message *request;
    const struct wire_message *page;
    enum hearth_code (*take)(
        struct inventory *inventory, const void *request, struct hearth_err *err);
    void (*make)(struct inventory *inventory); /* the next page; gives it now or later */
};

struct inventory {
    const struct shard_context *context;
    struct shard_stream *stream;
    const struct inventory_kind *kind;
    enum inventory_state state;
    struct shard_pace pace;
    struct rate_turn turn; /* to send `page` */
    struct buf *page;      /* waits for its turn; NULL: none does */
    bool is_last;          /* no page follows the one just made */

    /* ListShards */
    struct volume_list list;
    bool has_after;
    struct shard_id after;
    uint64_t left;

    /* DigestShards */
    unsigned bits;
    uint32_t next_range;
    uint32_t end_range;

    /* What still refers to this; the last one frees it. */
    bool stream_is_open;
    bool volume_is_busy;
};

static void free_when_over(struct inventory *inventory)
{
    if (!inventory->stream_is_open && !inventory->volume_is_busy) {
        assert(inventory->state == INVENTORY_ENDED);
        buf_unref(inventory->page);
        free(inventory);
    }
}

static void end(struct inventory *inventory, enum hearth_code code, const char *text)
{
    assert(inventory->state != INVENTORY_ENDED);
    inventory->state = INVENTORY_ENDED;
    shard_pace_end(&inventory->pace);
    rate_gate_leave(inventory->context->upload, &inventory->turn);
    if (inventory->stream_is_open) {
        shard_stream_finish(inventory->stream, code, text);
    }
}

static void fail(struct inventory *inventory, const struct hearth_err *err)
{
    log_write(LOG_INVENTORY_REFUSED, "req=%s code=%s reason=\"%s\"", inventory->stream->request,
        hearth_code_name(err->code), err->message);
    end(inventory, err->code, err->message);
}

static void fail_with(struct inventory *inventory, enum hearth_code code, const char *text)
{
    struct hearth_err err;
    hearth_fail(&err, code, "%s", text);
    fail(inventory, &err);
}

/* ---- pages out ---- */

static void send_page(struct inventory *inventory)
{
    const struct slice slices[] = {{inventory->page, buf_view(inventory->page)}};
    inventory->page = NULL;
    shard_pace_wait(&inventory->pace);
    shard_stream_send(inventory->stream, slices, 1);
}

static void turn_came(struct rate_turn *turn)
{
    send_page((struct inventory *)((char *)turn - offsetof(struct inventory, turn)));
}

/* The owner's limit of what leaves the house holds for this, too. */
static void give_page(struct inventory *inventory, const void *page)
{
    struct hearth_err err;
    if (wire_encode(inventory->kind->page, page, &inventory->page, &err) != HEARTH_OK) {
        fail(inventory, &err);
        return;
    }
    inventory->turn.go = turn_came;
    if (rate_gate_ask(inventory->context->upload, &inventory->turn, inventory->page->size)) {
        send_page(inventory);
    }
}

/* ---- ListShards ---- */

static struct wire_shard_entry entry_of(const struct volume_entry *from)
{
    return (struct wire_shard_entry){
        .shard_id = view_of(from->id.bytes, SHARD_ID_SIZE),
        .locator = view_of(from->locator.bytes, SHARD_LOCATOR_SIZE),
        .length = from->length,
        .state = from->trashed ? WIRE_SHARD_TRASH : WIRE_SHARD_LIVE,
        .stored_unix_ms = from->stored_unix_ms,
        .trashed_unix_ms = from->trashed_unix_ms,
    };
}

static bool is_asked_for(const struct inventory *inventory, const struct volume_entry *entry)
{
    return !inventory->has_after ||
        memcmp(entry->id.bytes, inventory->after.bytes, SHARD_ID_SIZE) > 0;
}

static void give_list(struct inventory *inventory)
{
    const struct volume_list *list = &inventory->list;
    struct wire_shard_entry entries[WIRE_SHARD_PAGE_MAX];
    struct wire_shard_page page = {
        .shards = entries, .damaged = list->damaged, .is_last = list->at_end};
    for (unsigned i = 0; i < list->count && inventory->left > 0; i++) {
        if (is_asked_for(inventory, &list->entries[i])) {
            entries[page.shards_count++] = entry_of(&list->entries[i]);
            inventory->left--;
            page.is_last = list->at_end && i + 1 == list->count;
        }
    }
    inventory->is_last = page.is_last || inventory->left == 0;
    give_page(inventory, &page);
}

static void list_ready(struct volume_wait *wait)
{
    struct volume_list *list =
        (struct volume_list *)((char *)wait - offsetof(struct volume_list, wait));
    struct inventory *inventory =
        (struct inventory *)((char *)list - offsetof(struct inventory, list));
    inventory->volume_is_busy = false;
    if (inventory->state == INVENTORY_ENDED) {
        free_when_over(inventory);
    } else if (wait->err.code != HEARTH_OK) {
        fail(inventory, &wait->err);
    } else {
        give_list(inventory);
    }
}

static void make_list(struct inventory *inventory)
{
    inventory->volume_is_busy = true;
    inventory->list.wait.done = list_ready;
    volume_list_next(inventory->context->volume, &inventory->list);
}

static enum hearth_code take_list(
    struct inventory *inventory, const void *message, struct hearth_err *err)
{
    (void)err;
    const struct wire_list_shards_request *request = message;
    inventory->left = request->max == 0 ? UINT64_MAX : request->max;
    inventory->has_after = request->after.size == SHARD_ID_SIZE;
    if (inventory->has_after) {
        memcpy(inventory->after.bytes, request->after.bytes, SHARD_ID_SIZE);
        inventory->list.cursor = volume_list_cursor(&inventory->after);
    }
    return HEARTH_OK;
}

static const struct inventory_kind list_kind = {.request = &wire_list_shards_request_message,
    .page = &wire_shard_page_message,
    .take = take_list,
    .make = make_list};

/* ---- DigestShards ---- */

static void write_digests(const struct shard_digest *sums, uint32_t count, struct writer *writer)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct wire_shard_digest digest = {.live = sums[i].live,
            .live_sum = sums[i].live_sum,
            .trash = sums[i].trash,
            .trash_sum = sums[i].trash_sum};
        wire_digest_write(writer, &digest);
    }
    assert(!writer->failed);
}

static void make_digests(struct inventory *inventory)
{
    struct shard_digest sums[WIRE_DIGEST_PAGE_MAX];
    uint8_t bytes[WIRE_DIGEST_PAGE_MAX * WIRE_DIGEST_SIZE];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    uint32_t left = inventory->end_range - inventory->next_range;
    uint32_t count = left < WIRE_DIGEST_PAGE_MAX ? left : WIRE_DIGEST_PAGE_MAX;
    volume_digest(inventory->context->volume, inventory->bits, inventory->next_range, count, sums);
    write_digests(sums, count, &writer);
    inventory->next_range += count;
    inventory->is_last = inventory->next_range == inventory->end_range;
    give_page(inventory, &(struct wire_shard_digest_page){.ranges = view_of(bytes, writer.size)});
}

static enum hearth_code take_digests(
    struct inventory *inventory, const void *message, struct hearth_err *err)
{
    const struct wire_digest_shards_request *request = message;
    if (request->count == 0 || request->first + request->count > 1U << request->bits) {
        return hearth_fail(err, HEARTH_INVALID, "%" PRIu32 " ranges from %" PRIu32 " of 2^%" PRIu32,
            request->count, request->first, request->bits);
    }
    inventory->bits = request->bits;
    inventory->next_range = request->first;
    inventory->end_range = request->first + request->count;
    return HEARTH_OK;
}

static const struct inventory_kind digest_kind = {.request = &wire_digest_shards_request_message,
    .page = &wire_shard_digest_page_message,
    .take = take_digests,
    .make = make_digests};

/* ---- what the network says ---- */

static enum hearth_code take_request(
    struct inventory *inventory, struct view bytes, struct hearth_err *err)
{
    union {
        struct wire_list_shards_request list;
        struct wire_digest_shards_request digest;
    } request;
    struct arena arena;
    arena_init(&arena, MESSAGE_ARENA_MAX);
    enum hearth_code code = wire_decode(inventory->kind->request, bytes, &arena, &request, err);
    if (code == HEARTH_OK) {
        code = inventory->kind->take(inventory, &request, err);
    }
    arena_fini(&arena);
    return code;
}

static void on_message(struct shard_stream *stream, struct buf *message TAKES)
{
    struct inventory *inventory = stream->context;
    struct hearth_err err;
    shard_pace_moved(&inventory->pace, 0);
    if (message == NULL) {
        fail_with(inventory, HEARTH_INVALID, "the stream ended before its request");
        return;
    }
    enum hearth_code code = take_request(inventory, buf_view(message), &err);
    buf_unref(message);
    if (code != HEARTH_OK) {
        fail(inventory, &err);
        return;
    }
    inventory->state = INVENTORY_GIVING;
    inventory->kind->make(inventory);
}

static void on_sent(struct shard_stream *stream)
{
    struct inventory *inventory = stream->context;
    shard_pace_moved(&inventory->pace, WIRE_SHARD_PAGE_MAX * sizeof(struct volume_entry));
    if (inventory->is_last) {
        end(inventory, HEARTH_OK, NULL);
    } else {
        inventory->kind->make(inventory);
    }
}

static void on_closed(struct shard_stream *stream)
{
    struct inventory *inventory = stream->context;
    inventory->stream_is_open = false;
    if (inventory->state != INVENTORY_ENDED) {
        fail_with(inventory, HEARTH_CANCELLED, "the coordinator left");
    }
    free_when_over(inventory);
}

static void on_late(struct shard_pace *pace)
{
    fail_with((struct inventory *)((char *)pace - offsetof(struct inventory, pace)),
        HEARTH_DEADLINE, "the coordinator is too slow");
}

static enum hearth_code start(const struct shard_context *context, struct shard_stream *stream,
    const struct inventory_kind *kind, struct hearth_err *err)
{
    static const struct shard_stream_user user = {
        .message = on_message, .sent = on_sent, .closed = on_closed};
    struct inventory *inventory = calloc(1, sizeof(*inventory));
    if (inventory == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inventory");
    }
    inventory->context = context;
    inventory->stream = stream;
    inventory->kind = kind;
    inventory->stream_is_open = true;
    stream->user = &user;
    stream->context = inventory;
    shard_pace_begin(&inventory->pace, context->loop, on_late);
    shard_pace_wait(&inventory->pace);
    shard_stream_read(stream);
    return HEARTH_OK;
}

enum hearth_code shard_list_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err)
{
    return start(context, stream, &list_kind, err);
}

enum hearth_code shard_digest_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err)
{
    return start(context, stream, &digest_kind, err);
}
