/*
 * http_ring: what is taken is what was put, in order, whatever the sizes; never more than it holds.
 */
#include "common/http/http_ring.h"
#include "tests/lib/test.h"

static void what_is_put_is_taken_in_order(void **state)
{
    (void)state;
    uint8_t bytes[16];
    uint8_t next_in = 0;
    uint8_t next_out = 0;
    for (size_t capacity = 1; capacity <= 9; capacity++) {
        struct http_ring ring = {0};
        assert_true(http_ring_create(&ring, capacity));
        next_out = next_in;
        for (unsigned step = 0; step < 500; step++) {
            size_t offered = step * 7 % 11;
            for (size_t i = 0; i < offered; i++) {
                bytes[i] = (uint8_t)(next_in + i);
            }
            size_t room = http_ring_room(&ring);
            size_t put = http_ring_put(&ring, view_of(bytes, offered));
            assert_int_equal(put, offered < room ? offered : room);
            next_in = (uint8_t)(next_in + put);
            size_t used = ring.used;
            size_t wanted = step * 5 % 13;
            size_t got = http_ring_take(&ring, bytes, wanted);
            assert_int_equal(got, wanted < used ? wanted : used);
            for (size_t i = 0; i < got; i++) {
                assert_int_equal(bytes[i], next_out++);
            }
        }
        http_ring_fini(&ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_put_is_taken_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
