/*
 * rebuild_chain.h - the newest whole chain of shipments, and the database it gives.
 *
 *   newest shipment --previous--> ... --previous--> snapshot        each read whole, and checked
 *        files:  changes-N ...                      rebuilt.db
 *                     \--apply, oldest first---------^   --rename--> meta.db
 *
 * One that cannot be read breaks its chain: the search goes on below it.  Whether it may end below
 * the newest that is known of is the caller's to say: nothing that exists is passed over in
 * silence. Killed at any moment it can be begun again; meta.db is there when all of it is.
 *
 * Blocks.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H

#include "coordinator/rescue/rebuild_read.h"

struct rebuild_chain {
    const struct rebuild_reader *reader;
    const struct rebuild_found *found; /* sorted */
    const char *directory;             /* of the metadata; exists, without a meta.db */
    bool accepts_older;
    /* A shipment that could not be read, and why. */
    void (*unreadable)(void *context, uint64_t number, const char *why);
    void *context;
};

struct rebuild_result {
    uint64_t newest_known; /* number of the newest of which a shard was found */
    uint64_t newest_used;
    uint64_t snapshot;
    unsigned changes; /* shipments of changes on top of it */
};

/*
 * HEARTH_NOT_FOUND: no whole chain.  HEARTH_SHARDS_LOST: there is one, but it ends below the
 * newest, and !accepts_older; *out is set in that case, too.
 */
enum hearth_code rebuild_chain_blocking(
    const struct rebuild_chain *chain, struct rebuild_result *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_CHAIN_H */
