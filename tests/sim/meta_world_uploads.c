/*
 * The acts of writers and of repair (meta_world_acts.h).
 */
#include "tests/lib/test.h"
#include "tests/sim/meta_world_acts.h"

/* ---- uploads ---- */

void meta_world_begin(struct meta_world *world)
{
    unsigned key = below(world, MODEL_KEYS);
    struct meta_begin request = {.bucket = world->meta.bucket,
        .key = view_text(meta_world_keys[key]),
        .token = test_meta_id(&world->meta)};
    struct meta_intent intent;
    enum hearth_code code;
    RESOLVED(world, code, meta_begin(world->meta.store, &request, &intent, &world->meta.err));
    assert_ok(code, &world->meta.err);
    model_add_intent(&world->model, key, &intent);
}

/* One of the last few, open or not. */
static bool pick_intent(struct meta_world *world, unsigned *out)
{
    unsigned count = world->model.intent_count;
    if (count == 0) {
        return false;
    }
    *out = count - 1 - below(world, count < 6 ? count : 6);
    return true;
}

static bool pick_segment(struct meta_world *world, unsigned *out)
{
    unsigned count = world->model.segment_count;
    if (count == 0) {
        return false;
    }
    *out = count - 1 - below(world, count < 10 ? count : 10);
    return true;
}

static void add_placements(
    struct meta_world *world, unsigned segment, const struct meta_offers *offers)
{
    for (size_t i = 0; i < offers->count; i++) {
        const struct meta_offer *offer = &offers->offers[i];
        struct meta_id shard = test_meta_shard_id(
            &world->meta, world->model.segments[segment].id, offer->slot, offer->p);
        model_add_placement(&world->model, segment, offer, shard, offers->expires_ms);
    }
}

/* A call whose outcome was unknown may have made offers before the ones that are known. */
static void add_placements_and_lost_ones(
    struct meta_world *world, unsigned segment, const struct meta_offers *offers)
{
    uint16_t *last_p = &world->model.segments[segment].last_p;
    struct meta_offers lost = *offers;
    while (*last_p + 1 < offers->offers[0].p) {
        *last_p = (uint16_t)(*last_p + 1);
        for (size_t i = 0; i < lost.count; i++) {
            lost.offers[i].p = *last_p;
        }
        add_placements(world, segment, &lost);
    }
    *last_p = offers->offers[0].p;
    add_placements(world, segment, offers);
}

/* Random distinct nodes for slots 0, 1, ... */
static void draw_offers(struct meta_world *world, struct meta_offer offers[MODEL_SLOTS])
{
    uint32_t nodes[META_WORLD_NODES];
    for (uint32_t i = 0; i < META_WORLD_NODES; i++) {
        nodes[i] = i + 1;
    }
    for (uint16_t slot = 0; slot < MODEL_SLOTS; slot++) {
        unsigned at = slot + below(world, META_WORLD_NODES - slot);
        offers[slot] = (struct meta_offer){.slot = slot, .node = nodes[at]};
        nodes[at] = nodes[slot];
    }
}

void meta_world_open_segment(struct meta_world *world)
{
    unsigned intent;
    if (!pick_intent(world, &intent)) {
        return;
    }
    bool is_open = model_intent_is_open(&world->model, intent, now_of(world));
    struct meta_offer wanted[MODEL_SLOTS];
    struct meta_offers offers;
    draw_offers(world, wanted);
    struct meta_segment_open request = {.intent = world->model.intents[intent].id,
        .segment = test_meta_id(&world->meta),
        .k = 4,
        .n = MODEL_SLOTS,
        .w = 6,
        .offers = wanted,
        .offer_count = 6 + below(world, 3)};
    enum hearth_code code;
    RESOLVED(
        world, code, meta_segment_open(world->meta.store, &request, &offers, &world->meta.err));
    assert_int_equal(code == HEARTH_OK, is_open);
    if (code == HEARTH_OK) {
        unsigned segment = model_add_segment(&world->model, intent, request.segment);
        add_placements(world, segment, &offers);
    }
}

