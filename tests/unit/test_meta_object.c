/*
 * meta_object: objects appear whole or not at all, exactly once per token, under their conditions,
 * and are found by range.
 */
#include "coordinator/meta/meta_bucket.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

enum { NODES = 8 };

static struct meta_usage usage_of(struct test_meta *meta)
{
    struct meta_usage usage;
    assert_ok(meta_bucket_usage(meta->store, meta->bucket, &usage, &meta->err), &meta->err);
    return usage;
}

static bool same_version(struct meta_version a, struct meta_version b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void assert_same_outcome(struct meta_object_info a, struct meta_object_info b)
{
    assert_true(same_version(a.version, b.version));
    assert_int_equal(a.size, b.size);
    assert_int_equal(a.created_ms, b.created_ms);
}

/* ---- put inline, delete ---- */

static void an_inline_put_is_found_as_it_was_put(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "a/b", 77);
    put.body.etag = (struct meta_etag){{9, 9}};
    put.body.parts = 3;
    struct meta_object_info info;
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);

    struct meta_object object;
    assert_ok(test_meta_find(meta, "a/b", &object), &meta->err);
    assert_true(same_version(object.info.version, info.version));
    assert_int_equal(object.info.size, 77);
    assert_int_equal(object.info.parts, 3);
    assert_memory_equal(&object.info.etag, &put.body.etag, sizeof(put.body.etag));
    assert_true(meta_id_equal(object.body, put.body.id));
    assert_int_equal(object.bucket_key_version, 1);
    assert_true(view_equal(object.manifest, put.body.manifest));
    assert_int_equal(object.extent_count, 0);
    assert_int_equal(usage_of(meta).bytes, 77);
    assert_int_equal(usage_of(meta).objects, 1);
}

static void the_same_token_puts_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "k", 5);
    struct meta_object_info first;
    struct meta_object_info second;
    assert_ok(meta_put_inline(meta->store, &put, &first, &meta->err), &meta->err);
    test_meta_put_now(meta, "k", 6); /* somebody else's, in between */
    test_env_step_ms(&meta->env, 1000);
    assert_ok(meta_put_inline(meta->store, &put, &second, &meta->err), &meta->err);
    assert_same_outcome(first, second);
    struct meta_object object;
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.info.size, 6);
}

static void a_token_used_for_another_call_is_a_conflict(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "k", 5);
    struct meta_object_info info;
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);
    struct meta_put other = test_meta_put(meta, "other", 5);
    other.token = put.token;
    assert_int_equal(meta_put_inline(meta->store, &other, &info, &meta->err), HEARTH_CONFLICT);
    struct meta_delete delete = {.bucket = meta->bucket, .key = view_text("k"), .token = put.token};
    bool existed;
    assert_int_equal(meta_delete(meta->store, &delete, &existed, &meta->err), HEARTH_CONFLICT);
}

static void an_overwrite_leaves_one_version_and_its_usage(void **state)
{
    struct test_meta *meta = *state;
    struct meta_object_info old = test_meta_put_now(meta, "k", 5);
    struct meta_object_info new = test_meta_put_now(meta, "k", 8); /* in the same millisecond */
    assert_true(memcmp(&new.version, &old.version, 8) < 0);        /* newer sorts first */
    assert_int_equal(usage_of(meta).bytes, 8);
    assert_int_equal(usage_of(meta).objects, 1);
    struct meta_lookup lookup = {
        .bucket = meta->bucket, .key = view_text("k"), .version = &old.version};
    struct meta_object object;
    assert_int_equal(
        meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), HEARTH_NOT_FOUND);
}

static enum hearth_code put_if(
    struct test_meta *meta, const char *key, enum meta_condition_kind kind, uint8_t etag)
{
    struct meta_put put = test_meta_put(meta, key, 1);
    struct meta_object_info info;
    put.body.etag.bytes[0] = etag;
    put.condition = (struct meta_condition){.kind = kind, .etag = {{etag}}};
    return meta_put_inline(meta->store, &put, &info, &meta->err);
}

