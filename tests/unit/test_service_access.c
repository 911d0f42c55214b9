/*
 * Who may ask the coordinator for what (M-4): every handler of the tables, tried by callers with
 * no grant, with too few rights, and of another tenant, who all know the ids of what is there.
 *
 * A method without a row in `methods` fails these tests: a new one is tried before it is served.
 */
#include "proto/wire.h"
#include "proto/wire_table.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"
#include "tests/lib/test_wire_fill.h"

#include <stdio.h>
#include <stdlib.h>

enum { NODES = 10 };

/* Whom a handler serves, and what he must hold. */
enum kind { UNLISTED, CUSTOMERS, NODES_ONLY, ADMINS };

/* What a customer of another tenant gets who asks for what is not his. */
enum other_tenant {
    NOT_TRIED,
    REFUSED,
    SEES_HIS_OWN, /* the call names nothing that belongs to somebody */
    EACH_REFUSED, /* in the answer: test_object_many */
};

static const struct {
    enum kind kind;
    enum service_right right;
    enum other_tenant other;
} methods[RPC_METHODS] = {
    [RPC_OPEN_SESSION] = {CUSTOMERS, SERVICE_READS, SEES_HIS_OWN},
    [RPC_CREATE_BUCKET] = {CUSTOMERS, SERVICE_OWNS, REFUSED},
    [RPC_DELETE_BUCKET] = {CUSTOMERS, SERVICE_OWNS, REFUSED},
    [RPC_HEAD_BUCKET] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_LIST_BUCKETS] = {CUSTOMERS, SERVICE_READS, SEES_HIS_OWN},
    [RPC_SET_BUCKET_ACCESS] = {CUSTOMERS, SERVICE_OWNS, REFUSED},
    [RPC_BEGIN] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_OPEN_SEGMENT] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_OFFER_SLOT] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_SEAL_SEGMENT] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_ADD_HOLDERS] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_COMMIT] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_ABORT] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_PUT_INLINE] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_PUT_INLINE_MANY] = {CUSTOMERS, SERVICE_WRITES, EACH_REFUSED},
    [RPC_COPY] = {CUSTOMERS, SERVICE_READS | SERVICE_WRITES, REFUSED},
    [RPC_LOOKUP] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_LOOKUP_MANY] = {CUSTOMERS, SERVICE_READS, EACH_REFUSED},
    [RPC_MORE_ORDERS] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_DELETE] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_LIST] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_WHEREIS] = {CUSTOMERS, SERVICE_READS, SEES_HIS_OWN},
    [RPC_REPORT_SHARD] = {CUSTOMERS, SERVICE_READS, SEES_HIS_OWN},
    [RPC_DELETE_MANY] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_SET_TAGS] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_CREATE_UPLOAD] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_COMPLETE_UPLOAD] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_ABORT_UPLOAD] = {CUSTOMERS, SERVICE_WRITES, REFUSED},
    [RPC_LIST_PARTS] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_LIST_UPLOADS] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_DERIVE_SIGNING_KEY] = {CUSTOMERS, SERVICE_READS, REFUSED},
    [RPC_HEARTBEAT] = {.kind = NODES_ONLY},
    [RPC_STATUS] = {.kind = ADMINS},
    [RPC_NODE_LIST] = {.kind = ADMINS},
    [RPC_NODE_LOST] = {.kind = ADMINS},
    [RPC_NODE_SET] = {.kind = ADMINS},
    [RPC_SWEEP] = {.kind = ADMINS},
    [RPC_REBALANCE_PLAN] = {.kind = ADMINS},
    [RPC_REBALANCE_COMMAND] = {.kind = ADMINS},
    [RPC_REBALANCE_LIST] = {.kind = ADMINS},
    [RPC_NODE_DRAIN] = {.kind = ADMINS},
    [RPC_NODE_UNDRAIN] = {.kind = ADMINS},
    [RPC_NODE_REMOVE] = {.kind = ADMINS},
    [RPC_AUDITS] = {.kind = ADMINS},
    [RPC_AUDIT_EVIDENCE] = {.kind = ADMINS},
    [RPC_REPAIR_STATUS] = {.kind = ADMINS},
    [RPC_REPAIR_RUN] = {.kind = ADMINS},
    [RPC_REPAIR_LOST] = {.kind = ADMINS},
    [RPC_SIMULATE] = {.kind = ADMINS},
    [RPC_GARBAGE_RELEASE] = {.kind = ADMINS},
    [RPC_INVITE] = {.kind = ADMINS},
    [RPC_BACKUP] = {.kind = ADMINS},  /* a stream; it asks admin_check() on its thread */
    [RPC_RESTORE] = {.kind = ADMINS}, /* likewise */
    [RPC_FSCK] = {.kind = ADMINS},    /* likewise */
    [RPC_TENANT_CREATE] = {.kind = ADMINS},
    [RPC_TENANT_LIST] = {.kind = ADMINS},
    [RPC_KEY_CREATE] = {.kind = ADMINS},
    [RPC_KEY_LIST] = {.kind = ADMINS},
    [RPC_KEY_REVOKE] = {.kind = ADMINS},
    [RPC_BUCKET_RESERVE] = {.kind = ADMINS},
    [RPC_BUCKET_USAGES] = {.kind = ADMINS},
    [RPC_BUCKET_SET] = {.kind = ADMINS},
    [RPC_UNDELETE] = {.kind = ADMINS},
    [RPC_DELETED_LIST] = {.kind = ADMINS},
    [RPC_GARBAGE_STATUS] = {.kind = ADMINS},
    [RPC_GARBAGE_RUN] = {.kind = ADMINS},
};

