#include "tests/sim/garbage_world_acts.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH = 1000 };

/* ---- what customers do ---- */

void garbage_begin_upload(struct garbage_world *world)
{
    if (world->object_count == GARBAGE_OBJECTS) {
        return;
    }
    unsigned number = world->object_count++;
    struct garbage_object *object = &world->objects[number];
    snprintf(object->key, sizeof(object->key), "k%u", (unsigned)below(world, 12));
    object->intent = test_meta_begin(&world->meta, object->key).id;
    object->segment = test_meta_id(&world->meta);
    object->offers = test_meta_open_segment(&world->meta, object->intent, object->segment);
    object->state = OBJECT_OPEN;
    object->begun_ms = now_ms(world);
    for (size_t i = 0; i < object->offers.count; i++) {
        const struct meta_offer *offer = &object->offers.offers[i];
        if (!node_of(world, offer->node)->is_away && !one_in(world, 20)) {
            garbage_store_shard(world, offer->node, number, offer->slot, offer->p);
        }
    }
}

static struct garbage_object *draw_object(
    struct garbage_world *world, enum garbage_object_state state)
{
    unsigned start = (unsigned)below(world, GARBAGE_OBJECTS);
    for (unsigned i = 0; i < GARBAGE_OBJECTS; i++) {
        struct garbage_object *object = &world->objects[(start + i) % GARBAGE_OBJECTS];
        if (object->state == state) {
            return object;
        }
    }
    return NULL;
}

static unsigned number_of(const struct garbage_world *world, const struct garbage_object *object)
{
    return (unsigned)(object - world->objects);
}

void garbage_learn_holders(struct garbage_world *world, struct garbage_object *object)
{
    struct meta_segment segment;
    if (read_segment(world, object, &segment)) {
        memcpy(object->holders, segment.holders, sizeof(object->holders));
    }
}

void garbage_seal_upload(struct garbage_world *world)
{
    struct garbage_object *object = draw_object(world, OBJECT_OPEN);
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_offers stored = {.count = 0};
    struct meta_seal_result result;
    if (object == NULL) {
        return;
    }
    for (size_t i = 0; i < object->offers.count; i++) {
        const struct meta_offer *offer = &object->offers.offers[i];
        struct meta_id id =
            test_meta_shard_id(&world->meta, object->segment, offer->slot, offer->p);
        struct garbage_shard *shard = garbage_find_shard(node_of(world, offer->node), &id);
        if (shard != NULL && shard->state == GARBAGE_LIVE) {
            stored.offers[stored.count++] = *offer;
        }
    }
    struct meta_seal seal =
        test_meta_seal(object->intent, object->segment, &stored, stored.count, receipts);
    bool is_sealed = stored.count > 0 &&
        meta_seal(world->meta.store, &seal, &result, &world->meta.err) == HEARTH_OK;
    object->state = is_sealed ? OBJECT_SEALED : OBJECT_GONE;
}

static void drop_key(struct garbage_world *world, const char *key)
{
    for (unsigned i = 0; i < world->object_count; i++) {
        if (world->objects[i].state == OBJECT_COMMITTED &&
            strcmp(world->objects[i].key, key) == 0) {
            world->objects[i].state = OBJECT_GONE;
        }
    }
}

void garbage_commit_upload(struct garbage_world *world)
{
    struct garbage_object *object = draw_object(world, OBJECT_SEALED);
    struct meta_object_info info;
    if (object == NULL) {
        return;
    }
    const struct meta_extent extent = {.segment = object->segment, .length = LENGTH};
    struct meta_commit commit = test_meta_commit(&world->meta, object->intent, &extent, 1);
    if (meta_commit(world->meta.store, &commit, &info, NULL, &world->meta.err) == HEARTH_OK) {
        drop_key(world, object->key);
        object->state = OBJECT_COMMITTED;
        garbage_learn_holders(world, object);
    } else {
        object->state = OBJECT_GONE;
    }
}

void garbage_abort_upload(struct garbage_world *world)
{
    struct garbage_object *object =
        draw_object(world, one_in(world, 2) ? OBJECT_OPEN : OBJECT_SEALED);
    if (object != NULL && !one_in(world, 3)) { /* or it is forgotten */
        meta_abort(world->meta.store, object->intent, &world->meta.err);
        object->state = OBJECT_GONE;
    }
}

void garbage_delete_object(struct garbage_world *world)
{
    struct garbage_object *object = draw_object(world, OBJECT_COMMITTED);
    bool existed;
    if (object == NULL) {
        return;
    }
    struct meta_delete delete = {.bucket = world->meta.bucket,
        .key = view_text(object->key),
        .token = test_meta_id(&world->meta)};
    assert_ok(
        meta_delete(world->meta.store, &delete, &existed, &world->meta.err), &world->meta.err);
    drop_key(world, object->key);
}

/* ---- what repair does ---- */

static bool holds_any(const struct meta_segment *segment, uint32_t number)
{
    for (uint16_t slot = 0; slot < segment->n; slot++) {
        if (segment->holders[slot].node == number) {
            return true;
        }
    }
    return false;
}

void garbage_repair_slot(struct garbage_world *world)
{
    struct garbage_object *object = draw_object(world, OBJECT_COMMITTED);
    struct meta_segment segment;
    struct meta_offers offers;
    struct meta_seal_result result;
    uint32_t target = (uint32_t)below(world, GARBAGE_NODES) + 1;
    if (object == NULL || !read_segment(world, object, &segment) || holds_any(&segment, target) ||
        node_of(world, target)->is_away) {
        return;
    }
    const struct meta_offer slot = {.slot = (uint16_t)below(world, GARBAGE_SLOTS), .node = target};
    const struct meta_repair_offer offer = {
        .segment = segment.id, .generation = segment.generation, .offers = &slot, .offer_count = 1};
    if (meta_repair_offer(world->meta.store, &offer, &offers, &world->meta.err) != HEARTH_OK) {
        return;
    }
    garbage_store_shard(world, target, number_of(world, object), slot.slot, offers.offers[0].p);
    if (one_in(world, 4)) {
        return; /* it dies half-way */
    }
    const struct meta_receipt receipt = {.slot = slot.slot,
        .p = offers.offers[0].p,
        .node = target,
        .shard_length = TEST_META_SHARD_LENGTH};
    const struct meta_repair_apply apply = {.segment = segment.id,
        .generation = segment.generation,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = &receipt,
        .receipt_count = 1};
    if (meta_repair_apply(world->meta.store, &apply, &result, &world->meta.err) == HEARTH_OK) {
        garbage_learn_holders(world, object);
    }
}
