/*
 * object_put: a put is durable on w nodes or refused, whatever nodes, source and coordinator do.
 * Nodes and coordinator are invented, time is stepped.
 */
#include "client/object_put.h"
#include "tests/lib/client_world.h"

#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB, CELL = 65552, STRIPE = 4 * 64 * KIB };

static void a_put_is_stored_on_all_nodes_and_visible(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 3 * MIB + 5, &err), &err);

    const struct fake_version *version =
        fake_coordinator_find(&world->coordinator, "bucket", "key");
    assert_non_null(version);
    assert_int_equal(version->info.size, 3 * MIB + 5);
    assert_int_equal(version->extents_count, 1);
    assert_int_equal(fake_segment_holders(&world->coordinator.segments[0]), 8);
    assert_int_equal(fake_net_shards(&world->net), 8);
    world_destroy(world);
}

static void small_objects_take_one_question_and_no_node(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "empty", 1, 0, &err), &err);
    assert_ok(world_put(world, "largest", 1, WORLD_INLINE_MAX, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_PUT_INLINE], 2);
    assert_int_equal(world->coordinator.asked[RPC_BEGIN], 0);
    assert_int_equal(world->coordinator.asked[RPC_HEAD_BUCKET], 1);
    assert_int_equal(world->coordinator.asked[RPC_OPEN_SESSION], 1);

    assert_ok(world_put(world, "one more", 1, WORLD_INLINE_MAX + 1, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_PUT_INLINE], 2);
    assert_int_equal(fake_net_shards(&world->net), 8);
    world_destroy(world);
}

static void the_etag_is_the_md5_of_the_bytes(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    struct hearth_put_result result;
    struct world_source source;
    world_source_init(&source, 1, 0);
    assert_ok(
        object_put(&world->session, "bucket", view_text("k"), &source.source, NULL, &result, &err),
        &err);
    assert_string_equal(result.etag, "d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(result.size, 0);
    assert_int_equal(strlen(result.version), 32);
    world_destroy(world);
}

/* Small ones in one question, large ones on nodes. */
static void a_source_with_another_md5_than_was_said_is_refused(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    uint8_t md5[CRYPTO_MD5_SIZE];
    const struct hearth_put_options options = {.md5 = md5};
    const uint64_t sizes[] = {100, MIB};
    const char *const keys[] = {"small", "large"};
    for (size_t i = 0; i < 2; i++) {
        struct world_source source;
        struct hearth_put_result result;
        struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
        for (uint64_t at = 0; at < sizes[i]; at++) {
            uint8_t byte = world_byte(1, at);
            crypto_hash_update(hash, view_of(&byte, 1));
        }
        crypto_hash_final(hash, md5);
        crypto_hash_destroy(hash);
        md5[15] ^= 1;
        world_source_init(&source, 1, sizes[i]);
        assert_int_equal(object_put(&world->session, "bucket", view_text(keys[i]), &source.source,
                             &options, &result, &err),
            HEARTH_CHECKSUM);
        assert_null(fake_coordinator_find(&world->coordinator, "bucket", keys[i]));
        md5[15] ^= 1;
        world_source_init(&source, 1, sizes[i]);
        assert_ok(object_put(&world->session, "bucket", view_text(keys[i]), &source.source,
                      &options, &result, &err),
            &err);
    }
    world_destroy(world);
}

/* Sizes at the edges of units, cells, stripes and segments; the shards have the right length. */
static void every_size_around_an_edge_is_stored(void **state)
{
    (void)state;
    const struct world_options options = {.segment_plain_max = 2 * STRIPE};
    struct world *world = world_create(&options);
    const uint64_t edges[] = {64 * KIB, 3 * 64 * KIB, STRIPE, STRIPE + 64 * KIB, 2 * STRIPE,
        4 * STRIPE, 4 * STRIPE + 64 * KIB};
    struct hearth_err err;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (uint64_t size = edges[i] - 1; size <= edges[i] + 1; size++) {
            assert_ok(world_put(world, "key", 1, size, &err), &err);
            const struct fake_version *version =
                fake_coordinator_find(&world->coordinator, "bucket", "key");
            assert_int_equal(version->info.size, size);
            assert_int_equal(version->extents_count, (size + 2 * STRIPE - 1) / (2 * STRIPE));
        }
    }
    world_destroy(world);
}

