/*
 * node_service: what a heartbeat brings and what it takes home; which disk is believed.
 */
#include "coordinator/meta/meta_garbage.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

enum { MINUTE_MS = 60 * 1000 };

static int set_up(void **state)
{
    struct test_coordinator *world = malloc(sizeof(*world));
    test_coordinator_init(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    test_coordinator_fini(*state);
    free(*state);
    return 0;
}

static enum hearth_code report(struct test_coordinator *world, const struct test_member *node,
    const char *host, struct wire_heartbeat_reply *reply)
{
    const struct wire_heartbeat_request request = test_coordinator_report(world, node, host);
    return test_coordinator_call(world, node, RPC_HEARTBEAT, &request, reply);
}

static enum node_health health_of(struct test_coordinator *world, const struct test_member *node)
{
    uint64_t silent_ms;
    return node_table_health(world->coordinator->nodes, node->number, &silent_ms);
}

static size_t addresses_of(struct test_coordinator *world, const struct test_member *node)
{
    struct wire_node_address address;
    assert_true(
        node_table_address(world->coordinator->nodes, node->number, &world->arena, &address));
    return address.endpoints_count;
}

/* ---- what the node learns ---- */

static void the_reply_says_when_what_time_and_with_which_keys(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    struct wire_heartbeat_reply reply;
    assert_ok(report(world, node, "there", &reply), &world->err);
    assert_in_range(
        reply.next_interval_ms, TEST_HEARTBEAT_MS * 8 / 10, TEST_HEARTBEAT_MS * 12 / 10);
    assert_true(reply.now_unix_ms == meta_now_ms(world->coordinator->store));
    assert_int_equal(reply.order_keys_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct order_keys keys;
        const uint32_t period = order_period(reply.now_unix_ms) - 1 + i;
        order_node_keys(&world->coordinator->issuer, period, node->id, &keys);
        assert_int_equal(reply.order_keys[i].key_id, period);
        assert_memory_equal(reply.order_keys[i].order_key.bytes, keys.order_key, CRYPTO_KEY_SIZE);
        assert_memory_equal(
            reply.order_keys[i].receipt_key.bytes, keys.receipt_key, CRYPTO_KEY_SIZE);
    }
    assert_int_equal(reply.trash_count, 0);
}

static void nodes_do_not_come_back_all_at_once(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct wire_heartbeat_reply reply;
        assert_ok(report(world, node, "there", &reply), &world->err);
        least = reply.next_interval_ms < least ? reply.next_interval_ms : least;
        most = reply.next_interval_ms > most ? reply.next_interval_ms : most;
    }
    assert_true(most - least > TEST_HEARTBEAT_MS * 3 / 10);
}

/* ---- where it is ---- */

static void an_address_is_handed_out_once_the_node_was_met_there(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    struct place_fleet fleet;
    assert_int_equal(addresses_of(world, node), 0);
    test_coordinator_heartbeat(world, node);
    test_gate_wait(&world->dialled, 1);
    assert_int_equal(addresses_of(world, node), 1);
    assert_ok(node_table_fleet(world->coordinator->nodes, &world->arena, &fleet, &world->err),
        &world->err);
    assert_true(fleet.nodes[0].takes_shards);
}

static void a_node_that_nobody_can_reach_takes_no_shards(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    struct wire_heartbeat_reply reply;
    struct place_fleet fleet;
    assert_ok(report(world, node, "silent", &reply), &world->err);
    test_gate_wait(&world->dialled, 1);
    assert_int_equal(addresses_of(world, node), 0);
    assert_int_equal(health_of(world, node), NODE_ALIVE);
    assert_ok(node_table_fleet(world->coordinator->nodes, &world->arena, &fleet, &world->err),
        &world->err);
    assert_false(fleet.nodes[0].takes_shards);
}

/* ---- which disk ---- */

static void another_volume_is_not_believed_and_its_slots_are_missing(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member other = *node;
    struct wire_heartbeat_reply reply;
    other.volume.bytes[0] ^= 1;
    assert_int_equal(report(world, &other, "there", &reply), HEARTH_CONFLICT);
    assert_non_null(strstr(world->err.message, "another volume"));
    assert_int_equal(reply.order_keys_count, 0);
    assert_int_equal(health_of(world, node), NODE_LOST);
}

