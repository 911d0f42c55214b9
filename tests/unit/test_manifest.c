/*
 * manifest: it comes back as it was, opens only where it belongs, and no bytes whatever make the
 * parser leave its bounds, take much memory, or accept what breaks a rule.
 */
#include "client/manifest.h"
#include "common/codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

#include <stdlib.h>

struct fixture {
    struct test_env env;
    struct arena arena;
    struct bucket_key bucket_key;
    struct manifest_place place;
    struct manifest_checksum checksum;
    struct manifest_pair header;
    struct manifest_pair metadata[2];
    struct manifest_extent extents[2];
    uint8_t sha256[CRYPTO_SHA256_SIZE];
    struct manifest manifest; /* one of everything, but inline bytes */
    struct hearth_err err;
};

static void fill_place(struct fixture *fixture)
{
    bucket_key_draw(&fixture->env.env, 3, &fixture->bucket_key);
    for (unsigned i = 0; i < 16; i++) {
        fixture->place.tenant_id[i] = (uint8_t)(0xa0 + i);
        fixture->place.bucket_id[i] = (uint8_t)(0xb0 + i);
    }
    fixture->place.bucket_key = &fixture->bucket_key;
    fixture->place.key = view_text("photos/a.jpg");
}

static void fill_extent(
    struct manifest_extent *extent, uint8_t number, uint64_t offset, uint64_t length)
{
    memset(extent->segment_id, 0x50 + number, sizeof(extent->segment_id));
    memset(extent->upload_key.bytes, 0x60 + number, sizeof(extent->upload_key.bytes));
    extent->offset = offset;
    extent->length = length;
}

static void fill_manifest(struct fixture *fixture)
{
    struct manifest *manifest = &fixture->manifest;
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    crypto_hash_update(hash, view_text("hearth"));
    crypto_hash_final(hash, manifest->md5);
    crypto_hash_destroy(hash);
    crypto_sha256(view_text("hearth"), fixture->sha256);
    fixture->checksum = (struct manifest_checksum){
        MANIFEST_SHA256, view_of(fixture->sha256, sizeof(fixture->sha256))};
    fixture->header = (struct manifest_pair){view_text("content-type"), view_text("text/plain")};
    fixture->metadata[0] = (struct manifest_pair){view_text("color"), view_text("blue")};
    fixture->metadata[1] = (struct manifest_pair){view_text("empty"), {0}};
    fill_extent(&fixture->extents[0], 1, 0, 200);
    fill_extent(&fixture->extents[1], 2, 65536, 100);

    manifest->size = 300;
    manifest->parts = 2;
    manifest->checksums = &fixture->checksum;
    manifest->checksum_count = 1;
    manifest->headers = &fixture->header;
    manifest->header_count = 1;
    manifest->metadata = fixture->metadata;
    manifest->metadata_count = 2;
    manifest->extents = fixture->extents;
    manifest->extent_count = 2;
}

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    test_env_init(&fixture->env, 1);
    test_env_count_bytes(&fixture->env);
    arena_init(&fixture->arena, 0);
    fill_place(fixture);
    fill_manifest(fixture);
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    free(fixture);
    return 0;
}

static struct view encode(struct fixture *fixture)
{
    struct view plain;
    assert_ok(
        manifest_encode(&fixture->manifest, &fixture->arena, &plain, &fixture->err), &fixture->err);
    return plain;
}

static struct view seal(struct fixture *fixture, uint8_t body_id[BODY_ID_SIZE])
{
    struct view sealed;
    env_random(&fixture->env.env, body_id, BODY_ID_SIZE);
    assert_ok(manifest_seal(&fixture->manifest, &fixture->place, body_id, &fixture->arena, &sealed,
                  &fixture->err),
        &fixture->err);
    return sealed;
}

static void assert_pair(const struct manifest_pair *pair, const char *name, const char *value)
{
    assert_true(view_equal(pair->name, view_text(name)));
    assert_true(view_equal(pair->value, view_text(value)));
}

/* ---- what goes in comes out ---- */

