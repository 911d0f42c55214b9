/*
 * commit: only receipts of the nodes that were asked, for what they were asked, make an object;
 * and a question asked twice has one answer.
 *
 * Through the services, as the RPC port would call them; the nodes' receipts are made here.
 */
#include "coordinator/service/invitation.h"
#include "coordinator/service/segment_orders.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

enum { NODES = 10, N = 8, W = 6, LENGTH = 100000 };

static const uint8_t session_id[PKI_ID_SIZE] = {5};
static const uint8_t root_key_id[META_KEY_ID_SIZE] = {1};
static const uint8_t vk[META_VK_SIZE] = {1};
static const uint8_t etag[META_ETAG_SIZE] = {1};

/* One upload of one segment, on its way. */
struct fixture {
    struct test_coordinator world;
    struct test_member *client;
    struct view intent;
    struct view segment;
    struct wire_open_segment_reply opened;
    struct wire_slot_receipt receipts[2 * N];
    size_t receipt_count;
};

static enum hearth_code ask(
    struct fixture *at, enum rpc_method method, const void *request, void *response)
{
    return test_coordinator_call(&at->world, at->client, method, request, response);
}

static void make_bucket(struct fixture *at)
{
    const struct wire_bucket_key key = {.version = 1, .wrapped = view_text("wrapped")};
    const struct wire_create_bucket_request create = {.name = view_text("bucket"),
        .bucket_id = test_coordinator_id(&at->world),
        .key = &key,
        .root_key_id = view_of(root_key_id, sizeof(root_key_id)),
        .token = test_coordinator_id(&at->world)};
    struct wire_bucket_info first;
    struct wire_bucket_info second;
    assert_ok(ask(at, RPC_CREATE_BUCKET, &create, &first), &at->world.err);
    assert_ok(ask(at, RPC_CREATE_BUCKET, &create, &second), &at->world.err);
    assert_true(view_equal(first.bucket_id, second.bucket_id));
}

static void begin(struct fixture *at)
{
    const struct wire_begin_request request = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(&at->world)};
    struct wire_begin_reply first;
    struct wire_begin_reply second;
    assert_ok(ask(at, RPC_BEGIN, &request, &first), &at->world.err);
    assert_ok(ask(at, RPC_BEGIN, &request, &second), &at->world.err);
    assert_true(view_equal(first.intent_id, second.intent_id));
    at->intent = first.intent_id;
}

static void open_segment(struct fixture *at)
{
    at->segment = test_coordinator_id(&at->world);
    const struct wire_open_segment_request request = {.intent_id = at->intent,
        .segment_id = at->segment,
        .vk = view_of(vk, sizeof(vk)),
        .session_id = view_of(session_id, sizeof(session_id))};
    assert_ok(ask(at, RPC_OPEN_SEGMENT, &request, &at->opened), &at->world.err);
    assert_int_equal(at->opened.placements_count, N);
    assert_int_equal(at->opened.w, W);
}

static uint64_t shard_size(struct fixture *at, uint64_t length)
{
    uint64_t size;
    assert_ok(segment_shard_size(at->opened.k, length, &size, &at->world.err), &at->world.err);
    return size;
}

/* What an honest node would say that stored a shard of `size` bytes there. */
static struct receipt receipt_for(
    struct fixture *at, const struct wire_placement *placement, uint64_t size)
{
    struct shard_place place = {
        .slot = (uint16_t)placement->slot, .p = (uint16_t)placement->number};
    struct shard_name name;
    memcpy(place.segment, at->segment.bytes, sizeof(place.segment));
    shard_name_make(&at->world.coordinator->names, &place, &name);
    struct receipt receipt = {
        .key_id = order_period(meta_now_ms(at->world.coordinator->store)),
        .slot = place.slot,
        .p = place.p,
        .cells = 1,
        .size = size,
    };
    memcpy(receipt.node_id, placement->node->node_id.bytes, sizeof(receipt.node_id));
    memcpy(receipt.shard_id, name.id, sizeof(receipt.shard_id));
    return receipt;
}

