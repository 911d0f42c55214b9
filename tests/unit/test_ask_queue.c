/*
 * ask_queue: who has to wait travels with all others who wait; each gets the answer to his own
 * question, or his own failure.
 *
 * The channel is ours: it notes every call, and answers when it is told to, as gRPC's pump would.
 * Askers are threads; "waits" is read from the queue, not guessed from the clock.
 */
#include "client/ask_queue.h"
#include "common/buf.h"
#include "common/cleanup.h"
#include "proto/rpc_transport.h"
#include "proto/wire.h"
#include "tests/lib/test.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASKERS_MAX = 40, CALLS_MAX = 64 };

/* A call under way. */
struct noted {
    unsigned method;
    unsigned count;            /* of questions */
    char keys[ASKERS_MAX][16]; /* theirs */
    struct wire_lookup_reply *reply;
    struct wire_many_reply *many;
    struct arena *arena;
    rpc_call_done_fn *done;
    void *context;
};

/* What is at the other end. */
enum manner { FINDS, LOSES, TELLS_TOO_FEW, HAS_NO_ROOM, REFUSES_THE_THIRD };

struct world {
    struct rpc_channel channel; /* first */
    struct ask_queue *queue;
    enum manner manner;
    pthread_mutex_t mutex;
    unsigned begun;
    unsigned answered;
    struct noted calls[CALLS_MAX];
    uint8_t body_id[16];
    struct wire_version_info info;
};

/* ---- the channel ---- */

static void note_key(struct noted *call, struct view key)
{
    assert_true(call->count < ASKERS_MAX && key.size < sizeof(call->keys[0]));
    memcpy(call->keys[call->count++], key.bytes, key.size);
}

/* The keys of lookups; of a put, which has none of them, only that it is there. */
static void note_questions(struct noted *call, const struct wire_many_request *many)
{
    for (size_t i = 0; i < many->questions_count; i++) {
        struct wire_lookup_request question = {.key = view_text("")};
        struct arena arena;
        struct hearth_err err;
        arena_init(&arena, 0);
        if (call->method == RPC_LOOKUP_MANY) {
            assert_ok(wire_decode(&wire_lookup_request_message, many->questions[i], &arena,
                          &question, &err),
                &err);
        }
        note_key(call, question.key);
        arena_fini(&arena);
    }
}

static enum hearth_code start_call(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
    struct rpc_call **out, struct hearth_err *err)
{
    (void)out;
    (void)err;
    struct world *world = (struct world *)channel;
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    assert_true(world->begun < CALLS_MAX);
    struct noted *call = &world->calls[world->begun++];
    *call =
        (struct noted){.method = request->method, .arena = arena, .done = done, .context = context};
    if (request->method == RPC_LOOKUP) {
        call->reply = response;
        note_key(call, ((const struct wire_lookup_request *)request->message)->key);
    } else if (request->method != RPC_PUT_INLINE) {
        call->many = response;
        note_questions(call, request->message);
    }
    return HEARTH_OK;
}

/* The key comes back as the manifest: so it is seen whose answer it is. */
static struct wire_lookup_reply answer_to(struct world *world, struct view key)
{
    return (struct wire_lookup_reply){.info = &world->info,
        .body_id = view_of(world->body_id, sizeof(world->body_id)),
        .manifest = key};
}

static struct wire_answer answer_of(struct world *world, struct noted *call, unsigned i)
{
    struct hearth_err err;
    struct buf *bytes;
    if (world->manner == HAS_NO_ROOM && i > 0) {
        return (struct wire_answer){0};
    }
    if (world->manner == REFUSES_THE_THIRD && i == 2) {
        return (struct wire_answer){.code = HEARTH_DENIED, .text = view_text("not\nyours")};
    }
    const struct wire_lookup_reply reply = answer_to(world, view_text(call->keys[i]));
    assert_ok(wire_encode(&wire_lookup_reply_message, &reply, &bytes, &err), &err);
    const struct wire_answer answer = {.reply = arena_copy(call->arena, buf_view(bytes))};
    buf_unref(bytes);
    return answer;
}

