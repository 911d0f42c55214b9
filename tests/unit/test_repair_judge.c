/*
 * repair_judge: what counts as held, reachable and due, case by case.
 *
 * A case draws the eight slots of a segment (profile local: k 4, r 5, n 8, fill 8; or small: k 4,
 * r 11, n 14, fill 14 after an hour, lost after three days), one letter a slot:
 *
 *   a  alive            s  suspect             o  offline, silent for less than `lost after`
 *   x  silent for exactly `lost after`         L  called lost by the operator
 *   G  gone             -  never held                    d  alive, and says that it is damaged
 *   D  offline, and said so before                               S  suspended, and answers
 *   r  draining, and answers                                     R  suspended, and silent
 *   h  offline, silent for a little less than half a day
 *   z  suspect, and silent for longer than `lost after`: heartbeats are rare
 */
#include "coordinator/repair/repair_judge.h"

#include "tests/lib/test.h"

#define SEALED_MS UINT64_C(1000000)

enum { HOUR_MS = 3600 * 1000 };

static struct fleet_node node_of(char letter, const struct profile *profile)
{
    const uint64_t lost_ms = UINT64_C(1000) * profile->lost_after_s;
    switch (letter) {
    case 'a':
    case 'd': return (struct fleet_node){.health = NODE_ALIVE};
    case 's': return (struct fleet_node){.health = NODE_SUSPECT, .silent_ms = lost_ms / 2};
    case 'z': return (struct fleet_node){.health = NODE_SUSPECT, .silent_ms = 2 * lost_ms};
    case 'D':
    case 'h':
        return (struct fleet_node){.health = NODE_OFFLINE, .silent_ms = REPAIR_UNHEARD_MS - 1};
    case 'o': return (struct fleet_node){.health = NODE_OFFLINE, .silent_ms = lost_ms - 1};
    case 'x': return (struct fleet_node){.health = NODE_OFFLINE, .silent_ms = lost_ms};
    case 'r': return (struct fleet_node){.health = NODE_DRAINING, .state = META_NODE_DRAINING};
    case 'S': return (struct fleet_node){.health = NODE_SUSPENDED, .state = META_NODE_SUSPENDED};
    case 'R':
        return (struct fleet_node){
            .health = NODE_OFFLINE, .state = META_NODE_SUSPENDED, .silent_ms = lost_ms - 1};
    case 'L': return (struct fleet_node){.health = NODE_LOST, .silent_ms = UINT64_MAX};
    default: return (struct fleet_node){.health = NODE_GONE, .silent_ms = UINT64_MAX};
    }
}

/* A segment, and the fleet of its holders: slot s is at node s + 1. */
struct drawing {
    struct meta_segment segment;
    struct fleet_node nodes[META_SLOTS_MAX];
    struct fleet_view fleet;
};

static void draw(const char *slots, const struct profile *profile, struct drawing *out)
{
    assert_int_equal(strlen(slots), profile->n);
    out->segment = (struct meta_segment){
        .profile = profile->number, .k = profile->k, .n = profile->n, .sealed_ms = SEALED_MS};
    for (unsigned slot = 0; slot < profile->n; slot++) {
        out->segment.holders[slot].node = slots[slot] == '-' ? 0 : slot + 1;
        out->nodes[slot] = node_of(slots[slot], profile);
        out->nodes[slot].number = slot + 1;
        out->nodes[slot].uptime = profile->node_uptime;
        out->nodes[slot].hazard = profile->node_hazard;
        if (slots[slot] == 'd' || slots[slot] == 'D') {
            ec_slots_add(&out->segment.damaged, slot);
        }
    }
    out->fleet = (struct fleet_view){.nodes = out->nodes, .count = profile->n};
}

static struct repair_judgement judge_by(
    const struct repair_rules *rules, const struct drawing *drawing, uint64_t age_ms)
{
    struct repair_judgement got;
    repair_judge(rules, &drawing->segment, &drawing->fleet, SEALED_MS + age_ms, &got);
    return got;
}

static struct repair_judgement judge(const struct drawing *drawing, uint64_t age_ms)
{
    struct repair_rules rules;
    repair_rules_init(&rules, 0);
    return judge_by(&rules, drawing, age_ms);
}

