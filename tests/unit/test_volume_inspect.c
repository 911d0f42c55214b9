/*
 * Inspecting a volume: everything in it is counted, everything damaged in it is found, and not a
 * byte of it changes; also what a person may do to its files by mistake.
 */
#include "storaged/inspect.h"
#include "storaged/volume_inspect.h"
#include "tests/sim/volume_claims.h"

#include <stdlib.h>
#include <string.h>

static const char log_file[] = "log-00000001";

static void count_damage(void *context, const struct volume_event *event)
{
    unsigned *kinds = context;
    kinds[event->kind]++;
}

struct look {
    struct volume_inspection inspection;
    unsigned kinds[VOLUME_EVENT_KINDS];
};

/* The volume is closed. */
static void look(struct volume_world *world, struct look *look)
{
    struct hearth_err err;
    *look = (struct look){0};
    look->inspection = (struct volume_inspection){.disk = world->options.disk,
        .loop = world->loop,
        .on_event = count_damage,
        .context = look->kinds};
    uint64_t writes = sim_disk_requests(world->sim, DISK_WRITE);
    uint64_t creations = sim_disk_requests(world->sim, DISK_CREATE);
    assert_ok(volume_inspect_blocking(&look->inspection, &err), &err);
    assert_int_equal(sim_disk_requests(world->sim, DISK_WRITE), writes);
    assert_int_equal(sim_disk_requests(world->sim, DISK_CREATE), creations);
    assert_int_equal(sim_disk_requests(world->sim, DISK_UNLINK), 0);
}

static void fill(struct volume_world *world)
{
    put(world, small_plan(1));
    put(world, large_plan(2));
    put(world, small_plan(3));
    trash(world, small_plan(3), VOLUME_TRASH_DONE);
    trash(world, small_plan(4), VOLUME_TRASH_BARRED);
    let_a_mark_be_written(world);
}

static void a_volume_is_counted_and_left_alone(void **state)
{
    struct volume_world *world = *state;
    struct look seen;
    fill(world);
    struct volume_stats stats = stats_of(world);
    volume_world_close(world);
    look(world, &seen);
    const struct inspected_log *total = &seen.inspection.total;
    assert_int_equal(total->live, 2);
    assert_int_equal(total->trashed, 1);
    assert_int_equal(total->barred, 1);
    assert_int_equal(total->live_bytes, stats.live_bytes);
    assert_int_equal(total->trash_bytes, stats.trash_bytes);
    assert_int_equal(total->bytes, sim_disk_file(world->sim, log_file).size);
    assert_int_equal(total->dead_bytes, total->bytes - total->live_bytes - total->trash_bytes);
    assert_int_equal(total->damage, 0);
    assert_false(seen.inspection.is_index_rebuilt);
    assert_int_equal(seen.inspection.log_count, 1);
    volume_inspection_fini(&seen.inspection);
}

static void a_killed_volume_is_read_from_its_logs(void **state)
{
    struct volume_world *world = *state;
    struct look seen;
    fill(world);
    volume_world_kill(world);
    look(world, &seen);
    assert_int_equal(seen.inspection.total.live, 2);
    assert_int_equal(seen.inspection.total.damage, 0);
    volume_inspection_fini(&seen.inspection);
}

static void every_rotten_cell_is_found(void **state)
{
    struct volume_world *world = *state;
    struct look seen;
    fill(world);
    volume_world_close(world);
    for (uint64_t at = 4096 + 64; at < 4096 + 64 + 700; at += 97) { /* the cell of the first */
        sim_disk_flip(world->sim, log_file, at, 4);
        look(world, &seen);
        assert_int_equal(seen.kinds[VOLUME_SHARD_DAMAGED], 1);
        assert_int_equal(seen.inspection.total.damage, 1);
        assert_int_equal(seen.inspection.logs[0].damage, 1);
        volume_inspection_fini(&seen.inspection);
        sim_disk_flip(world->sim, log_file, at, 4);
    }
}

static void a_superblock_copy_that_is_gone_is_said_and_mended_by_the_next_start(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct look seen;
    fill(world);
    volume_world_close(world);
    sim_disk_remove(world->sim, "superblock.1");
    look(world, &seen);
    assert_int_equal(seen.inspection.superblocks[0], HEARTH_OK);
    assert_int_equal(seen.inspection.superblocks[1], HEARTH_NOT_FOUND);
    assert_int_equal(seen.inspection.total.live, 2);
    volume_inspection_fini(&seen.inspection);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, large_plan(2), false);
    volume_world_close(world);
    look(world, &seen);
    assert_int_equal(seen.inspection.superblocks[1], HEARTH_OK);
    volume_inspection_fini(&seen.inspection);
}

