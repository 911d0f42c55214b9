/*
 * volume: what was acknowledged is there, deleted is refused, and every refusal is the right one.
 *
 * On a simulated disk that loses nothing; crashes and faults are tried in tests/sim.
 */
#include "tests/sim/volume_claims.h"

#include <string.h>

/* ---- put and get ---- */

static void what_is_put_is_read_back(void **state)
{
    struct volume_world *world = *state;
    put(world, small_plan(1));
    put(world, large_plan(2));
    is_here(world, small_plan(1), false);
    is_here(world, large_plan(2), false);
    get_refused(world, small_plan(3), HEARTH_NOT_FOUND);
    assert_int_equal(stats_of(world).shards, 2);
}

static void cells_of_the_largest_size_fit(void **state)
{
    struct volume_world *world = *state;
    struct shard_plan plan = {.name = 1,
        .content = 1,
        .cell_count = 2,
        .cell_size = 65552,
        .last_cell_size = VOLUME_CELL_SIZE_MAX};
    put(world, plan);
    is_here(world, plan, false);
    kill_and_reopen(world);
    is_here(world, plan, false);
}

static void shards_survive_a_clean_restart_and_a_kill(void **state)
{
    struct volume_world *world = *state;
    put(world, small_plan(1));
    reopen(world);
    assert_int_equal(world->events[VOLUME_INDEX_REBUILT], 0);
    put(world, large_plan(2));
    kill_and_reopen(world);
    is_here(world, small_plan(1), false);
    is_here(world, large_plan(2), false);
    struct volume_stats before = stats_of(world);
    reopen(world);
    assert_int_equal(stats_of(world).shards, 2);
    assert_int_equal(stats_of(world).live_bytes, before.live_bytes);
    assert_int_equal(world->events[VOLUME_RECORDS_ROTTED], 0);
}

static void the_same_content_again_is_stored_once(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    uint64_t used = stats_of(world).used_bytes;
    put(world, large_plan(1));
    assert_int_equal(stats_of(world).used_bytes, used);
    kill_and_reopen(world);
    put(world, large_plan(1));
    assert_int_equal(stats_of(world).shards, 1);
}

static void the_same_content_again_has_the_time_of_the_first(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint64_t stored_unix_ms;
    struct shard_plan plan = small_plan(1);
    put(world, plan);
    struct volume_put *again = begin(world, plan);
    assert_ok(volume_world_append(world, again, plan_cell(&plan, 0), &err), &err);
    struct volume_put_totals totals = plan_totals(&plan);
    totals.stored_unix_ms += 5000;
    assert_ok(volume_world_finish(world, again, &totals, &stored_unix_ms, &err), &err);
    assert_int_equal(stored_unix_ms, totals.stored_unix_ms - 5000);
}

static void other_content_under_the_same_id_is_a_conflict(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    struct shard_plan other = large_plan(1);
    other.content = 9;
    put_refused(world, other, HEARTH_CONFLICT);
    other = large_plan(1);
    other.cell_count--;
    put_refused(world, other, HEARTH_CONFLICT);
    is_here(world, large_plan(1), false);
}

static void an_aborted_put_leaves_nothing(void **state)
{
    struct volume_world *world = *state;
    struct shard_plan plan = large_plan(1);
    struct plain_wait wait;
    struct volume_put *given_up = begin(world, plan);
    for (uint32_t cell = 0; cell < 6; cell++) {
        volume_put_append(given_up, plan_cell(&plan, cell), plain_wait(&wait));
        if (cell < 5) {
            volume_world_run_until(world, &wait.done);
        }
    }
    volume_put_abort(given_up); /* while the last append is under way */
    volume_world_run_until(world, &wait.done);
    assert_int_equal(wait.wait.err.code, HEARTH_CANCELLED);
    volume_world_settle(world);
    get_refused(world, plan, HEARTH_NOT_FOUND);
    put(world, plan);
    is_here(world, plan, false);
}

static void a_put_given_up_while_it_opens_answers_cancelled(void **state)
{
    struct volume_world *world = *state;
    struct shard_plan plan = large_plan(1);
    struct volume_put_request request = plan_request(&plan);
    struct plain_wait wait;
    volume_put_abort(volume_put_begin(world->volume, &request, plain_wait(&wait)));
    assert_false(wait.done);
    volume_world_run_until(world, &wait.done);
    assert_int_equal(wait.wait.err.code, HEARTH_CANCELLED);
    volume_world_settle(world);
    put(world, plan);
}

static void totals_that_do_not_fit_the_cells_are_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint64_t stored_unix_ms;
    struct shard_plan plan = small_plan(1);
    struct volume_put *open = begin(world, plan);
    assert_ok(volume_world_append(world, open, plan_cell(&plan, 0), &err), &err);
    struct volume_put_totals totals = plan_totals(&plan);
    totals.length++;
    assert_int_equal(
        volume_world_finish(world, open, &totals, &stored_unix_ms, &err), HEARTH_INVALID);
    get_refused(world, plan, HEARTH_NOT_FOUND);
}

