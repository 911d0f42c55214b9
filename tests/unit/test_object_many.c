/*
 * object_many: lookups and puts that come together are answered as they would be one by one.
 *
 * Through the service, as the RPC port would call it.
 */
#include "common/cleanup.h"
#include "proto/wire.h"
#include "tests/lib/test.h"
#include "tests/lib/test_customer.h"

#include <stdlib.h>

enum { NODES = 10, LARGE = WIRE_ANSWERS_SIZE_MAX * 2 / 3 };

struct fixture {
    struct test_coordinator world;
    struct test_customer ann;
    struct test_customer bob;
    struct test_segment segment;
    struct arena arena; /* of answers that were read */
};

static void put(struct test_customer *customer, const char *key, struct view manifest)
{
    struct wire_put_inline_request request = test_ask_put_inline(customer, key);
    struct wire_commit_reply reply;
    request.manifest = manifest;
    assert_ok(test_ask(customer, RPC_PUT_INLINE, &request, &reply), &customer->world->err);
}

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    arena_init(&at->arena, 0);
    test_coordinator_init(&at->world);
    test_coordinator_nodes(&at->world, NODES);
    test_customer_init(&at->ann, &at->world, "ann");
    test_customer_init(&at->bob, &at->world, "bob");
    put(&at->ann, "small", view_text("sealed"));
    test_upload(&at->ann, "photo", &at->segment);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    test_coordinator_fini(&at->world);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

/* Questions as who asks them has packed them. */
struct packed {
    struct buf *bufs[WIRE_QUESTIONS_MAX];
    struct view views[WIRE_QUESTIONS_MAX];
    size_t count;
};

static void pack(struct packed *packed, const struct wire_message *message, const void *question)
{
    struct hearth_err err;
    size_t i = packed->count++;
    assert_ok(wire_encode(message, question, &packed->bufs[i], &err), &err);
    packed->views[i] = buf_view(packed->bufs[i]);
}

static const struct wire_answer *ask_packed(
    struct test_customer *customer, unsigned method, struct packed *packed)
{
    const struct wire_many_request request = {packed->views, packed->count};
    struct wire_many_reply reply;
    assert_ok(test_ask(customer, method, &request, &reply), &customer->world->err);
    assert_int_equal(reply.answers_count, packed->count);
    for (size_t i = 0; i < packed->count; i++) {
        buf_unref(packed->bufs[i]);
    }
    return reply.answers;
}

static const struct wire_answer *ask_together(
    struct test_customer *customer, const struct wire_lookup_request *questions, size_t count)
{
    struct packed packed = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        pack(&packed, &wire_lookup_request_message, &questions[i]);
    }
    return ask_packed(customer, RPC_LOOKUP_MANY, &packed);
}

/* Orders are drawn anew, so they are not compared. */
static void assert_found(struct fixture *at, const struct wire_answer *answer,
    const struct wire_lookup_request *question)
{
    struct wire_lookup_reply alone;
    struct wire_lookup_reply together;
    assert_ok(test_ask(&at->ann, RPC_LOOKUP, question, &alone), &at->world.err);
    assert_int_equal(answer->code, HEARTH_OK);
    assert_ok(wire_decode(
                  &wire_lookup_reply_message, answer->reply, &at->arena, &together, &at->world.err),
        &at->world.err);
    assert_true(view_equal(alone.info->version, together.info->version));
    assert_true(view_equal(alone.manifest, together.manifest));
    assert_int_equal(alone.segments_count, together.segments_count);
}

static void each_question_has_its_own_answer(void **state)
{
    struct fixture *at = *state;
    const struct wire_lookup_request questions[] = {test_ask_lookup(&at->ann, "photo"),
        test_ask_lookup(&at->ann, "nothing"), test_ask_lookup(&at->ann, "small")};
    const struct wire_answer *answers = ask_together(&at->ann, questions, 3);
    assert_found(at, &answers[0], &questions[0]);
    assert_int_equal(answers[1].code, HEARTH_NOT_FOUND);
    assert_true(view_equal(answers[1].text, view_text("no such key")));
    assert_found(at, &answers[2], &questions[2]);
}

/* Among questions that are his to ask. */
static void what_is_somebody_elses_is_refused(void **state)
{
    struct fixture *at = *state;
    put(&at->bob, "small", view_text("sealed"));
    const struct wire_lookup_request questions[] = {test_ask_lookup(&at->bob, "small"),
        test_ask_lookup(&at->ann, "small"), test_ask_lookup(&at->ann, "nothing")};
    const struct wire_answer *answers = ask_together(&at->bob, questions, 3);
    assert_int_equal(answers[0].code, HEARTH_OK);
    assert_int_equal(answers[1].code, HEARTH_DENIED);
    assert_int_equal(answers[1].reply.size, 0);
    assert_int_equal(answers[2].code, HEARTH_DENIED); /* nor does he learn what is not there */
}

