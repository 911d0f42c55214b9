/*
 * shard_inventory: every shard once, in the order of ids, from wherever the coordinator asks; sums
 * that say what the list says; and a coordinator that does not read stops the reading.
 */
#include "storaged/shard_inventory.h"

#include "common/id_sum.h"
#include "proto/wire.h"
#include "storaged/shard_pace.h"
#include "storaged/trash_day.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

enum { SHARDS = 150, TRASHED = 7 };

static const struct test_shard shard = {
    .cells = 1, .cell_size = 640, .last_cell_size = 640, .seed = 3};

struct fixture {
    struct test_node node;
    struct test_peer peer;
    struct arena arena;
    uint64_t trashed_unix_ms;
};

static void note_done(struct volume_wait *wait)
{
    (void)wait;
}

static void put(struct fixture *fixture, uint8_t number)
{
    struct order order =
        test_node_order(&fixture->node, ORDER_PUT, number, test_shard_size(&shard));
    test_peer_put(&fixture->peer, &fixture->node, &order, &shard);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void trash(struct fixture *fixture, uint8_t number)
{
    struct shard_id id = test_shard_id(number);
    struct volume_trash trash = {.wait.done = note_done};
    volume_trash(fixture->node.volume, &id, &trash);
    test_node_run(&fixture->node);
    assert_ok(trash.wait.err.code, &trash.wait.err);
}

static int setup(void **state)
{
    static struct fixture fixture;
    test_node_init(&fixture.node);
    arena_init(&fixture.arena, 0);
    for (uint8_t number = SHARDS; number >= 1; number--) {
        put(&fixture, number);
    }
    trash(&fixture, TRASHED);
    fixture.trashed_unix_ms = env_unix_ms(&fixture.node.env.env);
    trash(&fixture, 200); /* never came: barred, and in no list */
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    test_node_fini(&fixture->node);
    return 0;
}

/* ---- asking ---- */

static void give(struct fixture *fixture, const struct wire_message *message, const void *request)
{
    struct buf *bytes;
    struct hearth_err *err = &fixture->node.err;
    assert_ok(wire_encode(message, request, &bytes, err), err);
    test_peer_give(&fixture->peer, &fixture->node, bytes);
}

static void begin_list(struct fixture *fixture, const struct wire_list_shards_request *request)
{
    test_peer_init(&fixture->peer);
    assert_ok(shard_list_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
        &fixture->node.err);
    give(fixture, &wire_list_shards_request_message, request);
}

static void begin_digests(struct fixture *fixture, unsigned bits, uint32_t first, uint32_t count)
{
    const struct wire_digest_shards_request request = {
        .bits = bits, .first = first, .count = count};
    test_peer_init(&fixture->peer);
    assert_ok(shard_digest_start(&fixture->node.context, &fixture->peer.stream, &fixture->node.err),
        &fixture->node.err);
    give(fixture, &wire_digest_shards_request_message, &request);
}

static void take_all(struct fixture *fixture)
{
    while (!fixture->peer.is_finished) {
        test_peer_take(&fixture->peer, &fixture->node);
    }
}

static void decode(
    struct fixture *fixture, const struct wire_message *message, unsigned i, void *out)
{
    assert_ok(wire_decode(message, buf_view(fixture->peer.messages[i]), &fixture->arena, out,
                  &fixture->node.err),
        &fixture->node.err);
}

/* All entries of all pages; returns how many. */
static unsigned collect(struct fixture *fixture, struct wire_shard_entry *out, bool *is_last)
{
    unsigned count = 0;
    for (unsigned i = 0; i < fixture->peer.received; i++) {
        struct wire_shard_page page;
        decode(fixture, &wire_shard_page_message, i, &page);
        assert_int_equal(page.damaged, 0);
        for (size_t at = 0; at < page.shards_count; at++) {
            out[count++] = page.shards[at];
        }
        *is_last = page.is_last;
    }
    return count;
}

static unsigned list(struct fixture *fixture, const struct wire_list_shards_request *request,
    struct wire_shard_entry *out, bool *is_last)
{
    begin_list(fixture, request);
    take_all(fixture);
    assert_int_equal(fixture->peer.code, HEARTH_OK);
    unsigned count = collect(fixture, out, is_last);
    test_peer_fini(&fixture->peer, &fixture->node);
    return count;
}

static void expect_refusal(struct fixture *fixture, enum hearth_code code)
{
    take_all(fixture);
    assert_int_equal(fixture->peer.code, code);
    test_peer_fini(&fixture->peer, &fixture->node);
}

/* ---- claims ---- */

static void every_shard_is_listed_once_with_all_that_is_known_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct wire_shard_entry entries[SHARDS];
    bool is_last = false;
    assert_int_equal(
        list(fixture, &(struct wire_list_shards_request){.max = 0}, entries, &is_last), SHARDS);
    assert_true(is_last);
    for (uint8_t number = 1; number <= SHARDS; number++) {
        const struct wire_shard_entry *entry = &entries[number - 1];
        struct order order = test_node_order(&fixture->node, ORDER_PUT, number, 0);
        assert_memory_equal(entry->shard_id.bytes, order.shard_id, SHARD_ID_SIZE);
        assert_memory_equal(entry->locator.bytes, order.locator, SHARD_LOCATOR_SIZE);
        assert_int_equal(entry->length, test_shard_size(&shard));
        assert_int_equal(entry->state, number == TRASHED ? WIRE_SHARD_TRASH : WIRE_SHARD_LIVE);
        assert_int_not_equal(entry->stored_unix_ms, 0);
        assert_int_equal(entry->trashed_unix_ms / TRASH_DAY_MS,
            number == TRASHED ? fixture->trashed_unix_ms / TRASH_DAY_MS : 0);
    }
}

