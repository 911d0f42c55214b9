/*
 * meta_bucket: names are S3's, owned by one tenant, and a token makes or removes a bucket once.
 */
#include "coordinator/meta/meta_bucket.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

static struct meta_bucket_create create_of(struct test_meta *meta, const char *name)
{
    return (struct meta_bucket_create){.id = test_meta_id(meta),
        .name = view_text(name),
        .tenant = meta->tenant,
        .profile = 1,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .root_key_id = {1},
        .token = test_meta_id(meta)};
}

static enum hearth_code create(struct test_meta *meta, const struct meta_bucket_create *request)
{
    return meta_bucket_create(meta->store, request, &meta->err);
}

static struct meta_id other_tenant(struct test_meta *meta)
{
    struct meta_tenant tenant;
    assert_ok(
        meta_tenant_ensure(meta->store, view_text("other"), &meta->arena, &tenant, &meta->err),
        &meta->err);
    return tenant.id;
}

static void names_follow_the_rules_of_s3(void **state)
{
    (void)state;
    static const char *const good[] = {"abc", "a-b.c", "123", "a--b", "my.bucket-1"};
    static const char *const bad[] = {"", "ab", "Abc", "a_b", "-ab", "ab-", ".ab", "a..b",
        "192.168.1.1", "xn--abc", "sthree-abc", "abc-s3alias", "abc--ol-s3", "a/b", "a b"};
    struct hearth_err err;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(meta_bucket_name_check(view_text(good[i]), &err), HEARTH_OK);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(meta_bucket_name_check(view_text(bad[i]), &err), HEARTH_INVALID);
    }
    char name[META_BUCKET_NAME_MAX + 2];
    memset(name, 'a', sizeof(name));
    assert_ok(meta_bucket_name_check(view_of(name, META_BUCKET_NAME_MAX), &err), &err);
    assert_int_equal(
        meta_bucket_name_check(view_of(name, META_BUCKET_NAME_MAX + 1), &err), HEARTH_INVALID);
    assert_string_equal(err.message, "a bucket name has 3 to 63 characters");
}

static void a_bucket_is_found_as_it_was_made(void **state)
{
    struct test_meta *meta = *state;
    struct meta_bucket_create request = create_of(meta, "photos");
    struct meta_bucket bucket;
    assert_ok(create(meta, &request), &meta->err);
    assert_ok(create(meta, &request), &meta->err); /* a retry */
    assert_ok(meta_bucket_get(meta->store, view_text("photos"), &meta->arena, &bucket, &meta->err),
        &meta->err);
    assert_true(meta_id_equal(bucket.id, request.id));
    assert_true(meta_id_equal(bucket.tenant, meta->tenant));
    assert_int_equal(bucket.settings.profile, 1);
    assert_int_equal(bucket.key_count, 1);
    assert_int_equal(bucket.keys[0].version, 1);
    assert_true(view_equal(bucket.keys[0].wrapped, view_text("wrapped")));
    assert_int_equal(
        meta_bucket_get(meta->store, view_text("none"), &meta->arena, &bucket, &meta->err),
        HEARTH_NOT_FOUND);
}

static void a_name_belongs_to_one_bucket(void **state)
{
    struct test_meta *meta = *state;
    struct meta_bucket_create mine = create_of(meta, "bucket");
    assert_int_equal(create(meta, &mine), HEARTH_EXISTS);
    struct meta_bucket_create theirs = create_of(meta, "bucket");
    theirs.tenant = other_tenant(meta);
    assert_int_equal(create(meta, &theirs), HEARTH_CONFLICT);
    struct meta_bucket_create same_id = create_of(meta, "another");
    same_id.id = meta->bucket;
    assert_int_equal(create(meta, &same_id), HEARTH_CONFLICT);
}

static void the_first_root_key_of_a_tenant_is_the_only_one(void **state)
{
    struct test_meta *meta = *state;
    struct meta_bucket_create request = create_of(meta, "second");
    struct meta_tenant tenant;
    request.root_key_id[0] = 2;
    assert_int_equal(create(meta, &request), HEARTH_WRONG_KEY);
    request.tenant = other_tenant(meta);
    assert_ok(create(meta, &request), &meta->err);
    assert_ok(meta_tenant_get(meta->store, request.tenant, &meta->arena, &tenant, &meta->err),
        &meta->err);
    assert_int_equal(tenant.root_key_id.size, META_KEY_ID_SIZE);
    assert_int_equal(tenant.root_key_id.bytes[0], 2);
}

static void only_an_empty_bucket_goes_and_a_token_removes_it_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id token = test_meta_id(meta);
    struct view name = view_text("bucket");
    bool existed;
    test_meta_put_now(meta, "k", 1);
    assert_int_equal(
        meta_bucket_delete(meta->store, name, meta->tenant, token, &meta->err), HEARTH_NOT_EMPTY);
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text("k"), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_int_equal(meta_bucket_delete(meta->store, name, other_tenant(meta), token, &meta->err),
        HEARTH_DENIED);
    assert_ok(meta_bucket_delete(meta->store, name, meta->tenant, token, &meta->err), &meta->err);

    test_meta_make_bucket(meta, "bucket"); /* made again: the late retry removes nothing */
    assert_ok(meta_bucket_delete(meta->store, name, meta->tenant, token, &meta->err), &meta->err);
    struct meta_bucket bucket;
    assert_ok(meta_bucket_get(meta->store, name, &meta->arena, &bucket, &meta->err), &meta->err);
    assert_false(meta_id_equal(bucket.id, meta->bucket));
    token = test_meta_id(meta);
    assert_int_equal(
        meta_bucket_delete(meta->store, view_text("none"), meta->tenant, token, &meta->err),
        HEARTH_NOT_FOUND);
}

static void an_upload_into_a_bucket_that_went_away_is_refused(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    assert_ok(meta_bucket_delete(
                  meta->store, view_text("bucket"), meta->tenant, test_meta_id(meta), &meta->err),
        &meta->err);
    struct meta_commit commit = test_meta_commit(meta, intent.id, NULL, 0);
    struct meta_object_info info;
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_NOT_FOUND);
}

static void buckets_are_listed_by_tenant_and_name(void **state)
{
    struct test_meta *meta = *state;
    struct meta_bucket_list list;
    test_meta_make_bucket(meta, "zoo");
    test_meta_make_bucket(meta, "abc");
    assert_ok(
        meta_bucket_list(meta->store, meta->tenant, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, 3);
    assert_true(view_equal(list.buckets[0].name, view_text("abc")));
    assert_true(view_equal(list.buckets[1].name, view_text("bucket")));
    assert_true(view_equal(list.buckets[2].name, view_text("zoo")));
    assert_ok(meta_bucket_list(meta->store, other_tenant(meta), &meta->arena, &list, &meta->err),
        &meta->err);
    assert_int_equal(list.count, 0);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_rules_of_s3),
        IN_A_STORE(a_bucket_is_found_as_it_was_made),
        IN_A_STORE(a_name_belongs_to_one_bucket),
        IN_A_STORE(the_first_root_key_of_a_tenant_is_the_only_one),
        IN_A_STORE(only_an_empty_bucket_goes_and_a_token_removes_it_once),
        IN_A_STORE(an_upload_into_a_bucket_that_went_away_is_refused),
        IN_A_STORE(buckets_are_listed_by_tenant_and_name),
    };
    return cmocka_run_group_tests_name("meta_bucket", tests, NULL, NULL);
}
