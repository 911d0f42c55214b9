/*
 * buf.h - bytes that travel between threads and through the network layer: counted, handed over.
 *
 *   create --> fill (one owner) --> ref, pass on (nobody changes the bytes any more) --> unref
 *
 * A slice is a part of a buf together with the reference that keeps it alive.
 *
 * Thread-safety: the count is atomic; the bytes are written by the one creator before any ref.
 */
#ifndef HEARTH_COMMON_BUF_H
#define HEARTH_COMMON_BUF_H

#include "common/cleanup.h"
#include "common/view.h"

#include <stdatomic.h>

struct buf {
    uint8_t *bytes; /* aligned to 64 */
    size_t size;    /* valid bytes, from the start */
    size_t capacity;
    atomic_uint refs;
};

/* One reference, size 0. NULL: out of memory. */
struct buf *buf_create(size_t capacity);

/* A new buf of a copy of `bytes`. NULL: out of memory. */
struct buf *buf_copy(struct view bytes);

struct buf *buf_ref(struct buf *buf);

/* Accepts NULL; the last one frees. */
void buf_unref(struct buf *buf);

static inline struct view buf_view(const struct buf *buf)
{
    return view_of(buf->bytes, buf->size);
}

/* Bytes and the reference that holds them (NULL owner: static or outlives every use). */
struct slice {
    struct buf *owner;
    struct view view;
};

/* Takes a new reference on `owner`. */
static inline struct slice slice_of(struct buf *owner, size_t offset, size_t size)
{
    assert(offset <= owner->capacity && size <= owner->capacity - offset);
    return (struct slice){buf_ref(owner), view_of(owner->bytes + offset, size)};
}

#endif /* HEARTH_COMMON_BUF_H */
