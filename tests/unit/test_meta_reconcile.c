/*
 * meta_reconcile: what a node has is named dead only when nothing in the metadata wants it, and
 * never because a restored backup does not know it.
 */
#include "coordinator/meta/meta_reconcile.h"

#include "coordinator/meta/meta_segment.h"
#include "coordinator/meta/meta_settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdio.h>

enum { NODES = 8, MANY = 64 };
#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

/* Slot i of a segment of test_meta.h is at node i + 1. */
static enum meta_shard_verdict judge(
    struct test_meta *meta, struct meta_id segment, uint16_t slot, uint16_t p)
{
    struct meta_listed_shard shard = {
        .segment = segment, .slot = slot, .p = p, .stored_ms = meta_now_ms(meta->store)};
    assert_ok(meta_reconcile_judge(meta->store, slot + 1u, &shard, 1, &meta->err), &meta->err);
    return shard.verdict;
}

static size_t dead_at(struct test_meta *meta, uint32_t node)
{
    struct meta_id ids[MANY];
    return test_meta_dead(meta, node, ids, MANY);
}

static void settle(struct test_meta *meta)
{
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS);
    test_meta_collect(meta);
}

/* The clock's high-water mark is written now and then; here it is. */
static void back_up(struct test_meta *meta, char path[96])
{
    snprintf(path, 96, "%s.backup", meta->directory);
    assert_ok(meta_backup(meta->store, path, &meta->err), &meta->err);
}

static void put_row(struct test_meta *meta, uint32_t node, uint64_t ahead, bool *released)
{
    uint32_t nodes[NODES];
    struct meta_settings settings;
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i] = i + 1;
    }
    const struct meta_reconciled done = {
        .node = node, .epoch = settings.recovery_epoch, .ahead = ahead};
    assert_ok(
        meta_reconciled_put(meta->store, &done, nodes, NODES, released, &meta->err), &meta->err);
}

static void what_the_layout_names_is_wanted_and_other_placements_are_not(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    test_meta_upload(meta, "k", &segment);
    settle(meta);
    assert_int_equal(judge(meta, segment, 2, 1), META_SHARD_WANTED);
    assert_int_equal(judge(meta, segment, 2, 7), META_SHARD_UNWANTED);
    assert_int_equal(judge(meta, segment, 2, 7), META_SHARD_NAMED);
    assert_int_equal(dead_at(meta, 3), 1);
}

static void what_an_upload_may_yet_take_up_is_left_alone(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_id(meta);
    test_meta_open_segment(meta, intent.id, segment);
    assert_int_equal(judge(meta, segment, 0, 1), META_SHARD_PENDING);
    assert_int_equal(dead_at(meta, 1), 0);
}

static void a_dying_segment_is_left_to_those_who_bury_it(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    bool existed;
    test_meta_upload(meta, "k", &segment);
    settle(meta);
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text("k"), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    test_meta_collect(meta);
    assert_int_equal(judge(meta, segment, 0, 1), META_SHARD_PENDING);
    assert_int_equal(dead_at(meta, 1), 0);
}

/* The number of the next offer of a slot, as repair makes one. */
static uint16_t next_p(struct test_meta *meta, struct meta_id segment)
{
    struct meta_segment now;
    struct meta_offers offers;
    const struct meta_offer wanted = {.slot = 2, .node = 3};
    assert_ok(meta_segment_get(meta->store, segment, &now, &meta->err), &meta->err);
    const struct meta_repair_offer request = {
        .segment = segment, .generation = now.generation, .offers = &wanted, .offer_count = 1};
    assert_ok(meta_repair_offer(meta->store, &request, &offers, &meta->err), &meta->err);
    return offers.offers[0].p;
}

/* What was offered after the backup was made is at a node, live or in its trash. */
static void a_placement_that_a_node_has_is_not_offered_again_after_a_restore(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    char backup[96];
    test_meta_upload(meta, "k", &segment);
    settle(meta);
    back_up(meta, backup);
    uint16_t used = next_p(meta, segment);
    test_meta_restore(meta, backup);
    assert_int_equal(judge(meta, segment, 2, used), META_SHARD_AHEAD);
    assert_int_equal(next_p(meta, segment), used + 1);
    struct meta_listed_shard trash = {
        .segment = segment, .slot = 5, .p = (uint16_t)(used + 7), .is_trash = true};
    assert_ok(meta_reconcile_judge(meta->store, 6, &trash, 1, &meta->err), &meta->err);
    assert_int_equal(next_p(meta, segment), used + 8);
    assert_int_equal(judge(meta, segment, 2, 1), META_SHARD_WANTED);
    assert_int_equal(next_p(meta, segment), used + 9);
}

