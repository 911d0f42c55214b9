/*
 * heartbeat.h - the node reports to its coordinator, and is told what to do.
 *
 *   timer --> facts, trash results --> link --> reply --> time and order keys (order_check)
 *     ^                                           \-----> shards to trash (trash_queue)
 *     \------- the interval the reply asks for, or a back-off with jitter when there was none
 *
 * Shards to trash, and leave to purge, are taken only whole and from the highest recovery epoch
 * heard, also before a restart: so nothing of a new one is taken before that is kept. Results of
 * the trash, and damaged shards, are repeated until a reply shows that they were heard.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_HEARTBEAT_H
#define HEARTH_STORAGED_HEARTBEAT_H

#include "storaged/coordinator_link.h"
#include "storaged/order_check.h"
#include "storaged/volume.h"

enum {
    /* What a reply may ask for. Below, a coordinator's mistake would be a flood; above, a node
     * would miss order keys. */
    HEARTBEAT_INTERVAL_MS_MIN = 50,
    HEARTBEAT_INTERVAL_MS_MAX = 600000,

    /* Without a reply: doubled each time, and drawn from its upper half so that a thousand nodes
     * do not come back in one second. */
    HEARTBEAT_RETRY_MS_MIN = 1000,
    HEARTBEAT_RETRY_MS_MAX = 60000,
};

struct heartbeat;

struct heartbeat_options {
    struct loop *loop;
    struct volume *volume;
    struct order_check *orders;
    struct coordinator_link *link;
    const struct wire_endpoint *endpoints; /* how clients reach us; borrowed */
    size_t endpoint_count;
    uint64_t capacity_bytes;        /* 0: all there is */
    uint64_t trash_cap_least_bytes; /* 0: as trash_cap.h says; tests make it small */
    uint64_t epoch_kept;            /* the highest recovery epoch heard before this run */

    uint64_t (*disk_free_bytes)(void *context); /* of the volume's file system */
    void (*certificate_expired)(void *context); /* says the coordinator: renew it */
    /* A higher one was heard: heartbeat_epoch_kept() when it is on disk, also inside the call.
     * Comes again with each reply until then. */
    void (*epoch_rose)(void *context, uint64_t epoch);
    void *context;
};

enum hearth_code heartbeat_create(
    const struct heartbeat_options *options, struct heartbeat **out, struct hearth_err *err);

/* Never started, or stopped and the volume closed, which waits for the trash. Accepts NULL. */
void heartbeat_destroy(struct heartbeat *heartbeat);

/* To be reported: the shard does not verify any more. */
void heartbeat_shard_damaged(
    struct heartbeat *heartbeat, const struct shard_id *id, const struct shard_locator *locator);

/* What was heard of will be known after a restart: shards may be ended at its word. */
void heartbeat_epoch_kept(struct heartbeat *heartbeat, uint64_t epoch);

/* As in the options, from the next report on. */
void heartbeat_set_capacity(struct heartbeat *heartbeat, uint64_t bytes);

/* The first heartbeat goes out at once. */
void heartbeat_start(struct heartbeat *heartbeat);

/* stopped(context) comes once, on the loop, not inside the call: no call is under way any more. */
void heartbeat_stop(struct heartbeat *heartbeat, void (*stopped)(void *context), void *context);

#endif /* HEARTH_STORAGED_HEARTBEAT_H */
