/*
 * put_turn.h - a put's turn to send shards, for which it needs a place among the session's puts and
 * memory for cells.
 *
 *   outside --- place free ----------------------------------> inside --- end of the put --->
 * outside |                                                        |
 *      +--- all taken: the source is read ahead, and only then  +--- somebody waits at the door,
 * and does it wait at the door                                 this source has nothing to give, or
 * it has had TURN_MAX_MS: it shall end its segment and begin again from outside
 *
 * So a turn lasts as long as nodes take, not as long as a slow client does: a node's streams are
 * few.  What is read ahead is little enough for all puts that a gateway lets in.
 *
 * Thread-safety: belongs to its transfer's thread.
 */
#ifndef HEARTH_CLIENT_PUT_TURN_H
#define HEARTH_CLIENT_PUT_TURN_H

#include "client/source_reader.h"
#include "client/transfer.h"

enum {
    PUT_AHEAD_MAX = 4 << 20, /* of its source, outside */
    PUT_OUTSIDE_MEMORY = PUT_AHEAD_MAX + HASH_BESIDE_MEMORY,
};

struct put_turn {
    /* Set once; borrowed. */
    struct transfer *transfer;
    struct source_reader *reader;
    uint64_t memory_wanted;

    struct turn turn;
    struct source_patience patience; /* the reader's, while inside */
    uint64_t began_ns;
};

/* The transfer has PUT_OUTSIDE_MEMORY. */
void put_turn_init(struct put_turn *turn, struct transfer *transfer, struct source_reader *reader,
    uint64_t memory_wanted);

/*
 * When it is inside already: nothing.  Else comes back with memory and the beginning of a segment
 * in the reader.  HEARTH_BUSY: no place or no memory in time.  Codes of the source.
 */
enum hearth_code put_turn_begin(struct put_turn *turn, struct hearth_err *err);

/* Asked between two stripes. */
bool put_turn_has_lasted(struct put_turn *turn);

/* Whether the segment should be the last of this turn. */
bool put_turn_is_over(const struct put_turn *turn);

/* Everything that was sent is settled, and its memory given back.  Accepts one that is outside. */
void put_turn_end(struct put_turn *turn);

#endif /* HEARTH_CLIENT_PUT_TURN_H */