static void bytes_are_the_golden_ones(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body_id[BODY_ID_SIZE];
    test_vector_expect("manifest.txt", "plain", encode(fixture));
    test_vector_expect("manifest.txt", "sealed", seal(fixture, body_id));
}

static void everything_comes_back(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body_id[BODY_ID_SIZE];
    struct view sealed = seal(fixture, body_id);
    struct manifest out;
    assert_ok(manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
        &fixture->err);
    assert_int_equal(out.size, 300);
    assert_int_equal(out.parts, 2);
    assert_memory_equal(out.md5, fixture->manifest.md5, sizeof(out.md5));
    assert_int_equal(out.checksum_count, 1);
    assert_int_equal(out.checksums[0].kind, MANIFEST_SHA256);
    assert_true(view_equal(out.checksums[0].value, fixture->checksum.value));
    assert_int_equal(out.header_count, 1);
    assert_pair(&out.headers[0], "content-type", "text/plain");
    assert_int_equal(out.metadata_count, 2);
    assert_pair(&out.metadata[0], "color", "blue");
    assert_pair(&out.metadata[1], "empty", "");
    assert_int_equal(out.extent_count, 2);
    assert_memory_equal(out.extents, fixture->extents, sizeof(fixture->extents));
    assert_int_equal(out.inline_bytes.size, 0);
}

static void inline_bytes_and_empty_objects_come_back(void **state)
{
    struct fixture *fixture = *state;
    const struct view contents[] = {view_text("small"), {0}};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t body_id[BODY_ID_SIZE];
        struct manifest out;
        fixture->manifest =
            (struct manifest){.size = contents[i].size, .inline_bytes = contents[i]};
        struct view sealed = seal(fixture, body_id);
        assert_ok(
            manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
            &fixture->err);
        assert_true(view_equal(out.inline_bytes, contents[i]));
        assert_int_equal(out.size, contents[i].size);
    }
}

static void the_largest_manifest_fits(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        unsigned count;
        unsigned with_one_key;
    } largest[] = {{MANIFEST_EXTENTS_FIRST_MAX, 1}, {MANIFEST_EXTENTS_MAX, 10}};
    struct manifest_extent *extents = calloc(MANIFEST_EXTENTS_MAX, sizeof(*extents));
    assert_non_null(extents);
    for (unsigned l = 0; l < 2; l++) {
        for (unsigned i = 0; i < largest[l].count; i++) {
            fill_extent(
                &extents[i], (uint8_t)(i / largest[l].with_one_key), 0, EC_SEGMENT_PLAIN_MAX);
        }
        fixture->manifest.extents = extents;
        fixture->manifest.extent_count = largest[l].count;
        fixture->manifest.size = (uint64_t)largest[l].count * EC_SEGMENT_PLAIN_MAX;
        uint8_t body_id[BODY_ID_SIZE];
        struct manifest out;
        struct view sealed = seal(fixture, body_id);
        assert_in_range(sealed.size, 1, MANIFEST_SEALED_MAX);
        assert_ok(
            manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
            &fixture->err);
        assert_memory_equal(out.extents, extents, largest[l].count * sizeof(*extents));
    }
    free(extents);
}

static void make_parts(struct fixture *fixture, const uint64_t sizes[2])
{
    fixture->extents[1].upload_key = fixture->extents[0].upload_key;
    fixture->manifest.part_sizes = sizes;
    fixture->manifest.part_size_count = 2;
}

static void parts_come_back_with_their_sizes(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t sizes[] = {120, 180};
    make_parts(fixture, sizes);
    uint8_t body_id[BODY_ID_SIZE];
    struct manifest out;
    test_vector_expect("manifest.txt", "parts", encode(fixture));
    struct view sealed = seal(fixture, body_id);
    assert_ok(manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
        &fixture->err);
    assert_int_equal(out.part_size_count, 2);
    assert_memory_equal(out.part_sizes, sizes, sizeof(sizes));
    assert_memory_equal(out.extents, fixture->extents, sizeof(fixture->extents));
}

