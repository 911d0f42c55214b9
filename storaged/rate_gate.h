/*
 * rate_gate.h - lets messages pass at a rate, those who wait in turn.
 *
 *   rate_gate_ask(turn, size)  true: pass now
 *                              false: turn->go() when it is your turn; or rate_gate_leave()
 *
 * One message a turn: who has passed goes to the end of the line, so streams share the rate evenly,
 * whatever each of them has to move.  The size is counted when the message may pass; who learns
 * only later how large it was says so by rate_gate_correct().
 *
 * The line is threaded through the turns and so has no size of its own: each stream waits once.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_RATE_GATE_H
#define HEARTH_STORAGED_RATE_GATE_H

#include "common/token_bucket.h"
#include "storaged/loop.h"

/* Embedded in what waits; zeroed before its first use, then `go` set. */
struct rate_turn {
    void (*go)(struct rate_turn *turn);
    struct {
        struct rate_turn *next;
        uint64_t size;
        bool is_waiting;
    } owned_by_gate;
};

struct rate_gate {
    struct loop *loop;
    struct token_bucket bucket;
    struct timer timer;
    struct rate_turn *oldest;
    struct rate_turn *newest;
};

/* `rate` in bytes a second; 0: everything passes. */
void rate_gate_init(struct rate_gate *gate, struct loop *loop, uint64_t rate);

/* From now on. Who waits may go sooner, or later. */
void rate_gate_set_rate(struct rate_gate *gate, uint64_t rate);

/* A turn that waits does not ask again. go() never comes inside this call. */
bool rate_gate_ask(struct rate_gate *gate, struct rate_turn *turn, uint64_t size);

/* A message that passed as `counted` bytes had `size`. */
void rate_gate_correct(struct rate_gate *gate, uint64_t counted, uint64_t size);

static inline bool rate_turn_is_waiting(const struct rate_turn *turn)
{
    return turn->owned_by_gate.is_waiting;
}

/* go() will not come any more. Does nothing for a turn that does not wait. */
void rate_gate_leave(struct rate_gate *gate, struct rate_turn *turn);

#endif /* HEARTH_STORAGED_RATE_GATE_H */
