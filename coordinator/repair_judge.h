/*
 * repair_judge.h - how one segment is: what is held, what can be read now, what has to be rebuilt.
 *
 * A slot is held unless it is empty, or its node is gone, called lost, or silent for the `lost
 * after` of the segment's own profile, or says that the shard is damaged.  A held slot is reachable
 * while its node answers; so is a damaged one, when there are fewer than k others: most of its
 * cells may be good.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_JUDGE_H
#define HEARTH_COORDINATOR_REPAIR_JUDGE_H

#include "coordinator/meta_segment.h"
#include "coordinator/node_table.h"
#include "coordinator/profile.h"
#include "erasure/ec_slots.h"

/* What is known of a holder's node: node_table_health(). */
struct repair_node {
    enum node_health health;
    uint64_t silent_ms;
};

struct repair_judgement {
    struct ec_slots held;
    struct ec_slots reachable; /* part of held, and what is damaged if it has to be */
    struct ec_slots missing;
    bool is_due;      /* worth rebuilding now */
    unsigned urgency; /* lower is more endangered: held shards beyond k */
};

/* nodes[slot] belongs to segment->holders[slot]; of empty slots it is not looked at. */
void repair_judge(const struct meta_segment *segment, const struct profile *profile,
    const struct repair_node nodes[META_SLOTS_MAX], uint64_t now_ms, struct repair_judgement *out);

#endif /* HEARTH_COORDINATOR_REPAIR_JUDGE_H */
