#include "tests/sim/garbage_world_acts.h"

#include "coordinator/meta/meta_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 6 };
#define MINUTE_MS (UINT64_C(60) * 1000)
#define DAY_MS    (24 * 60 * MINUTE_MS)

struct garbage_shard *garbage_find_shard(struct garbage_node *node, const struct meta_id *id)
{
    for (unsigned i = 0; i < node->count; i++) {
        if (meta_id_equal(node->shards[i].id, *id)) {
            return &node->shards[i];
        }
    }
    return NULL;
}

/* ---- the model: who needs a shard ---- */

/* The metadata of now gives the slot to it, and nobody has ended the segment. */
static bool is_in_layout(
    struct garbage_world *world, uint32_t number, const struct garbage_shard *shard)
{
    struct meta_segment segment;
    return read_segment(world, &world->objects[shard->object], &segment) && segment.refs > 0 &&
        segment.dying_ms == 0 && is_holder(&segment.holders[shard->slot], number, shard->p);
}

static const char *why_needed(
    struct garbage_world *world, uint32_t number, const struct garbage_shard *shard)
{
    const struct garbage_object *object = &world->objects[shard->object];
    if (shard->is_protected) {
        return "only the time lost by the restore knows it";
    }
    if (object->state == OBJECT_COMMITTED &&
        is_holder(&object->holders[shard->slot], number, shard->p)) {
        return "an object needs it";
    }
    bool is_open = object->state == OBJECT_OPEN || object->state == OBJECT_SEALED;
    if (is_open && now_ms(world) < object->begun_ms + META_INTENT_MS && shard->p == 1) {
        return "an upload under way may commit it";
    }
    return is_in_layout(world, number, shard) ? "the layout names it" : NULL;
}

/* ---- nodes ---- */

void garbage_store_shard(
    struct garbage_world *world, uint32_t number, unsigned object, uint16_t slot, uint16_t p)
{
    struct garbage_node *node = node_of(world, number);
    struct meta_id id = test_meta_shard_id(&world->meta, world->objects[object].segment, slot, p);
    if (garbage_find_shard(node, &id) == NULL) {
        assert_true(node->count < GARBAGE_SHARDS);
        node->shards[node->count++] = (struct garbage_shard){.id = id,
            .object = object,
            .slot = slot,
            .p = p,
            .stored_ms = now_ms(world) - node->late_ms};
    }
}

/* The door. */
static void trash_shard(struct garbage_world *world, uint32_t number, const struct meta_id *id)
{
    struct garbage_shard *shard = garbage_find_shard(node_of(world, number), id);
    if (shard == NULL || shard->state != GARBAGE_LIVE) {
        return;
    }
    const char *why = why_needed(world, number, shard);
    if (why != NULL) {
        fail_msg("node %u was told to trash a shard of object %u, slot %u, p %u: %s", number,
            shard->object, shard->slot, shard->p, why);
    }
    shard->state = GARBAGE_TRASH;
    shard->trashed_ms = now_ms(world);
    world->trashed++;
}

static void purge(struct garbage_world *world, uint32_t number)
{
    struct garbage_node *node = node_of(world, number);
    for (unsigned i = 0; i < node->count; i++) {
        struct garbage_shard *shard = &node->shards[i];
        if (shard->state != GARBAGE_TRASH || shard->trashed_ms + 7 * DAY_MS > now_ms(world) ||
            shard->trashed_ms >= node->purge_until) {
            continue;
        }
        assert_false(is_in_layout(world, number, shard));
        shard->state = GARBAGE_PURGED;
        world->purged++;
    }
}

/* ---- what time and the machine do ---- */

static void step_time(struct garbage_world *world)
{
    static const uint64_t spans[] = {
        MINUTE_MS, 12 * MINUTE_MS, 60 * MINUTE_MS, DAY_MS, 3 * DAY_MS, 9 * DAY_MS};
    test_env_step_ms(&world->meta.env, spans[below(world, sizeof(spans) / sizeof(spans[0]))]);
}

static void move_node(struct garbage_world *world)
{
    struct garbage_node *node = &world->nodes[below(world, GARBAGE_NODES)];
    node->is_away = !node->is_away && one_in(world, 2);
    node->late_ms = one_in(world, 4) ? below(world, 5 * MINUTE_MS) : 0;
    node->snapshot = node->count;
}

static void back_up(struct garbage_world *world)
{
    if (world->backup[0] != 0) {
        unlink(world->backup);
    }
    snprintf(world->backup, sizeof(world->backup), "%s.backup", world->meta.directory);
    assert_ok(meta_backup(world->meta.store, world->backup, &world->meta.err), &world->meta.err);
}

