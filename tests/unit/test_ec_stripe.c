/*
 * ec_stripe: the arithmetic agrees, byte for byte, with a model that lays a sealed stream into
 * cells one byte at a time, for every k and for lengths around every edge.
 */
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"

/* ---- the model ---- */

/* Where the next sealed byte goes. */
struct model {
    unsigned data_count;
    size_t left; /* sealed bytes not yet laid down */
    unsigned stripe, slot;
    size_t offset;
    size_t cell_size; /* of this stripe */
};

/* The smallest cell that will do, found by trying. */
static void model_begin_stripe(struct model *model)
{
    size_t size = 0;
    while (size < 65552 && size * model->data_count < model->left) {
        size = size + 64 < 65552 ? size + 64 : 65552;
    }
    model->cell_size = size;
    model->slot = 0;
    model->offset = 0;
}

static void model_init(struct model *model, unsigned data_count, size_t sealed_size)
{
    *model = (struct model){.data_count = data_count, .left = sealed_size};
    model_begin_stripe(model);
}

static void model_lay_byte(struct model *model)
{
    model->left--;
    model->offset++;
    if (model->offset == model->cell_size) {
        model->offset = 0;
        model->slot++;
    }
    if (model->slot == model->data_count && model->left > 0) {
        model->stripe++;
        model_begin_stripe(model);
    }
}

static size_t model_sealed_size(size_t plain_size)
{
    size_t sealed = 0;
    while (plain_size > 0) {
        size_t unit = plain_size < 65536 ? plain_size : 65536;
        sealed += unit + 16;
        plain_size -= unit;
    }
    return sealed;
}

/* ---- agreement ---- */

/* Lays one piece of the arithmetic into the model; each byte must go where the piece says. */
static void check_piece(
    struct model *model, const struct ec_stripes *stripes, struct ec_piece piece, size_t sealed_at)
{
    assert_int_equal(
        ec_stripes_sealed_offset(stripes, piece.stripe, piece.slot, piece.offset), sealed_at);
    assert_int_equal(ec_stripes_stripe_of(stripes, sealed_at), piece.stripe);
    assert_int_equal(ec_stripes_cell_size(stripes, piece.stripe), model->cell_size);
    size_t astray = 0;
    for (size_t i = 0; i < piece.size; i++) {
        astray += model->stripe != piece.stripe || model->slot != piece.slot ||
            model->offset != piece.offset + i;
        model_lay_byte(model);
    }
    assert_int_equal(astray, 0);
}

/* The whole stream in pieces; what is in each stripe's cells, and that shards add up. */
static void check_cells(const struct ec_stripes *stripes)
{
    struct model model;
    model_init(&model, stripes->data_count, stripes->sealed_size);
    struct ec_range left = {0, stripes->sealed_size};
    while (left.size > 0) {
        struct ec_piece piece = ec_stripes_piece(stripes, left);
        assert_in_range(piece.size, 1, left.size);
        assert_int_equal(
            piece.size, ec_stripes_cell_used(stripes, piece.stripe, piece.slot) - piece.offset);
        check_piece(&model, stripes, piece, left.offset);
        left.offset += piece.size;
        left.size -= piece.size;
    }

    size_t shard_size = 0;
    size_t used = 0;
    for (unsigned stripe = 0; stripe < stripes->stripe_count; stripe++) {
        assert_int_equal(
            ec_stripes_tagged_cell_offset(stripes, stripe), shard_size + (size_t)stripe * 16);
        shard_size += ec_stripes_cell_size(stripes, stripe);
        for (unsigned slot = 0; slot < stripes->data_count; slot++) {
            used += ec_stripes_cell_used(stripes, stripe, slot);
        }
    }
    assert_int_equal(used, stripes->sealed_size);
    assert_int_equal(ec_stripes_shard_size(stripes), shard_size);
    assert_int_equal(
        ec_stripes_tagged_shard_size(stripes), shard_size + (size_t)stripes->stripe_count * 16);
}

/* Units follow each other without a gap in the plaintext and in the sealed stream. */
static void check_units(const struct ec_stripes *stripes)
{
    size_t plain_at = 0;
    size_t sealed_at = 0;
    for (unsigned unit = 0; unit < ec_stripes_unit_count(stripes); unit++) {
        struct ec_range plain = ec_stripes_unit_plain(stripes, unit);
        struct ec_range sealed = ec_stripes_unit_sealed(stripes, unit);
        assert_int_equal(plain.offset, plain_at);
        assert_int_equal(sealed.offset, sealed_at);
        assert_in_range(plain.size, 1, 65536);
        assert_int_equal(sealed.size, plain.size + 16);
        plain_at += plain.size;
        sealed_at += sealed.size;
    }
    assert_int_equal(plain_at, stripes->plain_size);
    assert_int_equal(sealed_at, stripes->sealed_size);
}