static uint8_t *sign(struct fixture *at, const struct receipt *receipt)
{
    struct order_keys keys;
    uint8_t *bytes = arena_take(&at->world.arena, RECEIPT_SIZE);
    order_node_keys(&at->world.coordinator->issuer, receipt->key_id, receipt->node_id, &keys);
    receipt_encode(receipt, keys.receipt_key, bytes);
    return bytes;
}

static void add_receipt(
    struct fixture *at, const struct wire_placement *placement, const struct receipt *receipt)
{
    at->receipts[at->receipt_count++] = (struct wire_slot_receipt){.slot = placement->slot,
        .number = placement->number,
        .receipt = view_of(sign(at, receipt), RECEIPT_SIZE)};
}

/* Honest receipts of the first `count` placements. */
static void collect_receipts(struct fixture *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct wire_placement *placement = &at->opened.placements[i];
        const struct receipt receipt = receipt_for(at, placement, shard_size(at, LENGTH));
        add_receipt(at, placement, &receipt);
    }
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    test_coordinator_nodes(&at->world, NODES);
    at->client = test_coordinator_member(&at->world, PEER_CLIENT);
    make_bucket(at);
    begin(at);
    open_segment(at);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

/* ---- the commit ---- */

struct commit_parts {
    struct wire_extent extent;
    struct wire_seal_segment_request seal;
    struct wire_commit_request commit;
};

/* What `parts` points to is in itself: it stays where it is. */
static void prepare_commit(struct fixture *at, struct commit_parts *parts)
{
    parts->extent = (struct wire_extent){.segment_id = at->segment, .length = LENGTH};
    parts->seal = (struct wire_seal_segment_request){.intent_id = at->intent,
        .segment_id = at->segment,
        .length = LENGTH,
        .receipts = at->receipts,
        .receipts_count = at->receipt_count};
    parts->commit = (struct wire_commit_request){.intent_id = at->intent,
        .body_id = test_coordinator_id(&at->world),
        .bucket_key_version = 1,
        .manifest = view_text("sealed"),
        .size = LENGTH,
        .etag = view_of(etag, sizeof(etag)),
        .parts = 1,
        .extents = &parts->extent,
        .extents_count = 1,
        .seal = &parts->seal};
}

static enum hearth_code commit(struct fixture *at, struct wire_commit_reply *reply)
{
    struct commit_parts parts;
    prepare_commit(at, &parts);
    return ask(at, RPC_COMMIT, &parts.commit, reply);
}

static enum hearth_code look_up(struct fixture *at, struct wire_lookup_reply *reply)
{
    const struct wire_lookup_request request = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .session_id = view_of(session_id, sizeof(session_id))};
    return ask(at, RPC_LOOKUP, &request, reply);
}

/* A commit with these receipts fails with that code, and nothing can be seen of it. */
static void assert_refused(struct fixture *at, enum hearth_code expected)
{
    struct wire_commit_reply reply;
    struct wire_lookup_reply found;
    assert_int_equal(commit(at, &reply), expected);
    assert_int_equal(look_up(at, &found), HEARTH_NOT_FOUND);
}

static void enough_receipts_make_an_object_that_can_be_read(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply reply;
    struct wire_lookup_reply found;
    unsigned orders = 0;
    collect_receipts(at, W);
    assert_ok(commit(at, &reply), &at->world.err);
    assert_int_equal(reply.sealed->holders, W);
    assert_int_equal(reply.sealed->bad_slots_count, 0);
    assert_ok(look_up(at, &found), &at->world.err);
    assert_true(view_equal(found.info->version, reply.version));
    assert_int_equal(found.segments_count, 1);
    assert_int_equal(found.segments[0].holders_count, W);
    for (unsigned i = 0; i < W; i++) {
        orders += found.segments[0].holders[i].order.size == ORDER_SIZE;
    }
    assert_int_equal(orders, W); /* k + min(4, n - k) would be 8 */
}

