/*
 * repair_segment: what is rebuilt is what was lost, byte for byte, from any k holders, whatever
 * the others send or do; and nothing false ever leaves.
 *
 * Nodes are invented and time is stepped.  Slot s is at node s, placement 1; what is rebuilt goes
 * to placement 2 of the same node, and is compared with placement 1, which is not read from.
 */
#include "coordinator/repair/repair_segment.h"

#include "erasure/ec_codec.h"
#include "proto/wire_messages.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { STRIPE = 4 * EC_UNIT_PLAIN_SIZE, SLOTS_MAX = FAKE_NODES_MAX };

static const struct wire_endpoint endpoint = {.host = {(const uint8_t *)"node", 4}};

struct fixture {
    struct test_env env;
    struct fake_net net;
    unsigned k, n;
    uint64_t length;
    struct ec_stripes stripes;
    struct wire_node_address addresses[SLOTS_MAX];
    struct fake_order source_orders[SLOTS_MAX];
    struct fake_order target_orders[SLOTS_MAX];
    struct repair_source sources[SLOTS_MAX];
    unsigned source_count;
    struct repair_target targets[SLOTS_MAX];
    unsigned target_count;
    bool accused[SLOTS_MAX];
    unsigned passed[SLOTS_MAX]; /* stripes of which its node gave or got a cell */
    struct hearth_err err;
};

/* ---- a segment ---- */

static struct fake_order order_of(unsigned action, unsigned slot, unsigned number, uint8_t segment)
{
    return (struct fake_order){
        .action = action, .node = slot, .segment_id = {segment}, .slot = slot, .number = number};
}

static void plant_stripe(struct fixture *at, const struct ec_codec *codec,
    struct shard_tagger *tagger, unsigned stripe, uint8_t segment)
{
    const size_t size = ec_stripes_cell_size(&at->stripes, stripe);
    uint8_t *cells[SLOTS_MAX];
    for (unsigned slot = 0; slot < at->n; slot++) {
        cells[slot] = malloc(size + EC_CELL_TAG_SIZE);
        for (size_t i = 0; i < size && slot < at->k; i++) {
            cells[slot][i] = (uint8_t)(segment * 5 + slot * 31 + stripe * 101 + i * 7 + i / 256);
        }
    }
    ec_codec_encode(codec, size, cells);
    for (unsigned slot = 0; slot < at->n; slot++) {
        const struct fake_order order = order_of(FAKE_GET, slot, 1, segment);
        shard_tag_make(tagger, slot, stripe, view_of(cells[slot], size), cells[slot] + size);
        fake_net_plant_cell(&at->net, &order, view_of(cells[slot], size + EC_CELL_TAG_SIZE));
        free(cells[slot]);
    }
}

static void plant_segment(struct fixture *at, uint8_t segment)
{
    struct ec_codec *codec;
    const struct verify_key vk = {{segment}};
    struct shard_tagger *tagger = shard_tagger_create(&vk);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, at->k, at->n, &codec, &at->err), &at->err);
    for (unsigned stripe = 0; stripe < at->stripes.stripe_count; stripe++) {
        plant_stripe(at, codec, tagger, stripe, segment);
    }
    ec_codec_destroy(codec);
    shard_tagger_destroy(tagger);
}

static struct fixture *create(unsigned k, unsigned n, uint64_t length)
{
    struct fixture *at = calloc(1, sizeof(*at));
    assert_non_null(at);
    at->k = k;
    at->n = n;
    at->length = length;
    test_env_init(&at->env, 1);
    fake_net_init(&at->net, &at->env, n);
    at->net.receipt_size = RECEIPT_SIZE;
    assert_ok(ec_stripes_init(&at->stripes, k, length, &at->err), &at->err);
    plant_segment(at, 1);
    for (unsigned slot = 0; slot < n; slot++) {
        at->addresses[slot] = (struct wire_node_address){
            .node_id = view_of(at->net.nodes[slot].id, FAKE_NODE_ID_SIZE),
            .endpoints = &endpoint,
            .endpoints_count = 1};
        at->source_orders[slot] = order_of(FAKE_GET, slot, 1, 1);
        at->target_orders[slot] = order_of(FAKE_PUT, slot, 2, 1);
    }
    return at;
}

static void destroy(struct fixture *at)
{
    fake_net_fini(&at->net);
    free(at);
}

static void add_source(struct fixture *at, unsigned slot)
{
    at->sources[at->source_count++] = (struct repair_source){
        .slot = slot,
        .node = slot + 1,
        .door = {&at->addresses[slot],
            view_of(&at->source_orders[slot], sizeof(at->source_orders[slot]))},
    };
}

