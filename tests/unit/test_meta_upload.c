/*
 * meta_upload: parts become one object, once; what is left of an upload goes, and nothing else
 * does. Time is stepped.
 */
#include "coordinator/meta/meta_upload.h"

#include "coordinator/meta/meta_account.h"
#include "coordinator/meta/meta_list.h"
#include "coordinator/meta/meta_settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdio.h>

enum { NODES = 8, PART_SIZE = 1000 };

/* ---- short words ---- */

static struct meta_id create_for(struct test_meta *meta, const char *key)
{
    uint64_t created_ms;
    const struct meta_upload upload = {
        .id = test_meta_id(meta),
        .bucket = meta->bucket,
        .key = view_text(key),
        .bucket_key_version = 1,
        .manifest = view_text("what it will be"),
        .tags = view_text("kind=test"),
    };
    assert_ok(meta_upload_create(meta->store, &upload, &created_ms, &meta->err), &meta->err);
    return upload.id;
}

static struct meta_id create(struct test_meta *meta)
{
    return create_for(meta, "k");
}

static enum hearth_code begin_part(
    struct test_meta *meta, struct meta_id upload, uint32_t number, struct meta_intent *out)
{
    const struct meta_begin begin = {
        .bucket = meta->bucket,
        .key = view_text("k"),
        .token = test_meta_id(meta),
        .part = {.upload = upload, .number = number},
    };
    return meta_begin(meta->store, &begin, out, &meta->err);
}

struct test_part {
    struct meta_part_ref ref;
    struct meta_id segment;
};

static enum hearth_code commit_part(
    struct test_meta *meta, struct meta_id intent, struct test_part *part)
{
    struct meta_object_info info;
    const struct meta_extent extent = {.segment = part->segment, .length = PART_SIZE};
    const struct meta_commit commit = test_meta_commit(meta, intent, &extent, 1);
    part->ref.body = commit.body.id;
    return meta_commit(meta->store, &commit, &info, NULL, &meta->err);
}

/* One segment of 1,000 bytes. */
static struct test_part put_part(struct test_meta *meta, struct meta_id upload, uint32_t number)
{
    struct meta_intent intent;
    assert_ok(begin_part(meta, upload, number, &intent), &meta->err);
    struct test_part part = {
        .ref.number = number, .segment = test_meta_sealed_segment(meta, intent.id)};
    assert_ok(commit_part(meta, intent.id, &part), &meta->err);
    return part;
}

static struct meta_complete completion(
    struct test_meta *meta, struct meta_id upload, const struct meta_part_ref *parts, size_t count)
{
    return (struct meta_complete){
        .upload = upload,
        .bucket = meta->bucket,
        .key = view_text("k"),
        .body =
            {
                .id = test_meta_id(meta),
                .bucket_key_version = 1,
                .manifest = view_text("whole"),
                .size = count * PART_SIZE,
                .parts = (uint32_t)count,
            },
        .parts = parts,
        .part_count = count,
    };
}

static enum hearth_code complete(struct test_meta *meta, struct meta_id upload,
    const struct meta_part_ref *parts, size_t count, struct meta_object_info *out)
{
    const struct meta_complete request = completion(meta, upload, parts, count);
    return meta_upload_complete(meta->store, &request, out, &meta->err);
}

static void assert_usage(struct test_meta *meta, uint64_t objects, uint64_t bytes)
{
    struct meta_usage usage;
    assert_ok(meta_bucket_usage(meta->store, meta->bucket, &usage, &meta->err), &meta->err);
    assert_int_equal(usage.objects, objects);
    assert_int_equal(usage.bytes, bytes);
}

/* Long enough for every duty that follows from what was done. */
static void collect_all(struct test_meta *meta)
{
    for (unsigned i = 0; i < 4; i++) {
        test_env_step_ms(&meta->env, META_READ_GRACE_MS + META_ORDER_MS + META_SKEW_MS);
        test_meta_collect(meta);
    }
}

