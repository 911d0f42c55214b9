/*
 * repair_flow.h - cells that come from k holders and go to new ones, and who is waited for.
 *
 *   repair_read.h --stripes--> whoever codes them --cells--> repair_write.h --> receipts
 *
 * One inbox for both halves.  Whoever makes no progress is given up; the deadline ends it all.
 *
 * Thread-safety: the one thread of the job.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_FLOW_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_FLOW_H

#include "coordinator/halt.h"
#include "coordinator/repair/repair_read.h"
#include "coordinator/repair/repair_write.h"
#include "erasure/ec_codec.h"

enum {
    /* A peer that makes no progress for this long is given up. */
    REPAIR_STALL_MS = 5000,
    /* However peers behave, it is over after half a minute and its bytes at 1 MiB/s. */
    REPAIR_LEAST_MS = 30 * 1000,
    REPAIR_BYTES_PER_MS = 1024,
};

struct repair_flow {
    struct shard_net *net;
    struct env *env;
    struct shard_inbox *inbox;
    uint64_t deadline_ns;
    const struct halt *halt; /* ends every wait with HEARTH_CANCELLED; NULL: none does */
    struct repair_read read;
    struct repair_write write;
};

/* For a segment with so much plaintext; read, write and halt are the caller's to fill in. */
enum hearth_code repair_flow_init(struct repair_flow *flow, struct shard_net *net, struct env *env,
    uint64_t length, struct hearth_err *err);
void repair_flow_fini(struct repair_flow *flow); /* both halves are stopped; accepts a zeroed one */

/* The next stripe is here, and every target has room for a cell of it.  HEARTH_SHARDS_LOST: nobody
 * is left to ask.  HEARTH_UNREACHABLE: no target is left.  HEARTH_DEADLINE. */
enum hearth_code repair_flow_await_stripe(struct repair_flow *flow, struct hearth_err *err);

/* Every target has room. */
enum hearth_code repair_flow_await_room(struct repair_flow *flow, struct hearth_err *err);

/* After the footers. What has no receipt at the deadline is not stored. */
enum hearth_code repair_flow_await_receipts(struct repair_flow *flow, struct hearth_err *err);

/* What arrives meanwhile is taken in; nobody is called slow for it. */
enum hearth_code repair_flow_rest(
    struct repair_flow *flow, uint64_t rest_ns, struct hearth_err *err);

/*
 * Rebuilds one of the k cells that were there, `witness`, from the others and each output in turn:
 * a wrong output cannot give it back.
 */
enum hearth_code repair_check_outputs(const struct ec_codec *codec, size_t cell_size,
    uint8_t *cells[EC_SLOTS_MAX], struct ec_slots have, unsigned witness, struct ec_slots outputs,
    struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_FLOW_H */