/* Memory of stripes at once: the most there was, asked before each wait. */
struct memory_watch {
    uint64_t bytes_max;
};

static void watch_memory(struct fake_net *net, void *context)
{
    struct memory_watch *watch = context;
    if (net->bytes_queued_max > watch->bytes_max) {
        watch->bytes_max = net->bytes_queued_max;
    }
}

/* A share too small to keep a segment: what waits for slow nodes stays within it, and no more than
 * the share is ever taken from the budget. */
static void a_small_share_of_memory_is_kept_to(void **state)
{
    (void)state;
    const struct world_options options = {.memory_max = 16 * MIB};
    struct world *world = world_create(&options);
    struct memory_watch watch = {0};
    world->net.at_wait = watch_memory;
    world->net.at_wait_context = &watch;
    for (unsigned i = 0; i < 8; i++) {
        world->net.nodes[i].cell_us = 20 * 1000;
    }
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 40 * MIB, &err), &err);
    assert_true(watch.bytes_max > 0 && watch.bytes_max <= 16 * MIB);
    assert_int_equal(world->session.budget.shared.bytes_free, 16 * MIB);
    world->net.at_wait = NULL;
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

static void cells_go_out_some_at_a_time(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 8 * STRIPE, &err), &err);
    assert_int_equal(world->net.cells_put, 8 * 8);
    assert_true(world->net.handovers <= world->net.cells_put / 2);
    world_destroy(world);
}

/* A window holds six of these stripes: two go out, four are left for those on their way. */
static void wide_stripes_go_out_two_at_a_time(void **state)
{
    (void)state;
    const struct world_options options = {.nodes = 40, .k = 16, .n = 40, .w = 30};
    struct world *world = world_create(&options);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 6 * MIB, &err), &err);
    assert_int_equal(world->net.cells_put, 6 * 40);
    assert_true(world->net.handovers <= world->net.cells_put * 2 / 3);
    world_destroy(world);
}

struct slow_source {
    struct hearth_source source;
    struct world_source bytes;
    struct test_env *env;
};

static enum hearth_code read_slowly(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct slow_source *slow = context;
    test_env_step_ms(slow->env, 10);
    return slow->bytes.source.read(slow->bytes.source.context, bytes, size, out_got, err);
}

/* A node that hears nothing for a minute gives up. */
static void a_slow_sources_cells_do_not_wait_for_others(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct slow_source slow = {
        .source = {.read = read_slowly, .context = &slow}, .env = &world->env};
    const struct hearth_put_options options = {0};
    struct hearth_err err;
    world_source_init(&slow.bytes, 1, 8 * STRIPE);
    assert_ok(
        object_put(&world->session, "bucket", view_text("key"), &slow.source, &options, NULL, &err),
        &err);
    assert_int_equal(world->net.cells_put, 8 * 8);
    assert_int_equal(world->net.handovers, world->net.cells_put);
    world_destroy(world);
}

/* Before anything was begun; and when there is just enough to begin, but not to send. */
static void a_put_without_memory_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct byte_budget *budget = &world->session.budget;
    struct hearth_err err;
    uint64_t share;
    assert_ok(byte_budget_reserve(budget, 133 * MIB, 133 * MIB, &share, &err), &err);
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_BUSY);
    assert_non_null(strstr(err.message, "bytes of transfer memory are free"));
    assert_int_equal(world->coordinator.asked[RPC_BEGIN], 0);
    assert_ok(world_put(world, "small", 1, 100, &err), &err); /* takes no share */

    byte_budget_release(budget, 12 * MIB);
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_BUSY);
    assert_int_equal(world->coordinator.asked[RPC_OPEN_SEGMENT], 0);
    assert_int_equal(world->coordinator.asked[RPC_ABORT], 1);
    byte_budget_release(budget, share - 12 * MIB);
    assert_ok(world_put(world, "key", 1, MIB, &err), &err);
    world_destroy(world);
}

/* ---- sources ---- */

static enum hearth_code put_from(struct world *world, struct world_source *source,
    uint64_t size_expected, struct hearth_err *err)
{
    const struct hearth_put_options options = {
        .size_expected = size_expected, .control = {.cancel = source->cancel}};
    enum hearth_code code = object_put(
        &world->session, "bucket", view_text("key"), &source->source, &options, NULL, err);
    if (code != HEARTH_OK) {
        assert_null(fake_coordinator_find(&world->coordinator, "bucket", "key"));
    }
    return code;
}

