/*
 * repair under faults, on invented nodes: sources that turn bad, targets that die, only k left,
 * several missing at once, a budget, a queue that outlives the process.
 *
 * Whatever happens, the number of good shards of a segment never falls (D7).
 */
#include "coordinator/fleet/sweep.h"
#include "coordinator/meta/meta_repair.h"
#include "coordinator/repair/repair.h"
#include "coordinator/repair/repair_backoff.h"
#include "coordinator/service/invitation.h"
#include "tests/lib/repair_world.h"
#include "tests/lib/test.h"

enum {
    NODES = REPAIR_WORLD_NODES,
    K = 4,
    N = REPAIR_WORLD_N,
    LOST_SLOT = REPAIR_WORLD_LOST_SLOT,
    SEEDS = 24,
};

static struct fake_node *holder(struct repair_world *at, unsigned slot)
{
    return &at->net.nodes[at->row.holders[slot].node - 1];
}

/* Their nodes are silent until they count as lost; returns them. */
static void lose_slots(struct repair_world *at, unsigned first, unsigned count, uint32_t silent[N])
{
    for (unsigned i = 0; i < count; i++) {
        silent[i] = at->row.holders[first + i].node;
        holder(at, first + i)->manner = FAKE_DEAD;
    }
    repair_world_pass(at, REPAIR_WORLD_LOST_AFTER_S * 1000, count, silent);
}

static unsigned count_gets(const struct repair_world *at)
{
    unsigned gets = 0;
    for (unsigned i = 0; i < NODES; i++) {
        gets += at->net.nodes[i].gets;
    }
    return gets;
}

static void all_missing_shards_come_out_of_one_read_of_k(void **state)
{
    struct repair_world *at = *state;
    uint32_t silent[N];
    repair_world_upload(at, N);
    lose_slots(at, 0, 2, silent);
    assert_int_equal(repair_world_round(at).repaired, 2);
    assert_int_equal(count_gets(at), K);
    assert_int_equal(repair_world_good_shards(at), N);
}

/* Both spares get one; the two others wait until there are nodes to take them. */
static void with_only_k_left_it_is_rebuilt_as_far_as_there_are_nodes(void **state)
{
    struct repair_world *at = *state;
    uint32_t silent[N];
    repair_world_upload(at, N);
    lose_slots(at, 0, N - K, silent);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.repaired, 2);
    assert_int_equal(status.unreadable, 0);
    assert_int_equal(repair_world_good_shards(at), K + 2);
    assert_int_equal(repair_world_round(at).without_place, 1);
}

static void fewer_than_k_are_named_and_left_alone(void **state)
{
    struct repair_world *at = *state;
    struct repair_lost lost;
    uint32_t silent[N];
    repair_world_upload(at, N);
    repair_world_round(at);
    assert_false(repair_is_unreadable(at->world.coordinator->repair, at->row.id, &lost));
    lose_slots(at, 0, N - K + 1, silent);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.unreadable, 1);
    assert_int_equal(status.lost, 1);
    assert_int_equal(status.queue, 0);
    assert_int_equal(count_gets(at), 0);
    assert_true(repair_is_unreadable(at->world.coordinator->repair, at->row.id, &lost));
    assert_true(lost.is_lost);

    /* One comes back: it is repaired, and off the list. */
    holder(at, 0)->manner = FAKE_HONEST;
    repair_world_pass(at, REPAIR_WORLD_STEP_MS, N - K, silent + 1);
    assert_int_equal(repair_world_round(at).repaired, 2);
    repair_world_round(at);
    assert_false(repair_is_unreadable(at->world.coordinator->repair, at->row.id, &lost));
}

/* Silent for less than `lost after`: unreadable, and nothing is given up. */
static void silent_is_not_lost(void **state)
{
    struct repair_world *at = *state;
    struct repair_lost lost;
    uint32_t silent[N];
    repair_world_upload(at, N);
    for (unsigned slot = 0; slot < N - K + 1; slot++) {
        silent[slot] = at->row.holders[slot].node;
    }
    repair_world_pass(at, 15 * TEST_HEARTBEAT_MS, N - K + 1, silent);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.unreadable, 1);
    assert_int_equal(status.lost, 0);
    assert_true(repair_is_unreadable(at->world.coordinator->repair, at->row.id, &lost));
    assert_false(lost.is_lost);
}

/* ---- new holders ---- */

