/*
 * http_ring.h - bytes between one who puts and one who takes, at most `capacity` of them.
 *
 * Thread-safety: none; it lies under its exchange's mutex.
 */
#ifndef HEARTH_COMMON_HTTP_HTTP_RING_H
#define HEARTH_COMMON_HTTP_HTTP_RING_H

#include "common/view.h"

struct http_ring {
    uint8_t *bytes;
    size_t capacity;
    size_t start; /* of what is in it */
    size_t used;
};

/* False: out of memory. */
bool http_ring_create(struct http_ring *ring, size_t capacity);

/* Accepts one that was never created, zeroed. */
void http_ring_fini(struct http_ring *ring);

/* As many of the bytes as there is room for; how many. */
size_t http_ring_put(struct http_ring *ring, struct view bytes);

/* As many as there are, up to `size`; how many. */
size_t http_ring_take(struct http_ring *ring, void *bytes, size_t size);

static inline size_t http_ring_room(const struct http_ring *ring)
{
    return ring->capacity - ring->used;
}

#endif /* HEARTH_COMMON_HTTP_HTTP_RING_H */
