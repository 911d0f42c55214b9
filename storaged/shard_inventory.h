/*
 * shard_inventory.h - what this node holds, for its coordinator alone (the table of calls says so).
 *
 *   ListShards    after --> pages of shards in the order of ids --> ... --> finish
 *   DigestShards  ranges --> 64 sums a message                  --> ... --> finish
 *
 * The next page is made when the last one was taken, so whoever does not read stops the reading.
 * The last page may be empty.
 *
 * What it costs, and a request takes one of the places for puts and gets while it lasts:
 *
 *   a page     at most 64 shards, 5 KiB on the wire; a read of the disk for each, and a look at one
 *              of the 256 parts of the index.  30 KiB of memory.
 *   a digest   no disk; 256 parts looked at whatever the number of ranges up to 64, each part once
 *              more for every 64 ranges in it.  A million shards: 10 ms of the loop in all.
 *
 * Nothing is counted or kept ahead for this, and nothing is walked at the start.
 *
 * Thread-safety: the loop thread.
 */
#ifndef HEARTH_STORAGED_SHARD_INVENTORY_H
#define HEARTH_STORAGED_SHARD_INVENTORY_H

#include "storaged/shard_context.h"
#include "storaged/shard_stream.h"

/* As shard_get_start(). */
enum hearth_code shard_list_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);
enum hearth_code shard_digest_start(
    const struct shard_context *context, struct shard_stream *stream, struct hearth_err *err);

#endif /* HEARTH_STORAGED_SHARD_INVENTORY_H */
