/*
 * meta_garbage: what nobody names any more is named dead, positively and not too early; what
 * somebody names never is.  Time is stepped.
 */
#include "coordinator/meta/meta_garbage.h"

#include "coordinator/meta/meta_settings.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdio.h>

enum { NODES = 8, MANY = 16 };

static void delete_key(struct test_meta *meta, const char *key)
{
    bool existed;
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text(key), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
}

static struct meta_counts counts_of(struct test_meta *meta)
{
    struct meta_counts counts;
    assert_ok(meta_counts_get(meta->store, &counts, &meta->err), &meta->err);
    return counts;
}

static size_t dead_at_all_nodes(struct test_meta *meta)
{
    struct meta_id ids[MANY];
    size_t count = 0;
    for (uint32_t node = 1; node <= NODES; node++) {
        count += test_meta_dead(meta, node, ids, MANY);
    }
    return count;
}

static void a_deleted_objects_shards_die_after_the_last_reader(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_id dead[MANY];
    test_meta_upload(meta, "k", &segment);
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS);
    test_meta_collect(meta);
    delete_key(meta, "k");
    assert_int_equal(counts_of(meta).bodies_doomed, 1);

    test_env_step_ms(&meta->env, META_READ_GRACE_MS - 1);
    assert_int_equal(test_meta_collect(meta).bodies_reaped, 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).segments_dying, 1);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS - 1);
    assert_int_equal(test_meta_collect(meta).segments_buried, 0);
    assert_int_equal(dead_at_all_nodes(meta), 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).segments_buried, 1);

    for (uint32_t node = 1; node <= NODES; node++) {
        assert_int_equal(test_meta_dead(meta, node, dead, MANY), 1);
        assert_true(meta_id_equal(dead[0], test_meta_shard_id(meta, segment, node - 1, 1)));
    }
    assert_int_equal(counts_of(meta).bodies_doomed, 0);
    assert_int_equal(counts_of(meta).shards_dead, NODES);
}

/* Five seconds, and half a second until everybody has noticed. */
static void shorter_orders_let_shards_die_sooner(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    meta->order_ms = 5000;
    test_meta_reopen(meta);
    assert_int_equal(meta_order_ms(meta->store), 5000);
    test_meta_upload(meta, "k", &segment);
    delete_key(meta, "k");
    test_env_step_ms(&meta->env, 5499);
    assert_int_equal(test_meta_collect(meta).bodies_reaped, 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).segments_dying, 1);
    test_env_step_ms(&meta->env, 5499);
    assert_int_equal(test_meta_collect(meta).segments_buried, 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).segments_buried, 1);
    assert_int_equal(dead_at_all_nodes(meta), NODES);
}

/* What the node will have freed: as much as an order for it allowed. */
static void dead_shards_add_up_to_what_they_take(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct ec_stripes stripes;
    struct meta_dead_sum sums[3];
    test_meta_upload(meta, "k", &segment);
    test_meta_upload(meta, "other", &segment);
    delete_key(meta, "k");
    delete_key(meta, "other");
    for (int step = 0; step < 3; step++) {
        test_env_step_ms(&meta->env, META_READ_GRACE_MS);
        test_meta_collect(meta);
    }
    assert_ok(ec_stripes_init(&stripes, 4, 1000, &meta->err), &meta->err);
    const uint32_t nodes[] = {1, NODES, NODES + 1};
    assert_ok(meta_dead_sum(meta->store, nodes, 3, sums, &meta->err), &meta->err);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sums[i].shards, i == 2 ? 0 : 2);
        assert_int_equal(sums[i].bytes, sums[i].shards * ec_stripes_tagged_shard_size(&stripes));
    }
}

