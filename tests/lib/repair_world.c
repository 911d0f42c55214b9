#include "tests/lib/repair_world.h"

#include "client/shard_tag.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"

#include <stdlib.h>

/* ---- orders and receipts that are real ---- */

static unsigned index_of(const struct repair_world *at, const uint8_t id[PKI_ID_SIZE])
{
    unsigned i = 0;
    while (i < REPAIR_WORLD_NODES && memcmp(at->nodes[i].id, id, PKI_ID_SIZE) != 0) {
        i++;
    }
    assert_true(i < REPAIR_WORLD_NODES);
    return i;
}

/* Shards of segments that were never planted are looked for in vain, which takes a while. */
static void note_asked(struct repair_world *at, const uint8_t segment[META_ID_SIZE])
{
    struct meta_id id;
    memcpy(id.bytes, segment, sizeof(id.bytes));
    if (!meta_id_equal(id, at->row.id)) {
        test_env_step_ms(&at->world.env, 100);
    }
    if (at->asked_count == 0 || !meta_id_equal(at->asked[at->asked_count - 1], id)) {
        assert_true(at->asked_count < REPAIR_WORLD_SEGMENTS_MAX);
        at->asked[at->asked_count++] = id;
    }
}

static void read_order(void *context, struct view bytes, struct fake_order *out)
{
    struct repair_world *at = context;
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
    struct repair_world *at = context;
    const struct wire_placement placement = {.order = order};
    assert_int_equal(footer->size, test_shard_size());
    return buf_copy(test_receipt_of(&at->customer, &placement).receipt);
}

/* ---- a segment that is really there ---- */

struct fake_order repair_world_order(const struct meta_segment *row, unsigned slot)
{
    struct fake_order order = {.action = FAKE_GET,
        .node = row->holders[slot].node - 1,
        .slot = slot,
        .number = row->holders[slot].p};
    memcpy(order.segment_id, row->id.bytes, sizeof(order.segment_id));
    return order;
}

static void plant_stripe(struct repair_world *at, const struct ec_codec *codec,
    struct shard_tagger *tagger, size_t size, unsigned stripe)
{
    uint8_t *cells[REPAIR_WORLD_N];
    for (unsigned slot = 0; slot < REPAIR_WORLD_N; slot++) {
        cells[slot] = malloc(size + EC_CELL_TAG_SIZE);
        memset(cells[slot], (int)(slot * 3 + stripe), size);
    }
    ec_codec_encode(codec, size, cells);
    for (unsigned slot = 0; slot < REPAIR_WORLD_N; slot++) {
        const struct fake_order order = repair_world_order(&at->row, slot);
        shard_tag_make(tagger, slot, stripe, view_of(cells[slot], size), cells[slot] + size);
        if (at->row.holders[slot].node != 0) {
            fake_net_plant_cell(&at->net, &order, view_of(cells[slot], size + EC_CELL_TAG_SIZE));
        }
        free(cells[slot]);
    }
}

static void plant_segment(struct repair_world *at)
{
    struct ec_codec *codec;
    struct ec_stripes stripes;
    struct verify_key vk;
    struct hearth_err *err = &at->world.err;
    memcpy(vk.bytes, at->row.vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    assert_ok(ec_stripes_init(&stripes, at->row.k, at->row.length, err), err);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, at->row.k, REPAIR_WORLD_N, &codec, err), err);
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        plant_stripe(at, codec, tagger, ec_stripes_cell_size(&stripes, stripe), stripe);
    }
    ec_codec_destroy(codec);
    shard_tagger_destroy(tagger);
}

struct meta_segment repair_world_row(struct repair_world *at)
{
    struct meta_segment row;
    struct meta_id id;
    memcpy(id.bytes, at->segment.id.bytes, sizeof(id.bytes));
    assert_ok(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), &at->world.err);
    return row;
}

/* Metadata alone: no node has anything of it. */
void repair_world_upload_unplanted(struct repair_world *at, const char *key, size_t receipts)
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

void repair_world_upload(struct repair_world *at, size_t receipts)
{
    repair_world_upload_unplanted(at, "key", receipts);
    at->row = repair_world_row(at);
    plant_segment(at);
}

int repair_world_set_up(void **state)
{
    struct repair_world *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, REPAIR_WORLD_NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    fake_net_init(&at->net, &at->world.env, REPAIR_WORLD_NODES);
    for (unsigned i = 0; i < REPAIR_WORLD_NODES; i++) {
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

int repair_world_tear_down(void **state)
{
    struct repair_world *at = *state;
    fake_net_fini(&at->net);
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

/* All but some are heard for that long, late but in time. */
void repair_world_pass(
    struct repair_world *at, uint64_t ms, unsigned silent_count, const uint32_t *silent)
{
    for (uint64_t passed = 0; passed < ms; passed += REPAIR_WORLD_STEP_MS) {
        test_env_step_ms(&at->world.env, REPAIR_WORLD_STEP_MS);
        for (unsigned i = 0; i < REPAIR_WORLD_NODES; i++) {
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
void repair_world_lose(struct repair_world *at, uint32_t number)
{
    repair_world_pass(at, REPAIR_WORLD_LOST_AFTER_S * 1000, 1, &number);
    at->net.nodes[number - 1].manner = FAKE_DEAD;
}

void repair_world_leave_no_place(struct repair_world *at)
{
    uint32_t silent[REPAIR_WORLD_NODES] = {at->row.holders[REPAIR_WORLD_LOST_SLOT].node};
    unsigned count = 1;
    for (unsigned i = 0; i < REPAIR_WORLD_NODES; i++) {
        if (!repair_world_is_holder(&at->row, at->nodes[i].number)) {
            silent[count++] = at->nodes[i].number;
        }
    }
    repair_world_pass(at, REPAIR_WORLD_LOST_AFTER_S * 1000, count, silent);
}

struct repair_status repair_world_round(struct repair_world *at)
{
    return test_coordinator_repair(&at->world);
}

unsigned repair_world_equal_cells(
    struct repair_world *at, const struct meta_segment *now, unsigned slot)
{
    const struct fake_order before = repair_world_order(&at->row, slot);
    const struct fake_order after = repair_world_order(now, slot);
    unsigned stripe = 0;
    while (fake_net_cell(&at->net, &before, stripe).size > 0 &&
        view_equal(
            fake_net_cell(&at->net, &before, stripe), fake_net_cell(&at->net, &after, stripe))) {
        stripe++;
    }
    return stripe;
}

bool repair_world_is_holder(const struct meta_segment *row, uint32_t number)
{
    for (unsigned slot = 0; slot < REPAIR_WORLD_N; slot++) {
        if (row->holders[slot].node == number) {
            return true;
        }
    }
    return false;
}

/* Every node that holds nothing of the segment. */
void repair_world_make_spares(struct repair_world *at, enum fake_manner manner)
{
    for (unsigned i = 0; i < REPAIR_WORLD_NODES; i++) {
        if (!repair_world_is_holder(&at->row, at->nodes[i].number)) {
            at->net.nodes[i].manner = manner;
        }
    }
}

unsigned repair_world_good_shards(struct repair_world *at)
{
    const struct meta_segment row = repair_world_row(at);
    unsigned good = 0;
    for (unsigned slot = 0; slot < REPAIR_WORLD_N; slot++) {
        const struct fake_order order = repair_world_order(&row, slot);
        good +=
            at->net.nodes[order.node].manner == FAKE_HONEST && fake_net_has_shard(&at->net, &order);
    }
    return good;
}
