/*
 * shard_put.h - one shard coming in: open -> cells -> footer -> durable -> receipt.
 *
 *   message(open)    the order is checked
 *   message(cell)    to the volume; the next is asked for when the volume took this one
 *   message(footer)  the order's expiry again; counts and digest are compared; the volume syncs
 *   reply            a receipt, only after the sync (D3)
 *
 * Whatever goes wrong before the footer leaves nothing behind.  After it the shard is kept even
 * when the client is gone: it may come again and gets the same receipt.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_PUT_H
#define HEARTH_STORAGED_SHARD_PUT_H

#include "storaged/shard_context.h"
#include "storaged/shard_stream.h"

/*
 * Takes the stream over until closed(), and finishes it with a receipt or a reason.  `context`
 * outlives it.  HEARTH_NO_MEMORY: the stream is still the caller's.
 */
enum hearth_code shard_put_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);

#endif /* HEARTH_STORAGED_SHARD_PUT_H */
