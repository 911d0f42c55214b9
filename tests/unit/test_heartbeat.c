/*
 * heartbeat: the node says what is true of it, learns time and keys, trashes what it is told and
 * says so until it was heard; without an answer it tries again, less and less often.
 *
 * The test plays the coordinator through the link's seam.
 */
#include "storaged/heartbeat.h"

#include "common/id_sum.h"
#include "storaged/trash_queue.h"
#include "tests/lib/test.h"
#include "tests/lib/test_node.h"

#include <errno.h>
#include <stdlib.h>

struct fixture {
    struct test_node node;
    struct coordinator_link link;
    struct heartbeat *heartbeat;

    /* What the coordinator saw. */
    struct coordinator_call *call; /* NULL: none is waiting for an answer */
    unsigned calls;
    struct wire_heartbeat_request last; /* without what it borrowed */
    uint8_t last_uuid[VOLUME_UUID_SIZE];
    struct wire_trash_result results[WIRE_TRASH_MAX];
    uint8_t result_ids[WIRE_TRASH_MAX][SHARD_ID_SIZE];
    uint8_t damaged_id[SHARD_ID_SIZE]; /* of the first that was called damaged */
    uint8_t damaged_locator[SHARD_LOCATOR_SIZE];

    unsigned expired; /* how often the certificate was said to be */
    unsigned stopped;
    uint64_t epoch; /* of answer_with_trash(), */
    uint64_t sum_off_by;
    bool is_released;
    bool keeps_nothing; /* no recovery epoch gets to the disk */
    unsigned epochs_rose;
};

static struct fixture *of_link(struct coordinator_link *link)
{
    return (struct fixture *)((char *)link - offsetof(struct fixture, link));
}

static void link_send(struct coordinator_link *link, struct coordinator_call *call)
{
    struct fixture *fixture = of_link(link);
    assert_null(fixture->call);
    fixture->call = call;
    fixture->calls++;
    fixture->last = *call->request;
    memcpy(fixture->last_uuid, call->request->volume_uuid.bytes, VOLUME_UUID_SIZE);
    for (size_t i = 0; i < call->request->trash_results_count; i++) {
        fixture->results[i] = call->request->trash_results[i];
        memcpy(fixture->result_ids[i], fixture->results[i].shard_id.bytes, SHARD_ID_SIZE);
    }
    if (call->request->damaged_count > 0) {
        memcpy(fixture->damaged_id, call->request->damaged[0].shard_id.bytes, SHARD_ID_SIZE);
        memcpy(
            fixture->damaged_locator, call->request->damaged[0].locator.bytes, SHARD_LOCATOR_SIZE);
    }
}

static void link_cancel(struct coordinator_link *link)
{
    struct fixture *fixture = of_link(link);
    struct coordinator_call *call = fixture->call;
    fixture->call = NULL;
    hearth_fail(&call->err, HEARTH_CANCELLED, "heartbeat");
    call->done(call, NULL);
}

static uint64_t disk_free(void *context)
{
    (void)context;
    return 1000000;
}

static void certificate_expired(void *context)
{
    struct fixture *fixture = context;
    fixture->expired++;
}

static void epoch_rose(void *context, uint64_t epoch)
{
    struct fixture *fixture = context;
    fixture->epochs_rose++;
    if (!fixture->keeps_nothing) {
        heartbeat_epoch_kept(fixture->heartbeat, epoch);
    }
}

static const struct wire_endpoint endpoint = {.kind = 1, .port = 7410};

static int setup_with(void **state, uint64_t cap_bytes, uint64_t epoch_kept)
{
    static const struct coordinator_link_ops ops = {.send = link_send, .cancel = link_cancel};
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    test_node_init(&fixture.node);
    fixture.node.orders.is_ready = false;
    fixture.link.ops = &ops;
    const struct heartbeat_options options = {
        .loop = fixture.node.loop,
        .volume = fixture.node.volume,
        .orders = &fixture.node.orders,
        .link = &fixture.link,
        .endpoints = &endpoint,
        .endpoint_count = 1,
        .trash_cap_least_bytes = cap_bytes,
        .disk_free_bytes = disk_free,
        .certificate_expired = certificate_expired,
        .epoch_kept = epoch_kept,
        .epoch_rose = epoch_rose,
        .context = &fixture,
    };
    assert_ok(heartbeat_create(&options, &fixture.heartbeat, &fixture.node.err), &fixture.node.err);
    heartbeat_start(fixture.heartbeat);
    *state = &fixture;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0, 0);
}

