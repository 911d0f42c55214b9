/*
 * evil_send.c - a storage node that lies: hearth-storaged, linked so that what it sends passes
 * here.
 *
 *   shard_get --cell--> rpc_stream_send, wrapped --something else--> the reader
 *
 * HEARTH_EVIL says what it does with the cells it is asked for:
 *
 *   flip    turns one bit over         tag     the same, in the tag
 *   swap    the cell before this one   other   a cell of another shard, asked for lately
 *   old     a cell of the first shard it was ever asked for
 *   zero    nothing but zeros          short   half of it
 *   stall  every eighth cell, by what is in it, never leaves
 *
 * It says "evil" on its log for each lie, so that a test can see that it was asked.  The node
 * stores honestly, and its orders, receipts and sizes are true: what is left to catch it is the
 * tag.
 */
#include "common/cleanup.h"
#include "proto/rpc_stream.h"
#include "proto/wire_shard.h"

#include <stdio.h>

enum { KEPT_MAX = 8, TAG_SIZE = 16 };

/* Cells it was asked for, for later misuse. */
struct kept_cell {
    const struct rpc_stream *stream;
    struct buf *cell;
};

static struct {
    pthread_mutex_t mutex;
    struct kept_cell first;
    struct kept_cell lately[KEPT_MAX]; /* a ring */
    unsigned count;
} memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void __real_rpc_stream_send(struct rpc_stream *stream, const struct slice *slices, size_t count);
void __wrap_rpc_stream_send(struct rpc_stream *stream, const struct slice *slices, size_t count);

static void keep(const struct rpc_stream *stream, const struct buf *cell)
{
    if (memory.first.cell == NULL) {
        memory.first = (struct kept_cell){stream, buf_copy(buf_view(cell))};
    }
    struct kept_cell *slot = &memory.lately[memory.count++ % KEPT_MAX];
    buf_unref(slot->cell);
    *slot = (struct kept_cell){stream, buf_copy(buf_view(cell))};
}

/* Lately asked for, of this stream or of another one; NULL: none. */
static const struct buf *find_lately(const struct rpc_stream *stream, bool same_stream)
{
    unsigned kept = memory.count < KEPT_MAX ? memory.count : KEPT_MAX;
    for (unsigned back = 1; back <= kept; back++) {
        const struct kept_cell *slot = &memory.lately[(memory.count - back) % KEPT_MAX];
        if ((slot->stream == stream) == same_stream) {
            return slot->cell;
        }
    }
    return NULL;
}

/* Another cell's bytes, at this one's size; the cell is left alone when there is no other. */
static bool replace(struct buf *cell, const struct buf *other)
{
    if (other == NULL || view_equal(buf_view(cell), buf_view(other))) {
        return false;
    }
    size_t size = other->size < cell->size ? other->size : cell->size;
    memcpy(cell->bytes, other->bytes, size);
    return true;
}

static bool spoil(const char *how, const struct rpc_stream *stream, struct buf *cell)
{
    if (strcmp(how, "flip") == 0) {
        cell->bytes[cell->size / 3] ^= 4;
    } else if (strcmp(how, "tag") == 0) {
        cell->bytes[cell->size - TAG_SIZE / 2] ^= 1;
    } else if (strcmp(how, "zero") == 0) {
        memset(cell->bytes, 0, cell->size);
    } else if (strcmp(how, "short") == 0) {
        cell->size /= 2;
    } else if (strcmp(how, "swap") == 0) {
        return replace(cell, find_lately(stream, true));
    } else if (strcmp(how, "other") == 0) {
        return replace(cell, find_lately(stream, false));
    } else if (strcmp(how, "old") == 0) {
        return replace(cell, memory.first.stream == stream ? NULL : memory.first.cell);
    } else {
        return false;
    }
    return true;
}

/* The server sends a cell as two slices, its head and itself; all else passes. */
void __wrap_rpc_stream_send(struct rpc_stream *stream, const struct slice *slices, size_t count)
{
    const char *how = getenv("HEARTH_EVIL");
    if (how == NULL || count != 2) {
        __real_rpc_stream_send(stream, slices, count);
        return;
    }
    if (strcmp(how, "stall") == 0 && slices[1].view.bytes[TAG_SIZE] % 8 == 0) {
        fprintf(stderr, "evil %s\n", how); /* the stream ends when the reader has had enough */
        buf_unref(slices[0].owner);
        buf_unref(slices[1].owner);
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&memory.mutex);
    struct buf *cell = buf_copy(slices[1].view);
    struct buf *truth = buf_copy(slices[1].view);
    assert(cell != NULL && truth != NULL);
    if (spoil(how, stream, cell)) {
        fprintf(stderr, "evil %s\n", how);
    }
    keep(stream, truth);
    buf_unref(truth);
    buf_unref(slices[0].owner);
    buf_unref(slices[1].owner);

    struct wire_cell_head head = wire_get_cell_head(cell->size);
    const struct slice lie[] = {
        {NULL, view_of(head.bytes, head.size)},
        slice_of(cell, 0, cell->size),
    };
    buf_unref(cell);
    __real_rpc_stream_send(stream, lie, 2);
}