static void make_part_checksums(struct fixture *fixture)
{
    static const uint64_t sizes[] = {120, 180};
    static const uint8_t checksums[] = {1, 2, 3, 4, 5, 6, 7, 8};
    make_parts(fixture, sizes);
    fixture->manifest.part_checksum_kind = MANIFEST_CRC32C;
    fixture->manifest.part_checksum_size = 4;
    fixture->manifest.part_checksums = view_of(checksums, sizeof(checksums));
}

static void parts_come_back_with_their_checksums(void **state)
{
    struct fixture *fixture = *state;
    make_part_checksums(fixture);
    uint8_t body_id[BODY_ID_SIZE];
    struct manifest out;
    test_vector_expect("manifest.txt", "part_checksums", encode(fixture));
    struct view sealed = seal(fixture, body_id);
    assert_ok(manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
        &fixture->err);
    assert_int_equal(out.part_checksum_kind, MANIFEST_CRC32C);
    assert_int_equal(out.part_checksum_size, 4);
    assert_true(view_equal(out.part_checksums, fixture->manifest.part_checksums));
    assert_int_equal(out.part_size_count, 2);
}

static void part_checksums_that_are_not_one_for_each_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct view out;
    make_part_checksums(fixture);
    fixture->manifest.part_checksum_size = 3;
    assert_int_equal(
        manifest_encode(&fixture->manifest, &fixture->arena, &out, &fixture->err), HEARTH_INVALID);
    fixture->manifest.part_checksum_size = 4;
    fixture->manifest.part_checksums.size = 4;
    assert_int_equal(
        manifest_encode(&fixture->manifest, &fixture->arena, &out, &fixture->err), HEARTH_INVALID);
}

static void part_sizes_that_are_not_the_object_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t wrong[][2] = {{120, 179}, {120, 181}, {UINT64_MAX, 301}};
    for (unsigned i = 0; i < 3; i++) {
        struct view out;
        make_parts(fixture, wrong[i]);
        assert_int_equal(manifest_encode(&fixture->manifest, &fixture->arena, &out, &fixture->err),
            HEARTH_INVALID);
    }
}

static void a_part_opens_as_itself_only(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t upload[UPLOAD_ID_SIZE] = {7};
    uint8_t places[2][MANIFEST_PART_PLACE_SIZE];
    manifest_part_place(upload, 1, places[0]);
    manifest_part_place(upload, 2, places[1]);
    fixture->place.part = view_of(places[0], sizeof(places[0]));
    uint8_t body_id[BODY_ID_SIZE];
    struct manifest out;
    struct view sealed = seal(fixture, body_id);
    const struct view others[] = {view_of(places[1], sizeof(places[1])), {0}};
    for (unsigned i = 0; i < 2; i++) {
        fixture->place.part = others[i];
        assert_int_equal(
            manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
            HEARTH_CHECKSUM);
    }
    fixture->place.part = view_of(places[0], sizeof(places[0]));
    assert_ok(manifest_open(sealed, &fixture->place, body_id, &fixture->arena, &out, &fixture->err),
        &fixture->err);
}

static void sealing_again_draws_another_body_id(void **state)
{
    struct fixture *fixture = *state;
    uint8_t first[BODY_ID_SIZE], second[BODY_ID_SIZE];
    test_env_init(&fixture->env, 5);
    struct view a = seal(fixture, first);
    struct view b = seal(fixture, second);
    assert_memory_not_equal(first, second, BODY_ID_SIZE);
    assert_memory_not_equal(a.bytes + 1, b.bytes + 1, 42);
}

/* ---- it opens only where it belongs ---- */

static enum hearth_code open_at(struct fixture *fixture, struct view sealed,
    const struct manifest_place *place, const uint8_t body_id[BODY_ID_SIZE])
{
    struct manifest out;
    return manifest_open(sealed, place, body_id, &fixture->arena, &out, &fixture->err);
}

