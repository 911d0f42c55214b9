/*
 * meta_account: tenants and access keys are listed as they are, page by page; a reserved bucket
 * becomes its tenant's.
 */
#include "coordinator/meta/meta_account.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdio.h>

/* ---- tenants and keys ---- */

static void a_tenant_is_made_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_tenant tenant;
    struct meta_tenant named;
    assert_ok(meta_tenant_create(meta->store, view_text("ann"), &meta->arena, &tenant, &meta->err),
        &meta->err);
    assert_int_equal(
        meta_tenant_create(meta->store, view_text("ann"), &meta->arena, &tenant, &meta->err),
        HEARTH_EXISTS);
    assert_ok(meta_tenant_named(meta->store, view_text("ann"), &meta->arena, &named, &meta->err),
        &meta->err);
    assert_true(meta_id_equal(named.id, tenant.id));
    assert_int_equal(
        meta_tenant_named(meta->store, view_text("bob"), &meta->arena, &named, &meta->err),
        HEARTH_NOT_FOUND);
}

static enum hearth_code create_key(struct test_meta *meta, const char *id, uint64_t rights,
    struct meta_id token, struct meta_access_key *out)
{
    const struct meta_access_key key = {.id = view_text(id),
        .tenant = meta->tenant,
        .secret_sealed = view_text("sealed"),
        .rights = rights};
    return meta_access_key_create(meta->store, &key, token, &meta->arena, out, &meta->err);
}

static void add_key(struct test_meta *meta, const char *id)
{
    struct meta_access_key made;
    assert_ok(create_key(meta, id, 5, test_meta_id(meta), &made), &meta->err);
    assert_true(view_equal(made.id, view_text(id)));
}

static void a_token_makes_one_access_key(void **state)
{
    struct test_meta *meta = *state;
    struct meta_access_key made;
    struct meta_id token = test_meta_id(meta);
    assert_ok(create_key(meta, "first", 5, token, &made), &meta->err);
    assert_ok(create_key(meta, "again", 5, token, &made), &meta->err);
    assert_true(view_equal(made.id, view_text("first")));
    assert_true(view_equal(made.secret_sealed, view_text("sealed")));
    assert_int_equal(
        meta_access_key_get(meta->store, view_text("again"), &meta->arena, &made, &meta->err),
        HEARTH_NOT_FOUND);
    assert_int_equal(create_key(meta, "other", 1, token, &made), HEARTH_CONFLICT);
    assert_ok(meta_access_key_delete(meta->store, view_text("first"), &meta->err), &meta->err);
    assert_int_equal(create_key(meta, "again", 5, token, &made), HEARTH_NOT_FOUND);
}

static void an_access_key_is_kept_until_it_is_revoked(void **state)
{
    struct test_meta *meta = *state;
    struct meta_access_key found;
    add_key(meta, "AKIA");
    assert_ok(meta_access_key_get(meta->store, view_text("AKIA"), &meta->arena, &found, &meta->err),
        &meta->err);
    assert_true(view_equal(found.secret_sealed, view_text("sealed")));
    assert_true(meta_id_equal(found.tenant, meta->tenant));
    assert_int_equal(found.rights, 5);
    assert_ok(meta_access_key_delete(meta->store, view_text("AKIA"), &meta->err), &meta->err);
    assert_int_equal(
        meta_access_key_get(meta->store, view_text("AKIA"), &meta->arena, &found, &meta->err),
        HEARTH_NOT_FOUND);
    assert_int_equal(
        meta_access_key_delete(meta->store, view_text("AKIA"), &meta->err), HEARTH_NOT_FOUND);
}

