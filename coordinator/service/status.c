#include "coordinator/service/status.h"

#include "coordinator/audit/audit.h"
#include "coordinator/garbage/withheld.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/repair/repair.h"
#include "coordinator/rescue/shipping.h"
#include "coordinator/service/estimate_service.h"
#include "coordinator/service/fleet_service.h"
#include "coordinator/service/repair_service.h"
#include "coordinator/service/sweep_service.h"
#include "proto/cluster_health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    NEARLY_FULL_PERCENT = 10, /* free: from here on new nodes take longer than what is left */
    SWEEP_LATE_MS = 60 * 60 * 1000,
    SHIPPING_LATE_MS = 10 * 60 * 1000,
};

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
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct meta_rebalance_list list;
    struct wire_status_moves *part = arena_take(arena, sizeof(*part));
    if (part == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "state of moves");
    }
    *part = (struct wire_status_moves){0};
    enum hearth_code code = meta_rebalance_list(coordinator->store, arena, &list, err);
    for (size_t i = 0; code == HEARTH_OK && i < list.count; i++) {
        add_plan(part, &list.plans[i], out->now_unix_ms);
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
        const uint64_t withheld = withheld_of(coordinator->withheld, node->number);
        out->garbage_withheld += withheld;
        out->garbage_withholding += withheld > 0;
    }
    out->usable = out->capacity / coordinator->profile->n * coordinator->profile->k;
    return code;
}

/* ---- what needs a person ---- */

struct list {
    size_t length;
    char text[WIRE_HUMAN_MAX + 1];
};

/* One line more; what does not fit is left out: the most urgent come first. */
__attribute__((format(printf, 2, 3))) static void say(struct list *list, const char *fmt, ...)
{
    size_t room = sizeof(list->text) - list->length;
    const char *separator = list->length == 0 ? "" : "\n";
    char line[WIRE_TEXT_MAX + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (strlen(separator) + strlen(line) < room) {
        list->length += (size_t)snprintf(list->text + list->length, room, "%s%s", separator, line);
    }
}

static void say_of_data(const struct wire_status_reply *status, struct list *list)
{
    if (status->segments_unreadable > 0) {
        say(list, "%" PRIu64 " segments cannot be read now: bring nodes back",
            status->segments_unreadable);
    }
    if (status->repair_without_place > 0) {
        say(list,
            "%" PRIu64 " segments wait for repair and no node may take their shards: add nodes",
            status->repair_without_place);
    }
    if (status->audits->overdue > 0) {
        say(list, "%" PRIu64 " shards were never audited, though they are three days old",
            status->audits->overdue);
    }
    if (status->garbage_held) {
        say(list, "restored from a backup: nothing is trashed until hearth-admin gc release");
    }
    if (status->garbage_withheld > 0) {
        say(list,
            "%" PRIu64 " nodes withhold %" PRIu64
            " shards, more than a day may trash: look at hearth-admin gc status",
            status->garbage_withholding, status->garbage_withheld);
    }
}

/* A profile that asks for nodes to spare, beyond those of one segment, was worked out for them. */
static void say_of_profile(
    const struct profile *profile, const struct wire_status_reply *status, struct list *list)
{
    unsigned nodes = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        nodes += cluster_expects_node(&status->nodes[i]);
    }
    if (profile->nodes_min > profile->n && nodes < profile->nodes_min) {
        say(list, "profile %s is for %u nodes and more, there are %u: what it promises is not kept",
            profile->name, profile->nodes_min, nodes);
    }
}

static void say_of_fleet(const struct wire_status_reply *status, struct list *list)
{
    uint64_t late_ms = status->now_unix_ms - status->sweep_finished_unix_ms;
    if (status->free < status->capacity / 100 * NEARLY_FULL_PERCENT) {
        say(list, "less than %d %% of the nodes' room is free: add nodes", NEARLY_FULL_PERCENT);
    }
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_node_info *node = &status->nodes[i];
        if (node->attention.size > 0) {
            say(list, "node %u: %.*s", node->number, VIEW_ARGS(node->attention));
        }
    }
    if (status->sweep_finished_unix_ms > 0 && late_ms > SWEEP_LATE_MS &&
        status->now_unix_ms > status->sweep_finished_unix_ms) {
        say(list, "no pass over all segments has ended for %" PRIu64 " min", late_ms / (60 * 1000));
    }
    if (status->colocation_allowed) {
        say(list,
            "COLOCATION IS ALLOWED: shards may share an owner or a network; not for real data");
    }
}

/* A while after the start, or after the last that worked. */
static void say_of_shipping(
    struct coordinator *coordinator, const struct wire_status_reply *status, struct list *list)
{
    if (coordinator->shipping == NULL) {
        return;
    }
    struct shipping_state state;
    shipping_state(coordinator->shipping, &state);
    uint64_t since_ms = state.newest_at_ms != 0 ? state.newest_at_ms : state.started_ms;
    uint64_t late_ms = SHIPPING_LATE_MS + 5 * coordinator->settings->ship_interval_ms;
    if (state.failed > 0 && status->now_unix_ms > since_ms + late_ms) {
        say(list, "the nodes have no copy of the metadata of the last %" PRIu64 " min: see the log",
            (status->now_unix_ms - since_ms) / (60 * 1000));
    }
}

/* ---- all of it ---- */

enum hearth_code status_collect(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct meta_settings settings;
    struct list list = {0};
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
        add_moves(coordinator, arena, out, err) != HEARTH_OK ||
        add_audits(coordinator, arena, out, err) != HEARTH_OK) {
        return err->code;
    }
    out->garbage_held = settings.garbage_held;
    say_of_data(out, &list);
    say_of_fleet(out, &list);
    say_of_profile(coordinator->profile, out, &list);
    say_of_shipping(coordinator, out, &list);
    out->human = arena_copy(arena, view_text(list.text));
    return HEARTH_OK;
}
