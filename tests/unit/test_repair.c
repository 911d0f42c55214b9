/*
 * repair from end to end: a coordinator with its metadata, nodes that are invented.
 *
 * A holder lost is made anew at another node by compare-and-swap, a young segment is filled, and
 * who comes second changes nothing.  What cannot be repaired waits, and costs nobody anything.
 */
#include "coordinator/repair.h"

#include "client/shard_tag.h"
#include "coordinator/meta_garbage.h"
#include "coordinator/reclaim.h"
#include "coordinator/repair_backoff.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum {
    NODES = 10,
    N = 8,
    W = 6,
    LOST_SLOT = 3,
    LOST_AFTER_S = 30,
    SEGMENTS_MAX = 8,
    STEP_MS = 2 * TEST_HEARTBEAT_MS
};

struct fixture {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes; /* node i has number i + 1 and is node i of the net */
    struct fake_net net;
    struct test_segment segment;
    struct meta_segment row;            /* as it was before */
    struct meta_id asked[SEGMENTS_MAX]; /* segments somebody was asked for, in that order */
    unsigned asked_count;
};

/* ---- orders and receipts that are real ---- */

static unsigned index_of(const struct fixture *at, const uint8_t id[PKI_ID_SIZE])
{
    unsigned i = 0;
    while (i < NODES && memcmp(at->nodes[i].id, id, PKI_ID_SIZE) != 0) {
        i++;
    }
    assert_true(i < NODES);
    return i;
}

/* Shards of segments that were never planted are looked for in vain, which takes a while. */
static void note_asked(struct fixture *at, const uint8_t segment[META_ID_SIZE])
{
    struct meta_id id;
    memcpy(id.bytes, segment, sizeof(id.bytes));
    if (!meta_id_equal(id, at->row.id)) {
        test_env_step_ms(&at->world.env, 100);
    }
    if (at->asked_count == 0 || !meta_id_equal(at->asked[at->asked_count - 1], id)) {
        assert_true(at->asked_count < SEGMENTS_MAX);
        at->asked[at->asked_count++] = id;
    }
}

static void read_order(void *context, struct view bytes, struct fake_order *out)
{
    struct fixture *at = context;
    const struct order order = test_open_order(&at->world, bytes);
    assert_memory_equal(order.session, at->customer.session, PKI_ID_SIZE);
    *out = (struct fake_order){.action = order.action == ORDER_PUT ? FAKE_PUT : FAKE_GET,
        .node = index_of(at, order.node_id),
        .slot = order.slot,
        .number = order.p};
    struct shard_name name;
    struct shard_place place;
    memcpy(name.id, order.shard_id, sizeof(name.id));
    memcpy(name.locator, order.locator, sizeof(name.locator));
    assert_true(shard_name_open(&at->world.coordinator->names, &name, &place));
    memcpy(out->segment_id, place.segment, sizeof(out->segment_id));
    note_asked(at, place.segment);
}

static struct buf *make_receipt(void *context, struct view order, const struct shard_footer *footer)
{
    struct fixture *at = context;
    const struct wire_placement placement = {.order = order};
    assert_int_equal(footer->size, test_shard_size());
    return buf_copy(test_receipt_of(&at->customer, &placement).receipt);
}

/* ---- a segment that is really there ---- */

static struct fake_order order_at(const struct meta_segment *row, unsigned slot)
{
    struct fake_order order = {.action = FAKE_GET,
        .node = row->holders[slot].node - 1,
        .slot = slot,
        .number = row->holders[slot].p};
    memcpy(order.segment_id, row->id.bytes, sizeof(order.segment_id));
    return order;
}

static void plant_stripe(struct fixture *at, const struct ec_codec *codec,
    struct shard_tagger *tagger, size_t size, unsigned stripe)
{
    uint8_t *cells[N];
    for (unsigned slot = 0; slot < N; slot++) {
        cells[slot] = malloc(size + EC_CELL_TAG_SIZE);
        memset(cells[slot], (int)(slot * 3 + stripe), size);
    }
    ec_codec_encode(codec, size, cells);
    for (unsigned slot = 0; slot < N; slot++) {
        const struct fake_order order = order_at(&at->row, slot);
        shard_tag_make(tagger, slot, stripe, view_of(cells[slot], size), cells[slot] + size);
        if (at->row.holders[slot].node != 0) {
            fake_net_plant_cell(&at->net, &order, view_of(cells[slot], size + EC_CELL_TAG_SIZE));
        }
        free(cells[slot]);
    }
}