/* An object in many extents has a long manifest; what is in it is its customer's affair. */
static void upload_large(struct fixture *at)
{
    FREES uint8_t *manifest = calloc(1, LARGE);
    struct test_segment segment;
    struct wire_extent extent;
    struct wire_commit_reply reply;
    test_open_segment(&at->ann, "large", &segment);
    const struct wire_seal_segment_request seal = test_ask_seal(&segment);
    struct wire_commit_request commit = test_ask_commit(&at->ann, &segment, &seal, &extent);
    commit.manifest = view_of(manifest, LARGE);
    assert_ok(test_ask(&at->ann, RPC_COMMIT, &commit, &reply), &at->world.err);
}

static void what_does_not_fit_with_the_others_is_left_to_be_asked_alone(void **state)
{
    struct fixture *at = *state;
    upload_large(at);
    const struct wire_lookup_request questions[] = {test_ask_lookup(&at->ann, "large"),
        test_ask_lookup(&at->ann, "large"), test_ask_lookup(&at->ann, "small")};
    const struct wire_answer *answers = ask_together(&at->ann, questions, 3);
    assert_true(answers[0].reply.size > LARGE);
    assert_int_equal(answers[1].code, HEARTH_OK);
    assert_int_equal(answers[1].reply.size, 0);
    assert_found(at, &answers[2], &questions[2]);
}

/* Also a question that is none: it alone is refused. */
static void what_is_no_question_spoils_no_other(void **state)
{
    struct fixture *at = *state;
    struct packed packed = {.count = 0};
    const struct wire_lookup_request small = test_ask_lookup(&at->ann, "small");
    pack(&packed, &wire_lookup_request_message, &small);
    pack(&packed, &wire_lookup_request_message, &small);
    packed.views[0] = view_text("\xff\xff\xff");
    const struct wire_answer *answers = ask_packed(&at->ann, RPC_LOOKUP_MANY, &packed);
    assert_int_equal(answers[0].code, HEARTH_INVALID);
    assert_found(at, &answers[1], &small);
}

/* ---- puts ---- */

static struct view version_of(struct fixture *at, const struct wire_answer *answer)
{
    struct wire_commit_reply reply;
    struct arena *arena = &at->arena;
    assert_int_equal(answer->code, HEARTH_OK);
    assert_ok(wire_decode(&wire_commit_reply_message, answer->reply, arena, &reply, &at->world.err),
        &at->world.err);
    return reply.version;
}

static void each_put_is_done_or_refused_for_itself(void **state)
{
    struct fixture *at = *state;
    struct packed packed = {.count = 0};
    const struct wire_precondition absent = {.must_not_exist = true};
    struct wire_put_inline_request puts[4];
    static const char *const keys[] = {"new", "theirs", "newer", "small"};
    for (size_t i = 0; i < 4; i++) {
        puts[i] = test_ask_put_inline(&at->ann, keys[i]);
        puts[i].precondition = &absent;
        puts[i].bucket = i == 1 ? at->bob.bucket : puts[i].bucket;
        pack(&packed, &wire_put_inline_request_message, &puts[i]);
    }
    const struct wire_answer *answers = ask_packed(&at->ann, RPC_PUT_INLINE_MANY, &packed);
    assert_int_equal(answers[1].code, HEARTH_DENIED);
    assert_int_equal(answers[3].code, HEARTH_PRECONDITION); /* it is there */
    for (size_t i = 0; i < 3; i += 2) {
        struct wire_lookup_reply found;
        const struct wire_lookup_request lookup = test_ask_lookup(&at->ann, keys[i]);
        assert_ok(test_ask(&at->ann, RPC_LOOKUP, &lookup, &found), &at->world.err);
        assert_true(view_equal(found.info->version, version_of(at, &answers[i])));
    }
}

/* An answer that was lost is asked for again, with others then. */
static void a_put_asked_twice_makes_one_version(void **state)
{
    struct fixture *at = *state;
    struct packed first = {.count = 0};
    struct packed second = {.count = 0};
    const struct wire_put_inline_request put = test_ask_put_inline(&at->ann, "new");
    const struct wire_put_inline_request other = test_ask_put_inline(&at->ann, "other");
    pack(&first, &wire_put_inline_request_message, &put);
    pack(&second, &wire_put_inline_request_message, &other);
    pack(&second, &wire_put_inline_request_message, &put);
    const struct view version =
        version_of(at, &ask_packed(&at->ann, RPC_PUT_INLINE_MANY, &first)[0]);
    const struct wire_answer *again = ask_packed(&at->ann, RPC_PUT_INLINE_MANY, &second);
    assert_true(view_equal(version_of(at, &again[1]), version));
    assert_false(view_equal(version_of(at, &again[0]), version));
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(each_question_has_its_own_answer),
        claim(what_is_somebody_elses_is_refused),
        claim(what_does_not_fit_with_the_others_is_left_to_be_asked_alone),
        claim(what_is_no_question_spoils_no_other),
        claim(each_put_is_done_or_refused_for_itself),
        claim(a_put_asked_twice_makes_one_version),
    };
    return cmocka_run_group_tests_name("object_many", tests, NULL, NULL);
}
