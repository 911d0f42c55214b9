/*
 * Opening a volume: what is refused, what is counted, and what a full or failing disk leaves.
 */
#include "tests/sim/volume_claims.h"

#include "storaged/shard_format.h"

#include <errno.h>
#include <string.h>

/* ---- who may open ---- */

static void a_second_daemon_is_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    struct volume *second;
    assert_int_equal(volume_open_blocking(&world->options, &second, &err), HEARTH_BUSY);
    assert_string_equal(err.message, "another process has the volume open");
}

static void the_volume_of_another_node_is_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    volume_world_close(world);
    world->options.node_id[0] ^= 1;
    assert_int_equal(volume_world_open(world, &err), HEARTH_DENIED);
    assert_string_equal(err.message,
        "the volume belongs to node 0102030000000000000000000000000000000000, this is node "
        "0002030000000000000000000000000000000000");
    world->options.node_id[0] ^= 1;
    assert_ok(volume_world_open(world, &err), &err);
}

/* Rewrites one copy of the superblock with a sum that fits. */
static void write_copy(struct volume_world *world, const char *name, const uint8_t *bytes)
{
    uint8_t sealed[SUPERBLOCK_SIZE];
    memcpy(sealed, bytes, sizeof(sealed));
    record_seal(sealed, sizeof(sealed), 0);
    for (unsigned at = 0; at < sizeof(sealed); at++) {
        sim_disk_flip(world->sim, name, at, sim_disk_file(world->sim, name).bytes[at] ^ sealed[at]);
    }
}

static struct superblock superblock_of(struct volume_world *world, const char *name)
{
    struct hearth_err err;
    struct superblock superblock;
    assert_ok(superblock_decode(sim_disk_file(world->sim, name), &superblock, &err), &err);
    return superblock;
}

/* Both copies get this first byte. */
static void write_version(struct volume_world *world, uint8_t version)
{
    static const char *const names[] = {"superblock.0", "superblock.1"};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t bytes[SUPERBLOCK_SIZE];
        memcpy(bytes, sim_disk_file(world->sim, names[i]).bytes, sizeof(bytes));
        bytes[0] = version;
        write_copy(world, names[i], bytes);
    }
}

static void a_volume_with_unknown_features_is_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint8_t bytes[SUPERBLOCK_SIZE];
    volume_world_close(world);
    struct superblock known = superblock_of(world, "superblock.0");
    struct superblock newer = known;
    newer.start_counter++;
    newer.incompatible = 1;
    superblock_encode(&newer, bytes);
    write_copy(world, "superblock.0", bytes);
    assert_int_equal(volume_world_open(world, &err), HEARTH_UNKNOWN_FORMAT);
    newer.incompatible = 0;
    newer.compatible = 1; /* these harm nobody who does not know them */
    superblock_encode(&newer, bytes);
    write_copy(world, "superblock.0", bytes);
    assert_ok(volume_world_open(world, &err), &err);
}

/* As when power failed between the two: a start counter is never used twice. */
static void the_newer_of_two_superblocks_counts(void **state)
{
    static const char *const names[] = {"superblock.0", "superblock.1"};
    struct volume_world *world = *state;
    struct hearth_err err;
    uint8_t bytes[SUPERBLOCK_SIZE];
    for (unsigned i = 0; i < 2; i++) {
        volume_world_close(world);
        struct superblock newer = superblock_of(world, names[i]);
        newer.start_counter += 10;
        superblock_encode(&newer, bytes);
        write_copy(world, names[i], bytes);
        assert_ok(volume_world_open(world, &err), &err);
        assert_int_equal(superblock_of(world, names[0]).start_counter, newer.start_counter + 1);
        assert_int_equal(superblock_of(world, names[1]).start_counter, newer.start_counter + 1);
    }
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, small_plan(1));
    volume_world_close(world);
    write_version(world, 2);
    uint64_t writes = sim_disk_requests(world->sim, DISK_WRITE);
    assert_int_equal(volume_world_open(world, &err), HEARTH_UNKNOWN_FORMAT);
    assert_string_equal(err.message, "superblock of format 2, this program knows 1");
    assert_int_equal(sim_disk_requests(world->sim, DISK_WRITE), writes);
    write_version(world, 1);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, small_plan(1), false);
}

static void one_superblock_is_enough_and_none_is_too_few(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, small_plan(1));
    volume_world_close(world);
    sim_disk_flip(world->sim, "superblock.0", 40, 1);
    assert_ok(volume_world_open(world, &err), &err);
    is_here(world, small_plan(1), false);
    volume_world_close(world);
    sim_disk_flip(world->sim, "superblock.1", 40, 1); /* opening had mended the first */
    assert_ok(volume_world_open(world, &err), &err);
    volume_world_close(world);
    sim_disk_flip(world->sim, "superblock.0", 40, 1);
    sim_disk_flip(world->sim, "superblock.1", 41, 1);
    assert_int_equal(volume_world_open(world, &err), HEARTH_CHECKSUM);
}

