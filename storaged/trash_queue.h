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
 * Of a day at most 5 % of the volume, or 64 GiB, becomes trash (trash_cap.h); the rest is withheld.
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

/* cap_least_bytes: TRASH_CAP_LEAST_BYTES, but for tests. */
enum hearth_code trash_queue_create(struct volume *volume, uint64_t cap_least_bytes,
    struct trash_queue **out, struct hearth_err *err);

/* Idle only. Accepts NULL. */
void trash_queue_destroy(struct trash_queue *queue);

/*
 * Begins with these (each of SHARD_ID_SIZE bytes, at most WIRE_TRASH_MAX); nothing when the last
 * ones are still under way: they will be named again.
 */
void trash_queue_take(struct trash_queue *queue, const struct view *ids, size_t count);

/*
 * More than trash_cap_bytes() of a day is left alone: how many of those named last.  They are named
 * again, until the day is over or an operator has released them: then the cap does not hold.
 */
uint64_t trash_queue_withheld(const struct trash_queue *queue);
void trash_queue_release(struct trash_queue *queue, bool is_released);

/* So many bytes may become trash today, if nobody releases more. */
uint64_t trash_queue_day_bytes(const struct trash_queue *queue);

/* What is known and not reported yet, oldest first; borrowed until the next call here. */
const struct wire_trash_result *trash_queue_results(const struct trash_queue *queue, size_t *count);

/* The coordinator has heard the first `count` of them. */
void trash_queue_reported(struct trash_queue *queue, size_t count);

/* Starts nothing more; what is at the volume ends by itself. */
void trash_queue_stop(struct trash_queue *queue);

/* Nothing is at the volume. */
bool trash_queue_is_idle(const struct trash_queue *queue);

#endif /* HEARTH_STORAGED_TRASH_QUEUE_H */
