/*
 * profile.h - named redundancy, as data.
 *
 * The numbers belong together (docs/decisions say how they were worked out): r is tuned for
 * lost_after, so neither changes alone.  A profile's number is recorded in buckets and segments
 * and never means another profile.
 */
#ifndef HEARTH_COORDINATOR_FLEET_PROFILE_H
#define HEARTH_COORDINATOR_FLEET_PROFILE_H

#include "common/view.h"

/* No profile is for nodes that are up less than this share of the time. */
#define PROFILE_UPTIME_MIN 0.80

/* Repair at once when fewer than k + this many holders are online for 12 hours. */
enum { PROFILE_ONLINE_SPARE = 5 };

struct profile {
    uint32_t number;
    const char *name;
    uint16_t k;            /* data slots: any k of them are enough to read */
    uint16_t n;            /* all slots: the goal */
    uint16_t w;            /* receipts that acknowledge a write */
    uint16_t r;            /* repair when no more than this many are held */
    uint16_t fill;         /* segments below it are brought up, at low priority */
    uint16_t nodes_min;    /* a fleet worth running it on */
    uint32_t inline_max;   /* bytes: objects up to it live in the metadata */
    uint32_t fill_after_s; /* a young segment's grace before that */
    uint32_t lost_after_s; /* a node offline this long is lost */
    double node_uptime;    /* the nodes it was worked out for: share of the time they are up */
    double node_ebb;       /* so much less in the quarter of the hours in which the fewest are up */
    double node_hazard;    /* and how many of them are lost for good, a year */
};

extern const struct profile profile_table[];
extern const unsigned profile_count;

/* Borrowed for ever. NULL: no such profile. An empty name is the default, local. */
const struct profile *profile_by_name(struct view name);
const struct profile *profile_by_number(uint32_t number);

#endif /* HEARTH_COORDINATOR_FLEET_PROFILE_H */
