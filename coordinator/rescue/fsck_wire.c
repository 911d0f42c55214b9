#include "coordinator/rescue/fsck_wire.h"

#include <assert.h>
#include <string.h>

struct wire_fsck_finding fsck_wire_finding(const struct fsck_finding *finding)
{
    return (struct wire_fsck_finding){
        .kind = view_text(fsck_kind_text(finding->kind)),
        .node = finding->node,
        .segment_id = finding->segment == NULL ? (struct view){0} : meta_id_view(finding->segment),
        .slot = finding->slot,
        .shard_id =
            finding->shard == NULL ? (struct view){0} : view_of(finding->shard, META_ID_SIZE),
        .text = view_text(finding->text),
    };
}

struct wire_fsck_space fsck_wire_space(const struct fsck_space *space)
{
    return (struct wire_fsck_space){.node = space->node,
        .is_reached = space->is_reached,
        .reported_bytes = space->reported_bytes,
        .listed_bytes = space->listed_bytes,
        .named_bytes = space->named_bytes,
        .listed_shards = space->listed_shards,
        .named_shards = space->named_shards,
        .trash_bytes = space->trash_bytes};
}

size_t fsck_wire_counts(
    const struct fsck_counts *counts, struct wire_fsck_count rows[WIRE_FSCK_COUNTS_MAX])
{
    const struct wire_fsck_count all[] = {
#define ROW(name) {view_text(#name), counts->name}
        ROW(objects),
        ROW(bytes),
        ROW(segments),
        ROW(segments_below_n),
        ROW(nodes),
        ROW(nodes_reached),
        ROW(shards),
        ROW(verified),
        ROW(listed),
        ROW(trashed),
        ROW(in_flight),
        ROW(doomed),
        ROW(strays),
        ROW(orphans),
        ROW(ahead),
        ROW(unchecked),
        ROW(problems),
#undef ROW
    };
    static_assert(sizeof(all) / sizeof(all[0]) <= WIRE_FSCK_COUNTS_MAX, "they fit");
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}
