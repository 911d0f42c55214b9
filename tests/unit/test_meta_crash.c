/*
 * The coordinator is killed at every step of every change (before a group, before its COMMIT,
 * after it, the n-th time for every n), started again, and asked again with the same tokens:
 * each call has one outcome, and the end is the same as without the kill.
 */
#include "common/failpoint.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_upload.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES = 8, EXTENT_LENGTH = 1000, PIECE_LENGTH = 400 };

static struct meta_id named(uint8_t name)
{
    return (struct meta_id){{name, 1}};
}

/* ---- one customer's day, each call with ids and tokens that do not change ---- */

static void put_small(struct test_meta *meta)
{
    struct meta_put put = test_meta_put(meta, "small", 9);
    struct meta_object_info info;
    put.token = named(1);
    put.body.id = named(2);
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);
}

static void upload_large(struct test_meta *meta)
{
    const struct meta_id segment = named(3);
    struct meta_begin begin = {
        .bucket = meta->bucket, .key = view_text("large"), .token = named(4)};
    struct meta_intent intent;
    assert_ok(meta_begin(meta->store, &begin, &intent, &meta->err), &meta->err);

    struct meta_object object;
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result sealed;
    struct meta_object_info info;
    if (test_meta_find(meta, "large", &object) == HEARTH_OK) {
        return; /* an earlier life got here: its commit is durable */
    }
    struct meta_segment found;
    if (meta_segment_get(meta->store, segment, &found, &meta->err) != HEARTH_OK) {
        struct meta_offers offers = test_meta_open_segment(meta, intent.id, segment);
        struct meta_seal seal = test_meta_seal(intent.id, segment, &offers, offers.count, receipts);
        assert_ok(meta_seal(meta->store, &seal, &sealed, &meta->err), &meta->err);
    }
    const struct meta_extent extent = {.segment = segment, .length = EXTENT_LENGTH};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &extent, 1);
    commit.body.id = named(5);
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
}

static void copy_large(struct test_meta *meta)
{
    struct meta_object source;
    struct meta_object_info info;
    assert_ok(test_meta_find(meta, "large", &source), &meta->err);
    struct meta_copy copy = {.source_bucket = meta->bucket,
        .source_key = view_text("large"),
        .source_version = source.info.version,
        .put = test_meta_put(meta, "copy", source.info.size)};
    copy.put.token = named(6);
    copy.put.body.id = named(7);
    copy.put.body.extents = source.extents;
    copy.put.body.extent_count = source.extent_count;
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
}

static void create_upload(struct test_meta *meta, struct meta_id id)
{
    uint64_t created_ms;
    const struct meta_upload upload = {
        .id = id,
        .bucket = meta->bucket,
        .key = view_text("parts"),
        .bucket_key_version = 1,
        .manifest = view_text("manifest"),
    };
    assert_ok(meta_upload_create(meta->store, &upload, &created_ms, &meta->err), &meta->err);
}

/* A part out of the middle of "large".  The upload may have ended in an earlier life. */
static void copy_part(
    struct test_meta *meta, struct meta_id upload, struct meta_id token, struct meta_id body)
{
    struct meta_object source;
    struct meta_object_info info;
    assert_ok(test_meta_find(meta, "large", &source), &meta->err);
    struct meta_extent piece = source.extents[0];
    piece.offset += 100;
    piece.length = PIECE_LENGTH;
    struct meta_copy copy = {.source_bucket = meta->bucket,
        .source_key = view_text("large"),
        .source_version = source.info.version,
        .put = test_meta_put(meta, "parts", PIECE_LENGTH)};
    copy.put.token = token;
    copy.put.body.id = body;
    copy.put.body.extents = &piece;
    copy.put.body.extent_count = 1;
    copy.put.part = (struct meta_part){.upload = upload, .number = 1};
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
}

static void upload_in_parts(struct test_meta *meta)
{
    const struct meta_part_ref part = {.number = 1, .body = named(11)};
    struct meta_object object;
    struct meta_object_info info;
    if (test_meta_find(meta, "parts", &object) != HEARTH_OK) {
        create_upload(meta, named(9));
        copy_part(meta, named(9), named(10), part.body);
    }
    const struct meta_complete complete = {
        .upload = named(9),
        .bucket = meta->bucket,
        .key = view_text("parts"),
        .body = {.id = named(12),
            .bucket_key_version = 1,
            .manifest = view_text("manifest"),
            .size = PIECE_LENGTH,
            .parts = 1},
        .parts = &part,
        .part_count = 1,
    };
    assert_ok(meta_upload_complete(meta->store, &complete, &info, &meta->err), &meta->err);
}