static void a_source_that_vanishes_leaves_nothing(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    const uint64_t moments[] = {1, WORLD_INLINE_MAX, 64 * KIB, STRIPE, MIB};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct world_source source;
        world_source_init(&source, 1, 2 * MIB);
        source.part_max = 1000;
        source.fails_at = moments[i];
        struct hearth_err err;
        assert_int_equal(put_from(world, &source, 0, &err), HEARTH_IO);
        assert_string_equal(err.message, "put bucket/key: read the source: file: vanished");
    }
    world_destroy(world);
}

static void a_source_that_changes_its_length_is_refused(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    const uint64_t sizes[] = {10, WORLD_INLINE_MAX + 1, MIB};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct hearth_err err;
        struct world_source source;
        world_source_init(&source, 1, sizes[i]);
        assert_int_equal(put_from(world, &source, sizes[i] + 1, &err), HEARTH_INVALID);
        assert_non_null(strstr(err.message, "the source ended after"));
        world_source_init(&source, 1, sizes[i]);
        assert_int_equal(put_from(world, &source, sizes[i] - 1, &err), HEARTH_INVALID);
        assert_non_null(strstr(err.message, "the source has grown"));
        world_source_init(&source, 1, sizes[i]);
        assert_ok(put_from(world, &source, sizes[i], &err), &err);
        world->coordinator.versions[world->coordinator.version_count - 1].is_deleted = true;
    }
    world_destroy(world);
}

static void a_put_can_be_stopped_while_it_reads(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (uint64_t moment = 64 * KIB; moment < 2 * MIB; moment += 300 * KIB) {
        atomic_bool cancel = false;
        struct world_source source;
        world_source_init(&source, 1, 2 * MIB);
        source.cancel = &cancel;
        source.cancels_at = moment;
        struct hearth_err err;
        assert_int_equal(put_from(world, &source, 0, &err), HEARTH_CANCELLED);
    }
    world_destroy(world);
}

/* false: the put was through before it waited that often. */
static bool is_stopped_at_wait(unsigned nth)
{
    struct world *world = world_create(NULL);
    struct world_stop stop;
    world_stop_at_wait(world, &stop, nth);
    struct world_source source;
    world_source_init(&source, 1, 200 * KIB);
    source.cancel = &stop.cancel;
    source.cancels_at = UINT64_MAX;
    struct hearth_err err;
    enum hearth_code code = put_from(world, &source, 0, &err);
    assert_true(code == HEARTH_CANCELLED || code == HEARTH_OK);
    world_destroy(world);
    return code == HEARTH_CANCELLED;
}

static void a_put_can_be_stopped_at_every_wait(void **state)
{
    (void)state;
    unsigned nth = 0;
    while (is_stopped_at_wait(nth)) {
        nth++;
    }
    assert_true(nth > 5);
}

/* ---- outcomes ---- */

static void a_lost_question_or_answer_has_one_outcome(void **state)
{
    (void)state;
    const enum rpc_method methods[] = {
        RPC_BEGIN, RPC_OPEN_SEGMENT, RPC_SEAL_SEGMENT, RPC_COMMIT, RPC_PUT_INLINE};
    const enum fake_fault_kind kinds[] = {
        FAKE_QUESTION_LOST, FAKE_QUESTION_LATE, FAKE_ANSWER_LOST, FAKE_NOT_NOW};
    for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            const struct world_options options = {.segment_plain_max = STRIPE};
            struct world *world = world_create(&options);
            fake_coordinator_add_fault(&world->coordinator, methods[m], kinds[i], 1, 2);
            struct hearth_err err;
            uint64_t size = methods[m] == RPC_PUT_INLINE ? 100 : 2 * STRIPE;
            assert_ok(world_put(world, "key", 1, size, &err), &err);
            assert_int_equal(world->coordinator.version_count, 1);
            assert_true(world->coordinator.asked[methods[m]] >= 3);
            world_destroy(world);
        }
    }
}

