/*
 * Everything of the library that moves no bytes: buckets, stat, list, copy, delete.  The
 * coordinator is invented; what is lost on the way has one outcome.
 */
#include "client/bucket_cache.h"
#include "client/bucket_calls.h"
#include "client/object_copy.h"
#include "client/object_delete.h"
#include "client/object_list.h"
#include "client/object_put.h"
#include "client/object_stat.h"
#include "client/signing_key.h"
#include "tests/lib/client_world.h"

#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20 };

/* ---- buckets ---- */

static void buckets_are_made_seen_and_deleted(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(bucket_create(&world->session, "second", NULL, &err), &err);
    assert_int_equal(bucket_create(&world->session, "second", NULL, &err), HEARTH_EXISTS);
    assert_string_equal(err.message, "create bucket second: bucket second");

    struct hearth_buckets *buckets;
    assert_ok(bucket_list(&world->session, &buckets, &err), &err);
    assert_int_equal(buckets->count, 2);
    assert_string_equal(buckets->items[1].name, "second");
    hearth_buckets_destroy(buckets);
    assert_ok(bucket_head(&world->session, "second", &buckets, &err), &err);
    assert_int_equal(buckets->count, 1);
    assert_int_equal(buckets->items[0].k, 4);
    assert_string_equal(buckets->items[0].profile, "test");
    hearth_buckets_destroy(buckets);

    assert_ok(bucket_delete(&world->session, "second", &err), &err);
    assert_int_equal(bucket_head(&world->session, "second", &buckets, &err), HEARTH_NOT_FOUND);
    assert_int_equal(bucket_delete(&world->session, "second", &err), HEARTH_NOT_FOUND);
    assert_int_equal(bucket_delete(&world->session, "no bucket", &err), HEARTH_INVALID);
    world_destroy(world);
}

static void find_bucket(struct world *world, unsigned number, bool is_known)
{
    char name[16];
    struct bucket bucket;
    struct hearth_err err;
    unsigned asked = world->coordinator.asked[RPC_HEAD_BUCKET];
    snprintf(name, sizeof(name), "number-%u", number);
    assert_ok(bucket_cache_find(world->session.buckets, name, &bucket, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_HEAD_BUCKET], asked + !is_known);
    test_env_step_ms(&world->env, 1);
}

static void of_too_many_buckets_the_one_asked_for_longest_ago_is_forgotten(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    for (unsigned i = 0; i <= BUCKET_CACHE_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "number-%u", i);
        assert_ok(bucket_create(&world->session, name, NULL, &err), &err);
    }
    for (unsigned i = 0; i < BUCKET_CACHE_MAX; i++) {
        find_bucket(world, i, false);
    }
    bucket_cache_forget(world->session.buckets, "number-0");
    find_bucket(world, 0, false);
    find_bucket(world, BUCKET_CACHE_MAX, false);
    for (unsigned i = 0; i <= BUCKET_CACHE_MAX; i++) {
        if (i != 1) {
            find_bucket(world, i, true);
        }
    }
    find_bucket(world, 1, false);
    world_destroy(world);
}

static bool is_public(struct world *world)
{
    struct hearth_err err;
    struct hearth_buckets *buckets;
    assert_ok(bucket_head(&world->session, "bucket", &buckets, &err), &err);
    bool answer = buckets->items[0].public_read;
    hearth_buckets_destroy(buckets);
    return answer;
}

static void a_bucket_is_public_as_long_as_its_owner_says_so(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_false(is_public(world));
    assert_ok(bucket_set_public(&world->session, "bucket", true, &err), &err);
    assert_true(is_public(world));
    assert_ok(bucket_set_public(&world->session, "bucket", false, &err), &err);
    assert_false(is_public(world));
    assert_int_equal(bucket_set_public(&world->session, "nowhere", true, &err), HEARTH_NOT_FOUND);
    world_destroy(world);
}

static void a_bucket_with_objects_stays(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    assert_int_equal(bucket_delete(&world->session, "bucket", &err), HEARTH_NOT_EMPTY);
    world_destroy(world);
}

