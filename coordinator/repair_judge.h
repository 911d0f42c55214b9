/*
 * repair_judge.h - how one segment is: what is held, what can be read now, what has to be rebuilt.
 *
 * A slot is held unless it is empty, or its node is gone, called lost, suspended, or silent for the
 * `lost after` of the segment's own profile, or says that the shard is damaged.  A held slot is
 * reachable while its node answers.  So is a damaged one, most of whose cells may be good, and that
 * of a suspended node, when there are fewer than k others: tags say what is true.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_JUDGE_H
#define HEARTH_COORDINATOR_REPAIR_JUDGE_H

#include "coordinator/fleet_view.h"
#include "coordinator/meta_types.h"
#include "coordinator/profile.h"
#include "erasure/ec_slots.h"

struct repair_judgement {
    struct ec_slots held;
    struct ec_slots reachable; /* part of held, and what is in doubt if it has to be */
    struct ec_slots missing;
    bool is_due;      /* worth rebuilding now */
    unsigned urgency; /* lower is more endangered: held shards beyond k */
};

void repair_judge(const struct meta_segment *segment, const struct profile *profile,
    const struct fleet_view *fleet, uint64_t now_ms, struct repair_judgement *out);

#endif /* HEARTH_COORDINATOR_REPAIR_JUDGE_H */
