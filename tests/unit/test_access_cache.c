/*
 * access_cache: whoever asks gets what the metadata says at that moment, whatever was kept - after
 * grants and buckets were made, replaced and removed, also when nobody knows whether they were.
 */
#include "coordinator/service/access_cache.h"

#include "coordinator/fleet/profile.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <sqlite3.h>
#include <stdio.h>

enum { ROUNDS = 3000, PEOPLE = 12, BUCKETS = 12, RIGHTS = 7 };

struct fixture {
    struct test_meta meta;
    struct access_cache *cache;
    struct meta_id tenant;
    bool is_unknown; /* what is committed next is answered with HEARTH_UNKNOWN */
};

static bool forget_answer(void *context, enum meta_step step)
{
    struct fixture *at = context;
    return step == META_STEP_COMMITTED && at->is_unknown;
}

static int set_up(void **state)
{
    static struct fixture at;
    struct arena arena;
    struct meta_tenant tenant;
    test_meta_init(&at.meta, 1, 0);
    at.cache = access_cache_create(at.meta.store);
    arena_init(&arena, 0);
    assert_ok(meta_tenant_ensure(at.meta.store, view_text("ann"), &arena, &tenant, &at.meta.err),
        &at.meta.err);
    at.tenant = tenant.id;
    at.is_unknown = false;
    at.meta.fails_at = forget_answer;
    at.meta.fails_context = &at;
    arena_fini(&arena);
    *state = &at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    access_cache_destroy(at->cache);
    test_meta_fini(&at->meta);
    return 0;
}

static struct meta_principal person(uint64_t number)
{
    return (struct meta_principal){{(uint8_t)number, 1}};
}

/* ---- grants ---- */

static void put_grant(struct fixture *at, uint64_t number, uint64_t rights)
{
    const struct meta_grant grant = {.principal = person(number),
        .class = META_CLASS_CLIENT,
        .tenant = at->tenant,
        .rights = rights};
    assert_int_equal(meta_grant_put(at->meta.store, &grant, &at->meta.err),
        at->is_unknown ? HEARTH_UNKNOWN : HEARTH_OK);
}

static void assert_same_grant(struct fixture *at, uint64_t number)
{
    struct meta_grant kept;
    struct meta_grant read;
    enum hearth_code code = access_cache_grant(at->cache, person(number), &kept, &at->meta.err);
    assert_int_equal(code, meta_grant_get(at->meta.store, person(number), &read, &at->meta.err));
    if (code == HEARTH_OK) {
        assert_int_equal(kept.rights, read.rights);
        assert_true(meta_id_equal(kept.tenant, read.tenant));
    }
}

static void a_grant_is_always_what_the_metadata_says(void **state)
{
    struct fixture *at = *state;
    struct env *env = &at->meta.env.env;
    struct hearth_err ignored;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t number = env_random_below(env, PEOPLE);
        at->is_unknown = env_random_below(env, 4) == 0;
        switch (env_random_below(env, 8)) {
        case 0: put_grant(at, number, env_random_below(env, RIGHTS)); break;
        case 1: meta_grant_delete(at->meta.store, person(number), at->tenant, &ignored); break;
        default: assert_same_grant(at, number); break;
        }
    }
}

/* ---- buckets ---- */

static struct view bucket_name(uint64_t number, char text[32])
{
    return view_of(text, (size_t)snprintf(text, 32, "bucket-%u", (unsigned)number));
}

static void make_bucket(struct fixture *at, uint64_t number)
{
    char name[32];
    const struct meta_bucket_create create = {
        .id = test_meta_id(&at->meta),
        .name = bucket_name(number, name),
        .tenant = at->tenant,
        .profile = profile_by_name(view_text("local"))->number,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .token = test_meta_id(&at->meta),
    };
    struct hearth_err ignored; /* it may be there */
    meta_bucket_create(at->meta.store, &create, &ignored);
}

static void remove_bucket(struct fixture *at, uint64_t number)
{
    char name[32];
    struct hearth_err ignored;
    meta_bucket_delete(
        at->meta.store, bucket_name(number, name), at->tenant, test_meta_id(&at->meta), &ignored);
}

static void assert_same_bucket(struct fixture *at, uint64_t number)
{
    char name[32];
    struct arena arena;
    struct meta_bucket kept;
    struct meta_bucket read;
    arena_init(&arena, 0);
    enum hearth_code code =
        access_cache_bucket(at->cache, bucket_name(number, name), &arena, &kept, &at->meta.err);
    assert_int_equal(code,
        meta_bucket_get(at->meta.store, bucket_name(number, name), &arena, &read, &at->meta.err));
    if (code == HEARTH_OK) {
        assert_true(meta_id_equal(kept.id, read.id));
        assert_true(view_equal(kept.name, read.name));
        assert_int_equal(kept.key_count, read.key_count);
        assert_true(view_equal(kept.keys[0].wrapped, read.keys[0].wrapped));
    }
    arena_fini(&arena);
}

static void a_bucket_is_always_what_the_metadata_says(void **state)
{
    struct fixture *at = *state;
    struct env *env = &at->meta.env.env;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t number = env_random_below(env, BUCKETS);
        at->is_unknown = env_random_below(env, 4) == 0;
        switch (env_random_below(env, 8)) {
        case 0: make_bucket(at, number); break;
        case 1: remove_bucket(at, number); break;
        default: assert_same_bucket(at, number); break;
        }
    }
}

/* ---- when it was read ---- */

/* Behind the back of the store, as nobody does. */
static void spoil_rights(struct fixture *at)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/meta.db", at->meta.directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE principal_grant SET rights = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static uint64_t rights_of(struct fixture *at, uint64_t number)
{
    struct meta_grant grant;
    assert_ok(access_cache_grant(at->cache, person(number), &grant, &at->meta.err), &at->meta.err);
    return grant.rights;
}

static void what_was_read_is_not_read_again_until_something_changes(void **state)
{
    struct fixture *at = *state;
    put_grant(at, 1, 5);
    assert_int_equal(rights_of(at, 1), 5);
    spoil_rights(at);
    assert_int_equal(rights_of(at, 1), 5);
    put_grant(at, 2, 5);
    assert_int_equal(rights_of(at, 1), 1);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_grant_is_always_what_the_metadata_says),
        claim(a_bucket_is_always_what_the_metadata_says),
        claim(what_was_read_is_not_read_again_until_something_changes),
    };
    return cmocka_run_group_tests_name("access_cache", tests, NULL, NULL);
}
