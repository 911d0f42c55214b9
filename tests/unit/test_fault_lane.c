/*
 * fault_lane: what a bad network does to bytes, with time that is stepped.
 */
#include "tests/lib/fault_lane.h"
#include "tests/lib/test.h"

#include <stdlib.h>

struct fixture {
    struct fault_way way;
    struct fault_lane lane;
    uint64_t now_ms;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->now_ms = 5000;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* Sends as much as there is room for, at most `size`; how much. */
static size_t send_bytes(struct fixture *fixture, size_t size)
{
    size_t sent = 0;
    size_t offset;
    size_t space;
    while (sent < size && (space = fault_lane_space(&fixture->lane, &fixture->way, &offset)) > 0) {
        size_t part = size - sent < space ? size - sent : space;
        fault_lane_added(&fixture->lane, &fixture->way, fixture->now_ms, part);
        sent += part;
    }
    return sent;
}

/* Lets arrive what may now; how much. */
static size_t arrive(struct fixture *fixture)
{
    size_t arrived = 0;
    size_t offset;
    size_t ready;
    while (
        (ready = fault_lane_ready(&fixture->lane, &fixture->way, fixture->now_ms, &offset)) > 0) {
        fault_lane_gone(&fixture->lane, &fixture->way, ready);
        arrived += ready;
    }
    return arrived;
}

static void a_good_way_passes_all_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms), -1);
    for (unsigned round = 0; round < 5; round++) { /* round the ring */
        assert_int_equal(send_bytes(fixture, 100000), 100000);
        assert_int_equal(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms), 0);
        assert_int_equal(arrive(fixture), 100000);
        assert_true(fault_lane_is_empty(&fixture->lane));
    }
}

static void bytes_keep_their_place_in_the_ring(void **state)
{
    struct fixture *fixture = *state;
    uint64_t written = 0;
    uint64_t read = 0;
    for (unsigned round = 0; round < 2000; round++) {
        size_t offset;
        size_t size = fault_lane_space(&fixture->lane, &fixture->way, &offset);
        size = size < 1009 ? size : 1009;
        for (size_t i = 0; i < size; i++) {
            fixture->lane.bytes[offset + i] = (uint8_t)(written++ % 251);
        }
        fault_lane_added(&fixture->lane, &fixture->way, fixture->now_ms, size);
        size = fault_lane_ready(&fixture->lane, &fixture->way, fixture->now_ms, &offset);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(fixture->lane.bytes[offset + i], read++ % 251);
        }
        fault_lane_gone(&fixture->lane, &fixture->way, size);
    }
    assert_int_equal(read, written);
}

static void a_full_lane_holds_up_the_sender(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.stalled = true;
    assert_int_equal(send_bytes(fixture, 2 * FAULT_LANE_SIZE), FAULT_LANE_SIZE);
    assert_int_equal(arrive(fixture), 0);
    assert_int_equal(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms), -1);
    fixture->way.stalled = false;
    assert_int_equal(arrive(fixture), FAULT_LANE_SIZE);
}

static void a_delayed_byte_arrives_in_its_hour(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.delay_ms = 40;
    assert_int_equal(send_bytes(fixture, 10), 10);
    fixture->now_ms += 30;
    assert_int_equal(send_bytes(fixture, 7), 7);
    assert_int_equal(arrive(fixture), 0);
    assert_int_equal(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms), 10);
    fixture->now_ms += 10;
    assert_int_equal(arrive(fixture), 10);
    assert_int_equal(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms), 30);
    fixture->now_ms += 30;
    assert_int_equal(arrive(fixture), 7);
}

static void too_many_small_delayed_reads_hold_up_the_sender(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.delay_ms = 1;
    for (unsigned i = 0; i < FAULT_LANE_MARKS_MAX; i++) {
        assert_int_equal(send_bytes(fixture, 1), 1);
    }
    assert_int_equal(send_bytes(fixture, 1), 0);
    fixture->now_ms++;
    assert_int_equal(arrive(fixture), FAULT_LANE_MARKS_MAX);
    assert_int_equal(send_bytes(fixture, 1), 1);
}

static void a_rate_is_kept_over_an_hour(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.rate = 1024;
    fixture->way.budget_ms = fixture->now_ms;
    uint64_t arrived = 0;
    for (unsigned tick = 0; tick < 3600 * 100; tick++) {
        send_bytes(fixture, FAULT_LANE_SIZE);
        fixture->now_ms += 10;
        arrived += arrive(fixture);
    }
    assert_in_range(arrived, 3600 * 1024 - 1024, 3600 * 1024);
}

static void a_slow_way_takes_in_a_second_and_lets_out_a_burst(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.rate = 1000;
    assert_int_equal(send_bytes(fixture, FAULT_LANE_SIZE), 1000);
    assert_int_equal(arrive(fixture), 1000 * FAULT_BURST_MS / 1000);
    assert_true(fault_lane_wait_ms(&fixture->lane, &fixture->way, fixture->now_ms) > 0);
    fixture->now_ms += 3600 * 1000; /* idle for an hour saves up no more than a burst */
    assert_int_equal(arrive(fixture), 1000 * FAULT_BURST_MS / 1000);
}

static void a_rate_below_a_byte_a_tick_still_arrives(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.rate = 2;
    fixture->way.budget_ms = fixture->now_ms;
    assert_int_equal(send_bytes(fixture, 2), 2);
    uint64_t arrived = 0;
    for (unsigned tick = 0; tick < 100; tick++) {
        fixture->now_ms += 10;
        arrived += arrive(fixture);
    }
    assert_int_equal(arrived, 2);
}

static void what_is_lost_never_arrives(void **state)
{
    struct fixture *fixture = *state;
    fixture->way.losing = true;
    assert_int_equal(send_bytes(fixture, 10 * FAULT_LANE_SIZE), 10 * FAULT_LANE_SIZE);
    fixture->way.losing = false;
    assert_int_equal(arrive(fixture), 0);
    assert_int_equal(send_bytes(fixture, 3), 3);
    assert_int_equal(arrive(fixture), 3);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_good_way_passes_all_at_once),
        CLAIM(bytes_keep_their_place_in_the_ring),
        CLAIM(a_full_lane_holds_up_the_sender),
        CLAIM(a_delayed_byte_arrives_in_its_hour),
        CLAIM(too_many_small_delayed_reads_hold_up_the_sender),
        CLAIM(a_rate_is_kept_over_an_hour),
        CLAIM(a_slow_way_takes_in_a_second_and_lets_out_a_burst),
        CLAIM(a_rate_below_a_byte_a_tick_still_arrives),
        CLAIM(what_is_lost_never_arrives),
    };
    return cmocka_run_group_tests_name("fault_lane", tests, NULL, NULL);
}
