#include "client/object_stat.h"

#include "client/object_lookup.h"
#include "common/codec.h"
#include "proto/wire_repair.h"

#include <math.h>

/* The struct handed out is the first thing in its own memory. */
struct owned_stat {
    struct hearth_stat stat;
    struct arena arena;
};

void hearth_stat_destroy(struct hearth_stat *stat)
{
    if (stat != NULL) {
        struct owned_stat *owned = (struct owned_stat *)stat;
        arena_fini(&owned->arena);
        free(owned);
    }
}

static int compare_slots(const void *a, const void *b)
{
    unsigned x = ((const struct hearth_holder *)a)->slot;
    unsigned y = ((const struct hearth_holder *)b)->slot;
    return x < y ? -1 : x > y;
}

static_assert(HEARTH_HOLDER_MISSING == (int)WIRE_HOLDER_MISSING &&
        HEARTH_HOLDER_REACHABLE == (int)WIRE_HOLDER_REACHABLE,
    "the wire's numbers are the library's");

/* An older coordinator says nothing of it. */
static void fill_holder(
    const struct wire_segment_estimate *estimate, size_t index, struct hearth_holder *out)
{
    if (estimate != NULL && index < estimate->uptime_ppm_count) {
        out->uptime_ppm = estimate->uptime_ppm[index];
    }
    if (estimate != NULL && index < estimate->states_count) {
        out->state = estimate->states[index];
    }
}

static enum hearth_code fill_holders(struct owned_stat *owned, const struct wire_segment_info *info,
    struct hearth_segment *out, struct hearth_err *err)
{
    struct hearth_holder *holders =
        arena_take_array(&owned->arena, info->holders_count + 1, sizeof(*holders));
    if (holders == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu holders", info->holders_count);
    }
    unsigned count = 0;
    for (size_t i = 0; i < info->holders_count; i++) {
        const struct wire_placement *placement = &info->holders[i];
        if (placement->node == NULL || placement->node->node_id.size != NODE_HEALTH_ID_SIZE) {
            continue;
        }
        holders[count] =
            (struct hearth_holder){.slot = placement->slot, .number = placement->number};
        fill_holder(info->estimate, i, &holders[count]);
        hex_encode(placement->node->node_id.bytes, NODE_HEALTH_ID_SIZE, holders[count++].node);
    }
    qsort(holders, count, sizeof(*holders), compare_slots);
    out->holders = holders;
    out->holder_count = count;
    return HEARTH_OK;
}

static double chance_of(uint64_t digits_micro)
{
    return digits_micro < WIRE_DIGITS_MAX ? pow(10, -(double)digits_micro / 1e6) : 0;
}

/* An older coordinator says nothing of it. */
static void fill_estimate(const struct wire_segment_estimate *estimate, struct hearth_segment *out)
{
    if (estimate != NULL) {
        out->is_estimated = true;
        out->held = estimate->held;
        out->reachable = estimate->reachable;
        out->trigger = estimate->trigger;
        out->unreadable = chance_of(estimate->unreadable_digits);
        out->lost = chance_of(estimate->lost_digits);
        out->repair = estimate->reason <= HEARTH_REPAIR_ASKED ? estimate->reason : 0;
    }
}

static enum hearth_code fill_segments(
    struct owned_stat *owned, struct object_lookup *lookup, struct hearth_err *err)
{
    const struct manifest *manifest = &lookup->manifest;
    struct hearth_segment *segments =
        arena_take_array(&owned->arena, manifest->extent_count + 1, sizeof(*segments));
    if (segments == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu segments", manifest->extent_count);
    }
    uint64_t start = 0;
    for (size_t i = 0; i < manifest->extent_count; i++) {
        const struct wire_segment_info *info;
        enum hearth_code code = object_lookup_segment(lookup, i, &info, err);
        if (code != HEARTH_OK) {
            return code;
        }
        segments[i] = (struct hearth_segment){
            .object_offset = start,
            .length = manifest->extents[i].length,
            .k = info->k,
            .n = info->n,
        };
        memcpy(segments[i].id, manifest->extents[i].segment_id, sizeof(segments[i].id));
        fill_estimate(info->estimate, &segments[i]);
        code = fill_holders(owned, info, &segments[i], err);
        if (code != HEARTH_OK) {
            return code;
        }
        start += manifest->extents[i].length;
    }
    owned->stat.segments = segments;
    owned->stat.segment_count = (unsigned)manifest->extent_count;
    return HEARTH_OK;
}

static enum hearth_code fill(struct owned_stat *owned, struct object_lookup *lookup,
    bool with_shards, struct hearth_err *err)
{
    enum hearth_code code = object_manifest_read(&lookup->manifest, lookup->key, lookup->reply.info,
        lookup->tags, &owned->arena, &owned->stat.object, err);
    if (code != HEARTH_OK || !with_shards) {
        return code;
    }
    owned->stat.is_inline = lookup->manifest.extent_count == 0;
    return fill_segments(owned, lookup, err);
}

static enum hearth_code look(struct session *session, const char *bucket, struct view key,
    bool with_shards, struct owned_stat *owned, struct hearth_err *err)
{
    struct object_lookup lookup = {
        .session = session,
        .bucket_name = bucket,
        .key = key,
        .head_only = !with_shards,
        .with_estimate = with_shards,
    };
    enum hearth_code code = object_lookup_begin(&lookup, err);
    if (code == HEARTH_OK) {
        code = fill(owned, &lookup, with_shards, err);
    }
    object_lookup_end(&lookup);
    return code;
}

enum hearth_code object_stat(struct session *session, const char *bucket, struct view key,
    bool with_shards, struct hearth_stat **out, struct hearth_err *err)
{
    struct owned_stat *owned = calloc(1, sizeof(*owned));
    if (owned == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stat %s", bucket);
    }
    arena_init(&owned->arena, 0);
    enum hearth_code code = look(session, bucket, key, with_shards, owned, err);
    if (code != HEARTH_OK) {
        hearth_stat_destroy(&owned->stat);
        return hearth_err_prefix(err, "stat %s/%.*s", bucket, VIEW_ARGS(key));
    }
    *out = &owned->stat;
    return HEARTH_OK;
}
