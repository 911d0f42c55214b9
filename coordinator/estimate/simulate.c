#include "coordinator/estimate/simulate.h"

#include "coordinator/estimate/durability_chain.h"

#include <math.h>

enum { NODES_MAX = 1000 * 1000, DAYS_MAX = 90 };
enum { DAYS_PER_YEAR = 365, HOURS_PER_DAY = 24, MONTHS = 12 };

void simulate_fleet_of(const struct profile *profile, struct simulate_fleet *out)
{
    *out = (struct simulate_fleet){
        .k = profile->k,
        .n = profile->n,
        .r = profile->r,
        .lost_after_hours = profile->lost_after_s / 3600.0,
        .repair_hours = DURABILITY_REPAIR_HOURS,
        .nodes = profile->nodes_min,
        .uptime = profile->node_uptime,
        .ebb = profile->node_ebb,
        .hazard = profile->node_hazard,
        .replace_days = 30,
    };
}

/* ---- what can be asked about ---- */

static enum hearth_code check_code(const struct simulate_fleet *fleet, struct hearth_err *err)
{
    return fleet->k >= 1 && fleet->k <= fleet->r && fleet->r < fleet->n &&
            fleet->n <= DURABILITY_SLOTS_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "k %u, r %u, n %u: a code has 1 <= k <= r < n <= %d",
              fleet->k, fleet->r, fleet->n, DURABILITY_SLOTS_MAX);
}

/* Written so that what is no number fails, too. */
static enum hearth_code check_nodes(const struct simulate_fleet *fleet, struct hearth_err *err)
{
    if (fleet->nodes < 1 || fleet->nodes > NODES_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%u nodes: a fleet has 1 to %d", fleet->nodes, NODES_MAX);
    }
    if (!(fleet->uptime > 0 && fleet->uptime <= 1)) {
        return hearth_fail(err, HEARTH_INVALID, "up %.4g %% of the time: more than 0, at most 100",
            100 * fleet->uptime);
    }
    if (!(fleet->ebb >= 0 && fleet->ebb < fleet->uptime)) {
        return hearth_fail(err, HEARTH_INVALID,
            "%.4g %% fewer in the emptiest hours: of nodes that are up %.4g %% of the time some"
            " are up then",
            100 * fleet->ebb, 100 * fleet->uptime);
    }
    return fleet->hazard > 0 && fleet->hazard <= 366
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "a life of %.4g days: a node lives a day or longer",
              DAYS_PER_YEAR / fleet->hazard);
}

static enum hearth_code check_times(const struct simulate_fleet *fleet, struct hearth_err *err)
{
    const double most_hours = DAYS_MAX * HOURS_PER_DAY;
    if (!(fleet->lost_after_hours >= 0 && fleet->lost_after_hours <= most_hours)) {
        return hearth_fail(err, HEARTH_INVALID, "lost after %.4g h: at most %d days",
            fleet->lost_after_hours, DAYS_MAX);
    }
    if (!(fleet->repair_hours >= 1 && fleet->repair_hours <= most_hours)) {
        return hearth_fail(err, HEARTH_INVALID, "a repair of %.4g h: an hour to %d days",
            fleet->repair_hours, DAYS_MAX);
    }
    return fleet->replace_days >= 0 && fleet->replace_days <= 10 * DAYS_PER_YEAR
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "replaced after %.4g days: at most ten years",
              fleet->replace_days);
}

enum hearth_code simulate_check(const struct simulate_fleet *fleet, struct hearth_err *err)
{
    if (check_code(fleet, err) != HEARTH_OK || check_nodes(fleet, err) != HEARTH_OK ||
        check_times(fleet, err) != HEARTH_OK) {
        return err->code;
    }
    return HEARTH_OK;
}

/* ---- places to repair to ---- */

/* Nodes fail and are replaced independently: so many are there on average, give or take. */
static double mean_there(const struct simulate_fleet *fleet)
{
    return fleet->nodes / (1 + fleet->hazard * fleet->replace_days / DAYS_PER_YEAR);
}

/* With fewer than these about one time in forty. */
static unsigned surely_there(const struct simulate_fleet *fleet)
{
    double mean = mean_there(fleet);
    double spread = sqrt(mean * (1 - mean / fleet->nodes));
    double least = floor(mean - 2 * spread);
    return least > 0 ? (unsigned)least : 0;
}

static enum simulate_verdict judge(const struct simulate_fleet *fleet, unsigned goal)
{
    if (fleet->nodes < fleet->n || goal <= fleet->r) {
        return SIMULATE_TOO_SMALL;
    }
    if (mean_there(fleet) < fleet->n) {
        return SIMULATE_NEVER_WHOLE;
    }
    return goal < fleet->n ? SIMULATE_NO_SPARE : SIMULATE_WELL;
}

/*
 * Where repair always finds a place the window is `lost after` and the repair.  Where it does not,
 * each shard waits for a new node: every loss is "below the trigger", and its window the time until
 * somebody lends a disk.
 */
static void describe(
    const struct simulate_fleet *fleet, unsigned goal, struct durability_chain *out)
{
    double hours = fleet->lost_after_hours + fleet->repair_hours;
    *out = (struct durability_chain){
        .k = fleet->k, .n = goal, .trigger = fleet->r, .hazard = fleet->hazard};
    if (goal <= fleet->r) {
        out->n = fleet->nodes < fleet->n ? fleet->nodes : fleet->n;
        out->trigger = out->n - 1;
        hours += fleet->replace_days * HOURS_PER_DAY;
    }
    hours = hours > 4 ? hours : 4; /* the chain's shortest */
    out->window_years = hours / DURABILITY_HOURS_PER_YEAR;
}

/* Not even k nodes and one more: nothing is ever stored well. */
static void give_up(const struct simulate_fleet *fleet, struct simulate_result *out)
{
    out->lost = 1;
    out->unreadable = 1;
    out->disk = out->disk_full = (double)fleet->n / fleet->k;
}

void simulate_run(const struct simulate_fleet *fleet, struct simulate_result *out)
{
    struct durability_chain chain;
    struct durability_steady steady;
    unsigned there = surely_there(fleet);
    unsigned goal = there < fleet->n ? there : fleet->n;
    *out = (struct simulate_result){
        .verdict = judge(fleet, goal), .nodes_there = (unsigned)mean_there(fleet), .goal = goal};
    describe(fleet, goal, &chain);
    if (chain.trigger < chain.k) {
        give_up(fleet, out);
        return;
    }
    struct durability_holder typical = {.uptime = fleet->uptime};
    durability_swing(fleet->ebb, typical.swing);
    durability_chain_steady(&chain, &typical, &steady);
    out->lost = -expm1(-steady.loss_per_year);
    out->unreadable = steady.unreadable;
    out->disk = steady.held / fleet->k;
    out->disk_full = (double)fleet->n / fleet->k;
    out->moved = (steady.repairs_per_year + steady.shards_made / fleet->k) / MONTHS;
    out->repairs = steady.repairs_per_year;
}
