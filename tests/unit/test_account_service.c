/*
 * account_service, gateway_service: what an operator makes of accounts, and what a gateway gets of
 * an access key: a key for a day, of its own tenant alone, until the operator revokes it.
 */
#include "coordinator/service/access_key.h"
#include "coordinator/service/invitation.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

struct fixture {
    struct test_coordinator world;
    struct test_member *admin;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_coordinator_init(&fixture->world);
    fixture->admin = test_coordinator_member(&fixture->world, PEER_ADMIN);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    test_coordinator_fini(&fixture->world);
    free(fixture);
    return 0;
}

static enum hearth_code ask(
    struct fixture *fixture, unsigned method, const void *request, void *response)
{
    return test_coordinator_call(&fixture->world, fixture->admin, method, request, response);
}

static struct test_member *join_gateway(struct fixture *fixture, const char *tenant)
{
    const struct invitation invitation = {.kind = PEER_GATEWAY, .tenant = view_text(tenant)};
    struct wire_enrol_reply reply;
    struct view token = test_coordinator_invite(&fixture->world, &invitation);
    struct test_member *gateway = test_coordinator_stranger(&fixture->world);
    assert_ok(test_coordinator_enrol(&fixture->world, gateway, token, "192.0.2.1", &reply),
        &fixture->world.err);
    assert_int_equal(gateway->class, PEER_GATEWAY);
    return gateway;
}

static struct wire_key_create_reply create_key(
    struct fixture *fixture, const char *tenant, uint64_t rights)
{
    uint8_t token[META_ID_SIZE];
    env_random(&fixture->world.env.env, token, sizeof(token));
    const struct wire_key_create_request request = {
        .tenant = view_text(tenant), .rights = rights, .token = view_of(token, sizeof(token))};
    struct wire_key_create_reply reply;
    assert_ok(ask(fixture, RPC_KEY_CREATE, &request, &reply), &fixture->world.err);
    return reply;
}

static enum hearth_code derive(struct fixture *fixture, const struct test_member *gateway,
    struct view access_key, const char *date, struct wire_derive_signing_key_reply *reply)
{
    const struct wire_derive_signing_key_request request = {
        .access_key = access_key, .date = view_text(date), .region = view_text("home-1")};
    return test_coordinator_call(&fixture->world, gateway, RPC_DERIVE_SIGNING_KEY, &request, reply);
}

static void a_gateway_gets_the_key_that_the_secret_signs_with(void **state)
{
    struct fixture *fixture = *state;
    struct wire_derive_signing_key_reply reply;
    const struct test_member *gateway = join_gateway(fixture, "ann");
    const struct wire_key_create_reply key = create_key(fixture, "ann", SERVICE_READS);
    assert_ok(derive(fixture, gateway, key.access_key, "20261128", &reply), &fixture->world.err);
    uint8_t expected[CRYPTO_KEY_SIZE];
    const struct sigv4_scope scope = {.date = view_text("20261128"), .region = view_text("home-1")};
    sigv4_derive_key(key.secret, &scope, expected);
    assert_int_equal(reply.signing_key.size, sizeof(expected));
    assert_memory_equal(reply.signing_key.bytes, expected, sizeof(expected));
    assert_int_equal(reply.rights, SERVICE_READS);
}

static void a_gateway_gets_no_key_of_another_tenant(void **state)
{
    struct fixture *fixture = *state;
    struct wire_derive_signing_key_reply reply;
    join_gateway(fixture, "ann");
    const struct test_member *bobs = join_gateway(fixture, "bob");
    const struct wire_key_create_reply key = create_key(fixture, "ann", SERVICE_ALL);
    assert_int_equal(derive(fixture, bobs, key.access_key, "20261128", &reply), HEARTH_NOT_FOUND);
    const char *told = fixture->world.err.message;
    assert_string_equal(told, "no such access key");
    assert_int_equal(
        derive(fixture, bobs, view_text("HKNOTHING"), "20261128", &reply), HEARTH_NOT_FOUND);
    assert_string_equal(fixture->world.err.message, told);
}

static void a_revoked_key_is_derived_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct wire_derive_signing_key_reply reply;
    struct wire_empty nothing;
    const struct test_member *gateway = join_gateway(fixture, "ann");
    const struct wire_key_create_reply key = create_key(fixture, "ann", SERVICE_ALL);
    const struct wire_key_revoke_request revoke = {.access_key = key.access_key};
    assert_ok(ask(fixture, RPC_KEY_REVOKE, &revoke, &nothing), &fixture->world.err);
    assert_int_equal(
        derive(fixture, gateway, key.access_key, "20261128", &reply), HEARTH_NOT_FOUND);
    assert_int_equal(ask(fixture, RPC_KEY_REVOKE, &revoke, &nothing), HEARTH_NOT_FOUND);
}