static void plant_segment(struct fixture *at)
{
    struct ec_codec *codec;
    struct ec_stripes stripes;
    struct verify_key vk;
    struct hearth_err *err = &at->world.err;
    memcpy(vk.bytes, at->row.vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    assert_ok(ec_stripes_init(&stripes, at->row.k, at->row.length, err), err);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, at->row.k, N, &codec, err), err);
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        plant_stripe(at, codec, tagger, ec_stripes_cell_size(&stripes, stripe), stripe);
    }
    ec_codec_destroy(codec);
    shard_tagger_destroy(tagger);
}

static struct meta_segment read_row(struct fixture *at)
{
    struct meta_segment row;
    struct meta_id id;
    memcpy(id.bytes, at->segment.id.bytes, sizeof(id.bytes));
    assert_ok(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), &at->world.err);
    return row;
}

/* Metadata alone: no node has anything of it. */
static void upload_unplanted(struct fixture *at, const char *key, size_t receipts)
{
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(&at->customer, key, &at->segment);
    struct wire_seal_segment_request seal = test_ask_seal(&at->segment);
    seal.receipts_count = receipts;
    const struct wire_commit_request commit =
        test_ask_commit(&at->customer, &at->segment, &seal, &extent);
    assert_ok(test_ask(&at->customer, RPC_COMMIT, &commit, &committed), &at->world.err);
}

static void upload_with(struct fixture *at, size_t receipts)
{
    upload_unplanted(at, "key", receipts);
    at->row = read_row(at);
    plant_segment(at);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    fake_net_init(&at->net, &at->world.env, NODES);
    for (unsigned i = 0; i < NODES; i++) {
        memcpy(at->net.nodes[i].id, at->nodes[i].id, FAKE_NODE_ID_SIZE);
        at->net.nodes[i].host = "there";
    }
    at->net.read_order = read_order;
    at->net.make_receipt = make_receipt;
    at->net.paper_context = at;
    repair_use_session(at->world.coordinator->repair, &at->net.net, at->customer.session);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    fake_net_fini(&at->net);
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

/* All but some are heard for that long, late but in time. */
static void pass_time(
    struct fixture *at, uint64_t ms, unsigned silent_count, const uint32_t *silent)
{
    for (uint64_t passed = 0; passed < ms; passed += STEP_MS) {
        test_env_step_ms(&at->world.env, STEP_MS);
        for (unsigned i = 0; i < NODES; i++) {
            bool is_heard = true;
            for (unsigned j = 0; j < silent_count; j++) {
                is_heard = is_heard && at->nodes[i].number != silent[j];
            }
            if (is_heard) {
                test_coordinator_heartbeat(&at->world, &at->nodes[i]);
            }
        }
    }
}

/* All but one are heard until it counts as lost. */
static void lose(struct fixture *at, uint32_t number)
{
    pass_time(at, LOST_AFTER_S * 1000, 1, &number);
    at->net.nodes[number - 1].manner = FAKE_DEAD;
}

static struct repair_status round_of_repair(struct fixture *at)
{
    return test_coordinator_repair(&at->world);
}

static unsigned count_cells_equal(struct fixture *at, const struct meta_segment *now, unsigned slot)
{
    const struct fake_order before = order_at(&at->row, slot);
    const struct fake_order after = order_at(now, slot);
    unsigned stripe = 0;
    while (fake_net_cell(&at->net, &before, stripe).size > 0 &&
        view_equal(
            fake_net_cell(&at->net, &before, stripe), fake_net_cell(&at->net, &after, stripe))) {
        stripe++;
    }
    return stripe;
}

/* ---- the claims ---- */

static void a_whole_segment_is_left_alone(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    const struct repair_status status = round_of_repair(at);
    assert_int_equal(status.segments, 1);
    assert_int_equal(status.below_n, 0);
    assert_int_equal(status.repaired, 0);
    assert_int_equal(read_row(at).generation, 1);
}

static void a_lost_holder_is_made_anew_at_a_spare(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    const struct repair_status status = round_of_repair(at);
    assert_int_equal(status.below_n, 1);
    assert_int_equal(status.repaired, 1);

    const struct meta_segment now = read_row(at);
    assert_int_equal(now.generation, 2);
    for (unsigned slot = 0; slot < N; slot++) {
        bool is_new = now.holders[slot].node != at->row.holders[slot].node;
        assert_int_equal(is_new, slot == LOST_SLOT);
    }
    assert_int_equal(now.holders[LOST_SLOT].p, 2);
    assert_int_equal(count_cells_equal(at, &now, LOST_SLOT), 2);
    assert_int_equal(round_of_repair(at).below_n, 0);
}

static void a_young_segment_is_filled(void **state)
{
    struct fixture *at = *state;
    upload_with(at, W);
    const struct repair_status status = round_of_repair(at);
    assert_int_equal(status.below_n, 1);
    assert_int_equal(status.repaired, N - W);
    const struct meta_segment now = read_row(at);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_true(now.holders[slot].node != 0);
    }
    assert_int_equal(round_of_repair(at).below_n, 0);
}

