/*
 * durability_chain's availability, against a Monte-Carlo of what nodes do hour by hour, which
 * shares nothing with it: they are up and away for hours at a time, more of them away at night,
 * some die, some are called lost and come back, and repairs take up to a day.
 *
 * A node has a mood, which it keeps for a while, and is up as long as the mood is below what the
 * hour wants: so each hour has its own share of nodes that are up, and sessions last for hours.
 */
#include "coordinator/estimate/durability_chain.h"

#include "tests/lib/test.h"

#include <math.h>

enum {
    DAY_HOURS = 24,
    EBB_HOURS = DAY_HOURS / FLEET_TIDES,
    YEAR_HOURS = 8766,
    LOST_AFTER_HOURS = 72,
    WARM_UP_HOURS = YEAR_HOURS / 2, /* it begins whole */
};

struct fleet {
    const char *name;
    unsigned k, n, r;
    double uptime, ebb;
    double hazard;     /* a year */
    double mood_hours; /* that one lasts, on average */
    unsigned segments;
    uint64_t seed;
};

struct node {
    bool is_alive;
    double mood;
    unsigned silent_hours;
};

struct segment {
    const struct fleet *fleet;
    uint64_t *chance;
    struct node nodes[DURABILITY_SLOTS_MAX]; /* by slot */
    bool is_missing[DURABILITY_SLOTS_MAX];   /* what the repair that runs makes anew */
    unsigned done_hour;                      /* of that repair; 0: none runs */
};

struct seen {
    double hours;
    double unreadable;
    double alive;
};

static double draw(uint64_t *chance)
{
    *chance = *chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*chance >> 11) + 0.5) / 9007199254740992.0;
}

static double wanted(const struct fleet *fleet, unsigned hour)
{
    const bool is_ebb = hour % DAY_HOURS < EBB_HOURS;
    return fleet->uptime + (is_ebb ? -fleet->ebb : fleet->ebb / (FLEET_TIDES - 1));
}

static void live_an_hour(struct segment *segment, struct node *node, unsigned hour)
{
    const struct fleet *fleet = segment->fleet;
    if (draw(segment->chance) < fleet->hazard / YEAR_HOURS) {
        node->is_alive = false;
    }
    if (draw(segment->chance) < 1 / fleet->mood_hours) {
        node->mood = draw(segment->chance);
    }
    const bool is_up = node->is_alive && node->mood < wanted(fleet, hour);
    node->silent_hours = is_up ? 0 : node->silent_hours + 1;
}

static void lose_domain(struct segment *segment)
{
    const unsigned domain = (unsigned)(draw(segment->chance) * DURABILITY_DOMAINS);
    for (unsigned slot = domain; slot < segment->fleet->n; slot += DURABILITY_DOMAINS) {
        segment->nodes[slot].is_alive = false;
    }
}

static bool is_held(const struct node *node)
{
    return node->silent_hours < LOST_AFTER_HOURS;
}

static void begin_repair(struct segment *segment, unsigned hour)
{
    unsigned held = 0;
    for (unsigned slot = 0; slot < segment->fleet->n; slot++) {
        held += is_held(&segment->nodes[slot]);
    }
    if (held > segment->fleet->r) {
        return;
    }
    segment->done_hour = hour + 1 + (unsigned)(2 * DURABILITY_REPAIR_HOURS * draw(segment->chance));
    for (unsigned slot = 0; slot < segment->fleet->n; slot++) {
        segment->is_missing[slot] = !is_held(&segment->nodes[slot]);
    }
}

/* Who came back meanwhile keeps what it has. */
static void end_repair(struct segment *segment)
{
    for (unsigned slot = 0; slot < segment->fleet->n; slot++) {
        struct node *node = &segment->nodes[slot];
        if (segment->is_missing[slot] && !is_held(node)) {
            *node = (struct node){
                .is_alive = true, .mood = segment->fleet->uptime * draw(segment->chance)};
        }
    }
    segment->done_hour = 0;
}

static void look(const struct segment *segment, struct seen *seen)
{
    unsigned up = 0;
    for (unsigned slot = 0; slot < segment->fleet->n; slot++) {
        seen->alive += segment->nodes[slot].is_alive;
        up += segment->nodes[slot].silent_hours == 0;
    }
    seen->unreadable += up < segment->fleet->k;
    seen->hours++;
}

static void live_a_year(struct segment *segment, struct seen *seen)
{
    for (unsigned hour = 0; hour < WARM_UP_HOURS + YEAR_HOURS; hour++) {
        for (unsigned slot = 0; slot < segment->fleet->n; slot++) {
            live_an_hour(segment, &segment->nodes[slot], hour);
        }
        if (draw(segment->chance) < DURABILITY_DOMAINS * DURABILITY_DOMAIN_HAZARD / YEAR_HOURS) {
            lose_domain(segment);
        }
        if (segment->done_hour == 0) {
            begin_repair(segment, hour);
        } else if (hour >= segment->done_hour) {
            end_repair(segment);
        }
        if (hour >= WARM_UP_HOURS) {
            look(segment, seen);
        }
    }
}

static struct seen simulate(const struct fleet *fleet)
{
    struct seen seen = {0};
    uint64_t chance = fleet->seed;
    for (unsigned i = 0; i < fleet->segments; i++) {
        struct segment segment = {.fleet = fleet, .chance = &chance};
        for (unsigned slot = 0; slot < fleet->n; slot++) {
            segment.nodes[slot] = (struct node){.is_alive = true, .mood = draw(&chance)};
        }
        live_a_year(&segment, &seen);
    }
    return seen;
}

/* Fleets of which so many segments are unreadable now and then that hours of it can be counted. */
static const struct fleet fleets[] = {
    {"volunteer", 16, 54, 34, 0.80, 0.08, 4, 8, 300, 1},
    {"volunteer, who sleep", 16, 54, 34, 0.80, 0.20, 4, 8, 20, 2},
    {"away for a day", 16, 54, 34, 0.75, 0.10, 4, 24, 60, 3},
    {"steady", 4, 14, 9, 0.60, 0, 1.2, 8, 60, 4},
};

static void fleets_that_sleep_are_unreadable_as_often_as_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fleets) / sizeof(fleets[0]); i++) {
        const struct fleet *fleet = &fleets[i];
        const struct durability_chain chain = {.k = fleet->k,
            .n = fleet->n,
            .trigger = fleet->r,
            .window_years =
                (LOST_AFTER_HOURS + DURABILITY_REPAIR_HOURS) / DURABILITY_HOURS_PER_YEAR,
            .hazard = fleet->hazard};
        struct durability_holder typical = {.uptime = fleet->uptime};
        struct durability_steady said;
        durability_swing(fleet->ebb, typical.swing);
        durability_chain_steady(&chain, &typical, &said);
        const struct seen seen = simulate(fleet);
        const double unreadable = seen.unreadable / seen.hours;
        print_message("%s, seed %d: unreadable %.2e, seen %.2e in %.0f hours; held %.2f, %.2f\n",
            fleet->name, (int)fleet->seed, said.unreadable, unreadable, seen.hours, said.held,
            seen.alive / seen.hours);
        assert_true(seen.unreadable > 30);
        assert_true(said.unreadable > unreadable / 3 && said.unreadable < unreadable * 3);
        assert_true(fabs(said.held / (seen.alive / seen.hours) - 1) < 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fleets_that_sleep_are_unreadable_as_often_as_is_said),
    };
    return cmocka_run_group_tests_name("durability_sessions", tests, NULL, NULL);
}
