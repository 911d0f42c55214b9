/*
 * enrol_service: an invitation makes one member, once; a member can always come back.
 */
#include "coordinator/fleet/node_network.h"
#include "coordinator/service/invitation.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"

#include <stdlib.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

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

static const struct invitation for_a_node = {.kind = PEER_NODE,
    .owner = {(const uint8_t *)"ada", 3},
    .place = {(const uint8_t *)"attic", 5}};

static void an_invited_node_becomes_one(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *node = test_coordinator_stranger(world);
    struct view token = test_coordinator_invite(world, &for_a_node);
    assert_ok(test_coordinator_enrol(world, node, token, "192.0.2.7", &reply), &world->err);
    assert_int_equal(node->class, PEER_NODE);
    assert_int_equal(node->number, 1);
    assert_memory_equal(reply.cluster_id.bytes, world->coordinator->cluster->id, PKI_CLUSTER_SIZE);
    assert_int_equal(reply.coordinators_count, 1);
    assert_int_equal(reply.tenant_id.size, 0);

    struct node_status_list list;
    char network[NODE_NETWORK_TEXT_SIZE];
    assert_ok(
        node_table_list(world->coordinator->nodes, &world->arena, &list, &world->err), &world->err);
    assert_int_equal(list.count, 1);
    node_network_text(&list.nodes[0].node.network, network);
    assert_string_equal(network, "192.0.2.0/24");
    assert_true(view_equal(list.nodes[0].node.owner_name, view_text("ada")));
    assert_true(view_equal(list.nodes[0].node.place, view_text("attic")));
}

static void a_client_learns_its_tenant(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *client = test_coordinator_stranger(world);
    const struct invitation invitation = {.kind = PEER_CLIENT, .tenant = view_text("acme")};
    struct view token = test_coordinator_invite(world, &invitation);
    assert_ok(test_coordinator_enrol(world, client, token, "192.0.2.7", &reply), &world->err);
    assert_int_equal(client->class, PEER_CLIENT);
    assert_int_equal(reply.tenant_id.size, META_ID_SIZE);
    assert_true(view_equal(reply.tenant_name, view_text("acme")));
}

static void an_invitation_is_for_one(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *first = test_coordinator_stranger(world);
    struct test_member *second = test_coordinator_stranger(world);
    struct view token = test_coordinator_invite(world, &for_a_node);
    assert_ok(test_coordinator_enrol(world, first, token, "192.0.2.7", &reply), &world->err);
    assert_int_equal(
        test_coordinator_enrol(world, second, token, "192.0.2.8", &reply), HEARTH_DENIED);
    assert_int_equal(reply.certificate.size, 0);
}

static void whose_answer_was_lost_gets_it_again(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *node = test_coordinator_stranger(world);
    struct view token = test_coordinator_invite(world, &for_a_node);
    assert_ok(test_coordinator_enrol(world, node, token, "192.0.2.7", &reply), &world->err);
    assert_ok(test_coordinator_enrol(world, node, token, "192.0.2.7", &reply), &world->err);
    assert_int_equal(node->number, 1);
}

static void expired_and_invented_invitations_are_refused(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *node = test_coordinator_stranger(world);
    struct view token = test_coordinator_invite(world, &for_a_node);
    struct view invented = test_coordinator_id(world);
    test_env_step_ms(&world->env, DAY_MS + 1);
    assert_int_equal(
        test_coordinator_enrol(world, node, token, "192.0.2.7", &reply), HEARTH_EXPIRED);
    assert_int_equal(
        test_coordinator_enrol(world, node, invented, "192.0.2.7", &reply), HEARTH_NOT_FOUND);
}

static void a_member_renews_even_months_after_its_certificate_expired(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    test_env_step_ms(&world->env, UINT64_C(200) * DAY_MS);
    assert_ok(
        test_coordinator_enrol(world, node, (struct view){0}, "198.51.100.1", &reply), &world->err);
    assert_int_equal(node->class, PEER_NODE);
}

static void a_stranger_has_nothing_to_renew(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *stranger = test_coordinator_stranger(world);
    assert_int_equal(test_coordinator_enrol(world, stranger, (struct view){0}, "192.0.2.7", &reply),
        HEARTH_NOT_FOUND);
}

static void who_is_gone_is_not_renewed(void **state)
{
    struct test_coordinator *world = *state;
    struct wire_enrol_reply reply;
    struct test_member *node = test_coordinator_member(world, PEER_NODE);
    assert_ok(
        meta_node_set_state(world->coordinator->store, node->number, META_NODE_GONE, &world->err),
        &world->err);
    assert_int_equal(
        test_coordinator_enrol(world, node, (struct view){0}, "192.0.2.7", &reply), HEARTH_DENIED);
}

static struct meta_network network_of(
    struct test_coordinator *world, const char *name, const char *address)
{
    struct wire_enrol_reply reply;
    struct node_status_list list;
    const struct invitation invitation = {
        .kind = PEER_NODE, .owner = view_text("ada"), .network = view_text(name)};
    struct test_member *node = test_coordinator_stranger(world);
    struct view token = test_coordinator_invite(world, &invitation);
    assert_ok(test_coordinator_enrol(world, node, token, address, &reply), &world->err);
    assert_ok(
        node_table_list(world->coordinator->nodes, &world->arena, &list, &world->err), &world->err);
    return list.nodes[list.count - 1].node.network;
}

static void the_operator_can_say_what_fails_together(void **state)
{
    struct test_coordinator *world = *state;
    struct meta_network first = network_of(world, "cellar", "192.0.2.7");
    struct meta_network second = network_of(world, "cellar", "203.0.113.7");
    struct meta_network third = network_of(world, "attic", "192.0.2.8");
    struct meta_network observed = network_of(world, "", "192.0.2.9");
    assert_memory_equal(&first, &second, sizeof(first));
    assert_memory_not_equal(&first, &third, sizeof(first));
    assert_memory_not_equal(&first, &observed, sizeof(first));
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_invited_node_becomes_one),
        claim(a_client_learns_its_tenant),
        claim(an_invitation_is_for_one),
        claim(whose_answer_was_lost_gets_it_again),
        claim(expired_and_invented_invitations_are_refused),
        claim(a_member_renews_even_months_after_its_certificate_expired),
        claim(a_stranger_has_nothing_to_renew),
        claim(who_is_gone_is_not_renewed),
        claim(the_operator_can_say_what_fails_together),
    };
    return cmocka_run_group_tests_name("enrol_service", tests, NULL, NULL);
}
