/*
 * coordinator.h - what every service and duty of the coordinator works with.
 *
 * Made by main (coordinator.c), passed in, never global.  Set once before the first call arrives;
 * the parts lock for themselves.
 */
#ifndef HEARTH_COORDINATOR_COORDINATOR_H
#define HEARTH_COORDINATOR_COORDINATOR_H

#include "coordinator/cluster.h"
#include "coordinator/node_table.h"
#include "coordinator/order.h"
#include "coordinator/place_sets.h"
#include "coordinator/profile.h"
#include "coordinator/settings.h"

struct coordinator {
    struct env *env;
    const struct settings *settings;
    const struct profile *profile; /* of buckets that name none */
    struct cluster *cluster;
    struct shard_name_keys names;
    struct order_issuer issuer;
    struct meta_store *store;
    struct node_table *nodes;
    struct place_sets *sets;
};

#endif /* HEARTH_COORDINATOR_COORDINATOR_H */
