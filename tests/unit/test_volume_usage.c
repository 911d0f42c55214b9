/*
 * A volume knows to the byte what its files take: after whatever work, after restarts, kills and a
 * full disk, on a simulated disk and on real files.
 */
#include "tests/sim/volume_claims.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STEPS = 400, NAMES = 60 };

static void used_is_what_is_there(struct volume_world *world)
{
    volume_world_settle(world);
    assert_int_equal(stats_of(world).used_bytes, sim_disk_used(world->sim));
}

static void do_something(struct volume_world *world)
{
    struct hearth_err err;
    enum volume_trash_outcome outcome;
    uint8_t name = (uint8_t)(1 + env_random_below(&world->env.env, NAMES));
    struct shard_plan plan = name % 2 == 0 ? large_plan(name) : small_plan(name);
    switch (env_random_below(&world->env.env, 14)) {
    case 0: reopen(world); break;
    case 1: kill_and_reopen(world); break;
    case 12: volume_world_age(world); break;
    case 13: volume_world_tidy(world); break;
    case 2:
    case 3: volume_world_trash(world, &plan, &outcome, &err); break;
    case 4: let_a_mark_be_written(world); break;
    default: volume_world_put(world, &plan, &err); break;
    }
}

static void used_bytes_are_those_of_the_files_whatever_was_done(void **state)
{
    struct volume_world *world = *state;
    world->options.checkpoint_records = 7;
    reopen(world);
    uint64_t compacted = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        do_something(world);
        used_is_what_is_there(world);
        compacted += stats_of(world).compacted;
    }
    assert_true(compacted > 0);
}

static void used_bytes_are_those_of_the_files_on_a_full_disk(void **state)
{
    struct volume_world *world = *state;
    world->options.checkpoint_records = 7;
    reopen(world);
    sim_disk_set_capacity(world->sim, 400 * 1024);
    for (unsigned step = 0; step < STEPS; step++) {
        do_something(world);
        used_is_what_is_there(world);
    }
}

static void the_capacity_is_never_exceeded_by_growing_ahead(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    volume_world_close(world);
    world->options.capacity_bytes = 300 * 1024;
    world->options.allocate_bytes = 128 * 1024;
    assert_ok(volume_world_open(world, &err), &err);
    uint8_t name = 1;
    struct shard_plan plan = large_plan(name);
    while (volume_world_put(world, &plan, &err) == HEARTH_OK) {
        assert_true(stats_of(world).used_bytes <= 300 * 1024);
        plan = large_plan(++name);
    }
    assert_int_equal(err.code, HEARTH_NO_SPACE);
    assert_true(name > 5);
}

/* ---- what tells an older disk ---- */

static void sequence_has_grown(struct volume_world *world, uint64_t *before)
{
    struct volume_identity identity;
    volume_identity(world->volume, &identity);
    assert_true(identity.sequence >= *before);
    *before = identity.sequence;
}

/* Otherwise the coordinator takes it for an older copy, and calls the node lost. */
static void the_sequence_never_goes_back_though_the_newest_log_does(void **state)
{
    struct volume_world *world = *state;
    uint64_t sequence = 0;
    for (uint8_t round = 1; round <= 3; round++) {
        put(world, large_plan(round));
        sequence_has_grown(world, &sequence);
        trash(world, large_plan(round), VOLUME_TRASH_DONE);
        let_a_mark_be_written(world);
        sequence_has_grown(world, &sequence);
        reopen(world);
        sequence_has_grown(world, &sequence);
        volume_world_age(world);
        volume_world_tidy(world);
        assert_int_equal(stats_of(world).logs, 0);
        sequence_has_grown(world, &sequence);
        reopen(world);
        sequence_has_grown(world, &sequence);
    }
}

/* ---- real files ---- */

static char directory[64];

static uint64_t bytes_there(bool by_blocks)
{
    uint64_t bytes = 0;
    DIR *entries = opendir(directory);
    const struct dirent *entry;
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        struct stat facts;
        assert_int_equal(fstatat(dirfd(entries), entry->d_name, &facts, 0), 0);
        if (S_ISREG(facts.st_mode)) {
            bytes += (uint64_t)(by_blocks ? facts.st_blocks * 512 : facts.st_size);
        }
    }
    closedir(entries);
    return bytes;
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* Each round leaves a log that is mostly unused: they are read, moved and unlinked on real files.
 */
static void used_bytes_are_what_a_file_system_says(void **state)
{
    (void)state;
    struct hearth_err err;
    struct volume_world world;
    strcpy(directory, "/tmp/hearth-test-usage-XXXXXX");
    assert_non_null(mkdtemp(directory));
    volume_world_init_real(&world, directory);
    world.options.log_size_max = 0; /* as in life */
    world.options.allocate_bytes = 0;
    world.options.reserve_bytes = 0;
    for (uint8_t round = 1; round <= 3; round++) {
        assert_ok(volume_world_open(&world, &err), &err);
        assert_int_equal(stats_of(&world).used_bytes, bytes_there(false));
        put(&world, large_plan(round));
        assert_int_equal(stats_of(&world).used_bytes, bytes_there(false));
        volume_world_close(&world);
        /* Blocks of the file system: at most one more for each file than its length. */
        uint64_t by_length = bytes_there(false);
        uint64_t by_blocks = bytes_there(true);
        assert_true(by_blocks >= by_length / 4096 * 4096 / 2);
        assert_true(by_blocks <= by_length + 16 * 4096);
    }
    assert_ok(volume_world_open(&world, &err), &err);
    volume_world_tidy(&world);
    assert_true(stats_of(&world).compacted >= 3);
    assert_int_equal(stats_of(&world).shards, 3);
    reopen(&world);
    assert_int_equal(stats_of(&world).shards, 3);
    assert_int_equal(stats_of(&world).used_bytes, bytes_there(false));
    volume_world_close(&world);
    volume_world_fini(&world);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(used_bytes_are_those_of_the_files_whatever_was_done),
        VOLUME_TEST(used_bytes_are_those_of_the_files_on_a_full_disk),
        VOLUME_TEST(the_sequence_never_goes_back_though_the_newest_log_does),
        VOLUME_TEST(the_capacity_is_never_exceeded_by_growing_ahead),
        cmocka_unit_test(used_bytes_are_what_a_file_system_says),
    };
    return cmocka_run_group_tests_name("volume_usage", tests, NULL, NULL);
}
