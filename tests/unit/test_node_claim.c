/*
 * node_claim: what a sequence of reports says about who is there.
 *
 * A world has one disk and some daemons that were started on it or on copies of it.  Time is a
 * number; a beat is a report that is believed or not.
 */
#include "coordinator/fleet/node_claim.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>

enum { INTERVAL = 30, SUSPECT = 3 * INTERVAL, QUIET = 10 * INTERVAL };

/* One daemon with a home of its own, perhaps a copy. */
struct home {
    struct meta_node_report report;
};

struct world {
    struct node_claim claim;
    struct meta_node_report known;
    uint64_t seen_ms;
    uint64_t now_ms;
};

static struct home new_home(uint8_t volume)
{
    return (struct home){.report = {.volume = {{volume}}, .start_count = 0, .sequence = 10}};
}

static void start(struct home *home, uint8_t instance)
{
    home->report.start_count++;
    home->report.instance = (struct meta_id){{instance}};
}

static struct claim_judgement beat(struct world *world, struct home *home)
{
    world->now_ms += INTERVAL;
    home->report.sequence++;
    const struct claim_judgement judged = node_claim_judge(&world->claim, &world->known,
        &home->report, world->now_ms, world->seen_ms + SUSPECT, QUIET);
    if (judged.verdict == CLAIM_TRUE) {
        world->known = home->report;
        world->seen_ms = world->now_ms;
    }
    return judged;
}

static void assert_verdict(struct world *world, struct home *home, enum claim_verdict verdict)
{
    assert_int_equal(beat(world, home).verdict, verdict);
}

static void a_daemon_may_start_as_often_as_it_likes(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    for (uint8_t instance = 1; instance < 50; instance++) {
        start(&home, instance);
        assert_verdict(&world, &home, CLAIM_TRUE);
        assert_verdict(&world, &home, CLAIM_TRUE);
    }
}

static void a_wiped_disk_is_another_one(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    start(&home, 1);
    assert_verdict(&world, &home, CLAIM_TRUE);
    struct home wiped = new_home(2);
    start(&wiped, 2);
    const struct claim_judgement at_once = beat(&world, &wiped);
    assert_int_equal(at_once.verdict, CLAIM_OTHER_DISK);
    assert_true(at_once.is_second); /* it may be a second daemon: the first was just there */
    world.now_ms += SUSPECT;
    const struct claim_judgement later = beat(&world, &wiped);
    assert_int_equal(later.verdict, CLAIM_OTHER_DISK);
    assert_false(later.is_second);
}

static void a_restored_copy_is_older(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    start(&home, 1);
    assert_verdict(&world, &home, CLAIM_TRUE);
    struct home copy = home;
    for (unsigned i = 0; i < 5; i++) {
        assert_verdict(&world, &home, CLAIM_TRUE);
    }
    world.now_ms += QUIET;
    start(&copy, 2);
    const struct claim_judgement judged = beat(&world, &copy);
    assert_int_equal(judged.verdict, CLAIM_OLDER_COPY);
    assert_false(judged.is_second);
    start(&home, 3); /* the right disk is put back */
    assert_verdict(&world, &home, CLAIM_TRUE);
    assert_verdict(&world, &home, CLAIM_TRUE);
}

/* A copy of the disk as it is, in the same state: started as often, and written as much. */
static void a_copy_that_was_started_as_often_is_no_restart(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    struct home copy = home;
    start(&home, 1);
    start(&copy, 2);
    assert_verdict(&world, &home, CLAIM_TRUE);
    assert_verdict(&world, &copy, CLAIM_OLDER_COPY);
}

/* The one that was started last is ahead at first; both go on. */
static void two_that_report_by_turns_are_two(void **state)
{
    (void)state;
    for (unsigned copies_first = 0; copies_first < 2; copies_first++) {
        struct world world = {0};
        struct home home = new_home(1);
        start(&home, 1);
        assert_verdict(&world, &home, CLAIM_TRUE);
        struct home copy = home;
        start(&copy, 2);
        struct home *turns[] = {&home, &copy};
        unsigned beats = 0;
        while (beat(&world, turns[(beats + copies_first) % 2]).verdict != CLAIM_TWO_AT_ONCE) {
            beats++;
            assert_true(beats < 10);
        }
    }
}

