#include "storaged/damage_queue.h"

#include <assert.h>

static bool has(const struct damage_queue *queue, const struct shard_id *id)
{
    size_t i = 0;
    while (i < queue->count && !shard_id_equal(&queue->shards[i].id, id)) {
        i++;
    }
    return i < queue->count;
}

void damage_queue_add(
    struct damage_queue *queue, const struct shard_id *id, const struct shard_locator *locator)
{
    if (queue->count < WIRE_DAMAGED_MAX && !has(queue, id)) {
        queue->shards[queue->count].id = *id;
        queue->shards[queue->count].locator = *locator;
        queue->count++;
    }
}

const struct wire_damaged_shard *damage_queue_rows(struct damage_queue *queue, size_t *count)
{
    for (size_t i = 0; i < queue->count; i++) {
        queue->rows[i].shard_id = view_of(queue->shards[i].id.bytes, SHARD_ID_SIZE);
        queue->rows[i].locator = view_of(queue->shards[i].locator.bytes, SHARD_LOCATOR_SIZE);
    }
    *count = queue->count;
    return queue->rows;
}

void damage_queue_reported(struct damage_queue *queue, size_t count)
{
    assert(count <= queue->count);
    queue->count -= count;
    memmove(queue->shards, &queue->shards[count], queue->count * sizeof(queue->shards[0]));
}
