#include "coordinator/repair/repair_board.h"

#include "common/cleanup.h"
#include "coordinator/repair/repair_backoff.h"
#include "coordinator/repair/repair_meter.h"

#include <assert.h>
#include <stdlib.h>

struct repair_board {
    struct env *env;          /* set once, both */
    struct meta_store *store; /* for its clock */

    struct {
        pthread_mutex_t mutex;
        struct repair_queue queue;
        struct repair_backoff backoff;
        struct repair_meter meter;
        struct repair_status status;
        struct repair_losses losses;
        struct meta_id running[REPAIR_WORKERS_MAX];
        struct meta_id *ended; /* rows that are to go: REPAIR_QUEUE_MAX */
        size_t ended_count;
        /* Where the time of this round went. */
        uint64_t failed_ns;
        uint64_t repaired_ns;
    } shared;
};

struct repair_board *repair_board_create(struct env *env, struct meta_store *store)
{
    struct repair_board *board = calloc(1, sizeof(*board));
    if (board == NULL) {
        return NULL;
    }
    board->env = env;
    board->store = store;
    pthread_mutex_init(&board->shared.mutex, NULL);
    board->shared.ended = calloc(REPAIR_QUEUE_MAX, sizeof(board->shared.ended[0]));
    board->shared.losses.segments = calloc(REPAIR_LOST_MAX, sizeof(struct repair_lost));
    if (board->shared.ended == NULL || board->shared.losses.segments == NULL ||
        !repair_queue_init(&board->shared.queue, REPAIR_QUEUE_MAX) ||
        !repair_backoff_init(&board->shared.backoff, env, REPAIR_BACKOFF_MAX)) {
        repair_board_destroy(board);
        return NULL;
    }
    return board;
}

void repair_board_destroy(struct repair_board *board)
{
    if (board != NULL) {
        repair_queue_fini(&board->shared.queue);
        repair_backoff_fini(&board->shared.backoff);
        free(board->shared.ended);
        free(board->shared.losses.segments);
        pthread_mutex_destroy(&board->shared.mutex);
        free(board);
    }
}

/* ---- the sweep's side ---- */

struct repair_before repair_board_before(struct repair_board *board, struct meta_id segment)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    const struct repair_wait *wait = repair_backoff_find(&board->shared.backoff, segment);
    return (struct repair_before){
        .is_retry = wait != NULL,
        .is_waiting = wait != NULL && meta_now_ms(board->store) < wait->until_ms,
    };
}

void repair_board_forget(struct repair_board *board, struct meta_id segment)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    repair_backoff_forget(&board->shared.backoff, segment);
}

/* A row without an end is only a hint too many: when there are so many, some stay. */
static void end_row(void *context, const struct repair_entry *entry)
{
    struct repair_board *board = context;
    if (entry->is_saved && board->shared.ended_count < REPAIR_QUEUE_MAX) {
        board->shared.ended[board->shared.ended_count++] = entry->segment;
    }
}

static bool is_running(const struct repair_board *board, struct meta_id segment)
{
    for (unsigned i = 0; i < board->shared.status.running; i++) {
        if (meta_id_equal(board->shared.running[i], segment)) {
            return true;
        }
    }
    return false;
}

/* The pass saw it before its worker was done. */
static void drop_running(const struct repair_board *board, struct repair_queue *queue)
{
    size_t kept = 0;
    for (size_t i = 0; i < queue->count; i++) {
        if (!is_running(board, queue->entries[i].segment)) {
            queue->entries[kept++] = queue->entries[i];
        }
    }
    queue->count = kept;
}

static void keep(void *context, const struct repair_entry *entry)
{
    struct repair_found *found = context;
    if (found->queue.count < found->queue.max) {
        found->queue.entries[found->queue.count++] = *entry;
    }
}

/* In a pass that was cut short nobody knows of what was not seen: it stays queued. */
static void replace_queue(struct repair_board *board, struct repair_found *found)
{
    drop_running(board, &found->queue);
    if (found->is_all) {
        repair_queue_inherit(&found->queue, &board->shared.queue, end_row, board);
    } else {
        repair_queue_inherit(&found->queue, &board->shared.queue, keep, found);
        repair_queue_sort(&found->queue);
    }
    const struct repair_queue old = board->shared.queue;
    board->shared.queue = found->queue;
    found->queue = old;
    repair_queue_clear(&found->queue);
}