static void an_answer_that_never_comes_is_unknown(void **state)
{
    (void)state;
    const enum rpc_method methods[] = {RPC_COMMIT, RPC_PUT_INLINE};
    for (size_t m = 0; m < 2; m++) {
        struct world *world = world_create(NULL);
        fake_coordinator_add_fault(&world->coordinator, methods[m], FAKE_ANSWER_LOST, 1, 1000);
        struct hearth_err err;
        uint64_t size = methods[m] == RPC_PUT_INLINE ? 100 : MIB;
        assert_int_equal(world_put(world, "key", 1, size, &err), HEARTH_UNKNOWN);
        assert_non_null(strstr(err.message, "whether it was done is not known"));
        assert_non_null(fake_coordinator_find(&world->coordinator, "bucket", "key"));
        assert_int_equal(world->coordinator.asked[RPC_ABORT], 0);
        world_destroy(world);
    }
}

static void a_question_surely_not_heard_is_a_plain_failure(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    fake_coordinator_add_fault(&world->coordinator, RPC_COMMIT, FAKE_QUESTION_LOST, 1, 1000);
    struct hearth_err err;
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_UNREACHABLE);
    assert_null(fake_coordinator_find(&world->coordinator, "bucket", "key"));
    world_destroy(world);
}

static void a_lost_begin_is_no_unknown_outcome(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    fake_coordinator_add_fault(&world->coordinator, RPC_BEGIN, FAKE_ANSWER_LOST, 1, 1000);
    struct hearth_err err;
    assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_UNREACHABLE);
    world_destroy(world);
}

static void a_broken_precondition_leaves_the_old_version(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    const uint64_t sizes[] = {100, MIB};
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(world_put(world, "key", 1, sizes[i], &err), &err);
        struct world_source source;
        world_source_init(&source, 2, sizes[i]);
        const struct hearth_put_options options = {.precondition = {.must_not_exist = true}};
        assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                             &options, NULL, &err),
            HEARTH_PRECONDITION);
        assert_int_equal(world->coordinator.version_count, i + 1);
    }
    world_destroy(world);
}

static void what_is_said_to_be_large_is_refused_before_a_byte_is_taken(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    struct world_source source;
    world_source_init(&source, 2, WORLD_INLINE_MAX + 1);
    const struct hearth_put_options options = {
        .precondition = {.must_not_exist = true}, .size_expected = WORLD_INLINE_MAX + 1};
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, NULL, &err),
        HEARTH_PRECONDITION);
    assert_int_equal(source.at, 0);
    assert_int_equal(world->coordinator.intent_count, 0);
    world_destroy(world);
}

static void an_etag_can_be_the_condition(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 0, &err), &err);
    struct world_source source;
    world_source_init(&source, 2, 10);
    struct hearth_put_options options = {
        .precondition = {.must_have_etag = "d41d8cd98f00b204e9800998ecf8427e"}};
    assert_ok(object_put(&world->session, "bucket", view_text("key"), &source.source, &options,
                  NULL, &err),
        &err);
    world_source_init(&source, 3, 10);
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, NULL, &err),
        HEARTH_PRECONDITION);
    options.precondition.must_have_etag = "no etag";
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, NULL, &err),
        HEARTH_INVALID);
    world_destroy(world);
}

static void bad_names_are_refused_before_anything_is_asked(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct world_source source;
    world_source_init(&source, 1, 10);
    static uint8_t long_key[HEARTH_KEY_MAX + 1];
    struct hearth_err err;
    unsigned asked = world->coordinator.asked[RPC_HEAD_BUCKET];
    assert_int_equal(
        object_put(&world->session, "bucket", (struct view){0}, &source.source, NULL, NULL, &err),
        HEARTH_INVALID);
    assert_int_equal(object_put(&world->session, "bucket", view_of(long_key, sizeof(long_key)),
                         &source.source, NULL, NULL, &err),
        HEARTH_INVALID);
    const char *buckets[] = {"", "ab", "Bucket", "-bucket", "bucket-", "buc..ket", "10.0.0.1",
        "bucket_", "a123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof(buckets) / sizeof(buckets[0]); i++) {
        assert_int_equal(object_put(&world->session, buckets[i], view_text("k"), &source.source,
                             NULL, NULL, &err),
            HEARTH_INVALID);
    }
    assert_int_equal(world->coordinator.asked[RPC_HEAD_BUCKET], asked);
    assert_int_equal(
        object_put(&world->session, "nobody", view_text("k"), &source.source, NULL, NULL, &err),
        HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "put nobody/k: bucket nobody: no bucket nobody");
    world_destroy(world);
}

