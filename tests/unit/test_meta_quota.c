/*
 * meta_quota: no quota is ever passed; what an upload has reserved when it began is there for it
 * when it commits, and for others as soon as it ends, however it ends.  Time is stepped.
 */
#include "coordinator/meta/meta_account.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_upload.h"

#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <pthread.h>
#include <stdio.h>

enum { SEGMENT = 1000 }; /* bytes of test_meta_sealed_segment() */

/* ---- short words ---- */

static void set_quota(struct test_meta *meta, uint64_t bytes, uint64_t objects)
{
    const struct meta_bucket_settings quota = {.quota_bytes = bytes, .quota_objects = objects};
    assert_ok(meta_bucket_set(meta->store, view_text("bucket"), &quota,
                  META_SET_QUOTA_BYTES | META_SET_QUOTA_OBJECTS, &meta->err),
        &meta->err);
}

static enum hearth_code put(struct test_meta *meta, const char *key, uint64_t size)
{
    struct meta_object_info info;
    const struct meta_put request = test_meta_put(meta, key, size);
    return meta_put_inline(meta->store, &request, &info, &meta->err);
}

static struct meta_begin begin_of(struct test_meta *meta, const char *key, uint64_t size_expected)
{
    return (struct meta_begin){.bucket = meta->bucket,
        .key = view_text(key),
        .token = test_meta_id(meta),
        .size_expected = size_expected};
}

static enum hearth_code begin(struct test_meta *meta, const char *key, uint64_t size_expected)
{
    struct meta_intent intent;
    const struct meta_begin request = begin_of(meta, key, size_expected);
    return meta_begin(meta->store, &request, &intent, &meta->err);
}

static struct meta_id begin_now(struct test_meta *meta, const struct meta_begin *request)
{
    struct meta_intent intent;
    assert_ok(meta_begin(meta->store, request, &intent, &meta->err), &meta->err);
    return intent.id;
}

static enum hearth_code abort_intent(struct test_meta *meta, struct meta_id intent)
{
    return meta_abort(meta->store, intent, &meta->err);
}

/* A segment with receipts for all its offers, to be sealed. */
struct sealing {
    struct meta_receipt receipts[META_SLOTS_MAX];
    struct meta_seal request;
};

static void fill_segment(struct test_meta *meta, struct meta_id intent, struct sealing *out)
{
    const struct meta_id segment = test_meta_id(meta);
    const struct meta_offers offers = test_meta_open_segment(meta, intent, segment);
    out->request = test_meta_seal(intent, segment, &offers, offers.count, out->receipts);
}

/* By itself, as of an object that goes on after it. */
static enum hearth_code seal(struct test_meta *meta, const struct sealing *sealing)
{
    struct meta_seal_result result;
    return meta_seal(meta->store, &sealing->request, &result, &meta->err);
}

static enum hearth_code seal_one(struct test_meta *meta, struct meta_id intent)
{
    struct sealing sealing;
    fill_segment(meta, intent, &sealing);
    return seal(meta, &sealing);
}

/* A body of one segment, sealed with it. */
static enum hearth_code commit(struct test_meta *meta, struct meta_id intent, struct meta_id *body)
{
    struct meta_object_info info;
    struct meta_seal_result sealed;
    struct sealing sealing;
    fill_segment(meta, intent, &sealing);
    const struct meta_extent extent = {.segment = sealing.request.segment, .length = SEGMENT};
    struct meta_commit request = test_meta_commit(meta, intent, &extent, 1);
    request.seal = &sealing.request;
    *body = request.body.id;
    return meta_commit(meta->store, &request, &info, &sealed, &meta->err);
}

static void assert_reserved(struct test_meta *meta, uint64_t objects, uint64_t bytes)
{
    struct meta_usage usage;
    assert_ok(meta_bucket_usage(meta->store, meta->bucket, &usage, &meta->err), &meta->err);
    assert_int_equal(usage.reserved_objects, objects);
    assert_int_equal(usage.reserved_bytes, bytes);
}

static struct meta_upload upload_of(struct test_meta *meta, const char *key)
{
    return (struct meta_upload){.id = test_meta_id(meta),
        .bucket = meta->bucket,
        .key = view_text(key),
        .bucket_key_version = 1,
        .manifest = view_text("what it will be")};
}

