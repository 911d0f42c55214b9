/*
 * fake_net.h - nodes that are invented: dead, slow, stopped, dripping or lying as the test says,
 * in a time that moves only while a transfer waits.
 *
 *   shard_net_wait: the next thing that happens happens, the clock steps to it; when nothing more
 *                   can happen before the moment waited for, the clock steps there
 *
 * Orders and receipts are the plain bytes of struct fake_order; fake_coordinator.h writes the
 * former and reads the latter.  Nodes believe orders, but do what they say.
 *
 * Thread-safety: none; test, transfer and nodes share one thread.
 */
#ifndef HEARTH_TESTS_LIB_FAKE_NET_H
#define HEARTH_TESTS_LIB_FAKE_NET_H

#include "client/shard_net.h"
#include "tests/lib/test_env.h"

enum {
    FAKE_NODES_MAX = 40,
    FAKE_NODE_ID_SIZE = 20,
    FAKE_BUFFER_CELLS = 4, /* the transport takes so many before the node reads any */
};

enum fake_action { FAKE_PUT = 1, FAKE_GET = 2 };

struct fake_order {
    uint32_t action;
    uint32_t node; /* index */
    uint8_t segment_id[16];
    uint32_t slot;
    uint32_t number;
};

enum fake_manner {
    FAKE_HONEST,
    FAKE_DEAD,        /* nobody is at its address, and what ran has ended */
    FAKE_STOPPED,     /* connected, and silent from then on */
    FAKE_UNREACHED,   /* nothing comes to it, and nobody says so */
    FAKE_DRIPPING,    /* 1 KiB/s */
    FAKE_SLOW,        /* each cell takes 100 ms longer */
    FAKE_DIES_MIDWAY, /* after two cells of a call */
    FAKE_BUSY_MIDWAY, /* after two cells it finds itself at its limit */
    FAKE_FORGETS,     /* takes shards and has none when asked */
    FAKE_LACKS,       /* finds no shard that it is asked for */
    FAKE_ROTTEN,      /* says that what it stored does not verify */
    /* These answer, and lie: */
    FAKE_FLIPS_A_BIT,
    FAKE_SWAPS_CELLS,  /* the cell of another stripe */
    FAKE_OTHER_SHARD,  /* the cell of another slot of the segment */
    FAKE_OTHER_OBJECT, /* the cell of the newest other segment */
    FAKE_OLD_SHARD,    /* the cell of the oldest segment there is */
    FAKE_WRONG_LENGTH, /* one byte too few */
    FAKE_EMPTY,        /* no bytes at all */
    FAKE_ENDS_EARLY,   /* says that was all after the first cell */
    FAKE_MANNERS,
};

struct fake_node {
    uint8_t id[FAKE_NODE_ID_SIZE];
    enum fake_manner manner;
    uint64_t open_us; /* from the opening of a call until its first cell begins its way */
    uint64_t cell_us; /* a cell's way, microseconds; 0: 100 */
    uint64_t sync_us; /* from the last cell to the receipt; 0: 500 */
    unsigned busy;    /* so many calls more are refused: it is at its limit */
    unsigned gets;    /* calls opened at it */
    unsigned puts;
    unsigned cells_sent;     /* to readers */
    const char *host;        /* where it is; asked for elsewhere it is not found. NULL: "node" */
    const char *host_before; /* its first address, where it is not any more; NULL: it has one */
    unsigned misses;         /* calls that went where it is not */
};

struct fake_shard;
struct fake_call;

struct fake_net {
    struct shard_net net; /* first: the seam's functions get a pointer to it */
    struct test_env *env;
    unsigned node_count;
    struct fake_node nodes[FAKE_NODES_MAX];
    struct fake_shard *shards;
    struct fake_call *calls;
    /* Orders and receipts of a coordinator that is not invented. NULL: the bytes of fake_order. */
    void (*read_order)(void *context, struct view bytes, struct fake_order *out);
    struct buf *(*make_receipt)(
        void *context, struct view order, const struct shard_footer *footer);
    void *paper_context;
    size_t receipt_size; /* receipts are padded to it with zeros; 0: they are as long as orders */
    unsigned identified; /* times a session certificate was installed */
    unsigned calls_open;
    uint64_t bytes_queued; /* of cells given to the net and not yet taken by a node */
    uint64_t bytes_queued_max;
    unsigned cells_put;
    unsigned handovers; /* in which they came: calls of shard_put_cells() */
    /* How a node is towards one call, when that is not node->manner. NULL: always that. */
    enum fake_manner (*choose_manner)(void *context, const struct fake_order *order);
    void *manner_context;
    void (*at_wait)(struct fake_net *net, void *context); /* before each wait; NULL: nothing */
    void *at_wait_context;
    uint64_t wait_ms_max; /* one that nothing ends is over then; 0: as long as it was to be */
    void (*at_open)(struct fake_net *net, void *context); /* before each call is opened */
    void *at_open_context;
};

void fake_net_init(struct fake_net *net, struct test_env *env, unsigned node_count);
void fake_net_fini(struct fake_net *net); /* every call must have been dropped */

/* Steps the clock; what was to happen until then happens. */
void fake_net_run_ms(struct fake_net *net, uint64_t ms);

/* The shard is there, whole. */
bool fake_net_has_shard(const struct fake_net *net, const struct fake_order *order);

/* One more cell, with its tag, of a shard that is there already. */
void fake_net_plant_cell(struct fake_net *net, const struct fake_order *order, struct view cell);

/* The cell of a stripe, with its tag; empty: it is not there. Borrowed from the net. */
struct view fake_net_cell(
    const struct fake_net *net, const struct fake_order *order, unsigned stripe);

/* Shards stored in all. */
unsigned fake_net_shards(const struct fake_net *net);

#endif /* HEARTH_TESTS_LIB_FAKE_NET_H */
