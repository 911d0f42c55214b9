/*
 * moment.h - until when a thread waits for a condition that is timed by CLOCK_MONOTONIC.
 */
#ifndef HEARTH_COMMON_MOMENT_H
#define HEARTH_COMMON_MOMENT_H

#include <stdint.h>
#include <time.h>

static inline struct timespec moment_after_ns(uint64_t wait_ns)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    uint64_t ns = (uint64_t)moment.tv_nsec + wait_ns % 1000000000u;
    moment.tv_sec += (time_t)(wait_ns / 1000000000u + ns / 1000000000u);
    moment.tv_nsec = (long)(ns % 1000000000u);
    return moment;
}

static inline struct timespec moment_after_ms(uint64_t ms)
{
    return moment_after_ns(ms * 1000000u);
}

#endif /* HEARTH_COMMON_MOMENT_H */