/* Enrolled with the owner, or from the network, of somebody else. */
static void add_kin(struct repair_world *at, unsigned owner, unsigned network)
{
    struct wire_enrol_reply reply;
    char name[32];
    char address[32];
    snprintf(name, sizeof(name), "owner %u", owner);
    snprintf(address, sizeof(address), "10.0.%u.1", network);
    const struct invitation invitation = {.kind = PEER_NODE, .owner = view_text(name)};
    struct view token = test_coordinator_invite(&at->world, &invitation);
    struct test_member *member = test_coordinator_stranger(&at->world);
    assert_ok(test_coordinator_enrol(&at->world, member, token, address, &reply), &at->world.err);
    const unsigned dialled = test_gate_count(&at->world.dialled);
    test_coordinator_heartbeat(&at->world, member);
    test_gate_wait(&at->world.dialled, dialled + 1);
}

/* All that is left to take the shard lives with somebody who holds another. */
static void who_shares_an_owner_or_a_network_with_a_holder_is_no_new_holder(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    repair_world_leave_no_place(at);
    const unsigned held_by = at->row.holders[0].node - 1; /* its owner, its network */
    add_kin(at, held_by, 200);
    add_kin(at, 201, held_by);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.queue, 1);
    assert_int_equal(status.without_place, 1);
    assert_int_equal(repair_world_row(at).last_p, 1); /* nobody was offered it */
}

/* ---- seeded ---- */

static const enum fake_manner manners[] = {FAKE_DEAD, FAKE_STOPPED, FAKE_DIES_MIDWAY,
    FAKE_BUSY_MIDWAY, FAKE_FLIPS_A_BIT, FAKE_SWAPS_CELLS, FAKE_OTHER_SHARD, FAKE_WRONG_LENGTH,
    FAKE_EMPTY, FAKE_ENDS_EARLY};

static void change_manner(struct repair_world *at, struct fake_node *node)
{
    struct env *env = &at->world.env.env;
    if (env_random_below(env, 3) == 0) {
        node->manner = manners[env_random_below(env, sizeof(manners) / sizeof(manners[0]))];
    }
}

/* In the middle of a repair one of the others turns bad. */
static void turn_bad(struct fake_net *net, void *context)
{
    struct repair_world *at = context;
    change_manner(at, &net->nodes[env_random_below(&at->world.env.env, NODES)]);
}

static bool is_among(uint32_t number, unsigned count, const uint32_t *numbers)
{
    for (unsigned i = 0; i < count; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* Slots whose shard is where the row says, at a node that is not lost; how that one behaves now is
 * another matter. */
static unsigned count_present(
    struct repair_world *at, unsigned silent_count, const uint32_t *silent)
{
    const struct meta_segment row = repair_world_row(at);
    unsigned present = 0;
    for (unsigned slot = 0; slot < N; slot++) {
        const struct fake_order order = repair_world_order(&row, slot);
        present += !is_among(row.holders[slot].node, silent_count, silent) &&
            fake_net_has_shard(&at->net, &order);
    }
    return present;
}

/* What it is like now is bad enough: from here on it must not become worse by repair. */
static void check_rounds(struct repair_world *at, unsigned silent_count, const uint32_t *silent)
{
    unsigned present = count_present(at, silent_count, silent);
    for (unsigned round = 0; round < 5; round++) {
        repair_world_round(at);
        assert_true(count_present(at, silent_count, silent) >= present);
        present = count_present(at, silent_count, silent);
        repair_world_pass(at, REPAIR_BACKOFF_FIRST_MS << round, silent_count, silent);
    }
}

static void one_bad_world(struct repair_world *at, uint64_t seed)
{
    uint32_t silent[N];
    at->world.env.random_state = seed * 7919 + 1;
    repair_world_upload(at, N);
    const unsigned lost = 1 + (unsigned)env_random_below(&at->world.env.env, 3);
    lose_slots(at, 0, lost, silent);
    for (unsigned i = 0; i < NODES; i++) {
        if (at->net.nodes[i].manner == FAKE_HONEST) {
            change_manner(at, &at->net.nodes[i]);
        }
    }
    check_rounds(at, lost, silent);

    /* Those that are not lost come to their senses: nothing but places can be missing then. */
    for (unsigned slot = 0; slot < N; slot++) {
        const struct meta_segment now = repair_world_row(at);
        at->net.nodes[now.holders[slot].node - 1].manner =
            slot < lost && now.holders[slot].p == 1 ? FAKE_DEAD : FAKE_HONEST;
    }
    repair_world_make_spares(at, FAKE_HONEST);
    repair_world_pass(at, REPAIR_BACKOFF_MOST_MS, lost, silent);
    repair_world_round(at);
    assert_int_equal(repair_world_good_shards(at), lost > 2 ? N - lost + 2 : N);
}

static void whoever_turns_bad_no_good_shard_is_given_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        void *world;
        print_message("seed %d\n", (int)seed);
        repair_world_set_up(&world);
        one_bad_world(world, seed);
        repair_world_tear_down(&world);
    }
}