struct expectation {
    const char *profile;
    const char *slots;
    uint64_t age_ms; /* since the segment was sealed */
    unsigned held;
    unsigned reachable;
    unsigned missing;
    enum repair_reason reason;
    bool is_due; /* and there are enough to read it */
};

static void every_case_is_judged_as_drawn(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        /* local: anything below n is due at once, unless it cannot be read */
        {"local", "aaaaaaaa", 0, 8, 8, 0, REPAIR_NOTHING, false},
        /* what is damaged is missing, and read only when there are fewer than k others */
        {"local", "aaadaaaa", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "ddddaaaa", 0, 4, 4, 4, REPAIR_FEW_HELD, true},
        {"local", "ddddaaax", 0, 3, 7, 5, REPAIR_FEW_HELD, true},
        {"local", "DDDDaaax", 0, 3, 3, 5, REPAIR_FEW_HELD, false},
        {"local", "aaaaaaa-", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "aaaaaaax", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "aaaaaaaL", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "aaaaaaaG", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "aaaaaaao", 0, 8, 7, 0, REPAIR_NOTHING, false},
        {"local", "aaaaaaas", 0, 8, 8, 0, REPAIR_NOTHING, false},
        {"local", "aaaaaaaz", 0, 8, 8, 0, REPAIR_NOTHING, false},
        {"local", "ssssxxxx", 0, 4, 4, 4, REPAIR_FEW_HELD, true},
        {"local", "aaaaxxxx", 0, 4, 4, 4, REPAIR_FEW_HELD, true},
        {"local", "aaaxxxxx", 0, 3, 3, 5, REPAIR_FEW_HELD, false},
        {"local", "aaaoxxxx", 0, 4, 3, 4, REPAIR_FEW_HELD,
            false}, /* held, but nobody to read from now */
        /* a node that is drained still holds; one that is suspended does not, but can be read */
        {"local", "aaaaaaar", 0, 8, 8, 0, REPAIR_NOTHING, false},
        {"local", "aaaaaaaS", 0, 7, 7, 1, REPAIR_FILL, true},
        {"local", "aaaSSSSS", 0, 3, 8, 5, REPAIR_FEW_HELD, true},
        {"local", "aaaRRRRR", 0, 3, 3, 5, REPAIR_FEW_HELD, false},
        {"local", "LLLLLLLL", 0, 0, 0, 8, REPAIR_FEW_HELD, false},
        {"local", "oooooooo", 0, 8, 0, 0, REPAIR_NOTHING, false},
        /* small: what nobody ever had is filled after its first hour, what was lost only at r */
        {"small", "aaaaaaaaaaaa--", 0, 12, 12, 2, REPAIR_NOTHING, false},
        {"small", "aaaaaaaaaaaa--", HOUR_MS - 1, 12, 12, 2, REPAIR_NOTHING, false},
        {"small", "aaaaaaaaaaaa--", HOUR_MS, 12, 12, 2, REPAIR_FILL, true},
        {"small", "aaaaaaaaaaa---", 0, 11, 11, 3, REPAIR_FEW_HELD, true},
        {"small", "aaaaaaaaaaaaxx", HOUR_MS, 12, 12, 2, REPAIR_NOTHING, false},
        {"small", "aaaaaaaaaaaax-", HOUR_MS, 12, 12, 2, REPAIR_FILL, true},
        {"small", "aaaaaaaaaaaxxx", HOUR_MS, 11, 11, 3, REPAIR_FEW_HELD, true},
        /* nine of them have to be heard of within half a day: k and five */
        {"small", "aaaaaaaaaooooo", HOUR_MS, 14, 9, 0, REPAIR_NOTHING, false},
        {"small", "aaaaaaaahooooo", HOUR_MS, 14, 8, 0, REPAIR_NOTHING, false},
        {"small", "aaaaaaaaoooooo", HOUR_MS, 14, 8, 6, REPAIR_FEW_HEARD, true},
        {"small", "aaaaaaaaaaaaoo", HOUR_MS, 14, 12, 0, REPAIR_NOTHING, false},
        {"small", "aaaaooooooooxx", HOUR_MS, 12, 4, 10, REPAIR_FEW_HEARD, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct expectation *expect = &cases[i];
        const struct profile *profile = profile_by_name(view_text(expect->profile));
        struct drawing drawing;
        draw(expect->slots, profile, &drawing);
        const struct repair_judgement got = judge(&drawing, expect->age_ms);
        print_message("%s %s\n", expect->profile, expect->slots);
        assert_int_equal(ec_slots_count(got.held), expect->held);
        assert_int_equal(ec_slots_count(got.reachable), expect->reachable);
        assert_int_equal(got.is_due, expect->is_due);
        assert_int_equal(got.reason, expect->reason);
        assert_int_equal(ec_slots_count(got.missing), expect->missing);
    }
}

