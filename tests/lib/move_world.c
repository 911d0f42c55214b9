#include "tests/lib/move_world.h"

#include "client/shard_tag.h"
#include "coordinator/meta/meta_garbage.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- orders and receipts that are real ---- */

static unsigned index_of(const struct move_world *world, const uint8_t id[PKI_ID_SIZE])
{
    unsigned i = 0;
    while (i < world->node_count && memcmp(world->nodes[i]->id, id, PKI_ID_SIZE) != 0) {
        i++;
    }
    assert_true(i < world->node_count);
    return i;
}

static void read_order(void *context, struct view bytes, struct fake_order *out)
{
    struct move_world *world = context;
    const struct order order = test_open_order(&world->world, bytes);
    assert_memory_equal(order.session, world->customer.session, PKI_ID_SIZE);
    *out = (struct fake_order){.action = order.action == ORDER_PUT ? FAKE_PUT : FAKE_GET,
        .node = index_of(world, order.node_id),
        .slot = order.slot,
        .number = order.p};
    struct shard_name name;
    struct shard_place place;
    memcpy(name.id, order.shard_id, sizeof(name.id));
    memcpy(name.locator, order.locator, sizeof(name.locator));
    assert_true(shard_name_open(&world->world.coordinator->names, &name, &place));
    memcpy(out->segment_id, place.segment, sizeof(out->segment_id));
}

static struct buf *make_receipt(void *context, struct view order, const struct shard_footer *footer)
{
    struct move_world *world = context;
    const struct wire_placement placement = {.order = order};
    return buf_copy(test_receipt_of_size(&world->customer, &placement, footer->size).receipt);
}

/* ---- a life ---- */

void move_world_add_nodes(struct move_world *world, unsigned count)
{
    struct test_member *first = test_coordinator_nodes(&world->world, count);
    for (unsigned i = 0; i < count; i++) {
        const unsigned at = world->node_count++;
        world->nodes[at] = first + i;
        assert_int_equal(first[i].number, at + 1);
        memcpy(world->net.nodes[at].id, first[i].id, FAKE_NODE_ID_SIZE);
        world->net.nodes[at].host = "there";
    }
}

void move_world_init(struct move_world *world, unsigned nodes, unsigned nodes_max)
{
    *world = (struct move_world){.node_count = 0};
    test_coordinator_init(&world->world);
    fake_net_init(&world->net, &world->world.env, nodes_max);
    move_world_add_nodes(world, nodes);
    test_customer_init(&world->customer, &world->world, "ann");
    world->net.read_order = read_order;
    world->net.make_receipt = make_receipt;
    world->net.paper_context = world;
    world->world.coordinator->rebalance = rebalance_create(world->world.coordinator, 1);
    rebalance_use_session(
        world->world.coordinator->rebalance, &world->net.net, world->customer.session);
}

void move_world_fini(struct move_world *world)
{
    rebalance_destroy(world->world.coordinator->rebalance);
    fake_net_fini(&world->net);
    test_coordinator_fini(&world->world);
}

void move_world_pass_ms(struct move_world *world, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += TEST_HEARTBEAT_MS) {
        test_env_step_ms(&world->world.env, TEST_HEARTBEAT_MS);
        for (unsigned i = 0; i < world->node_count; i++) {
            test_coordinator_heartbeat(&world->world, world->nodes[i]);
        }
    }
}

/* ---- segments ---- */

static struct fake_order order_at(const struct meta_segment *row, unsigned slot)
{
    struct fake_order order = {.action = FAKE_GET,
        .node = row->holders[slot].node - 1,
        .slot = slot,
        .number = row->holders[slot].p};
    memcpy(order.segment_id, row->id.bytes, sizeof(order.segment_id));
    return order;
}

static void plant_stripe(struct move_world *world, const struct meta_segment *row,
    const struct ec_codec *codec, struct shard_tagger *tagger, size_t size, unsigned stripe)
{
    uint8_t *cells[MOVE_WORLD_N];
    for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
        cells[slot] = malloc(size + EC_CELL_TAG_SIZE);
        memset(cells[slot], (int)(slot * 3 + stripe + row->id.bytes[0]), size);
    }
    ec_codec_encode(codec, size, cells);
    for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
        const struct fake_order order = order_at(row, slot);
        shard_tag_make(tagger, slot, stripe, view_of(cells[slot], size), cells[slot] + size);
        fake_net_plant_cell(&world->net, &order, view_of(cells[slot], size + EC_CELL_TAG_SIZE));
        free(cells[slot]);
    }
}

static void plant(struct move_world *world, const struct meta_segment *row)
{
    struct ec_codec *codec;
    struct ec_stripes stripes;
    struct verify_key vk;
    struct hearth_err *err = &world->world.err;
    memcpy(vk.bytes, row->vk, sizeof(vk.bytes));
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    assert_ok(ec_stripes_init(&stripes, row->k, row->length, err), err);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, row->k, MOVE_WORLD_N, &codec, err), err);
    for (unsigned stripe = 0; stripe < stripes.stripe_count; stripe++) {
        plant_stripe(world, row, codec, tagger, ec_stripes_cell_size(&stripes, stripe), stripe);
    }
    ec_codec_destroy(codec);
    shard_tagger_destroy(tagger);
}