static void without_a_superblock_it_is_no_volume(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    fill(world);
    volume_world_close(world);
    sim_disk_remove(world->sim, "superblock.0");
    sim_disk_remove(world->sim, "superblock.1");
    struct volume_inspection inspection = {.disk = world->options.disk, .loop = world->loop};
    assert_int_equal(volume_inspect_blocking(&inspection, &err), HEARTH_CHECKSUM);
    volume_inspection_fini(&inspection);
}

/* ---- what a person may do to a log ---- */

static uint8_t *copy_of(const struct volume_world *world, const char *name, size_t *size)
{
    struct view file = sim_disk_file(world->sim, name);
    uint8_t *bytes = malloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.bytes, file.size);
    *size = file.size;
    return bytes;
}

static void a_truncated_log_misses_what_was_cut_off_and_says_so(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct look seen;
    size_t size;
    fill(world);
    volume_world_close(world);
    uint8_t *bytes = copy_of(world, log_file, &size);
    sim_disk_replace(world->sim, log_file, bytes, 2 * 4096); /* the first shard is left */
    free(bytes);
    look(world, &seen);
    assert_true(seen.kinds[VOLUME_SHARD_DAMAGED] >= 2);
    volume_inspection_fini(&seen.inspection);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, small_plan(1), false);
    get_refused(world, large_plan(2), HEARTH_CHECKSUM);
    put(world, small_plan(9));
    is_here(world, small_plan(9), false);
}

static void a_zeroed_log_misses_everything_and_says_so(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct look seen;
    fill(world);
    volume_world_close(world);
    sim_disk_replace(world->sim, log_file, NULL, sim_disk_file(world->sim, log_file).size);
    look(world, &seen);
    assert_true(seen.kinds[VOLUME_SHARD_DAMAGED] >= 3);
    volume_inspection_fini(&seen.inspection);
    assert_ok(volume_world_open(world, &err), &err);
    get_refused(world, large_plan(2), HEARTH_CHECKSUM);
    put(world, small_plan(9));
    is_here(world, small_plan(9), false);
}

static void a_duplicated_log_adds_nothing(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    size_t size;
    fill(world);
    volume_world_close(world);
    uint8_t *bytes = copy_of(world, log_file, &size);
    sim_disk_replace(world->sim, "log-00000007", bytes, size);
    free(bytes);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(stats_of(world).shards, 2);
    is_here(world, small_plan(1), false);
    is_here(world, large_plan(2), false);
    is_here(world, small_plan(3), true);
    put(world, small_plan(9));
    reopen(world);
    is_here(world, small_plan(9), false);
    assert_int_equal(stats_of(world).shards, 3);
}

static void a_log_of_another_volume_adds_nothing(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct volume_world other;
    size_t size;
    fill(world);
    volume_world_close(world);
    volume_world_init(&other, 1);
    test_env_init(&other.env, 4711);
    assert_ok(volume_world_open(&other, &err), &err);
    put(&other, small_plan(11));
    let_a_mark_be_written(&other);
    uint8_t *bytes = copy_of(&other, log_file, &size);
    volume_world_fini(&other);
    sim_disk_replace(world->sim, "log-00000007", bytes, size);
    free(bytes);
    assert_ok(volume_world_open(world, &err), &err);
    get_refused(world, small_plan(11), HEARTH_NOT_FOUND);
    is_here(world, large_plan(2), false);
    assert_int_equal(stats_of(world).shards, 2);
}

/* ---- the verb ---- */

static void the_verb_refuses_what_is_no_volume(void **state)
{
    (void)state;
    struct hearth_err err;
    char path[] = "/tmp/hearth-test-inspect-XXXXXX";
    assert_non_null(mkdtemp(path));
    char *arguments[] = {path};
    bool json = true;
    struct program_call call = {.options = &json, .argument_count = 1, .arguments = arguments};
    assert_int_equal(inspect_verb.run(&call, &err), PROGRAM_FAILED);
    assert_int_equal(err.code, HEARTH_CHECKSUM);
    assert_int_equal(rmdir(path), 0); /* nothing was made in it */
    assert_int_equal(inspect_verb.run(&call, &err), PROGRAM_FAILED);
    assert_int_equal(err.code, HEARTH_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(a_volume_is_counted_and_left_alone),
        VOLUME_TEST(a_killed_volume_is_read_from_its_logs),
        VOLUME_TEST(every_rotten_cell_is_found),
        VOLUME_TEST(a_superblock_copy_that_is_gone_is_said_and_mended_by_the_next_start),
        VOLUME_TEST(without_a_superblock_it_is_no_volume),
        VOLUME_TEST(a_truncated_log_misses_what_was_cut_off_and_says_so),
        VOLUME_TEST(a_zeroed_log_misses_everything_and_says_so),
        VOLUME_TEST(a_duplicated_log_adds_nothing),
        VOLUME_TEST(a_log_of_another_volume_adds_nothing),
        cmocka_unit_test(the_verb_refuses_what_is_no_volume),
    };
    return cmocka_run_group_tests_name("volume_inspect", tests, NULL, NULL);
}