enum { KEPT_EPOCH = 5 };

/* Which the run before this one had heard. */
static int setup_with_epoch(void **state)
{
    return setup_with(state, 0, KEPT_EPOCH);
}

/* 5 % of a day, however little that is. */
static int setup_capped(void **state)
{
    return setup_with(state, 1, 0);
}

static void note_stopped(void *context)
{
    struct fixture *fixture = context;
    fixture->stopped++;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->stopped == 0) {
        heartbeat_stop(fixture->heartbeat, note_stopped, fixture);
        test_node_run(&fixture->node);
    }
    assert_int_equal(fixture->stopped, 1);
    assert_null(fixture->call);
    test_node_run(&fixture->node);
    heartbeat_destroy(fixture->heartbeat);
    test_node_fini(&fixture->node);
    return 0;
}

/* ---- what the coordinator does ---- */

static void answer(struct fixture *fixture, const struct wire_heartbeat_reply *reply)
{
    struct coordinator_call *call = fixture->call;
    assert_non_null(call);
    fixture->call = NULL;
    call->err = (struct hearth_err){.code = HEARTH_OK};
    call->done(call, reply);
    test_node_run(&fixture->node);
}

static void answer_with_interval(struct fixture *fixture, uint32_t interval_ms)
{
    answer(fixture,
        &(struct wire_heartbeat_reply){
            .next_interval_ms = interval_ms, .now_unix_ms = env_unix_ms(&fixture->node.env.env)});
}

static void refuse(struct fixture *fixture, enum hearth_code code)
{
    struct coordinator_call *call = fixture->call;
    assert_non_null(call);
    fixture->call = NULL;
    hearth_fail(&call->err, code, "heartbeat");
    call->done(call, NULL);
    test_node_run(&fixture->node);
}

static void step_ms(struct fixture *fixture, uint64_t ms)
{
    test_env_step_ms(&fixture->node.env, ms);
    test_node_run(&fixture->node);
}

/* How long until the next call. */
static uint64_t ms_to_next_call(struct fixture *fixture)
{
    uint64_t start_ns = env_now_ns(&fixture->node.env.env);
    assert_null(fixture->call);
    while (fixture->call == NULL) {
        uint64_t deadline_ns = loop_next_deadline_ns(fixture->node.loop); /* maybe the volume's */
        assert_true(deadline_ns != UINT64_MAX);
        uint64_t now_ns = env_now_ns(&fixture->node.env.env);
        step_ms(fixture, deadline_ns > now_ns ? (deadline_ns - now_ns + 999999) / 1000000 : 0);
    }
    return (env_now_ns(&fixture->node.env.env) - start_ns) / 1000000;
}

/* ---- claims ---- */

static void the_first_report_goes_out_at_once_and_is_true(void **state)
{
    struct fixture *fixture = *state;
    struct volume_identity identity;
    volume_identity(fixture->node.volume, &identity);
    assert_int_equal(fixture->calls, 1);
    assert_memory_equal(fixture->last_uuid, identity.uuid, VOLUME_UUID_SIZE);
    assert_int_equal(fixture->last.start_count, identity.start_counter);
    assert_int_equal(fixture->last.sequence, identity.sequence);
    assert_ptr_equal(fixture->last.endpoints, &endpoint);
    assert_int_equal(fixture->last.shards, 0);
    assert_int_equal(fixture->last.free, 1000000);
    assert_int_equal(fixture->last.capacity, fixture->last.used + 1000000);
    assert_false(fixture->last.read_only);
}

static void the_reply_sets_the_next_interval_within_reason(void **state)
{
    static const uint32_t asked[][2] = {
        {30000, 30000}, {0, HEARTBEAT_INTERVAL_MS_MIN}, {UINT32_MAX, HEARTBEAT_INTERVAL_MS_MAX}};
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct coordinator_call *call = fixture->call;
        const struct wire_heartbeat_reply reply = {.next_interval_ms = asked[i][0]};
        fixture->call = NULL;
        call->err = (struct hearth_err){.code = HEARTH_OK};
        call->done(call, &reply);
        assert_int_equal(ms_to_next_call(fixture), asked[i][1]);
    }
}