static void add_target(struct fixture *at, unsigned slot)
{
    at->targets[at->target_count++] = (struct repair_target){
        .slot = slot,
        .p = 2,
        .node = slot + 1,
        .door = {&at->addresses[slot],
            view_of(&at->target_orders[slot], sizeof(at->target_orders[slot]))},
    };
}

/* The first `missing` slots have to be rebuilt, from all others. */
static void lose_first(struct fixture *at, unsigned missing)
{
    for (unsigned slot = 0; slot < at->n; slot++) {
        if (slot < missing) {
            add_target(at, slot);
        } else {
            add_source(at, slot);
        }
    }
}

static void note_accused(void *context, const struct repair_source *source, const char *why)
{
    struct fixture *at = context;
    assert_true(why[0] != '\0');
    assert_int_equal(source->node, source->slot + 1);
    at->accused[source->slot] = true;
}

static uint64_t note_passed(void *context, const struct repair_passed *passed)
{
    struct fixture *at = context;
    assert_true(passed->bytes_each > EC_CELL_TAG_SIZE);
    for (unsigned i = 0; i < passed->count; i++) {
        at->passed[passed->nodes[i] - 1]++;
    }
    return 0;
}

static enum hearth_code repair(struct fixture *at)
{
    const struct repair_job job = {
        .net = &at->net.net,
        .env = &at->env.env,
        .codec_id = EC_CODEC_CAUCHY,
        .k = at->k,
        .n = at->n,
        .length = at->length,
        .vk = {{1}},
        .sources = at->sources,
        .source_count = at->source_count,
        .targets = at->targets,
        .target_count = at->target_count,
        .accuse = note_accused,
        .pass_ns = note_passed,
        .context = at,
    };
    enum hearth_code code = repair_segment_blocking(&job, &at->err);
    assert_int_equal(at->net.calls_open, 0);
    return code;
}

static bool is_stored(const struct fixture *at, unsigned slot)
{
    return fake_net_has_shard(&at->net, &at->target_orders[slot]);
}

/* Every shard that got to a target is the one that was lost; returns how many did. */
static unsigned assert_equal_to_the_lost(const struct fixture *at)
{
    unsigned stored = 0;
    for (unsigned i = 0; i < at->target_count; i++) {
        const unsigned slot = at->targets[i].slot;
        if (!is_stored(at, slot)) {
            assert_false(at->targets[i].is_stored);
            continue;
        }
        stored += at->targets[i].is_stored;
        for (unsigned stripe = 0; stripe < at->stripes.stripe_count; stripe++) {
            const struct view lost = fake_net_cell(&at->net, &at->source_orders[slot], stripe);
            const struct view made = fake_net_cell(&at->net, &at->target_orders[slot], stripe);
            assert_true(lost.size > 0);
            assert_true(view_equal(lost, made));
        }
    }
    return stored;
}

static unsigned count_accused(const struct fixture *at)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < at->n; slot++) {
        count += at->accused[slot];
    }
    return count;
}

/* ---- sources ---- */

static void any_k_holders_give_back_all_others(void **state)
{
    (void)state;
    for (unsigned set = 0; set < 1u << 8; set++) {
        if (__builtin_popcount(set) != 4) {
            continue;
        }
        struct fixture *at = create(4, 8, STRIPE / 8);
        for (unsigned slot = 0; slot < 8; slot++) {
            (set >> slot & 1 ? add_source : add_target)(at, slot);
        }
        assert_ok(repair(at), &at->err);
        assert_int_equal(assert_equal_to_the_lost(at), 4);
        assert_int_equal(count_accused(at), 0);
        destroy(at);
    }
}

/* Two of seven; the first two that are asked. */
static void repair_despite(enum fake_manner manner)
{
    struct fixture *at = create(4, 8, 2 * STRIPE + 1000);
    plant_segment(at, 9); /* as large: what FAKE_OTHER_OBJECT sends */
    lose_first(at, 1);
    at->net.nodes[1].manner = manner;
    at->net.nodes[3].manner = manner;
    assert_ok(repair(at), &at->err);
    assert_int_equal(assert_equal_to_the_lost(at), 1);
    assert_true(at->accused[1]);
    assert_true(at->accused[3]);
    assert_int_equal(count_accused(at), 2);
    destroy(at);
}

static void liars_of_every_manner_are_named_and_nothing_of_theirs_spreads(void **state)
{
    (void)state;
    for (enum fake_manner manner = FAKE_FLIPS_A_BIT; manner < FAKE_MANNERS; manner++) {
        repair_despite(manner);
    }
}

static void sources_that_are_dead_stopped_slow_or_die_are_replaced(void **state)
{
    (void)state;
    repair_despite(FAKE_DEAD);
    repair_despite(FAKE_STOPPED);
    repair_despite(FAKE_DRIPPING);
    repair_despite(FAKE_DIES_MIDWAY);
}

