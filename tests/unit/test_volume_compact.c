/*
 * What nobody needs leaves the disk, and nothing else does.
 *
 * The worlds here have logs of 256 KiB; a large shard takes 10 KiB, so a log holds some twenty.
 */
#include "tests/sim/volume_claims.h"

#include "storaged/shard_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* Names [first, end): everything in at least one closed log. */
static void put_many(struct volume_world *world, uint8_t first, uint8_t end)
{
    for (uint8_t name = first; name < end; name++) {
        put(world, large_plan(name));
    }
}

static void trash_many(struct volume_world *world, uint8_t first, uint8_t end, uint8_t step)
{
    for (unsigned name = first; name < end; name += step) {
        trash(world, large_plan((uint8_t)name), VOLUME_TRASH_DONE);
    }
}

static void are_here(struct volume_world *world, uint8_t first, uint8_t end, uint8_t step)
{
    for (unsigned name = first; name < end; name += step) {
        is_here(world, large_plan((uint8_t)name), false);
    }
}

static void are_gone(struct volume_world *world, uint8_t first, uint8_t end, uint8_t step)
{
    for (unsigned name = first; name < end; name += step) {
        get_refused(world, large_plan((uint8_t)name), HEARTH_NOT_FOUND);
    }
}

static void used_is_what_is_there(struct volume_world *world)
{
    assert_int_equal(stats_of(world).used_bytes, sim_disk_used(world->sim));
}

static void nothing_is_damaged(const struct volume_world *world)
{
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 0);
}

/* Neither checkpoint is of use: the index comes from the logs. */
static void reopen_from_logs(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_kill(world);
    sim_disk_remove(world->sim, "index.0");
    sim_disk_remove(world->sim, "index.1");
    assert_ok(volume_world_open(world, &err), &err);
}

/* ---- purge ---- */

static void trash_is_purged_after_seven_days_and_its_bytes_are_free(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 41);
    reopen(world);
    uint64_t before = stats_of(world).used_bytes;
    trash_many(world, 1, 41, 2);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted >= 2);
    assert_true(stats_of(world).used_bytes < before * 3 / 4);
    assert_int_equal(stats_of(world).shards, 20);
    assert_int_equal(stats_of(world).trashed, 0);
    used_is_what_is_there(world);
    are_here(world, 2, 41, 2);
    are_gone(world, 1, 41, 2);
    reopen(world);
    are_here(world, 2, 41, 2);
    are_gone(world, 1, 41, 2);
    reopen_from_logs(world);
    are_here(world, 2, 41, 2);
    are_gone(world, 1, 41, 2);
    nothing_is_damaged(world);
    used_is_what_is_there(world);
}

static void younger_trash_is_moved_and_stays_readable(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 31);
    trash_many(world, 1, 21, 1);
    test_env_step_ms(&world->env, 2 * (uint64_t)DAY_MS);
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
    trash_many(world, 21, 26, 1);
    reopen(world);
    test_env_step_ms(&world->env, 6 * (uint64_t)DAY_MS);
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > 0);
    for (uint8_t name = 21; name < 26; name++) {
        is_here(world, large_plan(name), true);
        put_refused(world, large_plan(name), HEARTH_TRASHED);
    }
    reopen_from_logs(world);
    for (uint8_t name = 21; name < 26; name++) {
        is_here(world, large_plan(name), true);
    }
    are_here(world, 26, 31, 1);
    volume_world_age(world); /* and its days go on counting from when it was deleted */
    volume_world_tidy(world);
    are_gone(world, 1, 26, 1);
    are_here(world, 26, 31, 1);
}

/* Whether the trash is purged when the clock says so. */
static bool purges(struct volume_world *world)
{
    volume_world_tidy(world);
    return stats_of(world).trashed == 0;
}

static void fill_with_old_trash(struct volume_world *world)
{
    put_many(world, 1, 21);
    trash_many(world, 1, 21, 1);
    let_a_mark_be_written(world);
    reopen(world);
}

