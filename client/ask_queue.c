#include "client/ask_queue.h"

#include "common/cleanup.h"
#include "proto/wire.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>

/* One call under way. Its answers are read by those who asked; the last lets go of it. */
struct batch {
    struct ask_queue *queue;
    struct question *oldest;
    unsigned count;
    atomic_uint refs; /* once they are answered: one each */
    struct arena arena;
    struct wire_many_reply reply;
};

/* On the stack of who asks. */
struct question {
    struct view bytes;     /* set once */
    struct question *next; /* the queue's, then its batch's */

    /* Whoever answers it, until `answered`. */
    enum hearth_code code;
    struct hearth_err *err;
    struct batch *batch; /* that has its answer; NULL: it failed */
    unsigned place;
    sem_t answered;
};

struct ask_queue {
    /* Set once. */
    struct ask_queue_options options;
    char *address;

    struct {
        pthread_mutex_t mutex;
        unsigned calls; /* under way */
        unsigned waiting;
        struct question *oldest;
        struct question *newest;
    } shared;
};

struct ask_queue *ask_queue_create(const struct ask_queue_options *options)
{
    struct ask_queue *queue = calloc(1, sizeof(*queue));
    char *address = strdup(options->address);
    if (queue == NULL || address == NULL) {
        free(queue);
        free(address);
        return NULL;
    }
    queue->options = *options;
    queue->address = address;
    pthread_mutex_init(&queue->shared.mutex, NULL);
    return queue;
}

void ask_queue_destroy(struct ask_queue *queue)
{
    if (queue != NULL) {
        assert(queue->shared.calls == 0 && queue->shared.waiting == 0);
        pthread_mutex_destroy(&queue->shared.mutex);
        free(queue->address);
        free(queue);
    }
}

static const struct rpc_method_row *row_of(enum rpc_method method)
{
    return &rpc_methods.rows[method];
}

/* ---- waiting ---- */

enum turn { TURN_NOW, TURN_WAITS, TURN_REFUSED };

static enum turn take_turn(struct ask_queue *queue, struct question *question)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    if (queue->shared.calls < ASK_CALLS) {
        queue->shared.calls++;
        return TURN_NOW;
    }
    if (queue->shared.waiting == ASK_WAITING_MAX) {
        return TURN_REFUSED;
    }
    *(queue->shared.waiting == 0 ? &queue->shared.oldest : &queue->shared.newest->next) = question;
    queue->shared.newest = question;
    queue->shared.waiting++;
    return TURN_WAITS;
}

/* A call has ended: those who go next, in one. NULL: nobody waits, and one call fewer is under
 * way. */
static struct question *take_waiting(struct ask_queue *queue)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    struct question *first = queue->shared.waiting > 0 ? queue->shared.oldest : NULL;
    if (first == NULL) {
        queue->shared.calls--;
        return NULL;
    }
    struct question *last = first;
    unsigned taken = 1;
    for (; taken < WIRE_QUESTIONS_MAX && last != queue->shared.newest; taken++) {
        last = last->next;
    }
    queue->shared.oldest = last->next;
    queue->shared.waiting -= taken;
    last->next = NULL;
    return first;
}

unsigned ask_queue_waiting(struct ask_queue *queue)
{
    UNLOCKS pthread_mutex_t *held = lock(&queue->shared.mutex);
    return queue->shared.waiting;
}

/* ---- answering: from here on the questions, and perhaps the queue, are gone ---- */

static void fail_all(struct question *first, const struct hearth_err *err)
{
    for (struct question *question = first, *next; question != NULL; question = next) {
        next = question->next;
        question->code = err->code;
        *question->err = *err;
        sem_post(&question->answered);
    }
}

static void answer_all(struct batch *batch)
{
    unsigned place = 0;
    for (struct question *question = batch->oldest, *next; question != NULL; question = next) {
        next = question->next;
        question->batch = batch;
        question->place = place++;
        sem_post(&question->answered);
    }
}

/* ---- calls ---- */

static void destroy_batch(struct batch *batch)
{
    arena_fini(&batch->arena);
    free(batch);
}

static struct batch *create_batch(struct ask_queue *queue, struct question *first, unsigned count)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch != NULL) {
        batch->queue = queue;
        batch->oldest = first;
        batch->count = count;
        atomic_init(&batch->refs, count);
        arena_init(&batch->arena, 0);
    }
    return batch;
}

/* It answered, but not what it should have: as when a call was lost on the way back. */
static enum hearth_code fail_nonsense(
    const struct ask_queue *queue, const char *what, struct hearth_err *err)
{
    bool mutates = row_of(queue->options.many)->mutates;
    return hearth_fail(
        err, mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE, "%s: %s", queue->address, what);
}

static void start_calls(struct ask_queue *queue, struct question *first);

