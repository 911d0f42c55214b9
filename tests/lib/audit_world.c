#include "tests/lib/audit_world.h"

#include "client/shard_tag.h"
#include "coordinator/fleet/sweep.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HEARD_WITHIN = 8,   /* heartbeats: nobody counts as away while others are waited for */
    PATIENCE_MS = 1000, /* a silent node costs as many heartbeats of all as it is waited for */
};

/* ---- the net ---- */

static unsigned index_of(const struct audit_world *at, const uint8_t id[PKI_ID_SIZE])
{
    unsigned i = 0;
    while (i < AUDIT_WORLD_NODES && memcmp(at->nodes[i].id, id, PKI_ID_SIZE) != 0) {
        i++;
    }
    assert_true(i < AUDIT_WORLD_NODES);
    return i;
}

static void read_order(void *context, struct view bytes, struct fake_order *out)
{
    struct audit_world *at = context;
    struct shard_name name;
    struct shard_place place;
    at->last = test_open_order(&at->world, bytes);
    at->questions++;
    memcpy(name.id, at->last.shard_id, sizeof(name.id));
    memcpy(name.locator, at->last.locator, sizeof(name.locator));
    assert_true(shard_name_open(&at->world.coordinator->names, &name, &place));
    *out = (struct fake_order){.action = FAKE_GET,
        .node = index_of(at, at->last.node_id),
        .slot = at->last.slot,
        .number = at->last.p};
    memcpy(out->segment_id, place.segment, sizeof(out->segment_id));
}

static enum fake_manner choose_manner(void *context, const struct fake_order *order)
{
    struct audit_world *at = context;
    return at->choose == NULL ? at->net.nodes[order->node].manner
                              : at->choose(at->choose_context, order->node + 1, order);
}

/* There are very many: what they say is not kept with what the test asks. */
static void beat(struct audit_world *at)
{
    struct arena kept = at->world.arena;
    arena_init(&at->world.arena, 0);
    for (unsigned i = 0; i < AUDIT_WORLD_NODES; i++) {
        test_coordinator_heartbeat(&at->world, &at->nodes[i]);
    }
    arena_fini(&at->world.arena);
    at->world.arena = kept;
    at->beaten_ns = at->world.env.monotonic_ns;
}

/* Time passes while somebody waits: nodes are heard meanwhile. */
static void wait_goes_by(struct fake_net *net, void *context)
{
    (void)net;
    struct audit_world *at = context;
    if (at->world.env.monotonic_ns >= at->beaten_ns + TEST_HEARTBEAT_MS * UINT64_C(1000000)) {
        beat(at);
    }
    if (at->at_wait != NULL) {
        at->at_wait(at);
    }
}

void audit_world_init(struct audit_world *at)
{
    *at = (struct audit_world){.row_count = 0};
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, AUDIT_WORLD_NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    fake_net_init(&at->net, &at->world.env, AUDIT_WORLD_NODES);
    for (unsigned i = 0; i < AUDIT_WORLD_NODES; i++) {
        memcpy(at->net.nodes[i].id, at->nodes[i].id, FAKE_NODE_ID_SIZE);
        at->net.nodes[i].host = "there";
    }
    at->net.read_order = read_order;
    at->net.choose_manner = choose_manner;
    at->net.at_wait = wait_goes_by;
    at->net.wait_ms_max = HEARD_WITHIN * TEST_HEARTBEAT_MS;
    at->net.paper_context = at->net.manner_context = at->net.at_wait_context = at;
    at->world.settings.audit_patience_ms = PATIENCE_MS;
    audit_use_session(at->world.coordinator->audit, &at->net.net, at->customer.session);
}

void audit_world_fini(struct audit_world *at)
{
    fake_net_fini(&at->net);
    test_coordinator_fini(&at->world);
}

/* ---- segments that are there ---- */