static void sources_that_turn_bad_in_the_middle_are_replaced(void **state)
{
    struct repair_world *at = *state;
    uint32_t silent[N];
    repair_world_upload(at, N);
    lose_slots(at, 0, 2, silent);
    at->net.at_open = turn_bad;
    at->net.at_open_context = at;
    check_rounds(at, 2, silent);
}

/* ---- a coordinator that starts anew ---- */

/* As after a new start: what was in memory is gone. */
static void restart_repair(struct repair_world *at)
{
    struct coordinator *coordinator = at->world.coordinator;
    sweep_destroy(coordinator->sweep);
    repair_destroy(coordinator->repair);
    coordinator->repair = repair_create(coordinator);
    assert_non_null(coordinator->repair);
    assert_ok(coordinator_open_sweep(coordinator, &at->world.err), &at->world.err);
    const struct sweep_watcher watcher = repair_watcher(coordinator->repair, NULL);
    sweep_watch(coordinator->sweep, &watcher);
    repair_use_session(coordinator->repair, &at->net.net, at->customer.session);
}

static size_t count_rows(struct repair_world *at)
{
    struct meta_repair_row rows[4];
    size_t count;
    assert_ok(meta_repair_load(at->world.coordinator->store, rows, 4, &count, &at->world.err),
        &at->world.err);
    return count;
}

static void save_found(struct repair_world *at)
{
    const struct meta_repair_row row = {.segment = at->row.id, .urgency = 7, .queued_ms = 1000};
    assert_ok(
        meta_repair_save(at->world.coordinator->store, &row, 1, &at->world.err), &at->world.err);
}

static void what_was_queued_is_repaired_after_a_start_without_a_sweep(void **state)
{
    struct repair_world *at = *state;
    struct repair_status status;
    uint32_t silent[N];
    repair_world_upload(at, N);
    lose_slots(at, LOST_SLOT, 1, silent);
    save_found(at);
    restart_repair(at);
    repair_round(at->world.coordinator->repair, NULL);
    repair_status_get(at->world.coordinator->repair, &status);
    assert_int_equal(status.repaired, 1);
    assert_int_equal(count_rows(at), 0);
}

struct successor {
    struct repair_world *at;
    struct repair_status status;
};

/* While shards move: this one is killed, and another begins with the rows there are. */
static void begin_anew(struct fake_net *net, void *context)
{
    struct successor *successor = context;
    net->at_open = NULL;
    struct repair *repair = repair_create(successor->at->world.coordinator);
    assert_non_null(repair);
    repair_status_get(repair, &successor->status);
    repair_destroy(repair);
}

/* Before any pass of its own: how many, since when, how much. */
static void the_queue_is_shown_after_a_start_as_it_was_before(void **state)
{
    struct repair_world *at = *state;
    struct repair_status before;
    struct successor successor = {.at = at};
    const struct repair_status *after = &successor.status;
    uint32_t silent[N];
    repair_world_upload(at, N);
    lose_slots(at, LOST_SLOT, 1, silent);
    sweep_round(NULL, at->world.coordinator->sweep);
    repair_status_get(at->world.coordinator->repair, &before);
    assert_int_equal(before.queue, 1);
    assert_int_equal(before.bytes, (K + 1) * test_shard_size());
    at->net.at_open = begin_anew;
    at->net.at_open_context = &successor;
    repair_round(at->world.coordinator->repair, NULL);
    assert_int_equal(after->queue, before.queue);
    assert_int_equal(after->queued, before.queued);
    assert_int_equal(after->oldest_ms, before.oldest_ms);
    assert_int_equal(after->bytes, before.bytes);
}