/* Whatever was needed until now, and the restored metadata may not know. */
static void protect_what_is_needed(struct garbage_world *world)
{
    for (uint32_t number = 1; number <= GARBAGE_NODES; number++) {
        struct garbage_node *node = node_of(world, number);
        for (unsigned i = 0; i < node->count; i++) {
            struct garbage_shard *shard = &node->shards[i];
            const struct garbage_object *object = &world->objects[shard->object];
            shard->is_protected |= shard->state == GARBAGE_LIVE &&
                object->state == OBJECT_COMMITTED &&
                is_holder(&object->holders[shard->slot], number, shard->p);
        }
    }
}

static void learn_object(struct garbage_world *world, struct garbage_object *object)
{
    struct meta_object found;
    bool is_there = test_meta_find(&world->meta, object->key, &found) == HEARTH_OK &&
        found.segment_count == 1 && meta_id_equal(found.segments[0].id, object->segment);
    if (is_there) {
        object->state = OBJECT_COMMITTED;
        garbage_learn_holders(world, object);
    } else if (object->state != OBJECT_NONE) {
        object->state = OBJECT_GONE; /* what it needs is protected */
    }
}

static void restore(struct garbage_world *world)
{
    if (world->backup[0] == 0) {
        return;
    }
    protect_what_is_needed(world);
    test_meta_restore(&world->meta, world->backup);
    world->backup[0] = 0;
    world->restores++;
    for (unsigned i = 0; i < world->object_count; i++) {
        learn_object(world, &world->objects[i]);
    }
}

static void give_up_the_past(struct garbage_world *world)
{
    for (unsigned i = 0; i < GARBAGE_NODES; i++) {
        for (unsigned at = 0; at < world->nodes[i].count; at++) {
            world->nodes[i].shards[at].is_protected = false;
        }
    }
}

static bool is_held(struct garbage_world *world)
{
    struct meta_settings settings;
    assert_ok(meta_settings_get(world->meta.store, &settings, &world->meta.err), &world->meta.err);
    return settings.garbage_held;
}

static void operator_lets_go(struct garbage_world *world)
{
    assert_ok(meta_garbage_unhold(world->meta.store, &world->meta.err), &world->meta.err);
    give_up_the_past(world);
}

static uint64_t epoch_of(struct garbage_world *world)
{
    struct meta_settings settings;
    assert_ok(meta_settings_get(world->meta.store, &settings, &world->meta.err), &world->meta.err);
    return settings.recovery_epoch;
}

/* ---- heartbeats ---- */

static void hear_node(struct garbage_world *world, uint32_t number)
{
    struct garbage_node *node = node_of(world, number);
    struct meta_id ids[META_DEAD_BATCH_MAX];
    size_t count = test_meta_dead(&world->meta, number, ids, META_DEAD_BATCH_MAX);
    if (node->is_away || one_in(world, 6)) {
        memcpy(node->lost, ids, count * sizeof(*ids)); /* the reply is on its way for long */
        node->lost_count = count;
        node->lost_epoch = epoch_of(world);
        return;
    }
    node->epoch = epoch_of(world);
    bool is_late = node->lost_epoch < node->epoch; /* said before the restore: refused */
    for (size_t i = 0; i < node->lost_count && !is_late && one_in(world, 2); i++) {
        trash_shard(world, number, &node->lost[i]);
    }
    for (size_t i = 0; i < count; i++) {
        trash_shard(world, number, &ids[i]);
    }
    if (!one_in(world, 5)) { /* or the results are lost, and all is named again */
        assert_ok(meta_dead_end(world->meta.store, number, ids, count, &world->meta.err),
            &world->meta.err);
    }
    assert_ok(meta_purge_until(world->meta.store, number, &node->purge_until, &world->meta.err),
        &world->meta.err);
    purge(world, number);
}

/* ---- inventories ---- */

static void judge_batch(struct garbage_world *world, uint32_t number,
    struct meta_listed_shard *shards, size_t count, struct meta_reconciled *done)
{
    assert_ok(meta_reconcile_judge(world->meta.store, number, shards, count, &world->meta.err),
        &world->meta.err);
    for (size_t i = 0; i < count; i++) {
        done->unwanted += shards[i].verdict == META_SHARD_UNWANTED && !shards[i].is_trash;
        done->ahead += shards[i].verdict == META_SHARD_AHEAD;
        done->wanted_in_trash += shards[i].verdict == META_SHARD_WANTED && shards[i].is_trash;
    }
}

/* Shards [first, end) as the node lists them, whatever became of them since. */
static struct meta_reconciled list_node(
    struct garbage_world *world, uint32_t number, unsigned first, unsigned end)
{
    struct garbage_node *node = node_of(world, number);
    struct meta_listed_shard shards[META_RECONCILE_MAX];
    struct meta_reconciled done = {.node = number};
    size_t count = 0;
    for (unsigned i = first; i < end; i++) {
        const struct garbage_shard *shard = &node->shards[i];
        if (shard->state != GARBAGE_PURGED) {
            shards[count++] =
                (struct meta_listed_shard){.segment = world->objects[shard->object].segment,
                    .slot = shard->slot,
                    .p = shard->p,
                    .stored_ms = shard->stored_ms,
                    .is_trash = shard->state == GARBAGE_TRASH};
        }
        if (count == META_RECONCILE_MAX || (i + 1 == end && count > 0)) {
            judge_batch(world, number, shards, count, &done);
            count = 0;
        }
    }
    world->named_by_list += (unsigned)done.unwanted;
    world->wanted_in_trash += (unsigned)done.wanted_in_trash;
    world->kept_ahead += (unsigned)done.ahead;
    return done;
}

