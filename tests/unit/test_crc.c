/*
 * crc: the check values of the three polynomials; pieces make the same as the whole, one after the
 * other and joined.
 */
#include "common/crc.h"

#include "tests/lib/test.h"

static const struct crc *const crcs[] = {&crc_32, &crc_32c, &crc_64nvme};

static uint64_t crc_of(const struct crc *crc, struct view bytes)
{
    return crc_update(crc, 0, bytes);
}

static void the_check_values_are_right(void **state)
{
    (void)state;
    const struct view check = view_text("123456789");
    assert_true(crc_of(&crc_32, check) == 0xcbf43926);
    assert_true(crc_of(&crc_32c, check) == 0xe3069283);
    assert_true(crc_of(&crc_64nvme, check) == UINT64_C(0xae8b14860a799888));
    assert_true(crc_of(&crc_32, (struct view){0}) == 0);
}

/* As the NVMe specification has them, of 4,096 bytes. */
static void the_values_of_a_page_are_right(void **state)
{
    (void)state;
    uint8_t page[4096];
    memset(page, 0, sizeof(page));
    assert_true(crc_of(&crc_64nvme, view_of(page, sizeof(page))) == UINT64_C(0x6482d367eb22b64e));
    memset(page, 0xff, sizeof(page));
    assert_true(crc_of(&crc_64nvme, view_of(page, sizeof(page))) == UINT64_C(0xc0ddba7302eca3ac));
}

static void pieces_make_the_same_as_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t c = 0; c < sizeof(crcs) / sizeof(crcs[0]); c++) {
        uint64_t whole = crc_of(crcs[c], view_of(bytes, sizeof(bytes)));
        for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
            struct view rest = view_of(bytes + cut, sizeof(bytes) - cut);
            uint64_t first = crc_of(crcs[c], view_of(bytes, cut));
            assert_true(crc_update(crcs[c], first, rest) == whole);
            assert_true(crc_join(crcs[c], first, crc_of(crcs[c], rest), rest.size) == whole);
        }
    }
}

/* Long runs are folded, single bytes are not. */
static void every_length_is_as_byte_by_byte(void **state)
{
    (void)state;
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * i * 37 + i / 7);
    }
    for (size_t c = 0; c < sizeof(crcs) / sizeof(crcs[0]); c++) {
        uint64_t expected = 0;
        for (size_t size = 0; size < sizeof(bytes); size++) {
            assert_true(crc_of(crcs[c], view_of(bytes, size)) == expected);
            uint64_t first = crc_of(crcs[c], view_of(bytes, size / 3));
            struct view rest = view_of(bytes + size / 3, size - size / 3);
            assert_true(crc_update(crcs[c], first, rest) == expected);
            expected = crc_update(crcs[c], expected, view_of(bytes + size, 1));
        }
    }
}

static void it_is_sent_with_the_highest_byte_first(void **state)
{
    (void)state;
    uint8_t bytes[8];
    crc_write(&crc_32c, 0xe3069283, bytes);
    assert_memory_equal(bytes, ((uint8_t[]){0xe3, 0x06, 0x92, 0x83}), 4);
    assert_true(crc_read(&crc_32c, bytes) == 0xe3069283);
    crc_write(&crc_64nvme, UINT64_C(0xae8b14860a799888), bytes);
    assert_int_equal(bytes[0], 0xae);
    assert_true(crc_read(&crc_64nvme, bytes) == UINT64_C(0xae8b14860a799888));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_values_are_right),
        cmocka_unit_test(the_values_of_a_page_are_right),
        cmocka_unit_test(pieces_make_the_same_as_the_whole),
        cmocka_unit_test(every_length_is_as_byte_by_byte),
        cmocka_unit_test(it_is_sent_with_the_highest_byte_first),
    };
    return cmocka_run_group_tests_name("crc", tests, NULL, NULL);
}
