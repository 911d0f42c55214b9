/*
 * estimate_watch: each segment counts in its profile and in every bucket that has an object on it,
 * whoever wrote it, as long as it has; estimate_buckets: no more than so many, the worst first.
 */
#include "coordinator/estimate/estimate_watch.h"

#include "coordinator/fleet/sweep.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdlib.h>

enum { NODES = 8, HEARTBEAT_MS = 1000 };

struct fixture {
    struct test_meta meta;
    struct node_table *nodes;
    struct estimate *estimate;
    struct estimate_watch *watch;
    struct sweep *sweep;
    struct meta_id other; /* bucket */
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    struct hearth_err err;
    test_meta_init(&at->meta, 1, NODES);
    at->other = test_meta_make_bucket(&at->meta, "other");
    const struct node_table_options nodes = {
        .store = at->meta.store, .env = &at->meta.env.env, .heartbeat_ms = HEARTBEAT_MS};
    assert_ok(node_table_create(&nodes, &at->nodes, &err), &err);
    at->estimate = estimate_create(0);
    at->watch = estimate_watch_create(at->estimate, at->meta.store);
    assert_non_null(at->watch);
    const struct sweep_options options = {.store = at->meta.store,
        .nodes = at->nodes,
        .env = &at->meta.env.env,
        .share_percent = 100};
    assert_ok(sweep_create(&options, &at->sweep, &err), &err);
    const struct sweep_watcher watcher = estimate_watch_watcher(at->watch);
    sweep_watch(at->sweep, &watcher);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    sweep_destroy(at->sweep);
    estimate_watch_destroy(at->watch);
    estimate_destroy(at->estimate);
    node_table_destroy(at->nodes);
    test_meta_fini(&at->meta);
    free(at);
    return 0;
}

/* Segments that count in the bucket, by a new pass. */
static uint64_t segments_of(struct fixture *at, struct meta_id bucket)
{
    struct estimate_bucket found[4];
    uint64_t segments = 0;
    sweep_round(NULL, at->sweep);
    const size_t count = estimate_watch_buckets(at->watch, found, 4);
    for (size_t i = 0; i < count; i++) {
        if (meta_id_equal(found[i].bucket, bucket)) {
            segments += found[i].sum.segments;
        }
    }
    return segments;
}

static uint64_t segments_of_all(struct fixture *at)
{
    struct estimate_sum sums[REPAIR_PROFILES_MAX];
    uint64_t segments = 0;
    sweep_round(NULL, at->sweep);
    estimate_watch_get(at->watch, sums);
    for (unsigned i = 0; i < profile_count; i++) {
        segments += sums[i].segments;
    }
    return segments;
}

static void upload(struct fixture *at, const char *key)
{
    struct meta_id segment;
    test_meta_upload(&at->meta, key, &segment);
}

static void copy_to_other(struct fixture *at, const char *from, const char *to)
{
    struct test_meta *meta = &at->meta;
    struct meta_object source;
    struct meta_object_info info;
    assert_ok(test_meta_find(meta, from, &source), &meta->err);
    struct meta_copy copy = {.source_bucket = meta->bucket,
        .source_key = view_text(from),
        .source_version = source.info.version,
        .put = test_meta_put(meta, to, source.info.size)};
    copy.put.bucket = at->other;
    copy.put.body.extents = source.extents;
    copy.put.body.extent_count = source.extent_count;
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
}

/* Until nothing of it is left in the metadata. */
static void delete_from(struct fixture *at, struct meta_id bucket, const char *key)
{
    struct test_meta *meta = &at->meta;
    bool existed;
    const struct meta_delete request = {
        .bucket = bucket, .key = view_text(key), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &request, &existed, &meta->err), &meta->err);
    assert_true(existed);
    test_env_step_ms(&meta->env, 10 * META_READ_GRACE_MS);
    test_meta_collect(meta);
}

static void a_segment_counts_in_the_bucket_it_was_written_for(void **state)
{
    struct fixture *at = *state;
    upload(at, "one");
    upload(at, "two");
    assert_int_equal(segments_of(at, at->meta.bucket), 2);
    assert_int_equal(segments_of(at, at->other), 0);
}