static void conditions_decide(void **state)
{
    struct test_meta *meta = *state;
    assert_int_equal(put_if(meta, "k", META_CONDITION_EXISTS, 1), HEARTH_NOT_FOUND);
    assert_int_equal(put_if(meta, "k", META_CONDITION_ETAG, 1), HEARTH_NOT_FOUND);
    assert_int_equal(put_if(meta, "k", META_CONDITION_ABSENT, 1), HEARTH_OK);
    assert_int_equal(put_if(meta, "k", META_CONDITION_ABSENT, 1), HEARTH_PRECONDITION);
    assert_int_equal(put_if(meta, "k", META_CONDITION_EXISTS, 1), HEARTH_OK);
    assert_int_equal(put_if(meta, "k", META_CONDITION_ETAG, 2), HEARTH_PRECONDITION);
    assert_int_equal(put_if(meta, "k", META_CONDITION_ETAG, 1), HEARTH_OK);
    assert_int_equal(usage_of(meta).objects, 1);
}

static void deleting_twice_with_one_token_deletes_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text("k"), .token = test_meta_id(meta)};
    bool existed;
    test_meta_put_now(meta, "k", 5);
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_true(existed);
    test_meta_put_now(meta, "k", 6);
    existed = false;
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_true(existed); /* the outcome of then */
    struct meta_object object;
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);

    delete.token = test_meta_id(meta);
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_int_equal(test_meta_find(meta, "k", &object), HEARTH_NOT_FOUND);
    assert_int_equal(usage_of(meta).objects, 0);
    assert_int_equal(usage_of(meta).bytes, 0);
    delete.token = test_meta_id(meta);
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    assert_false(existed);
}

static void what_is_too_large_for_inline_is_refused(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "k", 8 * 1024 + 1);
    struct meta_object_info info;
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_INVALID);
    put = test_meta_put(meta, "", 1);
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_INVALID);
    put = test_meta_put(meta, "k", 1);
    put.body.bucket_key_version = 2;
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_WRONG_KEY);
    put = test_meta_put(meta, "k", 1);
    put.bucket = test_meta_id(meta);
    assert_int_equal(meta_put_inline(meta->store, &put, &info, &meta->err), HEARTH_NOT_FOUND);
}

static void a_body_id_is_used_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "a", 1);
    struct meta_object_info info;
    assert_ok(meta_put_inline(meta->store, &put, &info, &meta->err), &meta->err);
    struct meta_put other = test_meta_put(meta, "b", 1);
    other.body.id = put.body.id;
    assert_int_equal(meta_put_inline(meta->store, &other, &info, &meta->err), HEARTH_CONFLICT);
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "b", &object), HEARTH_NOT_FOUND);
}

/* ---- uploads ---- */

static void nothing_is_visible_before_commit_and_all_after(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "big");
    struct meta_id segment = test_meta_sealed_segment(meta, intent.id);
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "big", &object), HEARTH_NOT_FOUND);

    const struct meta_extent extents[] = {{segment, 0, 600}, {segment, 600, 400}};
    struct meta_commit commit = test_meta_commit(meta, intent.id, extents, 2);
    struct meta_object_info info;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
    assert_ok(test_meta_find(meta, "big", &object), &meta->err);
    assert_int_equal(object.extent_count, 2);
    assert_memory_equal(object.extents, extents, sizeof(extents));
    assert_int_equal(object.segment_count, 1);
    assert_int_equal(object.segments[0].refs, 2);
    assert_int_equal(object.segments[0].k, 4);
    assert_int_equal(object.segments[0].holders[7].node, 8);
    assert_int_equal(object.segments[0].vk[0], 3);
}

static void begin_with_the_same_token_is_the_same_intent(void **state)
{
    struct test_meta *meta = *state;
    struct meta_begin begin = {
        .bucket = meta->bucket, .key = view_text("k"), .token = test_meta_id(meta)};
    struct meta_intent first;
    struct meta_intent second;
    assert_ok(meta_begin(meta->store, &begin, &first, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, 5000);
    assert_ok(meta_begin(meta->store, &begin, &second, &meta->err), &meta->err);
    assert_true(meta_id_equal(first.id, second.id));
    assert_int_equal(first.expires_ms, second.expires_ms);
    assert_true(meta_id_equal(first.tenant, meta->tenant));
    begin.key = view_text("other");
    assert_int_equal(meta_begin(meta->store, &begin, &second, &meta->err), HEARTH_CONFLICT);
}

static void a_commit_repeated_gives_its_outcome_again(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_sealed_segment(meta, intent.id);
    const struct meta_extent extent = {.segment = segment, .length = 1000};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &extent, 1);
    struct meta_object_info first;
    struct meta_object_info second;
    assert_ok(meta_commit(meta->store, &commit, &first, NULL, &meta->err), &meta->err);
    test_meta_put_now(meta, "k", 1);
    test_env_step_ms(&meta->env, META_INTENT_MS - 1000);
    test_meta_collect(meta);
    assert_ok(meta_commit(meta->store, &commit, &second, NULL, &meta->err), &meta->err);
    assert_same_outcome(first, second);
    assert_int_equal(meta_abort(meta->store, intent.id, &meta->err), HEARTH_CONFLICT);
}