void meta_world_offer_slot(struct meta_world *world)
{
    unsigned segment;
    struct meta_offers offers;
    if (!pick_segment(world, &segment)) {
        return;
    }
    const struct model_segment *mine = &world->model.segments[segment];
    struct meta_offer_slot request = {.intent = world->model.intents[mine->intent].id,
        .segment = mine->id,
        .slot = (uint16_t)below(world, MODEL_SLOTS),
        .node = 1 + below(world, META_WORLD_NODES)};
    enum hearth_code code;
    RESOLVED(world, code, meta_offer_slot(world->meta.store, &request, &offers, &world->meta.err));
    if (code == HEARTH_OK) {
        assert_true(
            mine->sealed || model_intent_is_open(&world->model, mine->intent, now_of(world)));
        add_placements_and_lost_ones(world, segment, &offers);
    }
}

/* Receipts of some placements of the segment, in random order of arrival; some are not good. */
static size_t draw_receipts(
    struct meta_world *world, unsigned segment, struct meta_receipt receipts[META_SLOTS_MAX])
{
    size_t count = 0;
    for (unsigned i = 0; i < world->model.placement_count && count < META_SLOTS_MAX; i++) {
        const struct model_placement *placement = &world->model.placements[i];
        if (placement->segment == segment && below(world, 8) > 0) {
            receipts[count++] = (struct meta_receipt){.slot = placement->slot,
                .p = placement->p,
                .node = placement->node,
                .shard_length = below(world, 20) > 0 ? TEST_META_SHARD_LENGTH : 1};
        }
    }
    return count;
}

/* Takes over what the store says of the segment. */
static void refresh_segment(struct meta_world *world, unsigned segment)
{
    struct meta_segment now;
    struct test_meta *meta = &world->meta;
    enum hearth_code code =
        meta_segment_get(meta->store, world->model.segments[segment].id, &now, &meta->err);
    if (code == HEARTH_OK) {
        model_set_holders(&world->model, segment, &now, now_of(world));
    } else {
        assert_int_equal(code, HEARTH_NOT_FOUND);
    }
}

static struct meta_seal seal_of(
    struct meta_world *world, unsigned segment, struct meta_receipt receipts[META_SLOTS_MAX])
{
    const struct model_segment *mine = &world->model.segments[segment];
    return (struct meta_seal){.intent = world->model.intents[mine->intent].id,
        .segment = mine->id,
        .length = META_WORLD_SEGMENT_LENGTH,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = draw_receipts(world, segment, receipts)};
}

void meta_world_seal(struct meta_world *world)
{
    unsigned segment;
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
    if (!pick_segment(world, &segment)) {
        return;
    }
    const struct model_segment *mine = &world->model.segments[segment];
    bool was_sealed = mine->sealed;
    struct meta_seal request = seal_of(world, segment, receipts);
    enum hearth_code code;
    RESOLVED(world, code, meta_seal(world->meta.store, &request, &result, &world->meta.err));
    if (code == HEARTH_OK && !was_sealed) {
        assert_true(model_intent_is_open(&world->model, mine->intent, now_of(world)));
        assert_true(result.holders >= 6);
    }
    refresh_segment(world, segment);
}

void meta_world_add_holders(struct meta_world *world)
{
    unsigned segment;
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
    if (!pick_segment(world, &segment)) {
        return;
    }
    struct meta_add_holders request = {.segment = world->model.segments[segment].id,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = draw_receipts(world, segment, receipts)};
    enum hearth_code code;
    RESOLVED(world, code, meta_add_holders(world->meta.store, &request, &result, &world->meta.err));
    refresh_segment(world, segment);
}