/* ---- what the coordinator learns ---- */

static struct volume_identity identity_of(const struct volume_world *world)
{
    struct volume_identity identity;
    volume_identity(world->volume, &identity);
    return identity;
}

static void starts_are_counted_and_sequences_only_grow(void **state)
{
    struct volume_world *world = *state;
    struct volume_identity first = identity_of(world);
    assert_int_equal(first.start_counter, 1);
    assert_int_equal(first.sequence, 0);
    put(world, small_plan(1));
    struct volume_identity stored = identity_of(world);
    assert_true(stored.sequence > first.sequence);
    kill_and_reopen(world);
    struct volume_identity killed = identity_of(world);
    assert_int_equal(killed.start_counter, 2);
    assert_true(killed.sequence >= stored.sequence);
    reopen(world);
    put(world, small_plan(2));
    struct volume_identity last = identity_of(world);
    assert_int_equal(last.start_counter, 3);
    assert_true(last.sequence > killed.sequence);
    assert_memory_equal(last.uuid, first.uuid, VOLUME_UUID_SIZE);
}

static void a_volume_made_anew_has_another_name(void **state)
{
    struct volume_world *world = *state;
    struct volume_identity before = identity_of(world);
    struct volume_world other;
    struct hearth_err err;
    volume_world_init(&other, 1);
    test_env_init(&other.env, 4711);
    assert_ok(volume_world_open(&other, &err), &err);
    assert_memory_not_equal(identity_of(&other).uuid, before.uuid, VOLUME_UUID_SIZE);
    volume_world_fini(&other);
}

/* ---- checkpoints ---- */

static void a_lost_checkpoint_costs_a_scan_and_nothing_else(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    for (uint8_t name = 1; name <= 40; name++) {
        put(world, large_plan(name));
    }
    trash(world, large_plan(3), VOLUME_TRASH_DONE);
    reopen(world);
    put(world, large_plan(41));
    volume_world_close(world);
    struct volume_stats before;
    assert_ok(volume_world_open(world, &err), &err);
    before = stats_of(world);
    volume_world_close(world);
    sim_disk_flip(world->sim, "index.0", 100, 1);
    sim_disk_flip(world->sim, "index.1", 3000, 1);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 1);
    for (uint8_t name = 1; name <= 41; name++) {
        is_here(world, large_plan(name), name == 3);
    }
    assert_int_equal(stats_of(world).live_bytes, before.live_bytes);
    assert_int_equal(stats_of(world).trash_bytes, before.trash_bytes);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
}

static void an_older_checkpoint_stands_in_for_the_newest(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, small_plan(1));
    reopen(world); /* writes generation 1 */
    put(world, small_plan(2));
    volume_world_close(world); /* generation 2 */
    sim_disk_flip(world->sim, "index.0", 60, 1);
    assert_ok(volume_world_open(world, &err), &err);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 0);
    is_here(world, small_plan(1), false);
    is_here(world, small_plan(2), false);
}

/* The checkpoint begins after so many turns of a put that makes a new log. */
static void put_while_a_checkpoint_begins(unsigned turns)
{
    struct volume_world world;
    struct hearth_err err;
    struct plain_wait wait;
    struct shard_plan plan = small_plan(2);
    struct volume_put_request request = plan_request(&plan);
    struct volume_put_totals totals = plan_totals(&plan);
    uint64_t stored_unix_ms;
    volume_world_init(&world, 0);
    world.options.allocate_bytes = 256 * 1024; /* nothing is worth compacting */
    assert_ok(volume_world_open(&world, &err), &err);
    put(&world, small_plan(1));
    kill_and_reopen(&world);
    struct volume_put *open = volume_put_begin(world.volume, &request, plain_wait(&wait));
    for (unsigned turn = 0; turn < turns; turn++) {
        loop_run_once(world.loop);
        sim_disk_step(world.sim);
    }
    test_env_step_ms(&world.env, 61 * 1000); /* the first survey */
    volume_world_run_until(&world, &wait.done);
    assert_ok(volume_world_append(&world, open, plan_cell(&plan, 0), &err), &err);
    assert_ok(volume_world_finish(&world, open, &totals, &stored_unix_ms, &err), &err);
    kill_and_reopen(&world);
    assert_int_equal(world.events[VOLUME_INDEX_REBUILT], 1); /* only after the first kill */
    is_here(&world, small_plan(1), false);
    is_here(&world, plan, false);
    volume_world_fini(&world);
}

