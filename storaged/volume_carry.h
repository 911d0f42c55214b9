/*
 * volume_carry.h - which small records of a log outlive it.
 *
 * Which tombstones are still needed.  One is written into the log of the shard it deletes or a
 * newer one, and whoever moves trash writes another beside it.  So one that lies in a log which is
 * about to go is needed only while another log holds the shard it deletes:
 *   - the log it names still has an entry of trash for its id; or
 *   - some log holds shards that are found elsewhere (`has_ghosts`), so that nobody knows.
 * A bar is its own entry, and was moved with the shards, or is over 7 days old; no order for its id
 * can be valid any more.
 *
 * A note on a failed log is needed while that log is there.  What follows the last good sequence of
 * a log that failed was acknowledged to nobody, and must not become true by being carried.
 */
#ifndef HEARTH_STORAGED_VOLUME_CARRY_H
#define HEARTH_STORAGED_VOLUME_CARRY_H

#include "storaged/volume_state.h"

/* The record counts at all. */
bool volume_was_acknowledged(const struct volume_log *log, const struct record_header *header);

/* Of a TOMBSTONE or RETIRED in `log` that was acknowledged: it is needed without the log. */
bool volume_must_carry(
    const struct volume_log *log, const struct record_header *header, struct view body);

#endif /* HEARTH_STORAGED_VOLUME_CARRY_H */