/* Up to MODEL_EXTENTS_MAX of the intent's segments, `sealed` ones or one that is not. */
static unsigned segments_of(struct meta_world *world, unsigned intent, bool sealed, unsigned *out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->model.segment_count && count < MODEL_EXTENTS_MAX; i++) {
        const struct model_segment *segment = &world->model.segments[i];
        if (segment->intent == intent && segment->sealed == sealed && below(world, 4) > 0) {
            out[count++] = i;
        }
    }
    return count;
}

void meta_world_commit(struct meta_world *world)
{
    unsigned intent;
    struct model_version version = {.exists = true};
    struct meta_extent extents[MODEL_EXTENTS_MAX];
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result sealed;
    struct meta_object_info info;
    unsigned unsealed[MODEL_EXTENTS_MAX];
    if (!pick_intent(world, &intent)) {
        return;
    }
    bool is_open = model_intent_is_open(&world->model, intent, now_of(world));
    version.segment_count = segments_of(world, intent, true, version.segments);
    bool seals = version.segment_count < MODEL_EXTENTS_MAX &&
        segments_of(world, intent, false, unsealed) > 0;
    struct meta_seal last;
    if (seals) {
        last = seal_of(world, unsealed[0], receipts);
        version.segments[version.segment_count++] = unsealed[0];
    }
    for (unsigned i = 0; i < version.segment_count; i++) {
        extents[i] = (struct meta_extent){
            world->model.segments[version.segments[i]].id, 0, META_WORLD_SEGMENT_LENGTH};
    }
    struct meta_commit request = test_meta_commit(
        &world->meta, world->model.intents[intent].id, extents, version.segment_count);
    request.seal = seals ? &last : NULL;
    enum hearth_code code;
    RESOLVED(
        world, code, meta_commit(world->meta.store, &request, &info, &sealed, &world->meta.err));
    if (seals) {
        refresh_segment(world, unsealed[0]);
    }
    if (code != HEARTH_OK || world->model.intents[intent].ended) {
        assert_true(!is_open || (seals && code == HEARTH_SHARDS_LOST));
        return;
    }
    assert_true(is_open);
    version.version = info.version;
    version.size = request.body.size;
    world->model.intents[intent].ended = true;
    model_set_key(&world->model, world->model.intents[intent].key, &version, now_of(world));
}

void meta_world_abort(struct meta_world *world)
{
    unsigned intent;
    if (!pick_intent(world, &intent)) {
        return;
    }
    enum hearth_code code;
    RESOLVED(world, code,
        meta_abort(world->meta.store, world->model.intents[intent].id, &world->meta.err));
    world->model.intents[intent].ended = true;
}

/* ---- repair ---- */

void meta_world_repair(struct meta_world *world)
{
    unsigned segment;
    struct meta_offer wanted[MODEL_SLOTS];
    struct meta_offers offers;
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
    if (!pick_segment(world, &segment) || !world->model.segments[segment].sealed) {
        return;
    }
    draw_offers(world, wanted);
    struct meta_repair_offer request = {.segment = world->model.segments[segment].id,
        .generation = world->model.segments[segment].generation,
        .offers = wanted,
        .offer_count = 1 + below(world, 3)};
    enum hearth_code code;
    RESOLVED(
        world, code, meta_repair_offer(world->meta.store, &request, &offers, &world->meta.err));
    if (code != HEARTH_OK) {
        assert_int_equal(code, HEARTH_NOT_FOUND);
        return;
    }
    add_placements_and_lost_ones(world, segment, &offers);
    for (size_t i = 0; i < offers.count; i++) {
        receipts[i] = (struct meta_receipt){offers.offers[i].slot, offers.offers[i].p,
            offers.offers[i].node, TEST_META_SHARD_LENGTH};
    }
    struct meta_repair_apply apply = {.segment = request.segment,
        .generation = request.generation,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = offers.count};
    if (below(world, 4) > 0) { /* else the worker died */
        RESOLVED(
            world, code, meta_repair_apply(world->meta.store, &apply, &result, &world->meta.err));
    }
    refresh_segment(world, segment);
}
