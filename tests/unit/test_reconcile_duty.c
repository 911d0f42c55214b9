/*
 * reconcile_duty: what nodes say they have, held against the metadata, by a sweep, a list, another
 * sweep, and a question for each shard that seems to be missing.
 *
 * The metadata and the sweep are real; what nodes say is invented, through the inventory's seam.
 */
#include "coordinator/garbage/reconcile_duty.h"

#include "common/id_sum.h"
#include "coordinator/fleet/node_inventory.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/garbage/reconcile.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_reconcile.h"
#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { SHARD_LENGTH = 4096, N = REPAIR_WORLD_N, SHARDS_MAX = 8, ONE_TURN = RECONCILE_NODES };

/* What a node says of one shard. */
struct said {
    struct shard_name name;
    uint32_t state;       /* enum of the wire */
    bool only_when_asked; /* it came while the list was read */
};

struct listed_node {
    struct said shards[SHARDS_MAX]; /* by id */
    size_t count;
    unsigned lists;  /* asked for, with no end but the last */
    bool breaks_off; /* after the first page */
};

struct fixture {
    struct repair_world *at;
    struct node_inventory inventory;
    struct listed_node nodes[REPAIR_WORLD_NODES + 1]; /* by number */
    struct reconcile_duty *duty;
};

/* ---- the inventory ---- */

static struct fixture *of(struct node_inventory *inventory)
{
    return (struct fixture *)((char *)inventory - offsetof(struct fixture, inventory));
}

static bool is_after(const struct said *said, struct view after)
{
    return after.size == 0 || memcmp(said->name.id, after.bytes, SHARD_ID_SIZE) > 0;
}

static enum hearth_code fake_list(struct node_inventory *inventory, uint32_t number,
    const struct wire_list_shards_request *request, node_inventory_page_fn *page, void *context,
    struct hearth_err *err)
{
    struct listed_node *node = &of(inventory)->nodes[number];
    struct wire_shard_entry entries[SHARDS_MAX];
    struct wire_shard_page all = {.shards = entries, .is_last = !node->breaks_off};
    node->lists += request->max == 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct said *said = &node->shards[i];
        if (is_after(said, request->after) && !(said->only_when_asked && request->max == 0) &&
            (request->max == 0 || all.shards_count < request->max)) {
            entries[all.shards_count++] =
                (struct wire_shard_entry){.shard_id = view_of(said->name.id, SHARD_ID_SIZE),
                    .locator = view_of(said->name.locator, SHARD_LOCATOR_SIZE),
                    .length = SHARD_LENGTH,
                    .state = said->state,
                    .stored_unix_ms = 1};
        }
    }
    page(context, &all);
    return node->breaks_off ? hearth_fail(err, HEARTH_UNREACHABLE, "it is silent") : HEARTH_OK;
}

static enum hearth_code fake_digest(struct node_inventory *inventory, uint32_t number,
    const struct wire_digest_shards_request *request, struct wire_shard_digest *out,
    struct hearth_err *err)
{
    (void)err;
    const struct listed_node *node = &of(inventory)->nodes[number];
    memset(out, 0, request->count * sizeof(*out));
    for (size_t i = 0; i < node->count; i++) {
        struct wire_shard_digest *range = &out[reconcile_range(node->shards[i].name.id)];
        if (node->shards[i].state == WIRE_SHARD_LIVE) {
            range->live++;
            range->live_sum += id_sum_of(node->shards[i].name.id);
        }
    }
    return HEARTH_OK;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(
        ((const struct said *)a)->name.id, ((const struct said *)b)->name.id, SHARD_ID_SIZE);
}

static void say(struct fixture *fixture, uint32_t number, const struct shard_place *place)
{
    struct listed_node *node = &fixture->nodes[number];
    struct said *said = &node->shards[node->count++];
    assert_true(node->count <= SHARDS_MAX);
    *said = (struct said){.state = WIRE_SHARD_LIVE};
    shard_name_make(&fixture->at->world.coordinator->names, place, &said->name);
    qsort(node->shards, node->count, sizeof(node->shards[0]), by_id);
}

/* ---- the world ---- */

static struct shard_place place_of(const struct meta_segment *row, uint16_t slot)
{
    struct shard_place place = {.slot = slot, .p = row->holders[slot].p};
    memcpy(place.segment, row->id.bytes, sizeof(place.segment));
    return place;
}

