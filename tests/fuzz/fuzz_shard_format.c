/*
 * fuzz_shard_format: everything a volume keeps on disk, one format at a time.  What is understood
 * is written again as the same bytes, and no bit of it can turn without its checksum noticing.
 *
 * The first byte chooses the format, the second the bit.  Checksums are set right before.
 */
#include "storaged/shard_format.h"
#include "tests/fuzz/fuzz.h"

enum { SEED = 7 };

static bool is_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* Encoding what was decoded once more gives the same: unknown bytes are dropped the first time. */
static void fuzz_superblock(uint8_t *bytes, size_t bit)
{
    struct hearth_err err;
    struct superblock superblock;
    uint8_t once[SUPERBLOCK_SIZE];
    uint8_t twice[SUPERBLOCK_SIZE];
    struct view view = view_of(bytes, SUPERBLOCK_SIZE);
    record_seal(bytes, SUPERBLOCK_SIZE, 0);
    if (superblock_decode(view, &superblock, &err) != HEARTH_OK) {
        return;
    }
    superblock_encode(&superblock, once);
    enum hearth_code code = superblock_decode(view_of(once, sizeof(once)), &superblock, &err);
    assert(code == HEARTH_OK);
    superblock_encode(&superblock, twice);
    assert(is_same(once, twice, sizeof(once)));
    bytes[bit / 8 % SUPERBLOCK_SIZE] ^= (uint8_t)(1u << bit % 8);
    code = superblock_decode(view, &superblock, &err);
    assert(code != HEARTH_OK);
}

static void fuzz_log_header(uint8_t *bytes, size_t bit)
{
    struct hearth_err err;
    struct log_header header;
    uint8_t once[LOG_HEADER_SIZE];
    uint8_t twice[LOG_HEADER_SIZE];
    struct view view = view_of(bytes, LOG_HEADER_SIZE);
    record_seal(bytes, LOG_HEADER_SIZE, SEED);
    if (log_header_decode(view, SEED, &header, &err) != HEARTH_OK) {
        return;
    }
    log_header_encode(&header, SEED, once);
    enum hearth_code code = log_header_decode(view_of(once, sizeof(once)), SEED, &header, &err);
    assert(code == HEARTH_OK);
    log_header_encode(&header, SEED, twice);
    assert(is_same(once, twice, sizeof(once)));
    bytes[bit / 8 % LOG_HEADER_SIZE] ^= (uint8_t)(1u << bit % 8);
    code = log_header_decode(view, SEED, &header, &err);
    assert(code != HEARTH_OK);
}

static void fuzz_record_header(uint8_t *bytes, size_t bit)
{
    struct record_header header;
    uint8_t once[RECORD_HEADER_SIZE];
    uint64_t offset;
    memcpy(&offset, bytes + 8, sizeof(offset));
    offset = offset / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
    struct view view = view_of(bytes, RECORD_HEADER_SIZE);
    record_seal(bytes, RECORD_HEADER_SIZE, SEED);
    if (!record_header_decode(view, SEED, offset, &header)) {
        return;
    }
    assert(!record_header_decode(view, SEED, offset + RECORD_ALIGNMENT, &header));
    record_header_encode(&header, SEED, once);
    bool good = record_header_decode(view_of(once, sizeof(once)), SEED, offset, &header);
    assert(good);
    bytes[bit / 8 % RECORD_HEADER_SIZE] ^= (uint8_t)(1u << bit % 8);
    assert(!record_header_decode(view, SEED, offset, &header));
}

static void fuzz_footer(uint8_t *bytes, size_t size)
{
    struct shard_footer footer;
    if (!footer_decode(view_of(bytes, size), &footer)) {
        return;
    }
    assert(size == footer_body_size(footer.cell_count, footer.note.size));
    uint64_t covered = 0;
    for (uint32_t chunk = 0; chunk < footer.chunk_count; chunk++) {
        assert(footer_chunk_offset(&footer, chunk) % RECORD_ALIGNMENT == 0);
        covered += footer_chunk_size(&footer, chunk);
    }
    assert(covered == footer.length);
    for (uint32_t cell = 0; cell < footer.cell_count; cell++) {
        (void)footer_cell_sum(&footer, cell);
        assert(footer_cell_size(&footer, cell) <= VOLUME_CELL_SIZE_MAX);
    }
    assert(footer_shard_size(&footer) > footer.length);
}

static void fuzz_small(uint8_t *bytes, size_t size)
{
    struct tombstone tombstone;
    struct retired retired;
    uint8_t body[TOMBSTONE_BODY_SIZE] = {0};
    if (size >= TOMBSTONE_BODY_SIZE &&
        tombstone_decode(view_of(bytes, TOMBSTONE_BODY_SIZE), &tombstone)) {
        tombstone_encode(&tombstone, body);
        struct tombstone again;
        bool good = tombstone_decode(view_of(body, TOMBSTONE_BODY_SIZE), &again);
        assert(good && again.footer_offset == tombstone.footer_offset);
    }
    if (size >= RETIRED_BODY_SIZE && retired_decode(view_of(bytes, RETIRED_BODY_SIZE), &retired)) {
        retired_encode(&retired, body);
        struct retired again;
        bool good = retired_decode(view_of(body, RETIRED_BODY_SIZE), &again);
        assert(good && again.good_until == retired.good_until);
    }
}

static void fuzz_checkpoint(uint8_t *bytes, size_t bit)
{
    struct checkpoint_header header;
    uint8_t once[CHECKPOINT_HEADER_SIZE];
    struct view view = view_of(bytes, CHECKPOINT_HEADER_SIZE);
    record_seal(bytes, CHECKPOINT_HEADER_SIZE, SEED);
    if (!checkpoint_header_decode(view, SEED, &header)) {
        return;
    }
    checkpoint_header_encode(&header, SEED, once);
    bool good = checkpoint_header_decode(view_of(once, sizeof(once)), SEED, &header);
    assert(good);
    bytes[bit / 8 % CHECKPOINT_HEADER_SIZE] ^= (uint8_t)(1u << bit % 8);
    assert(!checkpoint_header_decode(view, SEED, &header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { FIXED_MAX = SUPERBLOCK_SIZE };
    struct view rest = view_of(data, size);
    uint8_t choice = fuzz_byte(&rest);
    size_t bit = (size_t)fuzz_byte(&rest) * 3;
    uint8_t *bytes = fuzz_copy(rest);
    uint8_t fixed[FIXED_MAX] = {0};
    memcpy(fixed, bytes, rest.size < FIXED_MAX ? rest.size : FIXED_MAX);
    switch (choice % 6) {
    case 0: fuzz_superblock(fixed, bit); break;
    case 1: fuzz_log_header(fixed, bit); break;
    case 2: fuzz_record_header(fixed, bit); break;
    case 3: fuzz_checkpoint(fixed, bit); break;
    case 4: fuzz_footer(bytes, rest.size); break;
    default: fuzz_small(bytes, rest.size); break;
    }
    free(bytes);
    return 0;
}
