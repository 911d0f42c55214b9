/*
 * meta_reconcile.h - what the metadata says of shards that a node says it has.
 *
 *   inventory, opened by name --meta_reconcile_judge-->
 *
 *     wanted     the layout names it
 *     pending    an upload, a repair or a move is at it
 *     named      it is named dead
 *     ahead      from after the backup: kept
 *     unwanted   it is named dead now
 *
 * Unwanted is only what all of this holds of: its segment is sealed and gives the slot to somebody
 * else, or there is no such segment and no upload that has opened it; no offer names it; and it is
 * no shard that a restored backup cannot know.  Judging and naming are one transaction, so nothing
 * can begin to want it in between (D5).  What is not listed is not judged: absence ends nothing.
 *
 * A placement that a node has was offered, whatever a restored backup knows of it: no later offer
 * of its segment has its number again.
 *
 * While garbage collection is held unwanted shards are counted, and not named.
 *
 * Ahead: stored between META_AHEAD_MARGIN_MS before the backup was made and the moment it was
 * restored, give or take a late clock, by the node's word.  It may be all that is left of an object
 * committed then.  Only an operator gives it up (meta_garbage_unhold).
 */
#ifndef HEARTH_COORDINATOR_META_META_RECONCILE_H
#define HEARTH_COORDINATOR_META_META_RECONCILE_H

#include "common/arena.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/meta/meta_store.h"

/* An upload may have begun a day before it was committed, and clocks of nodes are late. */
#define META_AHEAD_MARGIN_MS (UINT64_C(3) * 24 * 60 * 60 * 1000)

enum meta_shard_verdict {
    META_SHARD_WANTED,
    META_SHARD_PENDING,
    META_SHARD_NAMED,
    META_SHARD_AHEAD,
    META_SHARD_UNWANTED,
    META_SHARD_VERDICTS,
};

struct meta_listed_shard {
    struct meta_id segment;
    uint16_t slot;
    uint16_t p;
    uint64_t stored_ms;
    uint64_t length;                 /* cells and tags */
    bool is_trash;                   /* it is there already: not named for it again */
    enum meta_shard_verdict verdict; /* out */
};

/* Of after the backup that was restored, which cannot know it; nobody has given it up yet. */
bool meta_is_ahead(const struct meta_settings *settings, uint64_t stored_ms);

enum { META_RECONCILE_MAX = 64 }; /* shards in one transaction */

enum hearth_code meta_reconcile_judge(struct meta_store *store, uint32_t node,
    struct meta_listed_shard *shards, size_t count, struct hearth_err *err);

/* ---- what came of it, node by node ---- */

struct meta_reconciled {
    uint32_t node;
    uint64_t epoch;    /* the recovery epoch it was done in */
    uint64_t as_of_ms; /* when it began: what came later it may not have seen */
    uint64_t shards;   /* listed and judged: those of ranges that did not agree */
    uint64_t unwanted; /* named dead, or while held only counted */
    uint64_t ahead;
    uint64_t missing;         /* wanted, and not there: handed to repair */
    uint64_t wanted_in_trash; /* likewise */
};

/*
 * Writes it down.  When garbage collection is held, and with this each node of `nodes` is
 * reconciled in the epoch of now and none has a shard that is ahead, it goes on: *released.
 */
enum hearth_code meta_reconciled_put(struct meta_store *store, const struct meta_reconciled *done,
    const uint32_t *nodes, size_t count, bool *released, struct hearth_err *err);

/*
 * What became trash at the node before this moment may be purged: 7 days have passed, and since a
 * restore all that it has was judged, and nothing in its trash is wanted.  0: nothing may.  This is
 * the second confirmation, by the recovery epoch of now.
 */
enum hearth_code meta_purge_until(
    struct meta_store *store, uint32_t node, uint64_t *unix_ms, struct hearth_err *err);

struct meta_reconciled_list {
    const struct meta_reconciled *rows; /* by node */
    size_t count;
};

enum hearth_code meta_reconciled_list(struct meta_store *store, struct arena *arena,
    struct meta_reconciled_list *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_RECONCILE_H */
