/*
 * repair_write.h - the writing half of a repair: rebuilt cells go to new holders, receipts come
 * back.
 *
 *   open --cells--> open --footer--> waiting for the sync --receipt--> done
 *     \---------------- refused, gone, too slow ------------------> failed; the others go on
 *
 * Thread-safety: the one thread of the repair.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_WRITE_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_WRITE_H

#include "client/shard_net.h"
#include "common/crypto.h"
#include "erasure/ec_slots.h"
#include "proto/order_format.h"

enum { REPAIR_QUEUED_CELLS_MAX = 8 }; /* of one target, not yet taken by the transport */

struct repair_target {
    unsigned slot;
    unsigned p;
    uint32_t node;
    struct shard_door door;

    /* What became of it. */
    bool is_stored; /* `receipt` is the node's word; unverified */
    uint8_t receipt[RECEIPT_SIZE];

    struct {
        struct shard_call *call; /* NULL: ended */
        struct crypto_hash *digest;
        unsigned queued;
        bool is_finished; /* the footer is out: only now a receipt means anything */
    } owned_by_write;
};

struct repair_write {
    struct shard_net *net;
    struct shard_inbox *inbox;
    uint64_t shard_size; /* cells and tags */
    struct repair_target *targets;
    unsigned target_count;
};

void repair_write_start(struct repair_write *write);
void repair_write_stop(struct repair_write *write);

/* An event whose context is one of the targets. */
void repair_write_event(struct repair_write *write, const struct shard_event *event TAKES);

/* Every target still going has room for one more cell. */
bool repair_write_has_room(const struct repair_write *write);

/* A cell and its tag for target `index`; nothing happens when that one has failed. */
void repair_write_cell(struct repair_write *write, unsigned index, struct slice cell TAKES);

/* After the last cell. */
void repair_write_finish(struct repair_write *write, uint32_t cells);

/* Gives up on every target that has no room, or after finish on every one without receipt. */
void repair_write_stalled(struct repair_write *write);

/* Targets still going. */
unsigned repair_write_going(const struct repair_write *write);

/* And at which nodes. Returns how many. */
unsigned repair_write_nodes(const struct repair_write *write, uint32_t nodes[EC_SLOTS_MAX]);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_WRITE_H */
