/*
 * node_dialer.h - sees to it that nodes really are where they say they are.
 *
 *   heartbeat --see--> new addresses, or a second look is due?
 *                          \--> queue --> a few threads: node_probe --> dialled(number, what was
 * met)
 *
 * Nodes name their own addresses, so hosts of their choice are dialled: only a TLS hello is sent,
 * and a node gets one dial per NODE_DIAL_PAUSE_MS, however often it reports and whatever it says.
 *
 * A node is in the queue at most once, so the queue ends with the fleet (META_NODES_MAX).
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_DIALER_H
#define HEARTH_COORDINATOR_FLEET_NODE_DIALER_H

#include "common/env.h"
#include "coordinator/meta/meta_node.h"
#include "proto/node_probe.h"
#include "proto/wire_messages.h"

enum {
    NODE_DIAL_PAUSE_MS = 5 * 1000,           /* between two dials of one node */
    NODE_DIAL_AGAIN_MS = 6 * 60 * 60 * 1000, /* a second look at addresses that were right */
    NODE_DIAL_THREADS = 4,                   /* each may wait 5 s for an address that is silent */
};

struct node_dialer;

/* What was met: endpoints with verified_ms set (env's wall clock) where the node itself answered,
 * 0 elsewhere.  Borrowed for the call, which is on a dialler's thread and may block. */
typedef void node_dialled_fn(
    void *context, uint32_t number, const struct meta_endpoint *endpoints, size_t count);

struct node_dialer_options {
    struct env *env;          /* required */
    const char *ca_pem;       /* required; borrowed for the dialler's life */
    node_dialled_fn *dialled; /* required */
    void *context;
    /* NULL: node_probe_blocking. Tests invent the network here. */
    enum hearth_code (*probe)(const struct node_probe *probe, struct hearth_err *err);
};

enum hearth_code node_dialer_start(
    const struct node_dialer_options *options, struct node_dialer **out, struct hearth_err *err);

/* A node reported these addresses; at most META_ENDPOINTS_MAX are looked at. Does not block. */
void node_dialer_see(struct node_dialer *dialer, uint32_t number, const uint8_t id[PKI_ID_SIZE],
    const struct wire_endpoint *endpoints, size_t count);

/* Ends dials that are under way; after it dialled() is not called. Accepts NULL. */
void node_dialer_stop(struct node_dialer *dialer);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_DIALER_H */
