#include "coordinator/repair.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/log.h"
#include "coordinator/repair_backoff.h"
#include "coordinator/repair_judge.h"
#include "coordinator/repair_place.h"
#include "coordinator/repair_plan.h"
#include "coordinator/repair_queue.h"
#include "coordinator/segment_orders.h"

#include <stdlib.h>

enum { FLEET_MS = 5000 }; /* a view of the fleet older than this is taken anew */

struct repair {
    struct coordinator *coordinator; /* set once, both */
    struct repair_rules rules;

    /* The sweep's thread only: of the pass that runs. */
    struct {
        struct repair_queue queue;
        struct arena arena;
        struct place_fleet fleet; /* as it was when the pass began */
        struct repair_status counts;
    } on_sweep;

    /* The duty's thread only. */
    struct {
        struct shard_net *net; /* NULL: none yet */
        uint8_t session_id[PKI_ID_SIZE];
        struct repair_queue queue;
        const struct fleet_view *fleet; /* NULL: none yet */
    } on_duty;

    struct {
        pthread_mutex_t mutex;
        struct repair_queue found; /* by the last pass, not taken up yet */
        struct repair_backoff backoff;
        struct repair_status status;
    } shared;
};

struct repair *repair_create(struct coordinator *coordinator)
{
    struct repair *repair = calloc(1, sizeof(*repair));
    if (repair == NULL) {
        return NULL;
    }
    repair->coordinator = coordinator;
    repair_rules_init(&repair->rules, (unsigned)coordinator->settings->repair_nines);
    arena_init(&repair->on_sweep.arena, 0);
    pthread_mutex_init(&repair->shared.mutex, NULL);
    if (!repair_queue_init(&repair->on_sweep.queue, REPAIR_QUEUE_MAX) ||
        !repair_queue_init(&repair->on_duty.queue, REPAIR_QUEUE_MAX) ||
        !repair_queue_init(&repair->shared.found, REPAIR_QUEUE_MAX) ||
        !repair_backoff_init(&repair->shared.backoff, coordinator->env, REPAIR_BACKOFF_MAX)) {
        repair_destroy(repair);
        return NULL;
    }
    return repair;
}

void repair_destroy(struct repair *repair)
{
    if (repair != NULL) {
        fleet_view_release(repair->on_duty.fleet);
        repair_queue_fini(&repair->on_sweep.queue);
        repair_queue_fini(&repair->on_duty.queue);
        repair_queue_fini(&repair->shared.found);
        repair_backoff_fini(&repair->shared.backoff);
        arena_fini(&repair->on_sweep.arena);
        pthread_mutex_destroy(&repair->shared.mutex);
        free(repair);
    }
}

void repair_use_session(
    struct repair *repair, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE])
{
    repair->on_duty.net = net;
    memcpy(repair->on_duty.session_id, session_id, sizeof(repair->on_duty.session_id));
}

void repair_status_get(struct repair *repair, struct repair_status *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    *out = repair->shared.status;
}

/* ---- the sweep ---- */

static void judge(const struct repair *repair, const struct meta_segment *segment,
    const struct fleet_view *fleet, struct repair_judgement *out)
{
    repair_judge(&repair->rules, segment, fleet, meta_now_ms(repair->coordinator->store), out);
}

static bool has_place(struct repair *repair, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct hearth_err err;
    struct repair_place place;
    return repair_place_init(&place, repair->coordinator, segment, judgement, &err) == HEARTH_OK &&
        place_is_possible(&repair->on_sweep.fleet, &place.query);
}

struct failed_before {
    bool is_retry;
    bool is_waiting; /* and it is too early for that */
};

static struct failed_before ask_backoff(struct repair *repair, struct meta_id id)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    const struct repair_wait *wait = repair_backoff_find(&repair->shared.backoff, id);
    return (struct failed_before){
        .is_retry = wait != NULL,
        .is_waiting = wait != NULL && meta_now_ms(repair->coordinator->store) < wait->until_ms,
    };
}

