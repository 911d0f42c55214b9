/*
 * shard_format: the bytes on disk are the golden ones, come back as they were, and no flipped bit
 * of a header or a small body goes unnoticed.
 */
#include "storaged/shard_format.h"

#include "tests/lib/test.h"
#include "tests/lib/test_vector.h"

#define VECTORS "volume.txt"

enum { LOG_NUMBER = 31, CELLS = 5, CELL_SIZE = 100, LAST_CELL_SIZE = 64 };

static const uint64_t salt = UINT64_C(0x1122334455667788);

static void count_up(uint8_t *bytes, size_t size, uint8_t first)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(first + i);
    }
}

static void same_bytes(const char *name, const void *bytes, size_t size)
{
    test_vector_expect(VECTORS, name, view_of(bytes, size));
}

/* ---- superblock and log header ---- */

static struct superblock some_superblock(void)
{
    struct superblock superblock = {.start_counter = 7,
        .salt = salt,
        .incompatible = 1,
        .compatible = 2,
        .created_unix_ms = UINT64_C(1800000000000)};
    count_up(superblock.uuid, VOLUME_UUID_SIZE, 0x10);
    count_up(superblock.node_id, VOLUME_NODE_ID_SIZE, 0x20);
    return superblock;
}

static void a_superblock_has_its_golden_bytes(void **state)
{
    (void)state;
    struct hearth_err err;
    uint8_t bytes[SUPERBLOCK_SIZE];
    struct superblock superblock = some_superblock();
    superblock_encode(&superblock, bytes);
    same_bytes("superblock", bytes, sizeof(bytes));
    struct superblock back;
    assert_ok(superblock_decode(view_of(bytes, sizeof(bytes)), &back, &err), &err);
    uint8_t again[SUPERBLOCK_SIZE];
    superblock_encode(&back, again);
    assert_memory_equal(again, bytes, sizeof(bytes));
}

