/*
 * segment_image: what lies in the cells is what the format says, for every size around an edge, and
 * any slot can be made again.  The cells are read back with the reading side's own pieces.
 */
#include "client/segment_image.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <string.h>

enum { UNIT = EC_UNIT_PLAIN_SIZE, PLAIN_MAX = 12 * UNIT, CELLS_MAX = 8 * 16 };

struct fixture {
    struct test_env env;
    struct cell_pool pool;
    struct upload_key upload_key;
    struct verify_key verify_key;
    struct seal_writer *seal;
    struct segment_image *image;
    unsigned k;
    unsigned n;
};

static void fixture_init(struct fixture *at, unsigned k, unsigned n, bool keeps_data)
{
    test_env_init(&at->env, 3);
    cell_pool_init(&at->pool, 1 << 20);
    upload_key_draw(&at->env.env, &at->upload_key);
    env_random(&at->env.env, at->verify_key.bytes, sizeof(at->verify_key.bytes));
    at->seal = seal_writer_create(&at->env.env, &at->upload_key);
    at->k = k;
    at->n = n;
    const struct segment_image_options options = {
        .data_count = k,
        .slot_count = n,
        .pool = &at->pool,
        .seal = at->seal,
        .verify_key = &at->verify_key,
        .plain_max = PLAIN_MAX,
        .keeps_data = keeps_data,
    };
    struct hearth_err err;
    assert_ok(segment_image_create(&options, &at->image, &err), &err);
}

static void fixture_fini(struct fixture *at)
{
    segment_image_destroy(at->image);
    seal_writer_destroy(at->seal);
    cell_pool_fini(&at->pool);
}

static uint8_t plain_byte(size_t offset)
{
    return (uint8_t)((offset * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

static void fill(struct fixture *at, size_t size)
{
    struct hearth_err err;
    for (size_t done = 0; done < size;) {
        size_t part = size - done < UNIT ? size - done : UNIT;
        uint8_t *unit = segment_image_unit(at->image);
        for (size_t i = 0; i < part; i++) {
            unit[i] = plain_byte(done + i);
        }
        assert_ok(segment_image_seal(at->image, part, &err), &err);
        done += part;
    }
    assert_ok(segment_image_end(at->image, &err), &err);
    assert_int_equal(segment_image_plain_size(at->image), size);
}

/* Every cell has the length of the format and a tag that fits. */
static void check_tags(struct fixture *at, const struct ec_stripes *shape)
{
    struct shard_tagger *tagger = shard_tagger_create(&at->verify_key);
    for (unsigned stripe = 0; stripe < shape->stripe_count; stripe++) {
        for (unsigned slot = 0; slot < at->n; slot++) {
            struct slice cell = segment_image_cell(at->image, stripe, slot);
            size_t size = ec_stripes_cell_size(shape, stripe);
            assert_int_equal(cell.view.size, size + EC_CELL_TAG_SIZE);
            assert_true(shard_tag_fits(
                tagger, slot, stripe, view_of(cell.view.bytes, size), cell.view.bytes + size));
            buf_unref(cell.owner);
        }
    }
    shard_tagger_destroy(tagger);
}

/* The sealed stream, put together from the data cells by the format's own arithmetic. */
static void gather(struct fixture *at, const struct ec_stripes *shape, uint8_t *sealed)
{
    struct ec_range left = {0, shape->sealed_size};
    while (left.size > 0) {
        struct ec_piece piece = ec_stripes_piece(shape, left);
        struct slice cell = segment_image_cell(at->image, piece.stripe, piece.slot);
        memcpy(sealed + left.offset, cell.view.bytes + piece.offset, piece.size);
        buf_unref(cell.owner);
        left.offset += piece.size;
        left.size -= piece.size;
    }
}

static void check_plain(struct fixture *at, const struct ec_stripes *shape)
{
    uint8_t *sealed = malloc(shape->sealed_size + 1);
    uint8_t *plain = malloc(UNIT);
    assert_non_null(sealed);
    assert_non_null(plain);
    gather(at, shape, sealed);
    struct seal_reader *reader =
        seal_reader_create(&at->upload_key, seal_writer_segment_id(at->seal));
    for (unsigned unit = 0; unit < ec_stripes_unit_count(shape); unit++) {
        struct ec_range from = ec_stripes_unit_sealed(shape, unit);
        struct ec_range to = ec_stripes_unit_plain(shape, unit);
        struct hearth_err err;
        assert_ok(
            seal_reader_open(reader, unit, view_of(sealed + from.offset, from.size), plain, &err),
            &err);
        for (size_t i = 0; i < to.size; i++) {
            assert_int_equal(plain[i], plain_byte(to.offset + i));
        }
    }
    seal_reader_destroy(reader);
    free(plain);
    free(sealed);
}

/* The first k slots, from the last k. */
static void check_code(struct fixture *at, const struct ec_stripes *shape, unsigned stripe)
{
    struct hearth_err err;
    struct ec_codec *codec;
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, at->k, at->n, &codec, &err), &err);
    struct slice held[EC_SLOTS_MAX];
    uint8_t *cells[EC_SLOTS_MAX];
    struct ec_slots have = {{0}};
    struct ec_slots wanted = {{0}};
    for (unsigned slot = 0; slot < at->n; slot++) {
        held[slot] = segment_image_cell(at->image, stripe, slot);
        if (slot >= at->n - at->k) {
            ec_slots_add(&have, slot);
            cells[slot] = (uint8_t *)held[slot].view.bytes;
        } else {
            ec_slots_add(&wanted, slot);
            cells[slot] = malloc(EC_CELL_SIZE_MAX);
        }
    }
    size_t size = ec_stripes_cell_size(shape, stripe);
    assert_ok(ec_codec_rebuild(codec, size, cells, have, wanted, &err), &err);
    for (unsigned slot = 0; slot < at->n; slot++) {
        assert_memory_equal(cells[slot], held[slot].view.bytes, size);
        buf_unref(held[slot].owner);
        if (ec_slots_has(wanted, slot)) {
            free(cells[slot]);
        }
    }
    ec_codec_destroy(codec);
}

static void check_size(unsigned k, unsigned n, size_t size)
{
    struct fixture at;
    fixture_init(&at, k, n, true);
    fill(&at, size);
    struct ec_stripes shape;
    struct hearth_err err;
    assert_ok(ec_stripes_init(&shape, k, size, &err), &err);
    assert_int_equal(segment_image_stripes(at.image), shape.stripe_count);
    check_tags(&at, &shape);
    check_plain(&at, &shape);
    check_code(&at, &shape, shape.stripe_count - 1);
    fixture_fini(&at);
}

static void cells_are_what_the_format_says(void **state)
{
    (void)state;
    const size_t sizes[] = {1, UNIT - 1, UNIT, UNIT + 1, 3 * UNIT, 4 * UNIT - 1, 4 * UNIT,
        4 * UNIT + 1, 5 * UNIT + 7, 8 * UNIT, PLAIN_MAX - 1, PLAIN_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_size(4, 8, sizes[i]);
        check_size(5, 7, sizes[i]);
        check_size(1, 2, sizes[i]);
    }
}

/* All cells of all slots, before and after their parity was dropped. */
static void a_slot_can_be_made_again_from_the_beginning(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at, 4, 8, true);
    fill(&at, 9 * UNIT + 100);
    unsigned stripes = segment_image_stripes(at.image);
    struct slice first[CELLS_MAX];
    for (unsigned i = 0; i < stripes * at.n; i++) {
        first[i] = segment_image_cell(at.image, i / at.n, i % at.n);
    }
    size_t before = segment_image_bytes(at.image);
    segment_image_release(at.image, stripes);
    assert_true(segment_image_bytes(at.image) == before / 2);
    assert_true(segment_image_is_whole(at.image));
    for (unsigned i = 0; i < stripes * at.n; i++) {
        struct slice again = segment_image_cell(at.image, i / at.n, i % at.n);
        assert_true(view_equal(again.view, first[i].view));
        buf_unref(again.owner);
        buf_unref(first[i].owner);
    }
    fixture_fini(&at);
}