static enum meta_shard_verdict judge_at(
    struct test_meta *meta, uint32_t node, struct meta_id segment, uint16_t slot, uint16_t p)
{
    struct meta_listed_shard shard = {
        .segment = segment, .slot = slot, .p = p, .stored_ms = meta_now_ms(meta->store)};
    assert_ok(meta_reconcile_judge(meta->store, node, &shard, 1, &meta->err), &meta->err);
    return shard.verdict;
}

/* Repair has it stored at node 3. */
static void give_slot_2(struct test_meta *meta, struct meta_id segment, uint16_t p)
{
    struct meta_segment now;
    struct meta_seal_result result;
    const struct meta_receipt receipt = {
        .slot = 2, .p = p, .node = 3, .shard_length = TEST_META_SHARD_LENGTH};
    assert_ok(meta_segment_get(meta->store, segment, &now, &meta->err), &meta->err);
    const struct meta_repair_apply apply = {.segment = segment,
        .generation = now.generation,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = &receipt,
        .receipt_count = 1};
    assert_ok(meta_repair_apply(meta->store, &apply, &result, &meta->err), &meta->err);
    assert_int_equal(result.bad_count, 0);
}

/*
 * Until a node is reconciled a number may be offered that it has used since the backup.  Then two
 * nodes have shards of one name, with the same bytes (the slot's, under the same key) or, where a
 * node has that name with others, the put is a conflict: each is judged by its node, and only the
 * one that nobody wants is named, there (D5).
 */
static void one_that_was_offered_again_before_that_is_named_only_where_nobody_wants_it(void **state)
{
    enum { ELSEWHERE = 8 }; /* has what was stored between the backup and the restore */
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_id dead[MANY];
    char backup[96];
    test_meta_upload(meta, "k", &segment);
    settle(meta);
    back_up(meta, backup);
    uint16_t used = next_p(meta, segment);
    test_meta_restore(meta, backup);
    assert_int_equal(next_p(meta, segment), used);
    assert_int_equal(judge_at(meta, ELSEWHERE, segment, 2, used), META_SHARD_AHEAD);
    give_slot_2(meta, segment, used);
    assert_int_equal(judge_at(meta, 3, segment, 2, used), META_SHARD_WANTED);
    assert_int_equal(judge_at(meta, ELSEWHERE, segment, 2, used), META_SHARD_AHEAD);

    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    struct meta_listed_shard shard = {.segment = segment, .slot = 2, .p = used, .stored_ms = 1};
    assert_ok(meta_reconcile_judge(meta->store, ELSEWHERE, &shard, 1, &meta->err), &meta->err);
    assert_int_equal(shard.verdict, META_SHARD_UNWANTED);
    assert_int_equal(dead_at(meta, ELSEWHERE), 1);
    assert_int_equal(judge_at(meta, 3, segment, 2, used), META_SHARD_WANTED);
    assert_int_equal(test_meta_dead(meta, 3, dead, MANY), 1); /* what the slot had before */
    assert_true(meta_id_equal(dead[0], test_meta_shard_id(meta, segment, 2, 1)));
}

/* The same of an upload that the backup has open. */
static void nor_is_one_of_an_upload_that_goes_on(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_id(meta);
    struct meta_offers offers;
    test_meta_open_segment(meta, intent.id, segment);
    judge(meta, segment, 2, 9);
    const struct meta_offer_slot request = {
        .intent = intent.id, .segment = segment, .slot = 2, .node = 3};
    assert_ok(meta_offer_slot(meta->store, &request, &offers, &meta->err), &meta->err);
    assert_int_equal(offers.offers[0].p, 10);
}

static void a_shard_of_no_segment_is_named_dead(void **state)
{
    struct test_meta *meta = *state;
    assert_int_equal(judge(meta, test_meta_id(meta), 4, 1), META_SHARD_UNWANTED);
    assert_int_equal(dead_at(meta, 5), 1);
}

static void trash_is_not_named_for_it_again(void **state)
{
    struct test_meta *meta = *state;
    struct meta_listed_shard shard = {.segment = test_meta_id(meta), .is_trash = true};
    assert_ok(meta_reconcile_judge(meta->store, 1, &shard, 1, &meta->err), &meta->err);
    assert_int_equal(shard.verdict, META_SHARD_UNWANTED);
    assert_int_equal(dead_at(meta, 1), 0);
}

