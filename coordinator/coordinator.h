/*
 * coordinator.h - what every service and duty of the coordinator works with.
 *
 * Made by main (coordinator.c), passed in, never global.  Set once before the first call arrives;
 * the parts lock for themselves.
 */
#ifndef HEARTH_COORDINATOR_COORDINATOR_H
#define HEARTH_COORDINATOR_COORDINATOR_H

#include "coordinator/cluster.h"
#include "coordinator/fleet/node_dialer.h"
#include "coordinator/fleet/node_table.h"
#include "coordinator/fleet/place_sets.h"
#include "coordinator/fleet/profile.h"
#include "coordinator/order.h"
#include "coordinator/service/access_cache.h"
#include "coordinator/settings.h"

struct coordinator {
    struct env *env;
    const struct settings *settings;
    const struct profile *profile; /* of buckets that name none */
    struct cluster *cluster;
    struct shard_name_keys names;
    struct order_issuer issuer;
    struct meta_store *store;
    struct access_cache *access;
    struct node_table *nodes;
    struct node_dialer *dialer;
    struct sweep *sweep;
    struct node_copier *copier;       /* has nodes fetch shards from one another; NULL: none can */
    struct node_inventory *inventory; /* asks nodes what they hold; NULL: no network */
    struct reconcile_duty *reconcile;
    struct withheld *withheld;
    struct repair *repair;
    struct estimate *estimate;
    struct estimate_watch *durability;
    struct rebalance *rebalance;
    struct audit *audit;
    struct admin_slot *backups;
    struct admin_slot *checks;
    struct admin_slot *restores;
    struct restore_order *restore_order; /* main's; NULL: nobody would carry it out */
    struct repair_session *session;      /* towards nodes; NULL: no network */
    struct shipping *shipping;           /* NULL: nothing is shipped */
    struct place_sets *sets;
};

/* Opens keys and metadata.  HEARTH_NOT_FOUND: init was not run; HEARTH_BUSY: another process has
 * the metadata; HEARTH_CONFLICT: keys and metadata are of different clusters. */
enum hearth_code coordinator_open(const struct settings *settings, struct env *env,
    struct coordinator **out, struct hearth_err *err);

/* The same for metadata that is new and belongs to no cluster yet. */
enum hearth_code coordinator_create(const struct settings *settings, struct env *env,
    struct coordinator **out, struct hearth_err *err);

/* The sweep, with nobody watching yet. */
enum hearth_code coordinator_open_sweep(struct coordinator *coordinator, struct hearth_err *err);

void coordinator_close(struct coordinator *coordinator); /* accepts NULL */

/* "host:port", "[v6]:port", in the arena with a terminating zero; bytes NULL: out of memory. */
struct view coordinator_address_text(const struct config_address *address, struct arena *arena);

#endif /* HEARTH_COORDINATOR_COORDINATOR_H */
