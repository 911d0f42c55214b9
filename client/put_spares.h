/*
 * put_spares.h - where a slot goes when its node fails: after the node that moved, or to another.
 *
 *   lost holder -> has its node another address?              -> the same offer there
 *               -> is it somewhere else now (Whereis)?        -> the same offer there
 *               -> else another node (OfferSlot)              -> a new offer
 *               -> else nobody
 *
 * Thread-safety: belongs to its transfer's thread.
 */
#ifndef HEARTH_CLIENT_PUT_SPARES_H
#define HEARTH_CLIENT_PUT_SPARES_H

#include "client/put_holder.h"

enum { PUT_SPARES_FAILED_MAX = 64 }; /* nodes of one segment that are told to the coordinator */

struct put_spares {
    struct transfer *transfer;
    struct arena *arena; /* offers live here */
    struct view intent_id;
    struct view segment_id;
    struct view failed_nodes[PUT_SPARES_FAILED_MAX];
    unsigned failed_count;
    bool is_out; /* the coordinator had none: it is not asked again for this segment */
};

/* The node of this offer is not wanted for the segment: do not offer it again. */
void put_spares_refuse(struct put_spares *spares, const struct wire_placement *placement);

/* Another node for a slot; NULL: there is none.  Asks the coordinator once. */
const struct wire_placement *put_spares_ask(struct put_spares *spares, unsigned slot);

/* Who takes the place of a lost holder; NULL: nobody. */
const struct wire_placement *put_spares_replace(
    struct put_spares *spares, const struct put_holder *holder);

/* Remembers for the next transfer what this holder's failure says about its node. */
void put_spares_note_health(struct put_spares *spares, const struct put_holder *holder);

#endif /* HEARTH_CLIENT_PUT_SPARES_H */