static void the_reply_makes_orders_judgeable(void **state)
{
    struct fixture *fixture = *state;
    struct order_keys keys;
    test_node_keys(&keys);
    struct order order = test_node_order(&fixture->node, ORDER_GET, 1, 0);
    struct order out;
    uint8_t bytes[ORDER_SIZE];
    test_node_sign(&order, bytes);
    const struct wire_order_key key = {
        .key_id = order.key_id,
        .order_key = view_of(keys.order_key, CRYPTO_KEY_SIZE),
        .receipt_key = view_of(keys.receipt_key, CRYPTO_KEY_SIZE),
    };
    assert_int_equal(order_check_verify(&fixture->node.orders, view_of(bytes, ORDER_SIZE),
                         ORDER_GET, order.session, &out, &fixture->node.err),
        HEARTH_NOT_READY);
    answer(fixture,
        &(struct wire_heartbeat_reply){.next_interval_ms = 30000,
            .now_unix_ms = env_unix_ms(&fixture->node.env.env),
            .order_keys = &key,
            .order_keys_count = 1});
    assert_ok(order_check_verify(&fixture->node.orders, view_of(bytes, ORDER_SIZE), ORDER_GET,
                  order.session, &out, &fixture->node.err),
        &fixture->node.err);
}

static void without_an_answer_the_next_try_comes_later_and_later(void **state)
{
    struct fixture *fixture = *state;
    uint64_t most_ms = HEARTBEAT_RETRY_MS_MIN;
    for (unsigned failures = 0; failures < 12; failures++) {
        refuse(fixture, HEARTH_UNREACHABLE);
        uint64_t wait_ms = ms_to_next_call(fixture);
        assert_in_range(wait_ms, most_ms / 2, most_ms);
        most_ms = 2 * most_ms < HEARTBEAT_RETRY_MS_MAX ? 2 * most_ms : HEARTBEAT_RETRY_MS_MAX;
    }
    answer_with_interval(fixture, 30000);
    step_ms(fixture, 30000);
    refuse(fixture, HEARTH_UNREACHABLE);
    assert_in_range(ms_to_next_call(fixture), HEARTBEAT_RETRY_MS_MIN / 2, HEARTBEAT_RETRY_MS_MIN);
}

static void an_expired_certificate_is_told_to_who_renews_it(void **state)
{
    struct fixture *fixture = *state;
    refuse(fixture, HEARTH_UNREACHABLE);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->expired, 0);
    refuse(fixture, HEARTH_EXPIRED);
    assert_int_equal(fixture->expired, 1);
}

static void put_shard(struct fixture *fixture, uint8_t number)
{
    static const struct test_shard shard = {
        .cells = 1, .cell_size = 640, .last_cell_size = 640, .seed = 1};
    struct test_peer peer;
    struct order order = test_node_order(&fixture->node, ORDER_PUT, number, 4096);
    test_node_learn(&fixture->node);
    test_peer_put(&peer, &fixture->node, &order, &shard);
    assert_int_equal(peer.code, HEARTH_OK);
    test_peer_fini(&peer, &fixture->node);
}

static void answer_with_trash(struct fixture *fixture, const struct shard_id *ids, size_t count)
{
    struct view *views = calloc(count, sizeof(*views));
    uint64_t sum = 0;
    assert_non_null(views);
    for (size_t i = 0; i < count; i++) {
        views[i] = view_of(ids[i].bytes, SHARD_ID_SIZE);
        sum += id_sum_of(ids[i].bytes);
    }
    answer(fixture,
        &(struct wire_heartbeat_reply){.next_interval_ms = 30000,
            .trash = views,
            .trash_count = count,
            .trash_sum = sum + fixture->sum_off_by,
            .recovery_epoch = fixture->epoch,
            .trash_released = fixture->is_released});
    free(views);
}

static uint64_t shards_here(struct fixture *fixture)
{
    struct volume_stats stats;
    volume_stats(fixture->node.volume, &stats);
    return stats.shards;
}

static void an_older_life_of_the_coordinator_trashes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id ids[] = {test_shard_id(1), test_shard_id(2)};
    put_shard(fixture, 1);
    put_shard(fixture, 2);
    fixture->epoch = 5;
    answer_with_trash(fixture, &ids[0], 1);
    assert_int_equal(shards_here(fixture), 1);
    ms_to_next_call(fixture);
    fixture->epoch = 4;
    answer_with_trash(fixture, &ids[1], 1);
    assert_int_equal(shards_here(fixture), 1);
    ms_to_next_call(fixture);
    fixture->epoch = 6;
    answer_with_trash(fixture, &ids[1], 1);
    assert_int_equal(shards_here(fixture), 0);
}