static bool is_holder(const struct meta_segment *row, uint32_t number)
{
    for (unsigned slot = 0; slot < N; slot++) {
        if (row->holders[slot].node == number) {
            return true;
        }
    }
    return false;
}

/* While shards move somebody else fills the slot. */
static void be_first(struct fake_net *net, void *context)
{
    struct fixture *at = context;
    struct meta_store *store = at->world.coordinator->store;
    struct meta_offers offers;
    struct meta_seal_result result;
    net->at_open = NULL;
    uint32_t number = 1;
    while (is_holder(&at->row, number)) {
        number++;
    }
    const struct meta_offer offer = {.slot = LOST_SLOT, .node = number};
    const struct meta_repair_offer request = {
        .segment = at->row.id, .generation = 1, .offers = &offer, .offer_count = 1};
    assert_ok(meta_repair_offer(store, &request, &offers, &at->world.err), &at->world.err);
    const struct meta_receipt receipt = {.slot = LOST_SLOT,
        .p = offers.offers[0].p,
        .node = number,
        .shard_length = test_shard_size()};
    const struct meta_repair_apply apply = {.segment = at->row.id,
        .generation = 1,
        .shard_length = test_shard_size(),
        .receipts = &receipt,
        .receipt_count = 1};
    assert_ok(meta_repair_apply(store, &apply, &result, &at->world.err), &at->world.err);
}

static void who_comes_second_changes_nothing(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    at->net.at_open = be_first;
    at->net.at_open_context = at;
    assert_int_equal(round_of_repair(at).repaired, 0);
    const struct meta_segment now = read_row(at);
    assert_int_equal(now.generation, 2);
    assert_int_equal(now.holders[LOST_SLOT].p, 3); /* 2 was ours */
}

/* ---- what cannot be repaired ---- */

/* Every node that holds nothing of the segment. */
static void make_spares(struct fixture *at, enum fake_manner manner)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (!is_holder(&at->row, at->nodes[i].number)) {
            at->net.nodes[i].manner = manner;
        }
    }
}

static unsigned calls_at_all_nodes(const struct fixture *at)
{
    unsigned calls = 0;
    for (unsigned i = 0; i < NODES; i++) {
        calls += at->net.nodes[i].gets + at->net.nodes[i].puts;
    }
    return calls;
}

static void a_repair_that_failed_is_not_tried_again_at_once(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    make_spares(at, FAKE_DEAD);
    assert_int_equal(round_of_repair(at).repaired, 0);
    const unsigned calls = calls_at_all_nodes(at);
    assert_int_equal(read_row(at).last_p, 2);

    const struct repair_status status = round_of_repair(at);
    assert_int_equal(status.queue, 1);
    assert_int_equal(status.waiting, 1);
    assert_int_equal(read_row(at).last_p, 2);
    assert_int_equal(calls_at_all_nodes(at), calls);
}

