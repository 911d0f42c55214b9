/*
 * node_health.h - what this session has learned about nodes, so that the next transfer begins
 * with better ones: which were slow, silent or wrong a moment ago, and how quick each has been.
 *
 *   first bytes of a node's id --> a row of 8 records --> its record, or the one forgotten first
 *
 * Only a preference.  A node in bad standing is asked when there is no other; nothing here
 * convicts anybody, and everything is forgotten after a while.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_NODE_HEALTH_H
#define HEARTH_CLIENT_NODE_HEALTH_H

#include "client/node_tempo.h"
#include "common/cleanup.h"
#include "common/env.h"
#include "common/view.h"

enum {
    NODE_HEALTH_ID_SIZE = 20,
    /* 512 nodes remembered, 110 KiB.  Too few: a bad one is tried again too early.  Ids are hashes,
     * so rows fill evenly; whoever makes ids that share a row only pushes out his own. */
    NODE_HEALTH_ROWS = 64,
    NODE_HEALTH_ROW_MAX = 8,
};

enum node_standing { NODE_GOOD, NODE_SLOW, NODE_SILENT, NODE_WRONG };

struct node_health {
    struct env *env; /* set once */
    struct {
        pthread_mutex_t mutex;
        struct node_record {
            bool is_used;
            uint8_t id[NODE_HEALTH_ID_SIZE];
            enum node_standing standing;
            uint64_t until_ns; /* the standing is remembered */
            struct node_tempo tempo;
        } rows[NODE_HEALTH_ROWS][NODE_HEALTH_ROW_MAX];
    } shared;
};

void node_health_init(struct node_health *health, struct env *env);
void node_health_fini(struct node_health *health);

/* NODE_GOOD forgets; otherwise remembered for a while: slow 30 s, silent 60 s, wrong 10 min.
 * Silent and wrong count as failures of its tempo. */
void node_health_note(struct node_health *health, struct view node_id, enum node_standing standing);

enum node_standing node_health_of(struct node_health *health, struct view node_id);

/* How a call went: its first cell was waited for so long, and so many cells after it so long in
 * all (none: 0). */
void node_health_note_call(struct node_health *health, struct view node_id, uint64_t first_ns,
    unsigned cells, uint64_t cells_ns);

/* node_tempo_late_ns() and node_tempo_expected_ns() of a node. */
uint64_t node_health_late_ns(struct node_health *health, struct view node_id);
uint64_t node_health_expected_ns(struct node_health *health, struct view node_id, unsigned cells);

#endif /* HEARTH_CLIENT_NODE_HEALTH_H */