/* A segment, whose holders all say that they have it. */
static int set_up(void **state)
{
    static const struct node_inventory_ops ops = {.list = fake_list, .digest = fake_digest};
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    void *world;
    repair_world_set_up(&world);
    fixture->at = world;
    fixture->inventory.ops = &ops;
    struct coordinator *coordinator = fixture->at->world.coordinator;
    coordinator->inventory = &fixture->inventory;
    fixture->duty = reconcile_duty_create(coordinator);
    assert_non_null(fixture->duty);
    const struct sweep_watcher watcher = reconcile_watcher(fixture->duty, NULL);
    sweep_watch(coordinator->sweep, &watcher);
    repair_world_upload_unplanted(fixture->at, "key", N);
    fixture->at->row = repair_world_row(fixture->at);
    for (uint16_t slot = 0; slot < N; slot++) {
        const struct shard_place place = place_of(&fixture->at->row, slot);
        say(fixture, fixture->at->row.holders[slot].node, &place);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    void *world = fixture->at;
    fixture->at->world.coordinator->inventory = NULL;
    reconcile_duty_destroy(fixture->duty);
    repair_world_tear_down(&world);
    free(fixture);
    return 0;
}

static void sweep(struct fixture *fixture)
{
    sweep_round(NULL, fixture->at->world.coordinator->sweep);
}

/* Of as many nodes as there are at a time. */
static void take_a_turn(struct fixture *fixture)
{
    reconcile_round(NULL, fixture->duty); /* chosen, or as the round before left it */
    sweep(fixture);
    reconcile_round(NULL, fixture->duty); /* listed */
    sweep(fixture);
    reconcile_round(NULL, fixture->duty); /* written down, and perhaps the next chosen */
}

/* All nodes; due again although it was today. */
static void reconcile_all(struct fixture *fixture)
{
    test_env_step_ms(&fixture->at->world.env, 1);
    reconcile_ask(fixture->duty);
    for (unsigned turn = 0; turn * ONE_TURN < 2 * REPAIR_WORLD_NODES; turn++) {
        take_a_turn(fixture);
    }
}

static struct meta_reconciled done_of(struct fixture *fixture, uint32_t number)
{
    struct test_coordinator *world = &fixture->at->world;
    struct meta_reconciled_list list;
    struct meta_reconciled found = {.node = 0};
    assert_ok(meta_reconciled_list(world->coordinator->store, &world->arena, &list, &world->err),
        &world->err);
    for (size_t i = 0; i < list.count; i++) {
        found = list.rows[i].node == number ? list.rows[i] : found;
    }
    return found;
}

static bool is_damaged(struct fixture *fixture, unsigned slot)
{
    const struct meta_segment row = repair_world_row(fixture->at);
    return ec_slots_has(row.damaged, slot);
}

static uint64_t dead_at(struct fixture *fixture, uint32_t number)
{
    struct test_coordinator *world = &fixture->at->world;
    struct meta_dead_sum dead;
    assert_ok(
        meta_dead_sum(world->coordinator->store, &number, 1, &dead, &world->err), &world->err);
    assert_int_equal(dead.bytes, dead.shards * SHARD_LENGTH);
    return dead.shards;
}

static struct listed_node *holder_of(struct fixture *fixture, unsigned slot)
{
    return &fixture->nodes[fixture->at->row.holders[slot].node];
}

/* ---- the claims ---- */

/* The first time nothing is known of a node, and all of it is looked at. */
static void what_agrees_is_not_listed_again(void **state)
{
    struct fixture *fixture = *state;
    reconcile_all(fixture);
    for (uint32_t number = 1; number <= REPAIR_WORLD_NODES; number++) {
        assert_int_equal(done_of(fixture, number).node, number);
        assert_true(fixture->nodes[number].lists > 0);
        fixture->nodes[number].lists = 0;
    }
    reconcile_all(fixture);
    for (uint32_t number = 1; number <= REPAIR_WORLD_NODES; number++) {
        assert_int_equal(fixture->nodes[number].lists, 0);
        assert_int_equal(dead_at(fixture, number), 0);
    }
    for (unsigned slot = 0; slot < N; slot++) {
        assert_false(is_damaged(fixture, slot));
    }
}

static void a_shard_that_is_missing_is_handed_to_repair(void **state)
{
    struct fixture *fixture = *state;
    reconcile_all(fixture);
    holder_of(fixture, 2)->count = 0;
    reconcile_all(fixture);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_int_equal(is_damaged(fixture, slot), slot == 2);
    }
    assert_int_equal(done_of(fixture, fixture->at->row.holders[2].node).missing, 1);
    assert_int_equal(repair_world_row(fixture->at).holders[2].node,
        fixture->at->row.holders[2].node); /* it keeps its slot: it may be there after all */
}

