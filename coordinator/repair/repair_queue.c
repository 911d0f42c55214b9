#include "coordinator/repair/repair_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool repair_queue_init(struct repair_queue *queue, size_t max)
{
    *queue = (struct repair_queue){.entries = calloc(max, sizeof(*queue->entries)), .max = max};
    return queue->entries != NULL;
}

void repair_queue_fini(struct repair_queue *queue)
{
    free(queue->entries);
    *queue = (struct repair_queue){0};
}

static void swap(struct repair_entry *a, struct repair_entry *b)
{
    struct repair_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct repair_queue *queue, size_t at)
{
    while (at > 0 && queue->entries[(at - 1) / 2].urgency < queue->entries[at].urgency) {
        swap(&queue->entries[at], &queue->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct repair_queue *queue, size_t at)
{
    while (2 * at + 1 < queue->count) {
        size_t child = 2 * at + 1;
        if (child + 1 < queue->count &&
            queue->entries[child + 1].urgency > queue->entries[child].urgency) {
            child++;
        }
        if (queue->entries[child].urgency <= queue->entries[at].urgency) {
            return;
        }
        swap(&queue->entries[at], &queue->entries[child]);
        at = child;
    }
}

void repair_queue_add(struct repair_queue *queue, struct repair_entry entry)
{
    if (queue->count < queue->max) {
        queue->entries[queue->count++] = entry;
        sift_up(queue, queue->count - 1);
    } else if (entry.urgency < queue->entries[0].urgency) {
        queue->entries[0] = entry;
        sift_down(queue, 0);
    }
}

static int compare(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int by_urgency(const void *a, const void *b)
{
    const struct repair_entry *left = a;
    const struct repair_entry *right = b;
    int order = compare(left->urgency, right->urgency);
    return order != 0 ? order : compare(left->queued_ms, right->queued_ms);
}

void repair_queue_sort(struct repair_queue *queue)
{
    qsort(queue->entries, queue->count, sizeof(queue->entries[0]), by_urgency);
}

void repair_queue_remove(struct repair_queue *queue, size_t index)
{
    assert(index < queue->count);
    struct repair_entry *entry = &queue->entries[index];
    queue->count--;
    memmove(entry, entry + 1, (queue->count - index) * sizeof(*entry));
}

static int by_segment(const void *a, const void *b)
{
    const struct repair_entry *left = a;
    const struct repair_entry *right = b;
    return memcmp(left->segment.bytes, right->segment.bytes, META_ID_SIZE);
}

void repair_queue_inherit(struct repair_queue *queue, const struct repair_queue *old,
    void (*gone)(void *context, const struct repair_entry *entry), void *context)
{
    qsort(queue->entries, queue->count, sizeof(queue->entries[0]), by_segment);
    for (size_t i = 0; i < old->count; i++) {
        struct repair_entry *found = bsearch(
            &old->entries[i], queue->entries, queue->count, sizeof(queue->entries[0]), by_segment);
        if (found == NULL) {
            gone(context, &old->entries[i]);
        } else {
            found->queued_ms = old->entries[i].queued_ms;
            found->is_saved = old->entries[i].is_saved;
        }
    }
    repair_queue_sort(queue);
}

void repair_queue_clear(struct repair_queue *queue)
{
    queue->count = 0;
}