static void the_last_segment_is_sealed_with_the_commit(void **state)
{
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_id(meta);
    struct meta_offers offers = test_meta_open_segment(meta, intent.id, segment);
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal_result sealed;
    struct meta_object_info info;
    const struct meta_extent extent = {.segment = segment, .length = 1000};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &extent, 1);

    struct meta_seal seal = test_meta_seal(intent.id, segment, &offers, 5, receipts);
    commit.seal = &seal;
    assert_int_equal(
        meta_commit(meta->store, &commit, &info, &sealed, &meta->err), HEARTH_SHARDS_LOST);
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "k", &object), HEARTH_NOT_FOUND);

    seal = test_meta_seal(intent.id, segment, &offers, 6, receipts);
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_ok(meta_commit(meta->store, &commit, &info, &sealed, &meta->err), &meta->err);
    }
    assert_int_equal(sealed.holders, 6);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.segments[0].refs, 1);
}

static void a_condition_that_became_false_stops_the_commit(void **state)
{
    struct test_meta *meta = *state;
    struct meta_begin begin = {.bucket = meta->bucket,
        .key = view_text("k"),
        .condition = {.kind = META_CONDITION_ABSENT},
        .token = test_meta_id(meta)};
    struct meta_intent intent;
    assert_ok(meta_begin(meta->store, &begin, &intent, &meta->err), &meta->err);
    test_meta_put_now(meta, "k", 1);
    struct meta_commit commit = test_meta_commit(meta, intent.id, NULL, 0);
    struct meta_object_info info;
    assert_int_equal(
        meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_PRECONDITION);
    begin.token = test_meta_id(meta);
    assert_int_equal(meta_begin(meta->store, &begin, &intent, &meta->err), HEARTH_PRECONDITION);
}

static void an_ended_intent_is_refused_for_ever(void **state)
{
    struct test_meta *meta = *state;
    struct meta_object_info info;
    struct meta_intent aborted = test_meta_begin(meta, "aborted");
    struct meta_intent late = test_meta_begin(meta, "late");
    assert_ok(meta_abort(meta->store, aborted.id, &meta->err), &meta->err);
    assert_ok(meta_abort(meta->store, aborted.id, &meta->err), &meta->err);
    struct meta_commit commit = test_meta_commit(meta, aborted.id, NULL, 0);
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_EXPIRED);
    test_env_step_ms(&meta->env, META_INTENT_MS);
    commit = test_meta_commit(meta, late.id, NULL, 0);
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_EXPIRED);
    test_meta_collect(meta);
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_EXPIRED);
    test_env_step_ms(&meta->env, META_OUTCOME_UPLOAD_MS + 1);
    test_meta_collect(meta);
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_NOT_FOUND);
}

static void extents_must_be_the_uploads_own_and_add_up(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id foreign;
    struct meta_object_info info;
    test_meta_upload(meta, "other", &foreign);
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_sealed_segment(meta, intent.id);
    struct meta_id unsealed = test_meta_id(meta);
    test_meta_open_segment(meta, intent.id, unsealed);
    const struct meta_extent wrong[] = {
        {foreign, 0, 10}, {unsealed, 0, 10}, {segment, 995, 10}, {segment, 0, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct meta_commit commit = test_meta_commit(meta, intent.id, &wrong[i], 1);
        assert_int_equal(
            meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_INVALID);
    }
    const struct meta_extent right = {segment, 5, 10};
    struct meta_commit commit = test_meta_commit(meta, intent.id, &right, 1);
    commit.body.size++;
    assert_int_equal(meta_commit(meta->store, &commit, &info, NULL, &meta->err), HEARTH_INVALID);
    commit.body.size--;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);
}

/* ---- ranges ---- */

