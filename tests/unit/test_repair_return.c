/*
 * A node that comes back after weeks: what is still wanted of it counts again, and what was made
 * anew elsewhere meanwhile it is told to throw away.  Nothing of it is counted while it is away.
 */
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/repair/repair.h"
#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

#define THREE_WEEKS_MS (UINT64_C(21) * 24 * 60 * 60 * 1000)

enum { NODES = REPAIR_WORLD_NODES, N = REPAIR_WORLD_N };

/* Two segments of which one node has a shard each; only one of them can be repaired without it. */
struct absence {
    struct meta_segment repaired;
    struct meta_segment other;
    struct test_member *node;
    unsigned slot; /* of the node in `repaired`, and in the other */
    unsigned other_slot;
};

static unsigned slot_of(const struct meta_segment *row, uint32_t number)
{
    unsigned slot = 0;
    while (slot < N && row->holders[slot].node != number) {
        slot++;
    }
    return slot;
}

static struct absence upload_both(struct repair_world *at)
{
    struct absence absence;
    repair_world_upload_unplanted(at, "other", N);
    absence.other = repair_world_row(at);
    repair_world_upload(at, N);
    absence.repaired = at->row;
    uint32_t number = 1;
    while (slot_of(&absence.other, number) == N || slot_of(&absence.repaired, number) == N) {
        number++;
    }
    absence.node = &at->nodes[number - 1];
    absence.slot = slot_of(&absence.repaired, number);
    absence.other_slot = slot_of(&absence.other, number);
    return absence;
}

/* It is silent, and what can be is made anew. */
static struct absence go_away(struct repair_world *at)
{
    const struct absence absence = upload_both(at);
    repair_world_lose(at, absence.node->number);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.below_n, 2);
    assert_int_equal(status.repaired, 1);
    assert_true(repair_world_row(at).holders[absence.slot].node != absence.node->number);
    return absence;
}

static void come_back(struct repair_world *at, const struct absence *absence)
{
    test_env_step_ms(&at->world.env, THREE_WEEKS_MS);
    for (unsigned i = 0; i < NODES; i++) {
        test_coordinator_heartbeat(&at->world, &at->nodes[i]);
    }
    at->net.nodes[absence->node->number - 1].manner = FAKE_HONEST;
}

static struct meta_id name_of(
    struct repair_world *at, const struct meta_segment *row, unsigned slot)
{
    struct shard_place place = {.slot = (uint16_t)slot, .p = row->holders[slot].p};
    struct shard_name name;
    struct meta_id id;
    memcpy(place.segment, row->id.bytes, sizeof(place.segment));
    shard_name_make(&at->world.coordinator->names, &place, &name);
    memcpy(id.bytes, name.id, sizeof(id.bytes));
    return id;
}

/* What its next heartbeat takes home. */
static bool is_told_to_trash(
    struct repair_world *at, const struct absence *absence, struct meta_id shard)
{
    const struct wire_heartbeat_request request =
        test_coordinator_report(&at->world, absence->node, "there");
    struct wire_heartbeat_reply reply;
    assert_ok(test_coordinator_call(&at->world, absence->node, RPC_HEARTBEAT, &request, &reply),
        &at->world.err);
    for (size_t i = 0; i < reply.trash_count; i++) {
        if (view_equal(reply.trash[i], meta_id_view(&shard))) {
            return true;
        }
    }
    return false;
}

static void what_is_still_wanted_counts_again(void **state)
{
    struct repair_world *at = *state;
    const struct absence absence = go_away(at);
    come_back(at, &absence);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.segments, 2);
    assert_int_equal(status.below_n, 0);
    assert_int_equal(status.queue, 0);
}

static void what_was_made_anew_is_thrown_away_and_nothing_else(void **state)
{
    struct repair_world *at = *state;
    const struct absence absence = go_away(at);
    come_back(at, &absence);
    assert_true(is_told_to_trash(at, &absence, name_of(at, &absence.repaired, absence.slot)));
    assert_false(is_told_to_trash(at, &absence, name_of(at, &absence.other, absence.other_slot)));
}

static void a_node_called_lost_by_an_operator_comes_back_likewise(void **state)
{
    struct repair_world *at = *state;
    const struct absence absence = go_away(at);
    struct coordinator *coordinator = at->world.coordinator;
    assert_ok(
        meta_health_lost(coordinator->store, absence.node->number, META_FENCE_NONE, &at->world.err),
        &at->world.err);
    assert_ok(node_table_reload(coordinator->nodes, &at->world.err), &at->world.err);
    come_back(at, &absence);
    assert_int_equal(repair_world_round(at).below_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, repair_world_set_up, repair_world_tear_down)
        CASE(what_is_still_wanted_counts_again),
        CASE(what_was_made_anew_is_thrown_away_and_nothing_else),
        CASE(a_node_called_lost_by_an_operator_comes_back_likewise),
#undef CASE
    };
    return cmocka_run_group_tests_name("repair_return", tests, NULL, NULL);
}