static void a_dead_shard_is_told_until_its_node_says_it_is_gone(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_id dead[MANY];
    test_meta_upload(meta, "k", &segment);
    delete_key(meta, "k");
    for (int step = 0; step < 3; step++) {
        test_env_step_ms(&meta->env, META_READ_GRACE_MS);
        test_meta_collect(meta);
    }
    assert_int_equal(test_meta_dead(meta, 1, dead, MANY), 1);
    assert_int_equal(test_meta_dead(meta, 1, dead, MANY), 1);
    size_t count;
    assert_ok(meta_dead_next(meta->store, 1, dead[0], dead + 1, 1, &count, &meta->err), &meta->err);
    assert_int_equal(count, 0); /* after the last there is none */
    assert_ok(meta_dead_end(meta->store, 2, dead, 1, &meta->err), &meta->err); /* not its own */
    assert_int_equal(test_meta_dead(meta, 1, dead, MANY), 1);
    assert_ok(meta_dead_end(meta->store, 1, dead, 1, &meta->err), &meta->err);
    assert_ok(meta_dead_end(meta->store, 1, dead, 1, &meta->err), &meta->err);
    assert_int_equal(test_meta_dead(meta, 1, dead, MANY), 0);
}

static void an_aborted_uploads_offers_die_after_their_orders(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    test_meta_open_segment(meta, intent.id, test_meta_id(meta));
    assert_ok(meta_abort(meta->store, intent.id, &meta->err), &meta->err);
    test_meta_collect(meta);
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS - 1);
    assert_int_equal(test_meta_collect(meta).shards_dead, 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).shards_dead, NODES);
    assert_int_equal(dead_at_all_nodes(meta), NODES);
}

static void an_upload_left_alone_is_aborted_and_collected(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    test_meta_sealed_segment(meta, intent.id);
    test_meta_open_segment(meta, intent.id, test_meta_id(meta));
    test_env_step_ms(&meta->env, META_INTENT_MS - 1);
    struct meta_garbage_report report = test_meta_collect(meta);
    assert_int_equal(report.intents_aborted, 0);
    assert_int_equal(report.shards_dead, 0); /* its orders have expired, but it is open */
    test_env_step_ms(&meta->env, 1);
    report = test_meta_collect(meta);
    assert_int_equal(report.intents_aborted, 1);
    assert_int_equal(report.segments_dying, 1);
    assert_int_equal(report.shards_dead, NODES); /* of the segment that was never sealed */
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_int_equal(test_meta_collect(meta).segments_buried, 1);
    assert_int_equal(dead_at_all_nodes(meta), 2 * NODES);
    assert_int_equal(counts_of(meta).intents_open, 0);
}

static void segments_a_commit_did_not_use_are_collected(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id used = test_meta_sealed_segment(meta, intent.id);
    struct meta_id unused = test_meta_sealed_segment(meta, intent.id);
    const struct meta_extent extent = {.segment = used, .length = 1000};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &extent, 1);
    struct meta_object_info info;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
    assert_int_equal(test_meta_collect(meta).segments_dying, 1);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_int_equal(test_meta_collect(meta).segments_buried, 1);
    struct meta_segment segment;
    assert_ok(meta_segment_get(meta->store, used, &segment, &meta->err), &meta->err);
    assert_int_equal(meta_segment_get(meta->store, unused, &segment, &meta->err), HEARTH_NOT_FOUND);
}

static void offers_a_sealed_segment_did_not_need_die_after_their_orders(void **state)
{
    enum { RECEIPTS = 6 };
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_id(meta);
    struct meta_offers offers = test_meta_open_segment(meta, intent.id, segment);
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
    struct meta_seal seal = test_meta_seal(intent.id, segment, &offers, RECEIPTS, receipts);
    assert_ok(meta_seal(meta->store, &seal, &result, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS);
    assert_int_equal(test_meta_collect(meta).shards_dead, NODES - RECEIPTS);
    struct meta_id dead[MANY];
    assert_int_equal(test_meta_dead(meta, 7, dead, MANY), 1);
    assert_true(meta_id_equal(dead[0], test_meta_shard_id(meta, segment, 6, 1)));
    assert_int_equal(test_meta_dead(meta, 6, dead, MANY), 0);
}

static void a_large_body_is_reaped_in_steps(void **state)
{
    enum { EXTENTS = 2 * META_REAP_EXTENTS + 10 };
    struct test_meta *meta = *state;
    static struct meta_extent extents[EXTENTS];
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_sealed_segment(meta, intent.id);
    for (uint32_t i = 0; i < EXTENTS; i++) {
        extents[i] = (struct meta_extent){segment, i, 1};
    }
    struct meta_commit commit = test_meta_commit(meta, intent.id, extents, EXTENTS);
    struct meta_object_info info;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
    test_meta_collect(meta);
    delete_key(meta, "k");
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);

    static const uint64_t left[] = {
        EXTENTS - META_REAP_EXTENTS, EXTENTS - 2 * META_REAP_EXTENTS, 0};
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        struct meta_garbage_report report;
        struct meta_segment found;
        assert_ok(meta_garbage_step(meta->store, &report, &meta->err), &meta->err);
        assert_int_equal(report.bodies_reaped, left[i] == 0);
        assert_ok(meta_segment_get(meta->store, segment, &found, &meta->err), &meta->err);
        assert_int_equal(found.refs, left[i]);
        assert_int_equal(found.dying_ms > 0, left[i] == 0);
    }
}

