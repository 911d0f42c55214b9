/*
 * seal: units come back as they went in, and nothing else passes for one: no flipped bit, no
 * other place, no other segment, no other key.  The bytes are the golden ones.
 */
#include "client/seal.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

#include <stdlib.h>

struct fixture {
    struct test_env env;
    struct upload_key key;
    struct seal_writer *writer;
    struct seal_reader *reader;
    uint8_t plain[EC_UNIT_PLAIN_SIZE];
    uint8_t sealed[EC_UNIT_SIZE];
    uint8_t opened[EC_UNIT_PLAIN_SIZE];
    struct hearth_err err;
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_env_init(&fixture->env, 1);
    test_env_count_bytes(&fixture->env);
    upload_key_draw(&fixture->env.env, &fixture->key);
    fixture->writer = seal_writer_create(&fixture->env.env, &fixture->key);
    fixture->reader = seal_reader_create(&fixture->key, seal_writer_segment_id(fixture->writer));
    for (size_t i = 0; i < sizeof(fixture->plain); i++) {
        fixture->plain[i] = (uint8_t)(i * 7 + i / 256);
    }
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    seal_writer_destroy(fixture->writer);
    seal_reader_destroy(fixture->reader);
    free(fixture);
    return 0;
}

static void units_are_the_golden_bytes(void **state)
{
    struct fixture *fixture = *state;
    test_vector_expect(
        "seal.txt", "segment_id", view_of(seal_writer_segment_id(fixture->writer), 16));
    uint8_t digest[CRYPTO_SHA256_SIZE];
    seal_writer_next(
        fixture->writer, view_of(fixture->plain, sizeof(fixture->plain)), fixture->sealed);
    crypto_sha256(view_of(fixture->sealed, EC_UNIT_SIZE), digest);
    test_vector_expect("seal.txt", "unit_0_sha256", view_of(digest, sizeof(digest)));
    seal_writer_next(fixture->writer, view_of(fixture->plain, 100), fixture->sealed);
    test_vector_expect("seal.txt", "unit_1", view_of(fixture->sealed, 116));
}

static void units_come_back_and_may_be_sealed_and_opened_in_place(void **state)
{
    struct fixture *fixture = *state;
    const size_t sizes[] = {EC_UNIT_PLAIN_SIZE, EC_UNIT_PLAIN_SIZE, 1};
    for (unsigned unit = 0; unit < 3; unit++) {
        struct view sealed = view_of(fixture->sealed, sizes[unit] + EC_UNIT_TAG_SIZE);
        memcpy(fixture->sealed, fixture->plain, sizes[unit]);
        seal_writer_next(fixture->writer, view_of(fixture->sealed, sizes[unit]), fixture->sealed);
        assert_ok(seal_reader_open(fixture->reader, unit, sealed, fixture->sealed, &fixture->err),
            &fixture->err);
        assert_memory_equal(fixture->sealed, fixture->plain, sizes[unit]);
    }
}

static void assert_refused(
    struct fixture *fixture, struct seal_reader *reader, unsigned unit, size_t size)
{
    assert_int_equal(seal_reader_open(reader, unit, view_of(fixture->sealed, size), fixture->opened,
                         &fixture->err),
        HEARTH_CHECKSUM);
}

static void open_refuses_altered_and_shortened_units(void **state)
{
    struct fixture *fixture = *state;
    seal_writer_next(fixture->writer, view_of(fixture->plain, 100), fixture->sealed);
    for (size_t bit = 0; bit < 8 * 116; bit++) {
        fixture->sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(fixture, fixture->reader, 0, 116);
        fixture->sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < 116; size++) {
        assert_refused(fixture, fixture->reader, 0, size);
    }
}

static void open_refuses_a_unit_of_another_place_segment_or_key(void **state)
{
    struct fixture *fixture = *state;
    seal_writer_next(fixture->writer, view_of(fixture->plain, 100), fixture->sealed);
    assert_refused(fixture, fixture->reader, 1, 116);
    assert_refused(fixture, fixture->reader, 1u << 8, 116);

    uint8_t other_id[SEGMENT_ID_SIZE];
    memcpy(other_id, seal_writer_segment_id(fixture->writer), sizeof(other_id));
    other_id[15] ^= 1;
    struct seal_reader *other = seal_reader_create(&fixture->key, other_id);
    assert_refused(fixture, other, 0, 116);
    seal_reader_destroy(other);

    fixture->key.bytes[0] ^= 1;
    other = seal_reader_create(&fixture->key, seal_writer_segment_id(fixture->writer));
    assert_refused(fixture, other, 0, 116);
    seal_reader_destroy(other);
}

static void sealing_the_same_bytes_again_gives_other_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct test_env chance;
    test_env_init(&chance, 2);
    struct seal_writer *first = seal_writer_create(&chance.env, &fixture->key);
    struct seal_writer *second = seal_writer_create(&chance.env, &fixture->key);
    assert_memory_not_equal(
        seal_writer_segment_id(first), seal_writer_segment_id(second), SEGMENT_ID_SIZE);
    seal_writer_next(first, view_of(fixture->plain, 100), fixture->sealed);
    seal_writer_next(second, view_of(fixture->plain, 100), fixture->opened);
    assert_memory_not_equal(fixture->sealed, fixture->opened, 100);
    seal_writer_destroy(first);
    seal_writer_destroy(second);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(units_are_the_golden_bytes),
        WITH_FIXTURE(units_come_back_and_may_be_sealed_and_opened_in_place),
        WITH_FIXTURE(open_refuses_altered_and_shortened_units),
        WITH_FIXTURE(open_refuses_a_unit_of_another_place_segment_or_key),
        WITH_FIXTURE(sealing_the_same_bytes_again_gives_other_bytes),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
