/*
 * Every shard is verified again and again, nobody waits for it, and an idle disk stays idle.
 */
#include "tests/sim/volume_claims.h"

enum { HOUR_MS = 3600 * 1000, DAYS = 30 };

/* One hour, in which whatever is due is done. */
static void let_an_hour_pass(struct volume_world *world)
{
    uint64_t end_ns = env_now_ns(&world->env.env) + HOUR_MS * UINT64_C(1000000);
    volume_world_settle(world);
    while (loop_next_deadline_ns(world->loop) <= end_ns) {
        uint64_t now_ns = env_now_ns(&world->env.env);
        uint64_t next_ns = loop_next_deadline_ns(world->loop);
        test_env_step_ms(&world->env, next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 0);
        volume_world_settle(world);
    }
    uint64_t now_ns = env_now_ns(&world->env.env);
    test_env_step_ms(&world->env, now_ns < end_ns ? (end_ns - now_ns) / 1000000 + 1 : 0);
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
}

static void let_days_pass(struct volume_world *world, unsigned days)
{
    for (unsigned hour = 0; hour < days * 24; hour++) {
        let_an_hour_pass(world);
    }
}

/* Two closed logs and one that is written to; none of them is worth compacting. */
static void fill(struct volume_world *world)
{
    world->options.allocate_bytes = 256 * 1024;
    reopen(world);
    put(world, large_plan(1));
    reopen(world);
    put(world, large_plan(2));
    put(world, small_plan(3));
    trash(world, small_plan(3), VOLUME_TRASH_DONE);
    reopen(world);
    put(world, large_plan(4));
    volume_world_settle(world);
}

static void all_logs_are_verified_within_thirty_days(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    uint32_t logs = stats_of(world).logs;
    let_days_pass(world, DAYS);
    assert_true(stats_of(world).scrubbed >= logs);
    uint64_t scrubbed = stats_of(world).scrubbed;
    let_days_pass(world, DAYS);
    assert_true(stats_of(world).scrubbed >= scrubbed + stats_of(world).logs);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
}

static void rot_is_found_though_nobody_reads(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    let_days_pass(world, 2);
    struct view log = sim_disk_file(world->sim, "log-00000001");
    assert_true(log.size > 0);
    sim_disk_flip(world->sim, "log-00000001", 4096 + 64 + 1000, 1); /* in the cells of shard 1 */
    let_days_pass(world, DAYS);
    assert_true(world->events[VOLUME_SHARD_DAMAGED] >= 1);
    get_refused(world, large_plan(1), HEARTH_CHECKSUM);
    is_here(world, large_plan(2), false);
}

static void an_idle_disk_is_not_touched_between_two_scrubs(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    let_days_pass(world, 2);
    uint64_t reads = sim_disk_requests(world->sim, DISK_READ);
    uint64_t writes = sim_disk_requests(world->sim, DISK_WRITE);
    let_days_pass(world, 5);
    assert_int_equal(sim_disk_requests(world->sim, DISK_READ), reads);
    assert_int_equal(sim_disk_requests(world->sim, DISK_WRITE), writes);
}

static void a_restart_does_not_start_over(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    let_days_pass(world, 3);
    assert_true(stats_of(world).scrubbed > 0);
    kill_and_reopen(world);
    uint64_t reads = sim_disk_requests(world->sim, DISK_READ);
    let_days_pass(world, 2);
    assert_int_equal(stats_of(world).scrubbed, 0);
    assert_int_equal(sim_disk_requests(world->sim, DISK_READ), reads);
}

static void it_reads_nothing_while_clients_are_there(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    struct volume_put *open = begin(world, large_plan(9));
    let_days_pass(world, 1);
    assert_true(stats_of(world).is_scrubbing);
    assert_int_equal(stats_of(world).scrubbed, 0);
    volume_put_abort(open);
    let_days_pass(world, 1);
    assert_true(stats_of(world).scrubbed > 0);
}

static void a_scrub_under_way_does_not_keep_a_volume_from_closing(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    struct volume_put *open = begin(world, large_plan(9));
    let_an_hour_pass(world);
    assert_true(stats_of(world).is_scrubbing);
    volume_put_abort(open);
    reopen(world);
    is_here(world, large_plan(1), false);
    struct volume_put *second = begin(world, large_plan(10));
    let_an_hour_pass(world);
    assert_true(stats_of(world).is_scrubbing); /* and as after a SIGKILL */
    volume_put_abort(second);
}

static void a_checkpoint_is_an_hour_old_at_most(void **state)
{
    struct volume_world *world = *state;
    put(world, small_plan(1));
    assert_int_equal(sim_disk_file(world->sim, "index.1").size, 0);
    let_an_hour_pass(world);
    let_an_hour_pass(world);
    assert_true(sim_disk_file(world->sim, "index.1").size > 0);
    kill_and_reopen(world);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 0);
    is_here(world, small_plan(1), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(all_logs_are_verified_within_thirty_days),
        VOLUME_TEST(rot_is_found_though_nobody_reads),
        VOLUME_TEST(an_idle_disk_is_not_touched_between_two_scrubs),
        VOLUME_TEST(a_restart_does_not_start_over),
        VOLUME_TEST(it_reads_nothing_while_clients_are_there),
        VOLUME_TEST(a_scrub_under_way_does_not_keep_a_volume_from_closing),
        VOLUME_TEST(a_checkpoint_is_an_hour_old_at_most),
    };
    return cmocka_run_group_tests_name("volume_scrub", tests, NULL, NULL);
}
