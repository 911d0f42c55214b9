/*
 * trash_cap.h - how much a node lets become trash in one day, whoever names it dead.
 *
 * Too low: an operator who empties a bucket has to say so twice.  Too high: a mistake of the
 * coordinator's, or somebody in its place, is through the whole disk before anybody looks.
 */
#ifndef HEARTH_STORAGED_TRASH_CAP_H
#define HEARTH_STORAGED_TRASH_CAP_H

#include <stdint.h>

#define TRASH_CAP_LEAST_BYTES (UINT64_C(64) << 30)
enum { TRASH_CAP_PART = 20 }; /* of what is live: 5 % */

/* live_bytes: as the day began; least: TRASH_CAP_LEAST_BYTES, but for tests. */
static inline uint64_t trash_cap_bytes(uint64_t live_bytes, uint64_t least)
{
    uint64_t part = live_bytes / TRASH_CAP_PART;
    return part > least ? part : least;
}

#endif /* HEARTH_STORAGED_TRASH_CAP_H */
