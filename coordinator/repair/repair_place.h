/*
 * repair_place.h - what a segment that lacks shards asks of placement: nodes that hold none of it.
 *
 * Thread-safety: none needed; everything lives with the caller.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_PLACE_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_PLACE_H

#include "coordinator/coordinator.h"
#include "coordinator/repair/repair_judge.h"

struct repair_place {
    struct place_query query; /* borrows `held`: the struct stays where it is */
    uint32_t held[META_SLOTS_MAX];
};

/* Asks for a place for each missing slot; one is enough to begin.  HEARTH_INVALID: the length is
 * none a segment has. */
enum hearth_code repair_place_init(struct repair_place *place,
    const struct coordinator *coordinator, const struct meta_segment *segment,
    const struct repair_judgement *judgement, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_PLACE_H */
