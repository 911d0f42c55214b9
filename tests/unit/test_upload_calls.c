/*
 * Uploads in parts, from the library's side: parts that are sealed and sent become one object with
 * the ETag S3 gives it, whatever is lost on the way.  The coordinator is invented.
 */
#include "client/object_copy.h"
#include "client/object_delete.h"
#include "client/object_get.h"
#include "client/object_put.h"
#include "client/object_set_tags.h"
#include "client/object_stat.h"
#include "client/upload_calls.h"
#include "client/upload_complete.h"
#include "client/upload_part_copy.h"
#include "tests/lib/client_world.h"

#include <stdio.h>
#include <string.h>

enum { MIB = 1 << 20 };

struct bench {
    struct world *world;
    char upload[HEARTH_UPLOAD_TEXT_SIZE];
    struct hearth_err err;
};

static const struct hearth_metadata colour = {"colour", {(const uint8_t *)"blue", 4}};
static const struct hearth_metadata header = {"cache-control", {(const uint8_t *)"no-store", 8}};
static const struct hearth_metadata tag = {"kind", {(const uint8_t *)"test", 4}};
static const struct hearth_upload_options described = {
    .attributes = {.content_type = "text/plain",
        .metadata_count = 1,
        .metadata = &colour,
        .header_count = 1,
        .headers = &header,
        .tag_count = 1,
        .tags = &tag},
    .checksum_kind = HEARTH_CHECKSUM_CRC32C,
    .checksum_is_composite = true,
};

static void bench_open(struct bench *bench)
{
    bench->world = world_create(NULL);
    assert_ok(upload_create(&bench->world->session, "bucket", view_text("key"), &described,
                  bench->upload, &bench->err),
        &bench->err);
}

/* Bytes [from, from + size) of the object with seed 1. */
static enum hearth_code put_part(
    struct bench *bench, unsigned number, uint64_t from, uint64_t size, struct hearth_part *out)
{
    struct world_source source;
    world_source_init(&source, 1, from + size);
    source.at = from;
    const uint8_t crc[] = {1, 2, 3, (uint8_t)number};
    const struct hearth_checksum checksum = {
        .kind = HEARTH_CHECKSUM_CRC32C, .value = view_of(crc, sizeof(crc))};
    const struct hearth_checksums checksums = {1, &checksum};
    const struct hearth_part_options options = {.size_expected = size, .checksums = &checksums};
    return upload_part(&bench->world->session, "bucket", view_text("key"), bench->upload, number,
        &source.source, &options, out, &bench->err);
}

static enum hearth_code complete(struct bench *bench, const struct hearth_part *parts,
    unsigned count, struct hearth_put_result *out)
{
    struct hearth_complete_part wanted[8];
    for (unsigned i = 0; i < count; i++) {
        wanted[i] = (struct hearth_complete_part){parts[i].number, parts[i].etag};
    }
    const struct hearth_complete_options options = {.part_count = count, .parts = wanted};
    return upload_complete(&bench->world->session, "bucket", view_text("key"), bench->upload,
        &options, out, &bench->err);
}

static void md5_text_of_parts(const struct hearth_part *parts, unsigned count, char *text)
{
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    uint8_t md5[CRYPTO_MD5_SIZE];
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < sizeof(md5); j++) {
            unsigned byte;
            assert_int_equal(sscanf(parts[i].etag + 2 * (size_t)j, "%2x", &byte), 1);
            md5[j] = (uint8_t)byte;
        }
        crypto_hash_update(hash, view_of(md5, sizeof(md5)));
    }
    crypto_hash_final(hash, md5);
    crypto_hash_destroy(hash);
    for (unsigned j = 0; j < sizeof(md5); j++) {
        snprintf(text + 2 * (size_t)j, 3, "%02x", md5[j]);
    }
    snprintf(text + 32, 4, "-%u", count);
}

/* ---- claims ---- */

