/*
 * meta_segment.h - segments: offered, sealed, filled up, repaired.
 *
 *   open     offers for its slots, durable before any order leaves (again: renews them)
 *   offer    one more placement of a slot, instead of a node that failed
 *   seal     w good receipts: the segment's row exists; swept and repaired from then on
 *   add      late receipts fill slots that are still empty, until their orders expire
 *   repair   offers for new placements, then a compare-and-swap of the slots (D6, D7)
 *
 * A placement (segment, slot, p) is in exactly one of these states, and moves only to the right:
 *
 *   offered --> holder --> dead shard (dead_shard row) --> gone (the node said so)
 *      |---- nobody took it, order expired ---^
 *
 * Where to place is decided before the call (place_choose.h); the call checks that each node
 * still takes shards.  Node numbers come from meta_node.h.
 */
#ifndef HEARTH_COORDINATOR_META_META_SEGMENT_H
#define HEARTH_COORDINATOR_META_META_SEGMENT_H

#include "coordinator/meta/meta_store.h"

struct meta_segment_open {
    struct meta_id intent;
    struct meta_id segment; /* drawn by the library for this sealing pass */
    uint8_t vk[META_VK_SIZE];
    uint16_t k, n, w;                /* of the bucket's profile, at this moment */
    const struct meta_offer *offers; /* slot and node; p is set by the call */
    size_t offer_count;              /* w to n, distinct slots */
};

struct meta_offers {
    uint32_t profile;
    uint16_t k, n, w;
    struct meta_offer offers[META_SLOTS_MAX];
    size_t count;
    uint64_t expires_ms; /* the orders may be valid until then and no longer */
};

/*
 * A retry with the same intent, segment and vk returns the offers made the first time, with a new
 * expiry: that is also how orders are renewed.
 * HEARTH_EXPIRED: the intent is not open.  HEARTH_CONFLICT: the segment id was used before, or is
 * sealed.  HEARTH_NOT_READY: a node takes no shards any more; choose again.
 */
enum hearth_code meta_segment_open(struct meta_store *store,
    const struct meta_segment_open *request, struct meta_offers *out, struct hearth_err *err);

/* What OfferSlot needs to know before it chooses: nodes that have an offer or a slot already. */
struct meta_segment_nodes {
    uint32_t profile;
    uint32_t nodes[META_SLOTS_MAX * 2];
    size_t count; /* distinct; the newest when there were more */
};

enum hearth_code meta_segment_nodes(struct meta_store *store, struct meta_id segment,
    struct meta_segment_nodes *out, struct hearth_err *err);

struct meta_offer_slot {
    struct meta_id intent;
    struct meta_id segment;
    uint16_t slot;
    uint32_t node;
};

enum { META_OFFERS_PER_SLOT_MAX = 8 }; /* open at once; past it: HEARTH_BUSY */

/* Codes as meta_segment_open; also when it is sealed already, while the slot is empty. */
enum hearth_code meta_offer_slot(struct meta_store *store, const struct meta_offer_slot *request,
    struct meta_offers *out, struct hearth_err *err);

struct meta_seal {
    struct meta_id intent;
    struct meta_id segment;
    uint32_t length;       /* plaintext */
    uint64_t shard_length; /* that a slot of this length must have; by the caller's arithmetic */
    const struct meta_receipt *receipts;
    size_t receipt_count;
};

struct meta_bad_slot {
    uint16_t slot;
    enum hearth_code code;
    const char *reason; /* static */
};

struct meta_seal_result {
    uint64_t generation;
    uint16_t holders;                         /* slots filled now */
    struct meta_bad_slot bad[META_SLOTS_MAX]; /* receipts that did not count, and why */
    size_t bad_count;
};

/*
 * A bad receipt (no such offer, wrong length, slot, owner or network met before) is reported and
 * does not count; the rest do (D1: w distinct owners and networks).
 * HEARTH_SHARDS_LOST: fewer than w are good; *out says which are bad; nothing changed.
 * Sealing a sealed segment again with the same length: HEARTH_OK, as it is now.
 * HEARTH_QUOTA: with it the upload is larger than the bucket's quota allows.
 */
enum hearth_code meta_seal(struct meta_store *store, const struct meta_seal *request,
    struct meta_seal_result *out, struct hearth_err *err);

struct meta_add_holders {
    struct meta_id segment;
    uint64_t shard_length;
    const struct meta_receipt *receipts;
    size_t receipt_count;
};

/* Receipts for filled slots, or of expired orders, come back as bad. HEARTH_NOT_FOUND: not sealed.
 */
enum hearth_code meta_add_holders(struct meta_store *store, const struct meta_add_holders *request,
    struct meta_seal_result *out, struct hearth_err *err);

/* ---- the sweep and repair ---- */

enum hearth_code meta_segment_get(struct meta_store *store, struct meta_id segment,
    struct meta_segment *out, struct hearth_err *err);

enum { META_SWEEP_MAX = 256 }; /* segments in one read */

/*
 * The next up to `max` segments in id order after `after` (zero: from the start), dying ones
 * included.  *count < max: that was the last of them.
 */
enum hearth_code meta_sweep(struct meta_store *store, struct meta_id after,
    struct meta_segment *segments, size_t max, size_t *count, struct hearth_err *err);

/* Shares of segments with ids in (after, last], in id order; as many as there is room for. */
enum { META_SHARES_MAX = 1024 };

enum hearth_code meta_sweep_shares(struct meta_store *store, struct meta_id after,
    struct meta_id last, struct meta_share shares[META_SHARES_MAX], size_t *count,
    struct hearth_err *err);

struct meta_repair_offer {
    struct meta_id segment;
    uint64_t generation;             /* as read; HEARTH_CONFLICT when it moved on */
    const struct meta_offer *offers; /* slot and node; p is set by the call */
    size_t offer_count;
    uint16_t recode_n; /* slots of another code that it is to get; 0: of the one it has */
};

/* HEARTH_NOT_FOUND: the segment is gone or dying.  HEARTH_BUSY: it is to get another code while
 * an upload writes it. */
enum hearth_code meta_repair_offer(struct meta_store *store,
    const struct meta_repair_offer *request, struct meta_offers *out, struct hearth_err *err);

struct meta_repair_apply {
    struct meta_id segment;
    uint64_t generation; /* as read before the offers; HEARTH_CONFLICT when it moved on */
    uint64_t shard_length;
    const struct meta_receipt *receipts; /* of new placements, read back or re-encoded equal */
    size_t receipt_count;
};

/*
 * Puts each good receipt's placement in its slot; what held the slot before becomes a dead shard,
 * to be trashed when no reader can have an order for it.  Slots not named stay as they are (D7).
 * *generation_out: the new one.  HEARTH_SHARDS_LOST: no receipt was good.
 */
enum hearth_code meta_repair_apply(struct meta_store *store,
    const struct meta_repair_apply *request, struct meta_seal_result *out, struct hearth_err *err);

/*
 * Another code of the same sealed bytes.  The id stays, for manifests name it under their
 * customers' keys; so the tags' key must not: the cell of a slot and stripe is another string of
 * bytes now (D12).
 */
struct meta_recode_apply {
    struct meta_id segment;
    uint64_t generation; /* as read before the offers; HEARTH_CONFLICT when it moved on */
    uint32_t profile;
    uint16_t k, n, w;
    uint8_t vk[META_VK_SIZE];
    uint64_t shard_length;
    const struct meta_receipt *receipts; /* of shards that were read back */
    size_t receipt_count;
};

#endif /* HEARTH_COORDINATOR_META_META_SEGMENT_H */