static enum hearth_code ask_key(
    struct world *world, const char *access_key, struct gateway_signing_key *out)
{
    struct hearth_err err;
    const struct sigv4_scope scope = {view_text("20261128"), view_text("home-1")};
    return signing_key_ask(&world->session, view_text(access_key), &scope, out, &err);
}

static void a_gateway_asks_for_the_key_of_a_day(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct gateway_signing_key key;
    fake_coordinator_add_fault(
        &world->coordinator, RPC_DERIVE_SIGNING_KEY, FAKE_QUESTION_LOST, 1, 1);
    assert_int_equal(ask_key(world, "HKKNOWN", &key), HEARTH_OK); /* asked again */
    assert_int_equal(key.key[0], 7);
    assert_int_equal(key.rights, HEARTH_RIGHT_READ | HEARTH_RIGHT_WRITE);
    assert_int_equal(ask_key(world, "HKOTHER", &key), HEARTH_NOT_FOUND);
    world_destroy(world);
}

static void what_an_operator_made_gets_its_key_with_the_first_write(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    uint8_t id[16] = {5};
    world->coordinator.buckets[world->coordinator.bucket_count++] = (struct wire_bucket_info){
        .name = view_text("reserved"),
        .bucket_id = view_of(id, sizeof(id)),
        .profile = &world->coordinator.profile,
    };
    struct world_source source;
    world_source_init(&source, 1, 100);
    assert_ok(object_put(&world->session, "reserved", view_text("key"), &source.source,
                  &(struct hearth_put_options){0}, NULL, &err),
        &err);
    assert_non_null(fake_coordinator_find(&world->coordinator, "reserved", "key"));
    assert_int_equal(world->coordinator.buckets[1].keys_count, 1);
    world_destroy(world);
}

/* By somebody else: this session still remembers the old bucket and its keys. */
static void make_bucket_again_elsewhere(struct world *world)
{
    struct session other;
    const struct session_options options = {
        .env = &world->env.env,
        .coordinator = &world->coordinator.coordinator,
        .net = &world->net.net,
        .root_key = &world->session.root_key,
        .root_key_path = "root.key",
        .memory_max = 1,
        .transfer_memory_max = 1,
    };
    struct hearth_err err;
    session_init(&other, &options);
    assert_ok(bucket_delete(&other, "bucket", &err), &err);
    assert_ok(bucket_create(&other, "bucket", NULL, &err), &err);
    session_fini(&other);
}

static void what_is_put_into_a_bucket_made_again_can_be_read(void **state)
{
    (void)state;
    const uint64_t sizes[] = {10, MIB};
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_create(NULL);
        struct hearth_err err;
        struct hearth_stat *stat;
        assert_int_equal(
            object_stat(&world->session, "bucket", view_text("key"), false, &stat, &err),
            HEARTH_NOT_FOUND);
        make_bucket_again_elsewhere(world);
        assert_ok(world_put(world, "key", 1, sizes[i], &err), &err);
        assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
        world_destroy(world);
    }
}