static void a_tenant_with_too_many_keys_gets_no_other(void **state)
{
    struct test_meta *meta = *state;
    for (unsigned i = 0; i < META_ACCESS_KEYS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof(id), "K%05u", i);
        add_key(meta, id);
    }
    struct meta_access_key more;
    assert_int_equal(create_key(meta, "more", 1, test_meta_id(meta), &more), HEARTH_BUSY);

    /* And they come in pages. */
    struct meta_access_key_list list;
    struct meta_page_of page = {.tenant = &meta->tenant};
    assert_ok(
        meta_access_key_list(meta->store, &page, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, META_PAGE_MAX);
    page.after = list.keys[list.count - 1].id;
    assert_ok(
        meta_access_key_list(meta->store, &page, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, 0);
}

static void lists_are_of_one_tenant_or_of_all(void **state)
{
    struct test_meta *meta = *state;
    struct meta_tenant other;
    struct meta_access_key_list list;
    assert_ok(meta_tenant_create(meta->store, view_text("other"), &meta->arena, &other, &meta->err),
        &meta->err);
    add_key(meta, "one");
    const struct meta_page_of nobodys = {.tenant = &other.id};
    assert_ok(
        meta_access_key_list(meta->store, &nobodys, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, 0);
    const struct meta_page_of all = {0};
    assert_ok(meta_access_key_list(meta->store, &all, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, 1);
    assert_true(view_equal(list.keys[0].tenant_name, view_text("tenant")));
}

static void a_tenants_sums_are_those_of_its_buckets(void **state)
{
    struct test_meta *meta = *state;
    struct meta_tenant_list list;
    const struct meta_page_of all = {0};
    test_meta_put_now(meta, "a", 100);
    test_meta_put_now(meta, "b", 50);
    add_key(meta, "one");
    assert_ok(meta_tenant_list(meta->store, &all, &meta->arena, &list, &meta->err), &meta->err);
    assert_int_equal(list.count, 1);
    assert_true(view_equal(list.tenants[0].name, view_text("tenant")));
    assert_int_equal(list.tenants[0].buckets, 1);
    assert_int_equal(list.tenants[0].access_keys, 1);
    assert_int_equal(list.tenants[0].usage.objects, 2);
    assert_int_equal(list.tenants[0].usage.bytes, 150);
}

/* ---- reserved buckets ---- */

static struct meta_bucket_create create_of(struct test_meta *meta, const char *name)
{
    return (struct meta_bucket_create){.id = test_meta_id(meta),
        .name = view_text(name),
        .tenant = meta->tenant,
        .profile = 1,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .root_key_id = {0},
        .token = test_meta_id(meta)};
}

static const struct meta_bucket_settings decided = {
    .profile = 2, .public_read = true, .quota_bytes = 1000, .quota_objects = 3};

static void reserve(struct test_meta *meta, const char *name)
{
    assert_ok(meta_bucket_reserve(meta->store, view_text(name), meta->tenant, &decided, &meta->err),
        &meta->err);
}

static struct meta_bucket get_bucket(struct test_meta *meta, const char *name)
{
    struct meta_bucket bucket;
    assert_ok(meta_bucket_get(meta->store, view_text(name), &meta->arena, &bucket, &meta->err),
        &meta->err);
    return bucket;
}

static uint8_t root_key_of_bucket(struct test_meta *meta)
{
    struct meta_tenant tenant;
    assert_ok(
        meta_tenant_get(meta->store, meta->tenant, &meta->arena, &tenant, &meta->err), &meta->err);
    return tenant.root_key_id.size > 0 ? tenant.root_key_id.bytes[0] : 0;
}

static void a_reserved_bucket_becomes_its_tenants_with_its_settings(void **state)
{
    struct test_meta *meta = *state;
    reserve(meta, "photos");
    assert_int_equal(get_bucket(meta, "photos").key_version, 0);
    struct meta_bucket_create request = create_of(meta, "photos");
    request.root_key_id[0] = root_key_of_bucket(meta);
    assert_ok(meta_bucket_create(meta->store, &request, &meta->err), &meta->err);
    assert_ok(meta_bucket_create(meta->store, &request, &meta->err), &meta->err); /* a retry */
    const struct meta_bucket bucket = get_bucket(meta, "photos");
    assert_true(meta_id_equal(bucket.id, request.id));
    assert_int_equal(bucket.key_version, 1);
    assert_int_equal(bucket.key_count, 1);
    assert_int_equal(bucket.settings.profile, decided.profile);
    assert_true(bucket.settings.public_read);
    assert_int_equal(bucket.settings.quota_bytes, 1000);
    request.token = test_meta_id(meta);
    assert_int_equal(meta_bucket_create(meta->store, &request, &meta->err), HEARTH_EXISTS);
}

static void a_reserved_bucket_is_for_nobody_else(void **state)
{
    struct test_meta *meta = *state;
    struct meta_tenant other;
    reserve(meta, "photos");
    assert_ok(meta_tenant_create(meta->store, view_text("other"), &meta->arena, &other, &meta->err),
        &meta->err);
    struct meta_bucket_create request = create_of(meta, "photos");
    request.tenant = other.id;
    assert_int_equal(meta_bucket_create(meta->store, &request, &meta->err), HEARTH_CONFLICT);
    assert_int_equal(
        meta_bucket_reserve(meta->store, view_text("photos"), other.id, &decided, &meta->err),
        HEARTH_EXISTS);
}

static void nothing_is_written_to_what_is_only_reserved(void **state)
{
    struct test_meta *meta = *state;
    struct meta_object_info info;
    reserve(meta, "photos");
    struct meta_put put = test_meta_put(meta, "key", 10);
    put.bucket = get_bucket(meta, "photos").id;
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_WRONG_KEY);
}

static void only_its_tenant_makes_a_bucket_public(void **state)
{
    struct test_meta *meta = *state;
    struct meta_bucket_usage usage;
    assert_int_equal(meta_bucket_set_public(
                         meta->store, view_text("bucket"), test_meta_id(meta), true, &meta->err),
        HEARTH_DENIED);
    assert_int_equal(
        meta_bucket_set_public(meta->store, view_text("nothing"), meta->tenant, true, &meta->err),
        HEARTH_NOT_FOUND);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(meta_bucket_set_public(
                      meta->store, view_text("bucket"), meta->tenant, i == 0, &meta->err),
            &meta->err);
        assert_ok(meta_bucket_usage_get(
                      meta->store, view_text("bucket"), &meta->arena, &usage, &meta->err),
            &meta->err);
        assert_int_equal(usage.bucket.settings.public_read, i == 0);
    }
}

static void settings_that_are_not_named_stay(void **state)
{
    struct test_meta *meta = *state;
    reserve(meta, "photos");
    const struct meta_bucket_settings none = {.profile = 1};
    assert_ok(
        meta_bucket_set(meta->store, view_text("photos"), &none, META_SET_PUBLIC_READ, &meta->err),
        &meta->err);
    const struct meta_bucket bucket = get_bucket(meta, "photos");
    assert_false(bucket.settings.public_read);
    assert_int_equal(bucket.settings.profile, decided.profile);
    assert_int_equal(bucket.settings.quota_bytes, decided.quota_bytes);
    assert_int_equal(bucket.settings.quota_objects, decided.quota_objects);
    assert_int_equal(
        meta_bucket_set(meta->store, view_text("nothing"), &none, 1, &meta->err), HEARTH_NOT_FOUND);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, 8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(a_tenant_is_made_once),
        IN_A_STORE(an_access_key_is_kept_until_it_is_revoked),
        IN_A_STORE(a_token_makes_one_access_key),
        IN_A_STORE(a_tenant_with_too_many_keys_gets_no_other),
        IN_A_STORE(lists_are_of_one_tenant_or_of_all),
        IN_A_STORE(a_tenants_sums_are_those_of_its_buckets),
        IN_A_STORE(a_reserved_bucket_becomes_its_tenants_with_its_settings),
        IN_A_STORE(a_reserved_bucket_is_for_nobody_else),
        IN_A_STORE(nothing_is_written_to_what_is_only_reserved),
        IN_A_STORE(only_its_tenant_makes_a_bucket_public),
        IN_A_STORE(settings_that_are_not_named_stay),
    };
    return cmocka_run_group_tests_name("meta_account", tests, NULL, NULL);
}
