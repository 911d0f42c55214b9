/*
 * invitation.h - draws an invitation and remembers its hash: who has the word may enrol, once.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_INVITATION_H
#define HEARTH_COORDINATOR_SERVICE_INVITATION_H

#include "coordinator/coordinator.h"

struct invitation {
    enum peer_class kind; /* node, client, gateway or admin */
    struct view owner;    /* nodes: name of their owner */
    struct view network;  /* nodes: a name for their failure domain; empty: as observed */
    struct view place;
    struct view tenant; /* clients, gateways: name, made when it does not exist; empty: "default" */
    uint64_t valid_s;   /* 0: a day */
    uint64_t uplink_bits; /* nodes: of the line, a second; 0: not known */
};

/*
 * *word: text in the arena, with a terminating zero.  HEARTH_INVALID: not a class that is invited,
 * a node without owner, a name too long.
 */
enum hearth_code invitation_make(struct coordinator *coordinator,
    const struct invitation *invitation, struct arena *arena, const char **word,
    uint64_t *expires_unix_ms, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_INVITATION_H */
