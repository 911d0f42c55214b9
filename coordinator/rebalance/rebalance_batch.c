#include "coordinator/rebalance/rebalance_batch.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/log.h"

#include <assert.h>
#include <inttypes.h>

/* ---- bandwidth ---- */

/* False: it is to stop. The wait is the net's, so that its time is the test's in a test. */
static bool await_turn(struct rebalance_batch *batch, struct shard_inbox *inbox)
{
    struct env *env = batch->coordinator->env;
    while (!halt_is_called(&batch->halt)) {
        const uint64_t wait = move_pace_wait_ns(&batch->pace);
        if (wait == 0) {
            return true;
        }
        shard_net_wait(batch->net, inbox, halt_until_ns(&batch->halt, env, env_now_ns(env) + wait));
    }
    return false;
}

/* ---- one lane ---- */

/* The tasks of the next segment: [*first, *end). False: all are taken, or it is to stop. */
static bool take_group(struct rebalance_batch *batch, unsigned *first, unsigned *end)
{
    UNLOCKS pthread_mutex_t *held = lock(&batch->shared.mutex);
    const struct rebalance_task *tasks = batch->tasks;
    *first = *end = batch->shared.next;
    while (*end < batch->count && meta_id_equal(tasks[*first].segment, tasks[*end].segment)) {
        (*end)++;
    }
    batch->shared.next = *end;
    return *first < *end;
}

static bool is_first_failure(struct rebalance_batch *batch)
{
    UNLOCKS pthread_mutex_t *held = lock(&batch->shared.mutex);
    bool is_first = !batch->shared.has_failed;
    batch->shared.has_failed = true;
    return is_first;
}

/* Somebody was first, or nobody wants it any more: no failure. */
static bool is_failure(enum hearth_code code)
{
    return code != HEARTH_OK && code != HEARTH_NOT_FOUND && code != HEARTH_CONFLICT &&
        code != HEARTH_CANCELLED;
}

static void say_moved(
    struct rebalance_batch *batch, const struct rebalance_task *task, const struct hearth_err *err)
{
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(task->segment.bytes, META_ID_SIZE, segment);
    if (task->code == HEARTH_OK) {
        log_write(LOG_SHARD_MOVED,
            "plan=%" PRIu64 " segment=%s slot=%u from=%" PRIu32 " to=%" PRIu32 " bytes=%" PRIu64,
            batch->plan, segment, task->move.slot, task->move.from, task->move.to, task->size);
    } else if (is_failure(task->code) && is_first_failure(batch)) {
        log_write(LOG_MOVE_FAILED,
            "plan=%" PRIu64 " segment=%s slot=%u from=%" PRIu32 " to=%" PRIu32 " error=\"%s\"",
            batch->plan, segment, task->move.slot, task->move.from, task->move.to, err->message);
    }
}

static void say_recoded(
    struct rebalance_batch *batch, const struct rebalance_task *task, const struct hearth_err *err)
{
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(task->segment.bytes, META_ID_SIZE, segment);
    if (task->code == HEARTH_OK) {
        log_write(LOG_SEGMENT_RECODED, "plan=%" PRIu64 " segment=%s profile=%s bytes=%" PRIu64,
            batch->plan, segment, task->recode->name, task->size);
    } else if (is_failure(task->code) && is_first_failure(batch)) {
        log_write(LOG_RECODE_FAILED, "plan=%" PRIu64 " segment=%s profile=%s error=\"%s\"",
            batch->plan, segment, task->recode->name, err->message);
    }
}

static void move(struct rebalance_batch *batch, struct rebalance_task *task)
{
    struct hearth_err err;
    const struct shard_move move = {.coordinator = batch->coordinator,
        .net = batch->net,
        .session_id = batch->session_id,
        .plan = batch->plan,
        .segment = task->segment,
        .slot = task->move.slot,
        .from = task->move.from,
        .to = task->move.to,
        .pace = &batch->pace,
        .halt = &batch->halt};
    task->code = shard_move_blocking(&move, &err);
    say_moved(batch, task, &err);
}

static void recode(struct rebalance_batch *batch, struct rebalance_task *task)
{
    struct hearth_err err;
    const struct segment_recode recode = {.coordinator = batch->coordinator,
        .net = batch->net,
        .session_id = batch->session_id,
        .plan = batch->plan,
        .segment = task->segment,
        .to = task->recode,
        .pace = &batch->pace,
        .halt = &batch->halt};
    task->code = segment_recode_blocking(&recode, &err);
    say_recoded(batch, task, &err);
}

static void run_task(struct rebalance_batch *batch, struct rebalance_task *task)
{
    (task->recode != NULL ? recode : move)(batch, task);
    task->is_settled = task->code == HEARTH_OK || !halt_is_called(&batch->halt);
}

static void *run_lane(void *context)
{
    struct rebalance_batch *batch = context;
    struct shard_inbox *inbox = shard_inbox_create(batch->coordinator->env);
    unsigned at;
    unsigned end;
    while (inbox != NULL && take_group(batch, &at, &end)) {
        while (at < end && await_turn(batch, inbox)) {
            run_task(batch, &batch->tasks[at++]);
        }
    }
    shard_inbox_unref(inbox);
    return NULL;
}

void rebalance_batch_run_blocking(struct rebalance_batch *batch, struct token_bucket *bucket)
{
    pthread_t threads[REBALANCE_LANES_MAX];
    unsigned started = 0;
    assert(batch->lanes >= 1 && batch->lanes <= REBALANCE_LANES_MAX);
    move_pace_init(&batch->pace, batch->coordinator->env, batch->lanes, bucket);
    batch->shared.next = 0;
    batch->shared.has_failed = false;
    pthread_mutex_init(&batch->shared.mutex, NULL);
    for (unsigned i = 0; i < batch->count; i++) {
        batch->tasks[i].is_settled = false;
    }
    while (started + 1 < batch->lanes && started + 1 < batch->count &&
        pthread_create(&threads[started], NULL, run_lane, batch) == 0) {
        started++;
    }
    run_lane(batch);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&batch->shared.mutex);
    move_pace_fini(&batch->pace);
}
