/*
 * shipment_world.h - nodes that hold shipments of a metadata store, some of them hostile, and a
 * coordinator that is rebuilt from what they say and give.
 *
 *   store --snapshot, changes--> sealed, coded, tagged --> shards at nodes --rebuild_chain-->
 * meta.db
 *
 * Orders are real, and checked by the nodes as real ones would.  Time moves only while somebody
 * waits for a node that says nothing.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_SHIPMENT_WORLD_H
#define HEARTH_TESTS_LIB_SHIPMENT_WORLD_H

#include "client/shard_net.h"
#include "coordinator/rescue/rebuild_chain.h"
#include "tests/lib/test_meta.h"

enum {
    SHIPMENT_NODES = 20,
    SHIPMENT_HOLDERS = 8, /* nodes 0 to 7: slot i of all that is shipped at node i */
    SHIPMENT_K = 4,
    SHIPMENT_W = 6,
    SHIPMENT_NEWCOMERS_MAX = 8,
};

/* What a node gives when it is asked for a shard. */
enum shipment_manner {
    SHIPMENT_HONEST,
    SHIPMENT_FLIPS_A_BIT,
    SHIPMENT_CUTS_CELLS, /* one byte too few */
    SHIPMENT_ENDS_EARLY, /* says that was all before the first cell */
    SHIPMENT_GIVES_OLD,  /* the cells of the oldest shipment */
    SHIPMENT_GIVES_OTHER_SLOT,
    SHIPMENT_LACKS, /* has none */
    SHIPMENT_SILENT,
    SHIPMENT_MANNERS,
};

struct shipment_node {
    enum shipment_manner manner;
    uint64_t lies_from; /* about shipments of this number and newer; 0: all */
    uint64_t lies_to;   /* and older; 0: any */
    bool hides_seals;   /* from what it lists */
    bool is_off;        /* lists nothing */
};

struct shipped_shard;

struct shipment_world {
    struct test_meta meta; /* with SHIPMENT_NODES nodes */
    struct shard_net net;
    struct order_issuer issuer;
    struct shipment_keys keys;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t session[PKI_ID_SIZE];
    uint8_t ids[SHIPMENT_NODES][PKI_ID_SIZE];
    struct wire_node_address addresses[SHIPMENT_NODES];
    struct shipment_node nodes[SHIPMENT_NODES];
    unsigned newcomers; /* that nothing shipped knows, and that do not answer */
    struct shipped_shard *shards;
    char directory[128]; /* where meta.db is made */
    unsigned unreadable; /* that were told of */
    struct rebuild_result result;
};

void shipment_world_init(struct shipment_world *world);
void shipment_world_fini(struct shipment_world *world);

/* How far a shipment comes: how many nodes take a shard of the part, then of the seal. */
struct shipment_fate {
    unsigned part_at;
    unsigned seal_at;
};

/* The store as it is now; what follows on `previous` (0: a snapshot). */
void shipment_world_ship(
    struct shipment_world *world, uint64_t number, uint64_t previous, struct shipment_fate fate);

/* One more shard that any node lists: of a name that another cluster's keys make. */
void shipment_world_list_foreign(struct shipment_world *world, unsigned node);

enum hearth_code shipment_world_rebuild(struct shipment_world *world, bool accepts_older);

/* Objects in what was rebuilt. */
unsigned shipment_world_objects(const struct shipment_world *world);

#endif /* HEARTH_TESTS_LIB_SHIPMENT_WORLD_H */
