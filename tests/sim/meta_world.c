#include "tests/sim/meta_world_acts.h"

#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_list.h"
#include "coordinator/meta/meta_settings.h"
#include "tests/lib/test.h"

enum { DEAD_MAX = 64 };

const char *const meta_world_keys[MODEL_KEYS] = {"a", "b/1", "b/2", "c", "d"};

static bool sometimes_fails(void *context, enum meta_step step)
{
    struct meta_world *world = context;
    (void)step;
    return world->fault_one_in > 0 &&
        env_random_below(&world->faults.env, world->fault_one_in) == 0;
}

/* ---- objects ---- */

static void put_inline(struct meta_world *world)
{
    unsigned key = below(world, MODEL_KEYS);
    struct meta_put request = test_meta_put(&world->meta, meta_world_keys[key], below(world, 100));
    struct meta_object_info info;
    enum hearth_code code;
    RESOLVED(world, code, meta_put_inline(world->meta.store, &request, &info, &world->meta.err));
    assert_ok(code, &world->meta.err);
    struct model_version version = {
        .exists = true, .version = info.version, .size = request.body.size};
    model_set_key(&world->model, key, &version, now_of(world));
}

static void delete_key(struct meta_world *world, unsigned key)
{
    struct meta_delete request = {.bucket = world->meta.bucket,
        .key = view_text(meta_world_keys[key]),
        .token = test_meta_id(&world->meta)};
    bool existed;
    enum hearth_code code;
    RESOLVED(world, code, meta_delete(world->meta.store, &request, &existed, &world->meta.err));
    assert_ok(code, &world->meta.err);
    assert_int_equal(existed, world->model.keys[key].exists);
    struct model_version none = {.exists = false};
    model_set_key(&world->model, key, &none, now_of(world));
}

static void copy(struct meta_world *world)
{
    unsigned from = below(world, MODEL_KEYS);
    unsigned to = below(world, MODEL_KEYS);
    struct model_version version = world->model.keys[from];
    struct meta_extent extents[MODEL_EXTENTS_MAX];
    struct meta_object_info info;
    for (unsigned i = 0; i < version.segment_count; i++) {
        extents[i] = (struct meta_extent){
            world->model.segments[version.segments[i]].id, 0, META_WORLD_SEGMENT_LENGTH};
    }
    struct meta_copy request = {.source_bucket = world->meta.bucket,
        .source_key = view_text(meta_world_keys[from]),
        .source_version = version.version,
        .put = test_meta_put(&world->meta, meta_world_keys[to], version.size)};
    request.put.body.extents = extents;
    request.put.body.extent_count = version.segment_count;
    enum hearth_code code;
    RESOLVED(world, code, meta_copy(world->meta.store, &request, &info, &world->meta.err));
    assert_int_equal(code, version.exists ? HEARTH_OK : HEARTH_NOT_FOUND);
    if (code == HEARTH_OK) {
        version.version = info.version;
        model_set_key(&world->model, to, &version, now_of(world));
    }
}

/* Every key is what the model says, and its orders to read leave. */
static void read_keys(struct meta_world *world)
{
    struct test_meta *meta = &world->meta;
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        const struct model_version *expected = &world->model.keys[key];
        struct meta_object object;
        enum hearth_code code = test_meta_find(meta, meta_world_keys[key], &object);
        assert_int_equal(code, expected->exists ? HEARTH_OK : HEARTH_NOT_FOUND);
        if (!expected->exists) {
            continue;
        }
        assert_memory_equal(&object.info.version, &expected->version, META_ID_SIZE);
        assert_int_equal(object.info.size, expected->size);
        assert_int_equal(object.extent_count, expected->segment_count);
        for (unsigned i = 0; i < expected->segment_count; i++) {
            assert_true(meta_id_equal(
                object.extents[i].segment, world->model.segments[expected->segments[i]].id));
            model_read_segment(&world->model, expected->segments[i], now_of(world));
        }
    }
    arena_fini(&meta->arena);
}

static void begin_reading(struct meta_world *world)
{
    unsigned key = below(world, MODEL_KEYS);
    world->readers[below(world, META_WORLD_READERS)] =
        (struct meta_world_reader){key, world->model.keys[key]};
}

/* The version may have been replaced since; while it is found, orders for it leave. */
static void go_on_reading(struct meta_world *world)
{
    struct test_meta *meta = &world->meta;
    const struct meta_world_reader *reader = &world->readers[below(world, META_WORLD_READERS)];
    struct meta_lookup request = {.bucket = meta->bucket,
        .key = view_text(meta_world_keys[reader->key]),
        .version = &reader->version.version};
    struct meta_object object;
    if (reader->version.exists &&
        meta_lookup(meta->store, &request, &meta->arena, &object, &meta->err) == HEARTH_OK) {
        assert_int_equal(object.segment_count, reader->version.segment_count);
        for (unsigned i = 0; i < reader->version.segment_count; i++) {
            model_read_segment(&world->model, reader->version.segments[i], now_of(world));
        }
    }
    arena_fini(&meta->arena);
}

static void check_listing_and_usage(struct meta_world *world)
{
    struct test_meta *meta = &world->meta;
    struct meta_list request = {.bucket = meta->bucket, .max = META_LIST_MAX};
    struct meta_list_page page;
    struct meta_usage usage;
    uint64_t bytes = 0;
    size_t listed = 0;
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        if (world->model.keys[key].exists) {
            bytes += world->model.keys[key].size;
            assert_true(listed < page.count);
            assert_true(view_equal(page.entries[listed++].key, view_text(meta_world_keys[key])));
        }
    }
    assert_int_equal(listed, page.count);
    assert_ok(meta_bucket_usage(meta->store, meta->bucket, &usage, &meta->err), &meta->err);
    assert_int_equal(usage.objects, listed);
    assert_int_equal(usage.bytes, bytes);
}

