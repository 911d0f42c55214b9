#include "coordinator/fleet/profile.h"

enum { KIB = 1024, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* Of the fleets the numbers were worked out for. */
#define NAS_UP         0.99
#define NAS_HAZARD     (12.0 / 18) /* a mean life of eighteen months */
#define HOME_UP        0.95
#define HOME_HAZARD    (12.0 / 10)
#define SLEEPER_UP     0.80
#define SLEEPER_EBB    0.08 /* of all nodes, fewer are up in the emptiest quarter of the hours */
#define SLEEPER_HAZARD (12.0 / 3)

/* clang-format off */
/* X(number, name, k, n, w, r, fill, least nodes, inline max, fill after, lost after, up, ebb, hazard) */
#define PROFILE_TABLE(X)                                                                           \
    X(1, "local",      4,  8,  6,  5,  8,  8,  8 * KIB, 0,      30,        HOME_UP, 0, HOME_HAZARD)   \
    X(2, "small",      4, 14, 12, 11, 14, 16,  8 * KIB, HOUR_S, 3 * DAY_S, HOME_UP, 0, HOME_HAZARD)   \
    X(3, "medium",     8, 24, 19, 17, 24, 30, 32 * KIB, HOUR_S, 3 * DAY_S, HOME_UP, 0, HOME_HAZARD)   \
    X(4, "nas",       16, 30, 27, 25, 30, 38, 32 * KIB, HOUR_S, 2 * DAY_S, NAS_UP, 0, NAS_HAZARD)     \
    X(5, "home",      16, 40, 30, 28, 40, 50, 32 * KIB, HOUR_S, 3 * DAY_S, HOME_UP, 0, HOME_HAZARD)   \
    X(6, "home-wide", 32, 72, 56, 52, 72, 90, 32 * KIB, HOUR_S, 3 * DAY_S, HOME_UP, 0, HOME_HAZARD)   \
    X(7, "volunteer", 16, 54, 38, 34, 54, 70, 32 * KIB, HOUR_S, 3 * DAY_S,                         \
        SLEEPER_UP, SLEEPER_EBB, SLEEPER_HAZARD)                                                                \
    X(8, "lean",       4,  6,  5,  5,  6,  6,  8 * KIB, 0,      30,        HOME_UP, 0, HOME_HAZARD)   \
    X(9, "home-insured", 16, 50, 38, 34, 50, 62, 32 * KIB, HOUR_S, 3 * DAY_S,                      \
        HOME_UP, 0, HOME_HAZARD)                                                                      \
    X(10, "home-wide-insured", 32, 85, 64, 57, 85, 106, 32 * KIB, HOUR_S, 3 * DAY_S,               \
        HOME_UP, 0, HOME_HAZARD)
/* clang-format on */

const struct profile profile_table[] = {
#define X(...) {__VA_ARGS__},
    PROFILE_TABLE(X)
#undef X
};
const unsigned profile_count = sizeof(profile_table) / sizeof(profile_table[0]);

const struct profile *profile_by_name(struct view name)
{
    for (unsigned i = 0; i < profile_count; i++) {
        if (name.size == 0 || view_equal(name, view_text(profile_table[i].name))) {
            return &profile_table[i];
        }
    }
    return NULL;
}

const struct profile *profile_by_number(uint32_t number)
{
    for (unsigned i = 0; i < profile_count; i++) {
        if (profile_table[i].number == number) {
            return &profile_table[i];
        }
    }
    return NULL;
}