static void another_place_does_not_open_it(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body_id[BODY_ID_SIZE];
    struct view sealed = seal(fixture, body_id);
    struct manifest_place place = fixture->place;
    place.tenant_id[0] ^= 1;
    assert_int_equal(open_at(fixture, sealed, &place, body_id), HEARTH_CHECKSUM);

    place = fixture->place;
    place.bucket_id[15] ^= 1;
    assert_int_equal(open_at(fixture, sealed, &place, body_id), HEARTH_CHECKSUM);

    struct bucket_key other = fixture->bucket_key;
    place = fixture->place;
    place.bucket_key = &other;
    other.version++;
    assert_int_equal(open_at(fixture, sealed, &place, body_id), HEARTH_CHECKSUM);
    other.version--;
    other.bytes[0] ^= 1;
    assert_int_equal(open_at(fixture, sealed, &place, body_id), HEARTH_CHECKSUM);

    place = fixture->place;
    place.key = view_text("photos/a.jp");
    assert_int_equal(open_at(fixture, sealed, &place, body_id), HEARTH_CHECKSUM);

    body_id[0] ^= 1;
    assert_int_equal(open_at(fixture, sealed, &fixture->place, body_id), HEARTH_CHECKSUM);
}

static void every_flipped_bit_and_cut_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body_id[BODY_ID_SIZE];
    struct view sealed = seal(fixture, body_id);
    uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.bytes;
    for (size_t bit = 0; bit < 8 * sealed.size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(open_at(fixture, sealed, &fixture->place, body_id),
            bit < 8 ? HEARTH_UNKNOWN_FORMAT : HEARTH_CHECKSUM);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sealed.size; size++) {
        assert_int_equal(open_at(fixture, view_of(sealed.bytes, size), &fixture->place, body_id),
            HEARTH_CHECKSUM);
    }
}

/* ---- the parser ---- */

static enum hearth_code decode(struct fixture *fixture, struct view plain)
{
    struct manifest out;
    return manifest_decode(plain, &fixture->arena, &out, &fixture->err);
}

static void refuse_cuts_and_excess(struct fixture *fixture)
{
    struct view plain = encode(fixture);
    for (size_t size = 0; size < plain.size; size++) {
        assert_int_equal(decode(fixture, view_of(plain.bytes, size)), HEARTH_CHECKSUM);
    }
    uint8_t *longer = arena_take(&fixture->arena, plain.size + 1);
    memcpy(longer, plain.bytes, plain.size);
    assert_int_equal(decode(fixture, view_of(longer, plain.size + 1)), HEARTH_CHECKSUM);
    assert_ok(decode(fixture, view_of(longer, plain.size)), &fixture->err);
}

static void every_cut_and_any_excess_is_refused(void **state)
{
    struct fixture *fixture = *state;
    refuse_cuts_and_excess(fixture);
    make_part_checksums(fixture);
    refuse_cuts_and_excess(fixture);
}

/* There is one way to write a manifest, so that nobody can say the same in two. */
static void what_is_written_in_another_way_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t sizes[] = {120, 180};
    const struct upload_key *keys[] = {
        &fixture->extents[0].upload_key, &fixture->extents[1].upload_key};
    fixture->manifest.part_sizes = sizes;
    fixture->manifest.part_size_count = 2;
    struct view plain = encode(fixture);
    void *second = memmem(plain.bytes, plain.size, keys[1]->bytes, sizeof(keys[1]->bytes));
    assert_non_null(second);
    memcpy(second, keys[0]->bytes, sizeof(keys[0]->bytes)); /* two runs of one key */
    assert_int_equal(decode(fixture, plain), HEARTH_CHECKSUM);

    static const uint8_t empty_in_the_second_format[50] = {2};
    assert_int_equal(decode(fixture, view_of(empty_in_the_second_format, 50)), HEARTH_CHECKSUM);
}

static void an_unknown_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct view plain = encode(fixture);
    *(uint8_t *)(uintptr_t)plain.bytes = 4;
    assert_int_equal(decode(fixture, plain), HEARTH_UNKNOWN_FORMAT);
    assert_string_equal(fixture->err.message, "manifest of format 4; this program reads up to 3");
}

