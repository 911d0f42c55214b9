#include "client/lookup_queue.h"

#include "common/cleanup.h"
#include "proto/wire.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>

/* Many questions in one call. Its answers are read by those who asked; the last lets go of it. */
struct batch {
    struct lookup_queue *queue;
    struct question *oldest;
    unsigned count;
    atomic_uint refs; /* once they are answered: one each */
    struct arena arena;
    struct wire_lookup_many_reply reply;
};

/* On the stack of who asks. */
struct question {
    /* Set once. */
    struct lookup_queue *queue;
    const struct wire_lookup_request *request;
    struct arena *arena;
    struct wire_lookup_reply *reply;
    struct hearth_err *err;

    struct question *next; /* the queue's, then its batch's */

    /* Whoever answers it, until `answered`. */
    enum hearth_code code;
    bool goes_alone;     /* it could not be asked with the others */
    struct batch *batch; /* that has its answer; NULL: `reply` is filled, or it failed */
    unsigned place;
    sem_t answered;
};

struct lookup_queue {
    /* Set once. */
    struct rpc_channel *channel;
    char *address;
    uint32_t deadline_ms;

    struct {
        pthread_mutex_t mutex;
        unsigned calls; /* under way */
        unsigned waiting;
        struct question *oldest;
        struct question *newest;
    } shared;
};

struct lookup_queue *lookup_queue_create(const struct lookup_queue_options *options)
{
    struct lookup_queue *queue = calloc(1, sizeof(*queue));
    char *address = strdup(options->address);
    if (queue == NULL || address == NULL) {
        free(queue);
        free(address);
        return NULL;
    }
    queue->channel = options->channel;
    queue->address = address;
    queue->deadline_ms = options->deadline_ms;
    pthread_mutex_init(&queue->shared.mutex, NULL);
    return queue;
}

void lookup_queue_destroy(struct lookup_queue *queue)
{
    if (queue != NULL) {
        assert(queue->shared.calls == 0 && queue->shared.waiting == 0);
        pthread_mutex_destroy(&queue->shared.mutex);
        free(queue->address);
        free(queue);
    }
}

/* ---- waiting ---- */

enum turn { TURN_NOW, TURN_WAITS, TURN_REFUSED };

static enum turn take_turn(struct lookup_queue *queue, struct question *question)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    if (queue->shared.calls < LOOKUP_CALLS) {
        queue->shared.calls++;
        return TURN_NOW;
    }
    if (queue->shared.waiting == LOOKUPS_WAITING_MAX) {
        return TURN_REFUSED;
    }
    *(queue->shared.waiting == 0 ? &queue->shared.oldest : &queue->shared.newest->next) = question;
    queue->shared.newest = question;
    queue->shared.waiting++;
    return TURN_WAITS;
}

/* A call has ended: those who go next, in one. NULL: nobody waits, and one call fewer is under
 * way. */
static struct question *take_waiting(struct lookup_queue *queue)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    struct question *first = queue->shared.waiting > 0 ? queue->shared.oldest : NULL;
    if (first == NULL) {
        queue->shared.calls--;
        return NULL;
    }
    struct question *last = first;
    unsigned taken = 1;
    for (; taken < WIRE_LOOKUPS_MAX && last != queue->shared.newest; taken++) {
        last = last->next;
    }
    queue->shared.oldest = last->next;
    queue->shared.waiting -= taken;
    last->next = NULL;
    return first;
}

unsigned lookup_queue_waiting(struct lookup_queue *queue)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    return queue->shared.waiting;
}

/* ---- answering: from here on the questions, and perhaps the queue, are gone ---- */

static void answer_one(
    struct question *question, enum hearth_code code, const struct hearth_err *err)
{
    question->code = code;
    if (code != HEARTH_OK) {
        *question->err = *err;
    }
    sem_post(&question->answered);
}

static void fail_all(struct question *first, enum hearth_code code, const struct hearth_err *err)
{
    for (struct question *question = first, *next; question != NULL; question = next) {
        next = question->next;
        answer_one(question, code, err);
    }
}

static void send_away_all(struct question *first)
{
    for (struct question *question = first, *next; question != NULL; question = next) {
        next = question->next;
        question->goes_alone = true;
        answer_one(question, HEARTH_OK, NULL);
    }
}

static void answer_all(struct batch *batch)
{
    unsigned place = 0;
    for (struct question *question = batch->oldest, *next; question != NULL; question = next) {
        next = question->next;
        question->batch = batch;
        question->place = place++;
        answer_one(question, HEARTH_OK, NULL);
    }
}

/* ---- calls ---- */

static void start_calls(struct lookup_queue *queue, struct question *first);

/* On a pump thread. Whoever waits is sent on his way first: the coordinator works meanwhile. */
static void on_alone(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct question *question = context;
    start_calls(question->queue, take_waiting(question->queue));
    answer_one(question, code, err);
}

static void destroy_batch(struct batch *batch)
{
    arena_fini(&batch->arena);
    free(batch);
}

