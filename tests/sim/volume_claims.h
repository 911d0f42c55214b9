/*
 * volume_claims.h - claims about a volume in one line, for tests that tell a story.
 */
#ifndef HEARTH_TESTS_SIM_VOLUME_CLAIMS_H
#define HEARTH_TESTS_SIM_VOLUME_CLAIMS_H

#include "tests/lib/test.h"
#include "tests/sim/volume_world.h"

#include <stdlib.h>

/* Fixtures: *state is a volume_world whose volume is open. */
static inline int volume_setup(void **state)
{
    struct hearth_err err;
    struct volume_world *world = malloc(sizeof(*world));
    assert_non_null(world);
    volume_world_init(world, 7);
    assert_ok(volume_world_open(world, &err), &err);
    *state = world;
    return 0;
}

static inline int volume_teardown(void **state)
{
    struct volume_world *world = *state;
    volume_world_fini(world);
    free(world);
    return 0;
}

#define VOLUME_TEST(claim) cmocka_unit_test_setup_teardown(claim, volume_setup, volume_teardown)

static inline struct shard_plan small_plan(uint8_t name)
{
    return (struct shard_plan){
        .name = name, .content = 1, .cell_count = 1, .cell_size = 700, .last_cell_size = 700};
}

static inline struct shard_plan large_plan(uint8_t name)
{
    return (struct shard_plan){
        .name = name, .content = 1, .cell_count = 14, .cell_size = 700, .last_cell_size = 64};
}

static inline void put(struct volume_world *world, struct shard_plan plan)
{
    struct hearth_err err;
    assert_ok(volume_world_put(world, &plan, &err), &err);
}

static inline void put_refused(
    struct volume_world *world, struct shard_plan plan, enum hearth_code code)
{
    struct hearth_err err;
    assert_int_equal(volume_world_put(world, &plan, &err), code);
}

/* Large shards from 1 on, until one finds no space: its name. */
static inline uint8_t fill_up(struct volume_world *world)
{
    struct hearth_err err;
    uint8_t name = 1;
    struct shard_plan plan = large_plan(name);
    while (volume_world_put(world, &plan, &err) == HEARTH_OK) {
        plan = large_plan(++name);
    }
    assert_int_equal(err.code, HEARTH_NO_SPACE);
    return name;
}

static inline void is_here(struct volume_world *world, struct shard_plan plan, bool as_trash)
{
    struct hearth_err err;
    bool trashed;
    assert_ok(volume_world_get(world, &plan, &trashed, &err), &err);
    assert_int_equal(trashed, as_trash);
}

static inline void get_refused(
    struct volume_world *world, struct shard_plan plan, enum hearth_code code)
{
    struct hearth_err err;
    bool trashed;
    assert_int_equal(volume_world_get(world, &plan, &trashed, &err), code);
}

static inline void trash(
    struct volume_world *world, struct shard_plan plan, enum volume_trash_outcome expected)
{
    struct hearth_err err;
    enum volume_trash_outcome outcome;
    assert_ok(volume_world_trash(world, &plan, &outcome, &err), &err);
    assert_int_equal(outcome, expected);
}

static inline void reopen(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_close(world);
    assert_ok(volume_world_open(world, &err), &err);
}

static inline void kill_and_reopen(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_kill(world);
    assert_ok(volume_world_open(world, &err), &err);
}

static inline struct volume_stats stats_of(const struct volume_world *world)
{
    struct volume_stats stats;
    volume_stats(world->volume, &stats);
    return stats;
}

static inline struct volume_put *begin(struct volume_world *world, struct shard_plan plan)
{
    struct hearth_err err;
    struct volume_put *open;
    struct volume_put_request request = plan_request(&plan);
    assert_ok(volume_world_begin(world, &request, &open, &err), &err);
    return open;
}

/* Time for the mark that vouches for the last batch. */
static inline void let_a_mark_be_written(struct volume_world *world)
{
    volume_world_settle(world);
    test_env_step_ms(&world->env, 2000);
    volume_world_settle(world);
}

#endif /* HEARTH_TESTS_SIM_VOLUME_CLAIMS_H */