static void a_walk_goes_on_after_any_id_and_ends_at_its_most(void **state)
{
    struct fixture *fixture = *state;
    for (uint8_t after = 0; after <= SHARDS; after += 25) {
        for (uint64_t max = 1; max <= SHARDS; max += 37) {
            struct wire_shard_entry entries[SHARDS];
            struct shard_id id = test_shard_id(after);
            const struct wire_list_shards_request request = {
                .after = view_of(id.bytes, SHARD_ID_SIZE), .max = max};
            bool is_last = false;
            unsigned count = list(fixture, &request, entries, &is_last);
            unsigned left = (unsigned)SHARDS - after;
            assert_int_equal(count, max < left ? max : left);
            for (unsigned i = 0; i < count; i++) {
                struct shard_id expected = test_shard_id((uint8_t)(after + 1 + i));
                assert_memory_equal(entries[i].shard_id.bytes, expected.bytes, SHARD_ID_SIZE);
            }
            assert_true(max <= left || is_last);
        }
    }
}

static void sums_are_those_of_the_list_in_ranges_of_any_size(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned bits = 0; bits <= WIRE_DIGEST_BITS_MAX; bits++) {
        struct shard_id edge = test_shard_id(0);
        uint32_t first = id_sum_range(id_sum_key(edge.bytes), bits);
        uint32_t last = first + (bits > 8 ? (1U << (bits - 8)) - 1 : 0);
        struct wire_shard_digest sum = {0};
        struct wire_shard_digest expected = {.live = SHARDS - 1, .trash = 1};
        begin_digests(fixture, bits, first, last - first + 1);
        take_all(fixture);
        assert_int_equal(fixture->peer.code, HEARTH_OK);
        for (unsigned i = 0; i < fixture->peer.received; i++) {
            struct wire_shard_digest_page page;
            decode(fixture, &wire_shard_digest_page_message, i, &page);
            struct reader reader = reader_of(page.ranges);
            while (reader.left > 0) {
                struct wire_shard_digest range = wire_digest_read(&reader);
                sum.live += range.live;
                sum.live_sum += range.live_sum;
                sum.trash += range.trash;
                sum.trash_sum += range.trash_sum;
            }
        }
        test_peer_fini(&fixture->peer, &fixture->node);
        for (uint8_t number = 1; number <= SHARDS; number++) {
            struct shard_id id = test_shard_id(number);
            *(number == TRASHED ? &expected.trash_sum : &expected.live_sum) += id_sum_of(id.bytes);
        }
        assert_memory_equal(&sum, &expected, sizeof(sum));
    }
}

