/*
 * repair_queue.h - the most endangered segments of a sweep, a bounded number of them.
 *
 * Thread-safety: none; one thread.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_QUEUE_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_QUEUE_H

#include "coordinator/meta/meta_types.h"

struct repair_entry {
    struct meta_id segment;
    unsigned urgency;   /* lower goes first */
    bool is_retry;      /* it failed before */
    bool is_saved;      /* it has a row */
    uint64_t bytes;     /* to be read and written */
    uint64_t queued_ms; /* when it was first found */
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

/* Most urgent first, and of those alike the one that waits longest; the queue is only to be read,
 * taken from or cleared afterwards. */
void repair_queue_sort(struct repair_queue *queue);

/* Takes one out of a sorted queue, which stays sorted. */
void repair_queue_remove(struct repair_queue *queue, size_t index);

/* What is in `old`, too, keeps its queued_ms and its row; `gone` is called for each that is not.
 * The queue is sorted afterwards. */
void repair_queue_inherit(struct repair_queue *queue, const struct repair_queue *old,
    void (*gone)(void *context, const struct repair_entry *entry), void *context);

void repair_queue_clear(struct repair_queue *queue);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_QUEUE_H */
