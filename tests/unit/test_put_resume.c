/*
 * put_resume: a put that ended in the middle goes on, sends again only what was not safe, and never
 * takes over what is not the same.  Nodes and coordinator are invented, time is stepped.
 */
#include "client/object_put.h"
#include "tests/lib/client_world.h"

#include <string.h>

enum { KIB = 1024, STRIPE = 4 * 64 * KIB, SEGMENT = 2 * STRIPE, SIZE = 4 * SEGMENT + 100 * KIB };

static const struct world_options small_segments = {.segment_plain_max = SEGMENT};

/* What a program keeps between two puts. */
struct keeper {
    unsigned told;
    uint64_t safe_bytes;
    size_t size;
    uint8_t state[4096];
};

static void keep(void *context, struct view state, uint64_t safe_bytes)
{
    struct keeper *keeper = context;
    assert_true(state.size <= sizeof(keeper->state));
    assert_true(safe_bytes > keeper->safe_bytes);
    memcpy(keeper->state, state.bytes, state.size);
    keeper->size = state.size;
    keeper->safe_bytes = safe_bytes;
    keeper->told++;
}

static enum hearth_code put(struct world *world, const char *key, struct keeper *keeper,
    struct world_source *source, struct hearth_put_result *result, struct hearth_err *err)
{
    uint8_t resume[sizeof(keeper->state)];
    memcpy(resume, keeper->state, sizeof(resume));
    const struct hearth_put_options options = {
        .size_expected = source->size,
        .checkpoint = keep,
        .checkpoint_context = keeper,
        .resume = view_of(resume, keeper->size),
        .control.cancel = source->cancel,
    };
    keeper->safe_bytes = 0;
    return object_put(
        &world->session, "bucket", view_text(key), &source->source, &options, result, err);
}

/* A put that is called off while it reads at an offset; what it left behind. */
static struct keeper put_called_off_at(struct world *world, uint64_t seed, uint64_t offset)
{
    struct keeper keeper = {0};
    struct hearth_err err;
    struct hearth_put_result result;
    atomic_bool cancel = false;
    struct world_source source;
    world_source_init(&source, seed, SIZE);
    source.cancel = &cancel;
    source.cancels_at = offset;
    assert_int_equal(put(world, "key", &keeper, &source, &result, &err), HEARTH_CANCELLED);
    return keeper;
}

static enum hearth_code go_on(struct world *world, const char *key, uint64_t seed, uint64_t size,
    struct keeper *keeper, struct hearth_put_result *result, struct hearth_err *err)
{
    struct world_source source;
    world_source_init(&source, seed, size);
    return put(world, key, keeper, &source, result, err);
}

static void a_put_that_goes_on_sends_only_what_was_not_safe(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 3 * SEGMENT + 1);
    uint64_t safe = keeper.safe_bytes;
    assert_true(safe >= SEGMENT && safe <= 3 * SEGMENT && safe % SEGMENT == 0);
    assert_int_equal(world->coordinator.asked[RPC_ABORT], 0);
    unsigned opened = world->coordinator.asked[RPC_OPEN_SEGMENT];

    struct hearth_put_result result;
    struct hearth_err err;
    assert_ok(go_on(world, "key", 7, SIZE, &keeper, &result, &err), &err);
    assert_int_equal(result.resumed_bytes, safe);
    assert_int_equal(result.size, SIZE);
    assert_int_equal(world->coordinator.asked[RPC_OPEN_SEGMENT] - opened, 5 - safe / SEGMENT);
    assert_int_equal(world->coordinator.asked[RPC_BEGIN], 1);
    assert_ok(world_get(world, "key", 7, 0, 0, NULL, &err), &err);

    struct hearth_put_result whole;
    struct keeper fresh = {0};
    assert_ok(go_on(world, "other", 7, SIZE, &fresh, &whole, &err), &err);
    assert_string_equal(result.etag, whole.etag);
    assert_int_equal(whole.resumed_bytes, 0);
    assert_int_equal(fresh.told, 4);
    world_destroy(world);
}

static void it_goes_on_as_often_as_it_ends(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 2 * SEGMENT + 1);
    struct hearth_put_result result;
    struct hearth_err err;
    struct world_source source;
    atomic_bool cancel = true; /* before it has compared anything */
    uint64_t before = keeper.safe_bytes;
    world_source_init(&source, 7, SIZE);
    source.cancel = &cancel;
    assert_int_equal(put(world, "key", &keeper, &source, &result, &err), HEARTH_CANCELLED);
    world_source_init(&source, 7, SIZE);
    atomic_store(&cancel, false);
    source.cancel = &cancel;
    source.cancels_at = 4 * SEGMENT + 1;
    assert_int_equal(put(world, "key", &keeper, &source, &result, &err), HEARTH_CANCELLED);
    assert_true(keeper.safe_bytes > before);
    assert_int_equal(world->coordinator.asked[RPC_ABORT], 0);

    uint64_t safe = keeper.safe_bytes;
    assert_ok(go_on(world, "key", 7, SIZE, &keeper, &result, &err), &err);
    assert_int_equal(result.resumed_bytes, safe);
    assert_ok(world_get(world, "key", 7, 0, 0, NULL, &err), &err);
    world_destroy(world);
}

