#include "common/http/http_ring.h"

#include <assert.h>
#include <stdlib.h>

bool http_ring_create(struct http_ring *ring, size_t capacity)
{
    assert(capacity > 0 && ring->bytes == NULL);
    *ring = (struct http_ring){.bytes = malloc(capacity), .capacity = capacity};
    return ring->bytes != NULL;
}

void http_ring_fini(struct http_ring *ring)
{
    free(ring->bytes);
    *ring = (struct http_ring){0};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t http_ring_put(struct http_ring *ring, struct view bytes)
{
    size_t size = smaller(bytes.size, http_ring_room(ring));
    size_t at = (ring->start + ring->used) % ring->capacity;
    size_t first = smaller(size, ring->capacity - at);
    memcpy(ring->bytes + at, bytes.bytes, first);
    memcpy(ring->bytes, bytes.bytes + first, size - first);
    ring->used += size;
    assert(ring->used <= ring->capacity);
    return size;
}

size_t http_ring_take(struct http_ring *ring, void *bytes, size_t size)
{
    size_t taken = smaller(size, ring->used);
    size_t first = smaller(taken, ring->capacity - ring->start);
    memcpy(bytes, ring->bytes + ring->start, first);
    memcpy((uint8_t *)bytes + first, ring->bytes, taken - first);
    ring->used -= taken;
    /* From the beginning again when it is empty: long runs then are one copy. */
    ring->start = ring->used == 0 ? 0 : (ring->start + taken) % ring->capacity;
    return taken;
}