static void two_with_one_key_and_two_disks_are_two(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    struct home other = new_home(2);
    start(&home, 1);
    start(&other, 2);
    assert_verdict(&world, &home, CLAIM_TRUE);
    assert_verdict(&world, &other, CLAIM_OTHER_DISK);
    assert_verdict(&world, &home, CLAIM_TRUE);
    assert_verdict(&world, &other, CLAIM_OTHER_DISK);
    assert_verdict(&world, &home, CLAIM_TWO_AT_ONCE);
}

/* A heartbeat of the daemon of before arrives after the first of the next. */
static void a_late_heartbeat_is_no_second_machine(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    start(&home, 1);
    assert_verdict(&world, &home, CLAIM_TRUE);
    for (uint8_t instance = 2; instance < 10; instance++) {
        struct home before = home;
        start(&home, instance);
        assert_verdict(&world, &home, CLAIM_TRUE);
        const struct claim_judgement late = beat(&world, &before);
        assert_int_equal(late.verdict, CLAIM_OLDER_COPY);
        assert_true(late.is_second);
        assert_verdict(&world, &home, CLAIM_TRUE);
        world.now_ms += QUIET;
        assert_verdict(&world, &home, CLAIM_TRUE);
    }
}

/* ---- many worlds ---- */

enum { WORLDS = 3000, STEPS = 60 };

/* An honest node: it restarts, sleeps, and a heartbeat of before may come late. */
static void an_honest_node_is_never_taken_for_two(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct test_env env;
        struct world world = {0};
        struct home home = new_home(1);
        uint8_t instance = 1;
        test_env_init(&env, seed);
        start(&home, instance);
        for (unsigned step = 0; step < STEPS; step++) {
            struct home before = home;
            uint64_t chance = env_random_below(&env.env, 10);
            if (chance == 0) {
                start(&home, ++instance);
            } else if (chance == 1) {
                world.now_ms += env_random_below(&env.env, 50) * INTERVAL;
            } else if (chance == 2) {
                start(&home, ++instance);
                assert_verdict(&world, &home, CLAIM_TRUE);
                assert_int_not_equal(beat(&world, &before).verdict, CLAIM_TWO_AT_ONCE);
                world.now_ms += QUIET; /* the next restart is later */
            }
            assert_verdict(&world, &home, CLAIM_TRUE);
        }
    }
}

/* Two copies that report whenever they like: noticed before each has had a dozen turns. */
static void two_copies_are_always_noticed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct test_env env;
        struct world world = {0};
        struct home homes[2] = {new_home(1)};
        test_env_init(&env, seed);
        start(&homes[0], 1);
        for (uint64_t beats = env_random_below(&env.env, 5); beats > 0; beats--) {
            beat(&world, &homes[0]);
        }
        homes[1] = homes[0];
        for (uint64_t starts = env_random_below(&env.env, 3) + 1; starts > 0; starts--) {
            start(&homes[1], (uint8_t)(1 + starts));
        }
        unsigned turns = 0;
        unsigned last = 0;
        bool is_noticed = false;
        while (!is_noticed) {
            unsigned who = (unsigned)env_random_below(&env.env, 2);
            turns += who != last;
            last = who;
            is_noticed = beat(&world, &homes[who]).verdict == CLAIM_TWO_AT_ONCE;
            assert_true(turns <= 12);
        }
    }
}

/* Five reports decide: the copy, the original, the copy, the original, the copy; or the last four,
 * when the original has written more before the copy reports at all. When chance says who is next,
 * they are noticed within r reports as often as r throws bring five heads, or four. */
static double chance_of_heads(unsigned heads, unsigned throws)
{
    double chance = 1;
    double of_heads = pow(0.5, throws); /* exactly i */
    for (unsigned i = 0; i < heads; i++) {
        chance -= of_heads;
        of_heads *= (double)(throws - i) / (i + 1);
    }
    return chance;
}