static void a_repair_that_keeps_failing_uses_few_placements_and_works_in_the_end(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    const uint32_t lost = at->row.holders[LOST_SLOT].node;
    lose(at, lost);
    make_spares(at, FAKE_DEAD);
    for (unsigned second = 0; second < 15 * 60; second += 2) {
        pass_time(at, STEP_MS, 1, &lost);
        round_of_repair(at);
    }
    /* 2 + 4 + ... + 512 s, each at least half as long in truth, and no longer. */
    assert_in_range(read_row(at).last_p, 1 + 9, 1 + 11);

    make_spares(at, FAKE_HONEST);
    pass_time(at, REPAIR_BACKOFF_MOST_MS, 1, &lost);
    assert_int_equal(round_of_repair(at).repaired, 1);
    assert_int_equal(round_of_repair(at).waiting, 0);
}

/* The two that failed are more endangered, and have the same right to the rest of the time. */
static void one_that_never_failed_goes_before_the_second_that_did(void **state)
{
    struct fixture *at = *state;
    upload_unplanted(at, "in vain", W);
    upload_unplanted(at, "as well", W);
    round_of_repair(at);
    assert_int_equal(at->asked_count, 2);

    pass_time(at, REPAIR_BACKOFF_FIRST_MS, 0, NULL);
    upload_with(at, W + 1);
    at->asked_count = 0;
    assert_int_equal(round_of_repair(at).repaired, 1);
    assert_int_equal(at->asked_count, 3);
    assert_true(meta_id_equal(at->asked[1], at->row.id));
}

/* Eight slots, and three of ten nodes are silent: the seven others hold one each. */
static void nobody_is_asked_for_what_has_no_place(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    uint32_t silent[NODES] = {at->row.holders[LOST_SLOT].node};
    unsigned count = 1;
    for (unsigned i = 0; i < NODES; i++) {
        if (!is_holder(&at->row, at->nodes[i].number)) {
            silent[count++] = at->nodes[i].number;
        }
    }
    pass_time(at, LOST_AFTER_S * 1000, count, silent);
    const struct repair_status status = round_of_repair(at);
    assert_int_equal(status.queue, 1);
    assert_int_equal(status.without_place, 1);
    assert_int_equal(calls_at_all_nodes(at), 0);
    assert_int_equal(read_row(at).last_p, 1);

    pass_time(at, STEP_MS, 0, NULL); /* and the spares are there again */
    assert_int_equal(round_of_repair(at).below_n, 0);
}

static uint64_t repair_reports_of(struct fixture *at, uint32_t number)
{
    struct node_status_list list;
    assert_ok(
        node_table_list(at->world.coordinator->nodes, &at->world.arena, &list, &at->world.err),
        &at->world.err);
    for (size_t i = 0; i < list.count; i++) {
        if (list.nodes[i].node.number == number) {
            return list.nodes[i].repair_reports;
        }
    }
    return UINT64_MAX;
}

static void whom_a_repair_accuses_is_counted(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    at->net.nodes[at->row.holders[0].node - 1].manner = FAKE_FLIPS_A_BIT;
    assert_int_equal(round_of_repair(at).repaired, 1);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_int_equal(repair_reports_of(at, at->row.holders[slot].node), slot == 0);
    }
}

/* ---- objects that change in the middle ---- */

static void delete_object(struct fixture *at)
{
    struct wire_delete_reply reply;
    const struct wire_delete_request request = test_ask_delete(&at->customer, "key");
    assert_ok(test_ask(&at->customer, RPC_DELETE, &request, &reply), &at->world.err);
}

static bool is_named_dead(struct fixture *at, uint32_t node, uint16_t slot, uint16_t p)
{
    struct shard_place place = {.slot = slot, .p = p};
    struct shard_name name;
    struct meta_id ids[META_DEAD_BATCH_MAX];
    size_t count;
    memcpy(place.segment, at->row.id.bytes, sizeof(place.segment));
    shard_name_make(&at->world.coordinator->names, &place, &name);
    assert_ok(meta_dead_next(at->world.coordinator->store, node, (struct meta_id){{0}}, ids,
                  META_DEAD_BATCH_MAX, &count, &at->world.err),
        &at->world.err);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(ids[i].bytes, name.id, sizeof(name.id)) == 0) {
            return true;
        }
    }
    return false;
}

