/*
 * fsck_table.h - what every node says it holds, in memory, while metadata is compared with it.
 *
 * Pure computation.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_TABLE_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_TABLE_H

#include "common/err.h"
#include "coordinator/shard_name.h"
#include "proto/wire_inventory.h"

enum { FSCK_SHARDS_MAX = 8 << 20 }; /* 600 MiB; past it: HEARTH_BUSY, check fewer nodes at a time */

struct fsck_entry {
    struct shard_name name;
    uint32_t node;
    bool is_trash;
    bool is_named; /* a segment names it as a holder's */
    uint64_t length;
    uint64_t stored_ms;
};

struct fsck_table {
    struct fsck_entry *entries; /* after sort: by node, then id */
    size_t count;
    size_t capacity;
};

enum hearth_code fsck_table_add(struct fsck_table *table, uint32_t node,
    const struct wire_shard_entry *entry, struct hearth_err *err);
void fsck_table_sort(struct fsck_table *table);
void fsck_table_fini(struct fsck_table *table);

/* NULL: the node does not list it. */
struct fsck_entry *fsck_table_find(
    struct fsck_table *table, uint32_t node, const uint8_t id[SHARD_ID_SIZE]);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_TABLE_H */