static void a_date_is_eight_digits(void **state)
{
    struct fixture *fixture = *state;
    struct wire_derive_signing_key_reply reply;
    const struct test_member *gateway = join_gateway(fixture, "ann");
    const struct wire_key_create_reply key = create_key(fixture, "ann", SERVICE_ALL);
    assert_int_equal(derive(fixture, gateway, key.access_key, "2026112a", &reply), HEARTH_INVALID);
}

static const struct view any_token = {(const uint8_t *)"sixteen bytes ..", META_ID_SIZE};

static void who_lost_the_answer_gets_the_same_key_with_the_same_token(void **state)
{
    struct fixture *fixture = *state;
    struct wire_key_create_reply first;
    struct wire_key_create_reply again;
    join_gateway(fixture, "ann");
    const struct wire_key_create_request request = {
        .tenant = view_text("ann"), .rights = SERVICE_ALL, .token = any_token};
    assert_ok(ask(fixture, RPC_KEY_CREATE, &request, &first), &fixture->world.err);
    assert_ok(ask(fixture, RPC_KEY_CREATE, &request, &again), &fixture->world.err);
    assert_true(view_equal(first.access_key, again.access_key));
    assert_true(view_equal(first.secret, again.secret));
    assert_int_equal(first.secret.size, ACCESS_KEY_SECRET_SIZE);
    const struct wire_key_create_reply other = create_key(fixture, "ann", SERVICE_ALL);
    assert_false(view_equal(first.access_key, other.access_key));
}

static void keys_need_a_tenant_and_known_rights(void **state)
{
    struct fixture *fixture = *state;
    struct wire_key_create_reply reply;
    struct wire_key_create_request request = {
        .tenant = view_text("nobody"), .rights = 1, .token = any_token};
    assert_int_equal(ask(fixture, RPC_KEY_CREATE, &request, &reply), HEARTH_NOT_FOUND);
    join_gateway(fixture, "ann");
    request = (struct wire_key_create_request){
        .tenant = view_text("ann"), .rights = 0, .token = any_token};
    assert_int_equal(ask(fixture, RPC_KEY_CREATE, &request, &reply), HEARTH_INVALID);
    request.rights = 8;
    assert_int_equal(ask(fixture, RPC_KEY_CREATE, &request, &reply), HEARTH_INVALID);
}

static void lists_never_name_a_secret(void **state)
{
    struct fixture *fixture = *state;
    struct wire_key_list_reply list;
    struct buf *bytes;
    join_gateway(fixture, "ann");
    const struct wire_key_create_reply key = create_key(fixture, "ann", SERVICE_ALL);
    const struct wire_account_list_request request = {.tenant = view_text("ann")};
    assert_ok(ask(fixture, RPC_KEY_LIST, &request, &list), &fixture->world.err);
    assert_int_equal(list.keys_count, 1);
    assert_true(view_equal(list.keys[0].access_key, key.access_key));
    assert_ok(wire_encode(&wire_key_list_reply_message, &list, &bytes, &fixture->world.err),
        &fixture->world.err);
    assert_null(memmem(bytes->bytes, bytes->size, key.secret.bytes, key.secret.size));
    buf_unref(bytes);
}

static struct wire_bucket_usage reserve(
    struct fixture *fixture, const struct wire_bucket_settings *settings)
{
    struct wire_bucket_usage usage;
    const struct wire_bucket_reserve_request request = {
        .tenant = view_text("ann"), .bucket = view_text("photos"), .settings = settings};
    assert_ok(ask(fixture, RPC_BUCKET_RESERVE, &request, &usage), &fixture->world.err);
    return usage;
}

static void a_bucket_an_operator_made_is_described_to_its_tenant(void **state)
{
    struct fixture *fixture = *state;
    const struct test_member *ann = test_customer_join(&fixture->world, "ann");
    const struct wire_bucket_settings settings = {
        .profile = view_text("local"), .public_read = true, .quota_bytes = 1 << 20};
    const struct wire_bucket_usage usage = reserve(fixture, &settings);
    assert_true(usage.is_reserved);
    assert_true(view_equal(usage.tenant, view_text("ann")));
    const struct wire_head_bucket_request head = {.name = view_text("photos")};
    struct wire_bucket_info info;
    assert_ok(test_coordinator_call(&fixture->world, ann, RPC_HEAD_BUCKET, &head, &info),
        &fixture->world.err);
    assert_int_equal(info.keys_count, 0);
    assert_true(info.public_read);
    assert_int_equal(info.quota_bytes, 1 << 20);
}

