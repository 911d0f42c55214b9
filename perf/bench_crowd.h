/*
 * bench_crowd.h - many threads that do one thing again and again for a while, and what it cost.
 *
 *   crowd_run --> each member calls once() until the time is over --> calls, CPU, latencies
 */
#ifndef HEARTH_PERF_BENCH_CROWD_H
#define HEARTH_PERF_BENCH_CROWD_H

#include "common/arena.h"

#include <pthread.h>

enum { CROWD_MAX = 256 };

/* Times in classes of 1/16 of their power of two: within 6.25 %. */
enum { CROWD_SHARES = 16, CROWD_CLASSES = 40 * CROWD_SHARES };

struct crowd_times {
    uint64_t counts[CROWD_CLASSES];
};

struct crowd;

struct crowd_member {
    struct crowd *crowd;
    void *context;      /* of the whole crowd */
    unsigned number;    /* 0 .. threads-1 */
    uint64_t calls;     /* that have ended */
    struct arena arena; /* for one call: emptied after each */
    struct crowd_times wall;
    struct crowd_times cpu; /* of the member's own thread */
    pthread_t thread;
};

struct crowd_plan {
    unsigned threads; /* 1 .. CROWD_MAX */
    double seconds;
    void (*once)(struct crowd_member *member);
    void *context;
};

struct crowd_result {
    uint64_t calls;
    uint64_t least; /* of one member */
    double per_s;   /* by the wall clock */
    double cpu_us;  /* of this process, a call */
    double p50_ms;
    double p99_ms;
    double cpu_p99_ms; /* of the calling thread: what p99_ms is when nobody else wants the core */
};

void crowd_run(const struct crowd_plan *plan, struct crowd_result *out);

#endif /* HEARTH_PERF_BENCH_CROWD_H */
