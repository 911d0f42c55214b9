/*
 * What an operator sees of repair and durability, and what he can ask for, through the RPCs.
 */
#include "coordinator/fleet/sweep.h"
#include "coordinator/repair/repair.h"
#include "coordinator/repair/repair_judge.h"
#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

enum { K = 4, N = REPAIR_WORLD_N, LOST_SLOT = REPAIR_WORLD_LOST_SLOT };

static enum hearth_code ask(
    struct repair_world *at, unsigned method, const void *request, void *reply)
{
    const struct test_member *admin = test_coordinator_member(&at->world, PEER_ADMIN);
    return test_coordinator_call(&at->world, admin, method, request, reply);
}

static struct wire_repair_info ask_repair(struct repair_world *at, unsigned method)
{
    struct wire_repair_info reply;
    assert_ok(ask(at, method, &(struct wire_empty){0}, &reply), &at->world.err);
    return reply;
}

static void lose_all_but(struct repair_world *at, unsigned left)
{
    uint32_t silent[N];
    for (unsigned i = 0; i < N - left; i++) {
        silent[i] = at->row.holders[i].node;
        at->net.nodes[silent[i] - 1].manner = FAKE_DEAD;
    }
    repair_world_pass(at, REPAIR_WORLD_LOST_AFTER_S * 1000, N - left, silent);
}

static void status_says_what_was_made_anew(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    lose_all_but(at, N - 1);
    repair_world_round(at);
    const struct wire_repair_info info = ask_repair(at, RPC_REPAIR_STATUS);
    assert_int_equal(info.segments, 1);
    assert_int_equal(info.below_n, 1); /* as the pass found it */
    assert_int_equal(info.due, 0);
    assert_int_equal(info.bytes, 0);
    assert_int_equal(info.repaired_shards, 1);
    assert_int_equal(info.repaired_segments, 1);
    assert_int_equal(info.repaired_bytes, (K + 1) * test_shard_size());
    assert_true(info.bytes_per_s > 0);
}

static void run_is_asked_once_and_over_when_all_is_whole(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    assert_true(ask_repair(at, RPC_REPAIR_RUN).asked_unix_ms > 0);
    repair_world_round(at);
    assert_int_equal(ask_repair(at, RPC_REPAIR_STATUS).asked_unix_ms, 0);
}

static void what_cannot_be_read_is_named(void **state)
{
    struct repair_world *at = *state;
    struct wire_repair_lost_reply reply;
    repair_world_upload_unplanted(at, "another", N);
    repair_world_upload(at, N);
    repair_world_round(at);
    assert_ok(
        ask(at, RPC_REPAIR_LOST, &(struct wire_repair_lost_request){0}, &reply), &at->world.err);
    assert_int_equal(reply.objects_count, 0);
    assert_int_equal(reply.looked_at, 2);

    lose_all_but(at, K - 1);
    repair_world_round(at);
    assert_ok(
        ask(at, RPC_REPAIR_LOST, &(struct wire_repair_lost_request){0}, &reply), &at->world.err);
    assert_int_equal(reply.next_cursor.size, 0);
    bool is_named = false;
    for (size_t i = 0; i < reply.objects_count; i++) {
        is_named = is_named ||
            (view_equal(reply.objects[i].key, view_text("key")) && reply.objects[i].is_lost &&
                memcmp(reply.objects[i].segment_id.bytes, at->row.id.bytes, META_ID_SIZE) == 0);
    }
    assert_true(is_named);
}

static void a_cursor_that_is_none_of_ours_is_refused(void **state)
{
    struct repair_world *at = *state;
    struct wire_repair_lost_reply reply;
    const struct wire_repair_lost_request request = {.cursor = view_text("short")};
    assert_int_equal(ask(at, RPC_REPAIR_LOST, &request, &reply), HEARTH_INVALID);
}

static void status_carries_durability_and_repair(void **state)
{
    struct repair_world *at = *state;
    struct wire_status_reply whole;
    struct wire_status_reply reply;
    repair_world_upload(at, N);
    repair_world_round(at);
    assert_ok(ask(at, RPC_STATUS, &(struct wire_empty){0}, &whole), &at->world.err);
    assert_int_equal(whole.durability->segments, 1);
    assert_int_equal(whole.profiles_count, 1);
    assert_true(view_equal(whole.profiles[0].profile, view_text("local")));
    assert_int_equal(whole.profiles[0].held_permille, 1000);
    assert_memory_equal(whole.durability->worst_segment.bytes, at->row.id.bytes, META_ID_SIZE);
    assert_int_equal(whole.bucket_durability_count, 1);
    assert_true(view_equal(whole.bucket_durability[0].bucket, at->customer.bucket));
    assert_int_equal(whole.bucket_durability[0].segments, 1);
    const uint64_t digits = whole.durability->worst_lost_digits;

    at->net.nodes[0].manner = FAKE_HONEST;
    lose_all_but(at, N - 2);
    sweep_round(NULL, at->world.coordinator->sweep); /* seen, and not repaired yet */
    assert_ok(ask(at, RPC_STATUS, &(struct wire_empty){0}, &reply), &at->world.err);
    assert_true(reply.durability->worst_lost_digits < digits);
    assert_int_equal(reply.profiles[0].held_permille, 750);
    assert_int_equal(reply.repair->due, 1);
    assert_int_equal(reply.repair->queued, 1);
    assert_true(reply.repair->oldest_unix_ms > 0);
}

