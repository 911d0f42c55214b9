/*
 * meta_rebuilt.h - what a database that was put together from shipments does not know yet.
 *
 * Thread-safety: nobody has it open.
 */
#ifndef HEARTH_COORDINATOR_META_META_REBUILT_H
#define HEARTH_COORDINATOR_META_META_REBUILT_H

#include "coordinator/meta/meta_store.h"

/* A shard of a shipment that is newer than the metadata it carries. */
struct meta_stray {
    struct meta_principal node;
    struct meta_id shard;
};

struct meta_rebuilt {
    uint64_t clock_ms; /* time goes on from here, so that what is shipped next is newer (D12) */
    const struct meta_stray *strays; /* named dead, so that nodes let go of them in the end (D5) */
    size_t stray_count;
    uint64_t strays_not_before_ms; /* until then they are all there is */
};

/* Marks it as a copy, too.  HEARTH_CHECKSUM: not a database of ours. */
enum hearth_code meta_rebuilt_finish(
    const char *path, const struct meta_rebuilt *rebuilt, struct hearth_err *err);

/* Who could hold what is newer than the database. */
struct meta_rebuilt_fleet {
    size_t nodes;  /* neither lost nor gone */
    size_t silent; /* of these, not among those that answered */
};

/* Nodes that were asked what they hold; those it does not know joined after it was shipped. */
struct meta_rebuilt_asked {
    const struct meta_principal *answered;
    size_t answered_count;
    const struct meta_principal *silent;
    size_t silent_count;
};

enum hearth_code meta_rebuilt_fleet(const char *path, const struct meta_rebuilt_asked *asked,
    struct meta_rebuilt_fleet *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_REBUILT_H */
