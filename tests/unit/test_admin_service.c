/*
 * admin_service: the operator sees the cluster as it is, and only an operator does.
 */
#include "coordinator/service/admin_service.h"

#include "coordinator/estimate/estimate_watch.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/repair/repair.h"
#include "proto/invite.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

static int set_up(void **state)
{
    struct test_coordinator *world = malloc(sizeof(*world));
    test_coordinator_init(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    test_coordinator_fini(*state);
    free(*state);
    return 0;
}

static void status_is_of_this_cluster_and_all_its_nodes(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    struct test_member *nodes = test_coordinator_nodes(world, 3);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_memory_equal(status.cluster_id.bytes, world->coordinator->cluster->id, PKI_CLUSTER_SIZE);
    assert_int_equal(status.nodes_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(status.nodes[i].number, i + 1);
        assert_memory_equal(status.nodes[i].node_id.bytes, nodes[i].id, PKI_ID_SIZE);
        assert_true(view_equal(status.nodes[i].state, view_text("alive")));
        assert_int_equal(status.nodes[i].endpoints_count, 1);
        assert_true(status.nodes[i].capacity == UINT64_C(1) << 40);
    }
    assert_int_equal(status.human.size, 0);
    assert_int_equal(status.buckets, 0);
}

static void colocation_shouts(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    world->settings.allow_colocation = true;
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_true(status.colocation_allowed);
    assert_non_null(memmem(status.human.bytes, status.human.size, "COLOCATION", 10));
}

static void what_needs_a_person_has_a_line_each(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    test_coordinator_nodes(world, 1);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    world->settings.allow_colocation = true;
    sweep_round(NULL, world->coordinator->sweep);
    test_env_step_ms(&world->env, 2 * 3600 * 1000);
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    const char *expected =
        "no pass over all segments has ended for 120 min: look at the coordinator's log, then "
        "hearth-admin sweep run --wait\nCOLOCATION IS ALLOWED";
    assert_true(status.human.size > strlen(expected));
    assert_memory_equal(status.human.bytes, expected, strlen(expected));
}

/* As the sweep would that passes by a segment of it. */
static void let_it_be_used(struct test_coordinator *world, const struct profile *profile)
{
    const struct fleet_view *fleet;
    const struct sweep_watcher watcher = estimate_watch_watcher(world->coordinator->durability);
    const struct meta_segment segment = {
        .id = {{1}}, .profile = profile->number, .k = profile->k, .n = profile->n, .refs = 1};
    assert_ok(fleet_view_take(world->coordinator->nodes, &fleet, &world->err), &world->err);
    const struct sweep_pass pass = {.number = 1, .fleet = fleet};
    assert_ok(watcher.begin(watcher.context, &pass, &world->err), &world->err);
    watcher.page(watcher.context, &pass, &segment, 1);
    watcher.end(watcher.context, &pass, true);
    fleet_view_release(fleet);
}

static struct view ask_what_to_do(struct test_coordinator *world, const struct test_member *admin)
{
    struct wire_status_reply status;
    const struct wire_empty nothing = {0};
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    return status.human;
}

/* The cluster's own is another one, and there is no saying whether its fleet was ever larger. */
static void a_profile_in_use_is_named_while_the_fleet_is_too_small_for_it(void **state)
{
    struct test_coordinator *world = *state;
    test_coordinator_nodes(world, 15);
    const struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_int_equal(ask_what_to_do(world, admin).size, 0);
    let_it_be_used(world, profile_by_name(view_text("small")));
    const char *expected = "profile small is for 16 nodes and more, there are 15, and what ";
    const struct view said = ask_what_to_do(world, admin);
    assert_true(said.size > strlen(expected));
    assert_memory_equal(said.bytes, expected, strlen(expected));
    test_coordinator_nodes(world, 1);
    assert_int_equal(ask_what_to_do(world, admin).size, 0);
}

static void space_is_that_of_all_nodes_and_what_of_it_can_be_used(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    test_coordinator_nodes(world, 3);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_true(status.capacity == UINT64_C(3) << 40);
    assert_true(status.usable == UINT64_C(3) << 39); /* local: 4 of 8 */
    assert_true(status.used == 3 * status.nodes[0].used);
    assert_true(status.free == 3 * status.nodes[0].free);
}

/* One that was planned and not applied does not count. */
static void moves_are_those_of_plans_that_run(void **state)
{
    struct test_coordinator *world = *state;
    struct meta_store *store = world->coordinator->store;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    struct meta_rebalance plans[2] = {{.kind = REBALANCE_SPACE, .starts = 1, .bytes_planned = 4000},
        {.kind = REBALANCE_SPACE, .bytes_planned = 9000}};
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(meta_rebalance_create(store, &plans[i], NULL, 0, &world->err), &world->err);
        plans[i].state = META_REBALANCE_READING;
        assert_ok(meta_rebalance_planned(store, &plans[i], NULL, 0, &world->err), &world->err);
    }
    test_env_step_ms(&world->env, 10 * 1000);
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_int_equal(status.moves->plans, 1);
    assert_int_equal(status.moves->paused, 0);
    assert_int_equal(status.moves->bytes_left, 4000);
    assert_int_equal(status.moves->bytes_per_s, 0);
}

