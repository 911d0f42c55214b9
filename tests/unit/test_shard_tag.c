/*
 * shard_tag: a tag fits its cell at its place and no other; tags and the cells of a stripe are
 * the golden bytes, and a rebuilt cell has the tag of the one that was lost.
 */
#include "client/seal.h"
#include "client/shard_tag.h"
#include "erasure/ec_codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

#include <stdlib.h>

enum { K = 4, N = 8, PLAIN_SIZE = 200, CELL_SIZE = 64 };

/* A sealed segment of one small stripe, coded and tagged. */
struct stripe {
    struct ec_codec *codec;
    struct shard_tagger *tagger;
    uint8_t cells[N][CELL_SIZE + CRYPTO_TAG_SIZE]; /* cell, then tag, as on the wire */
    uint8_t *cell[N];
};

static void seal_into_cells(struct stripe *stripe, struct env *env)
{
    uint8_t sealed[PLAIN_SIZE + EC_UNIT_TAG_SIZE];
    for (size_t i = 0; i < PLAIN_SIZE; i++) {
        sealed[i] = (uint8_t)i;
    }
    struct upload_key key;
    upload_key_draw(env, &key);
    struct seal_writer *writer = seal_writer_create(env, &key);
    seal_writer_next(writer, view_of(sealed, PLAIN_SIZE), sealed);
    seal_writer_destroy(writer);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        stripe->cells[i / CELL_SIZE][i % CELL_SIZE] = sealed[i];
    }
}

static int stripe_setup(void **state)
{
    struct stripe *stripe = calloc(1, sizeof(*stripe));
    struct hearth_err err;
    struct test_env env;
    test_env_init(&env, 1);
    test_env_count_bytes(&env);
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, K, N, &stripe->codec, &err), &err);
    struct ec_stripes stripes;
    assert_ok(ec_stripes_init(&stripes, K, PLAIN_SIZE, &err), &err);
    assert_int_equal(ec_stripes_cell_size(&stripes, 0), CELL_SIZE);

    seal_into_cells(stripe, &env.env);
    struct verify_key key;
    env_random(&env.env, key.bytes, sizeof(key.bytes));
    stripe->tagger = shard_tagger_create(&key);
    for (unsigned slot = 0; slot < N; slot++) {
        stripe->cell[slot] = stripe->cells[slot];
    }
    ec_codec_encode(stripe->codec, CELL_SIZE, stripe->cell);
    for (unsigned slot = 0; slot < N; slot++) {
        shard_tag_make(stripe->tagger, slot, 0, view_of(stripe->cell[slot], CELL_SIZE),
            stripe->cell[slot] + CELL_SIZE);
    }
    *state = stripe;
    return 0;
}

static int stripe_teardown(void **state)
{
    struct stripe *stripe = *state;
    ec_codec_destroy(stripe->codec);
    shard_tagger_destroy(stripe->tagger);
    free(stripe);
    return 0;
}

static bool fits(struct stripe *stripe, unsigned cell, unsigned slot, uint64_t at)
{
    return shard_tag_fits(stripe->tagger, slot, at, view_of(stripe->cell[cell], CELL_SIZE),
        stripe->cell[cell] + CELL_SIZE);
}

static void cells_and_tags_are_the_golden_bytes(void **state)
{
    struct stripe *stripe = *state;
    for (unsigned slot = 0; slot < N; slot++) {
        char name[] = "slot_0";
        name[5] = (char)('0' + slot);
        test_vector_expect(
            "stripe.txt", name, view_of(stripe->cells[slot], sizeof(stripe->cells[slot])));
    }
    uint8_t tag[CRYPTO_TAG_SIZE];
    shard_tag_make(stripe->tagger, 127, 0x0102030405060708, view_text("cell"), tag);
    test_vector_expect("stripe.txt", "tag_of_far_place", view_of(tag, sizeof(tag)));
}

static void a_tag_fits_its_own_place_only(void **state)
{
    struct stripe *stripe = *state;
    for (unsigned cell = 0; cell < N; cell++) {
        for (unsigned slot = 0; slot < N; slot++) {
            assert_int_equal(fits(stripe, cell, slot, 0), cell == slot);
            assert_false(fits(stripe, cell, slot, 1));
            assert_false(fits(stripe, cell, slot, UINT64_C(1) << 32));
        }
    }
}

static void every_flipped_bit_shows(void **state)
{
    struct stripe *stripe = *state;
    for (size_t bit = 0; bit < 8 * sizeof(stripe->cells[3]); bit++) {
        stripe->cells[3][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(fits(stripe, 3, 3, 0));
        stripe->cells[3][bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(fits(stripe, 3, 3, 0));
}

static void a_tag_under_another_key_does_not_fit(void **state)
{
    struct stripe *stripe = *state;
    const struct verify_key other = {{1}};
    struct shard_tagger *tagger = shard_tagger_create(&other);
    assert_false(shard_tag_fits(
        tagger, 0, 0, view_of(stripe->cell[0], CELL_SIZE), stripe->cell[0] + CELL_SIZE));
    shard_tagger_destroy(tagger);
}

static void a_rebuilt_cell_has_the_same_tag(void **state)
{
    struct stripe *stripe = *state;
    struct hearth_err err;
    const struct ec_slots have = {{0xd8, 0}};   /* 3 4 6 7 */
    const struct ec_slots wanted = {{0x27, 0}}; /* 0 1 2 5 */
    for (unsigned slot = ec_slots_next(wanted, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(wanted, slot + 1)) {
        memset(stripe->cell[slot], 0, CELL_SIZE);
    }
    assert_ok(ec_codec_rebuild(stripe->codec, CELL_SIZE, stripe->cell, have, wanted, &err), &err);
    for (unsigned slot = 0; slot < N; slot++) {
        assert_true(fits(stripe, slot, slot, 0));
    }
}

#define WITH_STRIPE(test) cmocka_unit_test_setup_teardown(test, stripe_setup, stripe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STRIPE(cells_and_tags_are_the_golden_bytes),
        WITH_STRIPE(a_tag_fits_its_own_place_only),
        WITH_STRIPE(every_flipped_bit_shows),
        WITH_STRIPE(a_tag_under_another_key_does_not_fit),
        WITH_STRIPE(a_rebuilt_cell_has_the_same_tag),
    };
    return cmocka_run_group_tests_name("shard_tag", tests, NULL, NULL);
}