static void a_copied_one_counts_in_each_bucket_and_once_in_its_profile(void **state)
{
    struct fixture *at = *state;
    upload(at, "one");
    upload(at, "two");
    copy_to_other(at, "one", "first");
    copy_to_other(at, "one", "second");
    assert_int_equal(segments_of(at, at->meta.bucket), 2);
    assert_int_equal(segments_of(at, at->other), 1);
    assert_int_equal(segments_of_all(at), 2);
}

static void a_bucket_without_its_objects_has_none_of_their_segments(void **state)
{
    struct fixture *at = *state;
    upload(at, "one");
    copy_to_other(at, "one", "first");
    copy_to_other(at, "one", "second");
    delete_from(at, at->meta.bucket, "one");
    assert_int_equal(segments_of(at, at->meta.bucket), 0);
    assert_int_equal(segments_of(at, at->other), 1);
    delete_from(at, at->other, "first");
    assert_int_equal(segments_of(at, at->other), 1);
    delete_from(at, at->other, "second");
    assert_int_equal(segments_of(at, at->other), 0);
    assert_int_equal(segments_of_all(at), 0);
}

static void an_own_bucket_goes_on_when_the_copies_are_gone(void **state)
{
    struct fixture *at = *state;
    upload(at, "one");
    copy_to_other(at, "one", "first");
    delete_from(at, at->other, "first");
    assert_int_equal(segments_of(at, at->meta.bucket), 1);
    assert_int_equal(segments_of(at, at->other), 0);
}

/* ---- how many buckets ---- */

static struct meta_id numbered(unsigned number)
{
    return (struct meta_id){{[14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
}

/* All of them want the same place. */
static void buckets_beyond_the_limit_are_in_no_sum_and_harm_no_other(void **state)
{
    (void)state;
    struct estimate_buckets *buckets = estimate_buckets_create();
    for (unsigned i = 0; i < ESTIMATE_BUCKETS_MAX; i++) {
        estimate_buckets_of(buckets, numbered(i))->segments = i;
    }
    assert_null(estimate_buckets_of(buckets, numbered(ESTIMATE_BUCKETS_MAX)));
    for (unsigned i = 0; i < ESTIMATE_BUCKETS_MAX; i++) {
        assert_int_equal(estimate_buckets_of(buckets, numbered(i))->segments, i);
    }
    estimate_buckets_clear(buckets);
    assert_non_null(estimate_buckets_of(buckets, numbered(ESTIMATE_BUCKETS_MAX)));
    estimate_buckets_destroy(buckets);
}

static void the_worst_buckets_come_first(void **state)
{
    (void)state;
    const double lost[] = {1e-9, 1e-3, 1e-12, 1e-6, 1e-4};
    struct estimate_bucket worst[3];
    struct estimate_buckets *buckets = estimate_buckets_create();
    for (unsigned i = 0; i < 5; i++) {
        estimate_buckets_of(buckets, numbered(i))->worst_lost = lost[i];
    }
    assert_int_equal(estimate_buckets_worst(buckets, worst, 3), 3);
    assert_true(meta_id_equal(worst[0].bucket, numbered(1)));
    assert_true(meta_id_equal(worst[1].bucket, numbered(4)));
    assert_true(meta_id_equal(worst[2].bucket, numbered(3)));
    estimate_buckets_destroy(buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(a_segment_counts_in_the_bucket_it_was_written_for),
        CASE(a_copied_one_counts_in_each_bucket_and_once_in_its_profile),
        CASE(a_bucket_without_its_objects_has_none_of_their_segments),
        CASE(an_own_bucket_goes_on_when_the_copies_are_gone),
#undef CASE
        cmocka_unit_test(buckets_beyond_the_limit_are_in_no_sum_and_harm_no_other),
        cmocka_unit_test(the_worst_buckets_come_first),
    };
    return cmocka_run_group_tests_name("estimate_watch", tests, NULL, NULL);
}
