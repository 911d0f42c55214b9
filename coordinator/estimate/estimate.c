#include "coordinator/estimate/estimate.h"

#include "common/cleanup.h"
#include "coordinator/estimate/durability_chain.h"

#include <math.h>
#include <stdlib.h>

/* Hazards for which a year is worked out: 1/16, 1/8 ... 32 losses a year. */
enum { STEPS = 10 };
#define LEAST_HAZARD 0.0625

struct year {
    bool is_there;
    double lost[DURABILITY_SLOTS_MAX + 1];
};

struct estimate {
    struct repair_rules rules; /* set once */

    struct {
        pthread_mutex_t mutex;
        struct year years[REPAIR_PROFILES_MAX][STEPS];
    } shared;
};

struct estimate *estimate_create(unsigned nines)
{
    struct estimate *estimate = calloc(1, sizeof(*estimate));
    if (estimate != NULL) {
        repair_rules_init(&estimate->rules, nines);
        pthread_mutex_init(&estimate->shared.mutex, NULL);
    }
    return estimate;
}

void estimate_destroy(struct estimate *estimate)
{
    if (estimate != NULL) {
        pthread_mutex_destroy(&estimate->shared.mutex);
        free(estimate);
    }
}

/* ---- a year ---- */

static void work_out(const struct profile *profile, unsigned step, struct year *year)
{
    const double hours = profile->lost_after_s / 3600.0 + DURABILITY_REPAIR_HOURS;
    const double hazard = LEAST_HAZARD * (1u << step);
    const struct durability_chain chain = {.k = profile->k,
        .n = profile->n,
        .trigger = profile->r,
        .window_years = hours / DURABILITY_HOURS_PER_YEAR,
        .hazard = hazard};
    durability_chain_year(&chain, hazard, year->lost);
    year->is_there = true;
}

static double lost_at(
    struct estimate *estimate, const struct profile *profile, unsigned held, unsigned step)
{
    UNLOCKS pthread_mutex_t *locked = lock(&estimate->shared.mutex);
    struct year *year = &estimate->shared.years[profile - profile_table][step];
    if (!year->is_there) {
        work_out(profile, step, year);
    }
    return year->lost[held];
}

double estimate_lost(
    struct estimate *estimate, const struct profile *profile, unsigned held, double hazard)
{
    if (held < profile->k) {
        return 1;
    }
    double place = hazard > LEAST_HAZARD ? log2(hazard / LEAST_HAZARD) : 0;
    place = place < STEPS - 1 ? place : STEPS - 1;
    const unsigned step = place < STEPS - 2 ? (unsigned)place : STEPS - 2;
    const double low = lost_at(estimate, profile, held, step);
    const double high = lost_at(estimate, profile, held, step + 1);
    return low > 0 ? low * pow(high / low, place - step) : high;
}

/* ---- a segment ---- */

static double mean_hazard(
    const struct durability_holder *holders, unsigned count, const struct profile *profile)
{
    double sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += holders[i].hazard;
    }
    return count > 0 ? sum / count : profile->node_hazard;
}

void estimate_chances(struct estimate *estimate, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms, struct estimate_chances *out)
{
    struct durability_holder holders[META_SLOTS_MAX];
    struct repair_judgement judgement;
    const struct profile *profile = profile_by_number(segment->profile);
    repair_judge(&estimate->rules, segment, fleet, now_ms, &judgement);
    const unsigned held = repair_holders(segment, fleet, judgement.held, holders);
    *out = (struct estimate_chances){
        .held = judgement.held,
        .reachable = judgement.reachable,
        .lost = estimate_lost(estimate, profile, held, mean_hazard(holders, held, profile)),
        .reason = judgement.reason,
    };
    const unsigned reachable = repair_holders(segment, fleet, judgement.reachable, holders);
    out->unreadable = durability_unreadable(segment->k, holders, reachable);
}

unsigned estimate_trigger(struct estimate *estimate, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms)
{
    struct durability_holder holders[META_SLOTS_MAX];
    struct repair_judgement judgement;
    const struct profile *profile = profile_by_number(segment->profile);
    repair_judge(&estimate->rules, segment, fleet, now_ms, &judgement);
    const unsigned held = repair_holders(segment, fleet, judgement.held, holders);
    return durability_trigger(repair_rules_goal(&estimate->rules, profile), holders, held);
}