/* The copy that an operator puts back brings a world where all this has not happened. */
static void nothing_is_collected_or_told_while_garbage_is_held(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    char backup[128];
    test_meta_upload(meta, "k", &segment);
    delete_key(meta, "k");
    for (int step = 0; step < 3; step++) {
        test_env_step_ms(&meta->env, META_READ_GRACE_MS);
        test_meta_collect(meta);
    }
    test_meta_upload(meta, "dying", &segment);
    delete_key(meta, "dying");
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_int_equal(test_meta_collect(meta).segments_dying, 1);
    test_meta_upload(meta, "doomed", &segment);
    delete_key(meta, "doomed");
    test_meta_begin(meta, "left alone");
    snprintf(backup, sizeof(backup), "%s/backup", meta->directory);
    assert_ok(meta_backup(meta->store, backup, &meta->err), &meta->err);
    test_meta_restore(meta, backup);

    test_env_step_ms(&meta->env, META_INTENT_MS);
    struct meta_garbage_report report = test_meta_collect(meta);
    assert_int_equal(report.intents_aborted, 1);
    assert_int_equal(report.bodies_reaped + report.segments_dying + report.segments_buried, 0);
    assert_int_equal(report.shards_dead, 0);
    assert_int_equal(dead_at_all_nodes(meta), 0);

    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    assert_int_equal(dead_at_all_nodes(meta), NODES);
    report = test_meta_collect(meta);
    assert_int_equal(report.bodies_reaped, 1);
    assert_int_equal(report.segments_buried, 1);
}

static void what_served_its_time_is_forgotten(void **state)
{
    struct test_meta *meta = *state;
    for (int step = 0; step < 2; step++) { /* invitations of the nodes, outcome of the bucket */
        test_env_step_ms(&meta->env, UINT64_C(31) * 24 * 3600 * 1000);
        test_meta_collect(meta);
    }
    test_meta_put_now(meta, "k", 1);
    test_env_step_ms(&meta->env, META_OUTCOME_MS - 1);
    assert_int_equal(test_meta_collect(meta).rows_forgotten, 0);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(test_meta_collect(meta).rows_forgotten, 1);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, NODES)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(a_deleted_objects_shards_die_after_the_last_reader),
        IN_A_STORE(shorter_orders_let_shards_die_sooner),
        IN_A_STORE(dead_shards_add_up_to_what_they_take),
        IN_A_STORE(a_dead_shard_is_told_until_its_node_says_it_is_gone),
        IN_A_STORE(an_aborted_uploads_offers_die_after_their_orders),
        IN_A_STORE(an_upload_left_alone_is_aborted_and_collected),
        IN_A_STORE(segments_a_commit_did_not_use_are_collected),
        IN_A_STORE(offers_a_sealed_segment_did_not_need_die_after_their_orders),
        IN_A_STORE(a_large_body_is_reaped_in_steps),
        IN_A_STORE(nothing_is_collected_or_told_while_garbage_is_held),
        IN_A_STORE(what_served_its_time_is_forgotten),
    };
    return cmocka_run_group_tests_name("meta_garbage", tests, NULL, NULL);
}
