#include "coordinator/estimate/durability_trigger.h"

#include "coordinator/estimate/durability_chain.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A risk is the accepted one up to this factor: what is measured is never the same twice. */
#define SAME_RISK 1.5

/* ---- the risk of a number ---- */

/* When each repair begins at `count`: a segment gets there so many times a year. */
static double repairs_per_year(unsigned count, unsigned n, double hazard)
{
    double years = 0;
    for (unsigned left = count + 1; left <= n; left++) {
        years += 1 / (left * hazard);
    }
    return years > 0 ? 1 / years : 1;
}

static double mean_hazard(const struct durability_holder *holders, unsigned count)
{
    double sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += holders[i].hazard;
    }
    return count > 0 ? sum / count : 0;
}

static double lost_per_year(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count)
{
    double hazard = mean_hazard(holders, count);
    return repairs_per_year(count, goal->n, hazard > 0 ? hazard : DURABILITY_DOMAIN_HAZARD) *
        durability_lost_in(goal->k, holders, count, goal->window_years);
}

static bool is_accepted(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count)
{
    return durability_unreadable(goal->k, holders, count) <= SAME_RISK * goal->unreadable &&
        lost_per_year(goal, holders, count) <= SAME_RISK * goal->lost_per_year;
}

/* ---- the trigger ---- */

/* Those that will be left are the worst: least up first, most hazardous among equals. */
static int by_worth(const void *a, const void *b)
{
    const struct durability_holder *left = a;
    const struct durability_holder *right = b;
    if (left->uptime != right->uptime) {
        return left->uptime < right->uptime ? -1 : 1;
    }
    return left->hazard > right->hazard ? -1 : left->hazard < right->hazard;
}

static void sort(const struct durability_holder *holders, unsigned count,
    struct durability_holder sorted[DURABILITY_SLOTS_MAX])
{
    assert(count <= DURABILITY_SLOTS_MAX);
    memcpy(sorted, holders, count * sizeof(*holders));
    qsort(sorted, count, sizeof(*sorted), by_worth);
}

unsigned durability_trigger(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count)
{
    struct durability_holder sorted[DURABILITY_SLOTS_MAX];
    sort(holders, count, sorted);
    unsigned trigger = goal->least;
    while (trigger < goal->most && trigger < count && !is_accepted(goal, sorted, trigger)) {
        trigger++;
    }
    return trigger < count || is_accepted(goal, sorted, count) ? trigger : goal->most;
}

bool durability_is_due(
    const struct durability_goal *goal, const struct durability_holder *holders, unsigned count)
{
    if (count <= goal->least || count > goal->most) {
        return count <= goal->least;
    }
    struct durability_holder sorted[DURABILITY_SLOTS_MAX];
    sort(holders, count, sorted);
    return !is_accepted(goal, sorted, count - 1);
}

/* ---- the goal ---- */

static void fill_as_designed(
    const struct profile *profile, struct durability_holder holders[DURABILITY_SLOTS_MAX])
{
    for (unsigned i = 0; i < profile->n; i++) {
        holders[i] = (struct durability_holder){
            .uptime = profile->node_uptime, .hazard = profile->node_hazard};
        durability_swing(profile->node_ebb, holders[i].swing);
    }
}

void durability_goal_init(
    struct durability_goal *goal, const struct profile *profile, unsigned nines)
{
    struct durability_holder holders[DURABILITY_SLOTS_MAX];
    const double hours = profile->lost_after_s / 3600.0 + DURABILITY_REPAIR_HOURS;
    fill_as_designed(profile, holders);
    *goal = (struct durability_goal){
        .k = profile->k,
        .n = profile->n,
        .least = profile->r - (profile->r - profile->k) / 4u,
        .most = profile->r + (profile->n - profile->r) / 2u,
        .window_years = hours / DURABILITY_HOURS_PER_YEAR,
    };
    goal->unreadable = durability_unreadable(profile->k, holders, profile->r);
    goal->lost_per_year =
        nines > 0 ? pow(10, -(double)nines) : lost_per_year(goal, holders, profile->r);
}
