/*
 * The index is a cache: what it has forgotten is not lost when a log is compacted, nor what a
 * checkpoint does not name.  Holes are made by hand in the index of a volume that is open.
 */
#include "storaged/volume_state.h"
#include "tests/sim/volume_claims.h"

enum { HOUR_MS = 3600 * 1000 };

/* Names 1 to 12 in log 1, which is closed; the odd ones are trash. */
static void fill(struct volume_world *world)
{
    for (uint8_t name = 1; name <= 12; name++) {
        put(world, large_plan(name));
    }
    for (uint8_t name = 1; name <= 12; name += 2) {
        trash(world, large_plan(name), VOLUME_TRASH_DONE);
    }
    let_a_mark_be_written(world);
    reopen(world);
}

static void tidy_when_trash_is_over(struct volume_world *world)
{
    volume_world_age(world);
    volume_world_tidy(world);
}

static void forget(struct volume_world *world, uint8_t name)
{
    struct shard_plan plan = large_plan(name);
    struct shard_id id = plan_id(&plan);
    struct shard_probe probe = {0};
    struct shard_location at;
    assert_true(shard_index_next(world->volume->index, &id, &probe, &at));
    shard_index_remove(world->volume->index, &id, &at);
    get_refused(world, plan, HEARTH_NOT_FOUND);
}

static bool log_1_is_there(const struct volume_world *world)
{
    return sim_disk_file(world->sim, "log-00000001").size > 0;
}

static void even_ones_are_here(struct volume_world *world)
{
    for (uint8_t name = 2; name <= 12; name += 2) {
        is_here(world, large_plan(name), false);
    }
}

static void reopen_from_logs(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_kill(world);
    sim_disk_remove(world->sim, "index.0");
    sim_disk_remove(world->sim, "index.1");
    assert_ok(volume_world_open(world, &err), &err);
}

static void try_again(struct volume_world *world)
{
    test_env_step_ms(&world->env, HOUR_MS);
    volume_world_tidy(world);
}

