/*
 * repair_queue.h - the most endangered segments of a sweep, a bounded number of them.
 *
 * Thread-safety: none; one thread.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_QUEUE_H
#define HEARTH_COORDINATOR_REPAIR_QUEUE_H

#include "coordinator/meta_types.h"

struct repair_entry {
    struct meta_id segment;
    unsigned urgency; /* lower goes first */
    bool is_retry;    /* it failed before */
};

/* A heap with the least urgent on top, so that it is the one to give way. */
struct repair_queue {
    struct repair_entry *entries;
    size_t count;
    size_t max;
};

bool repair_queue_init(struct repair_queue *queue, size_t max); /* false: out of memory */
void repair_queue_fini(struct repair_queue *queue);

/* When full, the least urgent of all, old or new, is forgotten. */
void repair_queue_add(struct repair_queue *queue, struct repair_entry entry);

/* Most urgent first; the queue is only to be read or cleared afterwards. */
void repair_queue_sort(struct repair_queue *queue);
void repair_queue_clear(struct repair_queue *queue);

#endif /* HEARTH_COORDINATOR_REPAIR_QUEUE_H */