static void nothing_is_purged_before_the_time_is_known(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    fill_with_old_trash(world);
    volume_world_close(world);
    test_env_step_ms(&world->env, 30 * (uint64_t)DAY_MS);
    assert_ok(volume_open_blocking(&world->options, &world->volume, &err), &err);
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    assert_false(purges(world));
    is_here(world, large_plan(1), true);
    struct shard_plan plan = large_plan(2);
    enum volume_trash_outcome outcome;
    assert_int_equal(volume_world_trash(world, &plan, &outcome, &err), HEARTH_NOT_READY);
}

static void nothing_is_purged_while_the_clock_is_behind_what_was_seen(void **state)
{
    struct volume_world *world = *state;
    fill_with_old_trash(world);
    uint64_t now = env_unix_ms(&world->env.env);
    volume_learn_time(world->volume, now - 2 * (uint64_t)DAY_MS);
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    assert_false(purges(world)); /* modulo 15, trash of the day after tomorrow looks 13 days old */
    volume_learn_time(world->volume, now + 9 * (uint64_t)DAY_MS);
    assert_false(purges(world)); /* it has just jumped */
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    assert_true(purges(world));
    are_gone(world, 1, 21, 1);
}

static void trash_of_any_age_up_to_seven_days_is_kept(void **state)
{
    struct volume_world *world = *state;
    fill_with_old_trash(world);
    for (unsigned hours = 0; hours < 7 * 24; hours += 5) {
        assert_false(purges(world));
        is_here(world, large_plan(7), true);
        test_env_step_ms(&world->env, 5 * HOUR_MS);
        volume_learn_time(world->volume, env_unix_ms(&world->env.env));
    }
    test_env_step_ms(&world->env, (uint64_t)DAY_MS);
    reopen(world); /* it was moved on, and the log it lies in now is closed */
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    assert_true(purges(world));
    are_gone(world, 1, 21, 1);
}

/* ---- ids do not come back ---- */

static void bars_are_moved_while_they_are_young_and_dropped_afterwards(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 21);
    trash_many(world, 1, 21, 1);
    volume_world_age(world);
    trash(world, small_plan(99), VOLUME_TRASH_BARRED);
    reopen(world);
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > 0);
    assert_int_equal(stats_of(world).barred, 1);
    put_refused(world, small_plan(99), HEARTH_TRASHED);
    reopen_from_logs(world);
    put_refused(world, small_plan(99), HEARTH_TRASHED);
    put(world, large_plan(50));
    volume_world_age(world);
    reopen(world);
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    volume_world_tidy(world);
    assert_int_equal(stats_of(world).barred, 0);
    is_here(world, large_plan(50), false);
}

/* The log with the tombstones goes before the log with the shards. */
static void a_tombstone_outlives_its_log_while_the_shard_is_somewhere(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 9);
    reopen(world);
    trash(world, large_plan(1), VOLUME_TRASH_DONE);
    put_many(world, 21, 31);
    trash_many(world, 21, 31, 1);
    world->options.allocate_bytes =
        200 * 1024; /* so much must be dead: but for one, log 1 is not */
    reopen(world);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > 0);
    assert_true(sim_disk_file(world->sim, "log-00000001").size > 0);
    assert_int_equal(sim_disk_file(world->sim, "log-00000002").size, 0);
    reopen_from_logs(world);
    is_here(world, large_plan(1), true); /* found again, and still trash */
    put_refused(world, large_plan(1), HEARTH_TRASHED);
    are_here(world, 2, 9, 1);
}

/*
 * Log 1 is kept for its damage, so all tombstones are carried; but one that nobody was told of, in
 * a log that failed, must not become true by being carried.
 */
