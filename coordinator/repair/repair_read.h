/*
 * repair_read.h - the reading half of a repair: any k holders that keep giving true cells.
 *
 *   waiting ... --start--> reading --bad tag, end, too slow--> failed; the next one waiting starts
 *
 * Each reader runs a few cells ahead.  A cell that does not fit its tag never gets further than
 * this file (a repair never spreads damage), and its holder is named to `accuse`.
 *
 * Thread-safety: the one thread of the repair.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_READ_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_READ_H

#include "client/shard_net.h"
#include "client/shard_tag.h"
#include "erasure/ec_slots.h"
#include "erasure/ec_stripe.h"

enum { REPAIR_AHEAD_CELLS = 4 };

/* A holder that may be read from. */
struct repair_source {
    unsigned slot;
    uint32_t node;
    struct shard_door door;
};

/* One holder being asked. */
struct repair_reader {
    const struct repair_source *source; /* NULL: free */
    struct shard_call *call;
    uint32_t next_stripe; /* of the next cell to arrive */
    unsigned count;       /* cells here, oldest first, for the stripes that come next */
    struct slice cells[REPAIR_AHEAD_CELLS];
};

struct repair_read {
    struct shard_net *net;
    struct shard_inbox *inbox;
    struct shard_tagger *tagger;
    const struct ec_stripes *stripes;
    unsigned k;
    const struct repair_source *sources; /* best first */
    unsigned source_count;
    unsigned next_source;
    uint32_t stripe; /* the one being gathered */
    struct repair_reader readers[EC_SLOTS_MAX];
    void (*accuse)(void *context, const struct repair_source *source, const char *why);
    void *accuse_context;
};

/* Starts k readers; the fields above are set, the rest zero. HEARTH_SHARDS_LOST: too few sources.
 */
enum hearth_code repair_read_start(struct repair_read *read, struct hearth_err *err);
void repair_read_stop(struct repair_read *read);

/* An event whose context is one of the readers. HEARTH_SHARDS_LOST: nobody is left to ask. */
enum hearth_code repair_read_event(
    struct repair_read *read, const struct shard_event *event TAKES, struct hearth_err *err);

/* Gives up on every reader that has no cell of the current stripe. Codes as above. */
enum hearth_code repair_read_stalled(struct repair_read *read, struct hearth_err *err);

/* All k cells of the current stripe are here. */
bool repair_read_is_ready(const struct repair_read *read);

/* Points cells[slot] at the k verified cells of the current stripe; valid until advance. */
struct ec_slots repair_read_cells(const struct repair_read *read, uint8_t *cells[EC_SLOTS_MAX]);

/* Who gives those cells. Returns how many: k. */
unsigned repair_read_nodes(const struct repair_read *read, uint32_t nodes[EC_SLOTS_MAX]);

/* Lets go of the current stripe. */
void repair_read_advance(struct repair_read *read);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_READ_H */
