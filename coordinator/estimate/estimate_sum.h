/*
 * estimate_sum.h - the chances of many segments, added up.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_SUM_H
#define HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_SUM_H

#include "coordinator/estimate/estimate.h"

/* Zeroed: of none. */
struct estimate_sum {
    uint64_t segments;
    double lost; /* sums; divided by segments they are means */
    double unreadable;
    uint64_t held;
    uint64_t slots;
    double worst_lost;
    double worst_unreadable;
    struct meta_id worst; /* most likely to be lost */
};

void estimate_sum_add(struct estimate_sum *sum, const struct meta_segment *segment,
    const struct estimate_chances *chances);

/* All that `other` is of. */
void estimate_sum_join(struct estimate_sum *sum, const struct estimate_sum *other);

#endif /* HEARTH_COORDINATOR_ESTIMATE_ESTIMATE_SUM_H */
