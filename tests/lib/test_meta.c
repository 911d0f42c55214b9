#include "tests/lib/test_meta.h"

#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_bucket.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEGMENT_LENGTH = 1000 };

static const uint8_t root_key_id[META_KEY_ID_SIZE] = {1};

/* ---- the store ---- */

static bool fails_at(void *context, enum meta_step step)
{
    struct test_meta *meta = context;
    return meta->fails_at != NULL && meta->fails_at(meta->fails_context, step);
}

static void open_store(struct test_meta *meta)
{
    const struct meta_store_options options = {
        .directory = meta->directory,
        .env = &meta->env.env,
        .names = &meta->names,
        .keep_deleted_ms = meta->keep_deleted_ms,
        .order_ms = meta->order_ms,
        .fails_at = fails_at,
        .fails_context = meta,
    };
    assert_ok(meta_store_open(&options, &meta->store, &meta->err), &meta->err);
}

static void enrol_node(struct test_meta *meta, unsigned number)
{
    char owner[32];
    snprintf(owner, sizeof(owner), "owner %u", number);
    struct meta_id token = test_meta_id(meta);
    struct meta_invite invite = {
        .class = META_CLASS_NODE, .owner = view_text(owner), .expires_ms = UINT32_MAX * 1000ull};
    memcpy(invite.token_hash, token.bytes, sizeof(token.bytes));
    assert_ok(meta_invite_put(meta->store, &invite, &meta->err), &meta->err);

    struct meta_enrol enrol = {.principal = {{(uint8_t)(number >> 8), (uint8_t)number}},
        .observed = {{4, (uint8_t)(number >> 8), (uint8_t)number}}};
    struct meta_enrolled enrolled;
    memcpy(enrol.token_hash, invite.token_hash, sizeof(enrol.token_hash));
    assert_ok(meta_enrol(meta->store, &enrol, &enrolled, &meta->err), &meta->err);
    assert_int_equal(enrolled.node, number);
}

/* Thousands of commits wait for no disk in memory; what a disk may do is tested elsewhere. */
static const char *base_directory(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

void test_meta_init(struct test_meta *meta, uint64_t seed, unsigned nodes)
{
    const uint8_t master[CRYPTO_KEY_SIZE] = {7};
    *meta = (struct test_meta){.store = NULL};
    test_env_init(&meta->env, seed);
    shard_name_keys_init(&meta->names, master);
    arena_init(&meta->arena, 0);
    snprintf(meta->directory, sizeof(meta->directory), "%s/hearth-meta-XXXXXX", base_directory());
    assert_non_null(mkdtemp(meta->directory));
    open_store(meta);

    struct meta_tenant tenant;
    assert_ok(
        meta_tenant_ensure(meta->store, view_text("tenant"), &meta->arena, &tenant, &meta->err),
        &meta->err);
    meta->tenant = tenant.id;
    meta->bucket = test_meta_make_bucket(meta, "bucket");
    for (unsigned number = 1; number <= nodes; number++) {
        enrol_node(meta, number);
    }
}

int test_meta_set_up(void **state)
{
    static struct test_meta meta;
    test_meta_init(&meta, 1, (unsigned)(uintptr_t)*state);
    *state = &meta;
    return 0;
}

int test_meta_tear_down(void **state)
{
    test_meta_fini(*state);
    return 0;
}

void test_meta_reopen(struct test_meta *meta)
{
    meta_store_close(meta->store);
    open_store(meta);
}

void test_meta_restore(struct test_meta *meta, const char *backup)
{
    char path[128];
    meta_store_close(meta->store);
    snprintf(path, sizeof(path), "%s/meta.db", meta->directory);
    assert_int_equal(rename(backup, path), 0);
    open_store(meta);
}

void test_meta_fini(struct test_meta *meta)
{
    static const char *const files[] = {"meta.db", "meta.db-wal", "meta.db-shm", "meta.lock"};
    char path[128];
    meta_store_close(meta->store);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", meta->directory, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(meta->directory), 0);
    arena_fini(&meta->arena);
}

struct meta_id test_meta_id(struct test_meta *meta)
{
    struct meta_id id;
    env_random(&meta->env.env, id.bytes, sizeof(id.bytes));
    return id;
}

/* ---- buckets and small objects ---- */

struct meta_id test_meta_make_bucket(struct test_meta *meta, const char *name)
{
    struct meta_bucket_create create = {
        .id = test_meta_id(meta),
        .name = view_text(name),
        .tenant = meta->tenant,
        .profile = profile_by_name(view_text("local"))->number,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .token = test_meta_id(meta),
    };
    memcpy(create.root_key_id, root_key_id, sizeof(root_key_id));
    assert_ok(meta_bucket_create(meta->store, &create, &meta->err), &meta->err);
    return create.id;
}

struct meta_put test_meta_put(struct test_meta *meta, const char *key, uint64_t size)
{
    return (struct meta_put){
        .bucket = meta->bucket,
        .key = view_text(key),
        .token = test_meta_id(meta),
        .body = {.id = test_meta_id(meta),
            .bucket_key_version = 1,
            .manifest = view_text("manifest"),
            .size = size},
    };
}

struct meta_object_info test_meta_put_now(struct test_meta *meta, const char *key, uint64_t size)
{
    struct meta_put put = test_meta_put(meta, key, size);
    struct meta_object_info info;
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);
    return info;
}