static void fill_answers(struct world *world, struct noted *call)
{
    if (call->method == RPC_LOOKUP) {
        *call->reply = answer_to(world, arena_copy(call->arena, view_text(call->keys[0])));
        return;
    }
    struct wire_answer *answers = arena_take_array(call->arena, call->count, sizeof(*answers));
    for (unsigned i = 0; i < call->count; i++) {
        answers[i] = answer_of(world, call, i);
    }
    *call->many = (struct wire_many_reply){
        answers, world->manner == TELLS_TOO_FEW ? call->count - 1 : call->count};
}

static unsigned count_begun(struct world *world)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->mutex);
    return world->begun;
}

/* The oldest call that has none gets its answer. */
static void answer_next(struct world *world)
{
    struct hearth_err err;
    struct noted *call = &world->calls[world->answered++];
    if (world->manner == LOSES) {
        hearth_fail(&err, HEARTH_UNREACHABLE, "connection lost");
        call->done(call->context, HEARTH_UNREACHABLE, &err);
        return;
    }
    fill_answers(world, call);
    call->done(call->context, HEARTH_OK, NULL);
}

/* ---- those who ask ---- */

struct asker {
    struct world *world;
    char key[WIRE_KEY_MAX + 2];
    pthread_t thread;
    enum hearth_code code;
    struct hearth_err err;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    struct arena arena;
    struct wire_lookup_reply reply;
    const struct wire_lookup_request request = {
        .bucket = view_text("bucket"), .key = view_text(asker->key)};
    arena_init(&arena, 0);
    asker->code = ask_queue_ask(asker->world->queue, &request, &arena, &reply, &asker->err);
    if (asker->code == HEARTH_OK) {
        assert_true(view_equal(reply.manifest, view_text(asker->key)));
    }
    arena_fini(&arena);
    return NULL;
}

static void begin(struct world *world, struct asker *asker, unsigned number)
{
    *asker = (struct asker){.world = world};
    snprintf(asker->key, sizeof(asker->key), "key-%u", number);
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

/* The first go alone, so many as may; then the others wait. */
static void begin_all(struct world *world, struct asker *askers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        begin(world, &askers[i], i);
        while (i < ASK_CALLS && count_begun(world) == i) {
            sched_yield();
        }
        while (i >= ASK_CALLS && ask_queue_waiting(world->queue) <= i - ASK_CALLS) {
            sched_yield();
        }
    }
}

/* Everybody is answered, whatever it takes. */
static void end_all(struct world *world, struct asker *askers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pthread_join(askers[i].thread, NULL);
    }
    assert_int_equal(world->answered, count_begun(world));
    assert_int_equal(ask_queue_waiting(world->queue), 0);
}

static void use_queue(struct world *world, enum rpc_method one, enum rpc_method many)
{
    ask_queue_destroy(world->queue);
    world->queue = ask_queue_create(&(struct ask_queue_options){
        .channel = &world->channel,
        .address = "coordinator:1",
        .deadline_ms = 1000,
        .one = one,
        .many = many,
    });
}

static int set_up(void **state)
{
    static const struct rpc_channel_ops ops = {.start_call = start_call};
    struct world *world = calloc(1, sizeof(*world));
    world->channel = (struct rpc_channel){.ops = &ops, .table = &rpc_methods};
    world->info =
        (struct wire_version_info){.version = view_of(world->body_id, sizeof(world->body_id)),
            .etag = view_of(world->body_id, sizeof(world->body_id))};
    pthread_mutex_init(&world->mutex, NULL);
    use_queue(world, RPC_LOOKUP, RPC_LOOKUP_MANY);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    ask_queue_destroy(world->queue);
    pthread_mutex_destroy(&world->mutex);
    free(world);
    return 0;
}