static void a_range_brings_its_extents_sixteen_at_a_time(void **state)
{
    enum { EXTENTS = 40, EACH = 25 };
    struct test_meta *meta = *state;
    struct meta_intent intent = test_meta_begin(meta, "k");
    struct meta_id segment = test_meta_sealed_segment(meta, intent.id);
    struct meta_extent extents[EXTENTS];
    for (uint32_t i = 0; i < EXTENTS; i++) {
        extents[i] = (struct meta_extent){segment, i * EACH, EACH};
    }
    struct meta_commit commit = test_meta_commit(meta, intent.id, extents, EXTENTS);
    struct meta_object_info info;
    struct meta_object object;
    assert_ok(meta_commit(meta->store, &commit, &info, NULL, &meta->err), &meta->err);

    const struct {
        uint64_t offset, length;
        bool suffix;
        uint64_t cursor, first, count, next;
    } cases[] = {
        {0, 0, false, 0, 0, 16, 16},
        {0, 0, false, 16, 16, 16, 32},
        {0, 0, false, 32, 32, 8, 0},
        {0, 25, false, 0, 0, 1, 0},
        {0, 26, false, 0, 0, 2, 0},
        {24, 2, false, 0, 0, 2, 0},
        {25, 1, false, 0, 1, 1, 0},
        {999, 1, false, 0, 39, 1, 0},
        {999, 50, false, 0, 39, 1, 0},
        {1000, 1, false, 0, 0, 0, 0},
        {UINT64_MAX, UINT64_MAX, false, 0, 0, 0, 0},
        {0, 30, true, 0, 38, 2, 0},
        {0, 5000, true, 0, 0, 16, 16},
        {0, 0, true, 0, 0, 0, 0},
        {0, 0, false, 1000, 1000, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct meta_lookup lookup = {.bucket = meta->bucket,
            .key = view_text("k"),
            .offset = cases[i].offset,
            .length = cases[i].length,
            .suffix = cases[i].suffix,
            .cursor = cases[i].cursor};
        assert_ok(meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), &meta->err);
        assert_int_equal(object.first_extent, cases[i].first);
        assert_int_equal(object.extent_count, cases[i].count);
        assert_int_equal(object.next_cursor, cases[i].next);
        assert_int_equal(object.segment_count, cases[i].count > 0);
        assert_int_equal(object.manifest.size > 0, cases[i].cursor == 0);
    }
    struct meta_lookup head = {.bucket = meta->bucket, .key = view_text("k"), .head_only = true};
    assert_ok(meta_lookup(meta->store, &head, &meta->arena, &object, &meta->err), &meta->err);
    assert_int_equal(object.extent_count, 0);
    assert_true(object.manifest.size > 0);
}

static void who_began_reading_a_version_can_finish(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_object_info old = test_meta_upload(meta, "k", &segment);
    test_meta_put_now(meta, "k", 1);
    struct meta_lookup lookup = {
        .bucket = meta->bucket, .key = view_text("k"), .version = &old.version};
    struct meta_object object;
    struct meta_segment found;
    test_env_step_ms(&meta->env, META_READ_GRACE_MS - 1);
    test_meta_collect(meta);
    assert_ok(meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), &meta->err);
    assert_int_equal(object.info.size, 1000);
    assert_int_equal(object.extent_count, 1);
    assert_ok(meta_lookup_segment(meta->store, &lookup, segment, &found, &meta->err), &meta->err);
    assert_true(meta_id_equal(found.id, segment));
    assert_int_equal(
        meta_lookup_segment(meta->store, &lookup, test_meta_id(meta), &found, &meta->err),
        HEARTH_NOT_FOUND);
    test_env_step_ms(&meta->env, 1);
    test_meta_collect(meta);
    assert_int_equal(
        meta_lookup(meta->store, &lookup, &meta->arena, &object, &meta->err), HEARTH_NOT_FOUND);
}

/* ---- copy ---- */

static struct meta_copy copy_of(
    struct test_meta *meta, const char *from, const char *to, const struct meta_object *source)
{
    struct meta_copy copy = {.source_bucket = meta->bucket,
        .source_key = view_text(from),
        .source_version = source->info.version,
        .put = test_meta_put(meta, to, source->info.size)};
    copy.put.body.extents = source->extents;
    copy.put.body.extent_count = source->extent_count;
    return copy;
}