static void a_count_that_lies_takes_no_memory(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[64];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_u8(&writer, 1);
    writer_bytes(&writer, (uint8_t[28]){0}, 28);
    writer_u8(&writer, 0);
    writer_u16(&writer, 0);
    writer_u16(&writer, 0);
    writer_u32(&writer, UINT32_MAX); /* extents that are not there */
    writer_u32(&writer, 0);
    assert_false(writer.failed);
    struct arena arena;
    struct manifest out;
    arena_init(&arena, 0);
    assert_int_equal(
        manifest_decode(view_of(bytes, writer.size), &arena, &out, &fixture->err), HEARTH_CHECKSUM);
    assert_int_equal(arena.bytes_total, 0);
    arena_fini(&arena);
}

/* ---- the rules ---- */

/* The same rule stops the one who writes; what he must not write is refused by who reads. */
static void assert_invalid(struct fixture *fixture, const char *message)
{
    struct view plain;
    assert_int_equal(manifest_encode(&fixture->manifest, &fixture->arena, &plain, &fixture->err),
        HEARTH_INVALID);
    assert_string_equal(fixture->err.message, message);
}

static void what_is_too_large_is_named(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t zeros[MANIFEST_INLINE_MAX + 1];
    const struct manifest whole = fixture->manifest;

    fixture->manifest.checksum_count = 9;
    assert_invalid(fixture, "manifest: more than 8 checksums, or one of more than 64 bytes");
    fixture->manifest.checksum_count = 1;
    fixture->checksum.value = view_of(zeros, 65);
    assert_invalid(fixture, "manifest: more than 8 checksums, or one of more than 64 bytes");
    fixture->checksum.value = view_of(zeros, 64);

    fixture->header.value = view_of(zeros, 8192 - 11);
    assert_invalid(fixture, "manifest: more than 32 headers or 8,192 bytes of them");
    fixture->header.value = view_of(zeros, 8192 - 12);
    fixture->metadata[1].value = view_of(zeros, 2048 - 13);
    assert_invalid(fixture, "manifest: more than 2,048 bytes of metadata");
    fixture->metadata[1].value = view_of(zeros, 2048 - 14);
    encode(fixture);

    fixture->header.name = (struct view){0};
    assert_invalid(fixture, "manifest: a header or metadata without a name");

    fixture->manifest =
        (struct manifest){.size = sizeof(zeros), .inline_bytes = view_of(zeros, sizeof(zeros))};
    assert_invalid(fixture, "manifest: more than 64 KiB of inline bytes, or some beside extents");
    fixture->manifest = whole;
    fixture->header.name = view_text("a");
    fixture->manifest.inline_bytes = view_of(zeros, 1);
    assert_invalid(fixture, "manifest: more than 64 KiB of inline bytes, or some beside extents");
}

static void extents_must_lie_in_segments_and_add_up(void **state)
{
    struct fixture *fixture = *state;
    const char *outside = "manifest: an extent lies outside its segment";
    fixture->manifest.size = 301;
    assert_invalid(fixture, "manifest: its parts are not its size");
    fixture->manifest.size = 200;
    fixture->extents[1].length = 0;
    assert_invalid(fixture, outside);
    fixture->extents[1].length = UINT64_MAX;
    assert_invalid(fixture, outside);
    fixture->extents[1].length = 1;
    fixture->extents[1].offset = EC_SEGMENT_PLAIN_MAX;
    assert_invalid(fixture, outside);
    fixture->manifest.size = 201;
    fixture->extents[1].offset = EC_SEGMENT_PLAIN_MAX - 1;
    encode(fixture);
}

/* Each field of the encoded manifest is overwritten with each of a few unpleasant values. */
static void a_reader_refuses_or_accepts_any_change_without_harm(void **state)
{
    struct fixture *fixture = *state;
    struct view plain = encode(fixture);
    uint8_t *bytes = (uint8_t *)(uintptr_t)plain.bytes;
    const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < plain.size; at++) {
        uint8_t before = bytes[at];
        for (size_t i = 0; i < sizeof(values); i++) {
            bytes[at] = values[i];
            enum hearth_code code = decode(fixture, plain);
            assert_true(code == HEARTH_OK || code == HEARTH_CHECKSUM ||
                (code == HEARTH_UNKNOWN_FORMAT && at == 0));
        }
        bytes[at] = before;
    }
}