/* Every drawing of eight letters from a small alphabet: the sets fit together. */
static void a_slot_is_held_or_missing_and_reachable_only_when_held(void **state)
{
    (void)state;
    static const char letters[] = "axo-";
    const struct profile *profile = profile_by_name(view_text("local"));
    for (unsigned world = 0; world < 1u << 16; world++) {
        char slots[9] = {0};
        struct drawing drawing;
        for (unsigned slot = 0; slot < 8; slot++) {
            slots[slot] = letters[world >> 2 * slot & 3];
        }
        draw(slots, profile, &drawing);
        const struct repair_judgement got = judge(&drawing, 0);
        for (unsigned slot = 0; slot < 8; slot++) {
            bool held = slots[slot] == 'a' || slots[slot] == 'o';
            assert_int_equal(ec_slots_has(got.held, slot), held);
            assert_int_equal(ec_slots_has(got.missing, slot), !held);
            assert_int_equal(ec_slots_has(got.reachable, slot), slots[slot] == 'a');
        }
        assert_true(!got.is_due || ec_slots_count(got.reachable) >= profile->k);
    }
}

/*
 * The node table calls a node lost by the cluster's profile; a segment goes by its own.  (It was
 * taken as lost after 30 s in a cluster of profile local, whatever its own profile said.)
 */
static void a_segment_goes_by_its_own_profiles_patience(void **state)
{
    (void)state;
    const struct profile *profile = profile_by_name(view_text("small"));
    struct drawing drawing;
    draw("aaaaaaaaaaaaaa", profile, &drawing);
    drawing.nodes[3].health = NODE_LOST;
    drawing.nodes[3].silent_ms = 60 * 1000;
    const struct repair_judgement got = judge(&drawing, HOUR_MS);
    assert_true(ec_slots_has(got.held, 3));
    assert_false(ec_slots_has(got.reachable, 3));
    assert_false(got.is_due);
}

/* Nodes that are up less, or lost more often, than those the profile was worked out for. */
static void worse_holders_are_repaired_sooner_and_better_ones_later(void **state)
{
    (void)state;
    const struct profile *small = profile_by_name(view_text("small"));
    struct drawing drawing;
    draw("aaaaaaaaaaaaxx", small, &drawing);
    assert_false(judge(&drawing, HOUR_MS).is_due);
    for (unsigned slot = 0; slot < small->n; slot++) {
        drawing.nodes[slot].uptime = 0.8;
    }
    assert_int_equal(judge(&drawing, HOUR_MS).reason, REPAIR_FEW_HELD);

    draw("aaaaaaaaaaaaxx", small, &drawing);
    for (unsigned slot = 0; slot < small->n; slot++) {
        drawing.nodes[slot].hazard *= 4;
    }
    assert_int_equal(judge(&drawing, HOUR_MS).reason, REPAIR_FEW_HELD);

    draw("aaaaaaaaaaaxxx", small, &drawing);
    assert_true(judge(&drawing, HOUR_MS).is_due);
    for (unsigned slot = 0; slot < small->n; slot++) {
        drawing.nodes[slot].uptime = 0.999;
        drawing.nodes[slot].hazard = 0.1;
    }
    assert_false(judge(&drawing, HOUR_MS).is_due);
}

static unsigned urgency_of(const char *slots, const struct profile *profile)
{
    struct drawing drawing;
    draw(slots, profile, &drawing);
    const struct repair_judgement got = judge(&drawing, HOUR_MS);
    assert_true(got.is_due);
    return got.urgency;
}