/* Who steps in is counted from there on, who failed is not any more. */
static void each_stripe_is_put_down_to_who_gave_it_and_who_got_it(void **state)
{
    (void)state;
    enum { STRIPES = 20 };
    struct fixture *at = create(4, 8, STRIPES * STRIPE);
    lose_first(at, 2);
    at->net.nodes[1].manner = FAKE_DEAD;        /* a target, found out in time */
    at->net.nodes[2].manner = FAKE_FLIPS_A_BIT; /* a source; node 6 steps in at once */
    at->net.nodes[3].manner = FAKE_DIES_MIDWAY; /* after two cells; node 7 does */
    assert_ok(repair(at), &at->err);
    assert_int_equal(at->passed[0], STRIPES);
    assert_true(at->passed[1] < STRIPES);
    assert_int_equal(at->passed[2], 0);
    assert_int_equal(at->passed[3], 2);
    assert_int_equal(at->passed[4], STRIPES);
    assert_int_equal(at->passed[5], STRIPES);
    assert_int_equal(at->passed[6], STRIPES);
    assert_int_equal(at->passed[7], STRIPES - 2);
    destroy(at);
}

static void more_liars_than_can_be_spared_store_nothing(void **state)
{
    (void)state;
    struct fixture *at = create(4, 8, 2 * STRIPE + 1000);
    lose_first(at, 1);
    for (unsigned slot = 1; slot <= 4; slot++) {
        at->net.nodes[slot].manner = FAKE_FLIPS_A_BIT;
    }
    assert_int_equal(repair(at), HEARTH_SHARDS_LOST);
    assert_false(is_stored(at, 0));
    assert_int_equal(count_accused(at), 4);
    destroy(at);
}

static void fewer_sources_than_k_ask_nobody_to_store_anything(void **state)
{
    (void)state;
    struct fixture *at = create(4, 8, STRIPE);
    for (unsigned slot = 0; slot < 3; slot++) {
        add_source(at, slot);
    }
    add_target(at, 5);
    assert_int_equal(repair(at), HEARTH_SHARDS_LOST);
    assert_int_equal(at->net.nodes[5].puts, 0);
    destroy(at);
}

/* ---- targets ---- */

static void a_target_that_fails_does_not_hold_up_the_others(void **state)
{
    (void)state;
    static const enum fake_manner manners[] = {
        FAKE_DEAD, FAKE_STOPPED, FAKE_DRIPPING, FAKE_DIES_MIDWAY};
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct fixture *at = create(4, 8, 20 * STRIPE);
        lose_first(at, 3);
        at->net.nodes[1].manner = manners[i];
        assert_ok(repair(at), &at->err);
        assert_int_equal(assert_equal_to_the_lost(at), 2);
        assert_false(at->targets[1].is_stored);
        assert_int_equal(count_accused(at), 0);
        destroy(at);
    }
}

static void when_all_targets_fail_that_is_said(void **state)
{
    (void)state;
    static const enum fake_manner manners[] = {FAKE_DEAD, FAKE_STOPPED, FAKE_DIES_MIDWAY};
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct fixture *at = create(4, 8, 20 * STRIPE);
        lose_first(at, 2);
        at->net.nodes[0].manner = manners[i];
        at->net.nodes[1].manner = manners[i];
        assert_int_equal(repair(at), HEARTH_UNREACHABLE);
        assert_int_equal(assert_equal_to_the_lost(at), 0);
        destroy(at);
    }
}

/* Never silent for long enough to be given up, and never done. */
static void peers_that_only_just_go_on_are_ended_at_the_deadline(void **state)
{
    (void)state;
    struct fixture *at = create(4, 8, 20 * STRIPE);
    lose_first(at, 1);
    for (unsigned slot = 0; slot < at->n; slot++) {
        at->net.nodes[slot].cell_us = 1000 * (REPAIR_STALL_MS - 100);
    }
    const uint64_t most_ms = REPAIR_LEAST_MS + at->length / REPAIR_BYTES_PER_MS;
    const uint64_t start_ns = env_now_ns(&at->env.env);
    assert_int_equal(repair(at), HEARTH_DEADLINE);
    assert_in_range((env_now_ns(&at->env.env) - start_ns) / 1000000, most_ms, most_ms + 1);
    assert_false(at->targets[0].is_stored);
    destroy(at);
}

static void memory_does_not_grow_with_the_segment(void **state)
{
    (void)state;
    struct fixture *at = create(4, 8, 40 * STRIPE);
    lose_first(at, 3);
    at->net.nodes[2].manner = FAKE_SLOW;
    assert_ok(repair(at), &at->err);
    assert_int_equal(assert_equal_to_the_lost(at), 3);
    assert_true(at->net.bytes_queued_max <=
        (uint64_t)3 * REPAIR_QUEUED_CELLS_MAX * (EC_CELL_SIZE_MAX + EC_CELL_TAG_SIZE));
    destroy(at);
}