/* Reconciliation let go by itself: what is protected is what the layout has. */
static void nothing_is_lost(struct garbage_world *world)
{
    for (uint32_t number = 1; number <= GARBAGE_NODES; number++) {
        const struct garbage_node *node = node_of(world, number);
        for (unsigned i = 0; i < node->count; i++) {
            const struct garbage_shard *shard = &node->shards[i];
            assert_true(!shard->is_protected || shard->state != GARBAGE_LIVE ||
                is_in_layout(world, number, shard));
        }
    }
}

/* A whole list; or one that ends early, or is old, of which nothing is written down. */
static void reconcile_node(struct garbage_world *world, uint32_t number)
{
    struct garbage_node *node = node_of(world, number);
    uint32_t numbers[GARBAGE_NODES];
    bool released = false;
    if (node->is_away) {
        return;
    }
    if (one_in(world, 3)) {
        unsigned first = (unsigned)below(world, node->count + 1);
        list_node(world, number, first, first + (unsigned)below(world, node->count - first + 1));
        return;
    }
    if (one_in(world, 4)) {
        list_node(world, number, 0, node->snapshot);
        return;
    }
    struct meta_reconciled done = list_node(world, number, 0, node->count);
    done.epoch = epoch_of(world);
    for (uint32_t i = 0; i < GARBAGE_NODES; i++) {
        numbers[i] = i + 1;
    }
    assert_ok(meta_reconciled_put(
                  world->meta.store, &done, numbers, GARBAGE_NODES, &released, &world->meta.err),
        &world->meta.err);
    if (released) {
        nothing_is_lost(world);
        world->released++;
        give_up_the_past(world);
    }
}

/* ---- rounds ---- */

static void something_happens(struct garbage_world *world)
{
    static garbage_act_fn *const events[] = {garbage_begin_upload, garbage_begin_upload,
        garbage_seal_upload, garbage_seal_upload, garbage_commit_upload, garbage_commit_upload,
        garbage_commit_upload, garbage_abort_upload, garbage_delete_object, garbage_delete_object,
        garbage_repair_slot, garbage_repair_slot, step_time, step_time, move_node};
    if (one_in(world, 40)) {
        back_up(world);
    } else if (one_in(world, 60)) {
        restore(world);
    } else {
        events[below(world, sizeof(events) / sizeof(events[0]))](world);
    }
}

void garbage_world_round(struct garbage_world *world)
{
    struct meta_garbage_report report;
    for (unsigned i = 0; i < EVENTS; i++) {
        something_happens(world);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(
            meta_garbage_step(world->meta.store, &report, &world->meta.err), &world->meta.err);
    }
    bool held = is_held(world);
    for (unsigned i = 0; i < (held ? 8 : 1); i++) {
        reconcile_node(world, (uint32_t)below(world, GARBAGE_NODES) + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        hear_node(world, (uint32_t)below(world, GARBAGE_NODES) + 1);
    }
    if (held && one_in(world, 8)) {
        operator_lets_go(world);
    }
}

void garbage_world_init(struct garbage_world *world, uint64_t seed)
{
    *world = (struct garbage_world){.object_count = 0};
    test_meta_init(&world->meta, seed, GARBAGE_NODES);
    if (one_in(world, 2)) {
        world->meta.keep_deleted_ms = DAY_MS;
        test_meta_reopen(&world->meta);
    }
}

void garbage_world_fini(struct garbage_world *world)
{
    if (world->backup[0] != 0) {
        unlink(world->backup);
    }
    test_meta_fini(&world->meta);
}

static void settle_round(struct garbage_world *world)
{
    test_meta_collect(&world->meta);
    for (uint32_t number = 1; number <= GARBAGE_NODES; number++) {
        struct garbage_node *node = node_of(world, number);
        node->is_away = false;
        list_node(world, number, 0, node->count);
        hear_node(world, number);
        hear_node(world, number);
    }
    test_env_step_ms(&world->meta.env, DAY_MS);
}

static void assert_no_garbage(struct garbage_world *world)
{
    for (uint32_t number = 1; number <= GARBAGE_NODES; number++) {
        const struct garbage_node *node = node_of(world, number);
        for (unsigned i = 0; i < node->count; i++) {
            if (node->shards[i].state == GARBAGE_LIVE) {
                assert_true(is_in_layout(world, number, &node->shards[i]));
            }
        }
    }
}

void garbage_world_settle(struct garbage_world *world)
{
    operator_lets_go(world);
    for (unsigned i = 0; i < 12; i++) {
        settle_round(world);
    }
    assert_no_garbage(world);
}
