/*
 * node_presence.h - when a node is usually there: an hour of the week, a share of the time.
 *
 *   heartbeats, silences --add--> seconds there, seconds looked at, of each of 168 hours
 *                                  \--> uptime, what to expect of an hour, silence that is excused
 *
 * Each week all that was counted fades by a sixth: after four weeks half is left, so that who moves
 * house is known again a month later.  Hours are UTC, from Thursday 00:00, where unix time began.
 *
 * What little is known of an hour leans on the same hour of other days, and that on all hours, and
 * that on a home box which is up 95 % of the time.
 *
 * Pure.  Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_PRESENCE_H
#define HEARTH_COORDINATOR_FLEET_NODE_PRESENCE_H

#include "common/view.h"

#define PRESENCE_HOUR_MS UINT64_C(3600000)

enum {
    PRESENCE_HOURS = 7 * 24,
    PRESENCE_BLOB_SIZE = 1 + 8 + PRESENCE_HOURS * 4,
};

/* Zeroed: nothing is known. */
struct node_presence {
    uint64_t counted_ms; /* unix time until which it was counted */
    uint16_t there_s[PRESENCE_HOURS];
    uint16_t seen_s[PRESENCE_HOURS]; /* somebody would have noticed */
};

/* From and to: unix time, in ascending order from call to call; what was counted is left out. */
void node_presence_add(
    struct node_presence *presence, uint64_t from_ms, uint64_t to_ms, bool is_there);

/* (0, 1]: share of the time. */
double node_presence_uptime(const struct node_presence *presence);

/* [0, 1]: how likely it is there in the hour of that moment, unix time. */
double node_presence_expect(const struct node_presence *presence, uint64_t at_ms);

/* The same of every hour, from the first: for less work. */
void node_presence_week(const struct node_presence *presence, float expected[PRESENCE_HOURS]);

/* Of a silence: how much of it fell into hours in which the node is usually away. */
uint64_t node_presence_excused_ms(
    const struct node_presence *presence, uint64_t from_ms, uint64_t to_ms);

void node_presence_encode(const struct node_presence *presence, uint8_t bytes[PRESENCE_BLOB_SIZE]);

/* False: not of a format we know; *out is then zeroed. */
bool node_presence_decode(struct view bytes, struct node_presence *out);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_PRESENCE_H */