static void what_is_not_kept_is_gone_when_released(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at, 4, 8, false);
    fill(&at, 8 * UNIT);
    assert_true(segment_image_is_whole(at.image));
    segment_image_release(at.image, 1);
    assert_false(segment_image_is_whole(at.image));
    assert_int_equal(segment_image_bytes(at.image), segment_image_stripe_bytes(8));
    segment_image_release(at.image, 2);
    assert_int_equal(segment_image_bytes(at.image), 0);
    fixture_fini(&at);
}

/* The network may still read a stripe that was released: its memory is not used again meanwhile. */
static void memory_in_use_elsewhere_is_not_used_again(void **state)
{
    (void)state;
    struct cell_pool pool;
    cell_pool_init(&pool, 1000);
    struct buf *held = cell_pool_take(&pool, 100);
    const struct slice elsewhere = slice_of(held, 0, 100);
    cell_pool_give(&pool, held);
    struct buf *other = cell_pool_take(&pool, 100);
    assert_ptr_not_equal(other, held);
    cell_pool_give(&pool, other);
    buf_unref(elsewhere.owner);
    struct buf *one = cell_pool_take(&pool, 100);
    struct buf *two = cell_pool_take(&pool, 100);
    assert_true((one == held && two == other) || (one == other && two == held));
    struct buf *odd = cell_pool_take(&pool, 99);
    cell_pool_give(&pool, one);
    cell_pool_give(&pool, two);
    cell_pool_give(&pool, odd);
    assert_int_equal(pool.bytes, 299);
    cell_pool_fini(&pool);
}

static void what_waits_makes_room_for_what_is_taken(void **state)
{
    (void)state;
    struct cell_pool pool;
    cell_pool_init(&pool, 1000);
    struct buf *small[8];
    for (unsigned i = 0; i < 8; i++) {
        small[i] = cell_pool_take(&pool, 100);
    }
    for (unsigned i = 0; i < 8; i++) {
        cell_pool_give(&pool, small[i]);
    }
    assert_int_equal(pool.bytes, 800);
    struct buf *large = cell_pool_take(&pool, 750);
    assert_int_equal(pool.bytes, 200);
    struct buf *more = cell_pool_take(&pool, 600); /* it is needed; nothing is left to let go */
    assert_int_equal(pool.bytes, 0);
    cell_pool_give(&pool, large);
    assert_int_equal(pool.bytes, 0); /* with what is out it would be too much */
    cell_pool_give(&pool, more);
    assert_int_equal(pool.bytes, 600);
    cell_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_what_the_format_says),
        cmocka_unit_test(a_slot_can_be_made_again_from_the_beginning),
        cmocka_unit_test(what_is_not_kept_is_gone_when_released),
        cmocka_unit_test(memory_in_use_elsewhere_is_not_used_again),
        cmocka_unit_test(what_waits_makes_room_for_what_is_taken),
    };
    return cmocka_run_group_tests_name("segment_image", tests, NULL, NULL);
}