/* ---- the claims ---- */

static void who_asks_alone_is_asked_for_at_once(void **state)
{
    struct world *world = *state;
    struct asker askers[ASK_CALLS];
    begin_all(world, askers, ASK_CALLS);
    for (unsigned i = 0; i < ASK_CALLS; i++) {
        assert_int_equal(world->calls[i].count, 1);
        answer_next(world);
    }
    end_all(world, askers, ASK_CALLS);
    assert_int_equal(askers[0].code, HEARTH_OK);
}

static void those_who_wait_travel_together_and_get_their_own_answers(void **state)
{
    struct world *world = *state;
    struct asker askers[ASKERS_MAX];
    begin_all(world, askers, ASKERS_MAX);
    assert_int_equal(count_begun(world), ASK_CALLS);
    answer_next(world);
    answer_next(world);
    assert_int_equal(count_begun(world), ASK_CALLS + 2);
    assert_int_equal(world->calls[ASK_CALLS].method, RPC_LOOKUP_MANY);
    assert_int_equal(world->calls[ASK_CALLS].count, WIRE_QUESTIONS_MAX);
    assert_int_equal(
        world->calls[ASK_CALLS + 1].count, ASKERS_MAX - ASK_CALLS - WIRE_QUESTIONS_MAX);
    assert_string_equal(world->calls[ASK_CALLS].keys[0], "key-2"); /* who came first */
    answer_next(world);
    answer_next(world);
    end_all(world, askers, ASKERS_MAX);
    for (unsigned i = 0; i < ASKERS_MAX; i++) {
        assert_ok(askers[i].code, &askers[i].err); /* its own key came back: ask() */
    }
}

static void one_refusal_is_nobody_elses(void **state)
{
    struct world *world = *state;
    struct asker askers[ASK_CALLS + 4];
    world->manner = REFUSES_THE_THIRD;
    begin_all(world, askers, ASK_CALLS + 4);
    for (unsigned i = 0; i < ASK_CALLS + 1; i++) {
        answer_next(world);
    }
    end_all(world, askers, ASK_CALLS + 4);
    for (unsigned i = 0; i < ASK_CALLS + 4; i++) {
        assert_int_equal(askers[i].code, i == ASK_CALLS + 2 ? HEARTH_DENIED : HEARTH_OK);
    }
    assert_string_equal(askers[ASK_CALLS + 2].err.message, "coordinator:1: not?yours");
}

static void a_lost_call_fails_for_all_who_were_in_it(void **state)
{
    struct world *world = *state;
    struct asker askers[ASK_CALLS + 3];
    begin_all(world, askers, ASK_CALLS + 3);
    answer_next(world);
    answer_next(world);
    world->manner = LOSES;
    answer_next(world);
    end_all(world, askers, ASK_CALLS + 3);
    for (unsigned i = 0; i < ASK_CALLS + 3; i++) {
        assert_int_equal(askers[i].code, i < ASK_CALLS ? HEARTH_OK : HEARTH_UNREACHABLE);
    }
}

static void an_answer_too_few_is_no_answer(void **state)
{
    struct world *world = *state;
    struct asker askers[ASK_CALLS + 3];
    world->manner = TELLS_TOO_FEW;
    begin_all(world, askers, ASK_CALLS + 3);
    for (unsigned i = 0; i < ASK_CALLS + 1; i++) {
        answer_next(world);
    }
    end_all(world, askers, ASK_CALLS + 3);
    assert_int_equal(askers[ASK_CALLS].code, HEARTH_UNREACHABLE);
    assert_string_equal(
        askers[ASK_CALLS].err.message, "coordinator:1: not as many answers as questions");
}

/* Then each is asked for once more, by itself: calls are answered until there are no more. */
static void answer_until(struct world *world, unsigned calls)
{
    while (world->answered < calls) {
        while (count_begun(world) == world->answered) {
            sched_yield();
        }
        answer_next(world);
    }
}