static void a_late_receipt_joins(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply reply;
    struct wire_seal_segment_reply sealed;
    collect_receipts(at, W);
    assert_ok(commit(at, &reply), &at->world.err);
    at->receipt_count = 0;
    collect_receipts(at, N);
    const struct wire_add_holders_request request = {
        .segment_id = at->segment, .receipts = &at->receipts[W], .receipts_count = N - W};
    assert_ok(ask(at, RPC_ADD_HOLDERS, &request, &sealed), &at->world.err);
    assert_int_equal(sealed.holders, N);
}

/* ---- bad commits ---- */

static void too_few_receipts_make_nothing(void **state)
{
    struct fixture *at = *state;
    collect_receipts(at, W - 1);
    assert_refused(at, HEARTH_SHARDS_LOST);
    at->receipt_count = 0;
    assert_refused(at, HEARTH_SHARDS_LOST);
}

static void the_same_receipt_again_counts_once(void **state)
{
    struct fixture *at = *state;
    collect_receipts(at, W - 1);
    for (unsigned i = 0; i < W; i++) {
        at->receipts[at->receipt_count++] = at->receipts[0];
    }
    assert_refused(at, HEARTH_SHARDS_LOST);
}

static void a_second_placement_of_the_same_slot_counts_once(void **state)
{
    struct fixture *at = *state;
    struct wire_placement spare;
    const struct wire_offer_slot_request request = {.intent_id = at->intent,
        .segment_id = at->segment,
        .slot = 0,
        .session_id = view_of(session_id, sizeof(session_id))};
    assert_ok(ask(at, RPC_OFFER_SLOT, &request, &spare), &at->world.err);
    assert_int_equal(spare.slot, 0);
    assert_int_not_equal(spare.number, at->opened.placements[0].number);
    collect_receipts(at, W - 1);
    const struct receipt receipt = receipt_for(at, &spare, shard_size(at, LENGTH));
    add_receipt(at, &spare, &receipt);
    assert_refused(at, HEARTH_SHARDS_LOST);
}

static void any_altered_bit_makes_a_receipt_worthless(void **state)
{
    struct fixture *at = *state;
    collect_receipts(at, W);
    uint8_t *bytes = arena_take(&at->world.arena, RECEIPT_SIZE);
    for (unsigned bit = 0; bit < 8 * RECEIPT_SIZE; bit += 7) {
        struct wire_commit_reply reply;
        memcpy(bytes, at->receipts[0].receipt.bytes, RECEIPT_SIZE);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const struct view honest = at->receipts[0].receipt;
        at->receipts[0].receipt = view_of(bytes, RECEIPT_SIZE);
        assert_int_equal(commit(at, &reply), HEARTH_SHARDS_LOST);
        at->receipts[0].receipt = honest;
    }
    at->receipts[0].receipt.size--;
    assert_refused(at, HEARTH_SHARDS_LOST);
}

/* Each alters one thing that the node's own key then signs: only the coordinator can tell. */
static void say_another_node(struct fixture *at, struct receipt *receipt)
{
    memcpy(receipt->node_id, at->opened.placements[1].node->node_id.bytes, PKI_ID_SIZE);
}

static void say_another_shard(struct fixture *at, struct receipt *receipt)
{
    (void)at;
    receipt->shard_id[0] ^= 1;
}

static void say_another_size(struct fixture *at, struct receipt *receipt)
{
    (void)at;
    receipt->size--;
}

static void say_an_old_key(struct fixture *at, struct receipt *receipt)
{
    (void)at;
    receipt->key_id -= 2;
}

static void say_somebody_unknown(struct fixture *at, struct receipt *receipt)
{
    memcpy(receipt->node_id, at->client->id, PKI_ID_SIZE);
}

static void what_a_node_signs_has_to_be_what_it_was_asked(void **state)
{
    struct fixture *at = *state;
    static void (*const lies[])(struct fixture *, struct receipt *) = {say_another_node,
        say_another_shard, say_another_size, say_an_old_key, say_somebody_unknown};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        at->receipt_count = 0;
        collect_receipts(at, W);
        const struct wire_placement *placement = &at->opened.placements[0];
        struct receipt receipt = receipt_for(at, placement, shard_size(at, LENGTH));
        lies[i](at, &receipt);
        at->receipts[0].receipt = view_of(sign(at, &receipt), RECEIPT_SIZE);
        assert_refused(at, HEARTH_SHARDS_LOST);
    }
}