/* ---- a world with something in it ---- */

struct fixture {
    struct test_coordinator world;
    struct test_wire_filler filler;
    struct test_customer ann;
    struct test_customer bob;
    struct test_member *clerk;     /* of Ann's tenant */
    struct test_segment committed; /* Ann's, as "photo" */
    struct test_segment open;      /* Ann's */
    struct view version;           /* of "photo" */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_coordinator_init(&fixture->world);
    test_coordinator_nodes(&fixture->world, NODES);
    test_wire_filler_init(&fixture->filler, 6);
    test_customer_init(&fixture->ann, &fixture->world, "ann");
    test_customer_init(&fixture->bob, &fixture->world, "bob");
    fixture->clerk = test_customer_join(&fixture->world, "ann");
    test_upload(&fixture->ann, "photo", &fixture->committed);
    test_open_segment(&fixture->ann, "film", &fixture->open);

    struct wire_lookup_reply found;
    const struct wire_lookup_request lookup = test_ask_lookup(&fixture->ann, "photo");
    assert_ok(test_ask(&fixture->ann, RPC_LOOKUP, &lookup, &found), &fixture->world.err);
    fixture->version = found.info->version;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    test_wire_filler_fini(&fixture->filler);
    test_coordinator_fini(&fixture->world);
    free(fixture);
    return 0;
}

/* Something of Ann's that fits a field of this name; NULL: nothing does. */
static const struct view *find_planted(const char *name, const struct view *planted)
{
    static const char *const names[] = {"bucket", "source_bucket", "name", "key", "source_key",
        "version", "source_version", "intent_id", "segment_id", "session_id", "profile"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return &planted[i];
        }
    }
    return NULL;
}

static void plant_value(struct fixture *fixture, const struct wire_field *field, uint8_t *at)
{
    const struct view planted[] = {fixture->ann.bucket, fixture->ann.bucket, fixture->ann.bucket,
        view_text("photo"), view_text("photo"), fixture->version, fixture->version,
        fixture->open.intent, fixture->open.id, view_of(fixture->ann.session, PKI_ID_SIZE),
        view_text("local")};
    static const uint64_t numbers[] = {0, 1, 2, CUSTOMER_SEGMENT_LENGTH};
    const uint64_t number = numbers[env_random_below(&fixture->filler.env.env, 4)];
    const uint32_t small = number > 2 ? 0 : (uint32_t)number;
    const struct view *found = find_planted(field->name, planted);
    if (field->kind == WIRE_BYTES && found != NULL) {
        memcpy(at, found, sizeof(*found));
    } else if (field->kind == WIRE_U64) {
        memcpy(at, &number, sizeof(number));
    } else if (field->kind == WIRE_U32) {
        memcpy(at, &small, sizeof(small));
    }
}

