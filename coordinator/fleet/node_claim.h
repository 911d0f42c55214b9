/*
 * node_claim.h - is who reports as a node the one we know, with the disk we know?
 *
 * A daemon draws an instance at each start.  A volume counts its starts and its writes; both only
 * grow.  So of two reports:
 *
 *   another volume           the disk was exchanged or wiped
 *   counters that went back  an older copy of the disk was restored
 *   a new instance, further  the daemon was started again
 *
 * When the wrong one reports while the right one still does, turn by turn, two machines have the
 * node's key: a copy of the whole home runs beside the original.  Which shards are on which of them
 * nobody knows, so neither is believed any more, until an operator decides
 * (META_FENCE_TWO_AT_ONCE). One late heartbeat of a process that has ended is no second machine: it
 * takes two turns.
 *
 * Nodes of before instances report none, which is the same one always.
 *
 * Pure.  Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_CLAIM_H
#define HEARTH_COORDINATOR_FLEET_NODE_CLAIM_H

#include "coordinator/meta/meta_node.h"

enum { CLAIM_TURNS_MAX = 2 };

enum claim_verdict {
    CLAIM_TRUE,
    CLAIM_OTHER_DISK,
    CLAIM_OLDER_COPY,
    CLAIM_TWO_AT_ONCE,
};

/* What is remembered between reports; zeroed: nobody has reported since our start. */
struct node_claim {
    struct meta_id instance; /* of who was believed last */
    uint64_t other_ms;       /* when somebody else was refused last; 0: nobody was */
    bool other_since;        /* since the one who is believed reported */
    unsigned turns;          /* how often they took turns */
};

/* In a verdict of OTHER_DISK and OLDER_COPY: */
struct claim_judgement {
    enum claim_verdict verdict;
    bool is_second; /* the right one was heard lately: nothing is decided yet */
};

/*
 * `known`: the last report that was believed; a zero volume: none was.  alive_until_ms: until then
 * who was believed last would count as alive.  turns are forgotten after quiet_ms without another.
 */
struct claim_judgement node_claim_judge(struct node_claim *claim,
    const struct meta_node_report *known, const struct meta_node_report *report, uint64_t now_ms,
    uint64_t alive_until_ms, uint64_t quiet_ms);

/* "has another volume than before" ...; static storage. */
const char *claim_verdict_text(enum claim_verdict verdict);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_CLAIM_H */
