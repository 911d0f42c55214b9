/*
 * Whatever a member with a good certificate asks, the coordinator answers, and lives.
 *
 * Every handler gets requests filled at random within the limits of the wire, half of them at those
 * limits; names and ids that exist are put in their places now and then, so that the requests get
 * past the first door.  Every answer has to be one that can be sent.
 */
#include "coordinator/service/invitation.h"
#include "proto/wire_table.h"
#include "tests/lib/test.h"
#include "tests/lib/test_coordinator.h"
#include "tests/lib/test_wire_fill.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 60, NODES = 9 };

struct fixture {
    struct test_coordinator world;
    struct test_member *callers[PEER_CLASSES];
    struct test_wire_filler filler;
    struct view segment;
    struct view intent;
    struct view upload;
};

/* ---- a world with something in it ---- */

static void make_objects(struct fixture *at)
{
    static const uint8_t bytes[32] = {1};
    const struct test_member *client = at->callers[PEER_CLIENT];
    const struct wire_bucket_key key = {.version = 1, .wrapped = view_text("wrapped")};
    const struct wire_create_bucket_request create = {.name = view_text("bucket"),
        .bucket_id = test_coordinator_id(&at->world),
        .key = &key,
        .root_key_id = view_of(bytes, 8),
        .token = test_coordinator_id(&at->world)};
    struct wire_bucket_info bucket;
    assert_ok(test_coordinator_call(&at->world, client, RPC_CREATE_BUCKET, &create, &bucket),
        &at->world.err);
    const struct wire_begin_request begin = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(&at->world)};
    struct wire_begin_reply begun;
    assert_ok(test_coordinator_call(&at->world, client, RPC_BEGIN, &begin, &begun), &at->world.err);
    at->intent = begun.intent_id;
    at->segment = test_coordinator_id(&at->world);
    const struct wire_open_segment_request open = {.intent_id = at->intent,
        .segment_id = at->segment,
        .vk = view_of(bytes, 32),
        .session_id = view_of(bytes, 20)};
    struct wire_open_segment_reply opened;
    assert_ok(test_coordinator_call(&at->world, client, RPC_OPEN_SEGMENT, &open, &opened),
        &at->world.err);
    const struct wire_put_inline_request put = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = test_coordinator_id(&at->world),
        .body_id = test_coordinator_id(&at->world),
        .bucket_key_version = 1,
        .manifest = view_text("sealed"),
        .etag = view_of(bytes, 16)};
    struct wire_commit_reply committed;
    assert_ok(test_coordinator_call(&at->world, client, RPC_PUT_INLINE, &put, &committed),
        &at->world.err);
}

static void make_upload_in_parts(struct fixture *at)
{
    at->upload = test_coordinator_id(&at->world);
    const struct wire_create_upload_request create = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .upload_id = at->upload,
        .bucket_key_version = 1,
        .manifest = view_text("sealed")};
    struct wire_create_upload_reply created;
    assert_ok(test_coordinator_call(
                  &at->world, at->callers[PEER_CLIENT], RPC_CREATE_UPLOAD, &create, &created),
        &at->world.err);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_coordinator_init(&at->world);
    test_wire_filler_init(&at->filler, 1);
    at->callers[PEER_NODE] = test_coordinator_nodes(&at->world, NODES);
    at->callers[PEER_CLIENT] = test_coordinator_member(&at->world, PEER_CLIENT);
    at->callers[PEER_GATEWAY] = test_coordinator_member(&at->world, PEER_GATEWAY);
    at->callers[PEER_ADMIN] = test_coordinator_member(&at->world, PEER_ADMIN);
    make_objects(at);
    make_upload_in_parts(at);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_wire_filler_fini(&at->filler);
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

/* ---- requests that get somewhere ---- */

static bool is_any_of(const char *name, const char *first, const char *second)
{
    return strcmp(name, first) == 0 || strcmp(name, second) == 0;
}

