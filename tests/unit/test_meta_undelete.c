/*
 * meta_undelete: what was deleted or replaced comes back as it was for as long as it is kept, and
 * not a moment longer; while it is kept no shard of it is named dead.  Time is stepped.
 */
#include "coordinator/meta/meta_undelete.h"

#include "coordinator/meta/meta_settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <string.h>

enum { NODES = 8, MANY = 64 };
#define DAY_MS  (UINT64_C(24) * 60 * 60 * 1000)
#define KEEP_MS (7 * DAY_MS)

static int setup(void **state)
{
    static struct test_meta meta;
    test_meta_init(&meta, 1, NODES);
    meta.keep_deleted_ms = KEEP_MS;
    test_meta_reopen(&meta);
    *state = &meta;
    return 0;
}

static int teardown(void **state)
{
    test_meta_fini(*state);
    return 0;
}

/* ---- words ---- */

static void delete_key(struct test_meta *meta, const char *key)
{
    bool existed;
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text(key), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_true(existed);
}

static enum hearth_code undelete(struct test_meta *meta, const char *key, bool replaces)
{
    struct meta_object_info info;
    const struct meta_undelete request = {
        .bucket = view_text("bucket"), .key = view_text(key), .replaces = replaces};
    return meta_undelete(meta->store, &request, &info, &meta->err);
}

static enum hearth_code undelete_version(
    struct test_meta *meta, const char *key, const struct meta_version *version, bool replaces)
{
    struct meta_object_info info;
    const struct meta_undelete request = {.bucket = view_text("bucket"),
        .key = view_text(key),
        .version = version,
        .replaces = replaces};
    return meta_undelete(meta->store, &request, &info, &meta->err);
}

static struct meta_object find(struct test_meta *meta, const char *key)
{
    struct meta_object object;
    assert_ok(test_meta_find(meta, key, &object), &meta->err);
    return object;
}

static struct meta_counts counts_of(struct test_meta *meta)
{
    struct meta_counts counts;
    assert_ok(meta_counts_get(meta->store, &counts, &meta->err), &meta->err);
    return counts;
}

static size_t dead_shards(struct test_meta *meta)
{
    return counts_of(meta).shards_dead;
}

static size_t list(struct test_meta *meta, const char *prefix, struct meta_deleted_page *page)
{
    const struct meta_deleted_list request = {
        .bucket = view_text("bucket"), .prefix = view_text(prefix), .max = META_DELETED_MAX};
    assert_ok(meta_deleted_list(meta->store, &request, &meta->arena, page, &meta->err), &meta->err);
    return page->count;
}

/* ---- claims ---- */

static void a_deleted_object_comes_back_as_it_was(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    test_meta_upload(meta, "k", &segment);
    struct meta_object before = find(meta, "k");
    delete_key(meta, "k");
    test_env_step_ms(&meta->env, KEEP_MS - 1);
    test_meta_collect(meta);
    assert_int_equal(dead_shards(meta), 0);

    assert_ok(undelete(meta, "k", false), &meta->err);
    struct meta_object after = find(meta, "k");
    assert_true(meta_id_equal(after.body, before.body));
    assert_int_equal(after.info.size, before.info.size);
    assert_int_equal(after.info.created_ms, before.info.created_ms);
    assert_memory_equal(&after.info.etag, &before.info.etag, sizeof(after.info.etag));
    assert_true(view_equal(after.manifest, before.manifest));
    assert_int_equal(after.segment_count, 1);
    assert_false(meta_segment_is_doomed(&after.segments[0]));

    test_env_step_ms(&meta->env, 10 * KEEP_MS);
    test_meta_collect(meta);
    assert_int_equal(dead_shards(meta), 0);
    find(meta, "k");
}

static void an_inline_object_comes_back_too_with_its_tags(void **state)
{
    struct test_meta *meta = *state;
    test_meta_put_now(meta, "small", 100);
    assert_ok(meta_tags_set(meta->store, meta->bucket, view_text("small"), NULL, view_text("a=b"),
                  &meta->err),
        &meta->err);
    delete_key(meta, "small");
    assert_ok(undelete(meta, "small", false), &meta->err);
    struct meta_object after = find(meta, "small");
    assert_int_equal(after.info.size, 100);
    assert_true(view_equal(after.tags, view_text("a=b")));
}

static void when_its_time_is_over_it_is_reaped_and_cannot_come_back(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_deleted_page page;
    test_meta_upload(meta, "k", &segment);
    test_meta_put_now(meta, "small", 100);
    test_env_step_ms(&meta->env, META_ORDER_MS + META_SKEW_MS);
    delete_key(meta, "k");
    delete_key(meta, "small");
    test_env_step_ms(&meta->env, KEEP_MS);
    assert_int_equal(undelete(meta, "k", false), HEARTH_NOT_FOUND);
    assert_int_equal(list(meta, "", &page), 0);
    assert_int_equal(test_meta_collect(meta).bodies_reaped, 2);
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    test_meta_collect(meta);
    assert_int_equal(dead_shards(meta), NODES);
}

