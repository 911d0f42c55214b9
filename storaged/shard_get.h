/*
 * shard_get.h - cells of one shard going out.
 *
 *   message(request)   the order is checked, the shard found
 *   volume read  -->  up to four verified cells  -->  one message each  -->  ... --> finish
 *        \__ one read ahead of what is being sent, so disk and network work at the same time
 *
 * Whoever does not read stops the sending, and so the reading; two reads of cells are all a get
 * ever holds.  A shard in the trash is still served (D5).
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_GET_H
#define HEARTH_STORAGED_SHARD_GET_H

#include "storaged/shard_context.h"
#include "storaged/shard_stream.h"

/*
 * Takes the stream over until closed(), and finishes it.  `context` outlives it.
 * HEARTH_NO_MEMORY: the stream is still the caller's.
 */
enum hearth_code shard_get_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);

#endif /* HEARTH_STORAGED_SHARD_GET_H */
