/*
 * cluster_health.h - a cluster's state in one sentence: what hearth-admin status and the page of
 * metrics begin with.
 *
 * The worst that is true is said, and only that; the figures are below it for whoever wants them.
 */
#ifndef HEARTH_PROTO_CLUSTER_HEALTH_H
#define HEARTH_PROTO_CLUSTER_HEALTH_H

#include "proto/wire_fleet.h"

enum cluster_health {
    CLUSTER_EMPTY,    /* no node has joined yet */
    CLUSTER_STARTING, /* the coordinator has not looked at all segments yet */
    CLUSTER_HEALTHY,
    CLUSTER_REDUCED,    /* nodes are away; nothing needs to be rebuilt for it yet */
    CLUSTER_HEALING,    /* something is less redundant than it should be, and is being rebuilt */
    CLUSTER_ENDANGERED, /* segments have reached the point where repair must not wait */
    CLUSTER_BROKEN,     /* something cannot be read now */
};

enum { CLUSTER_SENTENCE_SIZE = 256 };

enum cluster_health cluster_health_of(const struct wire_status_reply *status);

/* "empty", "starting", "healthy", "reduced", "healing", "endangered", "broken"; static storage. */
const char *cluster_health_text(enum cluster_health health);

/* "healthy: 8 of 8 nodes answer, and every segment has all its shards". */
char *cluster_health_sentence(
    const struct wire_status_reply *status, char sentence[CLUSTER_SENTENCE_SIZE]);

/* Neither lost nor gone: it should answer. */
bool cluster_expects_node(const struct wire_node_info *node);

/* Nodes of the state; "" counts all that are expected to answer: neither lost nor gone. */
size_t cluster_count_nodes(const struct wire_status_reply *status, const char *state);

#endif /* HEARTH_PROTO_CLUSTER_HEALTH_H */