static void a_delete_that_failed_is_not_carried(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct shard_plan plan = large_plan(1);
    enum volume_trash_outcome outcome;
    put_many(world, 1, 9);
    trash_many(world, 2, 9, 2);
    reopen(world);
    sim_disk_flip(world->sim, "log-00000001", 4096 + 64 + 1000, 1); /* in the cells of shard 1 */
    volume_world_age(world);
    volume_world_tidy(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    plan = large_plan(3);
    struct sim_fault fault = {.kind = SIM_FAIL,
        .request = DISK_WRITE,
        .nth = sim_disk_requests(world->sim, DISK_WRITE),
        .count = 1,
        .error = EIO};
    sim_disk_add_fault(world->sim, &fault);
    assert_int_equal(volume_world_trash(world, &plan, &outcome, &err), HEARTH_IO);
    volume_world_finish_moves(world);
    is_here(world, large_plan(3), false);
    uint64_t compacted = stats_of(world).compacted;
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > compacted); /* the log that failed is gone */
    reopen_from_logs(world);
    is_here(world, large_plan(3), false);
}

/* ---- readers ---- */

static void a_reader_keeps_what_it_holds(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 21);
    trash_many(world, 1, 21, 2);
    reopen(world);
    struct plain_wait wait;
    struct shard_plan plan = large_plan(2);
    struct shard_id id = plan_id(&plan);
    struct volume_get *get = volume_get_open(world->volume, &id, plain_wait(&wait));
    volume_world_run_until(world, &wait.done);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > 0);
    assert_int_equal(sim_disk_file(world->sim, "log-00000001").size, 0);
    uint64_t held = stats_of(world).used_bytes;
    assert_true(held > sim_disk_used(world->sim)); /* the file has no name, but is still there */
    volume_get_close(get);
    volume_world_settle(world);
    used_is_what_is_there(world);
    is_here(world, plan, false);
}

/* ---- room ---- */

static void a_full_volume_is_compacted(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    volume_world_close(world);
    world->options.capacity_bytes = 1024 * 1024;
    assert_ok(volume_world_open(world, &err), &err);
    uint8_t name = fill_up(world);
    trash_many(world, 1, name, 2);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted >= 2);
    assert_true(stats_of(world).used_bytes <= world->options.capacity_bytes);
    used_is_what_is_there(world);
    for (uint8_t more = 0; more < name / 3; more++) {
        put(world, large_plan((uint8_t)(150 + more)));
    }
    are_here(world, 2, name, 2);
    nothing_is_damaged(world);
}

static void a_full_disk_gets_its_dead_logs_back(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put_many(world, 1, 61);
    reopen(world);
    sim_disk_set_capacity(world->sim, sim_disk_used(world->sim));
    struct shard_plan plan = large_plan(100);
    assert_int_equal(volume_world_put(world, &plan, &err), HEARTH_NO_SPACE);
    sim_disk_set_capacity(world->sim, sim_disk_used(world->sim) + 512 * 1024);
    trash_many(world, 1, 61, 1);
    sim_disk_set_capacity(world->sim, sim_disk_used(world->sim));
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted >= 2);
    put(world, plan);
    reopen_from_logs(world);
    is_here(world, plan, false);
}

static void what_an_unclean_start_left_allocated_is_reclaimed(void **state)
{
    struct volume_world *world = *state;
    world->options.allocate_bytes = 64 * 1024;
    for (uint8_t name = 1; name <= 8; name++) {
        kill_and_reopen(world);
        put(world, small_plan(name));
    }
    reopen(world);
    uint64_t before = stats_of(world).used_bytes;
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted >= 7);
    assert_true(stats_of(world).used_bytes < before / 3);
    for (uint8_t name = 1; name <= 8; name++) {
        is_here(world, small_plan(name), false);
    }
    used_is_what_is_there(world);
    reopen_from_logs(world);
    for (uint8_t name = 1; name <= 8; name++) {
        is_here(world, small_plan(name), false);
    }
}

static void a_small_volume_closes_the_log_it_writes_to_when_that_is_dead(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 16);
    trash_many(world, 1, 16, 1);
    volume_world_age(world);
    volume_world_tidy(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted >= 1);
    put(world, large_plan(50));
    is_here(world, large_plan(50), false);
}

/* ---- rot ---- */

