/*
 * node_tempo.h - how quick one node has been lately: pure arithmetic over noted moments.
 *
 *   first cell     the last 32 waits for the first cell of a call   -> its own p90: later is late
 *   cell           mean of the waits for the cells after it, decaying  \
 *   failures       counted, halved each minute                          > what a call will take
 *
 * What nobody added to for two minutes counts for nothing: a node that was slow gets a new chance.
 */
#ifndef HEARTH_CLIENT_NODE_TEMPO_H
#define HEARTH_CLIENT_NODE_TEMPO_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NODE_TEMPO_FIRSTS = 32,     /* remembered: a day's habits do not outvote the last minutes */
    NODE_TEMPO_FIRSTS_MIN = 10, /* the p90 of fewer would be their largest */
    NODE_TEMPO_AGE_MAX_MS = 120 * 1000, /* also how long who is passed over is not seen again */
    /* Shorter: the scheduler of a busy machine makes rivals.  Longer: nothing is gained near by. */
    NODE_TEMPO_LATE_MIN_MS = 10,
};

struct node_tempo {
    uint64_t noted_ns; /* last */
    unsigned first_count;
    uint32_t first_us[NODE_TEMPO_FIRSTS];
    uint64_t cell_ns; /* 0: not known */
    unsigned failures;
    uint64_t failed_ns; /* since when `failures` has been what it is */
};

/* All start from zero memory; now_ns never goes back. */

/* The first cell of a call came after so long, or had not come when the call was given up. */
void node_tempo_note_first(struct node_tempo *tempo, uint64_t waited_ns, uint64_t now_ns);

/* So many further cells of it were waited for so long in all. */
void node_tempo_note_cells(
    struct node_tempo *tempo, unsigned cells, uint64_t waited_ns, uint64_t now_ns);

void node_tempo_note_failure(struct node_tempo *tempo, uint64_t now_ns);

/* After what wait a cell is late; 0: too little is known. */
uint64_t node_tempo_late_ns(const struct node_tempo *tempo, uint64_t now_ns);

/* What a call for so many cells is expected to take; UINT64_MAX: nothing is known. */
uint64_t node_tempo_expected_ns(const struct node_tempo *tempo, unsigned cells, uint64_t now_ns);

#endif /* HEARTH_CLIENT_NODE_TEMPO_H */
