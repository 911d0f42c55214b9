#include "tests/lib/test_customer.h"

#include "coordinator/service/invitation.h"
#include "tests/lib/test.h"

#include <stdio.h>

enum hearth_code test_ask(
    struct test_customer *customer, unsigned method, const void *request, void *response)
{
    return test_coordinator_call(customer->world, customer->member, method, request, response);
}

static void ask_well(
    struct test_customer *customer, unsigned method, const void *request, void *response)
{
    assert_ok(test_ask(customer, method, request, response), &customer->world->err);
}

static struct view draw(struct test_customer *customer, size_t size)
{
    uint8_t *bytes = arena_take(&customer->world->arena, size);
    env_random(&customer->world->env.env, bytes, size);
    return view_of(bytes, size);
}

struct test_member *test_customer_join(struct test_coordinator *world, const char *tenant)
{
    const struct invitation invitation = {.kind = PEER_CLIENT, .tenant = view_text(tenant)};
    struct view token = test_coordinator_invite(world, &invitation);
    struct test_member *member = test_coordinator_stranger(world);
    struct wire_enrol_reply reply;
    assert_ok(test_coordinator_enrol(world, member, token, "198.51.100.9", &reply), &world->err);
    return member;
}

void test_customer_init(
    struct test_customer *customer, struct test_coordinator *world, const char *tenant)
{
    char name[META_BUCKET_NAME_MAX + 1];
    struct wire_bucket_info info;
    snprintf(name, sizeof(name), "%s-bucket", tenant);
    *customer = (struct test_customer){
        .world = world,
        .member = test_customer_join(world, tenant),
        .bucket = arena_copy(&world->arena, view_text(name)),
    };
    env_random(&world->env.env, customer->session, sizeof(customer->session));
    const struct wire_create_bucket_request request =
        test_ask_create_bucket(customer, customer->bucket);
    ask_well(customer, RPC_CREATE_BUCKET, &request, &info);
}

/* ---- requests ---- */

struct wire_create_bucket_request test_ask_create_bucket(
    struct test_customer *customer, struct view name)
{
    static const struct wire_bucket_key key = {
        .version = 1, .wrapped = {(const uint8_t *)"wrapped", 7}};
    static const uint8_t root_key_id[META_KEY_ID_SIZE] = {1};
    return (struct wire_create_bucket_request){
        .name = name,
        .bucket_id = test_coordinator_id(customer->world),
        .profile = view_text("local"),
        .key = &key,
        .root_key_id = view_of(root_key_id, sizeof(root_key_id)),
        .token = test_coordinator_id(customer->world),
    };
}

struct wire_begin_request test_ask_begin(struct test_customer *customer, const char *key)
{
    return (struct wire_begin_request){.bucket = customer->bucket,
        .key = view_text(key),
        .token = test_coordinator_id(customer->world)};
}

struct wire_open_segment_request test_ask_open(struct test_customer *customer, struct view intent)
{
    return (struct wire_open_segment_request){
        .intent_id = intent,
        .segment_id = test_coordinator_id(customer->world),
        .vk = draw(customer, META_VK_SIZE),
        .length_max = CUSTOMER_SEGMENT_LENGTH,
        .session_id = view_of(customer->session, sizeof(customer->session)),
    };
}

struct wire_put_inline_request test_ask_put_inline(struct test_customer *customer, const char *key)
{
    return (struct wire_put_inline_request){
        .bucket = customer->bucket,
        .key = view_text(key),
        .token = test_coordinator_id(customer->world),
        .body_id = test_coordinator_id(customer->world),
        .bucket_key_version = 1,
        .manifest = view_text("a manifest with its bytes inside"),
        .size = 5,
        .etag = test_coordinator_id(customer->world),
    };
}

struct wire_lookup_request test_ask_lookup(struct test_customer *customer, const char *key)
{
    return (struct wire_lookup_request){
        .bucket = customer->bucket,
        .key = view_text(key),
        .session_id = view_of(customer->session, sizeof(customer->session)),
    };
}

struct wire_delete_request test_ask_delete(struct test_customer *customer, const char *key)
{
    return (struct wire_delete_request){.bucket = customer->bucket,
        .key = view_text(key),
        .token = test_coordinator_id(customer->world)};
}

/* ---- uploads ---- */

