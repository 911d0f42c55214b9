/*
 * repair from end to end: a coordinator with its metadata, nodes that are invented.
 *
 * A holder lost is made anew at another node by compare-and-swap, a young segment is filled, and
 * who comes second changes nothing.
 */
#include "coordinator/repair.h"

#include "client/shard_tag.h"
#include "coordinator/meta_segment.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum { NODES = 10, N = 8, W = 6, LOST_SLOT = 3, LOST_AFTER_S = 30 };

struct fixture {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes; /* node i has number i + 1 and is node i of the net */
    struct fake_net net;
    struct test_segment segment;
    struct meta_segment row; /* as it was before */
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

static void upload_with(struct fixture *at, size_t receipts)
{
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(&at->customer, "key", &at->segment);
    struct wire_seal_segment_request seal = test_ask_seal(&at->segment);
    seal.receipts_count = receipts;
    const struct wire_commit_request commit =
        test_ask_commit(&at->customer, &at->segment, &seal, &extent);
    assert_ok(test_ask(&at->customer, RPC_COMMIT, &commit, &committed), &at->world.err);
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

/* All but one are heard until it counts as lost. */
static void lose(struct fixture *at, uint32_t number)
{
    for (unsigned second = 0; second < LOST_AFTER_S; second++) {
        test_env_step_ms(&at->world.env, 1000);
        for (unsigned i = 0; i < NODES; i++) {
            if (at->nodes[i].number != number) {
                test_coordinator_heartbeat(&at->world, &at->nodes[i]);
            }
        }
    }
    at->net.nodes[number - 1].manner = FAKE_DEAD;
}

static struct repair_status round_of_repair(struct fixture *at)
{
    struct repair_status status;
    repair_round(at->world.coordinator->repair, NULL);
    repair_status_get(at->world.coordinator->repair, &status);
    return status;
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

/* While shards move somebody else fills the slot. */
static void be_first(struct fake_net *net, void *context)
{
    struct fixture *at = context;
    struct meta_store *store = at->world.coordinator->store;
    struct meta_offers offers;
    struct meta_seal_result result;
    bool is_holder[NODES + 1] = {false};
    net->at_open = NULL;
    for (unsigned slot = 0; slot < N; slot++) {
        is_holder[at->row.holders[slot].node] = true;
    }
    uint32_t number = 1;
    while (is_holder[number]) {
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

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_whole_segment_is_left_alone),
        claim(a_lost_holder_is_made_anew_at_a_spare),
        claim(a_young_segment_is_filled),
        claim(who_comes_second_changes_nothing),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
