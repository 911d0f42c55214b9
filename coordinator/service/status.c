#include "coordinator/service/status.h"

#include "coordinator/audit/audit.h"
#include "coordinator/garbage/withheld.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/repair/repair.h"
#include "coordinator/service/estimate_service.h"
#include "coordinator/service/fleet_service.h"
#include "coordinator/service/repair_service.h"
#include "coordinator/service/status_needs.h"
#include "coordinator/service/sweep_service.h"
#include "proto/cluster_health.h"

/* ---- counts ---- */

static enum hearth_code add_counts(
    struct coordinator *coordinator, struct wire_status_reply *out, struct hearth_err *err)
{
    struct meta_counts counts;
    enum hearth_code code = meta_counts_get(coordinator->store, &counts, err);
    if (code != HEARTH_OK) {
        return code;
    }
    out->buckets = counts.buckets;
    out->objects = counts.objects;
    out->bytes = counts.bytes;
    out->intents_open = counts.intents_open;
    out->bodies_doomed = counts.bodies_doomed;
    out->shards_dead = counts.shards_dead;
    return HEARTH_OK;
}

static enum hearth_code add_repair(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct repair_status repair;
    repair_status_get(coordinator->repair, &repair);
    out->segments = repair.segments;
    out->segments_below_n = repair.below_n;
    out->segments_below_r = repair.below_r;
    out->segments_unreadable = repair.unreadable;
    out->repair_queue = repair.queue;
    out->repaired_total = repair.repaired;
    out->repair_waiting = repair.waiting;
    out->repair_without_place = repair.without_place;
    out->repair = repair_service_describe(coordinator, arena);
    return out->repair != NULL ? estimate_service_durability(coordinator, arena, out, err)
                               : hearth_fail(err, HEARTH_NO_MEMORY, "state of repair");
}

static void add_plan(
    struct wire_status_moves *moves, const struct meta_rebalance *plan, uint64_t now_ms)
{
    bool is_paused = plan->state == META_REBALANCE_PAUSED;
    if (!is_paused && plan->state != META_REBALANCE_RUNNING) {
        return;
    }
    uint64_t elapsed_ms = now_ms > plan->started_ms ? now_ms - plan->started_ms : 0;
    moves->plans++;
    moves->paused += is_paused;
    moves->stuck += plan->stuck_planned;
    moves->bytes_left +=
        plan->bytes_planned > plan->bytes_done ? plan->bytes_planned - plan->bytes_done : 0;
    moves->bytes_per_s +=
        is_paused || elapsed_ms < 1000 ? 0 : plan->bytes_done / (elapsed_ms / 1000);
}

static enum hearth_code add_moves(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct meta_rebalance_list *plans, struct hearth_err *err)
{
    struct wire_status_moves *part = arena_take(arena, sizeof(*part));
    if (part == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "state of moves");
    }
    *part = (struct wire_status_moves){0};
    enum hearth_code code = meta_rebalance_list(coordinator->store, arena, plans, err);
    for (size_t i = 0; code == HEARTH_OK && i < plans->count; i++) {
        add_plan(part, &plans->plans[i], out->now_unix_ms);
    }
    out->moves = part;
    return code;
}

static enum hearth_code add_audits(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct audit_status status;
    struct wire_status_audits *part = arena_take(arena, sizeof(*part));
    if (part == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "state of audits");
    }
    audit_status_get(coordinator->audit, &status);
    *part = (struct wire_status_audits){.passed = status.outcomes_day[AUDIT_PASS],
        .failed = status.outcomes_day[AUDIT_FAIL],
        .offline = status.outcomes_day[AUDIT_OFFLINE],
        .contained = status.outcomes_day[AUDIT_CONTAINED],
        .unknown = status.outcomes_day[AUDIT_UNKNOWN],
        .never = status.fresh_waiting,
        .overdue = status.fresh_overdue};
    out->audits = part;
    return HEARTH_OK;
}

static enum hearth_code add_sweep(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    out->sweep = sweep_service_describe(coordinator, arena);
    if (out->sweep == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "state of the sweep");
    }
    out->sweep_started_unix_ms = out->sweep->started_unix_ms;
    out->sweep_finished_unix_ms = out->sweep->finished_unix_ms;
    return HEARTH_OK;
}

/* Nodes that have let go what they may in a day: all that is named dead there waits. */
static enum hearth_code add_withheld(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    uint32_t *numbers = arena_take_array(arena, out->nodes_count + 1, sizeof(*numbers));
    struct meta_dead_sum *dead = arena_take_array(arena, out->nodes_count + 1, sizeof(*dead));
    if (numbers == NULL || dead == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu nodes", out->nodes_count);
    }
    for (size_t i = 0; i < out->nodes_count; i++) {
        const struct withheld_node said = withheld_of(coordinator->withheld, out->nodes[i].number);
        if (said.shards > 0) {
            numbers[out->garbage_withholding++] = out->nodes[i].number;
            out->garbage_day += said.day_bytes;
        }
    }
    enum hearth_code code =
        meta_dead_sum(coordinator->store, numbers, out->garbage_withholding, dead, err);
    for (size_t i = 0; code == HEARTH_OK && i < out->garbage_withholding; i++) {
        out->garbage_withheld += dead[i].shards;
        out->garbage_withheld_bytes += dead[i].bytes;
    }
    return code;
}

static enum hearth_code add_nodes(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    enum hearth_code code =
        fleet_service_describe(coordinator, arena, &out->nodes, &out->nodes_count, err);
    for (size_t i = 0; code == HEARTH_OK && i < out->nodes_count; i++) {
        const struct wire_node_info *node = &out->nodes[i];
        if (cluster_expects_node(node)) {
            out->capacity += node->capacity;
            out->used += node->used;
            out->trash += node->trash;
            out->free += node->free;
        }
    }
    out->usable = out->capacity / coordinator->profile->n * coordinator->profile->k;
    return code == HEARTH_OK ? add_withheld(coordinator, arena, out, err) : code;
}

/* ---- all of it ---- */

enum hearth_code status_collect(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct meta_settings settings;
    struct meta_rebalance_list plans;
    *out = (struct wire_status_reply){
        .cluster_id = view_of(coordinator->cluster->id, sizeof(coordinator->cluster->id)),
        .now_unix_ms = meta_now_ms(coordinator->store),
        .colocation_allowed = coordinator->settings->allow_colocation,
    };
    if (meta_settings_get(coordinator->store, &settings, err) != HEARTH_OK ||
        add_counts(coordinator, out, err) != HEARTH_OK ||
        add_sweep(coordinator, arena, out, err) != HEARTH_OK ||
        add_repair(coordinator, arena, out, err) != HEARTH_OK ||
        add_nodes(coordinator, arena, out, err) != HEARTH_OK ||
        add_moves(coordinator, arena, out, &plans, err) != HEARTH_OK ||
        add_audits(coordinator, arena, out, err) != HEARTH_OK) {
        return err->code;
    }
    out->garbage_held = settings.garbage_held;
    return status_needs(coordinator, out, &plans, arena, &out->human, err);
}
