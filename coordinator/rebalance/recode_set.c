#include "coordinator/rebalance/recode_set.h"

#include "coordinator/meta/meta_bucket.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/service/segment_orders.h"

enum hearth_code recode_set_open(struct meta_store *store, struct view name, uint32_t profile,
    struct recode_set *out, struct hearth_err *err)
{
    struct arena arena;
    struct meta_bucket bucket;
    arena_init(&arena, 0);
    enum hearth_code code = meta_bucket_get(store, name, &arena, &bucket, err);
    if (code == HEARTH_NOT_FOUND) {
        code = hearth_fail(err, HEARTH_CANCELLED, "the bucket is gone");
    } else if (code == HEARTH_OK && bucket.settings.profile != profile) {
        code = hearth_fail(err, HEARTH_CANCELLED, "the bucket has another profile by now");
    } else if (code == HEARTH_OK) {
        *out = (struct recode_set){.profile = profile_by_number(profile), .bucket = bucket.id};
    }
    arena_fini(&arena);
    return code;
}

enum hearth_code recode_page_read(
    struct meta_store *store, struct meta_id after, struct recode_page *out, struct hearth_err *err)
{
    enum hearth_code code =
        meta_sweep(store, after, out->segments, META_SWEEP_MAX, &out->count, err);
    out->share_count = 0;
    return code == HEARTH_OK && out->count > 0
        ? meta_sweep_shares(
              store, after, out->segments[out->count - 1].id, out->shares, &out->share_count, err)
        : code;
}

/* Shares beyond so many are left out: whose may be among those counts as shared. */
static bool is_known(const struct recode_page *page, const struct meta_id *segment)
{
    return page->share_count < META_SHARES_MAX ||
        memcmp(segment, &page->shares[META_SHARES_MAX - 1].segment, sizeof(*segment)) < 0;
}

/* Of all that name it, those in the bucket. */
static uint64_t refs_of_bucket(const struct recode_set *set, const struct recode_page *page,
    const struct meta_segment *segment)
{
    uint64_t shared = 0;
    uint64_t ours = 0;
    for (size_t i = 0; i < page->share_count; i++) {
        const struct meta_share *share = &page->shares[i];
        if (meta_id_equal(share->segment, segment->id)) {
            shared += share->refs;
            ours += meta_id_equal(share->bucket, set->bucket) ? share->refs : 0;
        }
    }
    return meta_id_equal(segment->bucket, set->bucket) && segment->refs > shared
        ? segment->refs - shared
        : ours;
}

enum recode_verdict recode_judge(
    const struct recode_set *set, const struct recode_page *page, size_t index)
{
    const struct meta_segment *segment = &page->segments[index];
    const uint64_t ours = refs_of_bucket(set, page, segment);
    if (ours == 0 || segment->profile == set->profile->number || rebalance_is_over(segment)) {
        return RECODE_NOT;
    }
    return segment->refs > ours || !is_known(page, &segment->id) ? RECODE_SHARED : RECODE_WANTED;
}

enum hearth_code recode_cost_of(const struct profile *profile, const struct meta_segment *segment,
    struct recode_cost *out, struct hearth_err *err)
{
    uint64_t before;
    uint64_t after;
    if (segment_shard_size(segment->k, segment->length, &before, err) != HEARTH_OK ||
        segment_shard_size(profile->k, segment->length, &after, err) != HEARTH_OK) {
        return err->code;
    }
    *out = (struct recode_cost){.moved = segment->k * before + profile->n * after,
        .disk_before = segment->n * before,
        .disk_after = profile->n * after,
        .shard_after = after};
    return HEARTH_OK;
}
