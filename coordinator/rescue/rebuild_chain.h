/*
 * rebuild_chain.h - the newest whole chain of shipments, and the database it gives.
 *
 *   newest shipment --previous--> ... --previous--> snapshot        each read whole, and checked
 *        files:  changes-N ...                      rebuilt.db
 *                     \--apply, oldest first---------^   --rename--> meta.db
 *
 * One that cannot be read breaks its chain: the search goes on below it.  What it passes over
 * without asking was never shipped, as far as anybody could tell: no node lists a shard of its
 * seal, and no later shipment follows on it.  To have such a one passed over although it was
 * shipped, every node that holds a shard of its seal and answers has to hide it, as every holder
 * would have to hide a shipment to have it unknown altogether.  Everything else that exists, and
 * what may be with nodes that do not answer, is for the caller to give up.  Killed at any moment it
 * can be begun again; meta.db is there when all of it is.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H

#include "coordinator/meta/meta_rebuilt.h"
#include "coordinator/rescue/rebuild_read.h"

struct rebuild_chain {
    const struct rebuild_reader *reader;
    const struct rebuild_found *found; /* sorted */
    const char *directory;             /* of the metadata; exists, without a meta.db */
    struct meta_rebuilt_asked asked;   /* who listed what they hold, and who did not */
    bool accepts_older;
    /* A shipment that could not be read, and why. */
    void (*unreadable)(void *context, uint64_t number, const char *why);
    void *context;
};

struct rebuild_result {
    uint64_t newest_known; /* number of the newest of which a shard was found */
    uint64_t newest_used;
    uint64_t snapshot;
    unsigned changes;      /* shipments of changes on top of it */
    uint64_t newest_whole; /* the newest of which it is known that it was whole once; 0: none */
};

/*
 * HEARTH_NOT_FOUND: no whole chain.  HEARTH_SHARDS_LOST: there is one, but it ends below one that
 * was whole, or so many nodes do not answer that all holders of a newer one may be among them, and
 * !accepts_older; *out is set in that case, too.
 */
enum hearth_code rebuild_chain_blocking(
    const struct rebuild_chain *chain, struct rebuild_result *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H */