static void a_flipped_bit_of_a_superblock_is_rot_and_never_a_newer_version(void **state)
{
    (void)state;
    struct hearth_err err;
    uint8_t bytes[SUPERBLOCK_SIZE];
    struct superblock superblock = some_superblock();
    superblock_encode(&superblock, bytes);
    for (unsigned bit = 0; bit < 8 * SUPERBLOCK_SIZE; bit++) {
        struct superblock back;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(
            superblock_decode(view_of(bytes, sizeof(bytes)), &back, &err), HEARTH_CHECKSUM);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_superblock_of_a_newer_version_is_refused_as_such(void **state)
{
    (void)state;
    struct hearth_err err;
    uint8_t bytes[SUPERBLOCK_SIZE];
    struct superblock superblock = some_superblock();
    superblock_encode(&superblock, bytes);
    bytes[0] = FORMAT_VERSION + 1;
    record_seal(bytes, sizeof(bytes), 0);
    struct superblock back;
    assert_int_equal(
        superblock_decode(view_of(bytes, sizeof(bytes)), &back, &err), HEARTH_UNKNOWN_FORMAT);
    assert_string_equal(err.message, "superblock of format 2, this program knows 1");
}

static void a_log_header_has_its_golden_bytes(void **state)
{
    (void)state;
    struct hearth_err err;
    struct log_header header = {.number = LOG_NUMBER,
        .size_max = 1 << 30,
        .start_counter = 7,
        .created_unix_ms = UINT64_C(1800000000000)};
    count_up(header.uuid, VOLUME_UUID_SIZE, 0x10);
    uint8_t bytes[LOG_HEADER_SIZE];
    uint64_t seed = log_seed(salt, LOG_NUMBER);
    log_header_encode(&header, seed, bytes);
    same_bytes("log_header", bytes, sizeof(bytes));
    struct log_header back;
    assert_ok(log_header_decode(view_of(bytes, sizeof(bytes)), seed, &back, &err), &err);
    uint8_t again[LOG_HEADER_SIZE];
    log_header_encode(&back, seed, again);
    assert_memory_equal(again, bytes, sizeof(bytes));
    assert_int_equal(
        log_header_decode(view_of(bytes, sizeof(bytes)), log_seed(salt, 30), &back, &err),
        HEARTH_CHECKSUM);
}

/* ---- records ---- */

/* Record number `number` of the log; what is before it is durable up to `durable`. */
static struct record_header some_header(
    enum record_type type, uint64_t offset, uint32_t number, uint32_t durable)
{
    struct record_header header = {.type = type,
        .offset = offset,
        .sequence = sequence_of(LOG_NUMBER, number),
        .durable = sequence_of(LOG_NUMBER, durable)};
    if (type != RECORD_MARK && type != RECORD_RETIRED) {
        count_up(header.id.bytes, SHARD_ID_SIZE, 0x40);
    }
    return header;
}

/* Encodes header and sum around the body that is in `record` already. */
static size_t seal_record(uint8_t *record, struct record_header header, uint32_t body_size)
{
    uint64_t seed = log_seed(salt, LOG_NUMBER);
    header.body_size = body_size;
    record_header_encode(&header, seed, record);
    record_seal(record, RECORD_HEADER_SIZE + body_size, seed);
    return RECORD_HEADER_SIZE + body_size;
}

struct shard {
    uint8_t pairs[CELLS * (CELL_SIZE + VOLUME_TAG_SIZE)];
    uint64_t sums[CELLS];
    uint64_t offsets[2];
    struct shard_footer footer;
};

static void shard_make(struct shard *shard)
{
    uint8_t *at = shard->pairs;
    for (unsigned i = 0; i < CELLS; i++) {
        size_t size = i + 1 < CELLS ? CELL_SIZE : LAST_CELL_SIZE;
        memset(at, (int)i, size);
        memset(at + size, 0xf0 + (int)i, VOLUME_TAG_SIZE);
        shard->sums[i] = format_sum(view_of(at, size + VOLUME_TAG_SIZE), 0);
        at += size + VOLUME_TAG_SIZE;
    }
    shard->offsets[0] = 4096;
    shard->offsets[1] = 8192;
    shard->footer = (struct shard_footer){.slot = 11,
        .p = 12,
        .cell_count = CELLS,
        .cell_size = CELL_SIZE,
        .last_cell_size = LAST_CELL_SIZE,
        .length = (uint64_t)(at - shard->pairs),
        .stored_unix_ms = UINT64_C(1800000001000),
        .note = view_text("note"),
        .chunk_count = 2};
    count_up(shard->footer.locator.bytes, SHARD_LOCATOR_SIZE, 0x50);
    count_up(shard->footer.tag_digest, VOLUME_DIGEST_SIZE, 0x80);
}

static void the_records_of_a_shard_have_their_golden_bytes(void **state)
{
    (void)state;
    struct shard shard;
    shard_make(&shard);
    uint64_t seed = log_seed(salt, LOG_NUMBER);
    uint8_t bytes[RECORD_HEADER_SIZE];
    struct record_header header = some_header(RECORD_CHUNK, 4096, 1, 0);
    header.body_size = footer_chunk_size(&shard.footer, 0);
    record_header_encode(&header, seed, bytes);
    same_bytes("chunk_0_header", bytes, sizeof(bytes));
    same_bytes("chunk_0_body", shard.pairs, header.body_size);
    size_t first = header.body_size;

    header = some_header(RECORD_CHUNK, 8192, 2, 0);
    header.part = 1;
    header.body_size = footer_chunk_size(&shard.footer, 1);
    record_header_encode(&header, seed, bytes);
    same_bytes("chunk_1_header", bytes, sizeof(bytes));
    same_bytes("chunk_1_body", shard.pairs + first, header.body_size);

    uint8_t record[RECORD_HEADER_SIZE + FOOTER_BODY_MAX];
    uint32_t body_size = footer_body_size(CELLS, 4);
    footer_encode(&shard.footer, shard.offsets, shard.sums, record + RECORD_HEADER_SIZE, body_size);
    size_t size = seal_record(record, some_header(RECORD_SHARD, 8384, 3, 1), body_size);
    same_bytes("footer", record, size);
}

static void a_footer_comes_back_as_it_was(void **state)
{
    (void)state;
    struct shard shard;
    shard_make(&shard);
    uint8_t body[FOOTER_BODY_MAX] = {0};
    uint32_t body_size = footer_body_size(CELLS, 4);
    footer_encode(&shard.footer, shard.offsets, shard.sums, body, body_size);
    struct shard_footer back;
    assert_true(footer_decode(view_of(body, body_size), &back));
    assert_int_equal(back.slot, 11);
    assert_int_equal(back.p, 12);
    assert_int_equal(back.cell_count, CELLS);
    assert_int_equal(back.length, shard.footer.length);
    assert_true(view_equal(back.note, view_text("note")));
    assert_memory_equal(back.tag_digest, shard.footer.tag_digest, VOLUME_DIGEST_SIZE);
    assert_int_equal(footer_chunk_offset(&back, 1), 8192);
    assert_int_equal(footer_cell_sum(&back, 4), shard.sums[4]);
    assert_int_equal(footer_cell_size(&back, 4), LAST_CELL_SIZE);
    assert_int_equal(footer_chunk_size(&back, 0), 4 * 116);
    assert_int_equal(footer_chunk_size(&back, 1), 80);
    assert_int_equal(footer_shard_size(&back), 576 + 192 + 256);
}

static void a_footer_whose_sizes_contradict_each_other_is_none(void **state)
{
    (void)state;
    struct shard shard;
    shard_make(&shard);
    uint8_t good[FOOTER_BODY_MAX] = {0};
    uint32_t body_size = footer_body_size(CELLS, 4);
    footer_encode(&shard.footer, shard.offsets, shard.sums, good, body_size);
    static const unsigned size_fields[] = {26, 28, 32, 36, 40, 88};
    for (unsigned i = 0; i < sizeof(size_fields) / sizeof(size_fields[0]); i++) {
        for (unsigned bit = 0; bit < 16; bit++) {
            uint8_t body[FOOTER_BODY_MAX];
            struct shard_footer back;
            memcpy(body, good, sizeof(body));
            body[size_fields[i] + bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(footer_decode(view_of(body, body_size), &back));
        }
    }
    struct shard_footer back;
    assert_false(footer_decode(view_of(good, body_size - 1), &back));
    assert_false(footer_decode(view_of(good, 0), &back));
}

static void small_records_have_their_golden_bytes(void **state)
{
    (void)state;
    uint8_t record[256] = {0};
    struct tombstone tombstone = {UINT64_C(1800000002000), LOG_NUMBER, 8384};
    tombstone_encode(&tombstone, record + RECORD_HEADER_SIZE);
    size_t size =
        seal_record(record, some_header(RECORD_TOMBSTONE, 12288, 4, 3), TOMBSTONE_BODY_SIZE);
    same_bytes("tombstone", record, size);
    struct tombstone dead;
    assert_true(tombstone_decode(view_of(record + RECORD_HEADER_SIZE, TOMBSTONE_BODY_SIZE), &dead));
    assert_int_equal(dead.footer_offset, 8384);
    assert_int_equal(dead.footer_log, LOG_NUMBER);

    size = seal_record(record, some_header(RECORD_MARK, 16384, 5, 4), MARK_BODY_SIZE);
    same_bytes("mark", record, size);

    struct retired retired = {sequence_of(30, 9), 5};
    retired_encode(&retired, record + RECORD_HEADER_SIZE);
    size = seal_record(record, some_header(RECORD_RETIRED, 20480, 6, 5), RETIRED_BODY_SIZE);
    same_bytes("retired", record, size);
    struct retired back;
    assert_true(retired_decode(view_of(record + RECORD_HEADER_SIZE, RETIRED_BODY_SIZE), &back));
    assert_int_equal(back.good_until, sequence_of(30, 9));
    assert_int_equal(back.error, 5);
}

static void a_record_is_valid_only_unchanged_in_its_own_place_and_log(void **state)
{
    (void)state;
    uint8_t record[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE] = {0};
    uint64_t seed = log_seed(salt, LOG_NUMBER);
    size_t size =
        seal_record(record, some_header(RECORD_TOMBSTONE, 12288, 4, 3), TOMBSTONE_BODY_SIZE);
    struct view view = view_of(record, size);
    struct record_header header;
    assert_true(record_header_decode(view, seed, 12288, &header));
    assert_true(record_verify(view, seed));
    assert_int_equal(header.type, RECORD_TOMBSTONE);
    assert_int_equal(header.sequence, sequence_of(LOG_NUMBER, 4));
    assert_int_equal(header.durable, sequence_of(LOG_NUMBER, 3));

    assert_false(record_header_decode(view, seed, 16384, &header));
    assert_false(record_header_decode(view, log_seed(salt, 30), 12288, &header));
    assert_false(record_header_decode(view_of(record, 63), seed, 12288, &header));
    for (unsigned bit = 0; bit < 8 * size; bit++) {
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(record_header_decode(view, seed, 12288, &header) && record_verify(view, seed));
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_record_that_vouches_for_itself_or_later_ones_is_none(void **state)
{
    (void)state;
    uint8_t bytes[RECORD_HEADER_SIZE];
    uint64_t seed = log_seed(salt, LOG_NUMBER);
    struct record_header header = some_header(RECORD_MARK, 16384, 5, 4);
    header.body_size = MARK_BODY_SIZE;
    record_header_encode(&header, seed, bytes);
    assert_true(record_header_decode(view_of(bytes, sizeof(bytes)), seed, 16384, &header));
    bytes[24]++; /* durable: its own sequence */
    record_seal(bytes, sizeof(bytes), seed);
    assert_false(record_header_decode(view_of(bytes, sizeof(bytes)), seed, 16384, &header));
}

/* ---- checkpoint, names ---- */

static void a_checkpoint_has_its_golden_bytes(void **state)
{
    (void)state;
    struct checkpoint_header header = {.generation = 3,
        .start_counter = 7,
        .log_count = 2,
        .next_log = 31,
        .newest_unix_ms = UINT64_C(1800000000000)};
    count_up(header.uuid, VOLUME_UUID_SIZE, 0x10);
    uint8_t bytes[CHECKPOINT_HEADER_SIZE];
    checkpoint_header_encode(&header, salt, bytes);
    same_bytes("checkpoint_3_header", bytes, sizeof(bytes));
    struct checkpoint_header back;
    assert_true(checkpoint_header_decode(view_of(bytes, sizeof(bytes)), salt, &back));
    uint8_t again[CHECKPOINT_HEADER_SIZE];
    checkpoint_header_encode(&back, salt, again);
    assert_memory_equal(again, bytes, sizeof(bytes));
    bytes[30] ^= 1;
    assert_false(checkpoint_header_decode(view_of(bytes, sizeof(bytes)), salt, &back));

    struct checkpoint_log log = {30, CHECKPOINT_LOG_CLOSED | CHECKPOINT_LOG_RETIRED, 8192,
        sequence_of(30, 10), sequence_of(30, 9), UINT64_C(1799999999999)};
    uint8_t log_bytes[CHECKPOINT_LOG_SIZE];
    checkpoint_log_encode(&log, log_bytes);
    same_bytes("checkpoint_2_log", log_bytes, sizeof(log_bytes));
    struct checkpoint_log log_back = checkpoint_log_decode(log_bytes);
    assert_memory_equal(&log_back, &log, sizeof(log));
}

static void a_checkpoint_of_an_older_version_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[CHECKPOINT_HEADER_SIZE] = {0};
    struct checkpoint_header header;
    test_vector_read(VECTORS, "checkpoint_header", bytes, 56);
    assert_false(checkpoint_header_decode(view_of(bytes, 56), salt, &header));
    assert_false(checkpoint_header_decode(view_of(bytes, sizeof(bytes)), salt, &header));
    test_vector_read(VECTORS, "checkpoint_2_header", bytes, sizeof(bytes));
    assert_false(checkpoint_header_decode(view_of(bytes, sizeof(bytes)), salt, &header));
}

static void names_of_logs_are_told_from_other_names(void **state)
{
    (void)state;
    char name[DISK_NAME_SIZE];
    uint32_t number = 0;
    log_name(LOG_NUMBER, name);
    assert_string_equal(name, "log-0000001f");
    assert_true(log_name_parse(name, &number));
    assert_int_equal(number, LOG_NUMBER);
    assert_false(log_name_parse("log-1f", &number));
    assert_false(log_name_parse("log-0000001g", &number));
    assert_false(log_name_parse("log-0000001f.tmp", &number));
    assert_false(log_name_parse("index.0", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_has_its_golden_bytes),
        cmocka_unit_test(a_flipped_bit_of_a_superblock_is_rot_and_never_a_newer_version),
        cmocka_unit_test(a_superblock_of_a_newer_version_is_refused_as_such),
        cmocka_unit_test(a_log_header_has_its_golden_bytes),
        cmocka_unit_test(the_records_of_a_shard_have_their_golden_bytes),
        cmocka_unit_test(a_footer_comes_back_as_it_was),
        cmocka_unit_test(a_footer_whose_sizes_contradict_each_other_is_none),
        cmocka_unit_test(small_records_have_their_golden_bytes),
        cmocka_unit_test(a_record_is_valid_only_unchanged_in_its_own_place_and_log),
        cmocka_unit_test(a_record_that_vouches_for_itself_or_later_ones_is_none),
        cmocka_unit_test(a_checkpoint_has_its_golden_bytes),
        cmocka_unit_test(a_checkpoint_of_an_older_version_is_refused),
        cmocka_unit_test(names_of_logs_are_told_from_other_names),
    };
    return cmocka_run_group_tests_name("shard_format", tests, NULL, NULL);
}
