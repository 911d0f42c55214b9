#include "storaged/trash_queue.h"

#include "storaged/trash_cap.h"

#include "common/failpoint.h"
#include "common/log.h"

#include <assert.h>
#include <stdlib.h>

/* One trash at the volume. */
struct trash_op {
    struct volume_trash trash;
    struct trash_queue *queue;
    struct shard_id id;
    bool is_out;
};

struct trash_queue {
    struct volume *volume;
    uint64_t cap_least_bytes;
    bool is_released; /* by an operator: the cap does not hold */
    uint64_t withheld;

    struct shard_id queued[WIRE_TRASH_MAX]; /* [queued_next, queued_count) are to be started */
    size_t queued_next;
    size_t queued_count;

    struct trash_op ops[TRASH_AT_ONCE];
    size_t ops_out;

    struct shard_id result_ids[WIRE_TRASH_MAX]; /* what results[].shard_id points at */
    struct wire_trash_result results[WIRE_TRASH_MAX];
    size_t result_count;
};

enum { OUTCOME_TRASHED = 1, OUTCOME_BARRED = 2 }; /* TrashResult.outcome in hearth.proto */

static void add_result(
    struct trash_queue *queue, const struct shard_id *id, enum volume_trash_outcome outcome)
{
    assert(queue->result_count < WIRE_TRASH_MAX);
    size_t at = queue->result_count++;
    queue->result_ids[at] = *id;
    queue->results[at] = (struct wire_trash_result){
        .shard_id = view_of(queue->result_ids[at].bytes, SHARD_ID_SIZE),
        .outcome = outcome == VOLUME_TRASH_BARRED ? OUTCOME_BARRED : OUTCOME_TRASHED,
    };
}

static void start_more(struct trash_queue *queue);

static void trashed(struct volume_wait *wait)
{
    struct trash_op *op = (struct trash_op *)((char *)wait - offsetof(struct trash_op, trash.wait));
    struct trash_queue *queue = op->queue;
    op->is_out = false;
    queue->ops_out--;
    (void)FAILPOINT(STORAGED_TRASH_DURABLE);
    if (wait->err.code == HEARTH_OK) {
        add_result(queue, &op->id, op->trash.outcome);
    } else {
        log_write(LOG_TRASH_DELAYED, "shard=%s reason=\"%s\"", shard_id_text(&op->id).chars,
            wait->err.message);
    }
    start_more(queue);
}

static struct trash_op *free_op(struct trash_queue *queue)
{
    for (size_t i = 0; i < TRASH_AT_ONCE; i++) {
        if (!queue->ops[i].is_out) {
            return &queue->ops[i];
        }
    }
    return NULL;
}

static uint64_t day_bytes(const struct trash_queue *queue, const struct volume_stats *stats)
{
    return trash_cap_bytes(stats->live_bytes + stats->trash_today_bytes, queue->cap_least_bytes);
}

uint64_t trash_queue_day_bytes(const struct trash_queue *queue)
{
    struct volume_stats stats;
    volume_stats(queue->volume, &stats);
    return day_bytes(queue, &stats);
}

/* Those under way are counted when they are done: at most TRASH_AT_ONCE shards too many. */
static bool is_full_for_today(const struct trash_queue *queue)
{
    struct volume_stats stats;
    volume_stats(queue->volume, &stats);
    return !queue->is_released && stats.trash_today_bytes >= day_bytes(queue, &stats);
}

static void start_more(struct trash_queue *queue)
{
    if (queue->queued_next < queue->queued_count && is_full_for_today(queue)) {
        queue->withheld = queue->queued_count - queue->queued_next;
        queue->queued_next = queue->queued_count;
        log_write(LOG_TRASH_WITHHELD, "shards=%zu", (size_t)queue->withheld);
    }
    while (queue->queued_next < queue->queued_count && queue->ops_out < TRASH_AT_ONCE) {
        struct trash_op *op = free_op(queue);
        assert(op != NULL);
        *op = (struct trash_op){
            .queue = queue, .id = queue->queued[queue->queued_next++], .is_out = true};
        op->trash.wait.done = trashed;
        queue->ops_out++;
        volume_trash(queue->volume, &op->id, &op->trash);
    }
}

enum hearth_code trash_queue_create(struct volume *volume, uint64_t cap_least_bytes,
    struct trash_queue **out, struct hearth_err *err)
{
    struct trash_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "queue of the trash");
    }
    queue->volume = volume;
    queue->cap_least_bytes = cap_least_bytes;
    *out = queue;
    return HEARTH_OK;
}

void trash_queue_destroy(struct trash_queue *queue)
{
    assert(queue == NULL || trash_queue_is_idle(queue));
    free(queue);
}

void trash_queue_take(struct trash_queue *queue, const struct view *ids, size_t count)
{
    assert(count <= WIRE_TRASH_MAX);
    if (queue->ops_out > 0) {
        return;
    }
    size_t room = WIRE_TRASH_MAX - queue->result_count; /* each must end up as a result */
    queue->queued_next = 0;
    queue->withheld = 0;
    queue->queued_count = count < room ? count : room;
    for (size_t i = 0; i < queue->queued_count; i++) {
        assert(ids[i].size == SHARD_ID_SIZE);
        memcpy(queue->queued[i].bytes, ids[i].bytes, SHARD_ID_SIZE);
    }
    start_more(queue);
}

const struct wire_trash_result *trash_queue_results(const struct trash_queue *queue, size_t *count)
{
    *count = queue->result_count;
    return queue->results;
}

void trash_queue_reported(struct trash_queue *queue, size_t count)
{
    assert(count <= queue->result_count);
    queue->result_count -= count;
    for (size_t i = 0; i < queue->result_count; i++) {
        queue->result_ids[i] = queue->result_ids[count + i];
        queue->results[i].outcome = queue->results[count + i].outcome;
    }
}

void trash_queue_stop(struct trash_queue *queue)
{
    queue->queued_next = queue->queued_count;
}

bool trash_queue_is_idle(const struct trash_queue *queue)
{
    return queue->ops_out == 0;
}

uint64_t trash_queue_withheld(const struct trash_queue *queue)
{
    return queue->withheld;
}

void trash_queue_release(struct trash_queue *queue, bool is_released)
{
    queue->is_released = is_released;
}