static void an_older_copy_of_the_disk_is_not_believed(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct wire_heartbeat_reply reply;
    node->sequence = 100;
    node->start_count = 5;
    test_coordinator_heartbeat(world, node);
    struct test_member older = *node;
    older.sequence = 99;
    assert_int_equal(report(world, &older, "there", &reply), HEARTH_CONFLICT);
    older = *node;
    older.start_count = 4;
    assert_int_equal(report(world, &older, "there", &reply), HEARTH_CONFLICT);
    assert_non_null(strstr(world->err.message, "older copy"));
    assert_int_equal(health_of(world, node), NODE_LOST);
}

static void the_right_disk_counts_again(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member other = *node;
    struct wire_heartbeat_reply reply;
    other.volume.bytes[0] ^= 1;
    assert_int_equal(report(world, &other, "there", &reply), HEARTH_CONFLICT);
    node->start_count++;
    test_coordinator_heartbeat(world, node);
    assert_int_equal(health_of(world, node), NODE_ALIVE);
}

static void the_disk_is_known_again_after_a_restart(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct wire_heartbeat_reply reply;
    assert_ok(node_table_flush(world->coordinator->nodes, &world->err), &world->err);
    struct node_table *first = world->coordinator->nodes;
    const struct node_table_options options = {.store = world->coordinator->store,
        .env = &world->env.env,
        .heartbeat_ms = TEST_HEARTBEAT_MS,
        .lost_after_ms = MINUTE_MS};
    assert_ok(node_table_create(&options, &world->coordinator->nodes, &world->err), &world->err);
    node_table_destroy(first);
    node->volume.bytes[0] ^= 1;
    assert_int_equal(report(world, node, "there", &reply), HEARTH_CONFLICT);
}

/* ---- two with one identity ---- */

static void run_as(struct test_member *node, uint8_t instance)
{
    node->start_count++;
    node->instance = (struct meta_id){{instance}};
}

static enum hearth_code beat(struct test_coordinator *world, struct test_member *node)
{
    struct wire_heartbeat_reply reply;
    test_env_step_ms(&world->env, TEST_HEARTBEAT_MS);
    node->sequence++;
    return report(world, node, "there", &reply);
}

/* The whole home was copied, and both daemons run. */
static void make_twins(
    struct test_coordinator *world, struct test_member *node, struct test_member *twin)
{
    run_as(node, 1);
    assert_ok(beat(world, node), &world->err);
    *twin = *node;
    run_as(twin, 2);
    for (unsigned turns = 0; turns < 3; turns++) {
        beat(world, twin);
        beat(world, node);
    }
    beat(world, twin);
}

static void two_that_run_at_once_are_both_shut_out(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member twin;
    make_twins(world, node, &twin);
    assert_int_equal(health_of(world, node), NODE_LOST);
    struct test_member *both[] = {node, &twin};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(beat(world, both[i]), HEARTH_CONFLICT);
        assert_non_null(strstr(world->err.message, "two machines"));
        assert_int_equal(health_of(world, node), NODE_LOST);
    }
    run_as(node, 3); /* starting again is no way in */
    assert_int_equal(beat(world, node), HEARTH_CONFLICT);
    assert_int_equal(health_of(world, node), NODE_LOST);
}

static void an_operator_lets_one_of_two_in_again(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member twin;
    make_twins(world, node, &twin);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    const struct wire_node_lost_request found = {
        .node_id = view_of(node->id, sizeof(node->id)), .found = true};
    struct wire_empty nothing;
    assert_ok(test_coordinator_call(world, admin, RPC_NODE_LOST, &found, &nothing), &world->err);
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(beat(world, &twin), &world->err);
    }
    assert_int_equal(health_of(world, node), NODE_ALIVE);
    beat(world, node); /* and if the other one runs on, both are out again */
    beat(world, &twin);
    beat(world, node);
    assert_int_equal(beat(world, &twin), HEARTH_CONFLICT);
    assert_int_equal(health_of(world, node), NODE_LOST);
}

/* A daemon that is started with a wiped disk, while the one of before was there a moment ago. */
static void a_wiped_disk_is_known_as_soon_as_the_old_one_is_silent(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    run_as(node, 1);
    assert_ok(beat(world, node), &world->err);
    struct test_member wiped = *node;
    wiped.volume.bytes[0] ^= 1;
    run_as(&wiped, 2);
    assert_int_equal(beat(world, &wiped), HEARTH_CONFLICT);
    assert_int_equal(health_of(world, node), NODE_ALIVE);
    test_env_step_ms(&world->env, 3 * TEST_HEARTBEAT_MS);
    assert_int_equal(beat(world, &wiped), HEARTH_CONFLICT);
    assert_int_equal(health_of(world, node), NODE_LOST);
}