static void a_range_has_its_own_shards_and_no_others(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id third = test_shard_id(3);
    uint32_t range = id_sum_range(id_sum_key(third.bytes), 16);
    begin_digests(fixture, 16, range, 1);
    take_all(fixture);
    struct wire_shard_digest_page page;
    decode(fixture, &wire_shard_digest_page_message, 0, &page);
    assert_int_equal(page.ranges.size, WIRE_DIGEST_SIZE);
    struct reader reader = reader_of(page.ranges);
    struct wire_shard_digest found = wire_digest_read(&reader);
    assert_int_equal(found.live, 1);
    assert_int_equal(found.live_sum, id_sum_of(third.bytes));
    assert_int_equal(found.trash, 0);
    test_peer_fini(&fixture->peer, &fixture->node);
}

static void ranges_that_there_are_not_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t asked[][3] = {{0, 0, 0}, {0, 1, 1}, {8, 255, 2}, {16, 65536, 1}};
    for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        begin_digests(fixture, asked[i][0], asked[i][1], asked[i][2]);
        expect_refusal(fixture, HEARTH_INVALID);
    }
}

static void a_coordinator_that_does_not_read_stops_the_reading(void **state)
{
    struct fixture *fixture = *state;
    begin_list(fixture, &(struct wire_list_shards_request){.max = 0});
    uint64_t reads = sim_disk_requests(fixture->node.sim, DISK_READ);
    assert_int_equal(fixture->peer.received, 1);
    test_env_step_ms(&fixture->node.env, SHARD_PATIENCE_MS / 2);
    test_node_run(&fixture->node);
    assert_int_equal(sim_disk_requests(fixture->node.sim, DISK_READ), reads);
    test_env_step_ms(&fixture->node.env, SHARD_PATIENCE_MS / 2);
    test_node_run(&fixture->node);
    expect_refusal(fixture, HEARTH_DEADLINE);
}

static void a_coordinator_that_leaves_costs_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    begin_list(fixture, &(struct wire_list_shards_request){.max = 0});
    test_peer_fini(&fixture->peer, &fixture->node);
    a_range_has_its_own_shards_and_no_others(state);
}

static void purged_trash_is_in_no_list_and_no_sum(void **state)
{
    struct fixture *fixture = *state;
    test_env_step_ms(&fixture->node.env, 9 * TRASH_DAY_MS);
    test_node_run(&fixture->node);
    volume_tidy(fixture->node.volume);
    test_node_run(&fixture->node);

    struct wire_shard_entry entries[SHARDS];
    bool is_last;
    assert_int_equal(
        list(fixture, &(struct wire_list_shards_request){.max = 0}, entries, &is_last), SHARDS - 1);
    struct shard_digest sum;
    volume_digest(fixture->node.volume, 0, 0, 1, &sum);
    assert_int_equal(sum.live, SHARDS - 1);
    assert_int_equal(sum.trash, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(every_shard_is_listed_once_with_all_that_is_known_of_it),
        CASE(a_walk_goes_on_after_any_id_and_ends_at_its_most),
        CASE(sums_are_those_of_the_list_in_ranges_of_any_size),
        CASE(a_range_has_its_own_shards_and_no_others),
        CASE(ranges_that_there_are_not_are_refused),
        CASE(a_coordinator_that_does_not_read_stops_the_reading),
        CASE(a_coordinator_that_leaves_costs_nothing_more),
        CASE(purged_trash_is_in_no_list_and_no_sum),
#undef CASE
    };
    return cmocka_run_group_tests_name("shard_inventory", tests, NULL, NULL);
}
