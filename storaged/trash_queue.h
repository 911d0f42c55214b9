/*
 * trash_queue.h - shards the coordinator named dead, on their way to the trash.
 *
 *   heartbeat reply --take--> queued --> at the volume, a few at once --> results --> next
 * heartbeat
 *                                                                          \-- reported: forgotten
 *
 * A result exists only when the volume has made it durable.  The coordinator names a shard again
 * until it has heard the result, so nothing here needs to survive a restart, and what the volume
 * could not do now is simply left out.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_TRASH_QUEUE_H
#define HEARTH_STORAGED_TRASH_QUEUE_H

#include "proto/wire_messages.h"
#include "storaged/volume.h"

/* At the volume at once: enough that one sync covers many, few enough to leave room for others. */
enum { TRASH_AT_ONCE = VOLUME_TRASHES_MAX / 4 };

struct trash_queue;

enum hearth_code trash_queue_create(
    struct volume *volume, struct trash_queue **out, struct hearth_err *err);

/* Idle only. Accepts NULL. */
void trash_queue_destroy(struct trash_queue *queue);

/*
 * Begins with these (each of SHARD_ID_SIZE bytes, at most WIRE_TRASH_MAX); nothing when the last
 * ones are still under way: they will be named again.
 */
void trash_queue_take(struct trash_queue *queue, const struct view *ids, size_t count);

/* What is known and not reported yet, oldest first; borrowed until the next call here. */
const struct wire_trash_result *trash_queue_results(const struct trash_queue *queue, size_t *count);

/* The coordinator has heard the first `count` of them. */
void trash_queue_reported(struct trash_queue *queue, size_t count);

/* Starts nothing more; what is at the volume ends by itself. */
void trash_queue_stop(struct trash_queue *queue);

/* Nothing is at the volume. */
bool trash_queue_is_idle(const struct trash_queue *queue);

#endif /* HEARTH_STORAGED_TRASH_QUEUE_H */