struct late_source {
    struct world_source bytes;
    struct world *world;
};

static enum hearth_code read_late(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct late_source *late = context;
    fake_net_run_ms(&late->world->net, 60 * 1000);
    return late->bytes.source.read(late->bytes.source.context, bytes, size, out_got, err);
}

/* Its orders would run out before all of a slow client's bytes were there. */
static void a_segment_is_ended_before_its_orders_do(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct late_source late = {.world = world};
    world_source_init(&late.bytes, 1, 6 * STRIPE);
    late.bytes.part_max = 64 * KIB;
    const struct hearth_source source = {.read = read_late, .context = &late};
    struct hearth_put_result result;
    struct hearth_err err;
    assert_ok(object_put(&world->session, "bucket", view_text("key"), &source, NULL, &result, &err),
        &err);
    assert_in_range(world->coordinator.segment_count, 3, 6);
    assert_ok(world_get(world, "key", 1, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

static void what_is_known_of_a_bucket_is_asked_again_after_a_minute(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    struct hearth_err err;
    assert_ok(world_put(world, "key", 1, 10, &err), &err);
    unsigned asked = world->coordinator.asked[RPC_HEAD_BUCKET];
    test_env_step_ms(&world->env, 50 * 1000);
    assert_ok(world_put(world, "key", 2, 10, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_HEAD_BUCKET], asked);
    test_env_step_ms(&world->env, 11 * 1000);
    assert_ok(world_put(world, "key", 3, 10, &err), &err);
    assert_int_equal(world->coordinator.asked[RPC_HEAD_BUCKET], asked + 1);
    world_destroy(world);
}

static void a_profile_that_cannot_be_is_not_believed(void **state)
{
    (void)state;
    static const unsigned impossible[][2] = {{4, 4}, {0, 8}, {5, 4}};
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        struct world *world = world_create(NULL);
        struct hearth_err err;
        world->coordinator.profile.k = impossible[i][0];
        world->coordinator.profile.n = impossible[i][1];
        assert_int_equal(world_put(world, "key", 1, MIB, &err), HEARTH_CHECKSUM);
        assert_int_equal(world->coordinator.asked[RPC_BEGIN], 0);
        world_destroy(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_is_stored_on_all_nodes_and_visible),
        cmocka_unit_test(small_objects_take_one_question_and_no_node),
        cmocka_unit_test(the_etag_is_the_md5_of_the_bytes),
        cmocka_unit_test(a_source_with_another_md5_than_was_said_is_refused),
        cmocka_unit_test(every_size_around_an_edge_is_stored),
        cmocka_unit_test(a_small_share_of_memory_is_kept_to),
        cmocka_unit_test(cells_go_out_some_at_a_time),
        cmocka_unit_test(wide_stripes_go_out_two_at_a_time),
        cmocka_unit_test(a_slow_sources_cells_do_not_wait_for_others),
        cmocka_unit_test(a_put_without_memory_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_source_that_vanishes_leaves_nothing),
        cmocka_unit_test(a_source_that_changes_its_length_is_refused),
        cmocka_unit_test(a_put_can_be_stopped_while_it_reads),
        cmocka_unit_test(a_put_can_be_stopped_at_every_wait),
        cmocka_unit_test(a_lost_question_or_answer_has_one_outcome),
        cmocka_unit_test(an_answer_that_never_comes_is_unknown),
        cmocka_unit_test(a_question_surely_not_heard_is_a_plain_failure),
        cmocka_unit_test(a_lost_begin_is_no_unknown_outcome),
        cmocka_unit_test(a_broken_precondition_leaves_the_old_version),
        cmocka_unit_test(what_is_said_to_be_large_is_refused_before_a_byte_is_taken),
        cmocka_unit_test(an_etag_can_be_the_condition),
        cmocka_unit_test(bad_names_are_refused_before_anything_is_asked),
        cmocka_unit_test(a_segment_is_ended_before_its_orders_do),
        cmocka_unit_test(what_is_known_of_a_bucket_is_asked_again_after_a_minute),
        cmocka_unit_test(a_profile_that_cannot_be_is_not_believed),
    };
    return cmocka_run_group_tests_name("object_put", tests, NULL, NULL);
}