static void plant_stripe(struct audit_world *at, const struct meta_segment *row,
    const struct ec_codec *codec, size_t size, unsigned stripe, unsigned spoilt_slot)
{
    uint8_t *cells[AUDIT_WORLD_N];
    struct verify_key vk;
    memcpy(vk.bytes, row->vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    for (unsigned slot = 0; slot < AUDIT_WORLD_N; slot++) {
        cells[slot] = malloc(size + EC_CELL_TAG_SIZE);
        memset(cells[slot], (int)(slot * 3 + stripe + row->id.bytes[0]), size);
    }
    ec_codec_encode(codec, size, cells);
    for (unsigned slot = 0; slot < AUDIT_WORLD_N; slot++) {
        struct fake_order order = {.action = FAKE_GET,
            .node = row->holders[slot].node - 1,
            .slot = slot,
            .number = row->holders[slot].p};
        memcpy(order.segment_id, row->id.bytes, sizeof(order.segment_id));
        shard_tag_make(tagger, slot, stripe, view_of(cells[slot], size), cells[slot] + size);
        cells[slot][size] ^= slot == spoilt_slot;
        fake_net_plant_cell(&at->net, &order, view_of(cells[slot], size + EC_CELL_TAG_SIZE));
        free(cells[slot]);
    }
    shard_tagger_destroy(tagger);
}

static void plant(struct audit_world *at, const struct meta_segment *row, unsigned spoilt_slot)
{
    struct ec_codec *codec;
    struct ec_stripes stripes;
    struct hearth_err *err = &at->world.err;
    assert_ok(ec_stripes_init(&stripes, row->k, row->length, err), err);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, row->k, row->n, &codec, err), err);
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        plant_stripe(at, row, codec, ec_stripes_cell_size(&stripes, stripe), stripe, spoilt_slot);
    }
    ec_codec_destroy(codec);
}

static void key_of(unsigned index, char key[16])
{
    snprintf(key, 16, "key-%u", index);
}

void audit_world_upload_spoilt(struct audit_world *at, unsigned slot)
{
    char key[16];
    struct test_segment segment;
    struct meta_segment *row = &at->rows[at->row_count];
    assert_true(at->row_count < AUDIT_WORLD_SEGMENTS);
    key_of(at->row_count++, key);
    test_upload(&at->customer, key, &segment);
    memcpy(row->id.bytes, segment.id.bytes, sizeof(row->id.bytes));
    *row = audit_world_row(at, at->row_count - 1);
    plant(at, row, slot);
}

void audit_world_upload(struct audit_world *at)
{
    audit_world_upload_spoilt(at, AUDIT_WORLD_N);
}

void audit_world_delete(struct audit_world *at, unsigned index)
{
    char key[16];
    struct wire_empty nothing;
    key_of(index, key);
    const struct wire_delete_request request = test_ask_delete(&at->customer, key);
    assert_ok(test_ask(&at->customer, RPC_DELETE, &request, &nothing), &at->world.err);
}

struct meta_segment audit_world_row(struct audit_world *at, unsigned index)
{
    struct meta_segment row;
    assert_ok(
        meta_segment_get(at->world.coordinator->store, at->rows[index].id, &row, &at->world.err),
        &at->world.err);
    return row;
}

int audit_world_set_up(void **state)
{
    struct audit_world *at = calloc(1, sizeof(*at));
    audit_world_init(at);
    for (unsigned i = 0; i < AUDIT_WORLD_UPLOADED; i++) {
        audit_world_upload(at);
    }
    *state = at;
    return 0;
}

int audit_world_tear_down(void **state)
{
    audit_world_fini(*state);
    free(*state);
    return 0;
}

/* ---- time and audits ---- */

void audit_world_pass_ms(struct audit_world *at, uint64_t ms)
{
    test_env_step_ms(&at->world.env, ms);
    beat(at);
}

void audit_world_round(struct audit_world *at)
{
    beat(at);
    sweep_round(NULL, at->world.coordinator->sweep);
    beat(at);
    audit_round(at->world.coordinator->audit, NULL);
    beat(at);
}

static uint64_t requested(struct audit_world *at)
{
    struct audit_status status;
    audit_status_get(at->world.coordinator->audit, &status);
    return status.requested;
}

void audit_world_ask(struct audit_world *at, uint32_t node, unsigned cells)
{
    struct audit *audit = at->world.coordinator->audit;
    beat(at);
    sweep_round(NULL, at->world.coordinator->sweep);
    assert_ok(audit_ask_for(audit, node, cells, &at->world.err), &at->world.err);
    while (requested(at) > 0) {
        uint64_t before = requested(at);
        audit_world_round(at);
        assert_true(requested(at) < before);
    }
}