static void parts_in_any_order_become_one_object(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part parts[2];
    struct hearth_put_result result;
    struct hearth_stat *stat;
    char etag[HEARTH_ETAG_TEXT_SIZE];
    bench_open(&bench);
    assert_ok(put_part(&bench, 9, 2 * MIB, 300000, &parts[1]), &bench.err);
    assert_ok(put_part(&bench, 4, 0, 2 * MIB, &parts[0]), &bench.err);
    bench.world->coordinator.part_page_max = 1;
    assert_ok(complete(&bench, parts, 2, &result), &bench.err);
    md5_text_of_parts(parts, 2, etag);
    assert_string_equal(result.etag, etag);
    assert_int_equal(result.size, 2 * MIB + 300000);

    assert_ok(world_get(bench.world, "key", 1, 0, 0, NULL, &bench.err), &bench.err);
    assert_ok(world_get(bench.world, "key", 1, 2 * MIB - 5, 10, NULL, &bench.err), &bench.err);
    assert_ok(
        object_stat(&bench.world->session, "bucket", view_text("key"), false, &stat, &bench.err),
        &bench.err);
    assert_string_equal(stat->object.etag, etag);
    assert_string_equal(stat->object.attributes.content_type, "text/plain");
    assert_string_equal(stat->object.attributes.metadata[0].name, "colour");
    assert_string_equal(stat->object.attributes.headers[0].name, "cache-control");
    assert_string_equal(stat->object.attributes.tags[0].name, "kind");
    assert_int_equal(stat->object.part_count, 2);
    assert_int_equal(stat->object.part_sizes[0], 2 * MIB);
    assert_int_equal(stat->object.part_sizes[1], 300000);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t crc[] = {1, 2, 3, (uint8_t)parts[i].number};
        assert_int_equal(stat->object.part_checksums[i].kind, HEARTH_CHECKSUM_CRC32C);
        assert_true(view_equal(stat->object.part_checksums[i].value, view_of(crc, sizeof(crc))));
    }
    hearth_stat_destroy(stat);
    world_destroy(bench.world);
}

static enum hearth_code put_part_without_checksum(
    struct bench *bench, unsigned number, uint64_t size, struct hearth_part *out)
{
    struct world_source source;
    world_source_init(&source, 1, size);
    return upload_part(&bench->world->session, "bucket", view_text("key"), bench->upload, number,
        &source.source, &(struct hearth_part_options){0}, out, &bench->err);
}

static void unless_every_part_has_a_checksum_none_is_kept(void **state)
{
    (void)state;
    for (unsigned without = 1; without <= 3; without++) {
        struct bench bench;
        struct hearth_part parts[3];
        struct hearth_put_result result;
        struct hearth_stat *stat;
        bench_open(&bench);
        for (unsigned number = 1; number <= 3; number++) {
            struct hearth_part *part = &parts[number - 1];
            assert_ok(number == without ? put_part_without_checksum(&bench, number, 10, part)
                                        : put_part(&bench, number, 0, 10, part),
                &bench.err);
        }
        assert_ok(complete(&bench, parts, 3, &result), &bench.err);
        assert_ok(object_stat(
                      &bench.world->session, "bucket", view_text("key"), false, &stat, &bench.err),
            &bench.err);
        assert_null(stat->object.part_checksums);
        assert_int_equal(stat->object.part_sizes[2], 10);
        hearth_stat_destroy(stat);
        world_destroy(bench.world);
    }
}

static void completing_again_says_the_same(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part;
    struct hearth_put_result first, again;
    bench_open(&bench);
    assert_ok(put_part(&bench, 1, 0, MIB, &part), &bench.err);
    fake_coordinator_add_fault(
        &bench.world->coordinator, RPC_COMPLETE_UPLOAD, FAKE_ANSWER_LOST, 1, 2);
    assert_ok(complete(&bench, &part, 1, &first), &bench.err);
    assert_ok(complete(&bench, &part, 1, &again), &bench.err);
    assert_string_equal(first.etag, again.etag);
    assert_string_equal(first.version, again.version);
    assert_int_equal(first.size, again.size);
    world_destroy(bench.world);
}

static void parts_that_are_not_there_are_a_conflict(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part, other;
    bench_open(&bench);
    assert_ok(put_part(&bench, 2, 0, MIB, &part), &bench.err);
    other = part;
    other.etag[0] = part.etag[0] == '0' ? '1' : '0';
    assert_int_equal(complete(&bench, &other, 1, NULL), HEARTH_CONFLICT);
    other = part;
    other.number = 1;
    assert_int_equal(complete(&bench, &other, 1, NULL), HEARTH_CONFLICT);
    other.number = 3;
    assert_int_equal(complete(&bench, &other, 1, NULL), HEARTH_CONFLICT);
    const struct hearth_part backward[] = {part, part};
    assert_int_equal(complete(&bench, backward, 2, NULL), HEARTH_INVALID);
    assert_int_equal(complete(&bench, NULL, 0, NULL), HEARTH_INVALID);
    assert_ok(complete(&bench, &part, 1, NULL), &bench.err);
    world_destroy(bench.world);
}

static enum hearth_code refuse_second(
    void *context, const struct hearth_part *part, struct hearth_err *err)
{
    unsigned *seen = context;
    assert_int_equal(part->checksums.count, 1);
    assert_int_equal(part->checksums.items[0].value.bytes[3], part->number);
    return ++*seen == 2 ? hearth_fail(err, HEARTH_DENIED, "not this one") : HEARTH_OK;
}