static void what_if_is_answered(void **state)
{
    struct repair_world *at = *state;
    struct wire_simulate_reply reply;
    struct wire_simulate_request request = {.profile = view_text("home"), .nodes = 200};
    assert_ok(ask(at, RPC_SIMULATE, &request, &reply), &at->world.err);
    assert_int_equal(reply.k, 16);
    assert_int_equal(reply.n, 40);
    assert_int_equal(reply.warning.size, 0);
    assert_in_range(reply.lost_digits, 11000000, 14000000);
    assert_in_range(reply.disk_permille, 2000, 2300);

    request.nodes = 30;
    assert_ok(ask(at, RPC_SIMULATE, &request, &reply), &at->world.err);
    assert_true(reply.warning.size > 0);

    request = (struct wire_simulate_request){.profile = view_text("volunteer")};
    assert_ok(ask(at, RPC_SIMULATE, &request, &reply), &at->world.err);
    assert_int_equal(reply.ebb_ppm, 80000);
    request.no_ebb = true;
    assert_ok(ask(at, RPC_SIMULATE, &request, &reply), &at->world.err);
    assert_int_equal(reply.ebb_ppm, 0);

    request = (struct wire_simulate_request){.from_fleet = true};
    assert_ok(ask(at, RPC_SIMULATE, &request, &reply), &at->world.err);
    assert_int_equal(reply.nodes, REPAIR_WORLD_NODES);

    request = (struct wire_simulate_request){.profile = view_text("castle")};
    assert_int_equal(ask(at, RPC_SIMULATE, &request, &reply), HEARTH_NOT_FOUND);
    request = (struct wire_simulate_request){.k = 50};
    assert_int_equal(ask(at, RPC_SIMULATE, &request, &reply), HEARTH_INVALID);
}

/* As `hearth stat --shards` asks for it. */
static void a_lookup_says_how_a_segment_is_when_asked(void **state)
{
    struct repair_world *at = *state;
    struct wire_lookup_reply reply;
    repair_world_upload(at, N);
    struct wire_lookup_request request = test_ask_lookup(&at->customer, "key");
    assert_ok(test_ask(&at->customer, RPC_LOOKUP, &request, &reply), &at->world.err);
    assert_null(reply.segments[0].estimate);
    request.with_estimate = true;
    assert_ok(test_ask(&at->customer, RPC_LOOKUP, &request, &reply), &at->world.err);
    const struct wire_segment_estimate *estimate = reply.segments[0].estimate;
    assert_int_equal(estimate->held, N);
    assert_int_equal(estimate->reachable, N);
    assert_int_equal(estimate->reason, REPAIR_NOTHING);
    assert_int_equal(estimate->uptime_ppm_count, N);
    assert_in_range(estimate->uptime_ppm[0], 1, 1000000);
    assert_true(estimate->lost_digits > 0);
    assert_true(estimate->unreadable_digits > 0);
}

static const struct wire_segment_estimate *ask_estimate(struct repair_world *at)
{
    struct wire_lookup_reply reply;
    struct wire_lookup_request request = test_ask_lookup(&at->customer, "key");
    request.with_estimate = true;
    assert_ok(test_ask(&at->customer, RPC_LOOKUP, &request, &reply), &at->world.err);
    assert_int_equal(reply.segments[0].holders_count, N);
    return reply.segments[0].estimate;
}

/* The first is silent for a while, the others are there; then it counts as lost. */
static void each_holder_is_held_and_reachable_or_said_not_to_be(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    const uint32_t silent = at->row.holders[0].node;
    repair_world_pass(at, 15 * TEST_HEARTBEAT_MS, 1, &silent);
    const struct wire_segment_estimate *estimate = ask_estimate(at);
    assert_int_equal(estimate->held, N);
    assert_int_equal(estimate->reachable, N - 1);
    assert_int_equal(estimate->states_count, N);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_int_equal(
            estimate->states[slot], slot == 0 ? WIRE_HOLDER_SILENT : WIRE_HOLDER_REACHABLE);
    }
    repair_world_lose(at, silent);
    estimate = ask_estimate(at);
    assert_int_equal(estimate->held, N - 1);
    assert_int_equal(estimate->states[0], WIRE_HOLDER_MISSING);
}

#define claim(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, repair_world_set_up, repair_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(status_says_what_was_made_anew),
        claim(run_is_asked_once_and_over_when_all_is_whole),
        claim(what_cannot_be_read_is_named),
        claim(a_cursor_that_is_none_of_ours_is_refused),
        claim(status_carries_durability_and_repair),
        claim(what_if_is_answered),
        claim(a_lookup_says_how_a_segment_is_when_asked),
        claim(each_holder_is_held_and_reachable_or_said_not_to_be),
    };
    return cmocka_run_group_tests_name("repair_service", tests, NULL, NULL);
}