static void every_answer_can_be_sent(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    struct wire_node_list_reply list;
    struct buf *bytes;
    test_coordinator_nodes(world, 2);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_ok(wire_encode(&wire_status_reply_message, &status, &bytes, &world->err), &world->err);
    buf_unref(bytes);
    assert_ok(test_coordinator_call(world, admin, RPC_NODE_LIST, &nothing, &list), &world->err);
    assert_ok(wire_encode(&wire_node_list_reply_message, &list, &bytes, &world->err), &world->err);
    buf_unref(bytes);
}

static void a_pass_is_asked_for_and_told_of(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    struct wire_sweep_request request = {.begins = true};
    struct wire_sweep_reply reply;
    struct wire_status_reply status;
    assert_ok(test_coordinator_call(world, admin, RPC_SWEEP, &request, &reply), &world->err);
    assert_int_equal(reply.begun, 1);
    assert_int_equal(reply.sweep->pass, 0);
    sweep_round(NULL, world->coordinator->sweep);
    request.begins = false;
    assert_ok(test_coordinator_call(world, admin, RPC_SWEEP, &request, &reply), &world->err);
    assert_int_equal(reply.begun, 0);
    assert_int_equal(reply.sweep->pass, 1);
    const struct wire_empty nothing = {0};
    assert_ok(test_coordinator_call(world, admin, RPC_STATUS, &nothing, &status), &world->err);
    assert_int_equal(status.sweep->pass, 1);
    assert_int_equal(status.sweep_finished_unix_ms, status.sweep->finished_unix_ms);
}

static enum hearth_code declare_lost(
    struct test_coordinator *world, const struct test_member *admin, const uint8_t *id)
{
    const struct wire_node_lost_request request = {.node_id = view_of(id, PKI_ID_SIZE)};
    struct wire_empty nothing;
    return test_coordinator_call(world, admin, RPC_NODE_LOST, &request, &nothing);
}

static enum hearth_code set_uplink(struct test_coordinator *world, const struct test_member *caller,
    const uint8_t *id, uint64_t bits)
{
    const struct wire_node_set_request request = {
        .node_id = view_of(id, PKI_ID_SIZE), .uplink_bits = bits};
    struct wire_empty nothing;
    return test_coordinator_call(world, caller, RPC_NODE_SET, &request, &nothing);
}

static void what_an_admin_says_of_a_line_is_shown_and_known_to_plans(void **state)
{
    struct test_coordinator *world = *state;
    const struct wire_empty nothing = {0};
    struct wire_node_list_reply list;
    const struct fleet_view *view;
    struct test_member *nodes = test_coordinator_nodes(world, 2);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_ok(set_uplink(world, admin, nodes[1].id, 40000000), &world->err);
    assert_ok(test_coordinator_call(world, admin, RPC_NODE_LIST, &nothing, &list), &world->err);
    assert_int_equal(list.nodes[0].uplink_bits, 0);
    assert_int_equal(list.nodes[1].uplink_bits, 40000000);
    assert_ok(fleet_view_take(world->coordinator->nodes, &view, &world->err), &world->err);
    assert_int_equal(fleet_view_node(view, 2)->uplink_bits, 40000000);
    fleet_view_release(view);
    assert_int_equal(set_uplink(world, admin, nodes[1].id, UINT64_MAX), HEARTH_INVALID);
    assert_int_equal(set_uplink(world, admin, admin->id, 1), HEARTH_NOT_FOUND);
    assert_int_equal(set_uplink(world, &nodes[1], nodes[1].id, 1), HEARTH_DENIED);
}

