/*
 * link_timer.h - what has to happen at a time: a heap, the next one first.
 *
 * Thread-safety: a heap and its timers belong to one thread.
 */
#ifndef HEARTH_PROTO_LINK_TIMER_H
#define HEARTH_PROTO_LINK_TIMER_H

#include <stdint.h>

/* Embedded in what it is about; zeroed but for fire: not set. */
struct link_timer {
    void (*fire)(struct link_timer *timer); /* it is not set any more */
    uint64_t due_ns;
    unsigned place; /* in the heap, from 1; 0: not set */
};

struct link_timers {
    struct link_timer **heap; /* from 1 */
    unsigned count;
    unsigned room;
};

void link_timers_fini(struct link_timers *timers);

/* Whether or not it was set before. */
void link_timer_set(struct link_timers *timers, struct link_timer *timer, uint64_t due_ns);
void link_timer_clear(struct link_timers *timers, struct link_timer *timer);

/* When the next one is due; UINT64_MAX: none is set. */
uint64_t link_timers_next(const struct link_timers *timers);

/* Fires those that are due. */
void link_timers_run(struct link_timers *timers, uint64_t now_ns);

#endif /* HEARTH_PROTO_LINK_TIMER_H */