static void what_is_copied_into_a_bucket_made_again_can_be_read(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    assert_ok(object_delete(&world->session, "bucket", view_text("key"), NULL, NULL, &err), &err);
    make_bucket_again_elsewhere(world);
    assert_ok(bucket_create(&world->session, "source", NULL, &err), &err);
    struct world_source source;
    world_source_init(&source, 1, 10);
    assert_ok(
        object_put(&world->session, "source", view_text("key"), &source.source, NULL, NULL, &err),
        &err);
    assert_ok(object_copy(&world->session, "source", view_text("key"), "bucket", view_text("key"),
                  NULL, NULL, &err),
        &err);
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

static void a_bucket_call_lost_on_the_way_has_one_outcome(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    fake_coordinator_add_fault(&world->coordinator, RPC_CREATE_BUCKET, FAKE_ANSWER_LOST, 2, 2);
    assert_ok(bucket_create(&world->session, "second", NULL, &err), &err);
    fake_coordinator_add_fault(&world->coordinator, RPC_DELETE_BUCKET, FAKE_ANSWER_LOST, 1, 2);
    assert_ok(bucket_delete(&world->session, "second", &err), &err);
    fake_coordinator_add_fault(&world->coordinator, RPC_CREATE_BUCKET, FAKE_ANSWER_LOST, 5, 1000);
    assert_int_equal(bucket_create(&world->session, "third", NULL, &err), HEARTH_UNKNOWN);
    world_destroy(world);
}

/* ---- stat ---- */

static void put_with_metadata(struct world *world, const char *key, uint64_t size)
{
    const struct hearth_metadata metadata[] = {{"colour", view_text("blue")}, {"empty", {0}}};
    const struct hearth_put_options options = {
        .attributes = {.content_type = "text/plain", .metadata_count = 2, .metadata = metadata}};
    struct world_source source;
    world_source_init(&source, 1, size);
    struct hearth_err err;
    assert_ok(
        object_put(&world->session, "bucket", view_text(key), &source.source, &options, NULL, &err),
        &err);
}

static void assert_metadata(const struct hearth_object *object)
{
    assert_string_equal(object->attributes.content_type, "text/plain");
    assert_int_equal(object->attributes.metadata_count, 2);
    assert_string_equal(object->attributes.metadata[0].name, "colour");
    assert_true(view_equal(object->attributes.metadata[0].value, view_text("blue")));
    assert_string_equal(object->attributes.metadata[1].name, "empty");
    assert_int_equal(object->attributes.metadata[1].value.size, 0);
}

static void stat_tells_what_was_said_at_the_put(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    put_with_metadata(world, "key", MIB);
    struct hearth_stat *stat;
    struct hearth_err err;
    assert_ok(object_stat(&world->session, "bucket", view_text("key"), false, &stat, &err), &err);
    assert_true(view_equal(stat->object.key, view_text("key")));
    assert_int_equal(stat->object.size, MIB);
    assert_int_equal(stat->object.created_unix_ms,
        fake_coordinator_find(&world->coordinator, "bucket", "key")->info.created_unix_ms);
    assert_metadata(&stat->object);
    assert_int_equal(stat->segment_count, 0);
    hearth_stat_destroy(stat);
    assert_int_equal(object_stat(&world->session, "bucket", view_text("no"), false, &stat, &err),
        HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "stat bucket/no: no object no");
    world_destroy(world);
}

static void stat_tells_who_holds_which_slot(void **state)
{
    (void)state;
    const struct world_options options = {.segment_plain_max = 256 << 10};
    struct world *world = world_create(&options);
    world->net.nodes[2].manner = FAKE_DEAD;
    world->coordinator.lookup_segments_max = 2;
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, MIB + 1, &err), &err);
    struct hearth_stat *stat;
    assert_ok(object_stat(&world->session, "bucket", view_text("key"), true, &stat, &err), &err);
    assert_false(stat->is_inline);
    assert_int_equal(stat->segment_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(stat->segments[i].object_offset, i * (256u << 10));
        assert_int_equal(stat->segments[i].n, 8);
        assert_int_equal(stat->segments[i].holder_count, 7);
        assert_int_equal(stat->segments[i].holders[2].slot, 3);
        assert_string_equal(
            stat->segments[i].holders[2].node, "1313131313131313131313131313131313131313");
    }
    assert_int_equal(stat->segments[4].length, 1);
    hearth_stat_destroy(stat);

    assert_ok(world_put(world, "small", 1, 1, &err), &err);
    assert_ok(object_stat(&world->session, "bucket", view_text("small"), true, &stat, &err), &err);
    assert_true(stat->is_inline);
    hearth_stat_destroy(stat);
    world_destroy(world);
}

/* ---- list ---- */