static uint64_t refs_of(struct test_meta *meta, struct meta_id segment)
{
    struct meta_segment found;
    return meta_segment_get(meta->store, segment, &found, &meta->err) == HEARTH_OK ? found.refs
                                                                                   : UINT64_MAX;
}

/* ---- completing ---- */

static void parts_become_one_object(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part second = put_part(meta, upload, 7);
    struct test_part first = put_part(meta, upload, 2);
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "k", &object), HEARTH_NOT_FOUND);

    const struct meta_part_ref parts[] = {first.ref, second.ref};
    struct meta_object_info info;
    assert_ok(complete(meta, upload, parts, 2, &info), &meta->err);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.info.size, 2 * PART_SIZE);
    assert_int_equal(object.info.parts, 2);
    assert_true(view_equal(object.manifest, view_text("whole")));
    assert_true(view_equal(object.tags, view_text("kind=test")));
    assert_int_equal(object.extent_count, 2);
    assert_true(meta_id_equal(object.extents[0].segment, first.segment));
    assert_true(meta_id_equal(object.extents[1].segment, second.segment));
    collect_all(meta);
    assert_int_equal(refs_of(meta, first.segment), 1);
    assert_int_equal(refs_of(meta, second.segment), 1);
}

static void parts_count_once_for_a_quota(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_bucket_settings quota = {.quota_bytes = 2 * PART_SIZE, .quota_objects = 1};
    struct meta_id upload = create(meta);
    struct test_part third = {.ref.number = 3};
    struct meta_intent intent;
    assert_ok(begin_part(meta, upload, 3, &intent), &meta->err);
    third.segment = test_meta_sealed_segment(meta, intent.id);
    assert_ok(meta_bucket_set(meta->store, view_text("bucket"), &quota,
                  META_SET_QUOTA_BYTES | META_SET_QUOTA_OBJECTS, &meta->err),
        &meta->err);
    const struct meta_part_ref parts[] = {
        put_part(meta, upload, 1).ref, put_part(meta, upload, 2).ref};
    assert_int_equal(commit_part(meta, intent.id, &third), HEARTH_QUOTA);
    struct meta_object_info info;
    assert_ok(complete(meta, upload, parts, 2, &info), &meta->err);
    assert_usage(meta, 1, 2 * PART_SIZE);
}

static void completing_again_within_seven_days_says_the_same(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part part = put_part(meta, upload, 1);
    struct meta_object_info first, again;
    assert_ok(complete(meta, upload, &part.ref, 1, &first), &meta->err);
    test_meta_put_now(meta, "k", 10); /* what it made may be gone by then */
    test_env_step_ms(&meta->env, META_OUTCOME_COMPLETE_MS - 1);
    test_meta_collect(meta);
    assert_ok(complete(meta, upload, &part.ref, 1, &again), &meta->err);
    assert_memory_equal(&first.version, &again.version, sizeof(first.version));
    test_env_step_ms(&meta->env, 1);
    test_meta_collect(meta);
    assert_int_equal(complete(meta, upload, &part.ref, 1, &again), HEARTH_NOT_FOUND);
}

static void a_condition_decides_when_it_completes(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part part = put_part(meta, upload, 1);
    struct meta_object_info info = test_meta_put_now(meta, "k", 10);
    struct meta_complete request = completion(meta, upload, &part.ref, 1);
    request.condition.kind = META_CONDITION_ABSENT;
    assert_int_equal(
        meta_upload_complete(meta->store, &request, &info, &meta->err), HEARTH_PRECONDITION);
    assert_usage(meta, 1, 10 + PART_SIZE);
    request.condition.kind = META_CONDITION_EXISTS;
    assert_ok(meta_upload_complete(meta->store, &request, &info, &meta->err), &meta->err);
    assert_usage(meta, 1, PART_SIZE);
}

