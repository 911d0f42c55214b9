/*
 * damage_queue.h - shards that do not verify any more, until the coordinator has heard of them.
 *
 *   volume event --> noted --heartbeat, answered--> forgotten: repair does the rest
 *
 * Nothing here survives a restart.  What is lost with one, or did not fit, is found again by the
 * next scrub of its log.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_DAMAGE_QUEUE_H
#define HEARTH_STORAGED_DAMAGE_QUEUE_H

#include "proto/wire_messages.h"
#include "storaged/shard_name.h"

struct damage_queue {
    struct {
        struct shard_id id;
        struct shard_locator locator;
    } shards[WIRE_DAMAGED_MAX];
    struct wire_damaged_shard rows[WIRE_DAMAGED_MAX]; /* point there */
    size_t count;
};

/* Once each. When the queue is full it is left out. */
void damage_queue_add(
    struct damage_queue *queue, const struct shard_id *id, const struct shard_locator *locator);

/* All of them, oldest first; borrowed until the next call here. */
const struct wire_damaged_shard *damage_queue_rows(struct damage_queue *queue, size_t *count);

/* The coordinator has heard the first `count`. */
void damage_queue_reported(struct damage_queue *queue, size_t count);

#endif /* HEARTH_STORAGED_DAMAGE_QUEUE_H */
