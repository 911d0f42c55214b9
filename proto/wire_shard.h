/*
 * wire_shard.h - cells on the wire without a copy at either end.
 *
 *   sender     head (made here, <= 4 bytes) | the cell where it lies       --> rpc_stream_send
 *   receiver   message buf ... the cell is a view into it                  <-- rpc_stream's message
 *
 * The bytes are exactly those wire_encode() makes, so a peer may use either.  What is not just a
 * cell (an open, a footer, a field of a later version) goes the general way through wire_decode().
 *
 * Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_WIRE_SHARD_H
#define HEARTH_PROTO_WIRE_SHARD_H

#include "proto/wire.h"

/* What goes before a cell of `cell_size` bytes, its tag included; 1..WIRE_CELL_MAX. */
struct wire_cell_head {
    uint8_t bytes[4];
    size_t size;
};

struct wire_cell_head wire_put_cell_head(size_t cell_size); /* in a ShardPutMessage */
struct wire_cell_head wire_get_cell_head(size_t cell_size); /* in a ShardGetMessage */

/*
 * As wire_decode(), but a cell stays where it is: out->cell then borrows from `message`, which has
 * to live as long as the arena.
 */
enum hearth_code wire_decode_shard_put(struct view message, struct arena *arena,
    struct wire_shard_put_message *out, struct hearth_err *err);
enum hearth_code wire_decode_shard_get(struct view message, struct arena *arena,
    struct wire_shard_get_message *out, struct hearth_err *err);

/* A cell as a reader gets it becomes, where it lies, one as a writer sends it.  False: the message
 * is no mere cell; it is as it was. */
bool wire_get_cell_to_put(struct buf *message);

#endif /* HEARTH_PROTO_WIRE_SHARD_H */
