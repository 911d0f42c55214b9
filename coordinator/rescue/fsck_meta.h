/*
 * fsck_meta.h - a copy of a coordinator's metadata, checked against itself.
 *
 *   through meta_store.h   segments, nodes: as every duty reads them
 *   through SQL            what no operation reads as a whole: bodies, usage, who names a shard
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_META_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_META_H

#include "coordinator/meta/meta_node.h"
#include "coordinator/meta/meta_segment.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/rescue/fsck_report.h"

struct cluster;
struct fsck_meta;
struct shard_name;

/* The copy is meta.db in `folder`; opening it writes to it. */
enum hearth_code fsck_meta_open(const struct cluster *cluster, struct env *env, const char *folder,
    struct fsck_meta **out, struct hearth_err *err);

void fsck_meta_close(struct fsck_meta *meta); /* accepts NULL */

/*
 * SQLite's own check; every version has its body and every body its version, or is doomed; extents
 * lie in segments that exist and add up to the object; refs, shares of other buckets and usage are
 * what they count.
 */
enum hearth_code fsck_meta_check(
    struct fsck_meta *meta, struct fsck_report *report, struct hearth_err *err);

const struct meta_node_list *fsck_meta_nodes(const struct fsck_meta *meta);

/* NULL: no such number. */
const struct meta_node *fsck_meta_node(const struct fsck_meta *meta, uint32_t number);

/* Calls check() for each segment in the order of ids. */
typedef void fsck_segment_fn(void *context, const struct meta_segment *segment);
enum hearth_code fsck_meta_sweep(
    struct fsck_meta *meta, fsck_segment_fn *check, void *context, struct hearth_err *err);

/* The name of a placement's shard at its node. */
void fsck_meta_shard_id(const struct fsck_meta *meta, const struct meta_segment *segment,
    unsigned slot, uint8_t id[META_ID_SIZE]);

/* Of what is a copy as its file was: what is marked as a backup has another idea of it. */
enum hearth_code fsck_meta_settings(
    struct fsck_meta *meta, struct meta_settings *out, struct hearth_err *err);

/* False: nobody with these keys made that name. */
bool fsck_meta_place(const struct fsck_meta *meta, const struct shard_name *name,
    struct meta_id *segment, uint16_t *slot);

enum fsck_naming {
    FSCK_NAMED_HOLDER,
    FSCK_NAMED_OFFER,
    FSCK_NAMED_DEAD,
    FSCK_NAMED_SHIPMENT, /* which the metadata does not know: it was rebuilt from an older one */
    FSCK_NAMED_NOWHERE,
    FSCK_NAME_FORGED, /* id and locator do not belong together */
};

enum fsck_naming fsck_meta_who_names(
    struct fsck_meta *meta, uint32_t node, const uint8_t id[META_ID_SIZE], struct view locator);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_META_H */