static void parts_that_are_not_as_they_were_are_refused(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part old = put_part(meta, upload, 1);
    struct test_part new = put_part(meta, upload, 1);
    struct test_part second = put_part(meta, upload, 2);
    struct meta_object_info info;
    const struct meta_part_ref absent = {.number = 3, .body = new.ref.body};
    const struct meta_part_ref backward[] = {second.ref, new.ref};
    assert_int_equal(complete(meta, upload, &old.ref, 1, &info), HEARTH_CONFLICT);
    assert_int_equal(complete(meta, upload, &absent, 1, &info), HEARTH_CONFLICT);
    assert_int_equal(complete(meta, upload, backward, 2, &info), HEARTH_INVALID);
    assert_int_equal(complete(meta, upload, NULL, 0, &info), HEARTH_INVALID);
    struct meta_complete request = completion(meta, upload, &new.ref, 1);
    request.body.size++;
    assert_int_equal(
        meta_upload_complete(meta->store, &request, &info, &meta->err), HEARTH_INVALID);
    assert_usage(meta, 0, 2 * PART_SIZE);
    assert_ok(complete(meta, upload, &new.ref, 1, &info), &meta->err);
}

static void what_was_left_out_goes_and_what_was_taken_stays(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part replaced = put_part(meta, upload, 1);
    struct test_part taken = put_part(meta, upload, 1);
    struct test_part left_out = put_part(meta, upload, 2);
    struct meta_object_info info;
    assert_usage(meta, 0, 2 * PART_SIZE);
    assert_ok(complete(meta, upload, &taken.ref, 1, &info), &meta->err);
    assert_usage(meta, 1, PART_SIZE);
    collect_all(meta);
    assert_int_equal(refs_of(meta, taken.segment), 1);
    assert_int_equal(refs_of(meta, replaced.segment), UINT64_MAX);
    assert_int_equal(refs_of(meta, left_out.segment), UINT64_MAX);
    assert_usage(meta, 1, PART_SIZE);
}

/* ---- ending ---- */

static void an_aborted_upload_leaves_nothing(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part part = put_part(meta, upload, 1);
    struct meta_intent late;
    assert_ok(begin_part(meta, upload, 2, &late), &meta->err);
    struct test_part second = {.segment = test_meta_sealed_segment(meta, late.id)};
    assert_ok(meta_upload_abort(meta->store, upload, meta->bucket, view_text("k"), &meta->err),
        &meta->err);

    struct meta_object_info info;
    struct meta_intent refused;
    assert_int_equal(commit_part(meta, late.id, &second), HEARTH_NOT_FOUND);
    assert_int_equal(begin_part(meta, upload, 3, &refused), HEARTH_NOT_FOUND);
    assert_int_equal(complete(meta, upload, &part.ref, 1, &info), HEARTH_NOT_FOUND);
    assert_int_equal(
        meta_upload_abort(meta->store, upload, meta->bucket, view_text("k"), &meta->err),
        HEARTH_NOT_FOUND);
    assert_usage(meta, 0, 0);
    test_env_step_ms(&meta->env, META_INTENT_MS);
    collect_all(meta);
    assert_int_equal(refs_of(meta, part.segment), UINT64_MAX);
    assert_int_equal(refs_of(meta, second.segment), UINT64_MAX);
}

static void an_upload_left_alone_for_seven_days_ends(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    test_env_step_ms(&meta->env, META_UPLOAD_IDLE_MS - 1);
    test_meta_collect(meta);
    struct test_part part = put_part(meta, upload, 1);
    test_env_step_ms(&meta->env, META_UPLOAD_IDLE_MS - 1);
    test_meta_collect(meta);
    assert_usage(meta, 0, PART_SIZE);
    test_env_step_ms(&meta->env, 1);
    test_meta_collect(meta);
    assert_usage(meta, 0, 0);
    collect_all(meta);
    assert_int_equal(refs_of(meta, part.segment), UINT64_MAX);
}

static void a_deleted_buckets_uploads_end(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct test_part part = put_part(meta, upload, 1);
    assert_ok(meta_bucket_delete(
                  meta->store, view_text("bucket"), meta->tenant, test_meta_id(meta), &meta->err),
        &meta->err);
    collect_all(meta);
    assert_int_equal(refs_of(meta, part.segment), UINT64_MAX);
}

