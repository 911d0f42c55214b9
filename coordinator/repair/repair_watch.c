#include "coordinator/repair/repair_watch.h"

#include "coordinator/repair/repair_place.h"

#include <stdlib.h>

struct repair_watch {
    struct coordinator *coordinator; /* set once, both */
    struct repair_board *board;

    /* The sweep's thread only: of the pass that runs. */
    struct {
        struct repair_rules rules;
        struct repair_found found;
        struct arena arena;
        struct place_fleet places; /* as they were when the pass began */
    } on_sweep;
};

struct repair_watch *repair_watch_create(
    struct coordinator *coordinator, struct repair_board *board)
{
    struct repair_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return NULL;
    }
    watch->coordinator = coordinator;
    watch->board = board;
    repair_rules_init(&watch->on_sweep.rules, (unsigned)coordinator->settings->repair_nines);
    arena_init(&watch->on_sweep.arena, 0);
    struct repair_found *found = &watch->on_sweep.found;
    found->losses.segments = calloc(REPAIR_LOST_MAX, sizeof(found->losses.segments[0]));
    if (found->losses.segments == NULL || !repair_queue_init(&found->queue, REPAIR_QUEUE_MAX)) {
        repair_watch_destroy(watch);
        return NULL;
    }
    return watch;
}

void repair_watch_destroy(struct repair_watch *watch)
{
    if (watch != NULL) {
        repair_queue_fini(&watch->on_sweep.found.queue);
        free(watch->on_sweep.found.losses.segments);
        arena_fini(&watch->on_sweep.arena);
        free(watch);
    }
}

/* ---- one segment ---- */

/* It is due: now, or something has to happen first. */
static void consider(struct repair_watch *watch, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct repair_found *found = &watch->on_sweep.found;
    const struct repair_before before = repair_board_before(watch->board, segment->id);
    struct hearth_err err;
    struct repair_place place;
    if (repair_place_init(&place, watch->coordinator, segment, judgement, &err) != HEARTH_OK) {
        return;
    }
    const uint64_t bytes =
        place.query.free_bytes_min * (segment->k + ec_slots_count(judgement->missing));
    found->counts.queue++;
    if (!place_is_possible(&watch->on_sweep.places, &place.query)) {
        found->counts.without_place++;
        return;
    }
    found->counts.bytes += bytes;
    if (before.is_waiting) {
        found->counts.waiting++;
    } else {
        repair_queue_add(&found->queue,
            (struct repair_entry){.segment = segment->id,
                .urgency = judgement->urgency,
                .is_retry = before.is_retry,
                .bytes = bytes,
                .queued_ms = meta_now_ms(watch->coordinator->store)});
    }
}

static void mourn(struct repair_watch *watch, const struct meta_segment *segment, unsigned held)
{
    struct repair_found *found = &watch->on_sweep.found;
    bool is_lost = held < segment->k;
    found->counts.unreadable++;
    found->counts.lost += is_lost;
    if (found->losses.count < REPAIR_LOST_MAX) {
        found->losses.segments[found->losses.count++] =
            (struct repair_lost){.segment = segment->id, .is_lost = is_lost};
    }
}

static void count(struct repair_watch *watch, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct repair_status *counts = &watch->on_sweep.found.counts;
    const unsigned held = ec_slots_count(judgement->held);
    counts->segments++;
    counts->below_n += held < segment->n;
    counts->below_r += judgement->reason == REPAIR_FEW_HELD;
    if (ec_slots_count(judgement->reachable) < segment->k) {
        mourn(watch, segment, held);
    }
}

static void look_at(
    struct repair_watch *watch, const struct meta_segment *segment, const struct fleet_view *fleet)
{
    struct repair_judgement judgement;
    repair_judge(
        &watch->on_sweep.rules, segment, fleet, meta_now_ms(watch->coordinator->store), &judgement);
    const unsigned held = ec_slots_count(judgement.held);
    if (!meta_segment_is_doomed(segment)) { /* what is deleted is missed by nobody */
        count(watch, segment, &judgement);
    }
    if (judgement.is_due) {
        consider(watch, segment, &judgement);
    }
    if (held == segment->n) {
        repair_board_forget(watch->board, segment->id);
    }
}

/* ---- a pass ---- */

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    (void)pass;
    struct repair_watch *watch = context;
    struct repair_found *found = &watch->on_sweep.found;
    repair_queue_clear(&found->queue);
    found->losses.count = 0;
    found->counts = (struct repair_status){.segments = 0};
    found->is_asked = repair_board_asked(watch->board) != 0;
    watch->on_sweep.rules.everything = found->is_asked;
    arena_fini(&watch->on_sweep.arena);
    return node_table_fleet(
        watch->coordinator->nodes, &watch->on_sweep.arena, &watch->on_sweep.places, err);
}

static void page(void *context, const struct sweep_pass *pass, const struct meta_segment *segments,
    size_t segment_count)
{
    for (size_t i = 0; i < segment_count; i++) {
        if (!repair_is_left_alone(&segments[i])) {
            look_at(context, &segments[i], pass->fleet);
        }
    }
}

static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct repair_watch *watch = context;
    watch->on_sweep.found.is_all = complete && !pass->is_resumed;
    repair_board_found(watch->board, &watch->on_sweep.found);
}

struct sweep_watcher repair_watch_watcher(struct repair_watch *watch, struct duty *const *duty)
{
    return (struct sweep_watcher){
        .context = watch, .begin = begin, .page = page, .end = end, .wakes = duty};
}
