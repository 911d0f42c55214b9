/*
 * estimate: a segment's chances follow from its own holders; between two hazards that were worked
 * out it is near to what working it out would give.
 */
#include "coordinator/estimate/estimate.h"

#include "coordinator/estimate/durability_chain.h"
#include "tests/lib/test.h"

#include <math.h>

struct fixture {
    struct estimate *estimate;
    const struct profile *profile;
    struct meta_segment segment;
    struct fleet_node nodes[META_SLOTS_MAX];
    struct fleet_view fleet;
};

static void draw(struct fixture *at, unsigned silent)
{
    at->estimate = estimate_create(0);
    at->profile = profile_by_name(view_text("small"));
    at->segment = (struct meta_segment){
        .profile = at->profile->number, .k = at->profile->k, .n = at->profile->n};
    for (unsigned i = 0; i < at->profile->n; i++) {
        at->segment.holders[i].node = i + 1;
        at->nodes[i] = (struct fleet_node){.number = i + 1,
            .health = i < silent ? NODE_LOST : NODE_ALIVE,
            .silent_ms = i < silent ? UINT64_MAX : 0,
            .uptime = 0.95,
            .hazard = 1.2};
    }
    at->fleet = (struct fleet_view){.nodes = at->nodes, .count = at->profile->n};
}

static struct estimate_chances chances_of(struct fixture *at)
{
    struct estimate_chances out;
    estimate_chances(at->estimate, &at->segment, &at->fleet, 0, &out);
    return out;
}

static void chances_follow_from_the_holders(void **state)
{
    (void)state;
    struct fixture at;
    draw(&at, 2);
    const struct estimate_chances typical = chances_of(&at);
    assert_int_equal(ec_slots_count(typical.held), 12);
    assert_int_equal(ec_slots_count(typical.reachable), 12);
    assert_int_equal(typical.reason, REPAIR_NOTHING);
    assert_int_equal(estimate_trigger(at.estimate, &at.segment, &at.fleet, 0), at.profile->r);

    for (unsigned i = 2; i < at.profile->n; i++) {
        at.nodes[i].uptime = 0.8;
        at.nodes[i].hazard = 4;
    }
    const struct estimate_chances bad = chances_of(&at);
    assert_true(bad.unreadable > 100 * typical.unreadable);
    assert_true(bad.lost > 10 * typical.lost);
    assert_true(estimate_trigger(at.estimate, &at.segment, &at.fleet, 0) > at.profile->r);
    estimate_destroy(at.estimate);
}

/* It may well come back: nothing is lost by it, and nobody counts on it meanwhile. */
static void who_is_silent_now_is_held_and_not_counted_on(void **state)
{
    (void)state;
    struct fixture at;
    draw(&at, 0);
    const struct estimate_chances all = chances_of(&at);
    for (unsigned i = 0; i < 8; i++) {
        at.nodes[i].health = NODE_OFFLINE;
        at.nodes[i].silent_ms = 3600 * 1000;
    }
    const struct estimate_chances fewer = chances_of(&at);
    assert_int_equal(ec_slots_count(fewer.held), at.profile->n);
    assert_int_equal(ec_slots_count(fewer.reachable), at.profile->n - 8);
    assert_true(fewer.lost == all.lost);
    assert_true(fewer.unreadable > 1000 * all.unreadable);
    estimate_destroy(at.estimate);
}

static void what_cannot_be_read_any_more_is_lost(void **state)
{
    (void)state;
    struct fixture at;
    draw(&at, 11);
    const struct estimate_chances chances = chances_of(&at);
    assert_int_equal(ec_slots_count(chances.held), 3);
    assert_true(chances.lost == 1);
    assert_true(chances.unreadable == 1);
    estimate_destroy(at.estimate);
}

/* Within a half more or less, over all that fleets are like. */
static void between_the_hazards_worked_out_it_is_near(void **state)
{
    (void)state;
    struct fixture at;
    draw(&at, 0);
    const double hours = at.profile->lost_after_s / 3600.0 + DURABILITY_REPAIR_HOURS;
    for (double hazard = 0.3; hazard < 10; hazard *= 1.37) {
        double lost[DURABILITY_SLOTS_MAX + 1];
        const struct durability_chain chain = {.k = at.profile->k,
            .n = at.profile->n,
            .trigger = at.profile->r,
            .window_years = hours / DURABILITY_HOURS_PER_YEAR,
            .hazard = hazard};
        durability_chain_year(&chain, hazard, lost);
        for (unsigned held = at.profile->k; held <= at.profile->n; held++) {
            const double ratio = estimate_lost(at.estimate, at.profile, held, hazard) / lost[held];
            assert_true(ratio < 1.5 && ratio > 1 / 1.5);
        }
    }
    estimate_destroy(at.estimate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_follow_from_the_holders),
        cmocka_unit_test(who_is_silent_now_is_held_and_not_counted_on),
        cmocka_unit_test(what_cannot_be_read_any_more_is_lost),
        cmocka_unit_test(between_the_hazards_worked_out_it_is_near),
    };
    return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