static enum hearth_code create(struct test_meta *meta, const struct meta_upload *upload)
{
    uint64_t created_ms;
    return meta_upload_create(meta->store, upload, &created_ms, &meta->err);
}

static struct meta_begin part_of(
    struct test_meta *meta, const struct meta_upload *upload, uint32_t number)
{
    struct meta_begin request = begin_of(meta, "parts", SEGMENT);
    assert_true(view_equal(upload->key, request.key));
    request.part = (struct meta_part){.upload = upload->id, .number = number};
    return request;
}

static struct meta_part_ref put_part(
    struct test_meta *meta, const struct meta_upload *upload, uint32_t number)
{
    struct meta_part_ref ref = {.number = number};
    const struct meta_begin request = part_of(meta, upload, number);
    assert_ok(commit(meta, begin_now(meta, &request), &ref.body), &meta->err);
    return ref;
}

static enum hearth_code complete(
    struct test_meta *meta, const struct meta_upload *upload, const struct meta_part_ref *part)
{
    struct meta_object_info info;
    const struct meta_complete request = {.upload = upload->id,
        .bucket = meta->bucket,
        .key = upload->key,
        .body = {.id = test_meta_id(meta),
            .bucket_key_version = 1,
            .manifest = view_text("whole"),
            .size = SEGMENT,
            .parts = 1},
        .parts = part,
        .part_count = 1};
    return meta_upload_complete(meta->store, &request, &info, &meta->err);
}

/* ---- what is there ---- */

static void the_last_byte_of_a_quota_can_be_used_and_not_one_more(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 0);
    assert_int_equal(put(meta, "a", 60), HEARTH_OK);
    assert_int_equal(put(meta, "b", 41), HEARTH_QUOTA);
    assert_int_equal(put(meta, "b", 40), HEARTH_OK);
    assert_int_equal(put(meta, "c", 1), HEARTH_QUOTA);
    assert_int_equal(put(meta, "c", 0), HEARTH_OK);
}

static void what_replaces_an_object_counts_in_its_place(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    assert_int_equal(put(meta, "a", 100), HEARTH_OK);
    assert_int_equal(put(meta, "a", 100), HEARTH_OK);
    assert_int_equal(put(meta, "a", 101), HEARTH_QUOTA);
    assert_int_equal(put(meta, "b", 0), HEARTH_QUOTA); /* one object */
    assert_int_equal(put(meta, "a", 10), HEARTH_OK);
}

static void an_upload_that_will_not_fit_is_refused_when_it_begins(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 1000, 0);
    assert_int_equal(put(meta, "a", 1), HEARTH_OK);
    assert_int_equal(begin(meta, "b", 1000), HEARTH_QUOTA);
    assert_int_equal(begin(meta, "b", UINT64_MAX), HEARTH_QUOTA);
    assert_int_equal(begin(meta, "b", 999), HEARTH_OK);
    assert_int_equal(begin(meta, "b", 0), HEARTH_OK); /* not known: the commit decides */
}

static void an_upload_that_does_not_fit_is_not_committed(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id body;
    set_quota(meta, SEGMENT - 1, 0);
    const struct meta_intent intent = test_meta_begin(meta, "key");
    assert_int_equal(commit(meta, intent.id, &body), HEARTH_QUOTA);
    set_quota(meta, SEGMENT, 0);
    assert_int_equal(commit(meta, intent.id, &body), HEARTH_OK);
}

/* ---- reserved ---- */

