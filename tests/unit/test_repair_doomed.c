/*
 * Repair leaves what nobody will want any more: segments that only doomed bodies name.
 */
#include "coordinator/repair/repair.h"

#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_segment.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum { NODES = 10, W = 6 };

struct fixture {
    struct test_coordinator world;
    struct test_customer customer;
    struct test_segment segment;
};

/* A segment with slots to fill. */
static void upload(struct fixture *at, const char *key)
{
    struct wire_extent extent;
    struct wire_commit_reply committed;
    test_open_segment(&at->customer, key, &at->segment);
    struct wire_seal_segment_request seal = test_ask_seal(&at->segment);
    seal.receipts_count = W;
    const struct wire_commit_request commit =
        test_ask_commit(&at->customer, &at->segment, &seal, &extent);
    assert_ok(test_ask(&at->customer, RPC_COMMIT, &commit, &committed), &at->world.err);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    assert_non_null(at);
    test_coordinator_init(&at->world);
    test_coordinator_nodes(&at->world, NODES);
    test_customer_init(&at->customer, &at->world, "ann");
    upload(at, "key");
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    free(at);
    return 0;
}

static uint64_t due(struct fixture *at)
{
    const struct repair_status status = test_coordinator_repair(&at->world);
    assert_int_equal(status.queue, status.below_n);
    return status.queue;
}

static struct meta_segment row_of(struct fixture *at)
{
    struct meta_segment row;
    struct meta_id id;
    memcpy(id.bytes, at->segment.id.bytes, sizeof(id.bytes));
    assert_ok(
        meta_segment_get(at->world.coordinator->store, id, &row, &at->world.err), &at->world.err);
    return row;
}

static void delete (struct fixture *at, const char *key)
{
    const struct wire_delete_request request = test_ask_delete(&at->customer, key);
    struct wire_delete_reply reply;
    assert_ok(test_ask(&at->customer, RPC_DELETE, &request, &reply), &at->world.err);
}

static void a_segment_of_a_deleted_object_is_not_filled(void **state)
{
    struct fixture *at = *state;
    assert_int_equal(due(at), 1);
    delete (at, "key");
    assert_false(row_of(at).dying_ms != 0); /* it is kept for readers for a while */
    assert_int_equal(due(at), 0);
}

static void a_segment_of_an_overwritten_object_is_not_filled(void **state)
{
    struct fixture *at = *state;
    upload(at, "key");
    assert_int_equal(due(at), 1); /* that of the new version alone */
    assert_int_equal(row_of(at).doomed_refs, 0);
    upload(at, "other");
    assert_int_equal(due(at), 2);
}

/* Two names for one segment: it goes on as long as one of them lives. */
static void a_segment_that_somebody_else_names_is_filled(void **state)
{
    struct fixture *at = *state;
    struct meta_segment row = row_of(at);
    assert_int_equal(row.refs, 1);
    row.refs = 2;
    row.doomed_refs = 1;
    assert_false(meta_segment_is_doomed(&row));
    row.doomed_refs = 2;
    assert_true(meta_segment_is_doomed(&row));
    row.refs = row.doomed_refs = 0; /* sealed, not committed yet */
    assert_false(meta_segment_is_doomed(&row));
}

static void the_mark_goes_with_the_reference(void **state)
{
    struct fixture *at = *state;
    struct meta_garbage_report report;
    delete (at, "key");
    assert_int_equal(row_of(at).doomed_refs, 1);
    test_env_step_ms(&at->world.env, META_READ_GRACE_MS + 1);
    assert_ok(
        meta_garbage_step(at->world.coordinator->store, &report, &at->world.err), &at->world.err);
    assert_int_equal(report.segments_dying, 1);
    assert_int_equal(row_of(at).refs, 0);
    assert_int_equal(row_of(at).doomed_refs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_segment_of_a_deleted_object_is_not_filled),
        CASE(a_segment_of_an_overwritten_object_is_not_filled),
        CASE(a_segment_that_somebody_else_names_is_filled),
        CASE(the_mark_goes_with_the_reference),
#undef CASE
    };
    return cmocka_run_group_tests_name("repair_doomed", tests, NULL, NULL);
}
