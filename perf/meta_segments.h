/*
 * meta_segments.h - very many segments, written straight through the metadata's seam.
 *
 * Rows are what seals would have made of full segments, with holders of META_SEGMENTS_NODES nodes
 * and for META_SEGMENTS_BUCKETS buckets that are not in the metadata; ids ascend and are spread
 * over all ids, as random ones would be.
 */
#ifndef HEARTH_PERF_META_SEGMENTS_H
#define HEARTH_PERF_META_SEGMENTS_H

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_store.h"

enum { META_SEGMENTS_NODES = 1000, META_SEGMENTS_BUCKETS = 100, META_SEGMENTS_BATCH = 20000 };

/* Into a store without any. */
enum hearth_code meta_segments_make(struct meta_store *store, const struct profile *profile,
    uint64_t count, struct hearth_err *err);

#endif /* HEARTH_PERF_META_SEGMENTS_H */
