/*
 * The disk is full at one stage after the other, and has room again: each time it is a refusal that
 * says so, never a failure of the disk, and the next put needs no restart.  A disk that has become
 * read-only serves what it has.
 */
#include "tests/sim/volume_claims.h"

#include <errno.h>

/* The next `count` requests of this kind. */
static void fail_next(
    struct volume_world *world, enum disk_request request, uint64_t count, int error)
{
    struct sim_fault fault = {.kind = SIM_FAIL,
        .request = request,
        .nth = sim_disk_requests(world->sim, request),
        .count = count,
        .error = error};
    sim_disk_add_fault(world->sim, &fault);
}

static void goes_on(struct volume_world *world, struct shard_plan plan)
{
    sim_disk_heal(world->sim);
    put(world, plan);
    is_here(world, plan, false);
    assert_false(stats_of(world).read_only);
    assert_int_equal(world->events[VOLUME_READ_ONLY], 0);
}

/* Making the file, its first page, its room, its sync; the directory comes later. */
static void no_room_for_a_new_log_is_a_refusal_and_passes(void **state)
{
    struct volume_world *world = *state;
    static const enum disk_request stages[] = {DISK_CREATE, DISK_ALLOCATE, DISK_WRITE, DISK_SYNC};
    put(world, large_plan(1));
    for (uint8_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        reopen(world); /* the next put begins a log */
        fail_next(world, stages[i], 1, ENOSPC);
        put_refused(world, large_plan((uint8_t)(10 + i)), HEARTH_NO_SPACE);
        goes_on(world, large_plan((uint8_t)(10 + i)));
        is_here(world, large_plan(1), false);
    }
}

static void a_disk_that_fills_up_in_the_middle_of_a_shard_refuses_that_shard(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    for (uint8_t round = 0; round < 4; round++) {
        struct hearth_err err;
        struct shard_plan plan = large_plan((uint8_t)(10 + round));
        put(world, small_plan((uint8_t)(20 + round))); /* there is a log to write to */
        fail_next(world, DISK_WRITE, 1, ENOSPC);
        assert_int_equal(volume_world_put(world, &plan, &err), HEARTH_NO_SPACE);
        goes_on(world, plan);
    }
    kill_and_reopen(world);
    is_here(world, large_plan(1), false);
    for (uint8_t round = 0; round < 4; round++) {
        is_here(world, large_plan((uint8_t)(10 + round)), false);
        is_here(world, small_plan((uint8_t)(20 + round)), false);
    }
}

static void a_checkpoint_without_room_costs_a_scan_and_nothing_else(void **state)
{
    struct volume_world *world = *state;
    static const enum disk_request stages[] = {DISK_CREATE, DISK_WRITE, DISK_SYNC, DISK_RENAME};
    for (uint8_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        struct hearth_err err;
        put(world, large_plan((uint8_t)(1 + i)));
        let_a_mark_be_written(world);
        fail_next(world, stages[i], UINT64_MAX, ENOSPC);
        volume_world_close(world);
        sim_disk_heal(world->sim);
        assert_ok(volume_world_open(world, &err), &err);
        for (uint8_t name = 1; name <= 1 + i; name++) {
            is_here(world, large_plan(name), false);
        }
    }
    goes_on(world, large_plan(50));
}

/* What cannot be counted as a start is none; it is said, and the next attempt works. */
static void a_superblock_without_room_is_no_start(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, large_plan(1));
    volume_world_close(world);
    fail_next(world, DISK_WRITE, UINT64_MAX, ENOSPC);
    enum hearth_code code = volume_world_open(world, &err);
    assert_true(code == HEARTH_IO || code == HEARTH_NO_SPACE);
    assert_non_null(strstr(err.message, "superblock"));
    assert_non_null(strstr(err.message, "No space left on device"));
    sim_disk_heal(world->sim);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, large_plan(1), false);
    goes_on(world, large_plan(2));
}

/* A number that no log ever had is not reported: a start would seem to be of an older copy. */
static void a_log_that_could_not_be_made_does_not_count(void **state)
{
    struct volume_world *world = *state;
    struct volume_identity before;
    struct volume_identity after;
    put(world, large_plan(1));
    reopen(world);
    fail_next(world, DISK_CREATE, UINT64_MAX, ENOSPC);
    put_refused(world, large_plan(2), HEARTH_NO_SPACE);
    put_refused(world, large_plan(2), HEARTH_NO_SPACE);
    volume_identity(world->volume, &before);
    sim_disk_heal(world->sim);
    kill_and_reopen(world);
    volume_identity(world->volume, &after);
    assert_true(after.sequence >= before.sequence);
}

/* ---- read-only ---- */

static void become_read_only(struct volume_world *world)
{
    static const enum disk_request changes[] = {
        DISK_CREATE, DISK_WRITE, DISK_ALLOCATE, DISK_RENAME, DISK_UNLINK};
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        fail_next(world, changes[i], UINT64_MAX, EROFS);
    }
}

static void a_read_only_disk_is_not_opened_and_says_why(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, large_plan(1));
    volume_world_close(world);
    become_read_only(world);
    assert_int_equal(volume_world_open(world, &err), HEARTH_IO);
    assert_non_null(strstr(err.message, "Read-only file system"));
    sim_disk_heal(world->sim);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, large_plan(1), false);
}

static void a_disk_that_becomes_read_only_serves_what_it_has(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    let_a_mark_be_written(world);
    become_read_only(world);
    for (uint8_t name = 2; name < 5; name++) {
        put_refused(world, large_plan(name), HEARTH_IO);
        is_here(world, large_plan(1), false);
    }
    volume_world_settle(world);
    assert_true(stats_of(world).read_only);
    assert_int_equal(world->events[VOLUME_READ_ONLY], 1);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0); /* nobody is blamed for it */
    is_here(world, large_plan(1), false);
    sim_disk_heal(world->sim);
    kill_and_reopen(world);
    is_here(world, large_plan(1), false);
    put(world, large_plan(2));
    assert_false(stats_of(world).read_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(no_room_for_a_new_log_is_a_refusal_and_passes),
        VOLUME_TEST(a_disk_that_fills_up_in_the_middle_of_a_shard_refuses_that_shard),
        VOLUME_TEST(a_checkpoint_without_room_costs_a_scan_and_nothing_else),
        VOLUME_TEST(a_superblock_without_room_is_no_start),
        VOLUME_TEST(a_log_that_could_not_be_made_does_not_count),
        VOLUME_TEST(a_read_only_disk_is_not_opened_and_says_why),
        VOLUME_TEST(a_disk_that_becomes_read_only_serves_what_it_has),
    };
    return cmocka_run_group_tests_name("volume_room", tests, NULL, NULL);
}
