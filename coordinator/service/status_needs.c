#include "coordinator/service/status_needs.h"

#include "coordinator/fleet/node_table.h"
#include "coordinator/rescue/shipping.h"
#include "proto/cluster_health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    NEARLY_FULL_PERCENT = 10, /* free: from here on new nodes take longer than what is left */
    SWEEP_LATE_MS = 60 * 60 * 1000,
    SHIPPING_LATE_MS = 10 * 60 * 1000,
};

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
        say(list,
            "%" PRIu64 " segments cannot be read now: bring nodes back (hearth-admin node list); "
            "what is hit: hearth-admin repair status --lost",
            status->segments_unreadable);
    }
    if (status->repair_without_place > 0) {
        say(list,
            "%" PRIu64 " segments wait for repair and no node may take their shards: add nodes "
            "(hearth-admin node invite)",
            status->repair_without_place);
    }
    if (status->audits->overdue > 0) {
        say(list,
            "%" PRIu64 " shards were never audited, though they are three days old: "
            "hearth-admin audit status",
            status->audits->overdue);
    }
}

static void say_of_garbage(const struct wire_status_reply *status, struct list *list)
{
    if (status->garbage_held) {
        say(list,
            "restored from a backup: nothing is trashed until every node is reconciled "
            "(hearth-admin gc status), or what came after the backup is given up "
            "(hearth-admin gc release)");
    }
    if (status->garbage_withheld > 0) {
        say(list,
            "%" PRIu64 " nodes withhold %" PRIu64 " shards, %" PRIu64
            " MiB, more than their %" PRIu64 " MiB a day: hearth-admin gc status",
            status->garbage_withholding, status->garbage_withheld,
            status->garbage_withheld_bytes >> 20, status->garbage_day >> 20);
    }
}

/* New buckets get it, or segments have it. */
static bool is_in_use(const struct coordinator *coordinator, const struct profile *profile,
    const struct wire_status_reply *status)
{
    bool is_in_use = profile == coordinator->profile;
    for (size_t i = 0; i < status->profiles_count; i++) {
        is_in_use = is_in_use || view_equal(status->profiles[i].profile, view_text(profile->name));
    }
    return is_in_use;
}

/* A profile that asks for nodes to spare, beyond those of one segment, was worked out for them.
 * Writes go on as long as they find w nodes: fewer nodes than were hoped for is no outage. */
static void say_of_profiles(const struct coordinator *coordinator,
    const struct wire_status_reply *status, struct list *list)
{
    unsigned nodes = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        nodes += cluster_expects_node(&status->nodes[i]);
    }
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        if (profile->nodes_min > profile->n && nodes < profile->nodes_min &&
            is_in_use(coordinator, profile, status)) {
            say(list,
                "profile %s is for %u nodes and more, there are %u, and what it promises is not "
                "kept: add nodes (hearth-admin node invite)",
                profile->name, profile->nodes_min, nodes);
        }
    }
}

static void say_of_fleet(const struct wire_status_reply *status, struct list *list)
{
    uint64_t late_ms = status->now_unix_ms - status->sweep_finished_unix_ms;
    if (status->free < status->capacity / 100 * NEARLY_FULL_PERCENT) {
        say(list,
            "less than %d %% of the nodes' room is free: add nodes (hearth-admin node invite)",
            NEARLY_FULL_PERCENT);
    }
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_node_info *node = &status->nodes[i];
        if (node->attention.size > 0) {
            say(list, "node %u: %.*s", node->number, VIEW_ARGS(node->attention));
        }
    }
    if (status->sweep_finished_unix_ms > 0 && late_ms > SWEEP_LATE_MS &&
        status->now_unix_ms > status->sweep_finished_unix_ms) {
        say(list,
            "no pass over all segments has ended for %" PRIu64
            " min: look at the coordinator's log, then hearth-admin sweep run --wait",
            late_ms / (60 * 1000));
    }
    if (status->colocation_allowed) {
        say(list,
            "COLOCATION IS ALLOWED: shards may share an owner or a network; not for real data");
    }
}

/* What stands still until somebody says how it goes on. */
static void say_of_moves(const struct meta_rebalance_list *plans, struct list *list)
{
    for (size_t i = 0; i < plans->count; i++) {
        const struct meta_rebalance *plan = &plans->plans[i];
        if (plan->state == META_REBALANCE_PAUSED) {
            say(list,
                "plan %" PRIu64 " is paused: hearth-admin rebalance resume %" PRIu64 ", or cancel",
                plan->number, plan->number);
        }
    }
}

static enum hearth_code say_of_drained(struct coordinator *coordinator,
    const struct wire_status_reply *status, struct list *list, struct hearth_err *err)
{
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_node_info *node = &status->nodes[i];
        bool is_drained = false;
        if (view_equal(node->state, view_text(node_health_text(NODE_DRAINING))) &&
            meta_node_is_drained(coordinator->store, node->number, &is_drained, err) != HEARTH_OK) {
            return err->code;
        }
        if (is_drained) {
            say(list, "node %u is empty: hearth-admin node remove %u, or undrain", node->number,
                node->number);
        }
    }
    return HEARTH_OK;
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

enum hearth_code status_needs(struct coordinator *coordinator,
    const struct wire_status_reply *status, const struct meta_rebalance_list *plans,
    struct arena *arena, struct view *out, struct hearth_err *err)
{
    struct list list = {0};
    say_of_data(status, &list);
    say_of_garbage(status, &list);
    say_of_fleet(status, &list);
    say_of_profiles(coordinator, status, &list);
    say_of_shipping(coordinator, status, &list);
    say_of_moves(plans, &list);
    if (say_of_drained(coordinator, status, &list, err) != HEARTH_OK) {
        return err->code;
    }
    *out = arena_copy(arena, view_text(list.text));
    return HEARTH_OK;
}