/* Puts Ann's ids and small numbers where they fit. */
static void plant(struct fixture *fixture, const struct wire_message *message, uint8_t *at)
{
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        size_t count = 1;
        if (field->count_max > 0) {
            memcpy(&count, at + field->count_offset, sizeof(count));
        }
        if (field->kind == WIRE_MESSAGE) {
            uint8_t *inner;
            memcpy(&inner, at + field->offset, sizeof(inner));
            for (size_t j = 0; inner != NULL && j < count; j++) {
                plant(fixture, field->message, inner + j * field->message->size);
            }
        } else if (field->count_max == 0) {
            plant_value(fixture, field, at + field->offset);
        }
    }
}

static void *make_request(struct fixture *fixture, unsigned method)
{
    const struct wire_message *message = rpc_methods.rows[method].request;
    void *request = test_wire_fill(&fixture->filler, message);
    plant(fixture, message, request);
    return request;
}

static bool is_unary(unsigned method)
{
    const struct rpc_handler *handler = test_coordinator_handler(method);
    return handler != NULL && handler->unary != NULL;
}

static enum hearth_code call(
    struct fixture *fixture, const struct test_member *member, unsigned method, const void *request)
{
    uint8_t response[4096];
    assert_true(wire_message_size(rpc_methods.rows[method].response) <= sizeof(response));
    return test_coordinator_call(&fixture->world, member, method, request, response);
}

/* ---- the claims ---- */

static void every_handler_has_a_row_here(void **state)
{
    (void)state;
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        if (test_coordinator_handler(method) != NULL) {
            assert_int_not_equal(methods[method].kind, UNLISTED);
        }
        if (methods[method].kind == CUSTOMERS) {
            assert_int_not_equal(methods[method].right, 0);
            assert_int_not_equal(methods[method].other, NOT_TRIED);
        }
    }
}

static void every_handler_refuses_who_has_no_grant(void **state)
{
    struct fixture *fixture = *state;
    const struct test_member *stranger = test_coordinator_stranger(&fixture->world);
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        for (unsigned i = 0; is_unary(method) && i < 5; i++) {
            enum hearth_code code = call(fixture, stranger, method, make_request(fixture, method));
            if (methods[method].kind == NODES_ONLY) {
                assert_int_equal(code, HEARTH_NOT_FOUND); /* never enrolled */
            } else {
                assert_int_equal(code, HEARTH_DENIED);
            }
        }
    }
}

/* What he may do for Ann, from now on. */
static void limit_rights(struct fixture *fixture, const struct test_member *clerk, uint64_t rights)
{
    struct meta_store *store = fixture->world.coordinator->store;
    struct hearth_err *err = &fixture->world.err;
    struct meta_grant grant;
    struct meta_principal principal;
    memcpy(principal.bytes, clerk->id, sizeof(principal.bytes));
    assert_ok(meta_grant_get(store, principal, &grant, err), err);
    grant.rights = rights;
    assert_ok(meta_grant_put(store, &grant, err), err);
}

static enum hearth_code call_with_rights(struct fixture *fixture, unsigned method, unsigned rights)
{
    limit_rights(fixture, fixture->clerk, rights);
    print_message("%s with rights %u\n", rpc_methods.rows[method].path, rights);
    return call(fixture, fixture->clerk, method, make_request(fixture, method));
}

static void every_handler_refuses_who_lacks_the_right(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        const unsigned needed = methods[method].right;
        for (unsigned rights = 0; needed != 0 && rights <= SERVICE_ALL; rights++) {
            if ((rights & needed) != needed) {
                assert_int_equal(call_with_rights(fixture, method, rights), HEARTH_DENIED);
            }
        }
    }
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        const unsigned needed = methods[method].right;
        if (needed != 0) {
            assert_int_not_equal(call_with_rights(fixture, method, needed), HEARTH_DENIED);
        }
    }
}

static void a_customers_grant_opens_nothing_of_the_operators(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        if (is_unary(method) && methods[method].kind == ADMINS) {
            assert_int_equal(
                call(fixture, fixture->ann.member, method, make_request(fixture, method)),
                HEARTH_DENIED);
        }
    }
}