/* ---- garbage, nodes, time ---- */

static void check_dead(struct meta_world *world, uint32_t node, struct meta_id shard)
{
    struct model_placement *placement = model_find_shard(&world->model, shard);
    assert_non_null(placement);
    assert_int_equal(placement->node, node);
    const char *need = model_needs(&world->model, placement, now_of(world));
    if (need != NULL) {
        fail_msg("told to trash slot %u p %u, though %s", placement->slot, placement->p, need);
    }
    placement->is_dead = true;
}

/* I5, at the place where nodes are told. Some nodes answer. */
static void tell_nodes(struct meta_world *world, unsigned answer_one_in)
{
    struct test_meta *meta = &world->meta;
    for (uint32_t node = 1; node <= META_WORLD_NODES; node++) {
        struct meta_id dead[DEAD_MAX];
        size_t count = test_meta_dead(meta, node, dead, DEAD_MAX);
        for (size_t i = 0; i < count; i++) {
            check_dead(world, node, dead[i]);
        }
        enum hearth_code code;
        if (count > 0 && below(world, answer_one_in) == 0) {
            RESOLVED(world, code, meta_dead_end(meta->store, node, dead, count, &meta->err));
            assert_ok(code, &meta->err);
        }
    }
}

/* A shard that was trashed must not be needed later either. */
static void check_the_trashed(struct meta_world *world)
{
    for (unsigned i = 0; i < world->model.placement_count; i++) {
        const struct model_placement *placement = &world->model.placements[i];
        if (placement->is_dead) {
            assert_null(model_needs(&world->model, placement, now_of(world)));
        }
    }
}

static void collect(struct meta_world *world)
{
    struct meta_garbage_report report;
    enum hearth_code code = meta_garbage_step(world->meta.store, &report, &world->meta.err);
    if (!is_unknown(world, code)) {
        assert_ok(code, &world->meta.err);
    }
    tell_nodes(world, 3);
    check_the_trashed(world);
}

static void step_time(struct meta_world *world)
{
    static const uint64_t steps_ms[] = {1, 1000, 60 * 1000, 5 * 60 * 1000, META_ORDER_MS,
        META_ORDER_MS + META_SKEW_MS, META_READ_GRACE_MS, META_INTENT_MS / 4};
    test_env_step_ms(
        &world->meta.env, steps_ms[below(world, sizeof(steps_ms) / sizeof(steps_ms[0]))]);
}

static void restart(struct meta_world *world)
{
    world->meta.fails_at = NULL;
    test_meta_reopen(&world->meta);
    world->meta.fails_at = sometimes_fails;
}

/* ---- steps ---- */

void meta_world_step(struct meta_world *world)
{
    static const struct {
        unsigned weight;
        void (*act)(struct meta_world *world);
    } acts[] = {{8, meta_world_begin}, {12, meta_world_open_segment}, {6, meta_world_offer_slot},
        {14, meta_world_seal}, {5, meta_world_add_holders}, {10, meta_world_commit},
        {2, meta_world_abort}, {4, put_inline}, {5, copy}, {5, read_keys}, {5, begin_reading},
        {10, go_on_reading}, {6, meta_world_repair}, {10, step_time}, {12, collect}, {1, restart}};
    unsigned total = 0;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        total += acts[i].weight;
    }
    unsigned at = below(world, total + 4);
    if (at >= total) {
        delete_key(world, below(world, MODEL_KEYS));
        return;
    }
    size_t i = 0;
    while (at >= acts[i].weight) {
        at -= acts[i++].weight;
    }
    acts[i].act(world);
}

/* ---- a life ---- */

void meta_world_init(struct meta_world *world, uint64_t seed)
{
    memset(world, 0, sizeof(*world));
    world->fault_one_in = 12;
    test_env_init(&world->faults, ~seed);
    test_meta_init(&world->meta, seed, META_WORLD_NODES);
    world->meta.fails_context = world;
    world->meta.fails_at = sometimes_fails;
}

void meta_world_check(struct meta_world *world)
{
    read_keys(world);
    check_listing_and_usage(world);
}

void meta_world_end(struct meta_world *world)
{
    world->fault_one_in = 0;
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        delete_key(world, key);
    }
    for (unsigned round = 0; round < 4; round++) {
        test_env_step_ms(&world->meta.env, META_INTENT_MS);
        test_meta_collect(&world->meta);
        tell_nodes(world, 1);
        tell_nodes(world, 1);
        tell_nodes(world, 1);
    }
    for (unsigned i = 0; i < world->model.placement_count; i++) {
        assert_true(world->model.placements[i].is_dead);
    }
    struct meta_segment left;
    struct meta_counts counts;
    size_t count;
    const struct meta_id start = {{0}};
    struct test_meta *meta = &world->meta;
    assert_ok(meta_sweep(meta->store, start, &left, 1, &count, &meta->err), &meta->err);
    assert_int_equal(count, 0);
    assert_ok(meta_counts_get(meta->store, &counts, &meta->err), &meta->err);
    assert_int_equal(counts.objects + counts.bytes + counts.intents_open, 0);
    assert_int_equal(counts.bodies_doomed + counts.shards_dead, 0);
}

void meta_world_fini(struct meta_world *world)
{
    test_meta_fini(&world->meta);
}
