#include "coordinator/estimate/estimate_sum.h"

static void keep_worst(struct estimate_sum *sum, double lost, double unreadable, struct meta_id id)
{
    if (unreadable > sum->worst_unreadable) {
        sum->worst_unreadable = unreadable;
    }
    if (lost > sum->worst_lost) {
        sum->worst_lost = lost;
        sum->worst = id;
    }
}

void estimate_sum_add(struct estimate_sum *sum, const struct meta_segment *segment,
    const struct estimate_chances *chances)
{
    sum->segments++;
    sum->lost += chances->lost;
    sum->unreadable += chances->unreadable;
    sum->held += ec_slots_count(chances->held);
    sum->slots += segment->n;
    keep_worst(sum, chances->lost, chances->unreadable, segment->id);
}

void estimate_sum_join(struct estimate_sum *sum, const struct estimate_sum *other)
{
    sum->segments += other->segments;
    sum->lost += other->lost;
    sum->unreadable += other->unreadable;
    sum->held += other->held;
    sum->slots += other->slots;
    keep_worst(sum, other->worst_lost, other->worst_unreadable, other->worst);
}
