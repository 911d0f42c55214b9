/*
 * repair_board: what passes find replaces what was queued, keeps its age and its row, and never
 * what a worker has in hand.
 */
#include "coordinator/repair/repair_board.h"

#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>

struct fixture {
    struct repair_world *world; /* for its clock and its metadata */
    struct repair_board *board;
    struct repair_found found;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    void *world;
    repair_world_set_up(&world);
    at->world = world;
    at->board = repair_board_create(&at->world->world.env.env, at->world->world.coordinator->store);
    assert_non_null(at->board);
    assert_true(repair_queue_init(&at->found.queue, REPAIR_QUEUE_MAX));
    at->found.losses.segments = calloc(REPAIR_LOST_MAX, sizeof(struct repair_lost));
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    void *world = at->world;
    repair_board_destroy(at->board);
    repair_queue_fini(&at->found.queue);
    free(at->found.losses.segments);
    repair_world_tear_down(&world);
    free(at);
    return 0;
}

static struct meta_id id_of(uint8_t number)
{
    return (struct meta_id){{number}};
}

static void find(struct fixture *at, uint8_t number, unsigned urgency, uint64_t at_ms)
{
    repair_queue_add(&at->found.queue,
        (struct repair_entry){
            .segment = id_of(number), .urgency = urgency, .bytes = 10, .queued_ms = at_ms});
    at->found.counts.queue++;
    at->found.counts.bytes += 10;
}

static void end_pass(struct fixture *at, bool is_all)
{
    at->found.is_all = is_all;
    repair_board_found(at->board, &at->found);
    at->found.counts = (struct repair_status){.segments = 0};
}

static uint8_t take(struct fixture *at, struct repair_entry *entry)
{
    assert_true(repair_board_take(at->board, entry));
    return entry->segment.bytes[0];
}

static struct repair_status status_of(struct fixture *at)
{
    struct repair_status status;
    repair_board_status(at->board, &status);
    return status;
}

static void the_most_urgent_is_taken_first_and_of_two_alike_the_older(void **state)
{
    struct fixture *at = *state;
    struct repair_entry entry;
    find(at, 1, 50, 300);
    find(at, 2, 20, 200);
    find(at, 3, 20, 100);
    end_pass(at, true);
    assert_int_equal(status_of(at).queued, 3);
    assert_int_equal(status_of(at).oldest_ms, 100);
    assert_int_equal(take(at, &entry), 3);
    assert_int_equal(take(at, &entry), 2);
    assert_int_equal(take(at, &entry), 1);
    assert_false(repair_board_take(at->board, &entry));
    assert_int_equal(status_of(at).running, 3);
}

static void nothing_is_counted_before_a_whole_pass_has_ended(void **state)
{
    struct fixture *at = *state;
    assert_false(status_of(at).is_counted);
    end_pass(at, false);
    assert_false(status_of(at).is_counted);
    end_pass(at, true);
    assert_true(status_of(at).is_counted);
}

static void a_whole_pass_ends_what_it_did_not_find_again(void **state)
{
    struct fixture *at = *state;
    struct meta_repair_row rows[META_REPAIR_BATCH];
    struct meta_id ended[META_REPAIR_BATCH];
    find(at, 1, 50, 100);
    find(at, 2, 20, 100);
    end_pass(at, true);
    assert_int_equal(repair_board_unsaved(at->board, rows), 2);
    assert_int_equal(repair_board_unsaved(at->board, rows), 0);
    find(at, 2, 10, 900);
    find(at, 3, 30, 900);
    end_pass(at, true);
    assert_int_equal(status_of(at).queued, 2);
    assert_int_equal(status_of(at).oldest_ms, 100); /* number 2 was found before */
    assert_int_equal(repair_board_unsaved(at->board, rows), 1);
    assert_int_equal(rows[0].segment.bytes[0], 3);
    assert_int_equal(repair_board_ended(at->board, ended), 1);
    assert_int_equal(ended[0].bytes[0], 1);
    assert_int_equal(repair_board_ended(at->board, ended), 0);
}

