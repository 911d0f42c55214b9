/*
 * shipment_head.h - what each part of a shipment says of itself, in front of its bytes.
 *
 *   u8 format | u8 kind | u16 part | u16 parts | u64 number | u64 base | u64 previous |
 *   u64 total | u64 offset | u32 size | cluster (16) | zeros ... 96 | size bytes | padding
 *
 * It is sealed with them, so whoever can open a part knows that a coordinator wrote all of this.
 *
 *   snapshot <--previous-- changes <--previous-- changes ...     base: the snapshot of all of them
 *
 * Pure computation.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPMENT_HEAD_H
#define HEARTH_COORDINATOR_RESCUE_SHIPMENT_HEAD_H

#include "common/err.h"
#include "common/pki.h"
#include "common/view.h"

enum {
    SHIPMENT_HEAD_SIZE = 96,
    SHIPMENT_PART_MAX = (16 << 20) - (64 << 10), /* bytes of one part, without the head */
    SHIPMENT_PARTS_MAX = 65535,
    SHIPMENT_SEAL = 65535, /* instead of a part's number: see below */
};

/*
 * After its last part a shipment is sealed: by one more segment, of no bytes, that is shipped when
 * every part is at as many nodes as acknowledge it.  One shard of a seal anywhere, whose name
 * nobody else can make, says that the shipment was whole once; none anywhere, that nobody was told
 * of it.
 */

enum shipment_kind { SHIPMENT_SNAPSHOT = 1, SHIPMENT_CHANGES = 2 };

struct shipment_head {
    enum shipment_kind kind;
    uint16_t part;
    uint16_t parts;
    uint64_t number;
    uint64_t base;     /* number of the snapshot; a snapshot's own */
    uint64_t previous; /* that this one follows on; 0: a snapshot */
    uint64_t total;    /* bytes of all parts */
    uint64_t offset;   /* of this part in them */
    uint32_t size;     /* of this part */
    uint8_t cluster[PKI_CLUSTER_SIZE];
};

/* Parts of a shipment of so many bytes; 0: more than SHIPMENT_PARTS_MAX would be needed. */
uint16_t shipment_parts_of(uint64_t total);

void shipment_head_encode(const struct shipment_head *head, uint8_t bytes[SHIPMENT_HEAD_SIZE]);

/* HEARTH_UNKNOWN_FORMAT; HEARTH_CHECKSUM: what it says cannot be. */
enum hearth_code shipment_head_decode(
    struct view bytes, struct shipment_head *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPMENT_HEAD_H */
