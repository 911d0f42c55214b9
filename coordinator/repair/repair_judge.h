/*
 * repair_judge.h - how one segment is: what is held, what can be read now, what has to be rebuilt.
 *
 * A slot is held unless it is empty, or its node is gone, called lost, suspended, or silent for the
 * `lost after` of the segment's own profile, or says that the shard is damaged.  A held slot is
 * reachable while its node answers.  So is a damaged one, most of whose cells may be good, and that
 * of a suspended node, when there are fewer than k others: tags say what is true.
 *
 *   too few held, for these holders (durability_trigger.h)     --> rebuild what is not held
 *   too few of them heard of for half a day                    --> rebuild what was not heard, too
 *   slots that nobody ever had, an hour after the segment      --> fill them, when nothing else is
 *     was sealed; in profiles without that hour, anything missing  to do
 *   an operator asks for all of it                             --> rebuild what is not held
 *
 * What only deleted objects name, and can be undeleted yet, waits until no shard is to spare.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_JUDGE_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_JUDGE_H

#include "coordinator/estimate/durability_trigger.h"
#include "coordinator/fleet/fleet_view.h"
#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_types.h"
#include "erasure/ec_slots.h"

enum {
    REPAIR_PROFILES_MAX = 16,
    REPAIR_UNHEARD_MS = 12 * 60 * 60 * 1000,
    REPAIR_URGENCY_FILL = 10000, /* and more: nothing is in danger */
};

enum repair_reason {
    REPAIR_NOTHING,
    REPAIR_FEW_HELD,
    REPAIR_FEW_HEARD,
    REPAIR_FILL,
    REPAIR_ASKED,
};

/* When repair begins, by profile. */
struct repair_rules {
    struct durability_goal goals[REPAIR_PROFILES_MAX];
    bool everything; /* an operator asked for n everywhere */
};

/* nines: as durability_goal_init() has it. */
void repair_rules_init(struct repair_rules *rules, unsigned nines);

/* Of a profile that there is. */
const struct durability_goal *repair_rules_goal(
    const struct repair_rules *rules, const struct profile *profile);

struct repair_judgement {
    struct ec_slots held;
    struct ec_slots reachable; /* part of held, and what is in doubt if it has to be */
    struct ec_slots missing;
    enum repair_reason reason; /* why it is due */
    bool is_due;               /* worth rebuilding now, and there are k to read */
    unsigned urgency;          /* lower is more endangered */
};

void repair_judge(const struct repair_rules *rules, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms, struct repair_judgement *out);

/* The holders of those slots, as the estimate wants them. Returns their number. */
unsigned repair_holders(const struct meta_segment *segment, const struct fleet_view *fleet,
    struct ec_slots slots, struct durability_holder holders[META_SLOTS_MAX]);

/* It is on its way out for good, or nothing is known of its profile. */
bool repair_is_left_alone(const struct meta_segment *segment);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_JUDGE_H */
