/*
 * Every bit that recovery reads is flipped, one at a time, in a volume whose records were synced.
 *
 *   - no read ever shows other bytes than were stored (D2);
 *   - only the shard whose record was hit may be missed, its neighbours are intact;
 *   - what is missed is reported as rot: it is not taken for a torn tail;
 *   - superblocks, log header and checkpoints may lose any bit without any shard being missed.
 *
 * Once with a checkpoint, once scanning the log.
 */
#include "tests/lib/test.h"
#include "tests/sim/volume_claims.h"

#include "storaged/shard_format.h"

#include <string.h>

enum { NAMES = 5, CELL_STEP = 41 };

static const char log_file[] = "log-00000001";

/* What is in the volume: 1 and 2 live, 3 trash, 4 barred, 5 live. */
static struct shard_plan plan_of(uint8_t name)
{
    return name == 2 || name == 5 ? large_plan(name) : small_plan(name);
}

static void fill(struct volume_world *world)
{
    put(world, plan_of(1));
    put(world, plan_of(2));
    put(world, plan_of(3));
    trash(world, plan_of(3), VOLUME_TRASH_DONE);
    trash(world, plan_of(4), VOLUME_TRASH_BARRED);
    put(world, plan_of(5));
    let_a_mark_be_written(world);
}

/* ---- looking ---- */

static bool get_shows(
    struct volume_world *world, uint8_t name, enum hearth_code expected, bool as_trash)
{
    struct hearth_err err;
    bool trashed = false;
    struct shard_plan plan = plan_of(name);
    enum hearth_code code = volume_world_get(world, &plan, &trashed, &err);
    assert_int_not_equal(code, HEARTH_INTERNAL);
    return code == expected && trashed == as_trash;
}

/* Whether the volume says of the name what was stored. */
static bool is_right(struct volume_world *world, uint8_t name)
{
    struct hearth_err err;
    struct shard_plan plan = plan_of(name);
    if (name == 4) {
        return get_shows(world, name, HEARTH_NOT_FOUND, false) &&
            volume_world_put(world, &plan, &err) == HEARTH_TRASHED;
    }
    return get_shows(world, name, HEARTH_OK, name == 3);
}

static bool was_reported(const struct volume_world *world)
{
    return world->events[VOLUME_RECORDS_ROTTED] + world->events[VOLUME_SHARD_DAMAGED] > 0;
}

static uint64_t flips;

/* Flips one bit of a copy of the volume; only `victim` (0: nobody) may be missed, if reported. */
static void flip_and_look(const struct volume_world *from, const char *file, uint64_t offset,
    unsigned bit, uint8_t victim)
{
    struct volume_world world;
    struct hearth_err err;
    flips++;
    volume_world_init_crashed(&world, from, SIM_KEEP_ALL, 1);
    sim_disk_flip(world.sim, file, offset, (uint8_t)(1u << bit));
    assert_ok(volume_world_open(&world, &err), &err);
    for (uint8_t name = 1; name <= NAMES; name++) {
        bool right = is_right(&world, name);
        if (!right && (name != victim || !was_reported(&world))) {
            print_error(
                "%s at %llu, bit %u: shard %u\n", file, (unsigned long long)offset, bit, name);
        }
        assert_true(right || (name == victim && was_reported(&world)));
    }
    volume_world_fini(&world);
}

/* ---- what is flipped ---- */

static uint8_t name_of(const struct shard_id *id)
{
    for (uint8_t name = 1; name <= NAMES; name++) {
        struct shard_plan plan = plan_of(name);
        struct shard_id its = plan_id(&plan);
        if (shard_id_equal(&its, id)) {
            return name;
        }
    }
    return 0;
}

static uint64_t salt_of(const struct volume_world *world)
{
    struct hearth_err err;
    struct superblock superblock;
    struct view bytes = sim_disk_file(world->sim, "superblock.0");
    assert_ok(superblock_decode(bytes, &superblock, &err), &err);
    return superblock.salt;
}

static void flip_range(const struct volume_world *from, const char *file, uint64_t offset,
    uint64_t size, uint64_t step, uint8_t victim)
{
    for (uint64_t at = offset; at < offset + size; at += step) {
        for (unsigned bit = 0; bit<8; bit += step> 1 ? 5 : 1) {
            flip_and_look(from, file, at, bit, victim);
        }
    }
}

/* Headers and small bodies bit by bit, cells here and there. */
static unsigned flip_records(const struct volume_world *from)
{
    uint64_t seed = log_seed(salt_of(from), 1);
    struct view log = sim_disk_file(from->sim, log_file);
    unsigned records = 0;
    uint64_t offset = LOG_FIRST_RECORD;
    while (offset + RECORD_HEADER_SIZE < log.size) {
        struct record_header header;
        log = sim_disk_file(from->sim, log_file);
        if (!record_header_decode(
                view_of(log.bytes + offset, log.size - offset), seed, offset, &header)) {
            offset += RECORD_ALIGNMENT;
            continue;
        }
        records++;
        uint8_t victim = name_of(&header.id);
        bool is_chunk = header.type == RECORD_CHUNK;
        flip_range(from, log_file, offset, RECORD_HEADER_SIZE, 1, is_chunk ? 0 : victim);
        flip_range(from, log_file, offset + RECORD_HEADER_SIZE, header.body_size,
            is_chunk ? CELL_STEP : 1, victim);
        offset += record_size(header.body_size);
    }
    return records;
}

static void no_bit_of_a_scanned_log_is_trusted(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    volume_world_kill(world);
    /* Two small shards, two of four chunks, all with footers; two tombstones and a mark. */
    assert_int_equal(flip_records(world), 2 * 2 + 2 * 5 + 2 + 1);
    flip_range(world, log_file, 0, LOG_HEADER_SIZE, 1, 0);
    print_message("%llu flips\n", (unsigned long long)flips);
}

static void no_bit_of_a_log_behind_a_checkpoint_is_trusted(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    volume_world_close(world);
    flip_records(world);
    print_message("%llu flips\n", (unsigned long long)flips);
}

static void no_bit_of_superblocks_and_checkpoints_is_needed(void **state)
{
    struct volume_world *world = *state;
    fill(world);
    reopen(world);
    volume_world_close(world); /* both checkpoints are there */
    flip_range(world, "superblock.0", 0, SUPERBLOCK_SIZE, 1, 0);
    flip_range(world, "superblock.1", 0, SUPERBLOCK_SIZE, 1, 0);
    flip_range(world, "index.0", 0, 128, 1, 0);
    flip_range(world, "index.0", 128, sim_disk_file(world->sim, "index.0").size - 128, 7, 0);
    flip_range(world, "index.1", 0, sim_disk_file(world->sim, "index.1").size, 7, 0);
    print_message("%llu flips\n", (unsigned long long)flips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(no_bit_of_a_scanned_log_is_trusted),
        VOLUME_TEST(no_bit_of_a_log_behind_a_checkpoint_is_trusted),
        VOLUME_TEST(no_bit_of_superblocks_and_checkpoints_is_needed),
    };
    return cmocka_run_group_tests_name("volume_rot", tests, NULL, NULL);
}