static unsigned reports_until_noticed(struct env *env)
{
    struct world world = {0};
    struct home homes[2] = {new_home(1)};
    start(&homes[0], 1);
    beat(&world, &homes[0]);
    homes[1] = homes[0];
    start(&homes[1], 2);
    unsigned reports = 1;
    while (beat(&world, &homes[env_random_below(env, 2)]).verdict != CLAIM_TWO_AT_ONCE) {
        reports++;
    }
    return reports;
}

static void two_copies_are_noticed_within_as_many_reports_as_chance_says(void **state)
{
    (void)state;
    static const unsigned counts[] = {5, 8, 12, 20};
    unsigned noticed[4] = {0};
    struct test_env env;
    test_env_init(&env, 5);
    for (unsigned i = 0; i < WORLDS; i++) {
        unsigned reports = reports_until_noticed(&env.env);
        for (unsigned c = 0; c < 4; c++) {
            noticed[c] += reports <= counts[c];
        }
    }
    for (unsigned c = 0; c < 4; c++) {
        double share = (double)noticed[c] / WORLDS;
        double least = chance_of_heads(5, counts[c]);
        double most = chance_of_heads(4, counts[c]);
        print_message("two copies: noticed within %2u reports: %.3f, by the formula %.3f to %.3f\n",
            counts[c], share, least, most);
        assert_true(share > least - 4 * sqrt(least * (1 - least) / WORLDS) - 0.005);
        assert_true(share < most + 4 * sqrt(most * (1 - most) / WORLDS));
    }
}

/* Copied with its memory, so that it has the same instance: fenced at the first report of the one
 * that has written less.  Half of all pairs of reports bring one. */
static void a_machine_that_was_copied_while_it_ran_is_fenced_when_counters_go_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct test_env env;
        struct world world = {0};
        struct home homes[2] = {new_home(1)};
        test_env_init(&env, seed);
        start(&homes[0], 1);
        beat(&world, &homes[0]);
        homes[1] = homes[0];
        struct claim_judgement judged = {.verdict = CLAIM_TRUE};
        for (unsigned reports = 0; judged.verdict == CLAIM_TRUE; reports++) {
            assert_in_range(reports, 0, 40);
            judged = beat(&world, &homes[env_random_below(&env.env, 2)]);
        }
        assert_int_equal(judged.verdict, CLAIM_OLDER_COPY);
        assert_false(judged.is_second);
    }
}

/* Daemons that draw no instance are judged by their counters alone. */
static void without_instances_counters_decide(void **state)
{
    (void)state;
    struct world world = {0};
    struct home home = new_home(1);
    start(&home, 0);
    struct home copy = home;
    assert_verdict(&world, &home, CLAIM_TRUE);
    assert_verdict(&world, &home, CLAIM_TRUE);
    const struct claim_judgement judged = beat(&world, &copy);
    assert_int_equal(judged.verdict, CLAIM_OLDER_COPY);
    assert_false(judged.is_second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_may_start_as_often_as_it_likes),
        cmocka_unit_test(a_wiped_disk_is_another_one),
        cmocka_unit_test(a_restored_copy_is_older),
        cmocka_unit_test(a_copy_that_was_started_as_often_is_no_restart),
        cmocka_unit_test(two_that_report_by_turns_are_two),
        cmocka_unit_test(two_with_one_key_and_two_disks_are_two),
        cmocka_unit_test(a_late_heartbeat_is_no_second_machine),
        cmocka_unit_test(an_honest_node_is_never_taken_for_two),
        cmocka_unit_test(two_copies_are_always_noticed),
        cmocka_unit_test(two_copies_are_noticed_within_as_many_reports_as_chance_says),
        cmocka_unit_test(a_machine_that_was_copied_while_it_ran_is_fenced_when_counters_go_back),
        cmocka_unit_test(without_instances_counters_decide),
    };
    return cmocka_run_group_tests_name("node_claim", tests, NULL, NULL);
}
