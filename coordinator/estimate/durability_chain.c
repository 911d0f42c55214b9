#include "coordinator/estimate/durability_chain.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    STAGES = 5,
    STEPS_PER_STAGE = 4,
    COUNTS = DURABILITY_SLOTS_MAX + 1,
    LOSSES_MAX = 32,  /* in one step; what is beyond counts as this many */
    STEADY_YEARS = 3, /* the first is not counted: it begins whole */
};

/* Less likely in one step is never: some 2,000 steps a year, and nobody asks about 1e-16. */
#define NEVER 1e-20

/* P(this many of `from` are lost in one step). */
struct losses {
    double of[COUNTS][LOSSES_MAX + 1];
    unsigned most[COUNTS]; /* more are never */
};

/* One probability for each count left and stage; stage 0 waits for the trigger. */
struct states {
    double at[COUNTS][STAGES + 1];
};

static double step_years(const struct durability_chain *chain)
{
    return chain->window_years / (STAGES * STEPS_PER_STAGE);
}

static unsigned steps_in(const struct durability_chain *chain, double years)
{
    double steps = ceil(years / step_years(chain));
    return steps < DURABILITY_CHAIN_STEPS_MAX ? (unsigned)steps : DURABILITY_CHAIN_STEPS_MAX;
}

static void check(const struct durability_chain *chain)
{
    assert(chain->k > 0 && chain->k <= chain->trigger);
    assert(chain->trigger < chain->n && chain->n <= DURABILITY_SLOTS_MAX);
    assert(chain->window_years > 0);
}