/* Likewise. */
static void on_batch(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct batch *batch = context;
    struct hearth_err nonsense;
    start_calls(batch->queue, take_waiting(batch->queue));
    if (code == HEARTH_OK && batch->reply.answers_count != batch->count) {
        code = hearth_fail(&nonsense, HEARTH_UNREACHABLE, "%s: %zu answers to %u questions",
            batch->queue->address, batch->reply.answers_count, batch->count);
        err = &nonsense;
    }
    if (code == HEARTH_OK) {
        answer_all(batch);
        return;
    }
    fail_all(batch->oldest, code, err);
    destroy_batch(batch);
}

static enum hearth_code start_alone(struct question *question, struct hearth_err *err)
{
    struct lookup_queue *queue = question->queue;
    const struct rpc_request call = {
        .method = RPC_LOOKUP, .message = question->request, .deadline_ms = queue->deadline_ms};
    return rpc_call_start(
        queue->channel, &call, question->arena, question->reply, on_alone, question, NULL, err);
}

static struct batch *create_batch(struct question *first, unsigned count)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch != NULL) {
        batch->queue = first->queue;
        batch->oldest = first;
        batch->count = count;
        atomic_init(&batch->refs, count);
        arena_init(&batch->arena, 0);
    }
    return batch;
}

/* False: they cannot be asked together; one of them, or memory, is the reason. */
static bool start_batch(struct question *first)
{
    struct lookup_queue *queue = first->queue;
    struct wire_lookup_request questions[WIRE_LOOKUPS_MAX];
    unsigned count = 0;
    for (struct question *question = first; question != NULL; question = question->next) {
        questions[count++] = *question->request;
    }
    struct batch *batch = create_batch(first, count);
    if (batch == NULL) {
        return false;
    }
    const struct wire_lookup_many_request request = {questions, count};
    const struct rpc_request call = {
        .method = RPC_LOOKUP_MANY, .message = &request, .deadline_ms = queue->deadline_ms};
    struct hearth_err err;
    enum hearth_code code = rpc_call_start(
        queue->channel, &call, &batch->arena, &batch->reply, on_batch, batch, NULL, &err);
    if (code != HEARTH_OK) {
        destroy_batch(batch);
    }
    return code == HEARTH_OK;
}

/* The call that we may make, for those from `first` on; what cannot be asked makes room for others.
 */
static void start_calls(struct lookup_queue *queue, struct question *first)
{
    while (first != NULL) {
        bool is_alone = first->next == NULL;
        struct hearth_err err = {.code = HEARTH_OK};
        if (is_alone ? start_alone(first, &err) == HEARTH_OK : start_batch(first)) {
            return;
        }
        struct question *next = take_waiting(queue);
        if (is_alone) {
            answer_one(first, err.code, &err);
        } else {
            send_away_all(first);
        }
        first = next;
    }
}

/* ---- who asked ---- */

static enum hearth_code ask_alone(const struct question *question)
{
    const struct lookup_queue *queue = question->queue;
    const struct rpc_request call = {
        .method = RPC_LOOKUP, .message = question->request, .deadline_ms = queue->deadline_ms};
    return rpc_call_blocking(
        queue->channel, &call, question->arena, question->reply, question->err);
}

static enum hearth_code read_answer(struct question *question)
{
    const char *address = question->queue->address;
    const struct wire_lookup_answer *answer = &question->batch->reply.answers[question->place];
    enum hearth_code code = hearth_code_from_wire(answer->code);
    if (code != HEARTH_OK) {
        char text[RPC_MESSAGE_TEXT_MAX + 1];
        rpc_copy_text(answer->text, text);
        return hearth_fail(question->err, code, "%s: %s", address, text);
    }
    if (answer->reply.size == 0) {
        question->goes_alone = true;
        return HEARTH_OK;
    }
    struct hearth_err cause;
    code = wire_decode(
        &wire_lookup_reply_message, answer->reply, question->arena, question->reply, &cause);
    return code == HEARTH_OK
        ? HEARTH_OK
        : hearth_fail(question->err, HEARTH_UNREACHABLE, "%s: %s", address, cause.message);
}

static void wait_for_answer(struct question *question)
{
    while (sem_wait(&question->answered) != 0) { /* the call's deadline ends it */
        assert(errno == EINTR);
    }
    struct batch *batch = question->batch;
    if (batch != NULL) {
        question->code = read_answer(question);
        if (atomic_fetch_sub(&batch->refs, 1) == 1) {
            destroy_batch(batch);
        }
    }
}

enum hearth_code lookup_queue_ask(struct lookup_queue *queue,
    const struct wire_lookup_request *request, struct arena *arena, struct wire_lookup_reply *reply,
    struct hearth_err *err)
{
    struct question question = {
        .queue = queue, .request = request, .arena = arena, .reply = reply, .err = err};
    sem_init(&question.answered, 0, 0);
    enum turn turn = take_turn(queue, &question);
    if (turn == TURN_REFUSED) {
        sem_destroy(&question.answered);
        return hearth_fail(
            err, HEARTH_BUSY, "%s: %d lookups wait already", queue->address, LOOKUPS_WAITING_MAX);
    }
    if (turn == TURN_NOW) {
        start_calls(queue, &question);
    }
    wait_for_answer(&question);
    sem_destroy(&question.answered);
    return question.goes_alone ? ask_alone(&question) : question.code;
}