static void a_visitor_sees_each_part_and_may_refuse(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part parts[2];
    unsigned seen = 0;
    bench_open(&bench);
    assert_ok(put_part(&bench, 1, 0, 10, &parts[0]), &bench.err);
    assert_ok(put_part(&bench, 2, 10, 10, &parts[1]), &bench.err);
    const struct hearth_complete_part wanted[] = {{1, parts[0].etag}, {2, parts[1].etag}};
    const struct hearth_complete_options options = {
        .part_count = 2, .parts = wanted, .visit = refuse_second, .visit_context = &seen};
    assert_int_equal(upload_complete(&bench.world->session, "bucket", view_text("key"),
                         bench.upload, &options, NULL, &bench.err),
        HEARTH_DENIED);
    assert_int_equal(seen, 2);
    assert_null(fake_coordinator_find(&bench.world->coordinator, "bucket", "key"));
    world_destroy(bench.world);
}

static void an_empty_part_is_a_part(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part;
    struct hearth_put_result result;
    bench_open(&bench);
    assert_ok(put_part(&bench, 1, 0, 0, &part), &bench.err);
    assert_ok(complete(&bench, &part, 1, &result), &bench.err);
    assert_int_equal(result.size, 0);
    uint64_t size;
    assert_ok(world_get(bench.world, "key", 1, 0, 0, &size, &bench.err), &bench.err);
    assert_int_equal(size, 0);
    world_destroy(bench.world);
}

static void an_upload_says_what_it_will_be_and_which_parts_it_has(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part;
    struct hearth_parts *parts;
    struct hearth_uploads *uploads;
    bench_open(&bench);
    assert_ok(put_part(&bench, 3, 0, 100, &part), &bench.err);
    assert_ok(upload_parts(&bench.world->session, "bucket", view_text("key"), bench.upload, 0, 0,
                  &parts, &bench.err),
        &bench.err);
    assert_int_equal(parts->count, 1);
    assert_int_equal(parts->items[0].number, 3);
    assert_string_equal(parts->items[0].etag, part.etag);
    assert_int_equal(parts->checksum_kind, HEARTH_CHECKSUM_CRC32C);
    assert_true(parts->checksum_is_composite);
    assert_string_equal(parts->attributes.tags[0].name, "kind");
    hearth_parts_destroy(parts);

    const struct hearth_upload_list_options list = {.bucket = "bucket"};
    assert_ok(upload_list(&bench.world->session, &list, &uploads, &bench.err), &bench.err);
    assert_int_equal(uploads->count, 1);
    assert_string_equal(uploads->items[0].upload, bench.upload);
    hearth_uploads_destroy(uploads);
    world_destroy(bench.world);
}

static void after_an_abort_there_is_no_upload(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part;
    bench_open(&bench);
    assert_ok(put_part(&bench, 1, 0, 100, &part), &bench.err);
    struct session *session = &bench.world->session;
    assert_ok(
        upload_abort(session, "bucket", view_text("key"), bench.upload, &bench.err), &bench.err);
    assert_int_equal(put_part(&bench, 2, 0, 100, NULL), HEARTH_NOT_FOUND);
    assert_int_equal(complete(&bench, &part, 1, NULL), HEARTH_NOT_FOUND);
    assert_int_equal(
        upload_abort(session, "bucket", view_text("key"), "no id", &bench.err), HEARTH_NOT_FOUND);
    world_destroy(bench.world);
}

static void copy_range(struct bench *bench, const char *key, unsigned number, uint64_t offset,
    uint64_t length, struct hearth_part *out)
{
    const struct hearth_part_source source = {
        .bucket = "bucket", .key = view_text(key), .offset = offset, .length = length};
    assert_ok(upload_part_copy(&bench->world->session, "bucket", view_text("key"), bench->upload,
                  number, &source, out, &bench->err),
        &bench->err);
}

