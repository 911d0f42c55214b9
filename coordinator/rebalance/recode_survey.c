#include "coordinator/rebalance/recode_survey.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/rebalance/recode_set.h"

#include <inttypes.h>
#include <stdlib.h>

struct survey {
    struct coordinator *coordinator;
    struct duty *duty;
    struct meta_rebalance row;
    struct recode_set set;
    struct arena arena;
    uint64_t largest_shard;
    uint64_t slowest_bits; /* the thinnest uplink of those that take shards */
    struct recode_page page;
};

/* ---- what is to be done ---- */

static bool is_too_much(const struct meta_rebalance *row, uint64_t bytes)
{
    return row->bytes_max > 0 && row->bytes_planned + bytes > row->bytes_max;
}

static enum hearth_code look_at(struct survey *survey, size_t index, struct hearth_err *err)
{
    const struct meta_segment *segment = &survey->page.segments[index];
    struct meta_rebalance *row = &survey->row;
    struct recode_cost cost;
    const enum recode_verdict verdict = recode_judge(&survey->set, &survey->page, index);
    row->stuck_planned += verdict == RECODE_SHARED;
    if (verdict != RECODE_WANTED) {
        return HEARTH_OK;
    }
    if (recode_cost_of(survey->set.profile, segment, &cost, err) != HEARTH_OK) {
        return err->code;
    }
    if (!is_too_much(row, cost.moved)) {
        row->moves_planned++;
        row->bytes_planned += cost.moved;
        row->disk_before += cost.disk_before;
        row->disk_after += cost.disk_after;
        survey->largest_shard =
            cost.shard_after > survey->largest_shard ? cost.shard_after : survey->largest_shard;
    }
    return HEARTH_OK;
}

static enum hearth_code look_at_all(struct survey *survey, struct hearth_err *err)
{
    struct meta_id after = {{0}};
    enum hearth_code code = HEARTH_OK;
    survey->page.count = META_SWEEP_MAX;
    while (code == HEARTH_OK && survey->page.count == META_SWEEP_MAX) {
        code = rebalance_check_wanted(survey->coordinator, survey->row.number, survey->duty, err);
        if (code == HEARTH_OK) {
            code = recode_page_read(survey->coordinator->store, after, &survey->page, err);
        }
        for (size_t i = 0; code == HEARTH_OK && i < survey->page.count; i++) {
            code = look_at(survey, i, err);
            after = survey->page.segments[i].id;
        }
    }
    return code;
}

/* ---- whether it can be done ---- */

static uint64_t slowest_of(const struct fleet_view *view)
{
    uint64_t slowest = UINT64_MAX;
    for (size_t i = 0; i < view->count; i++) {
        const struct fleet_node *node = &view->nodes[i];
        const uint64_t bits = node->uplink_bits > 0 ? node->uplink_bits : REBALANCE_UPLINK_BITS;
        slowest = node->takes_shards && bits < slowest ? bits : slowest;
    }
    return slowest;
}

static enum hearth_code read_fleet(struct survey *survey, struct hearth_err *err)
{
    const struct fleet_view *view;
    enum hearth_code code = fleet_view_take(survey->coordinator->nodes, &view, err);
    if (code == HEARTH_OK) {
        survey->row.fleet = rebalance_fleet_digest(view);
        survey->slowest_bits = slowest_of(view);
        fleet_view_release(view);
    }
    return code;
}

/* HEARTH_FLEET_TOO_SMALL: the profile has no room here. Else who may get shards is counted. */
static enum hearth_code check_room(struct survey *survey, struct hearth_err *err)
{
    struct coordinator *coordinator = survey->coordinator;
    struct place_fleet fleet;
    struct place_choice choice;
    const struct place_query query = {.want = survey->set.profile->n,
        .least = survey->set.profile->w,
        .free_bytes_min = survey->largest_shard,
        .allow_colocation = coordinator->settings->allow_colocation};
    uint64_t takers = 0;
    if (node_table_fleet(coordinator->nodes, &survey->arena, &fleet, err) != HEARTH_OK ||
        place_choose(&fleet, &query, coordinator->env, &choice, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < fleet.count; i++) {
        takers += fleet.nodes[i].takes_shards;
    }
    survey->row.line_ms =
        rebalance_line_ms(survey->slowest_bits, survey->row.bytes_planned / takers);
    return HEARTH_OK;
}

static enum hearth_code end(struct survey *survey, struct hearth_err *why, struct hearth_err *err)
{
    return meta_rebalance_end(
        survey->coordinator->store, survey->row.number, META_REBALANCE_FAILED, why->message, err);
}

static enum hearth_code work_out(struct survey *survey, struct hearth_err *err)
{
    struct hearth_err why;
    struct meta_store *store = survey->coordinator->store;
    enum hearth_code code = recode_set_open(
        store, view_text(survey->row.subject), (uint32_t)survey->row.profile, &survey->set, &why);
    if (code != HEARTH_OK) {
        return end(survey, &why, err);
    }
    if (read_fleet(survey, err) != HEARTH_OK || look_at_all(survey, err) != HEARTH_OK) {
        return err->code;
    }
    if (check_room(survey, &why) != HEARTH_OK) {
        return end(survey, &why, err);
    }
    return FAILPOINT(COORDINATOR_REBALANCE_PLANNED)
        ? hearth_fail(err, HEARTH_IO, "failpoint")
        : meta_rebalance_planned(store, &survey->row, NULL, 0, err);
}

enum hearth_code recode_survey(struct coordinator *coordinator, const struct meta_rebalance *plan,
    struct duty *duty, struct hearth_err *err)
{
    struct survey *survey = calloc(1, sizeof(*survey));
    if (survey == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "survey of a plan");
    }
    survey->coordinator = coordinator;
    survey->duty = duty;
    survey->row = *plan;
    arena_init(&survey->arena, 0);
    enum hearth_code code = work_out(survey, err);
    if (code == HEARTH_OK) {
        log_write(LOG_REBALANCE_PLANNED,
            "plan=%" PRIu64 " segments=%" PRIu64 " bytes=%" PRIu64 " shared=%" PRIu64, plan->number,
            survey->row.moves_planned, survey->row.bytes_planned, survey->row.stuck_planned);
    }
    arena_fini(&survey->arena);
    free(survey);
    return code;
}
