/*
 * checksum_join, checksum_text: an object's checksum out of those of its parts is the one that
 * would be calculated over its bytes, or over the parts' checksums.
 */
#include "gateway/checksum_join.h"
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

struct bench {
    struct checksum_join join;
    uint8_t *room;
};

static void begin(struct bench *bench, enum hearth_checksum_kind kind, bool is_composite)
{
    bench->room = malloc((size_t)HEARTH_PARTS_MAX * CHECKSUM_SIZE_MAX);
    assert_non_null(bench->room);
    checksum_join_init(&bench->join, checksum_by_kind(kind), is_composite, bench->room);
}

static void add(
    struct bench *bench, enum hearth_checksum_kind kind, const char *base64, uint64_t size)
{
    uint8_t value[CHECKSUM_SIZE_MAX];
    assert_true(checksum_parse(checksum_by_kind(kind), base64, value));
    const struct hearth_checksum item = {
        .kind = kind, .value = view_of(value, checksum_by_kind(kind)->size)};
    const struct hearth_part part = {.size = size, .checksums = {1, &item}};
    checksum_join_add(&bench->join, &part);
}

static void ends_with(struct bench *bench, unsigned parts, const char *text)
{
    struct hearth_checksums checksums = checksum_join_end(&bench->join);
    char actual[CHECKSUM_TEXT_SIZE];
    assert_int_equal(checksums.count, 1);
    checksum_text(&checksums.items[0], parts, actual);
    assert_string_equal(actual, text);
    free(bench->room);
}

/* Parts "hello " and "world", made with Python's zlib, hashlib and base64. */
static void an_object_has_the_checksum_of_its_bytes_or_of_its_parts(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, HEARTH_CHECKSUM_CRC32, false);
    add(&bench, HEARTH_CHECKSUM_CRC32, "7YH59g==", 6);
    add(&bench, HEARTH_CHECKSUM_CRC32, "OncRQw==", 5);
    ends_with(&bench, 2, "DUoRhQ==");
    begin(&bench, HEARTH_CHECKSUM_CRC32, true);
    add(&bench, HEARTH_CHECKSUM_CRC32, "7YH59g==", 6);
    add(&bench, HEARTH_CHECKSUM_CRC32, "OncRQw==", 5);
    ends_with(&bench, 2, "1Fu2mQ==-2");
    begin(&bench, HEARTH_CHECKSUM_SHA1, true);
    add(&bench, HEARTH_CHECKSUM_SHA1, "xNhxrROtAP3pp7t/9+0lQ67FQkE=", 6);
    add(&bench, HEARTH_CHECKSUM_SHA1, "fCEUM/AgcVl3Qeb/Wo6jR4mrv0M=", 5);
    ends_with(&bench, 2, "9oeo+kMlG3hL6irRRMB+8GuSWwc=-2");
    begin(&bench, HEARTH_CHECKSUM_SHA256, true);
    add(&bench, HEARTH_CHECKSUM_SHA256, "XjI1qDRuWkWF+MWFYvUFK4/iajuxIuHpbHZ4SWTfxGE=", 6);
    add(&bench, HEARTH_CHECKSUM_SHA256, "SG6kYiTRu0+2gPNPfJrZao8k7Ii+c+qOWmxlJg6cuKc=", 5);
    ends_with(&bench, 2, "Zhie15keHg/OBlOZxcoF/BXCgYZaeimRvdZnwUZqkaQ=-2");
}

static void a_part_without_leaves_the_object_without(void **state)
{
    (void)state;
    struct bench bench;
    const struct hearth_part bare = {.size = 5};
    begin(&bench, HEARTH_CHECKSUM_CRC32, true);
    add(&bench, HEARTH_CHECKSUM_CRC32, "7YH59g==", 6);
    checksum_join_add(&bench.join, &bare);
    assert_int_equal(checksum_join_end(&bench.join).count, 0);
    free(bench.room);
    checksum_join_init(&bench.join, NULL, false, NULL);
    checksum_join_add(&bench.join, &bare);
    assert_int_equal(checksum_join_end(&bench.join).count, 0);
}

static void a_value_has_the_size_of_its_algorithm(void **state)
{
    (void)state;
    uint8_t value[CHECKSUM_SIZE_MAX];
    const struct checksum_kind *crc32 = checksum_by_name("crc32");
    static const char *const wrong[] = {
        "", "AAAA", "AAAAAA=", "AAAAAA", "AAAAAB==", "AAAAAAAA", "AA*AAA==", "AAAAA==="};
    assert_true(checksum_parse(crc32, "AAAAAA==", value));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(checksum_parse(crc32, wrong[i], value));
    }
    assert_null(checksum_by_name("MD5"));
    assert_null(checksum_by_kind(HEARTH_CHECKSUM_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_has_the_checksum_of_its_bytes_or_of_its_parts),
        cmocka_unit_test(a_part_without_leaves_the_object_without),
        cmocka_unit_test(a_value_has_the_size_of_its_algorithm),
    };
    return cmocka_run_group_tests_name("checksum_join", tests, NULL, NULL);
}