/* ---- parts ---- */

static void the_same_id_is_the_same_upload_of_one_key(void **state)
{
    struct test_meta *meta = *state;
    struct meta_upload upload = {
        .id = test_meta_id(meta),
        .bucket = meta->bucket,
        .key = view_text("k"),
        .bucket_key_version = 1,
        .manifest = view_text("m"),
    };
    uint64_t first, again;
    assert_ok(meta_upload_create(meta->store, &upload, &first, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, 5);
    assert_ok(meta_upload_create(meta->store, &upload, &again, &meta->err), &meta->err);
    assert_int_equal(first, again);
    upload.key = view_text("other");
    assert_int_equal(meta_upload_create(meta->store, &upload, &again, &meta->err), HEARTH_CONFLICT);
}

static void a_part_has_no_bytes_inline_and_may_be_empty(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct meta_object_info info;
    struct meta_put put = test_meta_put(meta, "k", 1);
    put.part = (struct meta_part){.upload = upload, .number = 1};
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_INVALID);
    put = test_meta_put(meta, "k", 0);
    put.part = (struct meta_part){.upload = upload, .number = 1};
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);

    const struct meta_part_ref ref = {.number = 1, .body = put.body.id};
    struct meta_complete request = completion(meta, upload, &ref, 1);
    request.body.size = 0;
    assert_ok(meta_upload_complete(meta->store, &request, &info, &meta->err), &meta->err);
    collect_all(meta);
    struct meta_object object;
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.info.size, 0);
}

static void a_part_may_be_a_piece_of_another_object(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    struct meta_id segment;
    struct meta_object_info source = test_meta_upload(meta, "source", &segment);
    struct meta_object_info info;
    struct meta_extent piece = {.segment = segment, .offset = 100, .length = 200};
    struct meta_copy copy = {
        .source_bucket = meta->bucket,
        .source_key = view_text("source"),
        .source_version = source.version,
        .put = test_meta_put(meta, "k", 200),
    };
    copy.put.part = (struct meta_part){.upload = upload, .number = 1};
    copy.put.body.extents = &piece;
    copy.put.body.extent_count = 1;
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
    assert_int_equal(refs_of(meta, segment), 2);

    copy.put.token = test_meta_id(meta);
    copy.put.body.id = test_meta_id(meta);
    piece.offset = 801; /* one byte past the source's end */
    assert_int_equal(meta_copy(meta->store, &copy, &info, &meta->err), HEARTH_INVALID);
    piece = (struct meta_extent){.segment = test_meta_id(meta), .length = 200};
    assert_int_equal(meta_copy(meta->store, &copy, &info, &meta->err), HEARTH_INVALID);
}

/* ---- lists ---- */

