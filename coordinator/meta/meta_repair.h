/*
 * meta_repair.h - what repair has to remember when the coordinator ends: its queue, and that an
 * operator asked for everything.
 *
 *   found by the sweep --save--> row --end: repaired, or not due any more
 *
 * A row is a hint: whoever takes it up judges the segment anew.
 */
#ifndef HEARTH_COORDINATOR_META_META_REPAIR_H
#define HEARTH_COORDINATOR_META_META_REPAIR_H

#include "coordinator/meta/meta_store.h"

enum { META_REPAIR_BATCH = 256 }; /* rows written in one transaction */

struct meta_repair_row {
    struct meta_id segment;
    uint64_t urgency;
    uint64_t bytes;     /* to be read and written */
    uint64_t queued_ms; /* when it was first found */
};

/* count <= META_REPAIR_BATCH.  What has a row keeps its queued_ms. */
enum hearth_code meta_repair_save(struct meta_store *store, const struct meta_repair_row *rows,
    size_t count, struct hearth_err *err);

/* count <= META_REPAIR_BATCH. Those without a row are passed over. */
enum hearth_code meta_repair_end(
    struct meta_store *store, const struct meta_id *segments, size_t count, struct hearth_err *err);

/* The most urgent ones, up to `max`. */
enum hearth_code meta_repair_load(struct meta_store *store, struct meta_repair_row *rows,
    size_t max, size_t *count, struct hearth_err *err);

/* Since when everything is to be brought to n; 0: it is not. */
enum hearth_code meta_repair_set_asked(
    struct meta_store *store, uint64_t since_ms, struct hearth_err *err);
enum hearth_code meta_repair_get_asked(
    struct meta_store *store, uint64_t *since_ms, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_REPAIR_H */