static struct slice cell_of(size_t size)
{
    struct buf *buf = buf_create(size);
    assert_non_null(buf);
    memset(buf->bytes, 1, size);
    buf->size = size;
    return (struct slice){buf, buf_view(buf)};
}

static void cells_that_no_shard_has_are_refused(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    static const size_t sizes[] = {
        0, VOLUME_TAG_SIZE, VOLUME_CELL_SIZE_MAX + VOLUME_TAG_SIZE + 1, 20000};
    for (unsigned i = 0; i < 4; i++) {
        struct volume_put *open = begin(world, large_plan(1));
        assert_int_equal(volume_world_append(world, open, cell_of(sizes[i]), &err), HEARTH_INVALID);
        volume_put_abort(open);
        volume_world_settle(world);
    }
    struct volume_put *open = begin(world, large_plan(1));
    assert_ok(volume_world_append(world, open, cell_of(64), &err), &err); /* the last, so small */
    assert_int_equal(volume_world_append(world, open, cell_of(716), &err), HEARTH_INVALID);
    assert_string_equal(strstr(err.message, ": a cell"), ": a cell after one of another size");
    volume_put_abort(open);
}

static void a_second_put_or_trash_of_an_id_is_busy(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    enum volume_trash_outcome outcome;
    struct shard_plan plan = large_plan(1);
    struct volume_put *first = begin(world, plan);
    put_refused(world, plan, HEARTH_BUSY);
    assert_int_equal(volume_world_trash(world, &plan, &outcome, &err), HEARTH_BUSY);
    volume_put_abort(first);
    put(world, plan);
}

static void more_puts_than_the_limit_are_busy(void **state)
{
    struct volume_world *world = *state;
    struct volume_put *puts[VOLUME_PUTS_MAX];
    for (uint8_t i = 0; i < VOLUME_PUTS_MAX; i++) {
        puts[i] = begin(world, small_plan((uint8_t)(i + 1)));
    }
    put_refused(world, small_plan(200), HEARTH_BUSY);
    for (unsigned i = 0; i < VOLUME_PUTS_MAX; i++) {
        volume_put_abort(puts[i]);
    }
    volume_world_settle(world);
    put(world, small_plan(200));
}

static void a_slow_put_does_not_keep_others_waiting(void **state)
{
    struct volume_world *world = *state;
    struct hearth_err err;
    uint64_t stored_unix_ms;
    struct shard_plan slow = large_plan(1);
    struct volume_put *open = begin(world, slow);
    for (uint8_t name = 2; name < 100; name++) {
        put(world, large_plan(name)); /* more than a log holds: the slow one stays in the first */
    }
    assert_true(stats_of(world).logs > 3);
    for (uint32_t cell = 0; cell < slow.cell_count; cell++) {
        assert_ok(volume_world_append(world, open, plan_cell(&slow, cell), &err), &err);
    }
    struct volume_put_totals totals = plan_totals(&slow);
    assert_ok(volume_world_finish(world, open, &totals, &stored_unix_ms, &err), &err);
    kill_and_reopen(world);
    for (uint8_t name = 1; name < 100; name++) {
        is_here(world, large_plan(name), false);
    }
}

/* ---- trash ---- */

static void trash_is_readable_and_its_id_is_refused(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    trash(world, large_plan(1), VOLUME_TRASH_DONE);
    trash(world, large_plan(1), VOLUME_TRASH_ALREADY);
    is_here(world, large_plan(1), true);
    put_refused(world, large_plan(1), HEARTH_TRASHED);
    for (unsigned restart = 0; restart < 2; restart++) {
        if (restart == 0) {
            kill_and_reopen(world);
        } else {
            reopen(world);
        }
        is_here(world, large_plan(1), true);
        put_refused(world, large_plan(1), HEARTH_TRASHED);
        assert_int_equal(stats_of(world).trashed, 1);
        assert_int_equal(stats_of(world).shards, 0);
        assert_int_equal(stats_of(world).live_bytes, 0);
        assert_true(stats_of(world).trash_bytes > 0);
    }
}

static void an_id_that_never_came_is_barred(void **state)
{
    struct volume_world *world = *state;
    trash(world, small_plan(1), VOLUME_TRASH_BARRED);
    trash(world, small_plan(1), VOLUME_TRASH_ALREADY);
    get_refused(world, small_plan(1), HEARTH_NOT_FOUND);
    put_refused(world, small_plan(1), HEARTH_TRASHED);
    kill_and_reopen(world);
    put_refused(world, small_plan(1), HEARTH_TRASHED);
    reopen(world);
    put_refused(world, small_plan(1), HEARTH_TRASHED);
    assert_int_equal(stats_of(world).barred, 1);
}

/* ---- get ---- */

struct flagged_read {
    struct volume_read read; /* first, and its wait is first in it */
    bool done;
};

static void read_done(struct volume_wait *wait)
{
    ((struct flagged_read *)wait)->done = true;
}