static void what_an_upload_has_reserved_is_nobody_elses(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id body;
    set_quota(meta, SEGMENT + 10, 2);
    const struct meta_begin request = begin_of(meta, "a", SEGMENT);
    const struct meta_id intent = begin_now(meta, &request);
    assert_reserved(meta, 1, SEGMENT);
    assert_int_equal(begin(meta, "b", 11), HEARTH_QUOTA);
    assert_int_equal(put(meta, "b", 11), HEARTH_QUOTA);
    assert_int_equal(put(meta, "b", 10), HEARTH_OK);
    assert_int_equal(put(meta, "c", 0), HEARTH_QUOTA); /* the second object is on its way */
    assert_int_equal(begin(meta, "c", 0), HEARTH_QUOTA);
    assert_ok(commit(meta, intent, &body), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void an_upload_reserves_what_it_adds_to_what_it_replaces(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    assert_int_equal(put(meta, "a", 90), HEARTH_OK);
    assert_int_equal(begin(meta, "a", 100), HEARTH_OK);
    assert_reserved(meta, 0, 10);
    assert_int_equal(begin(meta, "a", 91), HEARTH_QUOTA);
    assert_int_equal(begin(meta, "a", 90), HEARTH_OK);
    assert_reserved(meta, 0, 10);
}

static void begun_again_it_reserves_no_more(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    const struct meta_begin request = begin_of(meta, "a", 100);
    const struct meta_id intent = begin_now(meta, &request);
    assert_true(meta_id_equal(begin_now(meta, &request), intent));
    assert_reserved(meta, 1, 100);
}

static void an_aborted_upload_frees_what_it_reserved_once(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 200, 0);
    const struct meta_begin first = begin_of(meta, "a", 100);
    const struct meta_begin second = begin_of(meta, "b", 100);
    const struct meta_id intent = begin_now(meta, &first);
    begin_now(meta, &second);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_reserved(meta, 0, 100);
}

static void an_abandoned_upload_frees_what_it_reserved_when_it_expires(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    assert_int_equal(begin(meta, "a", 100), HEARTH_OK);
    test_env_step_ms(&meta->env, META_INTENT_MS);
    test_meta_collect(meta);
    assert_reserved(meta, 0, 0);
    assert_int_equal(begin(meta, "b", 100), HEARTH_OK);
}

static void a_commit_that_is_refused_keeps_what_it_reserved(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id body;
    set_quota(meta, SEGMENT, 0);
    const struct meta_begin request = begin_of(meta, "a", 10); /* which is not true */
    const struct meta_id intent = begin_now(meta, &request);
    assert_int_equal(put(meta, "b", 20), HEARTH_OK);
    assert_int_equal(commit(meta, intent, &body), HEARTH_QUOTA);
    assert_reserved(meta, 0, 10);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void what_is_reserved_outlives_the_coordinator(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    const struct meta_begin request = begin_of(meta, "a", 60);
    const struct meta_id intent = begin_now(meta, &request);
    test_meta_reopen(meta);
    assert_reserved(meta, 1, 60);
    assert_int_equal(put(meta, "b", 41), HEARTH_QUOTA);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void only_what_is_limited_is_reserved_and_freed(void **state)
{
    struct test_meta *meta = *state;
    const struct meta_begin before = begin_of(meta, "a", UINT64_MAX);
    const struct meta_id unlimited = begin_now(meta, &before);
    assert_reserved(meta, 0, 0);
    set_quota(meta, 0, 2);
    const struct meta_begin after = begin_of(meta, "b", UINT64_MAX);
    const struct meta_id limited = begin_now(meta, &after);
    assert_reserved(meta, 1, 0);
    set_quota(meta, 0, 0);
    assert_ok(abort_intent(meta, limited), &meta->err);
    assert_ok(abort_intent(meta, unlimited), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void an_upload_to_a_bucket_that_is_gone_frees_nothing(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 100, 1);
    const struct meta_begin request = begin_of(meta, "a", 100);
    const struct meta_id intent = begin_now(meta, &request);
    assert_ok(meta_bucket_delete(
                  meta->store, view_text("bucket"), meta->tenant, test_meta_id(meta), &meta->err),
        &meta->err);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_reserved(meta, 0, 0);
}

/* ---- of unknown size ---- */

static void what_nobody_announced_is_reserved_as_it_grows_and_stops_when_the_bucket_is_full(
    void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 2 * SEGMENT + 10, 0);
    const struct meta_begin request = begin_of(meta, "a", 0);
    const struct meta_id intent = begin_now(meta, &request);
    assert_reserved(meta, 0, 0);
    assert_ok(seal_one(meta, intent), &meta->err);
    assert_reserved(meta, 0, SEGMENT);
    assert_ok(seal_one(meta, intent), &meta->err);
    assert_reserved(meta, 0, 2 * SEGMENT);
    assert_int_equal(put(meta, "b", 11), HEARTH_QUOTA);
    assert_int_equal(seal_one(meta, intent), HEARTH_QUOTA);
    assert_reserved(meta, 0, 2 * SEGMENT);
    assert_ok(abort_intent(meta, intent), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void a_segment_sealed_again_reserves_no_more(void **state)
{
    struct test_meta *meta = *state;
    struct sealing sealing;
    set_quota(meta, 2 * SEGMENT, 0);
    const struct meta_begin request = begin_of(meta, "a", 0);
    const struct meta_id intent = begin_now(meta, &request);
    fill_segment(meta, intent, &sealing);
    assert_ok(seal(meta, &sealing), &meta->err);
    assert_ok(seal(meta, &sealing), &meta->err);
    assert_reserved(meta, 0, SEGMENT);
}

static void what_was_announced_is_not_reserved_again_with_its_segments(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id body;
    set_quota(meta, 3 * SEGMENT, 0);
    const struct meta_begin request = begin_of(meta, "a", SEGMENT);
    const struct meta_id intent = begin_now(meta, &request);
    assert_ok(seal_one(meta, intent), &meta->err);
    assert_reserved(meta, 0, SEGMENT);
    assert_ok(seal_one(meta, intent), &meta->err); /* more than was said */
    assert_reserved(meta, 0, 2 * SEGMENT);
    assert_ok(commit(meta, intent, &body), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void what_grows_counts_in_the_place_of_what_it_replaces(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id segment;
    test_meta_upload(meta, "a", &segment);
    set_quota(meta, 2 * SEGMENT, 0);
    const struct meta_begin request = begin_of(meta, "a", 0);
    const struct meta_id intent = begin_now(meta, &request);
    assert_ok(seal_one(meta, intent), &meta->err);
    assert_reserved(meta, 0, 0);
    assert_ok(seal_one(meta, intent), &meta->err);
    assert_reserved(meta, 0, SEGMENT);
    assert_int_equal(seal_one(meta, intent), HEARTH_QUOTA);
}

/* ---- in parts ---- */

static void parts_reserve_their_bytes_and_the_upload_its_object(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, SEGMENT, 1);
    const struct meta_upload upload = upload_of(meta, "parts");
    assert_ok(create(meta, &upload), &meta->err);
    assert_ok(create(meta, &upload), &meta->err); /* again: the same one */
    assert_reserved(meta, 1, 0);
    assert_int_equal(put(meta, "a", 0), HEARTH_QUOTA);
    const struct meta_upload other = upload_of(meta, "other");
    assert_int_equal(create(meta, &other), HEARTH_QUOTA);

    const struct meta_begin first = part_of(meta, &upload, 1);
    const struct meta_begin second = part_of(meta, &upload, 2);
    struct meta_intent refused;
    struct meta_part_ref part = {.number = 1};
    const struct meta_id intent = begin_now(meta, &first);
    assert_reserved(meta, 1, SEGMENT);
    assert_int_equal(meta_begin(meta->store, &second, &refused, &meta->err), HEARTH_QUOTA);
    assert_ok(commit(meta, intent, &part.body), &meta->err);
    assert_reserved(meta, 1, 0);
    assert_ok(complete(meta, &upload, &part), &meta->err);
    assert_reserved(meta, 0, 0);
}

static void a_part_can_be_replaced_in_a_full_bucket(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, SEGMENT, 0);
    const struct meta_upload upload = upload_of(meta, "parts");
    assert_ok(create(meta, &upload), &meta->err);
    put_part(meta, &upload, 1);
    const struct meta_part_ref part = put_part(meta, &upload, 1);
    assert_reserved(meta, 0, 0);
    assert_ok(complete(meta, &upload, &part), &meta->err);
}

/* Parts were counted when they came: completing makes the bucket no larger. */
static void an_upload_in_parts_is_completed_though_the_quota_has_shrunk(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, SEGMENT, 0);
    const struct meta_upload upload = upload_of(meta, "parts");
    assert_ok(create(meta, &upload), &meta->err);
    const struct meta_part_ref part = put_part(meta, &upload, 1);
    set_quota(meta, SEGMENT - 1, 0);
    assert_ok(complete(meta, &upload, &part), &meta->err);
    assert_int_equal(put(meta, "a", 1), HEARTH_QUOTA);
}

static void an_upload_in_parts_that_ends_frees_its_object_once(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 0, 1);
    const struct meta_upload aborted = upload_of(meta, "parts");
    assert_ok(create(meta, &aborted), &meta->err);
    assert_ok(
        meta_upload_abort(meta->store, aborted.id, meta->bucket, view_text("parts"), &meta->err),
        &meta->err);
    assert_reserved(meta, 0, 0);
    const struct meta_upload abandoned = upload_of(meta, "parts");
    assert_ok(create(meta, &abandoned), &meta->err);
    assert_reserved(meta, 1, 0);
    test_env_step_ms(&meta->env, META_UPLOAD_IDLE_MS);
    test_meta_collect(meta);
    assert_reserved(meta, 0, 0);
}

static void an_upload_that_replaces_an_object_reserves_none(void **state)
{
    struct test_meta *meta = *state;
    set_quota(meta, 0, 1);
    assert_int_equal(put(meta, "parts", 1), HEARTH_OK);
    const struct meta_upload upload = upload_of(meta, "parts");
    assert_ok(create(meta, &upload), &meta->err);
    assert_reserved(meta, 0, 0);
    const struct meta_part_ref part = put_part(meta, &upload, 1);
    assert_ok(complete(meta, &upload, &part), &meta->err);
}

/* ---- at once ---- */

enum { WRITERS = 16, FIT = 5 };

struct writer {
    struct test_meta *meta;
    struct meta_begin request;
    char key[8];
    enum hearth_code code;
    struct meta_intent intent;
    pthread_t thread;
};

static void *write_one(void *arg)
{
    struct writer *writer = arg;
    struct hearth_err err;
    writer->code = meta_begin(writer->meta->store, &writer->request, &writer->intent, &err);
    return NULL;
}

static void of_many_that_begin_at_once_as_many_do_as_fit_and_all_of_these_commit(void **state)
{
    struct test_meta *meta = *state;
    static struct writer writers[WRITERS];
    set_quota(meta, FIT * SEGMENT + SEGMENT / 2, 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *writer = &writers[i];
        snprintf(writer->key, sizeof(writer->key), "%u", i);
        writer->meta = meta;
        writer->request = begin_of(meta, writer->key, SEGMENT);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_one, &writers[i]), 0);
    }
    unsigned begun = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        begun += writers[i].code == HEARTH_OK;
        assert_true(writers[i].code == HEARTH_OK || writers[i].code == HEARTH_QUOTA);
    }
    assert_int_equal(begun, FIT);
    for (unsigned i = 0; i < WRITERS; i++) {
        struct meta_id body;
        if (writers[i].code == HEARTH_OK) {
            assert_ok(commit(meta, writers[i].intent.id, &body), &meta->err);
        }
    }
    assert_reserved(meta, 0, 0);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, 8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(the_last_byte_of_a_quota_can_be_used_and_not_one_more),
        IN_A_STORE(what_replaces_an_object_counts_in_its_place),
        IN_A_STORE(an_upload_that_will_not_fit_is_refused_when_it_begins),
        IN_A_STORE(an_upload_that_does_not_fit_is_not_committed),
        IN_A_STORE(what_an_upload_has_reserved_is_nobody_elses),
        IN_A_STORE(an_upload_reserves_what_it_adds_to_what_it_replaces),
        IN_A_STORE(begun_again_it_reserves_no_more),
        IN_A_STORE(an_aborted_upload_frees_what_it_reserved_once),
        IN_A_STORE(an_abandoned_upload_frees_what_it_reserved_when_it_expires),
        IN_A_STORE(a_commit_that_is_refused_keeps_what_it_reserved),
        IN_A_STORE(what_is_reserved_outlives_the_coordinator),
        IN_A_STORE(only_what_is_limited_is_reserved_and_freed),
        IN_A_STORE(an_upload_to_a_bucket_that_is_gone_frees_nothing),
        IN_A_STORE(what_nobody_announced_is_reserved_as_it_grows_and_stops_when_the_bucket_is_full),
        IN_A_STORE(a_segment_sealed_again_reserves_no_more),
        IN_A_STORE(what_was_announced_is_not_reserved_again_with_its_segments),
        IN_A_STORE(what_grows_counts_in_the_place_of_what_it_replaces),
        IN_A_STORE(parts_reserve_their_bytes_and_the_upload_its_object),
        IN_A_STORE(a_part_can_be_replaced_in_a_full_bucket),
        IN_A_STORE(an_upload_in_parts_is_completed_though_the_quota_has_shrunk),
        IN_A_STORE(an_upload_in_parts_that_ends_frees_its_object_once),
        IN_A_STORE(an_upload_that_replaces_an_object_reserves_none),
        IN_A_STORE(of_many_that_begin_at_once_as_many_do_as_fit_and_all_of_these_commit),
    };
    return cmocka_run_group_tests_name("meta_quota", tests, NULL, NULL);
}
