/*
 * put_pace.h - how long a put waits for its slower nodes: pure arithmetic over noted moments.
 *
 *   time since the start  |--useful--|stall|---useful---|--stall--|
 *
 * A stall is time in which the put could not go on although some holders were done with all they
 * had been given.  Once the stalls exceed the useful time, and a least patience, waiting longer
 * would cost more than going on without.
 */
#ifndef HEARTH_CLIENT_PUT_PACE_H
#define HEARTH_CLIENT_PUT_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Shorter: a node's ordinary sync counts as slowness.  Longer: each bad node delays each put.
     */
    PUT_PACE_CUT_MS = 200,
    /* A spare costs the whole shard again, and the slot may yet come: worth a longer wait. */
    PUT_PACE_SPARE_MS = 2000,
};

struct put_pace {
    unsigned data_count;   /* k */
    unsigned receipts_min; /* w */
    uint64_t started_ns;
    uint64_t noted_ns;
    uint64_t cut_ns;   /* stalls in which w or more holders did well */
    uint64_t spare_ns; /* stalls in which k to w - 1 did */
    bool is_stalled;   /* since noted_ns */
    unsigned doing_well;
};

enum put_verdict {
    PUT_GO_ON,
    PUT_CUT,   /* enough others do well: go on without the slow ones */
    PUT_SPARE, /* too few do: try other nodes in place of the slow ones */
};

void put_pace_init(
    struct put_pace *pace, unsigned data_count, unsigned receipts_min, uint64_t now_ns);

/* What is true from now on; what was noted last held until now. */
enum put_verdict put_pace_note(
    struct put_pace *pace, bool is_stalled, unsigned doing_well, uint64_t now_ns);

/* When the verdict will change if nothing else does; UINT64_MAX: not by time alone. */
uint64_t put_pace_due_ns(const struct put_pace *pace);

/* A new phase, or the verdict was acted on: forgives the stalls. */
void put_pace_forgive(struct put_pace *pace);

#endif /* HEARTH_CLIENT_PUT_PACE_H */
