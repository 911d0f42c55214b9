#include "perf/bench_crowd.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct crowd {
    const struct crowd_plan *plan;
    atomic_bool is_over;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- times ---- */

/* The power of two, then the four bits after the first. */
static unsigned class_of(uint64_t ns)
{
    if (ns < CROWD_SHARES) {
        return (unsigned)ns;
    }
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    unsigned index = (power - 3) * CROWD_SHARES + (unsigned)(ns >> (power - 4)) % CROWD_SHARES;
    return index < CROWD_CLASSES ? index : CROWD_CLASSES - 1;
}

/* The longest of a class. */
static double class_end_ms(unsigned index)
{
    unsigned power = index / CROWD_SHARES + 3;
    double start = (double)(UINT64_C(1) << power);
    return start * (1.0 + (index % CROWD_SHARES + 1.0) / CROWD_SHARES) / 1e6;
}

static double percentile_ms(const struct crowd_times *times, uint64_t calls, double share)
{
    uint64_t below = 0;
    for (unsigned index = 0; index < CROWD_CLASSES; index++) {
        below += times->counts[index];
        if ((double)below >= share * (double)calls) {
            return class_end_ms(index);
        }
    }
    return 0;
}

/* ---- members ---- */

static void *work(void *context)
{
    struct crowd_member *member = context;
    arena_init(&member->arena, 0);
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    uint64_t cpu_start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (!atomic_load_explicit(&member->crowd->is_over, memory_order_relaxed)) {
        member->crowd->plan->once(member);
        arena_fini(&member->arena);
        uint64_t end = clock_ns(CLOCK_MONOTONIC);
        uint64_t cpu_end = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        member->wall.counts[class_of(end - start)]++;
        member->cpu.counts[class_of(cpu_end - cpu_start)]++;
        member->calls++;
        start = end;
        cpu_start = cpu_end;
    }
    return NULL;
}

static void sleep_s(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds};
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    nanosleep(&time, NULL);
}

static void add(struct crowd_member *sum, const struct crowd_member *member)
{
    sum->calls += member->calls;
    for (unsigned index = 0; index < CROWD_CLASSES; index++) {
        sum->wall.counts[index] += member->wall.counts[index];
        sum->cpu.counts[index] += member->cpu.counts[index];
    }
}

/* Everybody at once for the time of the plan; their calls and latencies end in *sum. */
static uint64_t run_members(
    struct crowd *crowd, struct crowd_member *members, struct crowd_member *sum)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < crowd->plan->threads; i++) {
        members[i].crowd = crowd;
        members[i].context = crowd->plan->context;
        members[i].number = i;
        int rc = pthread_create(&members[i].thread, NULL, work, &members[i]);
        assert(rc == 0);
    }
    sleep_s(crowd->plan->seconds);
    crowd->is_over = true;
    for (unsigned i = 0; i < crowd->plan->threads; i++) {
        pthread_join(members[i].thread, NULL);
        add(sum, &members[i]);
        least = members[i].calls < least ? members[i].calls : least;
    }
    return least;
}

void crowd_run(const struct crowd_plan *plan, struct crowd_result *out)
{
    assert(plan->threads >= 1 && plan->threads <= CROWD_MAX);
    struct crowd crowd = {.plan = plan};
    struct crowd_member sum = {.calls = 0};
    struct crowd_member *members = calloc(plan->threads, sizeof(*members));
    assert(members != NULL);
    uint64_t wall = clock_ns(CLOCK_MONOTONIC);
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t least = run_members(&crowd, members, &sum);
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    free(members);
    assert(sum.calls > 0);
    *out = (struct crowd_result){
        .calls = sum.calls,
        .least = least,
        .per_s = (double)sum.calls / ((double)wall / 1e9),
        .cpu_us = (double)cpu / 1e3 / (double)sum.calls,
        .p50_ms = percentile_ms(&sum.wall, sum.calls, 0.50),
        .p99_ms = percentile_ms(&sum.wall, sum.calls, 0.99),
        .cpu_p99_ms = percentile_ms(&sum.cpu, sum.calls, 0.99),
    };
}
