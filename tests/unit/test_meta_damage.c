/*
 * A node says that a shard of its own does not verify: the slot counts as missing and is due, until
 * somebody else has taken it over.  What others say of it, and names nobody made, change nothing.
 */
#include "coordinator/meta/meta_damage.h"

#include "coordinator/meta/meta_segment.h"
#include "coordinator/repair/repair.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum { NODES = 10, N = 8, SLOT = 3 };

struct fixture {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_member *nodes; /* node i has number i + 1 */
    struct test_segment segment;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    assert_non_null(at);
    test_coordinator_init(&at->world);
    at->nodes = test_coordinator_nodes(&at->world, NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    test_upload(&at->customer, "key", &at->segment);
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

static struct meta_segment row_of(struct fixture *at)
{
    struct meta_segment row;
    struct meta_id id;
    memcpy(id.bytes, at->segment.id.bytes, sizeof(id.bytes));
    assert_ok(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), &at->world.err);
    return row;
}

static struct shard_name name_of(struct fixture *at, unsigned slot, uint16_t p)
{
    struct shard_name name;
    struct shard_place place = {.slot = (uint16_t)slot, .p = p};
    memcpy(place.segment, at->segment.id.bytes, sizeof(place.segment));
    shard_name_make(&at->world.coordinator->names, &place, &name);
    return name;
}

/* A heartbeat of a node that calls the shard damaged. */
static void say_damaged(struct fixture *at, struct test_member *node, const struct shard_name *name)
{
    struct wire_damaged_shard row = {.shard_id = view_of(name->id, sizeof(name->id)),
        .locator = view_of(name->locator, sizeof(name->locator))};
    struct wire_heartbeat_request request = test_coordinator_report(&at->world, node, "there");
    struct wire_heartbeat_reply reply;
    request.damaged = &row;
    request.damaged_count = 1;
    assert_ok(
        test_coordinator_call(&at->world, node, RPC_HEARTBEAT, &request, &reply), &at->world.err);
}

static struct test_member *holder_of(struct fixture *at, unsigned slot)
{
    return &at->nodes[row_of(at).holders[slot].node - 1];
}

static struct repair_status count(struct fixture *at)
{
    return test_coordinator_repair(&at->world);
}

static void a_slot_whose_node_calls_it_damaged_counts_as_missing(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(count(at).below_n, 0);
    struct shard_name name = name_of(at, SLOT, row_of(at).holders[SLOT].p);
    say_damaged(at, holder_of(at, SLOT), &name);
    struct meta_segment row = row_of(at);
    assert_true(ec_slots_has(row.damaged, SLOT));
    assert_int_equal(ec_slots_count(row.damaged), 1);
    assert_true(row.holders[SLOT].node != 0); /* it stays a holder until there is another (D7) */
    assert_int_equal(row.generation, 1);
    assert_int_equal(count(at).below_n, 1);
    assert_int_equal(count(at).queue, 1);
    say_damaged(at, holder_of(at, SLOT), &name);
    assert_int_equal(ec_slots_count(row_of(at).damaged), 1);
}

static void only_its_holder_can_say_so_and_only_of_what_it_holds(void **state)
{
    struct fixture *at = *state;
    uint16_t p = row_of(at).holders[SLOT].p;
    struct shard_name name = name_of(at, SLOT, p);
    struct shard_name another = name_of(at, SLOT, (uint16_t)(p + 1));
    struct shard_name beyond = name_of(at, N, p);
    struct shard_name forged = name;
    forged.locator[0] ^= 1;
    say_damaged(at, holder_of(at, SLOT + 1), &name);
    say_damaged(at, holder_of(at, SLOT), &another);
    say_damaged(at, holder_of(at, SLOT), &beyond);
    say_damaged(at, holder_of(at, SLOT), &forged);
    assert_true(ec_slots_empty(row_of(at).damaged));
}

static void who_takes_the_slot_over_takes_the_mark_away(void **state)
{
    struct fixture *at = *state;
    struct meta_store *store = at->world.coordinator->store;
    for (unsigned slot = SLOT; slot < SLOT + 2; slot++) {
        struct shard_name name = name_of(at, slot, row_of(at).holders[slot].p);
        say_damaged(at, holder_of(at, slot), &name);
    }
    struct meta_segment row = row_of(at);
    struct meta_offers offers;
    const struct meta_offer offer = {.slot = SLOT, .node = row.holders[SLOT].node};
    const struct meta_repair_offer request = {
        .segment = row.id, .generation = row.generation, .offers = &offer, .offer_count = 1};
    assert_ok(meta_repair_offer(store, &request, &offers, &at->world.err), &at->world.err);
    const struct meta_receipt receipt = {.slot = SLOT,
        .p = offers.offers[0].p,
        .node = offer.node,
        .shard_length = test_shard_size()};
    const struct meta_repair_apply apply = {.segment = row.id,
        .generation = row.generation,
        .shard_length = test_shard_size(),
        .receipts = &receipt,
        .receipt_count = 1};
    struct meta_seal_result result;
    assert_ok(meta_repair_apply(store, &apply, &result, &at->world.err), &at->world.err);
    assert_false(ec_slots_has(row_of(at).damaged, SLOT));
    assert_true(ec_slots_has(row_of(at).damaged, SLOT + 1));
    struct shard_name old = name_of(at, SLOT, row.holders[SLOT].p);
    say_damaged(at, holder_of(at, SLOT), &old); /* late news of what it held before */
    assert_false(ec_slots_has(row_of(at).damaged, SLOT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_slot_whose_node_calls_it_damaged_counts_as_missing),
        CASE(only_its_holder_can_say_so_and_only_of_what_it_holds),
        CASE(who_takes_the_slot_over_takes_the_mark_away),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_damage", tests, NULL, NULL);
}