/* A log that is not in a checkpoint, and is older than it, was dropped; this one is not older. */
static void a_checkpoint_does_not_disown_a_log_that_is_being_made(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 20; turns++) {
        put_while_a_checkpoint_begins(turns);
    }
}

/* ---- a full disk ---- */

static void a_full_volume_refuses_puts_before_they_begin_and_still_deletes(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    volume_world_close(world);
    world->options.capacity_bytes = 300 * 1024;
    assert_ok(volume_world_open(world, &err), &err);
    uint8_t name = fill_up(world);
    assert_true(name > 5);
    assert_true(stats_of(world).used_bytes <= 300 * 1024);
    assert_true(stats_of(world).free_bytes < 64 * 1024);
    trash(world, large_plan(1), VOLUME_TRASH_DONE);
    trash(world, large_plan(200), VOLUME_TRASH_BARRED);
    put(world, large_plan(2)); /* is here already, needs no room */
    is_here(world, large_plan((uint8_t)(name - 1)), false);
    assert_int_equal(world->events[VOLUME_LOG_FAILED], 0);
}

static void a_full_disk_refuses_puts_and_still_deletes(void **state)
{
    struct volume_world *world = *state;
    sim_disk_set_capacity(world->sim, 200 * 1024);
    uint8_t name = fill_up(world);
    assert_true(name > 3);
    trash(world, large_plan(1), VOLUME_TRASH_DONE);
    trash(world, large_plan(200), VOLUME_TRASH_BARRED);
    is_here(world, large_plan(2), false);
    sim_disk_set_capacity(world->sim, 400 * 1024);
    put(world, large_plan(name)); /* without a restart */
    assert_int_equal(world->events[VOLUME_LOG_FAILED], 0);
    assert_false(stats_of(world).read_only);
}

static void a_full_disk_does_not_keep_a_volume_from_opening(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    sim_disk_set_capacity(world->sim, 0);
    kill_and_reopen(world);
    reopen(world);
    is_here(world, large_plan(1), false);
    put_refused(world, large_plan(2), HEARTH_NO_SPACE);
}

static void a_shard_larger_than_a_log_is_refused(void **state)
{
    struct volume_world *world = *state;
    struct shard_plan plan = large_plan(1);
    struct volume_put_request request = plan_request(&plan);
    struct volume_put *open;
    struct hearth_err err;
    request.length_max = 300 * 1024;
    request.cell_size = 60000;
    assert_int_equal(volume_world_begin(world, &request, &open, &err), HEARTH_NO_SPACE);
    request.cell_size = 0;
    assert_int_equal(volume_world_begin(world, &request, &open, &err), HEARTH_INVALID);
    request.cell_size = VOLUME_CELL_SIZE_MAX + 1;
    assert_int_equal(volume_world_begin(world, &request, &open, &err), HEARTH_INVALID);
}

/* ---- a failing disk ---- */

/* The next request of a kind fails, and as many after it. */
static void fail_next(struct volume_world *world, enum disk_request request, uint64_t count)
{
    sim_disk_add_fault(world->sim,
        &(struct sim_fault){.kind = SIM_FAIL,
            .request = request,
            .nth = sim_disk_requests(world->sim, request),
            .count = count,
            .error = EIO});
}

static void after_a_failed_sync_the_shards_of_the_log_are_moved(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    put(world, small_plan(2));
    trash(world, small_plan(2), VOLUME_TRASH_DONE);
    trash(world, small_plan(3), VOLUME_TRASH_BARRED);
    fail_next(world, DISK_SYNC, 1);
    put_refused(world, large_plan(4), HEARTH_IO);
    volume_world_finish_moves(world);
    assert_int_equal(world->events[VOLUME_LOG_FAILED], 1);
    assert_int_equal(world->events[VOLUME_LOG_VERIFIED], 1);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 0);
    assert_false(stats_of(world).read_only);
    put(world, large_plan(4));

    /* Everything is in the new log: the failed one may turn to dust. */
    for (uint64_t at = 4096; at < 12288; at++) {
        sim_disk_flip(world->sim, "log-00000001", at, 0xff);
    }
    is_here(world, large_plan(1), false);
    is_here(world, small_plan(2), true);
    put_refused(world, small_plan(3), HEARTH_TRASHED);
    reopen(world);
    is_here(world, large_plan(1), false);
    is_here(world, small_plan(2), true);
    put_refused(world, small_plan(3), HEARTH_TRASHED);
}

