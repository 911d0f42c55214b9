/*
 * rate_gate: streams take turns at one rate, whoever asks for more than the others.
 *
 * The clock goes from timer to timer; nobody waits.
 */
#include "storaged/rate_gate.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>

enum { STREAMS = 5, RATE = 1 << 20, CELL = 65568 };

struct world {
    struct test_env env;
    struct loop *loop;
    struct rate_gate gate;
};

struct stream {
    struct rate_turn turn; /* first */
    struct world *world;
    uint64_t size;
    unsigned passed;
};

static int setup(void **state)
{
    struct hearth_err err;
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    test_env_init(&world->env, 1);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
    rate_gate_init(&world->gate, world->loop, RATE);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    loop_destroy(world->loop);
    free(world);
    return 0;
}

/* Always has a next message. */
static void ask_on(struct stream *stream)
{
    while (rate_gate_ask(&stream->world->gate, &stream->turn, stream->size)) {
        stream->passed++;
    }
}

static void turn_came(struct rate_turn *turn)
{
    struct stream *stream = (struct stream *)turn;
    stream->passed++;
    ask_on(stream);
}

static void turn_came_once(struct rate_turn *turn)
{
    ((struct stream *)turn)->passed++;
}

static struct stream stream_of(struct world *world, uint64_t size)
{
    return (struct stream){.turn.go = turn_came, .world = world, .size = size};
}

static void run_for_ms(struct world *world, uint64_t ms)
{
    uint64_t end_ns = env_now_ns(&world->env.env) + ms * 1000000;
    while (loop_next_deadline_ns(world->loop) <= end_ns) {
        if (env_now_ns(&world->env.env) < loop_next_deadline_ns(world->loop)) {
            atomic_store(&world->env.monotonic_ns, loop_next_deadline_ns(world->loop));
        }
        loop_run_once(world->loop);
    }
    atomic_store(&world->env.monotonic_ns, end_ns);
}

static void streams_share_the_rate_message_by_message(void **state)
{
    struct world *world = *state;
    struct stream streams[STREAMS];
    unsigned all = 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        streams[i] = stream_of(world, CELL);
        ask_on(&streams[i]);
    }
    unsigned at_first = streams[0].passed; /* it was alone and had the burst */
    run_for_ms(world, 60000);
    for (unsigned i = 0; i < STREAMS; i++) {
        all += streams[i].passed;
        unsigned later = streams[i].passed - (i == 0 ? at_first : 0);
        assert_in_range(later, 60 * RATE / CELL / STREAMS - 1, 60 * RATE / CELL / STREAMS + 1);
    }
    assert_in_range(all, 60 * RATE / CELL, (60 * RATE + RATE / 10) / CELL + 2);
    for (unsigned i = 0; i < STREAMS; i++) {
        rate_gate_leave(&world->gate, &streams[i].turn);
    }
}

static void who_leaves_holds_nobody_up(void **state)
{
    struct world *world = *state;
    struct stream streams[STREAMS];
    for (unsigned leaver = 0; leaver < STREAMS; leaver++) {
        struct stream owed = stream_of(world, RATE);
        assert_true(rate_gate_ask(&world->gate, &owed.turn, RATE));
        for (unsigned i = 0; i < STREAMS; i++) {
            streams[i] = stream_of(world, 1);
            streams[i].turn.go = turn_came_once;
            assert_false(rate_gate_ask(&world->gate, &streams[i].turn, 1));
        }
        rate_gate_leave(&world->gate, &streams[leaver].turn);
        rate_gate_leave(&world->gate, &streams[leaver].turn);
        run_for_ms(world, 2000);
        for (unsigned i = 0; i < STREAMS; i++) {
            assert_int_equal(streams[i].passed, i == leaver ? 0 : 1);
        }
    }
    assert_int_equal(loop_next_deadline_ns(world->loop), UINT64_MAX);
}

static void the_last_to_leave_stops_the_timer(void **state)
{
    struct world *world = *state;
    struct stream stream = stream_of(world, RATE);
    assert_true(rate_gate_ask(&world->gate, &stream.turn, RATE));
    assert_false(rate_gate_ask(&world->gate, &stream.turn, RATE));
    assert_true(loop_next_deadline_ns(world->loop) < UINT64_MAX);
    rate_gate_leave(&world->gate, &stream.turn);
    assert_int_equal(loop_next_deadline_ns(world->loop), UINT64_MAX);
}

static void without_a_limit_nobody_waits(void **state)
{
    struct world *world = *state;
    struct stream stream = stream_of(world, RATE);
    rate_gate_set_rate(&world->gate, 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(rate_gate_ask(&world->gate, &stream.turn, RATE));
    }
    assert_int_equal(loop_next_deadline_ns(world->loop), UINT64_MAX);
}

static void a_limit_that_is_lifted_lets_all_go_at_once(void **state)
{
    struct world *world = *state;
    struct stream streams[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        streams[i] = stream_of(world, RATE);
        streams[i].turn.go = turn_came_once;
        assert_int_equal(rate_gate_ask(&world->gate, &streams[i].turn, RATE), i == 0);
    }
    rate_gate_set_rate(&world->gate, 0);
    for (unsigned i = 1; i < STREAMS; i++) {
        assert_int_equal(streams[i].passed, 1);
    }
}

static void a_limit_that_is_changed_moves_those_who_wait(void **state)
{
    struct world *world = *state;
    struct stream stream = stream_of(world, RATE);
    stream.turn.go = turn_came_once;
    assert_true(rate_gate_ask(&world->gate, &stream.turn, RATE));
    assert_false(rate_gate_ask(&world->gate, &stream.turn, 1));
    rate_gate_set_rate(&world->gate, RATE / 100); /* about 90 s now, not 0.9 */
    run_for_ms(world, 80000);
    assert_int_equal(stream.passed, 0);
    run_for_ms(world, 20000);
    assert_int_equal(stream.passed, 1);
}

static void a_message_that_was_smaller_than_counted_makes_room_at_once(void **state)
{
    struct world *world = *state;
    struct stream large = stream_of(world, 10 * RATE);
    struct stream next = stream_of(world, 1);
    next.turn.go = turn_came_once;
    assert_true(rate_gate_ask(&world->gate, &large.turn, 10 * RATE));
    assert_false(rate_gate_ask(&world->gate, &next.turn, 1));
    rate_gate_correct(&world->gate, 10 * RATE, 100);
    run_for_ms(world, 0);
    assert_int_equal(next.passed, 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(streams_share_the_rate_message_by_message),
        CASE(who_leaves_holds_nobody_up),
        CASE(the_last_to_leave_stops_the_timer),
        CASE(without_a_limit_nobody_waits),
        CASE(a_limit_that_is_lifted_lets_all_go_at_once),
        CASE(a_limit_that_is_changed_moves_those_who_wait),
        CASE(a_message_that_was_smaller_than_counted_makes_room_at_once),
    };
    return cmocka_run_group_tests_name("rate_gate", tests, NULL, NULL);
}
