/*
 * put_holder.h - one slot of a segment on its way to one node.
 *
 *   VACANT --open--> SENDING --last cell queued--> CLOSING --receipt--> STORED
 *     ^               ^   |                           |
 *     |            spare  +--- node failed, given up, cut off --+--> LOST
 *     |               +------------------------------------------------+
 *     +---------------------------- no spare --------------------------+
 *
 *   SENDING, CLOSING --its node is busy--> WAITING --a moment--> SENDING, from stripe 0
 *
 * A node that is at its limit says so at once, and has a place again soon: that is no failure,
 * until it has said nothing else for 10 s, or the cells it would need again are gone.
 *
 * A holder pulls: it sends the cells of finished stripes in order, a few at a time, from wherever
 * it stands, so a spare that begins at stripe 0 late is nothing special.
 *
 * Thread-safety: belongs to its transfer's thread.
 */
#ifndef HEARTH_CLIENT_PUT_HOLDER_H
#define HEARTH_CLIENT_PUT_HOLDER_H

#include "client/segment_image.h"
#include "client/transfer.h"
#include "common/crypto.h"

/*
 * Cells of one holder given to the network and not yet taken by it.
 *
 * Too few: the line runs dry while the caller reads and codes the next stripe.  Too many: memory,
 * and what was queued for a node that is cut off was coded in vain.
 */
enum { PUT_HOLDER_QUEUE_MAX = 8 };

enum put_holder_state {
    PUT_HOLDER_VACANT,
    PUT_HOLDER_WAITING,
    PUT_HOLDER_SENDING,
    PUT_HOLDER_CLOSING,
    PUT_HOLDER_STORED,
    PUT_HOLDER_LOST,
    PUT_HOLDER_STATES,
};

struct put_holder {
    struct shard_listener listener; /* first: the inbox hands events to it */
    struct transfer *transfer;
    struct segment_image *image;
    unsigned slot;

    enum put_holder_state state;
    const struct wire_placement *placement; /* the offer in use or used last; NULL: none yet */
    struct shard_call *call;
    struct crypto_hash *tags;
    uint64_t size;         /* bytes queued so far */
    unsigned next_stripe;  /* the first not yet queued */
    unsigned queued;       /* cells the network has not taken yet */
    bool is_catching_up;   /* began late, and what it needs is kept: nobody waits for it yet */
    unsigned tries;        /* of this offer: a node may have several addresses */
    bool may_have_moved;   /* no cell was taken: perhaps the node is somewhere else now */
    unsigned busy_count;   /* times its node was busy in a row */
    uint64_t busy_ns;      /* when it was so first */
    uint64_t retry_ns;     /* of WAITING: until when */
    uint64_t moved_ns;     /* when it last made progress */
    struct slice receipt;  /* of STORED */
    struct hearth_err err; /* of LOST: why */
};

void put_holder_init(struct put_holder *holder, struct transfer *transfer,
    struct segment_image *image, unsigned slot);
void put_holder_fini(struct put_holder *holder);

/* From VACANT or LOST: begins (again) at stripe 0 with the node of this offer, which is borrowed
 * for the life of the holder. */
void put_holder_open(struct put_holder *holder, const struct wire_placement *placement);

/* Queues what is ready and fits; the footer after the last cell.  Begins again when it has WAITED.
 */
void put_holder_feed(struct put_holder *holder);

/* WAITING, SENDING or CLOSING to LOST, by our decision. */
void put_holder_give_up(struct put_holder *holder, enum hearth_code code, const char *reason);

/* LOST to VACANT: nobody else takes the slot. `err` still says why. */
void put_holder_vacate(struct put_holder *holder);

static inline bool put_holder_is_moving(const struct put_holder *holder)
{
    return holder->state == PUT_HOLDER_WAITING || holder->state == PUT_HOLDER_SENDING ||
        holder->state == PUT_HOLDER_CLOSING;
}

/* The node, or the way to it, is to do the next thing. */
static inline bool put_holder_owes(const struct put_holder *holder)
{
    return put_holder_is_moving(holder) &&
        (holder->queued > 0 || holder->state == PUT_HOLDER_CLOSING);
}

/* The network has everything of it that is ready: whoever waits does not wait for this one. */
static inline bool put_holder_is_ahead(const struct put_holder *holder)
{
    bool has_sent_all = holder->state == PUT_HOLDER_SENDING && holder->queued == 0 &&
        holder->next_stripe == segment_image_stripes(holder->image);
    return has_sent_all || holder->state == PUT_HOLDER_STORED;
}

/* The first stripe of which it still needs the cell. */
static inline unsigned put_holder_position(const struct put_holder *holder)
{
    return holder->next_stripe - holder->queued;
}

#endif /* HEARTH_CLIENT_PUT_HOLDER_H */