static int by_segment(const void *a, const void *b)
{
    const struct repair_lost *left = a;
    const struct repair_lost *right = b;
    return memcmp(left->segment.bytes, right->segment.bytes, META_ID_SIZE);
}

static void replace_losses(struct repair_board *board, struct repair_found *found)
{
    qsort(found->losses.segments, found->losses.count, sizeof(struct repair_lost), by_segment);
    const struct repair_losses old = board->shared.losses;
    board->shared.losses = found->losses;
    found->losses = old;
}

/* What does not come from the sweep stays. */
static void replace_counts(struct repair_board *board, const struct repair_status *counts)
{
    struct repair_status *status = &board->shared.status;
    status->is_counted = true;
    status->segments = counts->segments;
    status->below_n = counts->below_n;
    status->below_r = counts->below_r;
    status->unreadable = counts->unreadable;
    status->lost = counts->lost;
    status->queue = counts->queue;
    status->waiting = counts->waiting;
    status->without_place = counts->without_place;
    status->bytes = counts->bytes;
}

void repair_board_found(struct repair_board *board, struct repair_found *found)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    replace_queue(board, found);
    if (found->is_all) {
        replace_losses(board, found);
        replace_counts(board, &found->counts);
    }
    found->losses.count = 0;
    if (found->is_all && found->is_asked && found->counts.queue == found->counts.without_place) {
        board->shared.status.asked_ms = 0;
    }
}

/* ---- rows ---- */

/* Until a whole pass has counted, what was left is what is known. */
void repair_board_restore(
    struct repair_board *board, const struct meta_repair_row *rows, size_t count)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    struct repair_status *status = &board->shared.status;
    for (size_t i = 0; i < count; i++) {
        status->queue++;
        status->bytes += rows[i].bytes;
        repair_queue_add(&board->shared.queue,
            (struct repair_entry){.segment = rows[i].segment,
                .urgency = (unsigned)rows[i].urgency,
                .bytes = rows[i].bytes,
                .queued_ms = rows[i].queued_ms,
                .is_saved = true});
    }
    repair_queue_sort(&board->shared.queue);
}

size_t repair_board_unsaved(
    struct repair_board *board, struct meta_repair_row rows[META_REPAIR_BATCH])
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    const struct repair_queue *queue = &board->shared.queue;
    size_t count = 0;
    for (size_t i = 0; i < queue->count && count < META_REPAIR_BATCH; i++) {
        struct repair_entry *entry = &queue->entries[i];
        if (!entry->is_saved) {
            rows[count++] = (struct meta_repair_row){.segment = entry->segment,
                .urgency = entry->urgency,
                .bytes = entry->bytes,
                .queued_ms = entry->queued_ms};
            entry->is_saved = true;
        }
    }
    return count;
}

size_t repair_board_ended(struct repair_board *board, struct meta_id segments[META_REPAIR_BATCH])
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    size_t count = 0;
    while (count < META_REPAIR_BATCH && board->shared.ended_count > 0) {
        segments[count++] = board->shared.ended[--board->shared.ended_count];
    }
    return count;
}

/* ---- workers ---- */

void repair_board_begin(struct repair_board *board)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    board->shared.failed_ns = 0;
    board->shared.repaired_ns = 0;
}

size_t repair_board_depth(struct repair_board *board)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    return board->shared.queue.count;
}

