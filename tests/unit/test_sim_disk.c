/*
 * sim_disk: what a crash or a fault leaves is what disk.h allows, no more and no less.
 *
 * The simulated disk is the judge of the engine, so it is judged here first.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <string.h>

struct world {
    struct test_env env;
    struct loop *loop;
    struct sim_disk *sim;
    struct disk_file *file; /* "a": created, its name durable */
};

static struct disk_io run(struct sim_disk *sim, struct disk_io io)
{
    disk_run_blocking(sim_disk_seam(sim), &io);
    return io;
}

static void world_open(struct world *world)
{
    struct hearth_err err;
    memset(world, 0, sizeof(*world));
    test_env_init(&world->env, 1);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
    world->sim = sim_disk_create(world->loop, 0);
    world->file = run(world->sim, (struct disk_io){.request = DISK_CREATE, .name = "a"}).file;
    run(world->sim, (struct disk_io){.request = DISK_SYNC_DIR});
}

static void world_close(struct world *world)
{
    disk_close(sim_disk_seam(world->sim), world->file);
    disk_destroy(sim_disk_seam(world->sim));
    loop_destroy(world->loop);
}

static struct disk_io fill(struct world *world, uint64_t offset, char byte, size_t size)
{
    static char bytes[4096];
    memset(bytes, byte, size);
    struct iovec iov = {bytes, size};
    return run(world->sim,
        (struct disk_io){.request = DISK_WRITE,
            .file = world->file,
            .offset = offset,
            .iov = &iov,
            .iov_count = 1});
}

static int sync_file(struct world *world)
{
    return run(world->sim, (struct disk_io){.request = DISK_SYNC, .file = world->file}).error;
}

static size_t size_after(const struct world *world, enum sim_policy policy)
{
    struct sim_disk *crashed = sim_disk_crash(world->sim, world->loop, policy, 3);
    size_t size = sim_disk_file(crashed, "a").size;
    disk_destroy(sim_disk_seam(crashed));
    return size;
}

static void only_what_was_synced_surely_survives(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, 0, 'x', 1024);
    assert_int_equal(size_after(&world, SIM_DROP_ALL), 0);
    assert_int_equal(size_after(&world, SIM_KEEP_ALL), 1024);
    assert_int_equal(sync_file(&world), 0);
    assert_int_equal(size_after(&world, SIM_DROP_ALL), 1024);
    world_close(&world);
}

static void ignore(struct disk_io *io)
{
    (void)io;
}

static void a_sync_covers_only_writes_answered_before_it(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    char byte = 'x';
    struct iovec iov = {&byte, 1};
    struct disk_io write = {
        .request = DISK_WRITE, .file = world.file, .iov = &iov, .iov_count = 1, .done = ignore};
    disk_submit(sim_disk_seam(world.sim), &write);
    assert_int_equal(sync_file(&world), 0); /* while the write is under way */
    assert_true(sim_disk_step(world.sim));
    assert_int_equal(size_after(&world, SIM_DROP_ALL), 0);
    assert_int_equal(sync_file(&world), 0);
    assert_int_equal(size_after(&world, SIM_DROP_ALL), 1);
    world_close(&world);
}

static void a_name_survives_only_a_sync_of_the_directory(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct disk_file *file =
        run(world.sim, (struct disk_io){.request = DISK_CREATE, .name = "b"}).file;
    run(world.sim, (struct disk_io){.request = DISK_SYNC, .file = file});
    struct sim_disk *crashed = sim_disk_crash(world.sim, world.loop, SIM_DROP_ALL, 1);
    struct disk_io reopened = run(crashed, (struct disk_io){.request = DISK_OPEN, .name = "b"});
    assert_int_equal(reopened.error, ENOENT);
    disk_destroy(sim_disk_seam(crashed));
    disk_close(sim_disk_seam(world.sim), file);
    world_close(&world);
}

static void a_rename_may_outrun_the_bytes_of_its_file(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, 0, 'x', 100);
    run(world.sim, (struct disk_io){.request = DISK_RENAME, .name = "a", .new_name = "b"});
    run(world.sim, (struct disk_io){.request = DISK_SYNC_DIR});
    struct sim_disk *crashed = sim_disk_crash(world.sim, world.loop, SIM_DROP_ALL, 1);
    struct disk_io io = run(crashed, (struct disk_io){.request = DISK_OPEN, .name = "b"});
    assert_int_equal(io.error, 0);
    assert_int_equal(io.size, 0);
    disk_close(sim_disk_seam(crashed), io.file);
    disk_destroy(sim_disk_seam(crashed));
    world_close(&world);
}

/* Which of the eight sectors of one write are there after a crash: a bit each. */
static unsigned sectors_after(const struct world *world, enum sim_policy policy, uint64_t seed)
{
    struct sim_disk *crashed = sim_disk_crash(world->sim, world->loop, policy, seed);
    struct view file = sim_disk_file(crashed, "a");
    unsigned present = 0;
    for (unsigned i = 0; i < 8 && i * 512 < file.size; i++) {
        present |= (unsigned)(file.bytes[i * 512] == 'x') << i;
    }
    disk_destroy(sim_disk_seam(crashed));
    return present;
}