static void a_suspended_node_stays_so_whatever_disk_it_tries(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    assert_ok(meta_node_set_state(
                  world->coordinator->store, node->number, META_NODE_SUSPENDED, &world->err),
        &world->err);
    assert_ok(node_table_reload(world->coordinator->nodes, &world->err), &world->err);
    struct test_member other = *node;
    struct wire_heartbeat_reply reply;
    other.volume.bytes[0] ^= 1;
    assert_int_equal(report(world, &other, "there", &reply), HEARTH_CONFLICT);
    assert_int_equal(health_of(world, node), NODE_LOST);
    assert_ok(beat(world, node), &world->err);
    assert_int_equal(health_of(world, node), NODE_SUSPENDED);
}

/* ---- who ---- */

static void who_is_gone_or_never_enrolled_is_refused(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member *stranger = test_coordinator_stranger(world);
    struct wire_heartbeat_reply reply;
    assert_int_equal(report(world, stranger, "there", &reply), HEARTH_NOT_FOUND);
    assert_ok(
        meta_node_set_state(world->coordinator->store, node->number, META_NODE_GONE, &world->err),
        &world->err);
    assert_ok(node_table_reload(world->coordinator->nodes, &world->err), &world->err);
    assert_int_equal(report(world, node, "there", &reply), HEARTH_DENIED);
}

static void silence_is_suspect_then_offline_then_lost(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *node = test_coordinator_nodes(world, 1);
    assert_int_equal(health_of(world, node), NODE_ALIVE);
    test_env_step_ms(&world->env, 3 * TEST_HEARTBEAT_MS);
    assert_int_equal(health_of(world, node), NODE_SUSPECT);
    test_env_step_ms(&world->env, 7 * TEST_HEARTBEAT_MS);
    assert_int_equal(health_of(world, node), NODE_OFFLINE);
    test_env_step_ms(&world->env, 20 * TEST_HEARTBEAT_MS); /* local: lost after 30 s */
    assert_int_equal(health_of(world, node), NODE_LOST);
    test_coordinator_heartbeat(world, node);
    assert_int_equal(health_of(world, node), NODE_ALIVE);
}

/* ---- what it may throw away ---- */

static void collect(struct test_coordinator *world)
{
    struct meta_garbage_report step = {0};
    while (!step.idle) {
        assert_ok(meta_garbage_step(world->coordinator->store, &step, &world->err), &world->err);
    }
}

/* A segment is opened at all nodes and the upload given up. */
static void open_and_abort(struct test_coordinator *world, const struct test_member *client)
{
    const uint8_t session[PKI_ID_SIZE] = {1};
    const uint8_t root_key_id[META_KEY_ID_SIZE] = {1};
    const uint8_t vk[META_VK_SIZE] = {1};
    const struct wire_bucket_key key = {.version = 1, .wrapped = view_text("wrapped")};
    const struct wire_create_bucket_request create = {.name = view_text("bucket"),
        .bucket_id = test_coordinator_id(world),
        .key = &key,
        .root_key_id = view_of(root_key_id, sizeof(root_key_id)),
        .token = test_coordinator_id(world)};
    struct wire_bucket_info bucket;
    assert_ok(
        test_coordinator_call(world, client, RPC_CREATE_BUCKET, &create, &bucket), &world->err);

    const struct wire_begin_request begin = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(world)};
    struct wire_begin_reply begun;
    assert_ok(test_coordinator_call(world, client, RPC_BEGIN, &begin, &begun), &world->err);

    const struct wire_open_segment_request open = {.intent_id = begun.intent_id,
        .segment_id = test_coordinator_id(world),
        .vk = view_of(vk, sizeof(vk)),
        .session_id = view_of(session, sizeof(session))};
    struct wire_open_segment_reply opened;
    assert_ok(test_coordinator_call(world, client, RPC_OPEN_SEGMENT, &open, &opened), &world->err);

    const struct wire_abort_request abort_request = {.intent_id = begun.intent_id};
    struct wire_empty nothing;
    assert_ok(
        test_coordinator_call(world, client, RPC_ABORT, &abort_request, &nothing), &world->err);
}

