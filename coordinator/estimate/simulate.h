/*
 * simulate.h - "what if": what a profile would do on a fleet that is described in a few numbers.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_ESTIMATE_SIMULATE_H
#define HEARTH_COORDINATOR_ESTIMATE_SIMULATE_H

#include "common/err.h"
#include "coordinator/fleet/profile.h"

#include <stdbool.h>

/* Codes up to 128 slots. */
struct simulate_fleet {
    unsigned k, n, r;
    double lost_after_hours;
    double repair_hours; /* from the trigger to the end of a repair */
    unsigned nodes;      /* of as many owners and networks */
    double uptime;       /* (0, 1] */
    double ebb;          /* [0, uptime): so much less in the emptiest quarter of the hours */
    double hazard;       /* losses of a node, a year */
    double replace_days; /* until somebody else lends a disk in its place */
};

enum simulate_verdict {
    SIMULATE_WELL,
    SIMULATE_TOO_SMALL,   /* not even n nodes that have not failed: repair has nowhere to go */
    SIMULATE_NEVER_WHOLE, /* repairs, but never back to n */
    SIMULATE_NO_SPARE,    /* n, now and then less */
};

struct simulate_result {
    enum simulate_verdict verdict;
    unsigned nodes_there; /* on average, of those that have not failed */
    unsigned goal;        /* slots that repair can fill most of the time: n, or less */
    double lost;          /* P(a segment, within a year) */
    double unreadable;    /* share of time */
    double disk;          /* bytes on disks, a byte stored, over time */
    double disk_full;     /* n / k */
    double moved;         /* bytes read and written for repair, a byte stored and month */
    double repairs;       /* of one segment, a year */
};

/* Of the nodes the profile was worked out for; `nodes` is its least number. */
void simulate_fleet_of(const struct profile *profile, struct simulate_fleet *out);

/* Every number is one that may be asked about; see simulate_check() for those that may not. */
void simulate_run(const struct simulate_fleet *fleet, struct simulate_result *out);

/* HEARTH_INVALID: it cannot be run. */
enum hearth_code simulate_check(const struct simulate_fleet *fleet, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_ESTIMATE_SIMULATE_H */