static void a_row_that_is_not_true_any_more_does_no_harm(void **state)
{
    struct repair_world *at = *state;
    repair_world_upload(at, N);
    save_found(at);
    restart_repair(at);
    repair_round(at->world.coordinator->repair, NULL);
    assert_int_equal(repair_world_row(at).generation, 1);
    assert_int_equal(count_gets(at), 0);
    assert_int_equal(count_rows(at), 0);
}

static void what_an_operator_asked_for_survives_and_ends(void **state)
{
    struct repair_world *at = *state;
    uint64_t asked;
    struct meta_store *store = at->world.coordinator->store;
    repair_world_upload(at, N);
    assert_ok(repair_ask(at->world.coordinator->repair, &at->world.err), &at->world.err);
    restart_repair(at);
    struct repair_status status;
    repair_status_get(at->world.coordinator->repair, &status);
    assert_true(status.asked_ms > 0);
    assert_int_equal(repair_world_round(at).asked_ms, 0); /* nothing is below n */
    assert_ok(meta_repair_get_asked(store, &asked, &at->world.err), &at->world.err);
    assert_int_equal(asked, 0);
}

/* ---- budget ---- */

/* Two stripes of a little over 64 KiB a node: eight seconds at 16 KiB/s, and no peer is slow. */
static void assert_takes_as_long_as_the_budget_says(struct repair_world *at)
{
    uint32_t silent[N];
    restart_repair(at);
    repair_world_upload(at, N);
    lose_slots(at, LOST_SLOT, 1, silent);
    const uint64_t start = env_now_ns(&at->world.env.env);
    const struct repair_status status = repair_world_round(at);
    const uint64_t took_ms = (env_now_ns(&at->world.env.env) - start) / 1000000;
    assert_int_equal(status.repaired, 1);
    assert_int_equal(status.repaired_bytes, (K + 1) * test_shard_size());
    assert_in_range(
        took_ms, 1000 * (test_shard_size() >> 14) - 500, 1000 * (test_shard_size() >> 14) + 1500);
}

static void a_small_budget_of_a_node_makes_it_slow_and_no_failure(void **state)
{
    struct repair_world *at = *state;
    at->world.settings.repair_node_rate = 16 << 10;
    assert_takes_as_long_as_the_budget_says(at);
}

static void a_small_budget_of_a_network_likewise(void **state)
{
    struct repair_world *at = *state;
    at->world.settings.repair_network_rate = 16 << 10;
    assert_takes_as_long_as_the_budget_says(at);
}

/* Of k that give and one that gets. */
static void a_small_budget_of_all_together_likewise(void **state)
{
    struct repair_world *at = *state;
    at->world.settings.repair_rate = (K + 1) * (16 << 10);
    assert_takes_as_long_as_the_budget_says(at);
}

static void a_budget_that_lets_nothing_pass_is_said(void **state)
{
    struct repair_world *at = *state;
    uint32_t silent[N];
    at->world.settings.repair_rate = 100;
    restart_repair(at);
    repair_world_upload(at, N);
    lose_slots(at, LOST_SLOT, 1, silent);
    const struct repair_status status = repair_world_round(at);
    assert_int_equal(status.repaired, 0);
    assert_int_equal(status.failed, 1);
    assert_int_equal(repair_world_row(at).generation, 1);
}

#define claim(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, repair_world_set_up, repair_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(all_missing_shards_come_out_of_one_read_of_k),
        claim(with_only_k_left_it_is_rebuilt_as_far_as_there_are_nodes),
        claim(fewer_than_k_are_named_and_left_alone),
        claim(silent_is_not_lost),
        claim(who_shares_an_owner_or_a_network_with_a_holder_is_no_new_holder),
        cmocka_unit_test(whoever_turns_bad_no_good_shard_is_given_up),
        claim(sources_that_turn_bad_in_the_middle_are_replaced),
        claim(what_was_queued_is_repaired_after_a_start_without_a_sweep),
        claim(the_queue_is_shown_after_a_start_as_it_was_before),
        claim(a_row_that_is_not_true_any_more_does_no_harm),
        claim(what_an_operator_asked_for_survives_and_ends),
        claim(a_small_budget_of_a_node_makes_it_slow_and_no_failure),
        claim(a_small_budget_of_a_network_likewise),
        claim(a_small_budget_of_all_together_likewise),
        claim(a_budget_that_lets_nothing_pass_is_said),
    };
    return cmocka_run_group_tests_name("repair_faults", tests, NULL, NULL);
}
