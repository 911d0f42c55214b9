/*
 * shard_copy.h - one shard brought here from another node, at the coordinator's word.
 *
 *   coordinator --orders, where the source is--> here --GET order--> source
 *                                                 |  <--- cells ---
 *                                              shard_put, as if a client had sent them
 *   coordinator <------------ receipt -----------/
 *
 * Only the coordinator may ask: whoever could name an address to dial could make this node dial
 * anything.  Its order for here names its own session, that for the source names this node.  The
 * source has to prove that it is the node that was named.  Cells are not believed: their sums and
 * their number are what the receipt says, and the coordinator holds each against its tag
 * afterwards.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_COPY_H
#define HEARTH_STORAGED_SHARD_COPY_H

#include "storaged/shard_context.h"
#include "storaged/shard_stream.h"

/*
 * Takes the stream over until closed(), and finishes it with a receipt or a reason.  `context`
 * outlives it.  HEARTH_NO_MEMORY: the stream is still the caller's.
 */
enum hearth_code shard_copy_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);

#endif /* HEARTH_STORAGED_SHARD_COPY_H */
