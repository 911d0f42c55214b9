/*
 * meta_node: an invitation is used by one key, a node keeps its number for ever, grants say who
 * acts for whom, and what nodes say of themselves is checked.
 */
#include "coordinator/meta/meta_node.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

enum { NODES = 3 };

static struct meta_invite invite(struct test_meta *meta, enum meta_class class)
{
    struct meta_invite invite = {.class = class,
        .owner = view_text("ada"),
        .place = view_text("attic"),
        .tenant = class == META_CLASS_NODE ? (struct meta_id){{0}} : meta->tenant,
        .rights = 3,
        .uplink_bits = class == META_CLASS_NODE ? 40000000 : 0,
        .expires_ms = meta_now_ms(meta->store) + 1000};
    struct meta_id token = test_meta_id(meta);
    memcpy(invite.token_hash, token.bytes, sizeof(token.bytes));
    assert_ok(meta_invite_put(meta->store, &invite, &meta->err), &meta->err);
    return invite;
}

static enum hearth_code enrol(struct test_meta *meta, const struct meta_invite *invite,
    uint8_t principal, struct meta_enrolled *out)
{
    struct meta_enrol request = {.principal = {{99, principal}}, .observed = {{4, 9, 9, 9}}};
    memcpy(request.token_hash, invite->token_hash, sizeof(request.token_hash));
    return meta_enrol(meta->store, &request, out, &meta->err);
}

static struct meta_node node_of(struct test_meta *meta, uint8_t principal)
{
    struct meta_node node;
    const struct meta_principal id = {{99, principal}};
    assert_ok(meta_node_get(meta->store, id, &meta->arena, &node, &meta->err), &meta->err);
    return node;
}

static void an_invitation_makes_a_node_of_one_key(void **state)
{
    struct test_meta *meta = *state;
    struct meta_invite invitation = invite(meta, META_CLASS_NODE);
    struct meta_enrolled enrolled;
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_ok(enrol(meta, &invitation, 1, &enrolled), &meta->err);
        assert_int_equal(enrolled.class, META_CLASS_NODE);
        assert_int_equal(enrolled.node, NODES + 1);
    }
    assert_int_equal(enrol(meta, &invitation, 2, &enrolled), HEARTH_DENIED);

    struct meta_node node = node_of(meta, 1);
    assert_int_equal(node.number, NODES + 1);
    assert_true(view_equal(node.owner_name, view_text("ada")));
    assert_true(view_equal(node.place, view_text("attic")));
    assert_int_equal(node.network.bytes[1], 9);
    assert_int_equal(node.state, META_NODE_ACTIVE);
    assert_int_equal(node.last_seen_ms, 0);
    assert_int_equal(node.uplink_bits, 40000000);
}

static void an_uplink_is_what_was_said_last_and_no_more_than_a_line_has(void **state)
{
    struct test_meta *meta = *state;
    struct meta_enrolled enrolled;
    struct meta_invite invitation = invite(meta, META_CLASS_NODE);
    assert_ok(enrol(meta, &invitation, 1, &enrolled), &meta->err);
    assert_ok(meta_node_set_uplink(meta->store, enrolled.node, 0, &meta->err), &meta->err);
    assert_int_equal(node_of(meta, 1).uplink_bits, 0);
    assert_ok(
        meta_node_set_uplink(meta->store, enrolled.node, META_UPLINK_MAX, &meta->err), &meta->err);
    assert_int_equal(
        meta_node_set_uplink(meta->store, enrolled.node, META_UPLINK_MAX + 1, &meta->err),
        HEARTH_INVALID);
    assert_int_equal(node_of(meta, 1).uplink_bits, META_UPLINK_MAX);
    assert_int_equal(meta_node_set_uplink(meta->store, 77, 1, &meta->err), HEARTH_NOT_FOUND);
    invitation.uplink_bits = META_UPLINK_MAX + 1;
    assert_int_equal(meta_invite_put(meta->store, &invitation, &meta->err), HEARTH_INVALID);
}

static void an_owner_with_two_nodes_is_one_owner(void **state)
{
    struct test_meta *meta = *state;
    struct meta_enrolled enrolled;
    struct meta_invite first = invite(meta, META_CLASS_NODE);
    struct meta_invite second = invite(meta, META_CLASS_NODE);
    assert_ok(enrol(meta, &first, 1, &enrolled), &meta->err);
    assert_ok(enrol(meta, &second, 2, &enrolled), &meta->err);
    assert_int_equal(node_of(meta, 1).owner, node_of(meta, 2).owner);
    assert_int_not_equal(node_of(meta, 1).number, node_of(meta, 2).number);
}

static void the_operators_network_goes_before_the_observed_one(void **state)
{
    struct test_meta *meta = *state;
    const uint8_t network[META_NETWORK_SIZE] = {7, 7};
    struct meta_enrolled enrolled;
    struct meta_invite invitation = invite(meta, META_CLASS_NODE);
    invitation.token_hash[0] ^= 1;
    invitation.network = view_of(network, sizeof(network));
    assert_ok(meta_invite_put(meta->store, &invitation, &meta->err), &meta->err);
    assert_ok(enrol(meta, &invitation, 1, &enrolled), &meta->err);
    assert_memory_equal(node_of(meta, 1).network.bytes, network, sizeof(network));
    invitation.token_hash[0] ^= 2;
    invitation.network.size--;
    assert_int_equal(meta_invite_put(meta->store, &invitation, &meta->err), HEARTH_INVALID);
}

