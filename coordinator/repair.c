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

/* How a node was when it was first met on a page of the sweep: each is in hundreds of segments. */
struct known_node {
    uint32_t number; /* 0: none */
    struct repair_node node;
};

enum { KNOWN_NODES = 1024 }; /* by number; two that share a place are asked for again and again */

struct repair {
    struct coordinator *coordinator; /* set once */

    /* The duty's thread only. */
    struct {
        struct shard_net *net; /* NULL: none yet */
        uint8_t session_id[PKI_ID_SIZE];
        struct repair_queue queue;
        struct repair_backoff backoff;
        struct arena arena;       /* of one sweep */
        struct place_fleet fleet; /* as it was when the sweep began */
        struct meta_segment page[META_SWEEP_MAX];
        struct known_node known[KNOWN_NODES];
        struct repair_status counts; /* of the sweep that runs */
    } on_duty;

    struct {
        pthread_mutex_t mutex;
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
    arena_init(&repair->on_duty.arena, 0);
    pthread_mutex_init(&repair->shared.mutex, NULL);
    if (!repair_queue_init(&repair->on_duty.queue, REPAIR_QUEUE_MAX) ||
        !repair_backoff_init(&repair->on_duty.backoff, coordinator->env, REPAIR_BACKOFF_MAX)) {
        repair_destroy(repair);
        return NULL;
    }
    return repair;
}

void repair_destroy(struct repair *repair)
{
    if (repair != NULL) {
        repair_queue_fini(&repair->on_duty.queue);
        repair_backoff_fini(&repair->on_duty.backoff);
        arena_fini(&repair->on_duty.arena);
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

static void forget_known(struct repair *repair)
{
    memset(repair->on_duty.known, 0, sizeof(repair->on_duty.known));
}

static struct repair_node node_of(struct repair *repair, uint32_t number)
{
    struct known_node *known = &repair->on_duty.known[number % KNOWN_NODES];
    if (known->number != number) {
        known->number = number;
        known->node.health =
            node_table_health(repair->coordinator->nodes, number, &known->node.silent_ms);
    }
    return known->node;
}

static void judge(
    struct repair *repair, const struct meta_segment *segment, struct repair_judgement *out)
{
    struct repair_node nodes[META_SLOTS_MAX] = {{0}};
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (segment->holders[slot].node != 0) {
            nodes[slot] = node_of(repair, segment->holders[slot].node);
        }
    }
    repair_judge(segment, profile_by_number(segment->profile), nodes,
        meta_now_ms(repair->coordinator->store), out);
}

static bool has_place(struct repair *repair, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct hearth_err err;
    struct repair_place place;
    return repair_place_init(&place, repair->coordinator, segment, judgement, &err) == HEARTH_OK &&
        place_is_possible(&repair->on_duty.fleet, &place.query);
}

/* It is due: now, or something has to happen first. */
static void consider(struct repair *repair, const struct meta_segment *segment,
    const struct repair_judgement *judgement)
{
    struct repair_status *counts = &repair->on_duty.counts;
    const struct repair_wait *wait = repair_backoff_find(&repair->on_duty.backoff, segment->id);
    counts->queue++;
    if (wait != NULL && meta_now_ms(repair->coordinator->store) < wait->until_ms) {
        counts->waiting++;
    } else if (!has_place(repair, segment, judgement)) {
        counts->without_place++;
    } else {
        repair_queue_add(&repair->on_duty.queue,
            (struct repair_entry){
                .segment = segment->id, .urgency = judgement->urgency, .is_retry = wait != NULL});
    }
}

static void count(struct repair *repair, const struct meta_segment *segment)
{
    struct repair_status *counts = &repair->on_duty.counts;
    const struct profile *profile = profile_by_number(segment->profile);
    if (segment->dying_ms != 0 || meta_segment_is_doomed(segment) || profile == NULL) {
        return;
    }
    struct repair_judgement judgement;
    judge(repair, segment, &judgement);
    counts->segments++;
    counts->below_n += ec_slots_count(judgement.held) < segment->n;
    counts->below_r += ec_slots_count(judgement.held) <= profile->r;
    counts->unreadable += ec_slots_count(judgement.reachable) < segment->k;
    if (judgement.is_due) {
        consider(repair, segment, &judgement);
    }
    if (ec_slots_count(judgement.missing) == 0) {
        repair_backoff_forget(&repair->on_duty.backoff, segment->id);
    }
}

static enum hearth_code sweep(struct repair *repair, struct duty *duty, struct hearth_err *err)
{
    struct meta_store *store = repair->coordinator->store;
    struct meta_id after = {{0}};
    size_t got = META_SWEEP_MAX;
    repair_queue_clear(&repair->on_duty.queue);
    arena_fini(&repair->on_duty.arena);
    enum hearth_code code = node_table_fleet(
        repair->coordinator->nodes, &repair->on_duty.arena, &repair->on_duty.fleet, err);
    repair->on_duty.counts = (struct repair_status){.sweep_started_ms = meta_now_ms(store)};
    while (code == HEARTH_OK && got == META_SWEEP_MAX && !duty_is_stopping(duty)) {
        code = meta_sweep(store, after, repair->on_duty.page, META_SWEEP_MAX, &got, err);
        forget_known(repair);
        for (size_t i = 0; code == HEARTH_OK && i < got; i++) {
            count(repair, &repair->on_duty.page[i]);
            after = repair->on_duty.page[i].id;
        }
    }
    repair->on_duty.counts.sweep_finished_ms = meta_now_ms(store);
    return code;
}

static void publish(struct repair *repair)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    uint64_t repaired = repair->shared.status.repaired;
    repair->shared.status = repair->on_duty.counts;
    repair->shared.status.repaired = repaired;
}

/* ---- what it found ---- */

static void note_repaired(struct repair *repair, unsigned shards)
{
    UNLOCKS pthread_mutex_t *held = lock(&repair->shared.mutex);
    repair->shared.status.repaired += shards;
    repair->shared.status.queue -= repair->shared.status.queue > 0;
}

/* HEARTH_FLEET_TOO_SMALL and HEARTH_CONFLICT are no failures: nowhere to go, or somebody was
 * first. */
static enum hearth_code repair_one(
    struct repair *repair, struct meta_id id, unsigned *stored, struct hearth_err *err)
{
    struct meta_segment segment;
    enum hearth_code code = meta_segment_get(repair->coordinator->store, id, &segment, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct repair_judgement judgement;
    forget_known(repair);
    judge(repair, &segment, &judgement);
    if (segment.dying_ms != 0 || meta_segment_is_doomed(&segment) || !judgement.is_due) {
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
    struct repair_backoff *backoff = &repair->on_duty.backoff;
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

void repair_round(struct repair *repair, struct duty *duty)
{
    struct hearth_err err;
    struct pace pace = {0};
    enum hearth_code code = sweep(repair, duty, &err);
    if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=sweep error=\"%s\"", err.message);
        return;
    }
    publish(repair);
    if (repair->on_duty.net == NULL) {
        return;
    }
    repair_queue_sort(&repair->on_duty.queue);
    pass(repair, duty, 0, &pace);
    pass(repair, duty, UINT64_C(1000000) * REPAIR_RETRY_MS, &pace);
}