static void key_of(const struct move_world *world, unsigned index, char key[16])
{
    snprintf(key, 16, "key %u", world->keys[index]);
}

struct meta_segment move_world_row(struct move_world *world, unsigned index)
{
    struct meta_segment row;
    assert_ok(meta_segment_get(
                  world->world.coordinator->store, world->rows[index].id, &row, &world->world.err),
        &world->world.err);
    return row;
}

/* The object of rows[index] is written. */
static void write_object(struct move_world *world, unsigned index)
{
    char key[16];
    struct test_segment segment;
    key_of(world, index, key);
    test_upload(&world->customer, key, &segment);
    memcpy(world->rows[index].id.bytes, segment.id.bytes, META_ID_SIZE);
    memcpy(world->intents[index].bytes, segment.intent.bytes, META_ID_SIZE);
    world->rows[index] = move_world_row(world, index);
    plant(world, &world->rows[index]);
}

void move_world_upload(struct move_world *world)
{
    const unsigned index = world->row_count++;
    assert_true(world->row_count <= MOVE_WORLD_SEGMENTS_MAX);
    world->keys[index] = world->keys_used++;
    write_object(world, index);
}

void move_world_overwrite(struct move_world *world, unsigned index)
{
    write_object(world, index);
}

void move_world_delete(struct move_world *world, unsigned index)
{
    char key[16];
    struct wire_delete_reply reply;
    key_of(world, index, key);
    const struct wire_delete_request request = test_ask_delete(&world->customer, key);
    assert_ok(test_ask(&world->customer, RPC_DELETE, &request, &reply), &world->world.err);
}

/* ---- what is said of them ---- */

static bool is_good(
    struct move_world *world, unsigned index, const struct meta_segment *now, unsigned slot)
{
    const struct fake_order before = order_at(&world->rows[index], slot);
    const struct fake_order after = order_at(now, slot);
    unsigned stripe = 0;
    while (fake_net_cell(&world->net, &before, stripe).size > 0) {
        if (!view_equal(fake_net_cell(&world->net, &before, stripe),
                fake_net_cell(&world->net, &after, stripe))) {
            return false;
        }
        stripe++;
    }
    return stripe > 0;
}

unsigned move_world_good(struct move_world *world, unsigned index)
{
    const struct meta_segment now = move_world_row(world, index);
    unsigned good = 0;
    for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
        good += now.holders[slot].node != 0 && is_good(world, index, &now, slot);
    }
    return good;
}

unsigned move_world_held(struct move_world *world, uint32_t node)
{
    unsigned held = 0;
    for (unsigned i = 0; i < world->row_count; i++) {
        const struct meta_segment row = move_world_row(world, i);
        for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
            held += row.holders[slot].node == node;
        }
    }
    return held;
}

static bool is_named_dead(struct move_world *world, const struct meta_segment *row, unsigned slot)
{
    enum { MAX = 512 };
    static struct meta_id ids[MAX];
    size_t count;
    struct shard_name name;
    struct shard_place place = {.slot = (uint16_t)slot, .p = row->holders[slot].p};
    memcpy(place.segment, row->id.bytes, sizeof(place.segment));
    shard_name_make(&world->world.coordinator->names, &place, &name);
    assert_ok(meta_dead_next(world->world.coordinator->store, row->holders[slot].node,
                  (struct meta_id){{0}}, ids, MAX, &count, &world->world.err),
        &world->world.err);
    assert_true(count < MAX);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(ids[i].bytes, name.id, sizeof(name.id)) == 0) {
            return true;
        }
    }
    return false;
}

void move_world_check(struct move_world *world)
{
    for (unsigned i = 0; i < world->row_count; i++) {
        const struct meta_segment row = move_world_row(world, i);
        assert_int_equal(move_world_good(world, i), MOVE_WORLD_N);
        for (unsigned slot = 0; slot < MOVE_WORLD_N; slot++) {
            assert_false(is_named_dead(world, &row, slot));
        }
    }
}

/* ---- plans ---- */

struct meta_rebalance move_world_plan(
    struct move_world *world, enum rebalance_kind kind, uint32_t leaving, bool starts)
{
    struct meta_rebalance plan = {.kind = kind, .starts = starts};
    assert_ok(meta_rebalance_create(world->world.coordinator->store, &plan, &leaving, leaving != 0,
                  &world->world.err),
        &world->world.err);
    return plan;
}

struct meta_rebalance move_world_read_plan(struct move_world *world, uint64_t number)
{
    struct meta_rebalance plan;
    assert_ok(meta_rebalance_get(world->world.coordinator->store, number, &plan, &world->world.err),
        &world->world.err);
    return plan;
}