static void a_rotten_shard_is_kept_where_it_is_and_named(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 21);
    trash_many(world, 1, 21, 2);
    reopen(world);
    volume_world_age(world);
    sim_disk_flip(world->sim, "log-00000001", 4096 + 10240 + 20000, 1); /* in somebody's cells */
    volume_world_tidy(world);
    unsigned damaged = world->events[VOLUME_SHARD_DAMAGED];
    if (damaged == 0) {
        return; /* it was trash that is purged */
    }
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    assert_true(sim_disk_file(world->sim, "log-00000001").size > 0);
    unsigned unreadable = 0;
    for (uint8_t name = 2; name < 21; name += 2) {
        struct hearth_err err;
        bool is_trash;
        struct shard_plan plan = large_plan(name);
        enum hearth_code code = volume_world_get(world, &plan, &is_trash, &err);
        assert_true(code == HEARTH_OK || code == HEARTH_CHECKSUM);
        unreadable += code != HEARTH_OK;
    }
    assert_int_equal(unreadable, 1);
}

static void every_rotten_place_of_a_log_is_kept_or_was_dead(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 13);
    trash_many(world, 1, 13, 2);
    reopen(world);
    volume_world_age(world);
    size_t size = sim_disk_file(world->sim, "log-00000001").size;
    for (size_t at = 4096; at < size; at += 1237) {
        struct volume_world copy;
        struct hearth_err err;
        volume_world_init_crashed(&copy, world, SIM_KEEP_ALL, 1);
        sim_disk_flip(copy.sim, "log-00000001", at, 16);
        copy.env = world->env;
        assert_ok(volume_world_open(&copy, &err), &err);
        test_env_step_ms(&copy.env, 2 * HOUR_MS);
        volume_world_tidy(&copy);
        unsigned unreadable = 0;
        for (uint8_t name = 2; name < 13; name += 2) {
            bool is_trash;
            struct shard_plan plan = large_plan(name);
            enum hearth_code code = volume_world_get(&copy, &plan, &is_trash, &err);
            assert_true(code == HEARTH_OK || code == HEARTH_CHECKSUM);
            unreadable += code != HEARTH_OK;
        }
        assert_true(unreadable <= 1);
        bool is_kept = sim_disk_file(copy.sim, "log-00000001").size > 0;
        assert_true(unreadable == 0 || (is_kept && copy.events[VOLUME_SHARD_DAMAGED] > 0));
        volume_world_fini(&copy);
    }
}

/* A write of the compaction is answered, and never reaches the disk. */
static bool lies_once(const struct volume_world *from, uint64_t nth)
{
    struct volume_world world;
    struct hearth_err err;
    volume_world_init_crashed(&world, from, SIM_KEEP_ALL, 1);
    assert_ok(volume_world_open(&world, &err), &err);
    test_env_step_ms(&world.env, 2 * HOUR_MS);
    uint64_t before = sim_disk_requests(world.sim, DISK_WRITE);
    struct sim_fault fault = {
        .kind = SIM_DROPPED, .request = DISK_WRITE, .nth = before + nth, .count = 1};
    sim_disk_add_fault(world.sim, &fault);
    volume_world_tidy(&world);
    bool has_lied = sim_disk_requests(world.sim, DISK_WRITE) > before + nth;
    volume_world_crash(&world, SIM_DROP_ALL, 1);
    bool is_kept = sim_disk_file(world.sim, "log-00000001").size > 0;
    assert_ok(volume_world_open(&world, &err), &err);
    for (uint8_t name = 2; name < 13 && !is_kept; name += 2) {
        is_here(&world, large_plan(name), false);
    }
    volume_world_fini(&world);
    return has_lied;
}

static void a_copy_that_does_not_read_back_is_not_believed(void **state)
{
    struct volume_world *world = *state;
    put_many(world, 1, 13);
    trash_many(world, 1, 13, 2);
    reopen(world);
    volume_world_age(world);
    uint64_t nth = 0;
    while (lies_once(world, nth)) {
        nth++;
    }
    assert_true(nth > 6);
}

/* ---- files that are not ours ---- */