static void a_shard_that_the_index_forgot_keeps_its_log_and_is_found_again(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    forget(world, 2);
    forget(world, 12);
    tidy_when_trash_is_over(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    assert_true(log_1_is_there(world));
    even_ones_are_here(world);
    reopen(world);
    even_ones_are_here(world);
    test_env_step_ms(&world->env, HOUR_MS);
    try_again(world);
    assert_false(log_1_is_there(world)); /* now that they were moved like the others */
    even_ones_are_here(world);
    reopen_from_logs(world);
    even_ones_are_here(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
}

/* Some of its shards are in newer logs: one of them may have been deleted there, and be over. */
static void a_stray_of_which_nobody_knows_whether_it_was_deleted_keeps_its_log(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    forget(world, 2);
    world->volume->logs[0]->has_ghosts = true;
    tidy_when_trash_is_over(world);
    try_again(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1); /* a day passes before the next attempt */
    assert_true(log_1_is_there(world));
    get_refused(world, large_plan(2), HEARTH_NOT_FOUND);
    reopen_from_logs(world);
    even_ones_are_here(world);
}

/* A bit, so many bytes after the beginning of the shard's footer. */
static void rot_beside_footer(
    struct volume_world *world, const struct shard_plan *plan, int64_t distance)
{
    struct shard_id id = plan_id(plan);
    struct shard_probe probe = {0};
    struct shard_location at;
    assert_true(shard_index_next(world->volume->index, &id, &probe, &at));
    sim_disk_flip(world->sim, "log-00000001", at.offset + (uint64_t)distance, 1);
}

static void a_stray_that_rots_is_kept_and_named(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    struct shard_plan plan = large_plan(2);
    rot_beside_footer(world, &plan, -400); /* in its last cells */
    forget(world, 2);
    tidy_when_trash_is_over(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    get_refused(world, plan, HEARTH_CHECKSUM);
    try_again(world);
    assert_true(world->events[VOLUME_SHARD_DAMAGED] > 0);
    assert_true(log_1_is_there(world));
}

/* Nothing of it can be read, but its bytes may be all there is of somebody's shard. */
static void a_stray_whose_footer_rots_keeps_its_log(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    struct shard_plan plan = large_plan(2);
    rot_beside_footer(world, &plan, RECORD_HEADER_SIZE + 4);
    forget(world, 2);
    tidy_when_trash_is_over(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1);
    try_again(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 1); /* a day passes before the next attempt */
    assert_true(log_1_is_there(world));
}

static void a_stray_that_was_stored_again_meanwhile_keeps_nothing(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    forget(world, 2);
    put(world, large_plan(2));
    tidy_when_trash_is_over(world);
    assert_int_equal(world->events[VOLUME_LOG_KEPT], 0);
    assert_false(log_1_is_there(world));
    even_ones_are_here(world);
}

static void a_log_that_a_checkpoint_leaves_out_is_read_again(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    fill(world);
    volume_log_remove(world->volume->logs[0]);
    volume_world_close(world);
    memset(world->events, 0, sizeof(world->events));
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 0);
    tidy_when_trash_is_over(world);
    even_ones_are_here(world);
}

/* The name of a log may come back, when the sync of its directory failed: it is not believed. */
static void a_log_that_was_unlinked_and_comes_back_counts_no_more(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    fill(world);
    struct view log = sim_disk_file(world->sim, "log-00000001");
    size_t size = log.size;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, log.bytes, size);
    tidy_when_trash_is_over(world);
    assert_false(log_1_is_there(world));
    volume_world_close(world);
    sim_disk_replace(world->sim, "log-00000001", bytes, size);
    free(bytes);
    assert_ok(volume_world_open(world, &err), &err);
    get_refused(world, large_plan(1), HEARTH_NOT_FOUND);
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    volume_world_tidy(world);
    assert_false(log_1_is_there(world));
    even_ones_are_here(world);
}

/* ---- beside a checkpoint ---- */

static void a_start_from_here_keeps_nothing(const struct volume_world *from)
{
    struct volume_world world;
    struct hearth_err err;
    volume_world_init_crashed(&world, from, SIM_KEEP_ALL, 1);
    world.env = from->env;
    assert_ok(volume_world_open(&world, &err), &err);
    assert_int_equal(world.events[VOLUME_RECORDS_ROTTED], 0);
    test_env_step_ms(&world.env, 2 * HOUR_MS);
    volume_world_tidy(&world);
    assert_int_equal(world.events[VOLUME_LOG_KEPT], 0);
    get_refused(&world, large_plan(1), HEARTH_NOT_FOUND);
    volume_world_fini(&world);
}

/* All of log 1 is purged; a checkpoint is being written at every moment of its compaction. */
static void a_checkpoint_meanwhile_tells_all_or_nothing(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    for (uint8_t name = 2; name <= 12; name += 2) {
        trash(world, large_plan(name), VOLUME_TRASH_DONE);
    }
    reopen(world);
    volume_world_age(world);
    volume_tidy(world->volume);
    unsigned checkpoints = 0;
    while (world->volume->compaction != NULL) {
        a_start_from_here_keeps_nothing(world);
        if (world->volume->checkpoint == NULL) {
            checkpoints++;
            volume_checkpoint_start(world->volume);
        }
        loop_run_once(world->loop);
        sim_disk_step(world->sim);
    }
    a_start_from_here_keeps_nothing(world);
    volume_world_settle(world);
    assert_true(checkpoints >= 3);
    assert_true(stats_of(world).compacted > 0);
}

/* With log 1 the last to go. */
static void tidy_but_log_1(struct volume_world *world)
{
    test_env_step_ms(&world->env, 2 * HOUR_MS);
    world->volume->logs[0]->not_before_ns = UINT64_MAX;
    volume_world_tidy(world);
    assert_true(log_1_is_there(world));
}

/* Also when the logs that knew of the deletions are gone, and only log 1 is there to ask. */
static void what_is_deleted_from_here_on_stays_deleted(const struct volume_world *from)
{
    struct volume_world world;
    struct hearth_err err;
    volume_world_init_crashed(&world, from, SIM_KEEP_ALL, 1);
    assert_ok(volume_world_open(&world, &err), &err);
    for (uint8_t name = 2; name <= 12; name += 2) {
        trash(&world, large_plan(name), VOLUME_TRASH_DONE);
    }
    volume_world_age(&world);
    tidy_but_log_1(&world);
    reopen(&world);
    tidy_but_log_1(&world);
    reopen_from_logs(&world);
    for (uint8_t name = 2; name <= 12; name += 2) {
        bool is_trash = false;
        struct shard_plan plan = large_plan(name);
        assert_true(volume_world_get(&world, &plan, &is_trash, &err) != HEARTH_OK || is_trash);
    }
    volume_world_fini(&world);
}

static void nothing_leaves_a_log_while_a_checkpoint_says_that_nothing_did(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    volume_world_age(world);
    uint64_t before = world->volume->checkpoint_generation;
    volume_checkpoint_start(world->volume);
    sim_disk_hold_newest(world->sim);
    volume_tidy(world->volume);
    for (unsigned second = 0; second < 60; second++) {
        volume_world_settle(world);
        test_env_step_ms(&world->env, 1000);
    }
    assert_non_null(world->volume->compaction);
    sim_disk_release(world->sim);
    while (world->volume->checkpoint_generation == before) {
        loop_run_once(world->loop);
        sim_disk_step(world->sim);
    }
    what_is_deleted_from_here_on_stays_deleted(world);
    volume_world_finish_moves(world);
    even_ones_are_here(world);
}

static void a_log_that_goes_leaves_no_checkpoint_behind_that_counts_on_it(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    fill(world);
    tidy_when_trash_is_over(world);
    assert_false(log_1_is_there(world));
    const char *newest = world->volume->checkpoint_generation % 2 == 0 ? "index.0" : "index.1";
    assert_true(sim_disk_file(world->sim, newest).size > 0);
    volume_world_kill(world);
    sim_disk_remove(world->sim, newest);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
    even_ones_are_here(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(a_shard_that_the_index_forgot_keeps_its_log_and_is_found_again),
        VOLUME_TEST(a_stray_of_which_nobody_knows_whether_it_was_deleted_keeps_its_log),
        VOLUME_TEST(a_stray_that_rots_is_kept_and_named),
        VOLUME_TEST(a_stray_whose_footer_rots_keeps_its_log),
        VOLUME_TEST(a_stray_that_was_stored_again_meanwhile_keeps_nothing),
        VOLUME_TEST(a_log_that_a_checkpoint_leaves_out_is_read_again),
        VOLUME_TEST(a_log_that_was_unlinked_and_comes_back_counts_no_more),
        VOLUME_TEST(a_checkpoint_meanwhile_tells_all_or_nothing),
        VOLUME_TEST(nothing_leaves_a_log_while_a_checkpoint_says_that_nothing_did),
        VOLUME_TEST(a_log_that_goes_leaves_no_checkpoint_behind_that_counts_on_it),
    };
    return cmocka_run_group_tests_name("volume_stray", tests, NULL, NULL);
}