static void another_source_is_never_mixed_in(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 3 * SEGMENT + 1);
    struct keeper same = keeper;
    struct hearth_put_result result;
    struct hearth_err err;
    assert_int_equal(go_on(world, "key", 8, SIZE, &keeper, &result, &err), HEARTH_CONFLICT);
    assert_int_equal(go_on(world, "key", 7, SIZE + 1, &same, &result, &err), HEARTH_CONFLICT);
    assert_null(fake_coordinator_find(&world->coordinator, "bucket", "key"));
    world_destroy(world);
}

static void a_source_that_became_shorter_is_an_error(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 3 * SEGMENT + 1);
    struct hearth_put_result result;
    struct hearth_err err;
    struct world_source source;
    world_source_init(&source, 7, SEGMENT / 2);
    const struct hearth_put_options options = {
        .size_expected = SIZE,
        .checkpoint = keep,
        .checkpoint_context = &keeper,
        .resume = view_of(keeper.state, keeper.size),
    };
    keeper.safe_bytes = 0;
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, &result, &err),
        HEARTH_INVALID);
    world_destroy(world);
}

static void a_state_is_for_its_key_and_whole(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 3 * SEGMENT + 1);
    struct hearth_put_result result;
    struct hearth_err err;
    struct keeper other = keeper;
    assert_int_equal(go_on(world, "other", 7, SIZE, &other, &result, &err), HEARTH_CHECKSUM);
    for (size_t size = 1; size < keeper.size; size += 7) {
        struct keeper cut = keeper;
        cut.size = size;
        assert_int_equal(go_on(world, "key", 7, SIZE, &cut, &result, &err), HEARTH_CHECKSUM);
    }
    for (size_t at = 1; at < keeper.size; at += 5) {
        struct keeper rotten = keeper;
        rotten.state[at] ^= 1;
        assert_int_equal(go_on(world, "key", 7, SIZE, &rotten, &result, &err), HEARTH_CHECKSUM);
    }
    struct keeper newer = keeper;
    newer.state[0] = 2;
    assert_int_equal(go_on(world, "key", 7, SIZE, &newer, &result, &err), HEARTH_UNKNOWN_FORMAT);
    assert_ok(go_on(world, "key", 7, SIZE, &keeper, &result, &err), &err);
    world_destroy(world);
}

static void what_cannot_pass_gives_the_segments_up(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = {0};
    struct hearth_put_result result;
    struct hearth_err err;
    struct world_source source;
    world_source_init(&source, 7, SIZE);
    source.size = SIZE + 1; /* it grows */
    const struct hearth_put_options options = {
        .size_expected = SIZE, .checkpoint = keep, .checkpoint_context = &keeper};
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, &result, &err),
        HEARTH_INVALID);
    assert_int_equal(keeper.told > 0, true);
    assert_int_equal(world->coordinator.asked[RPC_ABORT], 1);
    world_destroy(world);
}

static void resuming_needs_what_lets_it_go_on_again(void **state)
{
    (void)state;
    struct world *world = world_create(&small_segments);
    struct keeper keeper = put_called_off_at(world, 7, 3 * SEGMENT + 1);
    struct hearth_err err;
    struct world_source source;
    world_source_init(&source, 7, SIZE);
    const struct hearth_put_options options = {.resume = view_of(keeper.state, keeper.size)};
    assert_int_equal(object_put(&world->session, "bucket", view_text("key"), &source.source,
                         &options, NULL, &err),
        HEARTH_INVALID);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_that_goes_on_sends_only_what_was_not_safe),
        cmocka_unit_test(it_goes_on_as_often_as_it_ends),
        cmocka_unit_test(another_source_is_never_mixed_in),
        cmocka_unit_test(a_source_that_became_shorter_is_an_error),
        cmocka_unit_test(a_state_is_for_its_key_and_whole),
        cmocka_unit_test(what_cannot_pass_gives_the_segments_up),
        cmocka_unit_test(resuming_needs_what_lets_it_go_on_again),
    };
    return cmocka_run_group_tests_name("put_resume", tests, NULL, NULL);
}