/* What exists, for a field of that name; false: anything does. */
static bool known_value(
    const struct fixture *at, const struct wire_field *field, struct view *value)
{
    static const uint8_t session[PKI_ID_SIZE] = {1};
    if (is_any_of(field->name, "bucket", "source_bucket")) {
        *value = view_text("bucket");
    } else if (is_any_of(field->name, "key", "source_key")) {
        *value = view_text("key");
    } else if (strcmp(field->name, "intent_id") == 0) {
        *value = at->intent;
    } else if (strcmp(field->name, "segment_id") == 0) {
        *value = at->segment;
    } else if (strcmp(field->name, "upload_id") == 0) {
        *value = at->upload;
    } else if (strcmp(field->name, "session_id") == 0) {
        *value = view_of(session, sizeof(session));
    } else if (strcmp(field->name, "node_id") == 0) {
        *value = view_of(at->callers[PEER_NODE]->id, PKI_ID_SIZE);
    } else if (strcmp(field->name, "volume_uuid") == 0) {
        *value = meta_id_view(&at->callers[PEER_NODE]->volume);
    } else if (strcmp(field->name, "kind") == 0) {
        *value = view_text("node");
    } else {
        return false;
    }
    return true;
}

static void put_known_values(
    const struct fixture *at, const struct wire_message *message, uint8_t *request)
{
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        uint8_t *child;
        if (is_any_of(field->name, "sequence", "start_count")) {
            *(uint64_t *)(request + field->offset) = 1; /* more would make an older disk of it */
        } else if (field->kind == WIRE_BYTES && field->count_max == 0) {
            known_value(at, field, (struct view *)(request + field->offset));
        } else if (field->kind == WIRE_MESSAGE && field->count_max == 0) {
            memcpy(&child, request + field->offset, sizeof(child));
            if (child != NULL) {
                put_known_values(at, field->message, child);
            }
        }
    }
}

static void ask(struct fixture *at, unsigned method, unsigned round)
{
    const struct rpc_method_row *row = &rpc_methods.rows[method];
    at->filler.to_the_limit = round % 4 >= 2;
    void *request = test_wire_fill(&at->filler, row->request);
    void *response = arena_take(&at->filler.arena, wire_message_size(row->response));
    if (round % 2 == 0) {
        put_known_values(at, row->request, request);
    }
    struct buf *bytes;
    const struct test_member *caller = at->callers[__builtin_ctz(row->classes)];
    if (test_coordinator_call(&at->world, caller, method, request, response) != HEARTH_OK) {
        assert_true(at->world.err.message[0] != '\0');
    } else if (wire_encode(row->response, response, &bytes, &at->world.err) != HEARTH_OK) {
        fail_msg("%s answers what cannot be sent: %s", row->path, at->world.err.message);
    } else {
        assert_true(bytes->size <= row->response_max);
        buf_unref(bytes);
    }
}

static void assert_answers_anything(struct fixture *at, unsigned first, unsigned end)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned method = first; method < end; method++) {
            if (rpc_methods.rows[method].kind == RPC_UNARY) {
                ask(at, method, round);
            }
        }
    }
}

static void a_customer_gets_an_answer_whatever_it_asks(void **state)
{
    assert_answers_anything(*state, 0, RPC_HEARTBEAT);
}

static void a_node_gets_an_answer_whatever_it_says(void **state)
{
    assert_answers_anything(*state, RPC_HEARTBEAT, RPC_STATUS);
}

static void an_admin_gets_an_answer_whatever_it_asks(void **state)
{
    assert_answers_anything(*state, RPC_STATUS, RPC_SHARD_PUT);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_customer_gets_an_answer_whatever_it_asks),
        claim(a_node_gets_an_answer_whatever_it_says),
        claim(an_admin_gets_an_answer_whatever_it_asks),
    };
    return cmocka_run_group_tests_name("service_hostile", tests, NULL, NULL);
}
