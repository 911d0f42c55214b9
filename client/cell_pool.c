#include "client/cell_pool.h"

void cell_pool_init(struct cell_pool *pool, size_t bytes_max)
{
    *pool = (struct cell_pool){.bytes_max = bytes_max};
}

void cell_pool_fini(struct cell_pool *pool)
{
    assert(pool->taken == 0);
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

static struct buf *remove_at(struct cell_pool *pool, unsigned index)
{
    struct buf *buf = pool->bufs[index];
    pool->bufs[index] = pool->bufs[--pool->count];
    pool->bytes -= buf->capacity;
    return buf;
}

/* Lets go of what waits until so much more fits, or nothing waits. */
static void shrink(struct cell_pool *pool, size_t size)
{
    while (pool->count > 0 && pool->taken + pool->bytes + size > pool->bytes_max) {
        buf_unref(remove_at(pool, pool->count - 1));
    }
}

void cell_pool_limit(struct cell_pool *pool, size_t bytes_max)
{
    pool->bytes_max = bytes_max;
    shrink(pool, 0);
}

struct buf *cell_pool_take(struct cell_pool *pool, size_t size)
{
    for (unsigned i = pool->count; i-- > 0;) {
        if (pool->bufs[i]->capacity == size && is_free(pool->bufs[i])) {
            pool->taken += size;
            return remove_at(pool, i);
        }
    }
    shrink(pool, size);
    struct buf *buf = buf_create(size);
    if (buf != NULL) {
        buf->size = size;
        pool->taken += size;
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
    assert(buf->capacity <= pool->taken);
    pool->taken -= buf->capacity;
    bool fits = pool->taken + pool->bytes + buf->capacity <= pool->bytes_max;
    if (!fits || !make_room(pool)) {
        buf_unref(buf);
        return;
    }
    pool->bufs[pool->count++] = buf;
    pool->bytes += buf->capacity;
}