static void half_a_pass_adds_and_ends_nothing(void **state)
{
    struct fixture *at = *state;
    struct meta_id ended[META_REPAIR_BATCH];
    find(at, 1, 50, 100);
    end_pass(at, true);
    find(at, 2, 20, 900);
    end_pass(at, false);
    assert_int_equal(status_of(at).queued, 2);
    assert_int_equal(status_of(at).queue, 1); /* as the whole pass counted */
    assert_int_equal(repair_board_ended(at->board, ended), 0);
}

static void what_a_worker_has_in_hand_is_not_queued_again(void **state)
{
    struct fixture *at = *state;
    struct repair_entry entry;
    struct repair_entry other;
    find(at, 1, 50, 100);
    end_pass(at, true);
    take(at, &entry);
    find(at, 1, 50, 200);
    end_pass(at, true);
    assert_false(repair_board_take(at->board, &other));
    repair_board_done(
        at->board, &entry, &(struct repair_outcome){.code = HEARTH_OK, .shards = 2, .bytes = 60});
    const struct repair_status status = status_of(at);
    assert_int_equal(status.running, 0);
    assert_int_equal(status.queue, 0);
    assert_int_equal(status.repaired, 2);
    assert_int_equal(status.repaired_segments, 1);
    assert_int_equal(status.repaired_bytes, 60);
    assert_true(status.bytes_per_s > 0);
}

static void rows_of_before_are_queued_after_a_start(void **state)
{
    struct fixture *at = *state;
    struct repair_entry entry;
    struct meta_id ended[META_REPAIR_BATCH];
    const struct meta_repair_row rows[] = {
        {.segment = id_of(4), .urgency = 9, .bytes = 700, .queued_ms = 50},
        {.segment = id_of(5), .urgency = 3, .bytes = 300, .queued_ms = 60},
    };
    repair_board_restore(at->board, rows, 2);
    assert_int_equal(status_of(at).queue, 2);
    assert_int_equal(status_of(at).queued, 2);
    assert_int_equal(status_of(at).oldest_ms, 50);
    assert_int_equal(status_of(at).bytes, 1000);
    assert_int_equal(take(at, &entry), 5);
    repair_board_done(at->board, &entry, &(struct repair_outcome){.code = HEARTH_OK, .bytes = 300});
    assert_int_equal(status_of(at).queue, 1);
    assert_int_equal(status_of(at).bytes, 700); /* and a rate to divide it by */
    assert_true(status_of(at).bytes_per_s > 0);
    assert_int_equal(repair_board_ended(at->board, ended), 1);
    assert_int_equal(ended[0].bytes[0], 5);
}

static void what_was_asked_ends_when_all_that_is_left_has_no_place(void **state)
{
    struct fixture *at = *state;
    repair_board_ask(at->board, 77);
    find(at, 1, 50, 100);
    at->found.is_asked = true;
    end_pass(at, true);
    assert_int_equal(repair_board_asked(at->board), 77);
    at->found.counts.queue = 1;
    at->found.counts.without_place = 1;
    end_pass(at, false);
    assert_int_equal(repair_board_asked(at->board), 77); /* not all was seen */
    at->found.counts.queue = 1;
    at->found.counts.without_place = 1;
    end_pass(at, true);
    assert_int_equal(repair_board_asked(at->board), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(the_most_urgent_is_taken_first_and_of_two_alike_the_older),
        CASE(nothing_is_counted_before_a_whole_pass_has_ended),
        CASE(a_whole_pass_ends_what_it_did_not_find_again),
        CASE(half_a_pass_adds_and_ends_nothing),
        CASE(what_a_worker_has_in_hand_is_not_queued_again),
        CASE(rows_of_before_are_queued_after_a_start),
        CASE(what_was_asked_ends_when_all_that_is_left_has_no_place),
#undef CASE
    };
    return cmocka_run_group_tests_name("repair_board", tests, NULL, NULL);
}