/* Across profiles, too: a chance is a chance. */
static void who_is_most_likely_to_be_lost_goes_first(void **state)
{
    (void)state;
    const struct profile *small = profile_by_name(view_text("small"));
    const struct profile *local = profile_by_name(view_text("local"));
    assert_true(urgency_of("aaaaxxxxxxxxxx", small) < urgency_of("aaaaaxxxxxxxxx", small));
    assert_true(urgency_of("aaaaxxxxxxxxxx", small) < urgency_of("aaaaaxxx", local));
    assert_true(urgency_of("aaaaaxxx", local) < urgency_of("aaaaaaaxxxxxxx", small));
    assert_true(urgency_of("aaaaxxxxxxxxxx", small) < REPAIR_URGENCY_FILL);
    assert_true(urgency_of("aaaaaaa-", local) >= REPAIR_URGENCY_FILL);
}

/* Half a day of silence from so many: they may come back, and are not what the others are for. */
static void who_was_not_heard_is_not_counted_on_when_that_is_why(void **state)
{
    (void)state;
    const struct profile *small = profile_by_name(view_text("small"));
    assert_int_equal(urgency_of("aaaaoooooooooo", small), urgency_of("aaaaxxxxxxxxxx", small));
    assert_true(urgency_of("aaaaaooooooooo", small) < urgency_of("aaaaaaaaoooooo", small));
    assert_true(urgency_of("aaaaaooooooooo", small) < urgency_of("aaaaaaaxxxxxxx", small));
}

static void an_operator_has_everything_brought_to_n(void **state)
{
    (void)state;
    const struct profile *small = profile_by_name(view_text("small"));
    struct drawing drawing;
    struct repair_rules rules;
    repair_rules_init(&rules, 0);
    rules.everything = true;
    draw("aaaaaaaaaaaaax", small, &drawing);
    assert_int_equal(judge_by(&rules, &drawing, HOUR_MS).reason, REPAIR_ASKED);
    assert_true(judge_by(&rules, &drawing, HOUR_MS).urgency >= REPAIR_URGENCY_FILL);
    draw("aaaaaaaaaaaaao", small, &drawing);
    assert_false(judge_by(&rules, &drawing, HOUR_MS).is_due);
}

/* Undeleting is promised for a week; more than that promise needs is not spent on it. */
static void what_only_deleted_objects_name_waits_until_no_shard_is_to_spare(void **state)
{
    (void)state;
    const struct profile *small = profile_by_name(view_text("small"));
    struct drawing drawing;
    draw("aaaaaLLLLLLLLL", small, &drawing); /* k + 1 */
    assert_true(judge(&drawing, 24 * HOUR_MS).is_due);
    drawing.segment.refs = drawing.segment.doomed_refs = 2;
    assert_false(judge(&drawing, 24 * HOUR_MS).is_due);
    draw("aaaaLLLLLLLLLL", small, &drawing);
    const struct repair_judgement wanted = judge(&drawing, 24 * HOUR_MS);
    drawing.segment.refs = drawing.segment.doomed_refs = 2;
    const struct repair_judgement deleted = judge(&drawing, 24 * HOUR_MS);
    assert_true(deleted.is_due);
    assert_int_equal(ec_slots_count(deleted.missing), 10);
    assert_true(deleted.urgency > wanted.urgency && deleted.urgency < REPAIR_URGENCY_FILL);
    drawing.segment.doomed_refs = 1; /* somebody else names it, too */
    assert_int_equal(judge(&drawing, 24 * HOUR_MS).urgency, wanted.urgency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_deleted_objects_name_waits_until_no_shard_is_to_spare),
        cmocka_unit_test(every_case_is_judged_as_drawn),
        cmocka_unit_test(a_slot_is_held_or_missing_and_reachable_only_when_held),
        cmocka_unit_test(a_segment_goes_by_its_own_profiles_patience),
        cmocka_unit_test(worse_holders_are_repaired_sooner_and_better_ones_later),
        cmocka_unit_test(who_is_most_likely_to_be_lost_goes_first),
        cmocka_unit_test(who_was_not_heard_is_not_counted_on_when_that_is_why),
        cmocka_unit_test(an_operator_has_everything_brought_to_n),
    };
    return cmocka_run_group_tests_name("repair_judge", tests, NULL, NULL);
}