static void dead_shards_are_named_until_the_node_says_they_are_gone(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *nodes = test_coordinator_nodes(world, 8);
    struct wire_heartbeat_reply reply;
    open_and_abort(world, test_coordinator_member(world, PEER_CLIENT));
    collect(world);
    assert_ok(report(world, &nodes[3], "there", &reply), &world->err);
    assert_int_equal(reply.trash_count, 0); /* an order for it may still be valid */

    test_env_step_ms(&world->env, 12 * MINUTE_MS);
    collect(world);
    for (int again = 0; again < 2; again++) {
        assert_ok(report(world, &nodes[3], "there", &reply), &world->err);
        assert_int_equal(reply.trash_count, 1);
    }
    struct wire_trash_result result = {.shard_id = reply.trash[0], .outcome = 0};
    struct wire_heartbeat_request request = test_coordinator_report(world, &nodes[3], "there");
    request.trash_results = &result;
    request.trash_results_count = 1;
    assert_ok(
        test_coordinator_call(world, &nodes[3], RPC_HEARTBEAT, &request, &reply), &world->err);
    assert_int_equal(reply.trash_count, 1); /* an outcome we do not know ends nothing */
    result.outcome = 2;
    assert_ok(
        test_coordinator_call(world, &nodes[3], RPC_HEARTBEAT, &request, &reply), &world->err);
    assert_int_equal(reply.trash_count, 0);
}

static void what_a_node_withholds_is_told_with_its_cap(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *nodes = test_coordinator_nodes(world, 8);
    const struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    struct wire_heartbeat_reply reply;
    struct wire_status_reply status;
    open_and_abort(world, test_coordinator_member(world, PEER_CLIENT));
    test_env_step_ms(&world->env, 12 * MINUTE_MS);
    collect(world);
    for (unsigned withheld = 0; withheld <= 9; withheld += 9) {
        struct wire_heartbeat_request request = test_coordinator_report(world, &nodes[3], "there");
        request.trash_withheld = withheld;
        request.trash_day = 1 << 30;
        assert_ok(
            test_coordinator_call(world, &nodes[3], RPC_HEARTBEAT, &request, &reply), &world->err);
        assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &(struct wire_empty){0}, &status),
            &world->err);
        assert_int_equal(status.garbage_withholding, withheld > 0);
        assert_int_equal(status.garbage_day, withheld > 0 ? 1 << 30 : 0);
        assert_int_equal(status.garbage_withheld, withheld > 0); /* as it is in the metadata */
        assert_int_equal(status.garbage_withheld_bytes, 0);      /* of what was never sealed */
    }
}

static void a_node_cannot_end_the_shards_of_another(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *nodes = test_coordinator_nodes(world, 8);
    struct wire_heartbeat_reply theirs;
    struct wire_heartbeat_reply ours;
    open_and_abort(world, test_coordinator_member(world, PEER_CLIENT));
    test_env_step_ms(&world->env, 12 * MINUTE_MS);
    collect(world);
    assert_ok(report(world, &nodes[0], "there", &theirs), &world->err);
    const struct wire_trash_result lie = {.shard_id = theirs.trash[0], .outcome = 1};
    struct wire_heartbeat_request request = test_coordinator_report(world, &nodes[1], "there");
    request.trash_results = &lie;
    request.trash_results_count = 1;
    assert_ok(test_coordinator_call(world, &nodes[1], RPC_HEARTBEAT, &request, &ours), &world->err);
    assert_ok(report(world, &nodes[0], "there", &theirs), &world->err);
    assert_int_equal(theirs.trash_count, 1);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(the_reply_says_when_what_time_and_with_which_keys),
        claim(nodes_do_not_come_back_all_at_once),
        claim(an_address_is_handed_out_once_the_node_was_met_there),
        claim(a_node_that_nobody_can_reach_takes_no_shards),
        claim(another_volume_is_not_believed_and_its_slots_are_missing),
        claim(an_older_copy_of_the_disk_is_not_believed),
        claim(the_right_disk_counts_again),
        claim(the_disk_is_known_again_after_a_restart),
        claim(two_that_run_at_once_are_both_shut_out),
        claim(an_operator_lets_one_of_two_in_again),
        claim(a_wiped_disk_is_known_as_soon_as_the_old_one_is_silent),
        claim(a_suspended_node_stays_so_whatever_disk_it_tries),
        claim(who_is_gone_or_never_enrolled_is_refused),
        claim(silence_is_suspect_then_offline_then_lost),
        claim(dead_shards_are_named_until_the_node_says_they_are_gone),
        claim(what_a_node_withholds_is_told_with_its_cap),
        claim(a_node_cannot_end_the_shards_of_another),
    };
    return cmocka_run_group_tests_name("node_service", tests, NULL, NULL);
}