static void a_part_can_be_a_range_of_an_object(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part parts[3];
    bench_open(&bench);
    assert_ok(world_put(bench.world, "large", 1, 3 * MIB, &bench.err), &bench.err);
    assert_ok(world_put(bench.world, "small", 1, 100, &bench.err), &bench.err);
    unsigned opened = bench.world->coordinator.segment_count;
    copy_range(&bench, "small", 1, 0, 100, &parts[0]);
    assert_int_equal(bench.world->coordinator.segment_count, opened + 1); /* it was inline */
    copy_range(&bench, "large", 2, 100, 2 * MIB, &parts[1]);
    copy_range(&bench, "large", 3, 2 * MIB + 100, 0, &parts[2]);
    assert_int_equal(bench.world->coordinator.segment_count, opened + 1);
    assert_string_not_equal(parts[1].etag, parts[2].etag);
    assert_ok(complete(&bench, parts, 3, NULL), &bench.err);
    uint64_t size;
    assert_ok(world_get(bench.world, "key", 1, 0, 0, &size, &bench.err), &bench.err);
    assert_int_equal(size, 3 * MIB);

    const struct hearth_part_source past = {
        .bucket = "bucket", .key = view_text("large"), .offset = 3 * MIB, .length = 1};
    assert_int_equal(upload_part_copy(&bench.world->session, "bucket", view_text("key"),
                         bench.upload, 4, &past, NULL, &bench.err),
        HEARTH_INVALID);
    world_destroy(bench.world);
}

static void the_whole_of_an_object_keeps_its_etag(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_part part;
    struct hearth_stat *stat;
    bench_open(&bench);
    assert_ok(world_put(bench.world, "large", 1, MIB, &bench.err), &bench.err);
    copy_range(&bench, "large", 1, 0, 0, &part);
    assert_ok(
        object_stat(&bench.world->session, "bucket", view_text("large"), false, &stat, &bench.err),
        &bench.err);
    assert_string_equal(part.etag, stat->object.etag);
    hearth_stat_destroy(stat);
    world_destroy(bench.world);
}

static void tags_travel_with_a_copy_unless_replaced(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_stat *stat;
    bench_open(&bench);
    struct session *session = &bench.world->session;
    const struct view keys[] = {view_text("same"), view_text("other")};
    assert_ok(world_put(bench.world, "source", 1, 10, &bench.err), &bench.err);
    assert_ok(object_set_tags(session, "bucket", view_text("source"), NULL, 1, &tag, &bench.err),
        &bench.err);
    for (unsigned i = 0; i < 2; i++) {
        const struct hearth_copy_options options = {.replace_tags = i == 1};
        assert_ok(object_copy(session, "bucket", view_text("source"), "bucket", keys[i], &options,
                      NULL, &bench.err),
            &bench.err);
        assert_ok(object_stat(session, "bucket", keys[i], false, &stat, &bench.err), &bench.err);
        assert_int_equal(stat->object.attributes.tag_count, 1 - i);
        hearth_stat_destroy(stat);
    }
    assert_ok(object_delete_many(session, "bucket", keys, 2, &bench.err), &bench.err);
    assert_int_equal(
        object_stat(session, "bucket", keys[0], false, &stat, &bench.err), HEARTH_NOT_FOUND);
    world_destroy(bench.world);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    struct hearth_metadata many[HEARTH_TAGS_MAX + 1];
    static uint8_t long_value[9000];
    const struct hearth_metadata long_tag = {"t", {long_value, sizeof(long_value)}};
    bench_open(&bench);
    struct session *session = &bench.world->session;
    for (unsigned i = 0; i <= HEARTH_TAGS_MAX; i++) {
        many[i] = tag;
    }
    assert_int_equal(object_set_tags(session, "bucket", view_text("k"), NULL, HEARTH_TAGS_MAX + 1,
                         many, &bench.err),
        HEARTH_INVALID);
    assert_int_equal(
        object_set_tags(session, "bucket", view_text("k"), NULL, 1, &long_tag, &bench.err),
        HEARTH_INVALID);
    assert_int_equal(put_part(&bench, 0, 0, 1, NULL), HEARTH_INVALID);
    assert_int_equal(put_part(&bench, 10001, 0, 1, NULL), HEARTH_INVALID);
    world_destroy(bench.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_any_order_become_one_object),
        cmocka_unit_test(unless_every_part_has_a_checksum_none_is_kept),
        cmocka_unit_test(completing_again_says_the_same),
        cmocka_unit_test(parts_that_are_not_there_are_a_conflict),
        cmocka_unit_test(a_visitor_sees_each_part_and_may_refuse),
        cmocka_unit_test(an_empty_part_is_a_part),
        cmocka_unit_test(an_upload_says_what_it_will_be_and_which_parts_it_has),
        cmocka_unit_test(after_an_abort_there_is_no_upload),
        cmocka_unit_test(a_part_can_be_a_range_of_an_object),
        cmocka_unit_test(the_whole_of_an_object_keeps_its_etag),
        cmocka_unit_test(tags_travel_with_a_copy_unless_replaced),
        cmocka_unit_test(what_is_too_much_is_refused),
    };
    return cmocka_run_group_tests_name("upload_calls", tests, NULL, NULL);
}
