/*
 * segment_put.h - one segment on its way to n nodes: who is sent what, who is waited for, when it
 * is enough.
 *
 *             (fill, seal, code)          (last footers are out)        (w receipts and a grace)
 *   open --> STREAMING ----------- end --> FINISHING ------------------> ACKNOWLEDGED --> ...
 *               |   ^                         |   ^
 *               |   +-- a spare for a slot ---+---+       fewer than w possible: it failed
 *               +-- a holder in the way is cut off, while w others do well
 *
 * "Enough" is decided by these rules, `useful` being the time so far without the stalls:
 *
 *   w holders have all that is ready, others hold up the next stripe
 *       for max(200 ms, useful) in all:          those in the way are cut off
 *   w receipts are there, others are missing
 *       for max(200 ms, useful):                 acknowledged; stragglers may go on
 *   k to w - 1 do well, others hold up
 *       for max(2 s, useful) in all:             a spare for each in the way, if one can be had
 *       no spare, and it has not moved since one was asked for last:  lost
 *   a holder that owes something is silent for 30 s: lost
 *   a holder is lost, its cells still in memory:  a spare, if one can be had
 *
 * So a slow node costs at most as much time again as the segment took, a dripping one 200 ms.  With
 * three of eight silent and nobody to take their place, a small put is refused after 4 s: a spare
 * is asked for after 2 s, and again, the wait counting as useful by then, 2 s later.
 *
 * The machine moves in segment_put_step(), on its transfer's thread; nothing here waits but the
 * questions to the coordinator.
 */
#ifndef HEARTH_CLIENT_SEGMENT_PUT_H
#define HEARTH_CLIENT_SEGMENT_PUT_H

#include "client/put_holder.h"

struct segment_put;

struct segment_put_options {
    struct transfer *transfer;
    struct cell_pool *pool;              /* borrowed for the life of the put */
    struct view intent_id;               /* likewise */
    const struct upload_key *upload_key; /* borrowed for the call */
    uint64_t length_max;                 /* plaintext; 0: not known */
    bool keeps_data;                     /* all of it, so that spares are possible to the end */
    uint64_t window_bytes; /* finished stripes not yet with every holder; at least one */
};

/* Asks for n offers and begins to send.  HEARTH_FLEET_TOO_SMALL: fewer than w nodes. */
enum hearth_code segment_put_open(
    const struct segment_put_options *options, struct segment_put **out, struct hearth_err *err);

/* Whatever still runs is cut off.  Accepts NULL. */
void segment_put_destroy(struct segment_put *put);

/* Borrowed for the life of the put: fill it, stripe by stripe, while there is room; then end it. */
struct segment_image *segment_put_image(struct segment_put *put);
bool segment_put_has_room(const struct segment_put *put);

/* 16 bytes. */
const uint8_t *segment_put_id(const struct segment_put *put);

/*
 * Sends what is ready and judges who is too slow.  To be called when a stripe was finished, after
 * segment_image_end(), and after every wait of the transfer.
 * HEARTH_FLEET_TOO_SMALL: w receipts cannot be reached any more; the text says why.
 */
enum hearth_code segment_put_step(struct segment_put *put, struct hearth_err *err);

/* The latest moment for the next step. */
uint64_t segment_put_step_due_ns(const struct segment_put *put);

bool segment_put_is_acknowledged(const struct segment_put *put);

/* What seals it, with all receipts so far; lives in the arena and the put. */
enum hearth_code segment_put_make_seal(struct segment_put *put, struct arena *arena,
    struct wire_seal_segment_request *out, struct hearth_err *err);

/* The coordinator's answer to it. */
void segment_put_note_sealed(struct segment_put *put, const struct wire_seal_segment_reply *reply);

/* ---- after it was sealed ---- */

/* Holders that may still come through. */
bool segment_put_has_stragglers(const struct segment_put *put);

/* Time from its opening to its last stripe, and on to the acknowledgement. */
uint64_t segment_put_elapsed_ns(const struct segment_put *put);

/* Tells the coordinator of receipts that came after the seal. A hint: repair fills what is
 * missing. */
void segment_put_add_late(struct segment_put *put);

#endif /* HEARTH_CLIENT_SEGMENT_PUT_H */