static unsigned at_most(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Shards one by one, then perhaps a domain; two domains in one step are two steps. */
static void fill_losses_from(struct losses *losses, unsigned from, double shard, double domain)
{
    for (unsigned gone = 0; gone <= from; gone++) {
        double p = durability_binomial(from, gone, shard);
        unsigned both = at_most(gone + durability_domain_share(from), from);
        losses->of[from][at_most(gone, LOSSES_MAX)] += p * (1 - domain);
        losses->of[from][at_most(both, LOSSES_MAX)] += p * domain;
    }
    for (unsigned gone = 0; gone <= at_most(from, LOSSES_MAX); gone++) {
        if (losses->of[from][gone] > NEVER) {
            losses->most[from] = gone;
        }
    }
}

static void fill_losses(const struct durability_chain *chain, double hazard, struct losses *losses)
{
    double years = step_years(chain);
    memset(losses, 0, sizeof(*losses));
    for (unsigned from = chain->k; from <= chain->n; from++) {
        fill_losses_from(losses, from, -expm1(-hazard * years),
            -expm1(-DURABILITY_DOMAINS * DURABILITY_DOMAIN_HAZARD * years));
    }
}

/* What a repair leaves: the missing ones that were known when it began are there again. */
static unsigned after_repair(const struct durability_chain *chain, unsigned left)
{
    return at_most(left + chain->n - chain->trigger, chain->n);
}

static unsigned entry_stage(const struct durability_chain *chain, unsigned left)
{
    return left <= chain->trigger ? 1 : 0;
}

/* ---- looking ahead: P(lost) from each state, one step more each time ---- */

/* From (left, stage) once the losses of the step have happened. */
static double look_ahead(const struct durability_chain *chain, const struct states *own,
    const struct states *later, unsigned left, unsigned stage)
{
    const double advance = 1.0 / STEPS_PER_STAGE;
    if (left < chain->k) {
        return 1;
    }
    if (stage == 0) {
        return own->at[left][entry_stage(chain, left)];
    }
    unsigned repaired = after_repair(chain, left);
    double next = stage < STAGES ? own->at[left][stage + 1]
                                 : later->at[repaired][entry_stage(chain, repaired)];
    return own->at[left][stage] * (1 - advance) + next * advance;
}

static double look_from(const struct durability_chain *chain, const struct losses *losses,
    const struct states *own, const struct states *later, unsigned from, unsigned stage)
{
    double lost = 0;
    for (unsigned gone = 0; gone <= losses->most[from]; gone++) {
        lost += losses->of[from][gone] * look_ahead(chain, own, later, from - gone, stage);
    }
    return lost;
}

static void step_back(const struct durability_chain *chain, const struct losses *losses,
    struct states *own, const struct states *later)
{
    struct states before = {{{0}}};
    for (unsigned from = chain->k; from <= chain->n; from++) {
        for (unsigned stage = 0; stage <= STAGES; stage++) {
            before.at[from][stage] = look_from(chain, losses, own, later, from, stage);
        }
    }
    *own = before;
}

void durability_chain_year(
    const struct durability_chain *chain, double own_hazard, double lost[DURABILITY_SLOTS_MAX + 1])
{
    struct losses own_losses;
    struct losses later_losses;
    struct states own = {{{0}}};
    struct states later = {{{0}}};
    check(chain);
    fill_losses(chain, own_hazard, &own_losses);
    fill_losses(chain, chain->hazard, &later_losses);
    for (unsigned step = steps_in(chain, 1); step > 0; step--) {
        step_back(chain, &own_losses, &own, &later);
        step_back(chain, &later_losses, &later, &later);
    }
    for (unsigned left = 0; left <= chain->n; left++) {
        lost[left] = left < chain->k ? 1 : own.at[left][entry_stage(chain, left)];
    }
}

/* ---- going on: where a segment is, after each step ---- */

struct walk {
    const struct durability_chain *chain;
    struct states now;
    struct states next;
    struct durability_steady sum; /* of one step */
    double there;                 /* P(not lost before it) */
};

static void arrive(struct walk *walk, unsigned left, unsigned stage, double p)
{
    const struct durability_chain *chain = walk->chain;
    const double advance = 1.0 / STEPS_PER_STAGE;
    if (left < chain->k) {
        walk->sum.loss_per_year += p;
    } else if (stage == 0) {
        walk->next.at[left][entry_stage(chain, left)] += p;
    } else if (stage < STAGES) {
        walk->next.at[left][stage] += p * (1 - advance);
        walk->next.at[left][stage + 1] += p * advance;
    } else {
        unsigned repaired = after_repair(chain, left);
        walk->next.at[left][stage] += p * (1 - advance);
        walk->next.at[repaired][entry_stage(chain, repaired)] += p * advance;
        walk->sum.repairs_per_year += p * advance;
        walk->sum.shards_made += p * advance * (repaired - left);
    }
}

static void step_on(struct walk *walk, const struct losses *losses)
{
    memset(&walk->next, 0, sizeof(walk->next));
    memset(&walk->sum, 0, sizeof(walk->sum));
    walk->there = 0;
    for (unsigned from = walk->chain->k; from <= walk->chain->n; from++) {
        for (unsigned stage = 0; stage <= STAGES; stage++) {
            double p = walk->now.at[from][stage];
            for (unsigned gone = 0; p > 0 && gone <= losses->most[from]; gone++) {
                arrive(walk, from - gone, stage, p * losses->of[from][gone]);
            }
            walk->sum.held += p * from;
            walk->there += p;
        }
    }
    walk->now = walk->next;
}

/* The mean of what each count left stands for. */
static double weigh(const struct walk *walk, const double of[DURABILITY_SLOTS_MAX + 1])
{
    double sum = 0;
    for (unsigned left = walk->chain->k; left <= walk->chain->n; left++) {
        for (unsigned stage = 0; stage <= STAGES; stage++) {
            sum += walk->now.at[left][stage] * of[left];
        }
    }
    return sum;
}

static void fill_unreadable(const struct durability_chain *chain,
    const struct durability_holder *typical, double of[DURABILITY_SLOTS_MAX + 1])
{
    struct durability_holder holders[DURABILITY_SLOTS_MAX];
    for (unsigned i = 0; i < chain->n; i++) {
        holders[i] = *typical;
    }
    for (unsigned left = 0; left <= chain->n; left++) {
        of[left] = durability_unreadable(chain->k, holders, left);
    }
}

/* Shares of those that are left: a segment that is lost is not counted on. */
static void add_step(struct durability_steady *total, const struct walk *walk,
    const double unreadable[DURABILITY_SLOTS_MAX + 1])
{
    const double there = walk->there;
    total->loss_per_year += walk->sum.loss_per_year / there;
    total->repairs_per_year += walk->sum.repairs_per_year / there;
    total->shards_made += walk->sum.shards_made / there;
    total->held += walk->sum.held / there;
    total->unreadable += weigh(walk, unreadable) / there;
}

static void divide(struct durability_steady *total, unsigned steps, double years)
{
    total->loss_per_year /= years;
    total->repairs_per_year /= years;
    total->shards_made /= years;
    total->held /= steps;
    total->unreadable /= steps;
}

void durability_chain_steady(const struct durability_chain *chain,
    const struct durability_holder *typical, struct durability_steady *out)
{
    struct losses losses;
    struct walk walk = {.chain = chain};
    double of[DURABILITY_SLOTS_MAX + 1];
    check(chain);
    fill_losses(chain, chain->hazard, &losses);
    fill_unreadable(chain, typical, of);
    walk.now.at[chain->n][0] = 1;
    *out = (struct durability_steady){0};
    for (unsigned step = steps_in(chain, 1); step > 0; step--) {
        step_on(&walk, &losses);
    }
    const unsigned counted = steps_in(chain, STEADY_YEARS - 1);
    for (unsigned step = 0; step < counted; step++) {
        step_on(&walk, &losses);
        add_step(out, &walk, of);
    }
    divide(out, counted, counted * step_years(chain));
}
