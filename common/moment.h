/*
 * moment.h - until when a thread waits for a condition that is timed by CLOCK_MONOTONIC.
 */
#ifndef HEARTH_COMMON_MOMENT_H
#define HEARTH_COMMON_MOMENT_H

#include <stdint.h>
#include <time.h>

static inline struct timespec moment_after_ms(uint64_t ms)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += (time_t)(ms / 1000);
    moment.tv_nsec += (long)(ms % 1000) * 1000000;
    if (moment.tv_nsec >= 1000000000) {
        moment.tv_sec++;
        moment.tv_nsec -= 1000000000;
    }
    return moment;
}

#endif /* HEARTH_COMMON_MOMENT_H */