static void parts_are_listed_page_by_page(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id upload = create(meta);
    const uint32_t numbers[] = {1, 3, 10000};
    for (unsigned i = 0; i < 3; i++) {
        put_part(meta, upload, numbers[2 - i]);
    }
    struct meta_part_list list = {
        .upload = upload, .bucket = meta->bucket, .key = view_text("k"), .max = 2};
    struct meta_part_page page;
    assert_ok(meta_part_list(meta->store, &list, &meta->arena, &page, &meta->err), &meta->err);
    assert_true(view_equal(page.upload.manifest, view_text("what it will be")));
    assert_int_equal(page.count, 2);
    assert_true(page.more);
    assert_int_equal(page.parts[1].number, 3);
    assert_int_equal(page.parts[1].manifest.size, 0);
    list.after = 3;
    list.with_manifests = true;
    assert_ok(meta_part_list(meta->store, &list, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 1);
    assert_false(page.more);
    assert_int_equal(page.parts[0].number, 10000);
    assert_true(view_equal(page.parts[0].manifest, view_text("manifest")));
    list.key = view_text("another");
    assert_int_equal(
        meta_part_list(meta->store, &list, &meta->arena, &page, &meta->err), HEARTH_NOT_FOUND);
}

static void uploads_are_listed_by_key_and_then_id(void **state)
{
    struct test_meta *meta = *state;
    static const char *const keys[] = {"b/2", "a", "b/1", "b/2", "c"};
    struct meta_upload_page page;
    for (unsigned i = 0; i < 5; i++) {
        create_for(meta, keys[i]);
    }
    struct meta_upload_list list = {.bucket = meta->bucket, .prefix = view_text("b/"), .max = 2};
    assert_ok(meta_upload_list(meta->store, &list, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 2);
    assert_true(page.more);
    assert_true(view_equal(page.uploads[0].key, view_text("b/1")));
    assert_true(view_equal(page.uploads[1].key, view_text("b/2")));
    struct meta_id third = page.uploads[1].id;
    list.after_key = view_text("b/2");
    list.after_upload = &third;
    assert_ok(meta_upload_list(meta->store, &list, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 1);
    assert_false(page.more);
    assert_false(meta_id_equal(page.uploads[0].id, third));
    list.after_upload = NULL;
    assert_ok(meta_upload_list(meta->store, &list, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 0);
}

/* ---- tags, many keys ---- */

static void tags_are_set_on_what_is_there(void **state)
{
    struct test_meta *meta = *state;
    struct meta_object object;
    struct meta_object_info info = test_meta_put_now(meta, "k", 3);
    assert_ok(meta_tags_set(meta->store, meta->bucket, view_text("k"), &info.version,
                  view_text("a=b"), &meta->err),
        &meta->err);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_true(view_equal(object.tags, view_text("a=b")));
    assert_memory_equal(&object.info.version, &info.version, sizeof(info.version));
    test_meta_put_now(meta, "k", 3);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.tags.size, 0);
    assert_int_equal(meta_tags_set(meta->store, meta->bucket, view_text("k"), &info.version,
                         view_text("a=b"), &meta->err),
        HEARTH_NOT_FOUND);
}

static void many_keys_are_deleted_once(void **state)
{
    struct test_meta *meta = *state;
    const struct view keys[] = {view_text("a"), view_text("never"), view_text("b")};
    struct meta_id token = test_meta_id(meta);
    struct meta_object object;
    test_meta_put_now(meta, "a", 3);
    test_meta_put_now(meta, "b", 3);
    assert_ok(meta_delete_many(meta->store, meta->bucket, keys, 3, token, &meta->err), &meta->err);
    assert_int_equal(test_meta_find(meta, "a", &object), HEARTH_NOT_FOUND);
    assert_int_equal(test_meta_find(meta, "b", &object), HEARTH_NOT_FOUND);
    assert_usage(meta, 0, 0);
    test_meta_put_now(meta, "a", 3); /* a question that comes again does not reach it */
    assert_ok(meta_delete_many(meta->store, meta->bucket, keys, 3, token, &meta->err), &meta->err);
    assert_ok(test_meta_find(meta, "a", &object), &meta->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(claim) TEST_META_CASE(claim, NODES)
        CASE(parts_become_one_object),
        CASE(parts_count_once_for_a_quota),
        CASE(completing_again_within_seven_days_says_the_same),
        CASE(a_condition_decides_when_it_completes),
        CASE(parts_that_are_not_as_they_were_are_refused),
        CASE(what_was_left_out_goes_and_what_was_taken_stays),
        CASE(an_aborted_upload_leaves_nothing),
        CASE(an_upload_left_alone_for_seven_days_ends),
        CASE(a_deleted_buckets_uploads_end),
        CASE(the_same_id_is_the_same_upload_of_one_key),
        CASE(a_part_has_no_bytes_inline_and_may_be_empty),
        CASE(a_part_may_be_a_piece_of_another_object),
        CASE(parts_are_listed_page_by_page),
        CASE(uploads_are_listed_by_key_and_then_id),
        CASE(tags_are_set_on_what_is_there),
        CASE(many_keys_are_deleted_once),
#undef CASE
    };
    return cmocka_run_group_tests_name("meta_upload", tests, NULL, NULL);
}