static void tearing_cuts_a_write_between_sectors(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, 0, 'x', 4096);
    bool seen[9] = {0};
    bool hole = false;
    for (uint64_t seed = 1; seed < 200; seed++) {
        unsigned torn = sectors_after(&world, SIM_TORN_LAST, seed);
        assert_int_equal(torn & (torn + 1), 0); /* a run from the start */
        seen[__builtin_popcount(torn)] = true;
        unsigned some = sectors_after(&world, SIM_SECTORS, seed);
        hole |= (some & (some + 1)) != 0;
    }
    for (unsigned i = 0; i <= 8; i++) {
        assert_true(seen[i]);
    }
    assert_true(hole);
    world_close(&world);
}

static char byte_read(struct world *world, bool direct)
{
    static _Alignas(DISK_PAGE_SIZE) char page[DISK_PAGE_SIZE];
    memset(page, '-', sizeof(page));
    struct iovec iov = {page, sizeof(page)};
    struct disk_io opened =
        run(world->sim, (struct disk_io){.request = DISK_OPEN, .name = "a", .direct = direct});
    run(world->sim,
        (struct disk_io){.request = DISK_READ, .file = opened.file, .iov = &iov, .iov_count = 1});
    disk_close(sim_disk_seam(world->sim), opened.file);
    return page[0];
}

static void after_a_failed_sync_lost_bytes_are_still_read_but_not_directly(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, 0, 'x', 512);
    sim_disk_add_fault(
        world.sim, &(struct sim_fault){SIM_FAIL, DISK_SYNC, .nth = 0, .count = 1, .error = EIO});
    assert_int_equal(byte_read(&world, true), 'x'); /* on its way, so the device will have it */
    assert_int_equal(sync_file(&world), EIO);
    assert_int_equal(byte_read(&world, false), 'x');
    assert_int_equal(byte_read(&world, true), 0);
    assert_int_equal(size_after(&world, SIM_KEEP_ALL), 0);
    world_close(&world);
}

static void faults_strike_the_request_they_name(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    const struct sim_fault faults[] = {
        {SIM_FAIL, DISK_WRITE, .nth = 1, .count = 1, .error = EIO},
        {SIM_SHORT, DISK_WRITE, .nth = 2, .count = 1},
        {SIM_MISPLACED, DISK_WRITE, .nth = 3, .count = 1, .offset = 2048},
        {SIM_DROPPED, DISK_WRITE, .nth = 4, .count = 1},
    };
    for (unsigned i = 0; i < 4; i++) {
        sim_disk_add_fault(world.sim, &faults[i]);
    }
    assert_int_equal(fill(&world, 0, 'a', 512).error, 0);
    assert_int_equal(fill(&world, 0, 'b', 512).error, EIO);
    assert_int_equal(fill(&world, 512, 'c', 512).size, 256);
    assert_int_equal(fill(&world, 1024, 'd', 512).error, 0);
    assert_int_equal(sim_disk_file(world.sim, "a").bytes[2048], 'd');
    assert_int_equal(fill(&world, 1024, 'e', 512).error, 0);
    assert_int_equal(sync_file(&world), 0);
    struct sim_disk *crashed = sim_disk_crash(world.sim, world.loop, SIM_KEEP_ALL, 1);
    assert_int_equal(sim_disk_file(crashed, "a").bytes[1024], 0);
    assert_int_equal(sim_disk_file(crashed, "a").bytes[512], 'c');
    disk_destroy(sim_disk_seam(crashed));
    assert_int_equal(sim_disk_requests(world.sim, DISK_WRITE), 5);
    world_close(&world);
}

static void a_full_disk_refuses_growth_and_nothing_else(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    sim_disk_set_capacity(world.sim, 1024);
    assert_int_equal(fill(&world, 0, 'x', 1024).error, 0);
    assert_int_equal(fill(&world, 1024, 'x', 1).error, ENOSPC);
    assert_int_equal(fill(&world, 0, 'y', 1024).error, 0);
    struct disk_io io = {.request = DISK_ALLOCATE, .file = world.file, .size = 1025};
    assert_int_equal(run(world.sim, io).error, ENOSPC);
    world_close(&world);
}

static void a_flipped_bit_stays(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, 0, 'x', 512);
    assert_int_equal(sync_file(&world), 0);
    sim_disk_flip(world.sim, "a", 7, 1);
    assert_int_equal(sim_disk_file(world.sim, "a").bytes[7], 'x' ^ 1);
    struct sim_disk *crashed = sim_disk_crash(world.sim, world.loop, SIM_DROP_ALL, 1);
    assert_int_equal(sim_disk_file(crashed, "a").bytes[7], 'x' ^ 1);
    disk_destroy(sim_disk_seam(crashed));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_synced_surely_survives),
        cmocka_unit_test(a_sync_covers_only_writes_answered_before_it),
        cmocka_unit_test(a_name_survives_only_a_sync_of_the_directory),
        cmocka_unit_test(a_rename_may_outrun_the_bytes_of_its_file),
        cmocka_unit_test(tearing_cuts_a_write_between_sectors),
        cmocka_unit_test(after_a_failed_sync_lost_bytes_are_still_read_but_not_directly),
        cmocka_unit_test(faults_strike_the_request_they_name),
        cmocka_unit_test(a_full_disk_refuses_growth_and_nothing_else),
        cmocka_unit_test(a_flipped_bit_stays),
    };
    return cmocka_run_group_tests_name("sim_disk", tests, NULL, NULL);
}
