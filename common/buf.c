#include "common/buf.h"

enum { BUF_ALIGNMENT = 64 };

struct buf *buf_create(size_t capacity)
{
    struct buf *buf = malloc(sizeof(*buf));
    if (buf == NULL) {
        return NULL;
    }
    void *bytes = NULL;
    if (posix_memalign(&bytes, BUF_ALIGNMENT, capacity > 0 ? capacity : 1) != 0) {
        free(buf);
        return NULL;
    }
    buf->bytes = bytes;
    buf->size = 0;
    buf->capacity = capacity;
    atomic_init(&buf->refs, 1);
    return buf;
}

struct buf *buf_copy(struct view bytes)
{
    struct buf *buf = buf_create(bytes.size);
    if (buf != NULL && bytes.size > 0) {
        memcpy(buf->bytes, bytes.bytes, bytes.size);
        buf->size = bytes.size;
    }
    return buf;
}

struct buf *buf_ref(struct buf *buf)
{
    unsigned before = atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
    assert(before > 0);
    return buf;
}

void buf_unref(struct buf *buf)
{
    if (buf == NULL) {
        return;
    }
    unsigned before = atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        free(buf->bytes);
        free(buf);
    }
}