static void one_bad_receipt_does_not_sink_a_commit(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply reply;
    collect_receipts(at, W + 1);
    struct receipt lie = receipt_for(at, &at->opened.placements[2], shard_size(at, LENGTH) + 1);
    at->receipts[2].receipt = view_of(sign(at, &lie), RECEIPT_SIZE);
    assert_ok(commit(at, &reply), &at->world.err);
    assert_int_equal(reply.sealed->holders, W);
    assert_int_equal(reply.sealed->bad_slots_count, 1);
    assert_int_equal(reply.sealed->bad_slots[0].slot, at->opened.placements[2].slot);
    assert_true(reply.sealed->bad_slots[0].reason.size > 0);
}

static void receipts_of_another_segment_do_not_count(void **state)
{
    struct fixture *at = *state;
    collect_receipts(at, N);
    open_segment(at); /* another one, of the same upload */
    for (size_t i = 0; i < at->receipt_count; i++) {
        at->receipts[i].slot = at->opened.placements[i].slot;
        at->receipts[i].number = at->opened.placements[i].number;
    }
    assert_refused(at, HEARTH_SHARDS_LOST);
}

/* ---- who ---- */

static void somebody_elses_upload_is_not_there(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply reply;
    struct wire_enrol_reply enrolled;
    const struct invitation invitation = {.kind = PEER_CLIENT, .tenant = view_text("other")};
    struct view token = test_coordinator_invite(&at->world, &invitation);
    struct test_member *owner = at->client;
    collect_receipts(at, W);
    at->client = test_coordinator_stranger(&at->world);
    assert_ok(test_coordinator_enrol(&at->world, at->client, token, "192.0.2.9", &enrolled),
        &at->world.err);
    assert_int_equal(commit(at, &reply), HEARTH_NOT_FOUND);
    at->client = owner;
    assert_ok(commit(at, &reply), &at->world.err);
}

static void a_seal_for_another_upload_is_refused(void **state)
{
    struct fixture *at = *state;
    struct commit_parts parts;
    struct wire_commit_reply reply;
    collect_receipts(at, W);
    prepare_commit(at, &parts);
    const struct view other = parts.seal.intent_id;
    begin(at);
    parts.commit.intent_id = at->intent;
    parts.seal.intent_id = other;
    assert_int_equal(ask(at, RPC_COMMIT, &parts.commit, &reply), HEARTH_INVALID);
}

/* ---- one outcome ---- */

static void a_commit_asked_twice_has_one_outcome(void **state)
{
    struct fixture *at = *state;
    struct commit_parts parts;
    struct wire_commit_reply first;
    struct wire_commit_reply second;
    collect_receipts(at, W);
    prepare_commit(at, &parts);
    assert_ok(ask(at, RPC_COMMIT, &parts.commit, &first), &at->world.err);
    test_env_step_ms(&at->world.env, 60 * 1000);
    assert_ok(ask(at, RPC_COMMIT, &parts.commit, &second), &at->world.err);
    assert_true(view_equal(first.version, second.version));
    assert_true(first.created_unix_ms == second.created_unix_ms);
}

static void an_upload_given_up_stays_given_up(void **state)
{
    struct fixture *at = *state;
    const struct wire_abort_request request = {.intent_id = at->intent};
    struct wire_empty nothing;
    collect_receipts(at, W);
    assert_ok(ask(at, RPC_ABORT, &request, &nothing), &at->world.err);
    assert_ok(ask(at, RPC_ABORT, &request, &nothing), &at->world.err);
    assert_refused(at, HEARTH_EXPIRED);
}

static void a_committed_upload_cannot_be_given_up(void **state)
{
    struct fixture *at = *state;
    const struct wire_abort_request request = {.intent_id = at->intent};
    struct wire_empty nothing;
    struct wire_commit_reply reply;
    struct wire_lookup_reply found;
    collect_receipts(at, W);
    assert_ok(commit(at, &reply), &at->world.err);
    assert_int_equal(ask(at, RPC_ABORT, &request, &nothing), HEARTH_CONFLICT);
    assert_ok(look_up(at, &found), &at->world.err);
}

