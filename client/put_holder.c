#include "client/put_holder.h"

#include "proto/wire_messages.h"

enum {
    MS = 1000000, /* nanoseconds */
    /* Shorter: a busy node answers more of us.  Longer: a free place is not noticed. */
    BUSY_PAUSE_FIRST_MS = 4,
    BUSY_PAUSE_MAX_MS = 250,
    BUSY_PATIENCE_MS = 10 * 1000,
};

#define TO(state) (1u << (state))
static const uint32_t next_states[PUT_HOLDER_STATES] = {
    [PUT_HOLDER_VACANT] = TO(PUT_HOLDER_SENDING),
    [PUT_HOLDER_WAITING] = TO(PUT_HOLDER_SENDING) | TO(PUT_HOLDER_LOST),
    [PUT_HOLDER_SENDING] = TO(PUT_HOLDER_CLOSING) | TO(PUT_HOLDER_WAITING) | TO(PUT_HOLDER_LOST),
    [PUT_HOLDER_CLOSING] = TO(PUT_HOLDER_STORED) | TO(PUT_HOLDER_WAITING) | TO(PUT_HOLDER_LOST),
    [PUT_HOLDER_STORED] = 0,
    [PUT_HOLDER_LOST] = TO(PUT_HOLDER_SENDING) | TO(PUT_HOLDER_VACANT),
};
#undef TO

static void move(struct put_holder *holder, enum put_holder_state next)
{
    assert(next_states[holder->state] & (1u << next));
    holder->state = next;
}

static void end_call(struct put_holder *holder, enum put_holder_state next)
{
    shard_call_drop(holder->call);
    holder->call = NULL;
    move(holder, next);
}

static void lose(struct put_holder *holder)
{
    end_call(holder, PUT_HOLDER_LOST);
}

/* Somewhere in the second half of a pause that doubles: who was refused together comes apart. */
static uint64_t busy_pause_ns(const struct put_holder *holder)
{
    uint64_t pause_ns = BUSY_PAUSE_FIRST_MS * (uint64_t)MS;
    for (unsigned i = 1; i < holder->busy_count && pause_ns < BUSY_PAUSE_MAX_MS * (uint64_t)MS;
         i++) {
        pause_ns *= 2;
    }
    return pause_ns / 2 + env_random_below(holder->transfer->session->env, pause_ns / 2);
}

static void on_busy(struct put_holder *holder, uint64_t now_ns)
{
    if (holder->busy_count++ == 0) {
        holder->busy_ns = now_ns;
    }
    if (now_ns - holder->busy_ns > BUSY_PATIENCE_MS * (uint64_t)MS ||
        !segment_image_is_whole(holder->image)) {
        lose(holder);
        return;
    }
    holder->queued = 0;
    holder->next_stripe = 0;
    holder->retry_ns = now_ns + busy_pause_ns(holder);
    end_call(holder, PUT_HOLDER_WAITING);
}

static void on_failed(struct put_holder *holder, const struct shard_event *event)
{
    holder->err = event->err;
    if (event->err.code == HEARTH_BUSY) {
        on_busy(holder, event->at_ns);
    } else {
        lose(holder);
    }
}

static void on_sent(struct put_holder *holder, const struct shard_event *event)
{
    assert(event->count <= holder->queued);
    holder->queued -= event->count;
    holder->may_have_moved = false;
    put_holder_feed(holder);
}

static void on_done(struct put_holder *holder, struct shard_event *event)
{
    if (holder->state != PUT_HOLDER_CLOSING) {
        put_holder_give_up(holder, HEARTH_INTERNAL, "answered before it had everything");
        return;
    }
    holder->receipt = event->bytes;
    event->bytes = (struct slice){0};
    end_call(holder, PUT_HOLDER_STORED);
}

static void on_event(struct shard_listener *listener, struct shard_event *event)
{
    struct put_holder *holder = (struct put_holder *)listener;
    assert(put_holder_is_moving(holder));
    holder->moved_ns = event->at_ns;
    switch (event->kind) {
    case SHARD_SENT: on_sent(holder, event); break;
    case SHARD_DONE: on_done(holder, event); break;
    case SHARD_FAILED: on_failed(holder, event); break;
    case SHARD_CELL: assert(false && "a put has no cells to receive");
    }
}