static void what_was_replaced_is_kept_and_can_take_its_place_again(void **state)
{
    struct test_meta *meta = *state;
    test_meta_put_now(meta, "k", 10);
    struct meta_object_info first = find(meta, "k").info;
    test_meta_put_now(meta, "k", 20);
    assert_int_equal(undelete(meta, "k", false), HEARTH_EXISTS);
    assert_ok(undelete(meta, "k", true), &meta->err);
    assert_int_equal(find(meta, "k").info.size, 10);
    assert_true(memcmp(find(meta, "k").info.version.bytes, first.version.bytes, 16) != 0);

    /* and the other is kept now, */
    struct meta_deleted_page page;
    assert_int_equal(list(meta, "k", &page), 1);
    assert_int_equal(page.entries[0].info.size, 20);
    assert_ok(undelete_version(meta, "k", &page.entries[0].info.version, true), &meta->err);
    assert_int_equal(find(meta, "k").info.size, 20);

    /* but what is visible cannot be asked for by its old name. */
    assert_int_equal(undelete_version(meta, "k", &first.version, true), HEARTH_NOT_FOUND);
}

static void a_kept_version_counts_for_nobody_until_it_is_back(void **state)
{
    struct test_meta *meta = *state;
    test_meta_put_now(meta, "k", 100);
    delete_key(meta, "k");
    assert_int_equal(counts_of(meta).bytes, 0);
    assert_int_equal(counts_of(meta).objects, 0);
    assert_ok(undelete(meta, "k", false), &meta->err);
    assert_int_equal(counts_of(meta).bytes, 100);
    assert_int_equal(counts_of(meta).objects, 1);
}

static void nobody_reads_it_after_the_last_reader(void **state)
{
    struct test_meta *meta = *state;
    struct meta_object object;
    test_meta_put_now(meta, "k", 100);
    struct meta_version version = find(meta, "k").info.version;
    delete_key(meta, "k");
    const struct meta_lookup lookup = {
        .bucket = meta->bucket, .key = view_text("k"), .version = &version};
    test_env_step_ms(&meta->env, META_READ_GRACE_MS);
    assert_ok(meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, 1);
    assert_int_equal(
        meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), HEARTH_NOT_FOUND);
}

static void the_list_goes_on_after_any_entry(void **state)
{
    struct test_meta *meta = *state;
    enum { KEYS = 5, VERSIONS = 3 };
    static const char *const keys[KEYS] = {"a", "a/b", "a/c", "b", "c"};
    for (unsigned i = 0; i < KEYS * VERSIONS; i++) {
        test_meta_put_now(meta, keys[i % KEYS], i + 1);
        test_env_step_ms(&meta->env, 1000);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        delete_key(meta, keys[i]);
    }
    struct meta_deleted_page all;
    assert_int_equal(list(meta, "", &all), KEYS * VERSIONS);
    assert_int_equal(list(meta, "a/", &all), 2 * VERSIONS);
    list(meta, "", &all);
    for (size_t i = 0; i < all.count; i++) {
        struct meta_deleted_page rest;
        const struct meta_deleted_list request = {.bucket = view_text("bucket"),
            .after_key = all.entries[i].key,
            .after_version = &all.entries[i].info.version,
            .max = 1};
        assert_ok(
            meta_deleted_list(meta->store, &request, &meta->arena, &rest, &meta->err), &meta->err);
        assert_int_equal(rest.count, i + 1 < all.count);
        if (rest.count > 0) {
            assert_true(view_equal(rest.entries[0].key, all.entries[i + 1].key));
            assert_int_equal(rest.entries[0].info.size, all.entries[i + 1].info.size);
        }
    }
    assert_int_equal(undelete(meta, "nothing", false), HEARTH_NOT_FOUND);
}

static void a_shared_segment_lives_as_long_as_anybody_names_it(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_object object;
    test_meta_upload(meta, "k", &segment);
    for (unsigned round = 0; round < 3; round++) {
        delete_key(meta, "k");
        test_env_step_ms(&meta->env, KEEP_MS / 2);
        test_meta_collect(meta);
        assert_ok(undelete(meta, "k", false), &meta->err);
    }
    object = find(meta, "k");
    assert_int_equal(object.segments[0].refs, 1);
    assert_int_equal(object.segments[0].doomed_refs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_deleted_object_comes_back_as_it_was),
        CASE(an_inline_object_comes_back_too_with_its_tags),
        CASE(when_its_time_is_over_it_is_reaped_and_cannot_come_back),
        CASE(what_was_replaced_is_kept_and_can_take_its_place_again),
        CASE(a_kept_version_counts_for_nobody_until_it_is_back),
        CASE(nobody_reads_it_after_the_last_reader),
        CASE(the_list_goes_on_after_any_entry),
        CASE(a_shared_segment_lives_as_long_as_anybody_names_it),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_undelete", tests, NULL, NULL);
}