uint64_t test_shard_size(void)
{
    const struct profile *local = profile_by_name(view_text("local"));
    struct hearth_err err;
    uint64_t size;
    assert_ok(segment_shard_size(local->k, CUSTOMER_SEGMENT_LENGTH, &size, &err), &err);
    return size;
}

struct order test_open_order(struct test_coordinator *world, struct view bytes)
{
    enum { NODE_ID_AT = 6 };
    struct order order;
    struct order_keys keys;
    uint32_t key_id;
    struct hearth_err *err = &world->err;
    assert_ok(order_key_id(bytes, &key_id, err), err);
    order_node_keys(&world->coordinator->issuer, key_id, bytes.bytes + NODE_ID_AT, &keys);
    assert_ok(order_verify(bytes, keys.order_key, &order, err), err);
    return order;
}

struct wire_slot_receipt test_receipt_of(
    struct test_customer *customer, const struct wire_placement *placement)
{
    return test_receipt_of_size(customer, placement, test_shard_size());
}

struct wire_slot_receipt test_receipt_of_size(
    struct test_customer *customer, const struct wire_placement *placement, uint64_t size)
{
    struct test_coordinator *world = customer->world;
    const struct order order = test_open_order(world, placement->order);
    struct receipt receipt = {
        .key_id = order.key_id,
        .slot = order.slot,
        .p = order.p,
        .cells = 1,
        .size = size,
        .stored_unix_ms = env_unix_ms(&world->env.env),
    };
    struct order_keys keys;
    assert_int_equal(order.action, ORDER_PUT);
    memcpy(receipt.node_id, order.node_id, sizeof(receipt.node_id));
    memcpy(receipt.shard_id, order.shard_id, sizeof(receipt.shard_id));
    memcpy(receipt.serial, order.serial, sizeof(receipt.serial));
    order_node_keys(&world->coordinator->issuer, order.key_id, order.node_id, &keys);
    uint8_t *bytes = arena_take(&world->arena, RECEIPT_SIZE);
    receipt_encode(&receipt, keys.receipt_key, bytes);
    return (struct wire_slot_receipt){.slot = placement->slot,
        .number = placement->number,
        .receipt = view_of(bytes, RECEIPT_SIZE)};
}

void test_open_segment(
    struct test_customer *customer, const char *key, struct test_segment *segment)
{
    const struct wire_begin_request begin = test_ask_begin(customer, key);
    struct wire_begin_reply begun;
    ask_well(customer, RPC_BEGIN, &begin, &begun);
    const struct wire_open_segment_request open = test_ask_open(customer, begun.intent_id);
    *segment = (struct test_segment){.intent = begun.intent_id, .id = open.segment_id};
    ask_well(customer, RPC_OPEN_SEGMENT, &open, &segment->opened);
    for (size_t i = 0; i < segment->opened.placements_count; i++) {
        segment->receipts[segment->receipt_count++] =
            test_receipt_of(customer, &segment->opened.placements[i]);
    }
}

struct wire_seal_segment_request test_ask_seal(const struct test_segment *segment)
{
    return (struct wire_seal_segment_request){
        .intent_id = segment->intent,
        .segment_id = segment->id,
        .length = CUSTOMER_SEGMENT_LENGTH,
        .receipts = segment->receipts,
        .receipts_count = segment->receipt_count,
    };
}

struct wire_commit_request test_ask_commit(struct test_customer *customer,
    const struct test_segment *segment, const struct wire_seal_segment_request *seal,
    struct wire_extent *extent)
{
    *extent = (struct wire_extent){.segment_id = segment->id, .length = CUSTOMER_SEGMENT_LENGTH};
    return (struct wire_commit_request){
        .intent_id = segment->intent,
        .body_id = test_coordinator_id(customer->world),
        .bucket_key_version = 1,
        .manifest = view_text("sealed manifest"),
        .size = CUSTOMER_SEGMENT_LENGTH,
        .etag = test_coordinator_id(customer->world),
        .extents = extent,
        .extents_count = 1,
        .seal = seal,
    };
}

void test_upload(struct test_customer *customer, const char *key, struct test_segment *segment)
{
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(customer, key, segment);
    const struct wire_seal_segment_request seal = test_ask_seal(segment);
    const struct wire_commit_request commit = test_ask_commit(customer, segment, &seal, &extent);
    ask_well(customer, RPC_COMMIT, &commit, &committed);
}