static void a_delete_asked_twice_says_the_same_even_after_a_new_put(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply reply;
    struct wire_delete_reply deleted;
    struct wire_lookup_reply found;
    collect_receipts(at, W);
    assert_ok(commit(at, &reply), &at->world.err);
    const struct wire_delete_request request = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(&at->world)};
    assert_ok(ask(at, RPC_DELETE, &request, &deleted), &at->world.err);
    assert_true(deleted.existed);
    at->receipt_count = 0;
    begin(at);
    open_segment(at);
    collect_receipts(at, W);
    assert_ok(commit(at, &reply), &at->world.err);
    assert_ok(ask(at, RPC_DELETE, &request, &deleted), &at->world.err);
    assert_true(deleted.existed);
    assert_ok(look_up(at, &found), &at->world.err); /* the new one is untouched */
}

static void an_inline_put_asked_twice_makes_one_version(void **state)
{
    struct fixture *at = *state;
    struct wire_commit_reply first;
    struct wire_commit_reply second;
    const struct wire_put_inline_request request = {.bucket = view_text("bucket"),
        .key = view_text("small"),
        .token = test_coordinator_id(&at->world),
        .body_id = test_coordinator_id(&at->world),
        .bucket_key_version = 1,
        .manifest = view_text("sealed, bytes and all"),
        .size = 3,
        .etag = view_of(etag, sizeof(etag)),
        .parts = 1};
    assert_ok(ask(at, RPC_PUT_INLINE, &request, &first), &at->world.err);
    assert_ok(ask(at, RPC_PUT_INLINE, &request, &second), &at->world.err);
    assert_true(view_equal(first.version, second.version));
}

/* Its bucket was deleted and made again meanwhile: what was sealed for the old one would not open.
 */
static void a_put_sealed_for_another_bucket_is_refused(void **state)
{
    struct fixture *at = *state;
    const struct wire_begin_request begin = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(&at->world),
        .bucket_id = test_coordinator_id(&at->world)};
    struct wire_begin_reply begun;
    assert_int_equal(ask(at, RPC_BEGIN, &begin, &begun), HEARTH_CONFLICT);
    const struct wire_put_inline_request put = {.bucket = view_text("bucket"),
        .key = view_text("small"),
        .token = test_coordinator_id(&at->world),
        .body_id = test_coordinator_id(&at->world),
        .bucket_key_version = 1,
        .manifest = view_text("sealed"),
        .size = 3,
        .etag = view_of(etag, sizeof(etag)),
        .bucket_id = test_coordinator_id(&at->world)};
    struct wire_commit_reply stored;
    assert_int_equal(ask(at, RPC_PUT_INLINE, &put, &stored), HEARTH_CONFLICT);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(enough_receipts_make_an_object_that_can_be_read),
        claim(a_put_sealed_for_another_bucket_is_refused),
        claim(a_late_receipt_joins),
        claim(too_few_receipts_make_nothing),
        claim(the_same_receipt_again_counts_once),
        claim(a_second_placement_of_the_same_slot_counts_once),
        claim(any_altered_bit_makes_a_receipt_worthless),
        claim(what_a_node_signs_has_to_be_what_it_was_asked),
        claim(one_bad_receipt_does_not_sink_a_commit),
        claim(receipts_of_another_segment_do_not_count),
        claim(somebody_elses_upload_is_not_there),
        claim(a_seal_for_another_upload_is_refused),
        claim(a_commit_asked_twice_has_one_outcome),
        claim(an_upload_given_up_stays_given_up),
        claim(a_committed_upload_cannot_be_given_up),
        claim(a_delete_asked_twice_says_the_same_even_after_a_new_put),
        claim(an_inline_put_asked_twice_makes_one_version),
    };
    return cmocka_run_group_tests_name("commit_service", tests, NULL, NULL);
}