static void a_listing_comes_in_pages_and_in_order(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    char key[16];
    for (unsigned i = 0; i < 25; i++) {
        snprintf(key, sizeof(key), "key-%02u", (i * 7) % 25);
        assert_ok(world_put(world, key, 1, i, &err), &err);
    }
    struct hearth_list_options options = {.bucket = "bucket", .max = 10};
    uint8_t token[64];
    unsigned seen = 0;
    unsigned pages = 0;
    do {
        struct hearth_page *page;
        assert_ok(object_list(&world->session, &options, &page, &err), &err);
        for (unsigned i = 0; i < page->count; i++) {
            snprintf(key, sizeof(key), "key-%02u", seen++);
            assert_true(view_equal(page->objects[i].key, view_text(key)));
            assert_int_equal(strlen(page->objects[i].etag), 32);
        }
        if (page->next_token.size > 0) {
            memcpy(token, page->next_token.bytes, page->next_token.size);
        }
        options.token = view_of(token, page->next_token.size);
        hearth_page_destroy(page);
        pages++;
    } while (options.token.size > 0);
    assert_int_equal(seen, 25);
    assert_int_equal(pages, 3);
    world_destroy(world);
}

static void the_listed_etag_is_the_one_of_the_put(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 0, &err), &err);
    struct hearth_page *page;
    const struct hearth_list_options options = {.bucket = "bucket"};
    assert_ok(object_list(&world->session, &options, &page, &err), &err);
    assert_string_equal(page->objects[0].etag, "d41d8cd98f00b204e9800998ecf8427e");
    hearth_page_destroy(page);
    world_destroy(world);
}

/* ---- copy ---- */

static void copy(struct world *world, const char *from, const char *to_bucket, const char *to,
    const struct hearth_copy_options *options, struct hearth_put_result *result)
{
    struct hearth_err err;
    assert_ok(object_copy(&world->session, "bucket", view_text(from), to_bucket, view_text(to),
                  options, result, &err),
        &err);
}

static void a_copy_reads_the_same_and_moves_no_data(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(bucket_create(&world->session, "second", NULL, &err), &err);
    put_with_metadata(world, "large", MIB);
    put_with_metadata(world, "small", 100);
    unsigned shards = fake_net_shards(&world->net);

    struct hearth_put_result result;
    copy(world, "large", "second", "large", NULL, &result);
    assert_int_equal(result.size, MIB);
    copy(world, "large", "bucket", "again", NULL, NULL);
    copy(world, "small", "bucket", "tiny", NULL, NULL);
    assert_int_equal(fake_net_shards(&world->net), shards);

    assert_ok(object_delete(&world->session, "bucket", view_text("large"), NULL, NULL, &err), &err);
    assert_ok(world_get(world, "again", 1, 0, 0, NULL, &err), &err);
    assert_ok(world_get(world, "tiny", 1, 0, 0, NULL, &err), &err);
    struct hearth_stat *stat;
    assert_ok(object_stat(&world->session, "second", view_text("large"), false, &stat, &err), &err);
    assert_string_equal(stat->object.etag, result.etag);
    assert_metadata(&stat->object);
    hearth_stat_destroy(stat);
    world_destroy(world);
}

