/*
 * trash_day.h - how old trash is, in the four bits that the index has for it.
 *
 *   0 .. 14   the day it became trash, by the coordinator's time, modulo 15
 *   15        purged: its 7 days are over; its bytes go with the log they lie in
 *
 * Days are counted modulo 15, so trash may seem younger than it is, never older: it is purged late,
 * never early (D5).  That holds while time does not go back; volume_clock.h watches that.
 */
#ifndef HEARTH_STORAGED_TRASH_DAY_H
#define HEARTH_STORAGED_TRASH_DAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TRASH_DAYS = 15,
    TRASH_DAY_PURGED = 15,
    TRASH_DAYS_KEPT = 8, /* midnights to pass, so that 7 whole days have */
};
#define TRASH_DAY_MS UINT64_C(86400000)

static inline uint8_t trash_day_of(uint64_t unix_ms)
{
    return (uint8_t)(unix_ms / TRASH_DAY_MS % TRASH_DAYS);
}

/* Days since then, as far as they can be told. */
static inline unsigned trash_day_age(uint8_t day, uint64_t now_unix_ms)
{
    return (unsigned)(trash_day_of(now_unix_ms) + TRASH_DAYS - day) % TRASH_DAYS;
}

/* Whether trash of that day may go. */
static inline bool trash_day_is_over(uint8_t day, uint64_t now_unix_ms)
{
    return day == TRASH_DAY_PURGED || trash_day_age(day, now_unix_ms) >= TRASH_DAYS_KEPT;
}

/* A time on that day, not later than now; long ago when the time is not known (0). */
static inline uint64_t trash_day_time(uint8_t day, uint64_t now_unix_ms)
{
    if (now_unix_ms < TRASH_DAYS * TRASH_DAY_MS) {
        return day * TRASH_DAY_MS;
    }
    return now_unix_ms - trash_day_age(day, now_unix_ms) * TRASH_DAY_MS;
}

#endif /* HEARTH_STORAGED_TRASH_DAY_H */
