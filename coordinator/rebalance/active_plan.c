#include "coordinator/rebalance/active_plan.h"

#include "coordinator/rebalance/rebalance_survey.h"

#include <inttypes.h>
#include <stdlib.h>

static void destroy(struct active_plan *active)
{
    arena_fini(&active->arena);
    free(active);
}

void active_plans_fini(struct active_plans *plans)
{
    while (plans->first != NULL) {
        struct active_plan *active = plans->first;
        plans->first = active->next;
        destroy(active);
    }
}

static struct active_plan **place_of(struct active_plans *plans, uint64_t number)
{
    struct active_plan **at = &plans->first;
    while (*at != NULL && (*at)->row.number != number) {
        at = &(*at)->next;
    }
    return at;
}

void active_plan_forget(struct active_plans *plans, uint64_t number)
{
    struct active_plan **at = place_of(plans, number);
    struct active_plan *active = *at;
    if (active != NULL) {
        *at = active->next;
        destroy(active);
    }
}

static enum hearth_code load(struct coordinator *coordinator, struct active_plan *active,
    const struct fleet_view *view, struct hearth_err *err)
{
    struct meta_rebalance_shares shares;
    active->plan = (struct rebalance_plan){.kind = (enum rebalance_kind)active->row.kind,
        .bytes_max = active->row.bytes_max,
        .bytes_picked = active->row.bytes_done,
        .allow_colocation = coordinator->settings->allow_colocation};
    if (meta_rebalance_shares(
            coordinator->store, active->row.number, &active->arena, &shares, err) != HEARTH_OK) {
        return err->code;
    }
    return rebalance_fleet(view, &shares, &active->arena, &active->plan, err);
}

static enum hearth_code make(struct active_plans *plans, struct coordinator *coordinator,
    const struct meta_rebalance *row, const struct fleet_view *view, struct active_plan **out,
    struct hearth_err *err)
{
    struct active_plan *active = calloc(1, sizeof(*active));
    if (active == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan %" PRIu64, row->number);
    }
    active->row = *row;
    arena_init(&active->arena, 0);
    token_bucket_init(&active->bucket, row->bandwidth, env_now_ns(coordinator->env));
    if (load(coordinator, active, view, err) != HEARTH_OK) {
        destroy(active);
        return err->code;
    }
    active->next = plans->first;
    plans->first = active;
    *out = active;
    return HEARTH_OK;
}

/* Nobody begins to leave while a plan runs, but an admin may let some stay. */
static enum hearth_code refresh_leavers(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    struct arena arena;
    struct meta_rebalance_shares shares;
    if (active->plan.kind != REBALANCE_LEAVING) {
        return HEARTH_OK;
    }
    arena_init(&arena, 0);
    enum hearth_code code =
        meta_rebalance_shares(coordinator->store, active->row.number, &arena, &shares, err);
    for (size_t i = 0; code == HEARTH_OK && i < shares.count; i++) {
        struct rebalance_node *node = rebalance_node_find(&active->plan, shares.shares[i].node);
        if (node != NULL) {
            node->leaves = shares.shares[i].leaves;
        }
    }
    arena_fini(&arena);
    return code;
}

enum hearth_code active_plan_find(struct active_plans *plans, struct coordinator *coordinator,
    const struct meta_rebalance *row, struct active_plan **out, struct hearth_err *err)
{
    const struct fleet_view *view;
    enum hearth_code code = fleet_view_take(coordinator->nodes, &view, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct active_plan *active = *place_of(plans, row->number);
    if (active == NULL) {
        code = make(plans, coordinator, row, view, &active, err);
    }
    if (code == HEARTH_OK) {
        code = refresh_leavers(coordinator, active, err);
    }
    if (code == HEARTH_OK) {
        active->row = *row;
        rebalance_fleet_refresh(&active->plan, view);
        *out = active;
    }
    fleet_view_release(view);
    return code;
}