static void a_copy_may_have_other_metadata(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    put_with_metadata(world, "key", MIB);
    const struct hearth_copy_options options = {
        .replace_attributes = true, .attributes.content_type = "image/png"};
    copy(world, "key", "bucket", "key", &options, NULL);
    struct hearth_stat *stat;
    struct hearth_err err;
    assert_ok(object_stat(&world->session, "bucket", view_text("key"), false, &stat, &err), &err);
    assert_string_equal(stat->object.attributes.content_type, "image/png");
    assert_int_equal(stat->object.attributes.metadata_count, 0);
    hearth_stat_destroy(stat);
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

static void a_copy_over_something_can_be_forbidden(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    put_with_metadata(world, "key", 10);
    put_with_metadata(world, "other", 10);
    const struct hearth_copy_options options = {.precondition = {.must_not_exist = true}};
    struct hearth_err err;
    assert_int_equal(object_copy(&world->session, "bucket", view_text("key"), "bucket",
                         view_text("other"), &options, NULL, &err),
        HEARTH_PRECONDITION);
    assert_string_equal(err.message, "copy bucket/key to bucket/other: precondition is not true");
    assert_int_equal(object_copy(&world->session, "bucket", view_text("nothing"), "bucket",
                         view_text("other"), NULL, NULL, &err),
        HEARTH_NOT_FOUND);
    world_destroy(world);
}

/* ---- delete ---- */

static void delete_tells_whether_there_was_something(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    bool existed;
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    assert_ok(
        object_delete(&world->session, "bucket", view_text("key"), NULL, &existed, &err), &err);
    assert_true(existed);
    assert_ok(
        object_delete(&world->session, "bucket", view_text("key"), NULL, &existed, &err), &err);
    assert_false(existed);
    assert_int_equal(world_get(world, "key", 1, 0, 0, NULL, &err), HEARTH_NOT_FOUND);
    world_destroy(world);
}

static void a_delete_lost_on_the_way_has_one_outcome(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    bool existed = false;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    fake_coordinator_add_fault(&world->coordinator, RPC_DELETE, FAKE_ANSWER_LOST, 1, 3);
    assert_ok(
        object_delete(&world->session, "bucket", view_text("key"), NULL, &existed, &err), &err);
    assert_true(existed); /* as the first time, not as asked again */

    fake_coordinator_add_fault(&world->coordinator, RPC_DELETE, FAKE_ANSWER_LOST, 5, 1000);
    assert_int_equal(object_delete(&world->session, "bucket", view_text("key"), NULL, NULL, &err),
        HEARTH_UNKNOWN);
    world_destroy(world);
}

static void a_coordinator_whose_disk_is_full_says_so_at_once(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    fake_coordinator_add_fault(&world->coordinator, RPC_DELETE, FAKE_DISK_FULL, 1, 1);
    uint64_t before_ns = env_now_ns(&world->env.env);
    assert_int_equal(object_delete(&world->session, "bucket", view_text("key"), NULL, NULL, &err),
        HEARTH_NO_SPACE);
    assert_true(env_now_ns(&world->env.env) - before_ns < 100 * UINT64_C(1000000));
    assert_ok(object_delete(&world->session, "bucket", view_text("key"), NULL, NULL, &err), &err);
    world_destroy(world);
}

static void a_delete_can_have_a_condition(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    const struct hearth_precondition other = {.must_have_etag = "d41d8cd98f00b204e9800998ecf8427e"};
    assert_int_equal(object_delete(&world->session, "bucket", view_text("key"), &other, NULL, &err),
        HEARTH_PRECONDITION);
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_made_seen_and_deleted),
        cmocka_unit_test(of_too_many_buckets_the_one_asked_for_longest_ago_is_forgotten),
        cmocka_unit_test(a_bucket_is_public_as_long_as_its_owner_says_so),
        cmocka_unit_test(a_bucket_with_objects_stays),
        cmocka_unit_test(a_gateway_asks_for_the_key_of_a_day),
        cmocka_unit_test(what_an_operator_made_gets_its_key_with_the_first_write),
        cmocka_unit_test(what_is_put_into_a_bucket_made_again_can_be_read),
        cmocka_unit_test(what_is_copied_into_a_bucket_made_again_can_be_read),
        cmocka_unit_test(a_bucket_call_lost_on_the_way_has_one_outcome),
        cmocka_unit_test(stat_tells_what_was_said_at_the_put),
        cmocka_unit_test(stat_tells_who_holds_which_slot),
        cmocka_unit_test(a_listing_comes_in_pages_and_in_order),
        cmocka_unit_test(the_listed_etag_is_the_one_of_the_put),
        cmocka_unit_test(a_copy_reads_the_same_and_moves_no_data),
        cmocka_unit_test(a_copy_may_have_other_metadata),
        cmocka_unit_test(a_copy_over_something_can_be_forbidden),
        cmocka_unit_test(delete_tells_whether_there_was_something),
        cmocka_unit_test(a_delete_lost_on_the_way_has_one_outcome),
        cmocka_unit_test(a_coordinator_whose_disk_is_full_says_so_at_once),
        cmocka_unit_test(a_delete_can_have_a_condition),
    };
    return cmocka_run_group_tests_name("object_calls", tests, NULL, NULL);
}