/* ---- what is made ---- */

enum hearth_code __real_ec_codec_rebuild(const struct ec_codec *codec, size_t cell_size,
    uint8_t *const cells[], struct ec_slots have, struct ec_slots wanted, struct hearth_err *err);

enum hearth_code __wrap_ec_codec_rebuild(const struct ec_codec *codec, size_t cell_size,
    uint8_t *const cells[], struct ec_slots have, struct ec_slots wanted, struct hearth_err *err);

/* The slot of which a wrong byte comes out when all that are missing are made; EC_SLOTS_MAX: none.
 */
static unsigned errs_at = EC_SLOTS_MAX;

/* Memory that fails, a kernel of arithmetic that errs on this very machine. */
enum hearth_code __wrap_ec_codec_rebuild(const struct ec_codec *codec, size_t cell_size,
    uint8_t *const cells[], struct ec_slots have, struct ec_slots wanted, struct hearth_err *err)
{
    enum hearth_code code = __real_ec_codec_rebuild(codec, cell_size, cells, have, wanted, err);
    if (errs_at < EC_SLOTS_MAX && ec_slots_has(wanted, errs_at)) {
        cells[errs_at][cell_size / 2] ^= 1;
    }
    return code;
}

static void what_does_not_give_back_its_inputs_never_leaves(void **state)
{
    (void)state;
    for (unsigned slot = 0; slot < 3; slot++) {
        struct fixture *at = create(4, 8, 2 * STRIPE + 1000);
        lose_first(at, 3);
        errs_at = slot;
        assert_int_equal(repair(at), HEARTH_INTERNAL);
        errs_at = EC_SLOTS_MAX;
        for (unsigned target = 0; target < 3; target++) {
            assert_int_equal(fake_net_cell(&at->net, &at->target_orders[target], 0).size, 0);
            assert_false(at->targets[target].is_stored);
        }
        destroy(at);
    }
}

/* ---- shapes ---- */

static void last_stripes_of_all_shapes_are_rebuilt(void **state)
{
    (void)state;
    struct test_env chance;
    test_env_init(&chance, 77);
    for (unsigned i = 0; i < 60; i++) {
        const unsigned k = 1 + (unsigned)env_random_below(&chance.env, 8);
        const unsigned n = k + 1 + (unsigned)env_random_below(&chance.env, 6);
        const unsigned missing = 1 + (unsigned)env_random_below(&chance.env, n - k);
        const uint64_t most = 2 * (uint64_t)k * EC_UNIT_PLAIN_SIZE;
        struct fixture *at = create(k, n, 1 + env_random_below(&chance.env, most));
        lose_first(at, missing);
        assert_ok(repair(at), &at->err);
        assert_int_equal(assert_equal_to_the_lost(at), missing);
        destroy(at);
    }
}

static void a_wide_code_is_rebuilt(void **state)
{
    (void)state;
    struct fixture *at = create(16, 40, 16 * EC_UNIT_PLAIN_SIZE + 12345);
    lose_first(at, 20);
    at->net.nodes[25].manner = FAKE_FLIPS_A_BIT;
    at->net.nodes[26].manner = FAKE_DEAD;
    assert_ok(repair(at), &at->err);
    assert_int_equal(assert_equal_to_the_lost(at), 20);
    destroy(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_k_holders_give_back_all_others),
        cmocka_unit_test(liars_of_every_manner_are_named_and_nothing_of_theirs_spreads),
        cmocka_unit_test(sources_that_are_dead_stopped_slow_or_die_are_replaced),
        cmocka_unit_test(each_stripe_is_put_down_to_who_gave_it_and_who_got_it),
        cmocka_unit_test(more_liars_than_can_be_spared_store_nothing),
        cmocka_unit_test(fewer_sources_than_k_ask_nobody_to_store_anything),
        cmocka_unit_test(a_target_that_fails_does_not_hold_up_the_others),
        cmocka_unit_test(when_all_targets_fail_that_is_said),
        cmocka_unit_test(peers_that_only_just_go_on_are_ended_at_the_deadline),
        cmocka_unit_test(memory_does_not_grow_with_the_segment),
        cmocka_unit_test(what_does_not_give_back_its_inputs_never_leaves),
        cmocka_unit_test(last_stripes_of_all_shapes_are_rebuilt),
        cmocka_unit_test(a_wide_code_is_rebuilt),
    };
    return cmocka_run_group_tests_name("repair_segment", tests, NULL, NULL);
}
