#include "coordinator/rescue/fsck_cells.h"

#include "client/shard_tag.h"
#include "coordinator/service/segment_orders.h"
#include "erasure/ec_stripe.h"

#include <assert.h>

enum { STALL_MS = 10 * 1000, AHEAD_CELLS = 2 };

/* One shard being read. */
struct lane {
    struct shard_call *call; /* NULL: over */
    unsigned slot;
    uint32_t next_stripe;
    uint64_t heard_ns;
    struct fsck_slot *out;
};

struct check {
    const struct fsck_cells *cells;
    struct ec_stripes stripes;
    struct shard_tagger *tagger;
    struct shard_inbox *inbox;
    struct lane lanes[META_SLOTS_MAX];
    unsigned count;
    unsigned going;
};

static void end_lane(struct check *check, struct lane *lane)
{
    shard_call_drop(lane->call);
    lane->call = NULL;
    check->going--;
}

static void take_cell(struct check *check, struct lane *lane, struct view bytes)
{
    if (lane->next_stripe == check->stripes.stripe_count) {
        lane->out->code = hearth_fail(&lane->out->err, HEARTH_CHECKSUM, "more cells than asked");
        end_lane(check, lane);
        return;
    }
    size_t size = ec_stripes_cell_size(&check->stripes, lane->next_stripe);
    if (bytes.size != size + EC_CELL_TAG_SIZE ||
        !shard_tag_fits(check->tagger, lane->slot, lane->next_stripe, view_of(bytes.bytes, size),
            bytes.bytes + size)) {
        lane->out->code = hearth_fail(&lane->out->err, HEARTH_CHECKSUM,
            "the cell of stripe %u does not fit its tag", lane->next_stripe);
        end_lane(check, lane);
        return;
    }
    lane->next_stripe++;
    shard_get_read(lane->call, 1);
}

static void handle(struct check *check, const struct shard_event *event)
{
    struct lane *lane = event->context;
    lane->heard_ns = env_now_ns(check->cells->coordinator->env);
    if (event->kind == SHARD_CELL) {
        take_cell(check, lane, event->bytes.view);
    } else if (event->kind == SHARD_FAILED) {
        lane->out->err = event->err;
        lane->out->code = event->err.code;
        end_lane(check, lane);
    } else if (event->kind == SHARD_DONE) {
        if (lane->next_stripe < check->stripes.stripe_count) {
            lane->out->code = hearth_fail(
                &lane->out->err, HEARTH_CHECKSUM, "it ended after stripe %u", lane->next_stripe);
        }
        end_lane(check, lane);
    }
    buf_unref(event->bytes.owner);
}

static void end_silent(struct check *check)
{
    uint64_t now = env_now_ns(check->cells->coordinator->env);
    for (unsigned i = 0; i < check->count; i++) {
        struct lane *lane = &check->lanes[i];
        if (lane->call != NULL && now >= lane->heard_ns + UINT64_C(1000000) * STALL_MS) {
            lane->out->code = hearth_fail(
                &lane->out->err, HEARTH_UNREACHABLE, "no cell for %d s", STALL_MS / 1000);
            end_lane(check, lane);
        }
    }
}

static void pump(struct check *check)
{
    struct shard_event event;
    while (check->going > 0) {
        uint64_t until = env_now_ns(check->cells->coordinator->env) + UINT64_C(1000000) * STALL_MS;
        shard_net_wait(check->cells->net, check->inbox, until);
        while (shard_inbox_take(check->inbox, &event)) {
            handle(check, &event);
        }
        end_silent(check);
    }
}

static enum hearth_code start(struct check *check, const struct meta_segment *segment,
    struct fsck_slot *out, struct arena *arena, struct hearth_err *err)
{
    const struct segment_reading reading = {
        .session_id = check->cells->session_id, .want = segment->n};
    struct wire_segment_info info;
    if (segment_to_wire(check->cells->coordinator, segment, &reading, arena, &info, err) !=
        HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < info.holders_count; i++) {
        const struct wire_placement *holder = &info.holders[i];
        struct fsck_slot *slot = &out[holder->slot];
        if (holder->order.size == 0) {
            slot->code = hearth_fail(&slot->err, HEARTH_UNREACHABLE, "its node is gone");
            continue;
        }
        struct lane *lane = &check->lanes[check->count++];
        const struct shard_door door = {.node = holder->node, .order = holder->order};
        *lane = (struct lane){.slot = holder->slot,
            .heard_ns = env_now_ns(check->cells->coordinator->env),
            .out = slot};
        lane->call = shard_get_open(
            check->cells->net, &door, 0, check->stripes.stripe_count, check->inbox, lane);
        shard_get_read(lane->call, AHEAD_CELLS);
        check->going++;
    }
    return HEARTH_OK;
}

enum hearth_code fsck_cells_check_blocking(const struct fsck_cells *cells,
    const struct meta_segment *segment, struct fsck_slot *out, struct hearth_err *err)
{
    struct check *check = calloc(1, sizeof(*check));
    struct arena arena;
    struct verify_key vk;
    if (check == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "check of a segment");
    }
    arena_init(&arena, 0);
    check->cells = cells;
    static_assert(sizeof(vk.bytes) == sizeof(segment->vk), "the same key");
    memcpy(vk.bytes, segment->vk, sizeof(vk.bytes));
    check->tagger = shard_tagger_create(&vk);
    check->inbox = shard_inbox_create(cells->coordinator->env);
    enum hearth_code code = check->inbox != NULL
        ? ec_stripes_init(&check->stripes, segment->k, segment->length, err)
        : hearth_fail(err, HEARTH_NO_MEMORY, "inbox");
    if (code == HEARTH_OK) {
        code = start(check, segment, out, &arena, err);
    }
    pump(check);
    shard_inbox_unref(check->inbox);
    shard_tagger_destroy(check->tagger);
    arena_fini(&arena);
    free(check);
    return code;
}
