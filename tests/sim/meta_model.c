#include "tests/sim/meta_model.h"

#include <assert.h>

bool model_intent_is_open(const struct model *model, unsigned intent, uint64_t now_ms)
{
    return !model->intents[intent].ended && now_ms < model->intents[intent].expires_ms;
}

unsigned model_add_intent(struct model *model, unsigned key, const struct meta_intent *intent)
{
    assert(model->intent_count < MODEL_INTENTS_MAX);
    model->intents[model->intent_count] =
        (struct model_intent){.id = intent->id, .key = key, .expires_ms = intent->expires_ms};
    return model->intent_count++;
}

unsigned model_add_segment(struct model *model, unsigned intent, struct meta_id id)
{
    assert(model->segment_count < MODEL_SEGMENTS_MAX);
    model->segments[model->segment_count] =
        (struct model_segment){.id = id, .intent = intent, .last_p = 1};
    return model->segment_count++;
}

struct model_placement *model_find_shard(struct model *model, struct meta_id shard)
{
    for (unsigned i = 0; i < model->placement_count; i++) {
        if (meta_id_equal(model->placements[i].shard, shard)) {
            return &model->placements[i];
        }
    }
    return NULL;
}

void model_add_placement(struct model *model, unsigned segment, const struct meta_offer *offer,
    struct meta_id shard, uint64_t order_until_ms)
{
    assert(model->placement_count < MODEL_PLACEMENTS_MAX);
    assert(model_find_shard(model, shard) == NULL);
    model->placements[model->placement_count++] = (struct model_placement){
        .segment = segment,
        .slot = offer->slot,
        .p = offer->p,
        .node = offer->node,
        .shard = shard,
        .order_until_ms = order_until_ms,
    };
}

static unsigned find_placement(
    const struct model *model, unsigned segment, unsigned slot, struct meta_holder holder)
{
    for (unsigned i = 0; i < model->placement_count; i++) {
        const struct model_placement *placement = &model->placements[i];
        if (placement->segment == segment && placement->slot == slot && placement->p == holder.p &&
            placement->node == holder.node) {
            return i;
        }
    }
    assert(false && "a holder that was never offered its slot");
    return 0;
}

void model_set_holders(
    struct model *model, unsigned segment, const struct meta_segment *now, uint64_t now_ms)
{
    struct model_segment *mine = &model->segments[segment];
    mine->sealed = true;
    mine->generation = now->generation;
    mine->last_p = now->last_p;
    for (unsigned slot = 0; slot < MODEL_SLOTS; slot++) {
        unsigned before = mine->holders[slot];
        unsigned after = now->holders[slot].node == 0
            ? 0
            : 1 + find_placement(model, segment, slot, now->holders[slot]);
        assert(before == 0 || after != 0); /* D7 */
        if (before != 0 && before != after) {
            model->placements[before - 1].read_until_ms = now_ms + META_READ_GRACE_MS;
        }
        mine->holders[slot] = after;
    }
}

void model_set_key(
    struct model *model, unsigned key, const struct model_version *version, uint64_t now_ms)
{
    struct model_version *old = &model->keys[key];
    for (unsigned i = 0; old->exists && i < old->segment_count; i++) {
        model->segments[old->segments[i]].needed_until_ms = now_ms + META_READ_GRACE_MS;
    }
    *old = *version;
}

void model_read_segment(struct model *model, unsigned segment, uint64_t now_ms)
{
    for (unsigned slot = 0; slot < MODEL_SLOTS; slot++) {
        unsigned holder = model->segments[segment].holders[slot];
        if (holder != 0) {
            model->placements[holder - 1].read_until_ms = now_ms + META_ORDER_MS + META_SKEW_MS;
        }
    }
}

static bool is_in_an_object(const struct model *model, unsigned segment)
{
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        const struct model_version *version = &model->keys[key];
        for (unsigned i = 0; version->exists && i < version->segment_count; i++) {
            if (version->segments[i] == segment) {
                return true;
            }
        }
    }
    return false;
}

static const char *segment_needs(const struct model *model, unsigned segment, uint64_t now_ms)
{
    if (is_in_an_object(model, segment)) {
        return "an object is made of it";
    }
    if (model_intent_is_open(model, model->segments[segment].intent, now_ms)) {
        return "its upload may still commit";
    }
    if (now_ms < model->segments[segment].needed_until_ms) {
        return "a reader may have begun with a version made of it";
    }
    return NULL;
}

const char *model_needs(
    const struct model *model, const struct model_placement *placement, uint64_t now_ms)
{
    const struct model_segment *segment = &model->segments[placement->segment];
    unsigned holder = segment->holders[placement->slot];
    if (now_ms < placement->read_until_ms) {
        return "a reader has an order for it";
    }
    if (now_ms < placement->order_until_ms + META_SKEW_MS && !segment->sealed) {
        return "a writer has an order for it";
    }
    if (holder != 0 && &model->placements[holder - 1] == placement) {
        return segment_needs(model, placement->segment, now_ms);
    }
    if (!segment->sealed && model_intent_is_open(model, segment->intent, now_ms)) {
        return "its segment may still be sealed with it";
    }
    return now_ms < placement->order_until_ms + META_SKEW_MS ? "a late receipt may still add it"
                                                             : NULL;
}