static void a_file_that_is_no_log_of_ours_is_never_removed(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put_many(world, 1, 21);
    trash_many(world, 1, 21, 1);
    volume_world_close(world);
    struct view log = sim_disk_file(world->sim, "log-00000001");
    sim_disk_replace(world->sim, "log-00000009", log.bytes, log.size);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 1);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_int_equal(sim_disk_file(world->sim, "log-00000001").size, 0);
    assert_true(sim_disk_file(world->sim, "log-00000009").size > 0);
    reopen(world);
    volume_world_tidy(world);
    assert_true(sim_disk_file(world->sim, "log-00000009").size > 0);
}

static uint8_t *copy_of(const struct volume_world *world, const char *name, size_t *size)
{
    struct view file = sim_disk_file(world->sim, name);
    uint8_t *bytes = malloc(file.size + 1);
    assert_non_null(bytes);
    memcpy(bytes, file.bytes, file.size);
    *size = file.size;
    return bytes;
}

static void checkpoints_of_another_generation_are_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint8_t *old[2];
    size_t sizes[2];
    put_many(world, 1, 31);
    reopen(world);
    reopen(world);
    old[0] = copy_of(world, "index.0", &sizes[0]);
    old[1] = copy_of(world, "index.1", &sizes[1]);
    trash_many(world, 1, 31, 2);
    volume_world_age(world);
    volume_world_tidy(world);
    assert_true(stats_of(world).compacted > 0);
    put(world, large_plan(100));
    volume_world_close(world);
    sim_disk_replace(world->sim, "index.0", old[0], sizes[0]);
    sim_disk_replace(world->sim, "index.1", old[1], sizes[1]);
    free(old[0]);
    free(old[1]);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 1);
    are_here(world, 2, 31, 2);
    are_gone(world, 1, 31, 2);
    is_here(world, large_plan(100), false);
    assert_int_equal(stats_of(world).shards, 16);
}

static void a_checkpoint_under_the_name_of_the_other_is_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, small_plan(1));
    reopen(world);
    put(world, small_plan(2));
    volume_world_close(world);
    struct view other = sim_disk_file(world->sim, "index.1");
    sim_disk_replace(world->sim, "index.0", other.bytes, other.size);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, small_plan(1), false);
    is_here(world, small_plan(2), false);
    assert_int_equal(stats_of(world).shards, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(trash_is_purged_after_seven_days_and_its_bytes_are_free),
        VOLUME_TEST(younger_trash_is_moved_and_stays_readable),
        VOLUME_TEST(nothing_is_purged_before_the_time_is_known),
        VOLUME_TEST(nothing_is_purged_while_the_clock_is_behind_what_was_seen),
        VOLUME_TEST(trash_of_any_age_up_to_seven_days_is_kept),
        VOLUME_TEST(bars_are_moved_while_they_are_young_and_dropped_afterwards),
        VOLUME_TEST(a_tombstone_outlives_its_log_while_the_shard_is_somewhere),
        VOLUME_TEST(a_delete_that_failed_is_not_carried),
        VOLUME_TEST(a_reader_keeps_what_it_holds),
        VOLUME_TEST(a_full_volume_is_compacted),
        VOLUME_TEST(a_full_disk_gets_its_dead_logs_back),
        VOLUME_TEST(what_an_unclean_start_left_allocated_is_reclaimed),
        VOLUME_TEST(a_small_volume_closes_the_log_it_writes_to_when_that_is_dead),
        VOLUME_TEST(a_rotten_shard_is_kept_where_it_is_and_named),
        VOLUME_TEST(every_rotten_place_of_a_log_is_kept_or_was_dead),
        VOLUME_TEST(a_copy_that_does_not_read_back_is_not_believed),
        VOLUME_TEST(a_file_that_is_no_log_of_ours_is_never_removed),
        VOLUME_TEST(checkpoints_of_another_generation_are_refused),
        VOLUME_TEST(a_checkpoint_under_the_name_of_the_other_is_refused),
    };
    return cmocka_run_group_tests_name("volume_compact", tests, NULL, NULL);
}