static void a_node_declared_lost_is_lost_until_it_reports_again(void **state)
{
    struct test_coordinator *world = *state;
    uint64_t silent_ms;
    struct test_member *node = test_coordinator_nodes(world, 1);
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    assert_ok(declare_lost(world, admin, node->id), &world->err);
    assert_int_equal(
        node_table_health(world->coordinator->nodes, node->number, &silent_ms), NODE_LOST);
    test_coordinator_heartbeat(world, node);
    assert_int_equal(
        node_table_health(world->coordinator->nodes, node->number, &silent_ms), NODE_ALIVE);
    assert_int_equal(declare_lost(world, admin, admin->id), HEARTH_NOT_FOUND);
}

static void an_invitation_from_the_operator_enrols(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    const struct wire_invite_request request = {
        .kind = view_text("node"), .owner = view_text("ada"), .valid_s = 60};
    struct wire_invite_reply reply;
    struct wire_enrol_reply enrolled;
    struct invite invite;
    assert_ok(test_coordinator_call(world, admin, RPC_INVITE, &request, &reply), &world->err);
    assert_ok(invite_parse(reply.invite, &world->arena, &invite, &world->err), &world->err);
    assert_true(invite.expires_unix_ms == reply.expires_unix_ms);
    assert_memory_equal(invite.ca_pin, world->coordinator->cluster->ca_pin, PKI_PIN_SIZE);
    struct view token = view_of(invite.token, sizeof(invite.token));
    assert_ok(test_coordinator_enrol(
                  world, test_coordinator_stranger(world), token, "192.0.2.7", &enrolled),
        &world->err);
}

static void only_members_of_the_four_kinds_are_invited(void **state)
{
    struct test_coordinator *world = *state;
    static const char *const kinds[] = {"", "session", "coordinator", "worker", "Node"};
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct wire_invite_request request = {
            .kind = view_text(kinds[i]), .owner = view_text("ada")};
        struct wire_invite_reply reply;
        assert_int_equal(
            test_coordinator_call(world, admin, RPC_INVITE, &request, &reply), HEARTH_INVALID);
    }
}

static void assert_may_do_nothing(struct test_coordinator *world, const struct test_member *who)
{
    const struct wire_empty nothing = {0};
    const struct wire_invite_request request = {
        .kind = view_text("admin"), .owner = view_text("ada")};
    struct wire_status_reply status;
    struct wire_node_list_reply list;
    struct wire_invite_reply invited;
    assert_int_equal(
        test_coordinator_call(world, who, RPC_STATUS, &nothing, &status), HEARTH_DENIED);
    assert_int_equal(
        test_coordinator_call(world, who, RPC_NODE_LIST, &nothing, &list), HEARTH_DENIED);
    assert_int_equal(
        test_coordinator_call(world, who, RPC_INVITE, &request, &invited), HEARTH_DENIED);
    assert_int_equal(declare_lost(world, who, who->id), HEARTH_DENIED);
}

static void an_admin_whose_grant_was_taken_back_may_do_nothing(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *admin = test_coordinator_member(world, PEER_ADMIN);
    const struct meta_id no_tenant = {{0}};
    struct meta_principal principal;
    memcpy(principal.bytes, admin->id, sizeof(principal.bytes));
    assert_ok(meta_grant_delete(world->coordinator->store, principal, no_tenant, &world->err),
        &world->err);
    assert_may_do_nothing(world, admin);
}

static void a_customer_is_no_admin_whatever_its_certificate_says(void **state)
{
    struct test_coordinator *world = *state;
    struct test_member *client = test_coordinator_member(world, PEER_CLIENT);
    client->class = PEER_ADMIN; /* as if the CA had been careless */
    assert_may_do_nothing(world, client);
    assert_may_do_nothing(world, test_coordinator_stranger(world));
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(status_is_of_this_cluster_and_all_its_nodes),
        claim(colocation_shouts),
        claim(what_needs_a_person_has_a_line_each),
        claim(a_profile_in_use_is_named_while_the_fleet_is_too_small_for_it),
        claim(space_is_that_of_all_nodes_and_what_of_it_can_be_used),
        claim(moves_are_those_of_plans_that_run),
        claim(every_answer_can_be_sent),
        claim(a_pass_is_asked_for_and_told_of),
        claim(a_node_declared_lost_is_lost_until_it_reports_again),
        claim(what_an_admin_says_of_a_line_is_shown_and_known_to_plans),
        claim(an_invitation_from_the_operator_enrols),
        claim(only_members_of_the_four_kinds_are_invited),
        claim(an_admin_whose_grant_was_taken_back_may_do_nothing),
        claim(a_customer_is_no_admin_whatever_its_certificate_says),
    };
    return cmocka_run_group_tests_name("admin_service", tests, NULL, NULL);
}
