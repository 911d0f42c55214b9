/*
 * log_writer with log_scan: whatever is appended when, whatever the order the disk answers in, and
 * whenever power is lost, every record that was done is found again, none is called durable too
 * early, and a torn tail is never called rot.
 */
#include "storaged/log_scan.h"
#include "storaged/log_writer.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 60, LOG_NUMBER = 7, FILE_SIZE = 260 * 1024, BODY = TOMBSTONE_BODY_SIZE };

static const uint64_t seed = 99;

struct record {
    struct log_record log; /* first */
    struct world *world;
    uint8_t bytes[RECORD_HEADER_SIZE + BODY];
    bool done;
};

struct world {
    struct test_env env;
    struct loop *loop;
    struct sim_disk *sim;
    struct disk_file *file;
    struct log_writer *writer;
    struct record records[RECORDS];
    unsigned appended;
    unsigned failures;
};

static void on_failure(void *context, int error)
{
    struct world *world = context;
    assert_int_not_equal(error, 0);
    world->failures++;
}

static void on_sync(void *context)
{
    (void)context;
}

static void world_open(struct world *world, uint64_t random_seed)
{
    struct hearth_err err;
    memset(world, 0, sizeof(*world));
    test_env_init(&world->env, random_seed);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
    world->sim = sim_disk_create(world->loop, random_seed);
    struct disk_io io = {.request = DISK_CREATE, .name = "log"};
    disk_run_blocking(sim_disk_seam(world->sim), &io);
    world->file = io.file;
    struct disk_io allocate = {.request = DISK_ALLOCATE, .file = io.file, .size = FILE_SIZE};
    disk_run_blocking(sim_disk_seam(world->sim), &allocate);
    struct disk_io sync = {.request = DISK_SYNC, .file = io.file};
    disk_run_blocking(sim_disk_seam(world->sim), &sync);
    struct disk_io names = {.request = DISK_SYNC_DIR};
    disk_run_blocking(sim_disk_seam(world->sim), &names);
    struct log_writer_options options = {.disk = sim_disk_seam(world->sim),
        .loop = world->loop,
        .file = world->file,
        .number = LOG_NUMBER,
        .seed = seed,
        .allocated = FILE_SIZE,
        .on_failure = on_failure,
        .on_sync = on_sync,
        .context = world};
    world->writer = log_writer_create(&options);
    assert_non_null(world->writer);
}

static bool turn(struct world *world)
{
    bool moved = loop_run_once(world->loop);
    return sim_disk_step(world->sim) || moved;
}

static void world_close(struct world *world)
{
    while (turn(world)) {
    }
    log_writer_destroy(world->writer);
    disk_close(sim_disk_seam(world->sim), world->file);
    disk_destroy(sim_disk_seam(world->sim));
    loop_destroy(world->loop);
}

static void record_done(struct log_record *log)
{
    struct record *record = (struct record *)log;
    assert_false(record->done);
    record->done = true;
}

/* Tombstones whose id is their number. */
static void append(struct world *world, bool needs_sync)
{
    struct record *record = &world->records[world->appended];
    record->world = world;
    record->log = (struct log_record){.type = RECORD_TOMBSTONE,
        .id = {{(uint8_t)world->appended}},
        .needs_sync = needs_sync,
        .head = record->bytes,
        .body_size = BODY,
        .done = record_done};
    world->appended++;
    log_writer_reserve(world->writer, log_record_room(BODY));
    log_writer_append(world->writer, &record->log);
}

/* ---- after a crash ---- */

struct found {
    bool ids[RECORDS];
    unsigned damaged;
};

static enum hearth_code note_record(
    void *context, const struct record_header *header, struct view body, struct hearth_err *err)
{
    struct found *found = context;
    (void)body;
    (void)err;
    found->ids[header->id.bytes[0]] = true;
    return HEARTH_OK;
}

static void note_damage(void *context, uint64_t offset, uint64_t size)
{
    struct found *found = context;
    (void)offset;
    (void)size;
    found->damaged++;
}