/* A fleet without nodes; local is the cluster's own, so it may be chosen before they come. */
static void a_profile_that_the_fleet_cannot_carry_is_refused_and_what_is_missing_said(void **state)
{
    struct fixture *fixture = *state;
    const struct test_member *ann = test_customer_join(&fixture->world, "ann");
    const struct wire_bucket_settings wide = {.profile = view_text("home")};
    const struct wire_bucket_reserve_request request = {
        .tenant = view_text("ann"), .bucket = view_text("photos"), .settings = &wide};
    struct wire_bucket_usage usage;
    assert_int_equal(ask(fixture, RPC_BUCKET_RESERVE, &request, &usage), HEARTH_FLEET_TOO_SMALL);
    assert_non_null(strstr(fixture->world.err.message, "needs 40 nodes"));
    assert_non_null(strstr(fixture->world.err.message, "there are 0, 40 more are missing"));

    static const uint8_t root[META_KEY_ID_SIZE] = {1};
    const struct wire_bucket_key key = {.version = 1, .wrapped = view_text("wrapped")};
    const struct wire_create_bucket_request create = {.name = view_text("photos"),
        .profile = view_text("home"),
        .bucket_id = test_coordinator_id(&fixture->world),
        .key = &key,
        .token = test_coordinator_id(&fixture->world),
        .root_key_id = view_of(root, sizeof(root))};
    struct wire_bucket_info info;
    assert_int_equal(test_coordinator_call(&fixture->world, ann, RPC_CREATE_BUCKET, &create, &info),
        HEARTH_FLEET_TOO_SMALL);
    assert_non_null(strstr(fixture->world.err.message, "needs 50 nodes"));

    const struct wire_bucket_settings own = {.profile = view_text("local")};
    reserve(fixture, &own);
    const struct wire_bucket_set_request set = {
        .bucket = view_text("photos"), .settings = &wide, .changes = WIRE_SET_PROFILE};
    assert_int_equal(ask(fixture, RPC_BUCKET_SET, &set, &usage), HEARTH_FLEET_TOO_SMALL);
}

/* The coordinator remembers buckets; what an operator changes is seen by the next question. */
static void a_changed_setting_is_seen_at_once(void **state)
{
    struct fixture *fixture = *state;
    const struct test_member *ann = test_customer_join(&fixture->world, "ann");
    const struct wire_bucket_settings before = {.public_read = true};
    const struct wire_bucket_settings after = {.public_read = false};
    const struct wire_head_bucket_request head = {.name = view_text("photos")};
    const struct wire_bucket_set_request set = {
        .bucket = view_text("photos"), .settings = &after, .changes = WIRE_SET_PUBLIC_READ};
    struct wire_bucket_info info;
    struct wire_bucket_usage usage;
    reserve(fixture, &before);
    test_coordinator_call(&fixture->world, ann, RPC_HEAD_BUCKET, &head, &info);
    assert_true(info.public_read);
    assert_ok(ask(fixture, RPC_BUCKET_SET, &set, &usage), &fixture->world.err);
    test_coordinator_call(&fixture->world, ann, RPC_HEAD_BUCKET, &head, &info);
    assert_false(info.public_read);
}

static void every_list_can_be_sent(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_account_list_request all = {.tenant = {0}};
    struct wire_tenant_list_reply tenants;
    struct wire_bucket_usages_reply buckets;
    struct buf *bytes;
    test_customer_join(&fixture->world, "ann");
    reserve(fixture, &(struct wire_bucket_settings){.quota_objects = 5});
    assert_ok(ask(fixture, RPC_TENANT_LIST, &all, &tenants), &fixture->world.err);
    assert_int_equal(tenants.tenants_count, 1);
    assert_int_equal(tenants.tenants[0].buckets, 1);
    assert_ok(wire_encode(&wire_tenant_list_reply_message, &tenants, &bytes, &fixture->world.err),
        &fixture->world.err);
    buf_unref(bytes);
    assert_ok(ask(fixture, RPC_BUCKET_USAGES, &all, &buckets), &fixture->world.err);
    assert_int_equal(buckets.buckets_count, 1);
    assert_ok(wire_encode(&wire_bucket_usages_reply_message, &buckets, &bytes, &fixture->world.err),
        &fixture->world.err);
    buf_unref(bytes);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_gateway_gets_the_key_that_the_secret_signs_with),
        IN_A_WORLD(a_gateway_gets_no_key_of_another_tenant),
        IN_A_WORLD(a_revoked_key_is_derived_no_more),
        IN_A_WORLD(a_date_is_eight_digits),
        IN_A_WORLD(who_lost_the_answer_gets_the_same_key_with_the_same_token),
        IN_A_WORLD(keys_need_a_tenant_and_known_rights),
        IN_A_WORLD(lists_never_name_a_secret),
        IN_A_WORLD(a_bucket_an_operator_made_is_described_to_its_tenant),
        IN_A_WORLD(a_changed_setting_is_seen_at_once),
        IN_A_WORLD(a_profile_that_the_fleet_cannot_carry_is_refused_and_what_is_missing_said),
        IN_A_WORLD(every_list_can_be_sent),
    };
    return cmocka_run_group_tests_name("account_service", tests, NULL, NULL);
}