static void forget_failures(struct repair *repair, struct meta_id id)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    repair_backoff_forget(&repair->shared.backoff, id);
}

/* It is due: now, or something has to happen first. */
static void consider(struct repair *repair, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct repair_status *counts = &repair->on_sweep.counts;
    const struct failed_before before = ask_backoff(repair, segment->id);
    counts->queue++;
    if (before.is_waiting) {
        counts->waiting++;
    } else if (!has_place(repair, segment, judgement)) {
        counts->without_place++;
    } else {
        repair_queue_add(&repair->on_sweep.queue,
            (struct repair_entry){.segment = segment->id,
                .urgency = judgement->urgency,
                .is_retry = before.is_retry});
    }
}

static void count(
    struct repair *repair, const struct meta_segment *segment, const struct fleet_view *fleet)
{
    struct repair_status *counts = &repair->on_sweep.counts;
    struct repair_judgement judgement;
    judge(repair, segment, fleet, &judgement);
    counts->segments++;
    counts->below_n += ec_slots_count(judgement.held) < segment->n;
    counts->below_r += ec_slots_count(judgement.held) <= profile_by_number(segment->profile)->r;
    counts->unreadable += ec_slots_count(judgement.reachable) < segment->k;
    if (judgement.is_due) {
        consider(repair, segment, &judgement);
    }
    if (ec_slots_count(judgement.missing) == 0) {
        forget_failures(repair, segment->id);
    }
}

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    (void)pass;
    struct repair *repair = context;
    repair_queue_clear(&repair->on_sweep.queue);
    repair->on_sweep.counts = (struct repair_status){.segments = 0};
    arena_fini(&repair->on_sweep.arena);
    return node_table_fleet(
        repair->coordinator->nodes, &repair->on_sweep.arena, &repair->on_sweep.fleet, err);
}

static void page(void *context, const struct sweep_pass *pass, const struct meta_segment *segments,
    size_t segment_count)
{
    for (size_t i = 0; i < segment_count; i++) {
        if (!repair_is_left_alone(&segments[i])) {
            count(context, &segments[i], pass->fleet);
        }
    }
}

/* What was found is taken up in any case; counts are shown when they are of all segments. */
static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct repair *repair = context;
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    const struct repair_queue taken_up = repair->shared.found;
    repair->shared.found = repair->on_sweep.queue;
    repair->on_sweep.queue = taken_up;
    if (complete && !pass->is_resumed) {
        uint64_t repaired = repair->shared.status.repaired;
        repair->shared.status = repair->on_sweep.counts;
        repair->shared.status.repaired = repaired;
    }
}

struct sweep_watcher repair_watcher(struct repair *repair, struct duty *const *duty)
{
    return (struct sweep_watcher){
        .context = repair, .begin = begin, .page = page, .end = end, .wakes = duty};
}

/* ---- what it found ---- */

static void note_repaired(struct repair *repair, unsigned shards)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    repair->shared.status.repaired += shards;
    repair->shared.status.queue -= repair->shared.status.queue > 0;
}

static enum hearth_code renew_fleet(struct repair *repair, struct hearth_err *err)
{
    const struct fleet_view *fleet = repair->on_duty.fleet;
    if (fleet != NULL && meta_now_ms(repair->coordinator->store) < fleet->taken_ms + FLEET_MS) {
        return HEARTH_OK;
    }
    enum hearth_code code = fleet_view_take(repair->coordinator->nodes, &fleet, err);
    if (code == HEARTH_OK) {
        fleet_view_release(repair->on_duty.fleet);
        repair->on_duty.fleet = fleet;
    }
    return code;
}

/* HEARTH_FLEET_TOO_SMALL and HEARTH_CONFLICT are no failures: nowhere to go, or somebody was
 * first. */
