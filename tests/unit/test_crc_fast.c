/*
 * crc_fast: the check values of the three polynomials, and that pieces make the same as the whole.
 */
#include "common/crc_fast.h"

#include "tests/lib/test.h"

static void the_check_values_are_right(void **state)
{
    (void)state;
    const struct view check = view_text("123456789");
    assert_int_equal(crc32_update(0, check), 0xcbf43926);
    assert_int_equal(crc32c_update(0, check), 0xe3069283);
    assert_true(crc64nvme_update(0, check) == UINT64_C(0xae8b14860a799888));
    assert_int_equal(crc32_update(0, (struct view){0}), 0);
}

/* As the NVMe specification has them, of 4,096 bytes. */
static void the_values_of_a_page_are_right(void **state)
{
    (void)state;
    uint8_t page[4096];
    memset(page, 0, sizeof(page));
    assert_true(crc64nvme_update(0, view_of(page, sizeof(page))) == UINT64_C(0x6482d367eb22b64e));
    memset(page, 0xff, sizeof(page));
    assert_true(crc64nvme_update(0, view_of(page, sizeof(page))) == UINT64_C(0xc0ddba7302eca3ac));
}

static void pieces_make_the_same_as_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    const struct view whole = view_of(bytes, sizeof(bytes));
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        const struct view first = view_of(bytes, cut);
        const struct view rest = view_of(bytes + cut, sizeof(bytes) - cut);
        assert_int_equal(crc32_update(crc32_update(0, first), rest), crc32_update(0, whole));
        assert_int_equal(crc32c_update(crc32c_update(0, first), rest), crc32c_update(0, whole));
        assert_true(
            crc64nvme_update(crc64nvme_update(0, first), rest) == crc64nvme_update(0, whole));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_values_are_right),
        cmocka_unit_test(the_values_of_a_page_are_right),
        cmocka_unit_test(pieces_make_the_same_as_the_whole),
    };
    return cmocka_run_group_tests_name("crc_fast", tests, NULL, NULL);
}
