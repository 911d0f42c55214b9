/*
 * node_health.h - what this session has learned about nodes, so that the next transfer begins
 * with better ones: which were slow, silent or wrong a moment ago.
 *
 * Only a preference.  A node in bad standing is asked when there is no other; nothing here
 * convicts anybody, and everything is forgotten after a while.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_NODE_HEALTH_H
#define HEARTH_CLIENT_NODE_HEALTH_H

#include "common/cleanup.h"
#include "common/env.h"
#include "common/view.h"

enum {
    NODE_HEALTH_ID_SIZE = 20,
    /* Nodes remembered.  Too few: a bad one is tried again too early; more only costs a scan. */
    NODE_HEALTH_MAX = 128,
};

enum node_standing { NODE_GOOD, NODE_SLOW, NODE_SILENT, NODE_WRONG };

struct node_health {
    struct env *env; /* set once */
    struct {
        pthread_mutex_t mutex;
        unsigned count;
        struct node_health_entry {
            uint8_t id[NODE_HEALTH_ID_SIZE];
            enum node_standing standing;
            uint64_t until_ns;
        } entries[NODE_HEALTH_MAX];
    } shared;
};

void node_health_init(struct node_health *health, struct env *env);
void node_health_fini(struct node_health *health);

/* NODE_GOOD forgets; otherwise remembered for a while: slow 30 s, silent 60 s, wrong 10 min. When
 * NODE_HEALTH_MAX are remembered, the one that would be forgotten first makes room. */
void node_health_note(struct node_health *health, struct view node_id, enum node_standing standing);

enum node_standing node_health_of(struct node_health *health, struct view node_id);

#endif /* HEARTH_CLIENT_NODE_HEALTH_H */