static void what_a_restored_backup_cannot_know_is_kept_until_it_is_given_up(void **state)
{
    struct test_meta *meta = *state;
    char backup[96];
    struct meta_id later;
    struct meta_id before = test_meta_id(meta);
    back_up(meta, backup);
    test_env_step_ms(&meta->env, DAY_MS);
    test_meta_upload(meta, "later", &later);
    uint64_t stored_ms = meta_now_ms(meta->store);
    test_meta_restore(meta, backup);

    struct meta_listed_shard shards[] = {
        {.segment = later, .slot = 1, .p = 1, .stored_ms = stored_ms},
        {.segment = before, .slot = 1, .p = 1, .stored_ms = stored_ms - 30 * DAY_MS},
    };
    assert_ok(meta_reconcile_judge(meta->store, 2, shards, 2, &meta->err), &meta->err);
    assert_int_equal(shards[0].verdict, META_SHARD_AHEAD);
    assert_int_equal(shards[1].verdict, META_SHARD_UNWANTED);

    /* Held: nothing is named, whatever is unwanted. */
    assert_int_equal(dead_at(meta, 2), 0);
    test_env_step_ms(&meta->env, 1);
    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    assert_int_equal(dead_at(meta, 2), 0);
    assert_ok(meta_reconcile_judge(meta->store, 2, shards, 2, &meta->err), &meta->err);
    assert_int_equal(shards[0].verdict, META_SHARD_UNWANTED);
    assert_int_equal(dead_at(meta, 2), 2);
}

/* However much later the second backup was made, and whether or not it knows of the first. */
static void it_is_kept_over_a_second_restore(void **state)
{
    struct test_meta *meta = *state;
    char backup[96];
    struct meta_id later;
    back_up(meta, backup);
    test_meta_upload(meta, "later", &later);
    struct meta_listed_shard shard = {
        .segment = later, .slot = 1, .p = 1, .stored_ms = meta_now_ms(meta->store)};
    test_meta_restore(meta, backup);
    for (unsigned again = 0; again < 2; again++) {
        test_env_step_ms(&meta->env, 30 * DAY_MS);
        test_meta_put_now(meta, "something", 1); /* the clock is written */
        back_up(meta, backup);
        test_meta_restore(meta, backup);
        assert_ok(meta_reconcile_judge(meta->store, 2, &shard, 1, &meta->err), &meta->err);
        assert_int_equal(shard.verdict, META_SHARD_AHEAD);
    }
    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, DAY_MS);
    test_meta_put_now(meta, "something", 1);
    back_up(meta, backup);
    test_meta_restore(meta, backup);
    assert_ok(meta_reconcile_judge(meta->store, 2, &shard, 1, &meta->err), &meta->err);
    assert_int_equal(shard.verdict, META_SHARD_UNWANTED);
}

static void it_goes_on_by_itself_when_all_nodes_have_nothing_from_later(void **state)
{
    struct test_meta *meta = *state;
    char backup[96];
    bool released;
    struct meta_settings settings;
    back_up(meta, backup);
    test_meta_restore(meta, backup);
    for (uint32_t node = 1; node <= NODES; node++) {
        put_row(meta, node, node == 3, &released);
        assert_false(released);
    }
    put_row(meta, 3, 0, &released);
    assert_true(released);
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    assert_false(settings.garbage_held);
    assert_int_equal(settings.given_up_ms, 0);
}

static void purging_waits_until_the_node_was_judged_since_the_last_restore(void **state)
{
    struct test_meta *meta = *state;
    char backup[96];
    bool released;
    uint64_t until;
    assert_ok(meta_purge_until(meta->store, 1, &until, &meta->err), &meta->err);
    assert_int_equal(until, 0);
    put_row(meta, 1, 0, &released);
    assert_ok(meta_purge_until(meta->store, 1, &until, &meta->err), &meta->err);
    assert_int_equal(until, meta_now_ms(meta->store) - 7 * DAY_MS);

    back_up(meta, backup);
    test_meta_restore(meta, backup);
    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    assert_ok(meta_purge_until(meta->store, 1, &until, &meta->err), &meta->err);
    assert_int_equal(until, 0);
    put_row(meta, 1, 0, &released);
    assert_ok(meta_purge_until(meta->store, 1, &until, &meta->err), &meta->err);
    assert_int_not_equal(until, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(claim) TEST_META_CASE(claim, NODES)
        CASE(what_the_layout_names_is_wanted_and_other_placements_are_not),
        CASE(what_an_upload_may_yet_take_up_is_left_alone),
        CASE(a_dying_segment_is_left_to_those_who_bury_it),
        CASE(a_placement_that_a_node_has_is_not_offered_again_after_a_restore),
        CASE(one_that_was_offered_again_before_that_is_named_only_where_nobody_wants_it),
        CASE(nor_is_one_of_an_upload_that_goes_on),
        CASE(a_shard_of_no_segment_is_named_dead),
        CASE(trash_is_not_named_for_it_again),
        CASE(what_a_restored_backup_cannot_know_is_kept_until_it_is_given_up),
        CASE(it_is_kept_over_a_second_restore),
        CASE(it_goes_on_by_itself_when_all_nodes_have_nothing_from_later),
        CASE(purging_waits_until_the_node_was_judged_since_the_last_restore),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_reconcile", tests, NULL, NULL);
}