static void nor_does_it_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_id id = test_shard_id(1);
    put_shard(fixture, 1);
    fixture->epoch = KEPT_EPOCH - 1;
    answer_with_trash(fixture, &id, 1);
    assert_int_equal(shards_here(fixture), 1);
    ms_to_next_call(fixture);
    fixture->epoch = KEPT_EPOCH;
    answer_with_trash(fixture, &id, 1);
    assert_int_equal(shards_here(fixture), 0);
    assert_int_equal(fixture->epochs_rose, 0);
}

static void a_new_life_trashes_nothing_before_its_epoch_is_kept(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_id id = test_shard_id(1);
    put_shard(fixture, 1);
    fixture->epoch = 7;
    fixture->keeps_nothing = true;
    for (unsigned beat = 1; beat <= 2; beat++) {
        answer_with_trash(fixture, &id, 1);
        assert_int_equal(shards_here(fixture), 1);
        assert_int_equal(fixture->epochs_rose, beat); /* asked for each time */
        ms_to_next_call(fixture);
    }
    fixture->keeps_nothing = false;
    answer_with_trash(fixture, &id, 1);
    assert_int_equal(shards_here(fixture), 0);
}

static void more_than_a_day_may_trash_is_withheld_until_the_day_is_over_or_it_is_released(
    void **state)
{
    struct fixture *fixture = *state;
    enum { MANY = 200 };
    static struct shard_id ids[MANY];
    for (uint8_t i = 0; i < MANY; i++) {
        put_shard(fixture, i);
        ids[i] = test_shard_id(i);
    }
    answer_with_trash(fixture, ids, MANY);
    uint64_t left = shards_here(fixture); /* 5 %, and what was begun before that was reached */
    assert_in_range(left, 1, MANY - MANY / 20);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.trash_withheld, left);
    assert_in_range(fixture->last.trash_day, 1, fixture->last.trash);
    answer_with_trash(fixture, ids, MANY);
    assert_int_equal(shards_here(fixture), left);

    ms_to_next_call(fixture);
    fixture->is_released = true;
    answer_with_trash(fixture, ids, MANY);
    assert_int_equal(shards_here(fixture), 0);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.trash_withheld, 0);
}

static void a_list_that_is_not_whole_trashes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id id = test_shard_id(1);
    put_shard(fixture, 1);
    fixture->sum_off_by = 1;
    answer_with_trash(fixture, &id, 1);
    assert_int_equal(shards_here(fixture), 1);
}

static void named_shards_are_trashed_and_reported_until_heard(void **state)
{
    struct fixture *fixture = *state;
    struct volume_stats stats;
    struct shard_id ids[] = {test_shard_id(1), test_shard_id(9)};
    put_shard(fixture, 1);
    answer_with_trash(fixture, ids, 2); /* 9 never came here */
    volume_stats(fixture->node.volume, &stats);
    assert_int_equal(stats.shards, 0);
    assert_int_equal(stats.trashed, 1);

    for (unsigned i = 0; i < 2; i++) { /* the first of these is not answered */
        ms_to_next_call(fixture);
        assert_int_equal(fixture->last.trash_results_count, 2);
        for (unsigned at = 0; at < 2; at++) {
            bool is_first = memcmp(fixture->result_ids[at], ids[0].bytes, SHARD_ID_SIZE) == 0;
            assert_int_equal(fixture->results[at].outcome, is_first ? 1 : 2);
        }
        if (i == 0) {
            refuse(fixture, HEARTH_UNKNOWN);
        }
    }
    answer_with_interval(fixture, 30000);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.trash_results_count, 0);
}

static void a_shard_named_again_is_reported_again(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id id = test_shard_id(1);
    put_shard(fixture, 1);
    for (unsigned i = 0; i < 3; i++) {
        answer_with_trash(fixture, &id, 1);
        ms_to_next_call(fixture);
        assert_int_equal(fixture->last.trash_results_count, 1);
        assert_int_equal(fixture->results[0].outcome, 1);
    }
}

static void a_long_list_is_worked_off_whole(void **state)
{
    enum { COUNT = 4 * TRASH_AT_ONCE + 3 };
    struct fixture *fixture = *state;
    struct shard_id *ids = calloc(COUNT, sizeof(*ids));
    assert_non_null(ids);
    for (unsigned i = 0; i < COUNT; i++) {
        ids[i] = (struct shard_id){{0xBB, (uint8_t)i, (uint8_t)(i >> 8)}};
    }
    answer_with_trash(fixture, ids, COUNT);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.trash_results_count, COUNT);
    free(ids);
}

