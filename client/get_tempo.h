/*
 * get_tempo.h - how long a cell takes to come, and so when one is late: a fixed rule.
 *
 *   late = longer than max(50 ms, 3 x the median of the last cells of all nodes)
 *
 * Until the first cell has come the median is taken to be 300 ms, which covers a new connection
 * across a continent.  Pure arithmetic.
 */
#ifndef HEARTH_CLIENT_GET_TEMPO_H
#define HEARTH_CLIENT_GET_TEMPO_H

#include <stdint.h>

enum {
    GET_TEMPO_CELLS = 31, /* remembered: enough that one odd node does not move the median */
    /* Shorter: a node's disk seek costs a hedge. Longer: a stopped node is felt. */
    GET_TEMPO_LATE_MIN_MS = 50,
    GET_TEMPO_FIRST_MEDIAN_MS = 300,
};

struct get_tempo {
    uint64_t intervals_ns[GET_TEMPO_CELLS];
    unsigned noted; /* in all */
};

/* A cell came so long after it was first waited for. Starts from zero memory. */
void get_tempo_note(struct get_tempo *tempo, uint64_t interval_ns);

uint64_t get_tempo_late_ns(const struct get_tempo *tempo);

#endif /* HEARTH_CLIENT_GET_TEMPO_H */
