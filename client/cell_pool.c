#include "client/cell_pool.h"

void cell_pool_init(struct cell_pool *pool, size_t bytes_max)
{
    *pool = (struct cell_pool){.bytes_max = bytes_max};
}

void cell_pool_fini(struct cell_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++) {
        buf_unref(pool->bufs[i]);
    }
    free(pool->bufs);
}

/* Whoever let go of the buf last did so before we saw it: its reads are over. */
static bool is_free(struct buf *buf)
{
    return atomic_load_explicit(&buf->refs, memory_order_acquire) == 1;
}

struct buf *cell_pool_take(struct cell_pool *pool, size_t size)
{
    for (unsigned i = pool->count; i-- > 0;) {
        struct buf *buf = pool->bufs[i];
        if (buf->capacity == size && is_free(buf)) {
            pool->bufs[i] = pool->bufs[--pool->count];
            pool->bytes -= buf->capacity;
            return buf;
        }
    }
    struct buf *buf = buf_create(size);
    if (buf != NULL) {
        buf->size = size;
    }
    return buf;
}

static bool make_room(struct cell_pool *pool)
{
    if (pool->count == pool->capacity) {
        unsigned capacity = pool->capacity > 0 ? 2 * pool->capacity : 16;
        struct buf **grown = realloc(pool->bufs, capacity * sizeof(struct buf *));
        if (grown == NULL) {
            return false;
        }
        pool->bufs = grown;
        pool->capacity = capacity;
    }
    return true;
}

void cell_pool_give(struct cell_pool *pool, struct buf *buf TAKES)
{
    bool fits = pool->bytes + buf->capacity <= pool->bytes_max;
    if (!fits || !make_room(pool)) {
        buf_unref(buf);
        return;
    }
    pool->bufs[pool->count++] = buf;
    pool->bytes += buf->capacity;
}