static struct found scan(struct sim_disk *sim)
{
    struct hearth_err err;
    struct found found = {0};
    struct disk_io io = {.request = DISK_OPEN, .name = "log", .direct = true};
    disk_run_blocking(sim_disk_seam(sim), &io);
    assert_int_equal(io.error, 0);
    struct log_scan log_scan = {.disk = sim_disk_seam(sim),
        .file = io.file,
        .size = io.size,
        .number = LOG_NUMBER,
        .seed = seed,
        .from = LOG_FIRST_RECORD,
        .durable = sequence_of(LOG_NUMBER, 0),
        .record = note_record,
        .damaged = note_damage,
        .context = &found};
    assert_ok(log_scan_run(&log_scan, &err), &err);
    disk_close(sim_disk_seam(sim), io.file);
    return found;
}

static void lose_power_and_look(const struct world *world, uint64_t random)
{
    enum sim_policy policy = (enum sim_policy)(random % SIM_POLICIES);
    struct sim_disk *crashed = sim_disk_crash(world->sim, world->loop, policy, random);
    struct found found = scan(crashed);
    for (unsigned i = 0; i < world->appended; i++) {
        const struct record *record = &world->records[i];
        if (record->done && record->log.needs_sync) {
            assert_true(found.ids[i]);
        }
    }
    assert_int_equal(found.damaged, 0);
    disk_destroy(sim_disk_seam(crashed));
}

static void no_schedule_loses_a_record_or_promises_too_much(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 40; run++) {
        static struct world world;
        world_open(&world, run);
        while (world.appended < RECORDS) {
            uint64_t random = env_random_below(&world.env.env, 1000);
            if (random < 350) {
                append(&world, random % 3 != 0);
            } else {
                turn(&world);
            }
            lose_power_and_look(&world, run * 1000 + random);
        }
        while (turn(&world)) {
            lose_power_and_look(&world, run);
        }
        for (unsigned i = 0; i < RECORDS; i++) {
            assert_true(world.records[i].done);
        }
        world_close(&world);
    }
}

static void records_of_one_turn_share_a_batch_and_a_sync(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, 1);
    uint64_t writes = sim_disk_requests(world.sim, DISK_WRITE);
    uint64_t syncs = sim_disk_requests(world.sim, DISK_SYNC);
    for (unsigned i = 0; i < 20; i++) {
        append(&world, true);
    }
    while (turn(&world)) {
    }
    assert_int_equal(sim_disk_requests(world.sim, DISK_WRITE), writes + 1);
    assert_int_equal(sim_disk_requests(world.sim, DISK_SYNC), syncs + 1);
    assert_true(world.records[19].done);
    assert_int_equal(log_writer_position(world.writer).end, LOG_FIRST_RECORD + FORMAT_PAGE_SIZE);
    world_close(&world);
}

static void after_a_failure_every_record_fails_and_nothing_is_written_or_synced(void **state)
{
    (void)state;
    static const struct sim_fault faults[] = {
        {SIM_FAIL, DISK_SYNC, .nth = 1, .count = 1, .error = EIO},
        {SIM_FAIL, DISK_WRITE, .nth = 0, .count = 1, .error = EIO},
        {SIM_SHORT, DISK_WRITE, .nth = 0, .count = 1},
        {SIM_FAIL, DISK_WRITE, .nth = 0, .count = 1, .error = ENOSPC},
    };
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        static struct world world;
        world_open(&world, 3 + i);
        sim_disk_add_fault(world.sim, &faults[i]);
        append(&world, true);
        loop_run_once(world.loop);
        append(&world, false); /* pending while the first is written */
        while (turn(&world)) {
        }
        assert_int_equal(world.failures, 1);
        assert_true(log_writer_has_failed(world.writer));
        assert_int_not_equal(world.records[0].log.error, 0);
        assert_true(world.records[1].done);
        uint64_t writes = sim_disk_requests(world.sim, DISK_WRITE);
        while (turn(&world)) {
        }
        assert_int_equal(sim_disk_requests(world.sim, DISK_WRITE), writes);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_schedule_loses_a_record_or_promises_too_much),
        cmocka_unit_test(records_of_one_turn_share_a_batch_and_a_sync),
        cmocka_unit_test(after_a_failure_every_record_fails_and_nothing_is_written_or_synced),
    };
    return cmocka_run_group_tests_name("log_writer", tests, NULL, NULL);
}