static void assert_untouched(struct fixture *fixture)
{
    struct wire_lookup_reply found;
    const struct wire_lookup_request lookup = test_ask_lookup(&fixture->ann, "photo");
    assert_ok(test_ask(&fixture->ann, RPC_LOOKUP, &lookup, &found), &fixture->world.err);
    assert_true(view_equal(found.info->version, fixture->version));
    assert_int_equal(found.segments[0].generation, 1);

    const struct wire_lookup_request film = test_ask_lookup(&fixture->ann, "film");
    assert_int_equal(test_ask(&fixture->ann, RPC_LOOKUP, &film, &found), HEARTH_NOT_FOUND);
}

static void another_tenant_is_refused_whatever_ids_it_knows(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned method = 0; method < RPC_METHODS; method++) {
        bool is_refused_for_who_he_is = methods[method].other != REFUSED;
        for (unsigned i = 0; i < 40 && methods[method].other == REFUSED; i++) {
            enum hearth_code code =
                call(fixture, fixture->bob.member, method, make_request(fixture, method));
            assert_int_not_equal(code, HEARTH_OK);
            is_refused_for_who_he_is |=
                code == HEARTH_DENIED || code == HEARTH_NOT_FOUND || code == HEARTH_CONFLICT;
        }
        print_message("%s\n", rpc_methods.rows[method].path);
        assert_true(is_refused_for_who_he_is);
    }
    assert_untouched(fixture);

    /* And Ann can finish what Bob tried to seal, commit and abort. */
    struct wire_extent extent;
    struct wire_commit_reply committed;
    const struct wire_seal_segment_request seal = test_ask_seal(&fixture->open);
    const struct wire_commit_request commit =
        test_ask_commit(&fixture->ann, &fixture->open, &seal, &extent);
    assert_ok(test_ask(&fixture->ann, RPC_COMMIT, &commit, &committed), &fixture->world.err);
}

/* With his own intent and her segment, receipts and all. */
static void another_tenants_segment_cannot_be_drawn_into_an_upload(void **state)
{
    struct fixture *fixture = *state;
    struct test_segment bobs;
    test_open_segment(&fixture->bob, "theft", &bobs);
    struct test_segment mixed = fixture->open;
    mixed.intent = bobs.intent;

    struct wire_seal_segment_reply sealed;
    const struct wire_seal_segment_request seal = test_ask_seal(&mixed);
    assert_int_equal(test_ask(&fixture->bob, RPC_SEAL_SEGMENT, &seal, &sealed), HEARTH_NOT_FOUND);

    struct wire_placement placement;
    const struct wire_offer_slot_request offer = {.intent_id = bobs.intent,
        .segment_id = fixture->open.id,
        .session_id = view_of(fixture->bob.session, PKI_ID_SIZE)};
    assert_int_equal(test_ask(&fixture->bob, RPC_OFFER_SLOT, &offer, &placement), HEARTH_NOT_FOUND);

    struct test_segment hers = fixture->committed;
    hers.intent = bobs.intent;
    struct wire_extent extent;
    struct wire_commit_reply committed;
    struct wire_commit_request commit = test_ask_commit(&fixture->bob, &hers, NULL, &extent);
    assert_int_equal(test_ask(&fixture->bob, RPC_COMMIT, &commit, &committed), HEARTH_INVALID);
}

static void buckets_listed_are_ones_own(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_empty nothing = {0};
    struct wire_list_buckets_reply list;
    assert_ok(test_ask(&fixture->bob, RPC_LIST_BUCKETS, &nothing, &list), &fixture->world.err);
    assert_int_equal(list.buckets_count, 1);
    assert_true(view_equal(list.buckets[0].name, fixture->bob.bucket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_handler_has_a_row_here),
        cmocka_unit_test_setup_teardown(every_handler_refuses_who_has_no_grant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            every_handler_refuses_who_lacks_the_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_customers_grant_opens_nothing_of_the_operators, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            another_tenant_is_refused_whatever_ids_it_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            another_tenants_segment_cannot_be_drawn_into_an_upload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buckets_listed_are_ones_own, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("service_access", tests, NULL, NULL);
}
