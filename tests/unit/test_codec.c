/*
 * codec: what is written is read back, and neither side can be made to leave its bounds.
 */
#include "common/codec.h"
#include "tests/lib/test.h"

static void values_come_back_little_endian(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_u8(&writer, 1);
    writer_u16(&writer, 0x0203);
    writer_u32(&writer, 0x04050607);
    writer_u64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    writer_sized(&writer, view_text("hi"));
    assert_false(writer.failed);
    assert_int_equal(bytes[1], 3); /* the low byte comes first */

    struct reader reader = reader_of(view_of(bytes, writer.size));
    assert_int_equal(reader_u8(&reader), 1);
    assert_int_equal(reader_u16(&reader), 0x0203);
    assert_int_equal(reader_u32(&reader), 0x04050607);
    assert_int_equal(reader_u64(&reader), UINT64_C(0x08090a0b0c0d0e0f));
    assert_true(view_equal(reader_sized(&reader), view_text("hi")));
    assert_true(reader_at_end(&reader));
}

static void a_length_past_the_end_fails_and_stays_failed(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 1, 2};
    struct reader reader = reader_of(view_of(bytes, sizeof(bytes)));
    assert_int_equal(reader_sized(&reader).size, 0);
    assert_true(reader.failed);
    assert_int_equal(reader_u8(&reader), 0);
    assert_false(reader_at_end(&reader));
}

static void a_full_writer_writes_nothing_more(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    struct writer writer = writer_of(bytes, 3);
    writer_u16(&writer, 0xffff);
    writer_u16(&writer, 0xffff);
    assert_true(writer.failed);
    assert_int_equal(writer.size, 2);
    assert_int_equal(bytes[3], 0);
}

static void hex_takes_exactly_its_digits(void **state)
{
    (void)state;
    uint8_t bytes[2];
    char text[5];
    assert_true(hex_decode(view_text("aB09"), bytes, 2));
    hex_encode(bytes, 2, text);
    assert_string_equal(text, "ab09");
    assert_false(hex_decode(view_text("aB0"), bytes, 2));
    assert_false(hex_decode(view_text("aB0g"), bytes, 2));
}

static void base64_takes_the_one_way_to_say_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE="};
    uint8_t bytes[8];
    char text[16];
    for (size_t size = 0; size < sizeof(texts) / sizeof(texts[0]); size++) {
        base64_encode("foobar", size, text);
        assert_string_equal(text, texts[size]);
        assert_true(base64_decode(view_text(text), bytes, size));
        assert_memory_equal(bytes, "foobar", size);
        assert_false(base64_decode(view_text(text), bytes, size + 1));
    }
    static const char *const wrong[] = {"Zh==", "Zg=", "Zg", "Z===", "Zg=a", "Z\xc3==", "=g=="};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(base64_decode(view_text(wrong[i]), bytes, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_little_endian),
        cmocka_unit_test(a_length_past_the_end_fails_and_stays_failed),
        cmocka_unit_test(a_full_writer_writes_nothing_more),
        cmocka_unit_test(hex_takes_exactly_its_digits),
        cmocka_unit_test(base64_takes_the_one_way_to_say_it),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