static struct volume_get *open_get(struct volume_world *world, struct shard_plan plan)
{
    struct plain_wait wait;
    struct shard_id id = plan_id(&plan);
    struct volume_get *get = volume_get_open(world->volume, &id, plain_wait(&wait));
    volume_world_run_until(world, &wait.done);
    assert_ok(wait.wait.err.code, &wait.wait.err);
    return get;
}

static void reads_outside_the_shard_are_refused(void **state)
{
    struct volume_world *world = *state;
    static const uint32_t ranges[][2] = {{0, 0}, {14, 1}, {13, 2}, {0, 5}, {UINT32_MAX, 2}};
    put(world, large_plan(1));
    struct volume_get *get = open_get(world, large_plan(1));
    for (unsigned i = 0; i < 5; i++) {
        struct flagged_read read = {.read.wait.done = read_done};
        volume_get_read(get, ranges[i][0], ranges[i][1], &read.read);
        volume_world_run_until(world, &read.done);
        assert_int_equal(read.read.wait.err.code, HEARTH_INVALID);
    }
    volume_get_close(get);
}

static void a_read_of_a_closed_get_answers_cancelled(void **state)
{
    struct volume_world *world = *state;
    put(world, large_plan(1));
    struct volume_get *get = open_get(world, large_plan(1));
    struct flagged_read read = {.read.wait.done = read_done};
    volume_get_read(get, 0, 4, &read.read);
    volume_get_close(get);
    assert_false(read.done);
    volume_world_run_until(world, &read.done);
    assert_int_equal(read.read.wait.err.code, HEARTH_CANCELLED);
}

static void a_get_goes_on_while_its_shard_becomes_trash(void **state)
{
    struct volume_world *world = *state;
    struct shard_plan plan = large_plan(1);
    put(world, plan);
    struct volume_get *get = open_get(world, plan);
    trash(world, plan, VOLUME_TRASH_DONE);
    struct flagged_read read = {.read.wait.done = read_done};
    volume_get_read(get, 12, 2, &read.read);
    volume_world_run_until(world, &read.done);
    assert_ok(read.read.wait.err.code, &read.read.wait.err);
    assert_int_equal(read.read.cells->size, 716 + 80);
    buf_unref(read.read.cells);
    volume_get_close(get);
}

/* ---- list ---- */

struct flagged_page {
    struct volume_list list; /* first, and its wait is first in it */
    bool done;
};

static void page_done(struct volume_wait *wait)
{
    ((struct flagged_page *)wait)->done = true;
}

static void a_list_names_every_shard_once_and_no_barred_id(void **state)
{
    enum { COUNT = 150 };
    struct volume_world *world = *state;
    for (uint8_t name = 1; name <= COUNT; name++) {
        put(world, small_plan(name));
    }
    trash(world, small_plan(7), VOLUME_TRASH_DONE);
    trash(world, small_plan(200), VOLUME_TRASH_BARRED);
    static struct flagged_page page;
    unsigned total = 0;
    unsigned trashed = 0;
    do {
        page.done = false;
        page.list.wait.done = page_done;
        volume_list_next(world->volume, &page.list);
        volume_world_run_until(world, &page.done);
        for (unsigned i = 0; i < page.list.count; i++) {
            total++;
            trashed += page.list.entries[i].trashed;
            struct shard_plan seventh = small_plan(7);
            struct shard_id id = plan_id(&seventh);
            assert_int_equal(
                shard_id_equal(&page.list.entries[i].id, &id), page.list.entries[i].trashed);
        }
    } while (!page.list.at_end);
    assert_int_equal(total, COUNT);
    assert_int_equal(trashed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOLUME_TEST(what_is_put_is_read_back),
        VOLUME_TEST(cells_of_the_largest_size_fit),
        VOLUME_TEST(shards_survive_a_clean_restart_and_a_kill),
        VOLUME_TEST(the_same_content_again_is_stored_once),
        VOLUME_TEST(the_same_content_again_has_the_time_of_the_first),
        VOLUME_TEST(other_content_under_the_same_id_is_a_conflict),
        VOLUME_TEST(an_aborted_put_leaves_nothing),
        VOLUME_TEST(a_put_given_up_while_it_opens_answers_cancelled),
        VOLUME_TEST(totals_that_do_not_fit_the_cells_are_refused),
        VOLUME_TEST(cells_that_no_shard_has_are_refused),
        VOLUME_TEST(a_second_put_or_trash_of_an_id_is_busy),
        VOLUME_TEST(more_puts_than_the_limit_are_busy),
        VOLUME_TEST(a_slow_put_does_not_keep_others_waiting),
        VOLUME_TEST(trash_is_readable_and_its_id_is_refused),
        VOLUME_TEST(an_id_that_never_came_is_barred),
        VOLUME_TEST(reads_outside_the_shard_are_refused),
        VOLUME_TEST(a_read_of_a_closed_get_answers_cancelled),
        VOLUME_TEST(a_get_goes_on_while_its_shard_becomes_trash),
        VOLUME_TEST(a_list_names_every_shard_once_and_no_barred_id),
    };
    return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