/* On a pump thread. Whoever waits is sent on his way first: the coordinator works meanwhile. */
static void on_batch(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct batch *batch = context;
    struct hearth_err nonsense;
    start_calls(batch->queue, take_waiting(batch->queue));
    if (code == HEARTH_OK && batch->reply.answers_count != batch->count) {
        code = fail_nonsense(batch->queue, "not as many answers as questions", &nonsense);
        err = &nonsense;
    }
    if (code == HEARTH_OK) {
        answer_all(batch);
        return;
    }
    fail_all(batch->oldest, err);
    destroy_batch(batch);
}

static enum hearth_code start_batch(
    struct ask_queue *queue, struct question *first, struct hearth_err *err)
{
    struct view questions[WIRE_QUESTIONS_MAX];
    unsigned count = 0;
    for (struct question *question = first; question != NULL; question = question->next) {
        questions[count++] = question->bytes;
    }
    struct batch *batch = create_batch(queue, first, count);
    if (batch == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%u questions to %s", count, queue->address);
    }
    const struct wire_many_request request = {questions, count};
    const struct rpc_request call = {.method = queue->options.many,
        .message = &request,
        .deadline_ms = queue->options.deadline_ms};
    enum hearth_code code = rpc_call_start(
        queue->options.channel, &call, &batch->arena, &batch->reply, on_batch, batch, NULL, err);
    if (code != HEARTH_OK) {
        destroy_batch(batch);
    }
    return code;
}

/* The call that we may make, for those from `first` on; what cannot be asked makes room for others.
 */
static void start_calls(struct ask_queue *queue, struct question *first)
{
    while (first != NULL) {
        struct hearth_err err;
        if (start_batch(queue, first, &err) == HEARTH_OK) {
            return;
        }
        struct question *next = take_waiting(queue);
        fail_all(first, &err);
        first = next;
    }
}

/* ---- who asked ---- */

static enum hearth_code ask_alone(struct ask_queue *queue, const void *request, struct arena *arena,
    void *reply, struct hearth_err *err)
{
    const struct rpc_request call = {.method = queue->options.one,
        .message = request,
        .deadline_ms = queue->options.deadline_ms};
    return rpc_call_blocking(queue->options.channel, &call, arena, reply, err);
}

/* *is_left_out: the answer would have been too large. */
static enum hearth_code read_answer(struct ask_queue *queue, const struct wire_answer *answer,
    struct arena *arena, void *reply, bool *is_left_out, struct hearth_err *err)
{
    enum hearth_code code = hearth_code_from_wire(answer->code);
    if (code != HEARTH_OK) {
        char text[RPC_MESSAGE_TEXT_MAX + 1];
        rpc_copy_text(answer->text, text);
        return hearth_fail(err, code, "%s: %s", queue->address, text);
    }
    *is_left_out = answer->reply.size == 0;
    struct hearth_err cause;
    return *is_left_out ||
            wire_decode(row_of(queue->options.one)->response, answer->reply, arena, reply,
                &cause) == HEARTH_OK
        ? HEARTH_OK
        : fail_nonsense(queue, cause.message, err);
}

static void wait_for_answer(struct question *question)
{
    while (sem_wait(&question->answered) != 0) { /* the call's deadline ends it */
        assert(errno == EINTR);
    }
}

static void let_go(struct batch *batch)
{
    if (atomic_fetch_sub(&batch->refs, 1) == 1) {
        destroy_batch(batch);
    }
}

static enum hearth_code ask_with_others(struct ask_queue *queue, struct view bytes,
    struct arena *arena, void *reply, bool *is_left_out, struct hearth_err *err)
{
    struct question question = {.bytes = bytes, .err = err};
    sem_init(&question.answered, 0, 0);
    enum turn turn = take_turn(queue, &question);
    if (turn == TURN_NOW) {
        start_calls(queue, &question);
    }
    if (turn == TURN_REFUSED) {
        question.code = hearth_fail(
            err, HEARTH_BUSY, "%s: %d questions wait already", queue->address, ASK_WAITING_MAX);
    } else {
        wait_for_answer(&question);
    }
    sem_destroy(&question.answered);
    if (question.batch == NULL) {
        return question.code;
    }
    const struct wire_answer *answer = &question.batch->reply.answers[question.place];
    enum hearth_code code = read_answer(queue, answer, arena, reply, is_left_out, err);
    let_go(question.batch);
    return code;
}

enum hearth_code ask_queue_ask(struct ask_queue *queue, const void *request, struct arena *arena,
    void *reply, struct hearth_err *err)
{
    struct buf *bytes;
    enum hearth_code code = wire_encode(row_of(queue->options.one)->request, request, &bytes, err);
    if (code != HEARTH_OK) {
        return code;
    }
    bool goes_alone = bytes->size > WIRE_QUESTION_MAX;
    if (!goes_alone) {
        code = ask_with_others(queue, buf_view(bytes), arena, reply, &goes_alone, err);
    }
    buf_unref(bytes);
    return code == HEARTH_OK && goes_alone ? ask_alone(queue, request, arena, reply, err) : code;
}