static void late_and_unknown_invitations_are_refused(void **state)
{
    struct test_meta *meta = *state;
    struct meta_enrolled enrolled;
    struct meta_invite invitation = invite(meta, META_CLASS_NODE);
    test_env_step_ms(&meta->env, 1000);
    assert_int_equal(enrol(meta, &invitation, 1, &enrolled), HEARTH_EXPIRED);
    invitation.token_hash[0] ^= 1;
    assert_int_equal(enrol(meta, &invitation, 1, &enrolled), HEARTH_NOT_FOUND);
}

static void a_client_gets_a_grant_that_can_be_taken_back(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_principal principal = {{99, 1}};
    struct meta_enrolled enrolled;
    struct meta_grant grant;
    struct meta_invite invitation = invite(meta, META_CLASS_CLIENT);
    assert_ok(enrol(meta, &invitation, 1, &enrolled), &meta->err);
    assert_int_equal(enrolled.class, META_CLASS_CLIENT);
    assert_int_equal(enrolled.node, 0);
    assert_true(meta_id_equal(enrolled.tenant, meta->tenant));
    assert_ok(meta_grant_get(meta->store, principal, &grant, &meta->err), &meta->err);
    assert_int_equal(grant.rights, 3);

    assert_ok(meta_grant_delete(meta->store, principal, meta->tenant, &meta->err), &meta->err);
    assert_int_equal(meta_grant_get(meta->store, principal, &grant, &meta->err), HEARTH_NOT_FOUND);
    assert_int_equal(
        meta_enrolled_get(meta->store, principal, &enrolled, &meta->err), HEARTH_NOT_FOUND);
    assert_int_equal(enrol(meta, &invitation, 1, &enrolled), HEARTH_NOT_FOUND); /* used up */
}

static void a_node_that_is_gone_stays_gone(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_principal id = {{0, 2}};
    struct meta_enrolled enrolled;
    assert_ok(meta_enrolled_get(meta->store, id, &enrolled, &meta->err), &meta->err);
    assert_int_equal(enrolled.node, 2);
    assert_ok(meta_node_set_state(meta->store, 2, META_NODE_LOST, &meta->err), &meta->err);
    assert_ok(meta_node_set_state(meta->store, 2, META_NODE_ACTIVE, &meta->err), &meta->err);
    assert_ok(meta_node_set_state(meta->store, 2, META_NODE_GONE, &meta->err), &meta->err);
    assert_int_equal(
        meta_node_set_state(meta->store, 2, META_NODE_ACTIVE, &meta->err), HEARTH_DENIED);
    assert_int_equal(meta_enrolled_get(meta->store, id, &enrolled, &meta->err), HEARTH_DENIED);
    assert_int_equal(
        meta_node_set_state(meta->store, 77, META_NODE_LOST, &meta->err), HEARTH_NOT_FOUND);
}

static void heartbeats_and_endpoints_are_kept_as_said_last(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_endpoint endpoints[] = {
        {META_ENDPOINT_DIRECT, view_text("2001:db8::1"), 7400, 5},
        {META_ENDPOINT_RELAY, view_text("relay"), 7401, 0},
    };
    const struct meta_node_seen seen[] = {
        {.number = 3,
            .last_seen_ms = 123,
            .report = {.volume = {{8}},
                .sequence = 4,
                .free = 10,
                .read_only = true,
                .software = view_text("0.1")}},
        {.number = 77}, /* unknown: passed over */
    };
    assert_ok(meta_node_seen(meta->store, seen, 2, &meta->err), &meta->err);
    assert_ok(meta_node_set_endpoints(meta->store, 1, endpoints, 1, &meta->err), &meta->err);
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_ok(meta_node_set_endpoints(meta->store, 3, endpoints, 2, &meta->err), &meta->err);
    }
    struct meta_node_list list;
    assert_ok(meta_node_list(meta->store, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, NODES);
    assert_int_equal(list.nodes[0].endpoint_count, 1);
    assert_int_equal(list.nodes[1].endpoint_count, 0);
    const struct meta_node *node = &list.nodes[2];
    assert_int_equal(node->last_seen_ms, 123);
    assert_int_equal(node->report.sequence, 4);
    assert_true(node->report.read_only);
    assert_true(view_equal(node->report.software, view_text("0.1")));
    assert_int_equal(node->endpoint_count, 2);
    assert_true(view_equal(node->endpoints[0].host, view_text("2001:db8::1")));
    assert_int_equal(node->endpoints[1].kind, META_ENDPOINT_RELAY);
    assert_int_equal(node->endpoints[1].port, 7401);
}

static void numbers_no_disk_can_have_are_refused(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_node_seen seen = {.number = 1, .report = {.free = UINT64_MAX}};
    assert_int_equal(meta_node_seen(meta->store, &seen, 1, &meta->err), HEARTH_INVALID);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, NODES)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(an_invitation_makes_a_node_of_one_key),
        IN_A_STORE(an_uplink_is_what_was_said_last_and_no_more_than_a_line_has),
        IN_A_STORE(an_owner_with_two_nodes_is_one_owner),
        IN_A_STORE(the_operators_network_goes_before_the_observed_one),
        IN_A_STORE(late_and_unknown_invitations_are_refused),
        IN_A_STORE(a_client_gets_a_grant_that_can_be_taken_back),
        IN_A_STORE(a_node_that_is_gone_stays_gone),
        IN_A_STORE(heartbeats_and_endpoints_are_kept_as_said_last),
        IN_A_STORE(numbers_no_disk_can_have_are_refused),
    };
    return cmocka_run_group_tests_name("meta_node", tests, NULL, NULL);
}