static void one_that_came_while_the_list_was_read_is_not_missing(void **state)
{
    struct fixture *fixture = *state;
    holder_of(fixture, 2)->shards[0].only_when_asked = true;
    reconcile_all(fixture);
    assert_false(is_damaged(fixture, 2));
    assert_int_equal(done_of(fixture, fixture->at->row.holders[2].node).missing, 0);
}

static void a_shard_that_nobody_names_is_named_dead(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place stray = {.segment = {9, 9, 9}, .slot = 1, .p = 1};
    reconcile_all(fixture);
    say(fixture, 3, &stray);
    reconcile_all(fixture);
    for (uint32_t number = 1; number <= REPAIR_WORLD_NODES; number++) {
        assert_int_equal(dead_at(fixture, number), number == 3);
    }
    assert_int_equal(done_of(fixture, 3).unwanted, 1);
    assert_false(is_damaged(fixture, 0));
}

/* Another slot's name for the same bytes, or one that no key of ours made. */
static void what_is_not_one_of_our_names_is_passed_over(void **state)
{
    struct fixture *fixture = *state;
    const struct shard_place stray = {.segment = {9, 9, 9}, .slot = 1, .p = 1};
    say(fixture, 3, &stray);
    for (size_t i = 0; i < fixture->nodes[3].count; i++) {
        fixture->nodes[3].shards[i].name.locator[0] ^= 1;
    }
    reconcile_all(fixture);
    assert_int_equal(dead_at(fixture, 3), 0);
    assert_int_equal(done_of(fixture, 3).shards, 0);
}

static void what_is_wanted_and_in_the_trash_is_made_anew(void **state)
{
    struct fixture *fixture = *state;
    holder_of(fixture, 4)->shards[0].state = WIRE_SHARD_TRASH;
    reconcile_all(fixture);
    assert_true(is_damaged(fixture, 4));
    assert_int_equal(done_of(fixture, fixture->at->row.holders[4].node).wanted_in_trash, 1);
}

static void a_list_that_breaks_off_says_nothing_of_the_rest(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t number = fixture->at->row.holders[2].node;
    holder_of(fixture, 2)->count = 0;
    holder_of(fixture, 2)->breaks_off = true;
    reconcile_all(fixture);
    assert_false(is_damaged(fixture, 2));
    assert_int_equal(done_of(fixture, number).node, 0); /* its turn is not over */
    holder_of(fixture, 2)->breaks_off = false;
    reconcile_all(fixture);
    assert_true(is_damaged(fixture, 2));
    assert_int_equal(done_of(fixture, number).node, number);
}

/* A pass that was under way when the node was chosen has not seen all that it should have. */
static void nothing_is_held_against_half_a_sweep(void **state)
{
    struct fixture *fixture = *state;
    sweep(fixture); /* nobody was chosen yet */
    reconcile_round(NULL, fixture->duty);
    reconcile_round(NULL, fixture->duty); /* and no sweep since */
    for (uint32_t number = 1; number <= REPAIR_WORLD_NODES; number++) {
        assert_int_equal(fixture->nodes[number].lists, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(what_agrees_is_not_listed_again),
        CASE(a_shard_that_is_missing_is_handed_to_repair),
        CASE(one_that_came_while_the_list_was_read_is_not_missing),
        CASE(a_shard_that_nobody_names_is_named_dead),
        CASE(what_is_not_one_of_our_names_is_passed_over),
        CASE(what_is_wanted_and_in_the_trash_is_made_anew),
        CASE(a_list_that_breaks_off_says_nothing_of_the_rest),
        CASE(nothing_is_held_against_half_a_sweep),
#undef CASE
    };
    return cmocka_run_group_tests_name("reconcile_duty", tests, NULL, NULL);
}