struct meta_audit_node audit_world_score(struct audit_world *at, uint32_t node)
{
    struct meta_audit_nodes nodes;
    struct arena arena;
    struct meta_audit_node found = {.node = 0};
    arena_init(&arena, 0);
    assert_ok(meta_audit_nodes_get(at->world.coordinator->store, &arena, &nodes, &at->world.err),
        &at->world.err);
    for (size_t i = 0; i < nodes.count; i++) {
        found = nodes.nodes[i].node == node ? nodes.nodes[i] : found;
    }
    arena_fini(&arena);
    return found;
}

uint64_t audit_world_count(struct audit_world *at, enum audit_outcome outcome)
{
    uint64_t count = 0;
    for (uint32_t node = 1; node <= AUDIT_WORLD_NODES; node++) {
        count += audit_world_score(at, node).score.counts[outcome];
    }
    return count;
}

enum meta_node_state audit_world_state(struct audit_world *at, uint32_t node)
{
    const struct fleet_view *fleet;
    assert_ok(
        fleet_view_take(at->world.coordinator->nodes, &fleet, &at->world.err), &at->world.err);
    enum meta_node_state state = fleet_view_node(fleet, node)->state;
    fleet_view_release(fleet);
    return state;
}

/* ---- what tests have in common ---- */

/* All shards pass once, as they do within three days of storing. */
void audit_world_let_all_pass(struct audit_world *at)
{
    audit_world_pass_ms(at, 2 * 60 * 1000);
    for (unsigned i = 0; i < 40; i++) {
        audit_world_round(at);
        audit_world_pass_ms(at, 60 * 1000);
    }
}

unsigned audit_world_damaged(struct audit_world *at, uint32_t node)
{
    unsigned count = 0;
    for (unsigned i = 0; i < at->row_count; i++) {
        const struct meta_segment row = audit_world_row(at, i);
        for (unsigned slot = 0; slot < row.n; slot++) {
            count += ec_slots_has(row.damaged, slot) && row.holders[slot].node == node;
        }
    }
    return count;
}

size_t audit_world_evidence(struct audit_world *at, uint32_t node)
{
    struct meta_audit_evidence found[META_AUDIT_EVIDENCE_MAX];
    struct arena arena;
    size_t count;
    arena_init(&arena, 0);
    assert_ok(meta_audit_evidence_get(at->world.coordinator->store, node, 0, &arena, found,
                  META_AUDIT_EVIDENCE_MAX, &count, &at->world.err),
        &at->world.err);
    uint8_t pin[PKI_PIN_SIZE];
    pki_key_pin(at->world.coordinator->cluster->ca_key, pin);
    for (size_t i = 0; i < count; i++) {
        struct evidence evidence;
        assert_ok(evidence_decode(found[i].record, pin, &evidence, &at->world.err), &at->world.err);
        assert_int_equal(evidence.node, node);
        assert_true(evidence.try_count > 0);
    }
    arena_fini(&arena);
    return count;
}

void audit_world_honest_are_left_alone(struct audit_world *at)
{
    for (uint32_t node = 1; node <= AUDIT_WORLD_NODES; node++) {
        if (node != AUDIT_WORLD_EVIL) {
            assert_int_equal(audit_world_score(at, node).score.counts[AUDIT_FAIL], 0);
            assert_int_equal(audit_world_state(at, node), META_NODE_ACTIVE);
            assert_int_equal(audit_world_damaged(at, node), 0);
        }
    }
}

void audit_world_evil_is_convicted(struct audit_world *at)
{
    assert_true(audit_world_score(at, AUDIT_WORLD_EVIL).score.counts[AUDIT_FAIL] >= 2);
    assert_int_equal(audit_world_state(at, AUDIT_WORLD_EVIL), META_NODE_SUSPENDED);
    assert_true(audit_world_damaged(at, AUDIT_WORLD_EVIL) >= 2);
    assert_true(audit_world_evidence(at, AUDIT_WORLD_EVIL) >= 2);
    audit_world_honest_are_left_alone(at);
}

/* Which upload it was. */
unsigned audit_world_upload_of(const struct audit_world *at, const struct fake_order *order)
{
    unsigned i = 0;
    while (memcmp(order->segment_id, at->rows[i].id.bytes, META_ID_SIZE) != 0) {
        assert_true(++i < at->row_count);
    }
    return i;
}

void audit_world_go_on(struct audit_world *at, unsigned rounds, uint64_t apart_ms)
{
    for (unsigned i = 0; i < rounds; i++) {
        audit_world_pass_ms(at, apart_ms);
        audit_world_round(at);
    }
}