/* What is not there in a later life was given up in an earlier one. */
static void give_up_an_upload(struct test_meta *meta)
{
    struct meta_part_page page;
    const struct meta_part_list list = {
        .upload = named(13), .bucket = meta->bucket, .key = view_text("parts"), .max = 1};
    struct meta_object object;
    bool is_first_life = test_meta_find(meta, "parts", &object) != HEARTH_OK;
    if (is_first_life) {
        create_upload(meta, named(13));
        copy_part(meta, named(13), named(14), named(15));
    }
    if (meta_part_list(meta->store, &list, &meta->arena, &page, &meta->err) == HEARTH_OK) {
        assert_ok(
            meta_upload_abort(meta->store, named(13), meta->bucket, view_text("parts"), &meta->err),
            &meta->err);
    }
}

static void delete_small(struct test_meta *meta)
{
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text("small"), .token = named(8)};
    bool existed = false;
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_true(existed);
}

static void live_through_the_day(struct test_meta *meta)
{
    put_small(meta);
    upload_large(meta);
    copy_large(meta);
    give_up_an_upload(meta);
    upload_in_parts(meta);
    delete_small(meta);
    test_meta_collect(meta);
}

/* ---- what is there afterwards, whatever happened in between ---- */

static void check_the_end(struct test_meta *meta)
{
    struct meta_object object;
    struct meta_usage usage;
    assert_int_equal(test_meta_find(meta, "small", &object), HEARTH_NOT_FOUND);
    assert_ok(test_meta_find(meta, "large", &object), &meta->err);
    assert_int_equal(object.info.size, EXTENT_LENGTH);
    assert_ok(test_meta_find(meta, "copy", &object), &meta->err);
    assert_int_equal(object.segment_count, 1);
    assert_int_equal(object.segments[0].dying_ms, 0);
    assert_int_equal(object.segments[0].generation, 1);
    assert_ok(test_meta_find(meta, "parts", &object), &meta->err);
    assert_int_equal(object.info.size, PIECE_LENGTH);
    assert_ok(meta_bucket_usage(meta->store, meta->bucket, &usage, &meta->err), &meta->err);
    assert_int_equal(usage.objects, 3);
    assert_int_equal(usage.bytes, 2 * EXTENT_LENGTH + PIECE_LENGTH);
    test_env_step_ms(&meta->env, META_INTENT_MS);
    assert_int_equal(test_meta_collect(meta).shards_dead, 0);
    assert_ok(test_meta_find(meta, "parts", &object), &meta->err);
    assert_int_equal(object.segments[0].refs, 3); /* large, copy, parts: no part any more */
}

/* ---- killed ---- */

/* True: it lived to the end of the day, so the place was passed fewer than nth times. */
static bool live_until_killed(struct test_meta *meta, const char *failpoint, unsigned nth)
{
    char spec[64];
    meta_store_close(meta->store);
    meta->store = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        test_meta_reopen(meta);
        snprintf(spec, sizeof(spec), "%s:%u=kill", failpoint, nth);
        if (failpoint_arm(spec, &meta->err) != HEARTH_OK) {
            _exit(2);
        }
        live_through_the_day(meta);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    test_meta_reopen(meta);
    return WIFEXITED(status);
}

static void a_kill_at_any_step_leaves_one_outcome(void **state)
{
    (void)state;
    static const char *const failpoints[] = {
        "coordinator.meta.begin", "coordinator.meta.closures_done", "coordinator.meta.committed"};
    static struct test_meta meta;
    unsigned kills = 0;
    for (size_t i = 0; i < sizeof(failpoints) / sizeof(failpoints[0]); i++) {
        bool lived = false;
        for (unsigned nth = 1; !lived; nth++) {
            test_meta_init(&meta, nth, NODES);
            lived = live_until_killed(&meta, failpoints[i], nth);
            kills += !lived;
            live_through_the_day(&meta);
            check_the_end(&meta);
            test_meta_fini(&meta);
        }
    }
    assert_true(kills > 3 * 13); /* each of the day's thirteen changes, at three steps */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_step_leaves_one_outcome),
    };
    return cmocka_run_group_tests_name("meta_crash", tests, NULL, NULL);
}