enum hearth_code test_meta_find(struct test_meta *meta, const char *key, struct meta_object *out)
{
    struct meta_lookup lookup = {.bucket = meta->bucket, .key = view_text(key)};
    return meta_lookup(meta->store, &lookup, &meta->arena, out, &meta->err);
}

/* ---- uploads ---- */

struct meta_intent test_meta_begin(struct test_meta *meta, const char *key)
{
    struct meta_begin begin = {
        .bucket = meta->bucket, .key = view_text(key), .token = test_meta_id(meta)};
    struct meta_intent intent;
    assert_ok(meta_begin(meta->store, &begin, &intent, &meta->err), &meta->err);
    return intent;
}

struct meta_offers test_meta_open_segment(
    struct test_meta *meta, struct meta_id intent, struct meta_id segment)
{
    const struct profile *local = profile_by_name(view_text("local"));
    struct meta_offer slots[META_SLOTS_MAX];
    for (uint16_t slot = 0; slot < local->n; slot++) {
        slots[slot] = (struct meta_offer){.slot = slot, .node = slot + 1u};
    }
    struct meta_segment_open open = {.intent = intent,
        .segment = segment,
        .vk = {3},
        .k = local->k,
        .n = local->n,
        .w = local->w,
        .offers = slots,
        .offer_count = local->n};
    struct meta_offers offers;
    assert_ok(meta_segment_open(meta->store, &open, &offers, &meta->err), &meta->err);
    return offers;
}

struct meta_seal test_meta_seal(struct meta_id intent, struct meta_id segment,
    const struct meta_offers *offers, size_t count, struct meta_receipt *receipts)
{
    for (size_t i = 0; i < count; i++) {
        receipts[i] = (struct meta_receipt){.slot = offers->offers[i].slot,
            .p = offers->offers[i].p,
            .node = offers->offers[i].node,
            .shard_length = TEST_META_SHARD_LENGTH};
    }
    return (struct meta_seal){.intent = intent,
        .segment = segment,
        .length = SEGMENT_LENGTH,
        .shard_length = TEST_META_SHARD_LENGTH,
        .receipts = receipts,
        .receipt_count = count};
}

struct meta_id test_meta_sealed_segment(struct test_meta *meta, struct meta_id intent)
{
    struct meta_id segment = test_meta_id(meta);
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result result;
    struct meta_offers offers = test_meta_open_segment(meta, intent, segment);
    struct meta_seal seal = test_meta_seal(intent, segment, &offers, offers.count, receipts);
    assert_ok(meta_seal(meta->store, &seal, &result, &meta->err), &meta->err);
    return segment;
}

struct meta_commit test_meta_commit(
    struct test_meta *meta, struct meta_id intent, const struct meta_extent *extents, size_t count)
{
    struct meta_commit commit = {.intent = intent,
        .body = {.id = test_meta_id(meta),
            .bucket_key_version = 1,
            .manifest = view_text("manifest"),
            .extents = extents,
            .extent_count = count}};
    for (size_t i = 0; i < count; i++) {
        commit.body.size += extents[i].length;
    }
    return commit;
}

struct meta_object_info test_meta_upload(
    struct test_meta *meta, const char *key, struct meta_id *segment)
{
    struct meta_intent intent = test_meta_begin(meta, key);
    *segment = test_meta_sealed_segment(meta, intent.id);
    const struct meta_extent extent = {.segment = *segment, .length = SEGMENT_LENGTH};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &extent, 1);
    struct meta_object_info info;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
    return info;
}

/* ---- garbage ---- */

struct meta_garbage_report test_meta_collect(struct test_meta *meta)
{
    struct meta_garbage_report sum = {0};
    struct meta_garbage_report step = {0};
    while (!step.idle) {
        assert_ok(meta_garbage_step(meta->store, &step, &meta->err), &meta->err);
        sum.intents_aborted += step.intents_aborted;
        sum.bodies_reaped += step.bodies_reaped;
        sum.segments_dying += step.segments_dying;
        sum.segments_buried += step.segments_buried;
        sum.shards_dead += step.shards_dead;
        sum.rows_forgotten += step.rows_forgotten;
    }
    return sum;
}

size_t test_meta_dead(struct test_meta *meta, uint32_t node, struct meta_id *ids, size_t max)
{
    size_t count;
    const struct meta_id start = {{0}};
    assert_ok(meta_dead_next(meta->store, node, start, ids, max, &count, &meta->err), &meta->err);
    return count;
}

struct meta_id test_meta_shard_id(
    const struct test_meta *meta, struct meta_id segment, unsigned slot, unsigned p)
{
    struct shard_place place = {.slot = (uint16_t)slot, .p = (uint16_t)p};
    struct shard_name name;
    struct meta_id id;
    memcpy(place.segment, segment.bytes, sizeof(place.segment));
    shard_name_make(&meta->names, &place, &name);
    memcpy(id.bytes, name.id, sizeof(id.bytes));
    return id;
}