/* How many nodes have been given shard (LOST_SLOT, p), and whether each is told to trash it. */
static unsigned count_stored(struct fixture *at, uint16_t p, bool and_dead)
{
    unsigned count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        struct fake_order order = order_at(&at->row, LOST_SLOT);
        order.node = i;
        order.number = p;
        count += fake_net_has_shard(&at->net, &order) &&
            (!and_dead || is_named_dead(at, at->nodes[i].number, LOST_SLOT, p));
    }
    return count;
}

/* While shards move the object is deleted, and its last reader done: only the wall clock moves. */
static void let_it_die(struct fake_net *net, void *context)
{
    struct fixture *at = context;
    net->at_open = NULL;
    delete_object(at);
    at->world.env.unix_ms += META_READ_GRACE_MS;
    reclaim_round(NULL, at->world.coordinator);
    assert_true(read_row(at).dying_ms > 0);
}

static void what_is_made_for_an_object_deleted_meanwhile_is_named_garbage(void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    at->net.at_open = let_it_die;
    at->net.at_open_context = at;
    assert_int_equal(round_of_repair(at).repaired, 0);
    assert_int_equal(read_row(at).generation, 1);
    assert_int_equal(count_stored(at, 2, false), 1);

    test_env_step_ms(&at->world.env, META_READ_GRACE_MS);
    reclaim_round(NULL, at->world.coordinator);
    assert_int_equal(count_stored(at, 2, true), 1);
    assert_true(is_named_dead(at, at->row.holders[0].node, 0, 1));
}

/* The key gets another object; readers of the old one may still be at work. */
static void overwrite(struct fake_net *net, void *context)
{
    struct fixture *at = context;
    struct test_segment newer;
    net->at_open = NULL;
    test_upload(&at->customer, "key", &newer);
}

static unsigned good_shards(struct fixture *at)
{
    const struct meta_segment row = read_row(at);
    unsigned good = 0;
    for (unsigned slot = 0; slot < N; slot++) {
        const struct fake_order order = order_at(&row, slot);
        good +=
            at->net.nodes[order.node].manner == FAKE_HONEST && fake_net_has_shard(&at->net, &order);
    }
    return good;
}

static void an_object_overwritten_meanwhile_keeps_all_shards_until_its_readers_are_done(
    void **state)
{
    struct fixture *at = *state;
    upload_with(at, N);
    lose(at, at->row.holders[LOST_SLOT].node);
    assert_int_equal(good_shards(at), N - 1);
    at->net.at_open = overwrite;
    at->net.at_open_context = at;
    round_of_repair(at);
    assert_int_equal(good_shards(at), N);
    assert_int_equal(read_row(at).generation, 2);

    for (unsigned grace = 0; grace < 2; grace++) {
        assert_int_equal(count_stored(at, 2, true), 0);
        test_env_step_ms(&at->world.env, META_READ_GRACE_MS);
        reclaim_round(NULL, at->world.coordinator);
    }
    assert_int_equal(count_stored(at, 2, true), 1);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_whole_segment_is_left_alone),
        claim(a_lost_holder_is_made_anew_at_a_spare),
        claim(a_young_segment_is_filled),
        claim(who_comes_second_changes_nothing),
        claim(a_repair_that_failed_is_not_tried_again_at_once),
        claim(a_repair_that_keeps_failing_uses_few_placements_and_works_in_the_end),
        claim(one_that_never_failed_goes_before_the_second_that_did),
        claim(nobody_is_asked_for_what_has_no_place),
        claim(whom_a_repair_accuses_is_counted),
        claim(what_is_made_for_an_object_deleted_meanwhile_is_named_garbage),
        claim(an_object_overwritten_meanwhile_keeps_all_shards_until_its_readers_are_done),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