static void nothing_is_reported_that_is_not_durable(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id id = test_shard_id(1);
    put_shard(fixture, 1);
    sim_disk_add_fault(fixture->node.sim,
        &(struct sim_fault){.kind = SIM_FAIL,
            .request = DISK_SYNC,
            .nth = sim_disk_requests(fixture->node.sim, DISK_SYNC),
            .count = UINT64_MAX / 2,
            .error = EIO});
    answer_with_trash(fixture, &id, 1);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.trash_results_count, 0);
    sim_disk_heal(fixture->node.sim);
}

static void damaged_shards_are_reported_once_heard_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct shard_id ids[] = {test_shard_id(1), test_shard_id(2)};
    struct shard_locator locator = {{7}};
    answer_with_interval(fixture, 30000);
    heartbeat_shard_damaged(fixture->heartbeat, &ids[0], &locator);
    heartbeat_shard_damaged(fixture->heartbeat, &ids[1], &locator);
    heartbeat_shard_damaged(fixture->heartbeat, &ids[0], &locator); /* noticed twice */
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.damaged_count, 2);
    assert_memory_equal(fixture->damaged_id, ids[0].bytes, SHARD_ID_SIZE);
    assert_memory_equal(fixture->damaged_locator, locator.bytes, SHARD_LOCATOR_SIZE);
    refuse(fixture, HEARTH_UNREACHABLE);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.damaged_count, 2);
    struct shard_id late = test_shard_id(3);
    heartbeat_shard_damaged(fixture->heartbeat, &late, &locator); /* after the call went out */
    answer_with_interval(fixture, 30000);
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.damaged_count, 1);
    assert_memory_equal(fixture->damaged_id, late.bytes, SHARD_ID_SIZE);
}

static void more_damage_than_a_report_holds_is_left_to_the_next_scrub(void **state)
{
    struct fixture *fixture = *state;
    struct shard_locator locator = {{7}};
    answer_with_interval(fixture, 30000);
    for (unsigned i = 0; i < WIRE_DAMAGED_MAX + 3; i++) {
        struct shard_id id = {{0xDA, (uint8_t)i}};
        heartbeat_shard_damaged(fixture->heartbeat, &id, &locator);
    }
    ms_to_next_call(fixture);
    assert_int_equal(fixture->last.damaged_count, WIRE_DAMAGED_MAX);
}

static void stopping_ends_a_call_under_way_and_starts_no_other(void **state)
{
    struct fixture *fixture = *state;
    assert_non_null(fixture->call);
    heartbeat_stop(fixture->heartbeat, note_stopped, fixture);
    assert_int_equal(fixture->stopped, 0);
    test_node_run(&fixture->node);
    assert_int_equal(fixture->stopped, 1);
    step_ms(fixture, 3600000);
    assert_int_equal(fixture->calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(the_first_report_goes_out_at_once_and_is_true),
        CASE(the_reply_sets_the_next_interval_within_reason),
        CASE(the_reply_makes_orders_judgeable),
        CASE(without_an_answer_the_next_try_comes_later_and_later),
        CASE(an_expired_certificate_is_told_to_who_renews_it),
        CASE(an_older_life_of_the_coordinator_trashes_nothing),
        cmocka_unit_test_setup_teardown(nor_does_it_after_a_restart, setup_with_epoch, teardown),
        CASE(a_new_life_trashes_nothing_before_its_epoch_is_kept),
        CASE(a_list_that_is_not_whole_trashes_nothing),
        cmocka_unit_test_setup_teardown(
            more_than_a_day_may_trash_is_withheld_until_the_day_is_over_or_it_is_released,
            setup_capped, teardown),
        CASE(named_shards_are_trashed_and_reported_until_heard),
        CASE(a_shard_named_again_is_reported_again),
        CASE(a_long_list_is_worked_off_whole),
        CASE(nothing_is_reported_that_is_not_durable),
        CASE(damaged_shards_are_reported_once_heard_no_more),
        CASE(more_damage_than_a_report_holds_is_left_to_the_next_scrub),
        CASE(stopping_ends_a_call_under_way_and_starts_no_other),
#undef CASE
    };
    return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