static void what_has_no_room_is_asked_for_alone(void **state)
{
    struct world *world = *state;
    struct asker askers[ASK_CALLS + 3];
    world->manner = HAS_NO_ROOM;
    begin_all(world, askers, ASK_CALLS + 3);
    answer_until(world, ASK_CALLS + 1 + 2);
    end_all(world, askers, ASK_CALLS + 3);
    for (unsigned i = 0; i < ASK_CALLS + 3; i++) {
        assert_ok(askers[i].code, &askers[i].err);
    }
}

static void a_question_that_cannot_be_put_is_nobody_elses(void **state)
{
    struct world *world = *state;
    struct asker asker = {.world = world};
    memset(asker.key, 'k', WIRE_KEY_MAX + 1); /* longer than a key may be */
    ask(&asker);
    assert_int_equal(asker.code, HEARTH_INVALID);
    assert_int_equal(count_begun(world), 0);
}

/* ---- puts ---- */

struct putter {
    struct world *world;
    size_t manifest_size;
    pthread_t thread;
    enum hearth_code code;
    struct hearth_err err;
};

static void *put(void *context)
{
    struct putter *putter = context;
    struct arena arena;
    struct wire_commit_reply reply;
    FREES uint8_t *manifest = calloc(1, putter->manifest_size);
    const struct view id = view_of(putter->world->body_id, sizeof(putter->world->body_id));
    const struct wire_put_inline_request request = {.bucket = view_text("bucket"),
        .key = view_text("key"),
        .token = id,
        .body_id = id,
        .etag = id,
        .manifest = view_of(manifest, putter->manifest_size)};
    arena_init(&arena, 0);
    putter->code = ask_queue_ask(putter->world->queue, &request, &arena, &reply, &putter->err);
    arena_fini(&arena);
    return NULL;
}

/* Its call has begun. */
static void begin_put(struct world *world, struct putter *putter, size_t manifest_size)
{
    use_queue(world, RPC_PUT_INLINE, RPC_PUT_INLINE_MANY);
    *putter = (struct putter){.world = world, .manifest_size = manifest_size};
    assert_int_equal(pthread_create(&putter->thread, NULL, put, putter), 0);
    while (count_begun(world) == 0) {
        sched_yield();
    }
}

static void a_large_put_goes_alone(void **state)
{
    struct world *world = *state;
    struct putter putter;
    world->manner = LOSES;
    begin_put(world, &putter, WIRE_QUESTION_MAX);
    assert_int_equal(world->calls[0].method, RPC_PUT_INLINE);
    answer_next(world);
    pthread_join(putter.thread, NULL);
    assert_int_equal(putter.code, HEARTH_UNREACHABLE);
}

/* It may have been done. */
static void a_put_that_got_nonsense_has_an_unknown_outcome(void **state)
{
    struct world *world = *state;
    struct putter putter;
    world->manner = TELLS_TOO_FEW;
    begin_put(world, &putter, 100);
    assert_int_equal(world->calls[0].method, RPC_PUT_INLINE_MANY);
    answer_next(world);
    pthread_join(putter.thread, NULL);
    assert_int_equal(putter.code, HEARTH_UNKNOWN);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(who_asks_alone_is_asked_for_at_once),
        claim(those_who_wait_travel_together_and_get_their_own_answers),
        claim(one_refusal_is_nobody_elses),
        claim(a_lost_call_fails_for_all_who_were_in_it),
        claim(an_answer_too_few_is_no_answer),
        claim(what_has_no_room_is_asked_for_alone),
        claim(a_question_that_cannot_be_put_is_nobody_elses),
        claim(a_large_put_goes_alone),
        claim(a_put_that_got_nonsense_has_an_unknown_outcome),
    };
    return cmocka_run_group_tests_name("ask_queue", tests, NULL, NULL);
}