/* A range needs exactly the units that hold one of its bytes, and the cells that hold theirs. */
static void check_range(const struct ec_stripes *stripes, struct ec_range plain)
{
    struct ec_range sealed = ec_stripes_sealed_range(stripes, plain);
    size_t end = sealed.offset;
    for (unsigned unit = 0; unit < ec_stripes_unit_count(stripes); unit++) {
        struct ec_range covers = ec_stripes_unit_plain(stripes, unit);
        bool is_needed = covers.offset < plain.offset + plain.size &&
            plain.offset < covers.offset + covers.size && plain.size > 0;
        struct ec_range unit_sealed = ec_stripes_unit_sealed(stripes, unit);
        bool is_inside = unit_sealed.offset >= sealed.offset &&
            unit_sealed.offset + unit_sealed.size <= sealed.offset + sealed.size;
        assert_int_equal(is_needed, is_inside);
        end = is_needed ? unit_sealed.offset + unit_sealed.size : end;
    }
    assert_int_equal(end, sealed.offset + sealed.size);

    struct ec_slots expected[4] = {{{0}}};
    assert_in_range(stripes->stripe_count, 0, 4);
    for (struct ec_range left = sealed; left.size > 0;) {
        struct ec_piece piece = ec_stripes_piece(stripes, left);
        ec_slots_add(&expected[piece.stripe], piece.slot);
        left.offset += piece.size;
        left.size -= piece.size;
    }
    for (unsigned stripe = 0; stripe < stripes->stripe_count; stripe++) {
        struct ec_slots slots = ec_stripes_slots_of(stripes, stripe, sealed);
        assert_memory_equal(&slots, &expected[stripe], sizeof(slots));
    }
}

static void check_ranges(const struct ec_stripes *stripes)
{
    size_t size = stripes->plain_size;
    const size_t at[] = {0, 1, size / 3, 65535, 65536, size / 2, size - size / 7, size};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        for (size_t j = 0; j < sizeof(at) / sizeof(at[0]); j++) {
            if (at[i] <= at[j] && at[j] <= size) {
                check_range(stripes, (struct ec_range){at[i], at[j] - at[i]});
            }
        }
    }
}

static void check_size(unsigned data_count, size_t plain_size)
{
    struct hearth_err err;
    struct ec_stripes stripes;
    assert_ok(ec_stripes_init(&stripes, data_count, plain_size, &err), &err);
    assert_int_equal(stripes.sealed_size, model_sealed_size(plain_size));
    check_units(&stripes);
    check_cells(&stripes);
    check_ranges(&stripes);
}

static void cuts_agree_with_the_model_for_small_segments(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= EC_DATA_MAX; k++) {
        const size_t edges[] = {1, 47, 48, 49, 64u * k - 17, 64u * k - 16, 64u * k - 15, 4096,
            65535, 65536, 65537, 65536 + 64u * k};
        for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
            check_size(k, edges[i]);
        }
    }
}

/* Rests that need a cell of more than 65,536 bytes do not get 65,600. */
static void cuts_agree_with_the_model_around_full_stripes(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= EC_DATA_MAX; k++) {
        size_t stripe = (size_t)k * 65536;
        const size_t edges[] = {stripe - 16u * k, stripe - 1, stripe, stripe + 1};
        for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
            check_size(k, edges[i]);
        }
    }
    check_size(4, 3 * 4 * 65536 + 70000);
    check_size(29, 2 * 29 * 65536 - 16 * 29 + 1);
}

static void full_stripes_hold_one_unit_a_cell(void **state)
{
    (void)state;
    struct hearth_err err;
    struct ec_stripes stripes;
    assert_ok(ec_stripes_init(&stripes, 4, EC_SEGMENT_PLAIN_MAX, &err), &err);
    assert_int_equal(stripes.stripe_count, 256);
    assert_int_equal(ec_stripes_tagged_shard_size(&stripes), 256 * (65552 + 16));
    for (unsigned unit = 0; unit < EC_SEGMENT_UNITS_MAX; unit++) {
        struct ec_piece piece = ec_stripes_piece(&stripes, ec_stripes_unit_sealed(&stripes, unit));
        assert_int_equal(piece.stripe, unit / 4);
        assert_int_equal(piece.slot, unit % 4);
        assert_int_equal(piece.offset, 0);
        assert_int_equal(piece.size, 65552);
    }
}

static void an_empty_segment_has_empty_shards(void **state)
{
    (void)state;
    struct hearth_err err;
    struct ec_stripes stripes;
    assert_ok(ec_stripes_init(&stripes, 4, 0, &err), &err);
    assert_int_equal(stripes.sealed_size, 0);
    assert_int_equal(stripes.stripe_count, 0);
    assert_int_equal(ec_stripes_unit_count(&stripes), 0);
    assert_int_equal(ec_stripes_tagged_shard_size(&stripes), 0);
    assert_int_equal(ec_stripes_sealed_range(&stripes, (struct ec_range){0, 0}).size, 0);
}

static void init_refuses_what_no_segment_can_be(void **state)
{
    (void)state;
    struct hearth_err err;
    struct ec_stripes stripes;
    assert_int_equal(ec_stripes_init(&stripes, 0, 1, &err), HEARTH_INVALID);
    assert_int_equal(ec_stripes_init(&stripes, 65, 1, &err), HEARTH_INVALID);
    assert_int_equal(
        ec_stripes_init(&stripes, 4, (uint64_t)EC_SEGMENT_PLAIN_MAX + 1, &err), HEARTH_INVALID);
    assert_int_equal(ec_stripes_init(&stripes, 4, UINT64_MAX, &err), HEARTH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_agree_with_the_model_for_small_segments),
        cmocka_unit_test(cuts_agree_with_the_model_around_full_stripes),
        cmocka_unit_test(full_stripes_hold_one_unit_a_cell),
        cmocka_unit_test(an_empty_segment_has_empty_shards),
        cmocka_unit_test(init_refuses_what_no_segment_can_be),
    };
    return cmocka_run_group_tests_name("ec_stripe", tests, NULL, NULL);
}
