/*
 * object_service: lookups that come together are answered as they would be one by one.
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
    free(at);
    return 0;
}

static const struct wire_lookup_answer *ask_together(
    struct test_customer *customer, const struct wire_lookup_request *questions, size_t count)
{
    const struct wire_lookup_many_request request = {questions, count};
    struct wire_lookup_many_reply reply;
    assert_ok(test_ask(customer, RPC_LOOKUP_MANY, &request, &reply), &customer->world->err);
    assert_int_equal(reply.answers_count, count);
    return reply.answers;
}

/* Orders are drawn anew, so they are not compared. */
static void assert_found(struct fixture *at, const struct wire_lookup_answer *answer,
    const struct wire_lookup_request *question)
{
    struct wire_lookup_reply alone;
    struct wire_lookup_reply together;
    struct arena arena;
    arena_init(&arena, 0);
    assert_ok(test_ask(&at->ann, RPC_LOOKUP, question, &alone), &at->world.err);
    assert_int_equal(answer->code, HEARTH_OK);
    assert_ok(
        wire_decode(&wire_lookup_reply_message, answer->reply, &arena, &together, &at->world.err),
        &at->world.err);
    assert_true(view_equal(alone.info->version, together.info->version));
    assert_true(view_equal(alone.manifest, together.manifest));
    assert_int_equal(alone.segments_count, together.segments_count);
    arena_fini(&arena);
}

static void each_question_has_its_own_answer(void **state)
{
    struct fixture *at = *state;
    const struct wire_lookup_request questions[] = {test_ask_lookup(&at->ann, "photo"),
        test_ask_lookup(&at->ann, "nothing"), test_ask_lookup(&at->ann, "small")};
    const struct wire_lookup_answer *answers = ask_together(&at->ann, questions, 3);
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
    const struct wire_lookup_answer *answers = ask_together(&at->bob, questions, 3);
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
    const struct wire_lookup_answer *answers = ask_together(&at->ann, questions, 3);
    assert_true(answers[0].reply.size > LARGE);
    assert_int_equal(answers[1].code, HEARTH_OK);
    assert_int_equal(answers[1].reply.size, 0);
    assert_found(at, &answers[2], &questions[2]);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(each_question_has_its_own_answer),
        claim(what_is_somebody_elses_is_refused),
        claim(what_does_not_fit_with_the_others_is_left_to_be_asked_alone),
    };
    return cmocka_run_group_tests_name("object_service", tests, NULL, NULL);
}