static bool find_next(const struct repair_board *board, uint64_t allowance_ns, size_t *index)
{
    const struct repair_queue *queue = &board->shared.queue;
    bool may_retry = board->shared.failed_ns <= board->shared.repaired_ns + allowance_ns;
    for (size_t i = 0; i < queue->count; i++) {
        if (may_retry || !queue->entries[i].is_retry) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool repair_board_take(struct repair_board *board, struct repair_entry *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    size_t index;
    if (board->shared.status.running == REPAIR_WORKERS_MAX ||
        (!find_next(board, 0, &index) &&
            !find_next(board, UINT64_C(1000000) * REPAIR_RETRY_MS, &index))) {
        return false;
    }
    *out = board->shared.queue.entries[index];
    repair_queue_remove(&board->shared.queue, index);
    board->shared.running[board->shared.status.running++] = out->segment;
    return true;
}

static void stop_running(struct repair_board *board, struct meta_id segment)
{
    unsigned i = 0;
    while (!meta_id_equal(board->shared.running[i], segment)) {
        i++;
        assert(i < board->shared.status.running);
    }
    board->shared.running[i] = board->shared.running[--board->shared.status.running];
}

bool repair_outcome_is_failure(enum hearth_code code)
{
    return code != HEARTH_OK && code != HEARTH_FLEET_TOO_SMALL && code != HEARTH_CONFLICT &&
        code != HEARTH_NOT_FOUND;
}

/* Nowhere to go: nothing was tried.  Somebody was first: it is looked at again, a little later. */
static void settle(struct repair_board *board, struct meta_id segment, enum hearth_code code)
{
    struct repair_backoff *backoff = &board->shared.backoff;
    if (code == HEARTH_OK || code == HEARTH_NOT_FOUND) {
        repair_backoff_forget(backoff, segment);
    } else if (code != HEARTH_FLEET_TOO_SMALL) {
        repair_backoff_failed(backoff, segment, meta_now_ms(board->store));
    }
}

static uint64_t less(uint64_t from, uint64_t by)
{
    return from > by ? from - by : 0;
}

static void count_outcome(struct repair_board *board, const struct repair_entry *entry,
    const struct repair_outcome *outcome)
{
    struct repair_status *status = &board->shared.status;
    bool worked = outcome->code == HEARTH_OK;
    *(worked ? &board->shared.repaired_ns : &board->shared.failed_ns) += outcome->took_ns;
    repair_meter_add(
        &board->shared.meter, outcome->bytes, env_now_ns(board->env) / UINT64_C(1000000));
    status->repaired_bytes += outcome->bytes;
    status->repaired += outcome->shards;
    status->repaired_segments += outcome->shards > 0;
    status->failed += repair_outcome_is_failure(outcome->code);
    if (worked) {
        status->queue = less(status->queue, 1);
        status->bytes = less(status->bytes, entry->bytes);
    }
}

void repair_board_done(struct repair_board *board, const struct repair_entry *entry,
    const struct repair_outcome *outcome)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    stop_running(board, entry->segment);
    settle(board, entry->segment, outcome->code);
    count_outcome(board, entry, outcome);
    end_row(board, entry);
}

/* ---- anybody ---- */

void repair_board_ask(struct repair_board *board, uint64_t since_ms)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    board->shared.status.asked_ms = since_ms;
}

uint64_t repair_board_asked(struct repair_board *board)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    return board->shared.status.asked_ms;
}

static uint64_t oldest_of(const struct repair_queue *queue)
{
    uint64_t oldest = 0;
    for (size_t i = 0; i < queue->count; i++) {
        uint64_t queued = queue->entries[i].queued_ms;
        oldest = oldest == 0 || queued < oldest ? queued : oldest;
    }
    return oldest;
}

void repair_board_status(struct repair_board *board, struct repair_status *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    *out = board->shared.status;
    out->queued = board->shared.queue.count;
    out->oldest_ms = oldest_of(&board->shared.queue);
    out->bytes_per_s =
        repair_meter_per_s(&board->shared.meter, env_now_ns(board->env) / UINT64_C(1000000));
}

bool repair_board_is_unreadable(
    struct repair_board *board, struct meta_id segment, struct repair_lost *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&board->shared.mutex);
    const struct repair_losses *losses = &board->shared.losses;
    const struct repair_lost wanted = {.segment = segment};
    const struct repair_lost *found =
        bsearch(&wanted, losses->segments, losses->count, sizeof(losses->segments[0]), by_segment);
    if (found != NULL) {
        *out = *found;
    }
    return found != NULL;
}
