/*
 * get_lane.h - one node sending the cells of its slot for a run of stripes.
 *
 *   FREE --open--> RUNNING --last cell--> FREE
 *                     |  `-- nothing for too long --> late: others are asked, it may yet come
 *                     +-- failed, lied, dropped --> LOST --noted--> FREE
 *
 * Every cell is checked against its tag before it goes anywhere (D2): one that does not fit is
 * the end of the lane.  In the end the node's record (node_health.h) learns how quick it was.
 *
 * Thread-safety: belongs to its transfer's thread.
 */
#ifndef HEARTH_CLIENT_GET_LANE_H
#define HEARTH_CLIENT_GET_LANE_H

#include "client/get_tempo.h"
#include "client/get_window.h"
#include "client/shard_tag.h"
#include "client/transfer.h"

enum get_lane_state { GET_LANE_FREE, GET_LANE_RUNNING, GET_LANE_LOST };

/* What the lanes of a segment share; borrowed. */
struct get_lane_group {
    struct transfer *transfer;
    const struct ec_stripes *shape;
    struct get_window *window;
    struct shard_tagger *tagger;
    struct get_tempo *tempo;
};

struct get_lane {
    struct shard_listener listener; /* first: the inbox hands events to it */
    const struct get_lane_group *group;
    enum get_lane_state state;
    unsigned slot;
    unsigned next;    /* the stripe whose cell comes next */
    unsigned granted; /* cells below this one may come */
    unsigned end;     /* one past the last */
    struct shard_call *call;
    uint64_t awaited_ns; /* since when the next cell is waited for */
    bool is_late;
    struct view node_id;
    uint64_t own_late_ns;  /* after what wait a cell of this node is late; 0: not known */
    uint64_t first_ns;     /* how long the first cell was waited for */
    unsigned cells;        /* that came */
    uint64_t cells_ns;     /* how long those after the first were waited for, in all */
    struct hearth_err err; /* of LOST: why */
};

/* FREE; the group outlives the lane. */
void get_lane_init(struct get_lane *lane, const struct get_lane_group *group);
void get_lane_fini(struct get_lane *lane);

/* Asks for stripes [first, end) of a slot, first < end; none comes before it is granted.  The
 * placement outlives the lane. */
void get_lane_open(
    struct get_lane *lane, const struct wire_placement *placement, unsigned first, unsigned end);

/* Lets cells of stripes below `stripe` come. */
void get_lane_grant(struct get_lane *lane, unsigned stripe);

/* RUNNING to FREE: it is not needed any more. */
void get_lane_drop(struct get_lane *lane);

/* RUNNING to LOST, by our decision. */
void get_lane_give_up(struct get_lane *lane, enum hearth_code code, const char *reason);

/* It will bring the cell of this stripe, if all goes well. */
static inline bool get_lane_covers(const struct get_lane *lane, unsigned slot, unsigned stripe)
{
    return lane->state == GET_LANE_RUNNING && lane->slot == slot && lane->next <= stripe &&
        stripe < lane->end;
}

#endif /* HEARTH_CLIENT_GET_LANE_H */