static enum hearth_code repair_one(
    struct repair *repair, struct meta_id id, unsigned *stored, struct hearth_err *err)
{
    struct meta_segment segment;
    if (renew_fleet(repair, err) != HEARTH_OK ||
        meta_segment_get(repair->coordinator->store, id, &segment, err) != HEARTH_OK) {
        return err->code;
    }
    if (repair_is_left_alone(&segment)) {
        return HEARTH_OK;
    }
    struct repair_judgement judgement;
    judge(repair, &segment, repair->on_duty.fleet, &judgement);
    if (!judgement.is_due) {
        return HEARTH_OK;
    }
    struct repair_plan plan = {
        .coordinator = repair->coordinator,
        .net = repair->on_duty.net,
        .session_id = view_of(repair->on_duty.session_id, sizeof(repair->on_duty.session_id)),
        .segment = &segment,
        .judgement = &judgement,
    };
    return repair_plan_run_blocking(&plan, stored, err);
}

/* Nowhere to go: nothing was tried.  Somebody was first: it is looked at again, a little later. */
static void settle(struct repair *repair, struct meta_id id, enum hearth_code code)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    struct repair_backoff *backoff = &repair->shared.backoff;
    if (code == HEARTH_OK || code == HEARTH_NOT_FOUND) {
        repair_backoff_forget(backoff, id);
    } else if (code != HEARTH_FLEET_TOO_SMALL) {
        repair_backoff_failed(backoff, id, meta_now_ms(repair->coordinator->store));
    }
}

static bool repair_and_log(struct repair *repair, struct meta_id id)
{
    struct hearth_err err;
    char text[2 * META_ID_SIZE + 1];
    unsigned stored = 0;
    hex_encode(id.bytes, sizeof(id.bytes), text);
    enum hearth_code code = repair_one(repair, id, &stored, &err);
    settle(repair, id, code);
    if (code == HEARTH_OK && stored > 0) {
        note_repaired(repair, stored);
        log_write(LOG_SEGMENT_REPAIRED, "segment=%s shards=%u", text, stored);
    } else if (code != HEARTH_OK && code != HEARTH_FLEET_TOO_SMALL && code != HEARTH_CONFLICT &&
        code != HEARTH_NOT_FOUND) {
        log_write(LOG_REPAIR_FAILED, "segment=%s error=\"%s\"", text, err.message);
    }
    return code == HEARTH_OK;
}

/* Where the time of a round went. */
struct pace {
    uint64_t failed_ns;
    uint64_t repaired_ns;
};

static void take_turn(struct repair *repair, struct meta_id id, struct pace *pace)
{
    struct env *env = repair->coordinator->env;
    uint64_t start = env_now_ns(env);
    bool worked = repair_and_log(repair, id);
    *(worked ? &pace->repaired_ns : &pace->failed_ns) += env_now_ns(env) - start;
}

/* One pass over the queue; retries that would take more than their share stay in it. */
static void pass(struct repair *repair, struct duty *duty, uint64_t allowance_ns, struct pace *pace)
{
    struct repair_queue *queue = &repair->on_duty.queue;
    size_t kept = 0;
    for (size_t i = 0; i < queue->count && !duty_is_stopping(duty); i++) {
        const struct repair_entry entry = queue->entries[i];
        if (entry.is_retry && pace->failed_ns > pace->repaired_ns + allowance_ns) {
            queue->entries[kept++] = entry;
        } else {
            take_turn(repair, entry.segment, pace);
        }
    }
    queue->count = kept;
}

static void take_up_what_was_found(struct repair *repair)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    const struct repair_queue worked_off = repair->on_duty.queue;
    repair->on_duty.queue = repair->shared.found;
    repair->shared.found = worked_off;
    repair_queue_clear(&repair->shared.found);
}

void repair_round(struct repair *repair, struct duty *duty)
{
    struct pace pace = {0};
    if (repair->on_duty.net == NULL) {
        return;
    }
    take_up_what_was_found(repair);
    repair_queue_sort(&repair->on_duty.queue);
    pass(repair, duty, 0, &pace);
    pass(repair, duty, UINT64_C(1000000) * REPAIR_RETRY_MS, &pace);
}