static void keys_longer_than_s3_allows_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t key[MANIFEST_KEY_MAX + 1];
    uint8_t body_id[BODY_ID_SIZE] = {1};
    struct view sealed;
    fixture->place.key = view_of(key, sizeof(key));
    assert_int_equal(manifest_seal(&fixture->manifest, &fixture->place, body_id, &fixture->arena,
                         &sealed, &fixture->err),
        HEARTH_INVALID);
    fixture->place.key = view_of(key, sizeof(key) - 1);
    sealed = seal(fixture, body_id);
    assert_ok(open_at(fixture, sealed, &fixture->place, body_id), &fixture->err);
}

/* ---- against the coordinator's rows ---- */

static void rows_that_differ_from_the_manifest_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct manifest *manifest = &fixture->manifest;
    struct hearth_err *err = &fixture->err;
    struct wire_extent rows[2];
    for (unsigned i = 0; i < 2; i++) {
        rows[i] = (struct wire_extent){view_of(fixture->extents[i].segment_id, SEGMENT_ID_SIZE),
            fixture->extents[i].offset, fixture->extents[i].length};
    }
    assert_ok(manifest_compare(manifest, 300, 0, rows, 2, err), err);
    assert_ok(manifest_compare(manifest, 300, 1, rows + 1, 1, err), err);
    assert_ok(manifest_compare(manifest, 300, 2, rows, 0, err), err);

    assert_int_equal(manifest_compare(manifest, 299, 0, rows, 2, err), HEARTH_CHECKSUM);
    assert_int_equal(manifest_compare(manifest, 300, 1, rows, 1, err), HEARTH_CHECKSUM);
    assert_int_equal(manifest_compare(manifest, 300, 1, rows, 2, err), HEARTH_CHECKSUM);
    assert_int_equal(manifest_compare(manifest, 300, UINT64_MAX, rows, 2, err), HEARTH_CHECKSUM);
    rows[1].offset++;
    assert_int_equal(manifest_compare(manifest, 300, 0, rows, 2, err), HEARTH_CHECKSUM);
    rows[1].offset--;
    rows[1].length--;
    assert_int_equal(manifest_compare(manifest, 300, 0, rows, 2, err), HEARTH_CHECKSUM);
    rows[1].length++;
    rows[1].segment_id = rows[0].segment_id;
    assert_int_equal(manifest_compare(manifest, 300, 0, rows, 2, err), HEARTH_CHECKSUM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        CASE(bytes_are_the_golden_ones),
        CASE(everything_comes_back),
        CASE(inline_bytes_and_empty_objects_come_back),
        CASE(the_largest_manifest_fits),
        CASE(parts_come_back_with_their_sizes),
        CASE(parts_come_back_with_their_checksums),
        CASE(part_checksums_that_are_not_one_for_each_are_refused),
        CASE(part_sizes_that_are_not_the_object_are_refused),
        CASE(what_is_written_in_another_way_is_refused),
        CASE(a_part_opens_as_itself_only),
        CASE(sealing_again_draws_another_body_id),
        CASE(another_place_does_not_open_it),
        CASE(every_flipped_bit_and_cut_is_refused),
        CASE(every_cut_and_any_excess_is_refused),
        CASE(an_unknown_version_is_refused),
        CASE(a_count_that_lies_takes_no_memory),
        CASE(what_is_too_large_is_named),
        CASE(extents_must_lie_in_segments_and_add_up),
        CASE(a_reader_refuses_or_accepts_any_change_without_harm),
        CASE(keys_longer_than_s3_allows_are_refused),
        CASE(rows_that_differ_from_the_manifest_are_refused),
#undef CASE
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
