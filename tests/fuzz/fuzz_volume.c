/*
 * fuzz_volume: a volume whose superblock or checkpoint was changed opens or says why not, and what
 * opens never reads other bytes than were put (D2).  As long as the checksums tell, the shard is
 * there: a checkpoint is only a cache.
 *
 * The volume is made each time: one shard, an orderly end.  The input is a list of changes, four
 * bytes each: which file, where (two), what is turned there.  With an odd first byte all checksums
 * of the checkpoints are set right afterwards, so that what is behind them is reached.
 */
#include "storaged/shard_format.h"
#include "storaged/shard_index.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/volume_world.h"

enum { CHANGES_MAX = 16 };

static const struct shard_plan plan = {1, 1, 5, 64, 32};

static const char *const names[] = {"superblock.0", "superblock.1", "index.0", "index.1"};

static void make_volume(struct volume_world *world)
{
    struct hearth_err err;
    volume_world_init(world, 0);
    enum hearth_code code = volume_world_open(world, &err);
    assert(code == HEARTH_OK);
    code = volume_world_put(world, &plan, &err);
    assert(code == HEARTH_OK);
    volume_world_close(world);
}

/* Returns a bit for each file that was changed. */
static unsigned change(struct volume_world *world, struct view rest)
{
    unsigned changed = 0;
    for (unsigned i = 0; i < CHANGES_MAX && rest.size >= 4; i++) {
        unsigned which = fuzz_byte(&rest) % 4;
        size_t at = (size_t)(fuzz_byte(&rest) << 8);
        at |= fuzz_byte(&rest);
        uint8_t mask = fuzz_byte(&rest);
        struct view file = sim_disk_file(world->sim, names[which]);
        if (file.size > 0 && mask != 0) {
            sim_disk_flip(world->sim, names[which], at % file.size, mask);
            changed |= 1u << which;
        }
    }
    return changed;
}

/* Sets the sum of `size` bytes that end with one. False: there are not so many. */
static bool seal(uint8_t *bytes, size_t file_size, size_t *at, uint64_t size, uint64_t salt)
{
    if (size > file_size - *at) {
        return false;
    }
    record_seal(bytes + *at, (size_t)size, salt);
    *at += (size_t)size;
    return true;
}

static void seal_checkpoint(uint8_t *bytes, size_t size, uint64_t salt)
{
    size_t at = 0;
    struct checkpoint_header header;
    if (!seal(bytes, size, &at, CHECKPOINT_HEADER_SIZE, salt) ||
        !checkpoint_header_decode(view_of(bytes, size), salt, &header) ||
        !seal(bytes, size, &at, (uint64_t)header.log_count * CHECKPOINT_LOG_SIZE + FORMAT_SUM_SIZE,
            salt)) {
        return;
    }
    for (unsigned i = 0; i < SHARD_INDEX_PARTITIONS; i++) {
        uint32_t partition;
        uint32_t count;
        if (size - at < CHECKPOINT_PARTITION_HEADER_SIZE) {
            return;
        }
        checkpoint_partition_header_decode(bytes + at, &partition, &count);
        if (!seal(bytes, size, &at,
                CHECKPOINT_PARTITION_HEADER_SIZE + (uint64_t)count * CHECKPOINT_ENTRY_SIZE +
                    FORMAT_SUM_SIZE,
                salt)) {
            return;
        }
    }
}

static void set_sums(struct volume_world *world, const char *name, uint64_t salt)
{
    struct view file = sim_disk_file(world->sim, name);
    uint8_t *before = fuzz_copy(file);
    uint8_t *after = fuzz_copy(file);
    seal_checkpoint(after, file.size, salt);
    for (size_t i = 0; i < file.size; i++) {
        if (before[i] != after[i]) {
            sim_disk_flip(world->sim, name, i, before[i] ^ after[i]);
        }
    }
    free(before);
    free(after);
}

static uint64_t salt_of(const struct volume_world *world)
{
    struct hearth_err err;
    struct superblock superblock;
    enum hearth_code code =
        superblock_decode(sim_disk_file(world->sim, names[0]), &superblock, &err);
    assert(code == HEARTH_OK);
    return superblock.salt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct volume_world world;
    struct hearth_err err;
    bool trashed;
    struct view rest = view_of(data, size);
    bool sums_fit = (fuzz_byte(&rest) & 1) != 0;
    make_volume(&world);
    uint64_t salt = salt_of(&world);
    unsigned changed = change(&world, rest);
    if (sums_fit) {
        set_sums(&world, names[2], salt);
        set_sums(&world, names[3], salt);
    }
    enum hearth_code code = volume_world_open(&world, &err);
    assert(code != HEARTH_INTERNAL);
    assert(code == HEARTH_OK || sums_fit || (changed & 3) == 3); /* both superblocks */
    if (code == HEARTH_OK) {
        code = volume_world_get(&world, &plan, &trashed, &err);
        assert(code != HEARTH_INTERNAL); /* other bytes */
        assert(code == HEARTH_OK || sums_fit);
    }
    volume_world_fini(&world);
    return 0;
}