static void a_shard_lost_with_its_log_is_named(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    put(world, small_plan(2));
    sim_disk_flip(world->sim, "log-00000001", 5000, 1); /* in the cells of the first */
    fail_next(world, DISK_WRITE, 1);
    put_refused(world, large_plan(4), HEARTH_IO);
    volume_world_finish_moves(world);
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 1);
    assert_int_equal(world->events[VOLUME_LOG_VERIFIED], 1);
    get_refused(world, large_plan(1), HEARTH_CHECKSUM);
    is_here(world, small_plan(2), false);
    trash(world, large_plan(1), VOLUME_TRASH_DONE); /* repaired elsewhere */
}

static void after_the_second_failure_the_volume_is_read_only(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    put(world, large_plan(1));
    fail_next(world, DISK_SYNC, UINT64_MAX);
    put_refused(world, small_plan(2), HEARTH_IO);
    put_refused(world, small_plan(2), HEARTH_IO);
    volume_world_settle(world);
    assert_true(stats_of(world).read_only);
    assert_int_equal(world->events[VOLUME_READ_ONLY], 1);
    uint64_t writes = sim_disk_requests(world->sim, DISK_WRITE);
    put_refused(world, small_plan(2), HEARTH_IO);
    struct shard_plan plan = large_plan(1);
    enum volume_trash_outcome outcome;
    assert_int_equal(volume_world_trash(world, &plan, &outcome, &err), HEARTH_IO);
    assert_string_equal(err.message, "the volume is read-only since its second failed write");
    assert_int_equal(sim_disk_requests(world->sim, DISK_WRITE), writes);
    is_here(world, large_plan(1), false);
    sim_disk_heal(world->sim);
    kill_and_reopen(world);
    is_here(world, large_plan(1), false);
    put(world, small_plan(2));
}

/* ---- rot ---- */

static void rot_in_the_cells_is_an_error_that_names_the_shard(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    bool trashed;
    put(world, large_plan(1));
    put(world, large_plan(2));
    sim_disk_flip(world->sim, "log-00000001", 4096 + 64 + 100, 4);
    struct shard_plan plan = large_plan(1);
    assert_int_equal(volume_world_get(world, &plan, &trashed, &err), HEARTH_CHECKSUM);
    char name[SHARD_ID_TEXT_SIZE];
    struct shard_id id = plan_id(&plan);
    hex_encode(id.bytes, SHARD_ID_SIZE, name);
    assert_non_null(strstr(err.message, name));
    assert_int_equal(world->events[VOLUME_SHARD_DAMAGED], 1);
    is_here(world, large_plan(2), false);
}

static void an_idle_log_is_vouched_for_so_that_its_rot_is_no_torn_tail(void **state)
{
    struct volume_world *world = *state;
    put(world, small_plan(1));
    put(world, small_plan(2));
    let_a_mark_be_written(world);
    /* The footer of the second, in the last batch before the mark. */
    sim_disk_flip(world->sim, "log-00000001", 8192 + 64 + 716 + 52 + 40, 4);
    kill_and_reopen(world);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 1);
    is_here(world, small_plan(1), false);
    get_refused(world, small_plan(2), HEARTH_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(a_second_daemon_is_refused),
        VOLUME_TEST(the_volume_of_another_node_is_refused),
        VOLUME_TEST(a_volume_with_unknown_features_is_refused),
        VOLUME_TEST(the_newer_of_two_superblocks_counts),
        VOLUME_TEST(a_newer_format_is_refused_and_left_alone),
        VOLUME_TEST(one_superblock_is_enough_and_none_is_too_few),
        VOLUME_TEST(starts_are_counted_and_sequences_only_grow),
        VOLUME_TEST(a_volume_made_anew_has_another_name),
        VOLUME_TEST(a_lost_checkpoint_costs_a_scan_and_nothing_else),
        VOLUME_TEST(an_older_checkpoint_stands_in_for_the_newest),
        cmocka_unit_test(a_checkpoint_does_not_disown_a_log_that_is_being_made),
        VOLUME_TEST(a_full_volume_refuses_puts_before_they_begin_and_still_deletes),
        VOLUME_TEST(a_full_disk_refuses_puts_and_still_deletes),
        VOLUME_TEST(a_full_disk_does_not_keep_a_volume_from_opening),
        VOLUME_TEST(a_shard_larger_than_a_log_is_refused),
        VOLUME_TEST(after_a_failed_sync_the_shards_of_the_log_are_moved),
        VOLUME_TEST(a_shard_lost_with_its_log_is_named),
        VOLUME_TEST(after_the_second_failure_the_volume_is_read_only),
        VOLUME_TEST(rot_in_the_cells_is_an_error_that_names_the_shard),
        VOLUME_TEST(an_idle_log_is_vouched_for_so_that_its_rot_is_no_torn_tail),
    };
    return cmocka_run_group_tests_name("volume_open", tests, NULL, NULL);
}