void put_holder_init(struct put_holder *holder, struct transfer *transfer,
    struct segment_image *image, unsigned slot)
{
    *holder = (struct put_holder){
        .listener = {on_event},
        .transfer = transfer,
        .image = image,
        .slot = slot,
        .tags = crypto_hash_create(CRYPTO_SHA256),
    };
}

void put_holder_fini(struct put_holder *holder)
{
    shard_call_drop(holder->call);
    buf_unref(holder->receipt.owner);
    crypto_hash_destroy(holder->tags);
}

/* From stripe 0, with the offer in use. */
static void begin(struct put_holder *holder)
{
    move(holder, PUT_HOLDER_SENDING);
    crypto_hash_destroy(holder->tags); /* what it hashed for another offer counts for nothing */
    holder->tags = crypto_hash_create(CRYPTO_SHA256);
    holder->size = 0;
    holder->next_stripe = 0;
    holder->queued = 0;
    holder->moved_ns = transfer_now_ns(holder->transfer);
    const struct shard_door door = {holder->placement->node, holder->placement->order};
    holder->call = shard_put_open(
        holder->transfer->session->net, &door, 0, holder->transfer->inbox, &holder->listener);
}

/* Others may have gone on meanwhile, and what they need no more been released. */
static void begin_again(struct put_holder *holder)
{
    if (segment_image_is_whole(holder->image)) {
        begin(holder);
    } else {
        lose(holder);
    }
}

void put_holder_open(struct put_holder *holder, const struct wire_placement *placement)
{
    assert(placement->slot == holder->slot);
    holder->tries = placement == holder->placement ? holder->tries + 1 : 1;
    holder->placement = placement;
    holder->is_catching_up =
        segment_image_keeps_data(holder->image) && segment_image_stripes(holder->image) > 0;
    holder->may_have_moved = true;
    holder->busy_count = 0;
    begin(holder);
}

static void count_cell(struct put_holder *holder, struct slice cell)
{
    struct view tag =
        view_of(cell.view.bytes + cell.view.size - EC_CELL_TAG_SIZE, EC_CELL_TAG_SIZE);
    crypto_hash_update(holder->tags, tag);
    holder->size += cell.view.size;
    holder->next_stripe++;
    if (holder->queued++ == 0) {
        holder->moved_ns = transfer_now_ns(holder->transfer); /* until now nothing was owed */
    }
}

/* What is ready and fits goes out together. */
static void send_cells(struct put_holder *holder, unsigned ready)
{
    struct slice cells[PUT_HOLDER_QUEUE_MAX];
    unsigned count = 0;
    bool has_memory = true;
    while (has_memory && holder->queued < PUT_HOLDER_QUEUE_MAX && holder->next_stripe < ready) {
        cells[count] = segment_image_cell(holder->image, holder->next_stripe, holder->slot);
        has_memory = cells[count].owner != NULL;
        if (has_memory) {
            count_cell(holder, cells[count++]);
        }
    }
    if (count > 0) {
        shard_put_cells(holder->call, cells, count);
    }
    if (!has_memory) {
        put_holder_give_up(holder, HEARTH_NO_MEMORY, "no memory to make its cell again");
    }
}

static void send_footer(struct put_holder *holder)
{
    struct shard_footer footer = {.cells = holder->next_stripe, .size = holder->size};
    crypto_hash_final(holder->tags, footer.tag_digest);
    holder->moved_ns = transfer_now_ns(holder->transfer);
    move(holder, PUT_HOLDER_CLOSING);
    shard_put_footer(holder->call, &footer);
}

void put_holder_feed(struct put_holder *holder)
{
    if (holder->state == PUT_HOLDER_WAITING &&
        transfer_now_ns(holder->transfer) >= holder->retry_ns) {
        begin_again(holder);
    }
    unsigned ready = segment_image_stripes(holder->image);
    if (holder->state == PUT_HOLDER_SENDING) {
        send_cells(holder, ready);
    }
    if (holder->next_stripe == ready) {
        holder->is_catching_up = false;
        if (holder->state == PUT_HOLDER_SENDING && segment_image_has_ended(holder->image)) {
            send_footer(holder);
        }
    }
}

void put_holder_give_up(struct put_holder *holder, enum hearth_code code, const char *reason)
{
    assert(put_holder_is_moving(holder));
    hearth_fail(&holder->err, code, "%s", reason);
    lose(holder);
}

void put_holder_vacate(struct put_holder *holder)
{
    move(holder, PUT_HOLDER_VACANT);
}