static void a_copy_refers_to_the_same_segments(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_object source;
    struct meta_object_info info;
    struct meta_segment found;
    test_meta_upload(meta, "from", &segment);
    assert_ok(test_meta_find(meta, "from", &source), &meta->err);
    struct meta_copy copy = copy_of(meta, "from", "to", &source);
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err); /* a retry */
    assert_ok(meta_segment_get(meta->store, segment, &found, &meta->err), &meta->err);
    assert_int_equal(found.refs, 2);

    bool existed;
    struct meta_delete delete = {
        .bucket = meta->bucket, .key = view_text("from"), .token = test_meta_id(meta)};
    assert_ok(meta_delete(meta->store, &delete, &existed, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, 10 * META_READ_GRACE_MS);
    test_meta_collect(meta);
    assert_ok(test_meta_find(meta, "to", &source), &meta->err);
    assert_int_equal(source.segments[0].refs, 1);
    assert_int_equal(source.segments[0].dying_ms, 0);
}

static void a_copy_needs_its_source_as_it_was(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_object source;
    struct meta_object_info info;
    test_meta_upload(meta, "from", &segment);
    assert_ok(test_meta_find(meta, "from", &source), &meta->err);
    struct meta_extent other = source.extents[0];
    struct meta_copy copy = copy_of(meta, "from", "to", &source);
    other.length--;
    copy.put.body.extents = &other;
    copy.put.body.size--;
    assert_int_equal(meta_copy(meta->store, &copy, &info, &meta->err), HEARTH_INVALID);
    copy.put.body.size++;
    struct meta_id stranger; /* as many bytes of somebody else's segment */
    test_meta_upload(meta, "other", &stranger);
    other = source.extents[0];
    other.segment = stranger;
    assert_int_equal(meta_copy(meta->store, &copy, &info, &meta->err), HEARTH_INVALID);
    copy.put.body.extents = source.extents;
    test_meta_put_now(meta, "from", 1);
    assert_int_equal(meta_copy(meta->store, &copy, &info, &meta->err), HEARTH_NOT_FOUND);
}

static void a_copy_onto_itself_keeps_its_segments(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    struct meta_object object;
    struct meta_object_info info;
    test_meta_upload(meta, "k", &segment);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    struct meta_copy copy = copy_of(meta, "k", "k", &object);
    assert_ok(meta_copy(meta->store, &copy, &info, &meta->err), &meta->err);
    test_env_step_ms(&meta->env, 10 * META_READ_GRACE_MS);
    test_meta_collect(meta);
    assert_ok(test_meta_find(meta, "k", &object), &meta->err);
    assert_int_equal(object.segments[0].refs, 1);
    assert_int_equal(object.segments[0].dying_ms, 0);
    assert_int_equal(usage_of(meta).objects, 1);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, NODES)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(an_inline_put_is_found_as_it_was_put),
        IN_A_STORE(the_same_token_puts_once),
        IN_A_STORE(a_token_used_for_another_call_is_a_conflict),
        IN_A_STORE(an_overwrite_leaves_one_version_and_its_usage),
        IN_A_STORE(conditions_decide),
        IN_A_STORE(deleting_twice_with_one_token_deletes_once),
        IN_A_STORE(what_is_too_large_for_inline_is_refused),
        IN_A_STORE(a_body_id_is_used_once),
        IN_A_STORE(nothing_is_visible_before_commit_and_all_after),
        IN_A_STORE(begin_with_the_same_token_is_the_same_intent),
        IN_A_STORE(a_commit_repeated_gives_its_outcome_again),
        IN_A_STORE(the_last_segment_is_sealed_with_the_commit),
        IN_A_STORE(a_condition_that_became_false_stops_the_commit),
        IN_A_STORE(an_ended_intent_is_refused_for_ever),
        IN_A_STORE(extents_must_be_the_uploads_own_and_add_up),
        IN_A_STORE(a_range_brings_its_extents_sixteen_at_a_time),
        IN_A_STORE(who_began_reading_a_version_can_finish),
        IN_A_STORE(a_copy_refers_to_the_same_segments),
        IN_A_STORE(a_copy_needs_its_source_as_it_was),
        IN_A_STORE(a_copy_onto_itself_keeps_its_segments),
    };
    return cmocka_run_group_tests_name("meta_object", tests, NULL, NULL);
}
