/*
 * transfer.h - one put or get under way: what it hears, how much memory it may hold, when it must
 * stop.
 *
 *   caller's thread:  work ... transfer_turn (no waiting) ... work ... transfer_wait ...
 *                                  |                                       |
 *                                  +---- each event to its call's listener-+
 *
 * There is no thread of its own: the machines of a transfer (segment_put, segment_get) move when
 * their caller takes a turn or waits.
 *
 * Thread-safety: belongs to the calling thread.
 */
#ifndef HEARTH_CLIENT_TRANSFER_H
#define HEARTH_CLIENT_TRANSFER_H

#include "client/hearth.h"
#include "client/session.h"
#include "client/shard_net.h"

enum {
    /* A transfer's share of memory.  Less cannot hold a stripe of a wide profile in flight; more
     * than the most (two segments and a window of cells) would have no use. */
    TRANSFER_MEMORY_MIN = 16 << 20,
    TRANSFER_MEMORY_MAX = 136 << 20,
    /* How soon a cancel flag is seen, for a signal handler cannot wake a waiting thread. */
    TRANSFER_CANCEL_POLL_MS = 100,
};

/* What a call's context points at. */
struct shard_listener {
    /* Moves out what it keeps of event->bytes (and zeroes them there); the rest is released. */
    void (*on_event)(struct shard_listener *listener, struct shard_event *event);
};

struct transfer {
    struct session *session;
    struct shard_inbox *inbox;
    struct hearth_control control;
    uint64_t memory_max; /* its share */
};

/* control may be NULL.  It has no memory yet. */
enum hearth_code transfer_open(struct transfer *transfer, struct session *session,
    const struct hearth_control *control, struct hearth_err *err);

/* Every call must have been dropped. */
void transfer_close(struct transfer *transfer);

/*
 * From now on its share is what is free, at least `least` and at most `wanted`, both cut to what a
 * transfer may have.  A smaller share than now cannot fail.  HEARTH_BUSY: so much is not free, and
 * the share is what it was.
 */
enum hearth_code transfer_take_memory(
    struct transfer *transfer, uint64_t least, uint64_t wanted, struct hearth_err *err);

uint64_t transfer_now_ns(const struct transfer *transfer);

/* HEARTH_CANCELLED when the caller's flag is up. */
enum hearth_code transfer_check(const struct transfer *transfer, struct hearth_err *err);

/* Hands out every event that is there. */
void transfer_turn(struct transfer *transfer);

/* Waits for an event, the time or the cancel flag, then takes a turn.  May come back early. */
enum hearth_code transfer_wait(
    struct transfer *transfer, uint64_t until_ns, struct hearth_err *err);

#endif /* HEARTH_CLIENT_TRANSFER_H */
