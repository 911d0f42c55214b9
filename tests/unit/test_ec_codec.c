/*
 * ec_codec: what is encoded comes back, for every way of losing cells.
 * Small codes lose cells in every way there is; wide ones in ways drawn from a printed seed.
 */
#include "erasure/ec_codec.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 208 }; /* vectors of each width, then a tail: a multiple of 16 as real cells */

struct stripe {
    struct ec_codec *codec;
    unsigned k, n;
    uint8_t bytes[EC_SLOTS_MAX][CELL_SIZE];
    uint8_t *cells[EC_SLOTS_MAX];
};

static void stripe_init(struct stripe *stripe, unsigned k, unsigned n)
{
    struct hearth_err err;
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, k, n, &stripe->codec, &err), &err);
    stripe->k = k;
    stripe->n = n;
    for (unsigned slot = 0; slot < n; slot++) {
        stripe->cells[slot] = stripe->bytes[slot];
        for (unsigned at = 0; at < CELL_SIZE; at++) {
            stripe->bytes[slot][at] = (uint8_t)(slot * 31 + at * at * 7 + at);
        }
    }
    ec_codec_encode(stripe->codec, CELL_SIZE, stripe->cells);
}

/* A copy of `whole` in which the slots outside `have` hold nothing of use. */
static void stripe_hurt(struct stripe *hurt, const struct stripe *whole, struct ec_slots have)
{
    for (unsigned slot = 0; slot < whole->n; slot++) {
        hurt->cells[slot] = hurt->bytes[slot];
        if (ec_slots_has(have, slot)) {
            memcpy(hurt->bytes[slot], whole->bytes[slot], CELL_SIZE);
        } else {
            memset(hurt->bytes[slot], 0xee, CELL_SIZE);
        }
    }
}

/* The wanted cells are rebuilt, those neither there nor wanted are left alone. */
static void assert_rebuilds(
    const struct stripe *whole, struct ec_slots have, struct ec_slots wanted)
{
    struct stripe hurt;
    struct hearth_err err;
    stripe_hurt(&hurt, whole, have);
    for (unsigned slot = 0; slot < whole->n; slot++) {
        if (!ec_slots_has(have, slot) && !ec_slots_has(wanted, slot)) {
            hurt.cells[slot] = NULL;
        }
    }
    assert_ok(ec_codec_rebuild(whole->codec, CELL_SIZE, hurt.cells, have, wanted, &err), &err);
    for (unsigned slot = 0; slot < whole->n; slot++) {
        if (hurt.cells[slot] != NULL) {
            assert_memory_equal(hurt.bytes[slot], whole->bytes[slot], CELL_SIZE);
        }
    }
}

static void assert_refuses(const struct stripe *whole, struct ec_slots have)
{
    struct stripe hurt, before;
    struct hearth_err err;
    struct ec_slots missing = ec_slots_minus(ec_slots_first(whole->n), have);
    stripe_hurt(&hurt, whole, have);
    stripe_hurt(&before, whole, have);
    assert_int_equal(ec_codec_rebuild(whole->codec, CELL_SIZE, hurt.cells, have, missing, &err),
        HEARTH_SHARDS_LOST);
    assert_memory_equal(hurt.bytes, before.bytes, whole->n * sizeof(hurt.bytes[0]));
}

static void lose_in_every_way(unsigned k, unsigned n)
{
    struct stripe whole;
    stripe_init(&whole, k, n);
    for (uint64_t bits = 0; bits < UINT64_C(1) << n; bits++) {
        struct ec_slots have = {{bits, 0}};
        struct ec_slots missing = ec_slots_minus(ec_slots_first(n), have);
        if (ec_slots_count(have) < k) {
            assert_refuses(&whole, have);
        } else {
            assert_rebuilds(&whole, have, missing);
        }
    }
    ec_codec_destroy(whole.codec);
}

static void rebuild_restores_every_survivable_loss_of_small_codes(void **state)
{
    (void)state;
    lose_in_every_way(1, 2);
    lose_in_every_way(1, 4);
    lose_in_every_way(2, 3);
    lose_in_every_way(4, 6);
    lose_in_every_way(4, 8);
    lose_in_every_way(5, 12); /* ISA-L's Vandermonde matrix fails from n = 11 on */
    lose_in_every_way(6, 12);
    lose_in_every_way(10, 11);
}

static void rebuild_writes_only_what_is_wanted(void **state)
{
    (void)state;
    struct stripe whole;
    stripe_init(&whole, 4, 8);
    const struct ec_slots have = {{0xc6, 0}}; /* slots 1 2 6 7 */
    for (uint64_t bits = 0; bits < 256; bits++) {
        assert_rebuilds(&whole, have, ec_slots_minus((struct ec_slots){{bits, 0}}, have));
    }
    ec_codec_destroy(whole.codec);
}

/* `count` of the first n slots, each choice as likely. */
static struct ec_slots draw_slots(struct env *env, unsigned n, unsigned count)
{
    struct ec_slots drawn = {{0}};
    while (ec_slots_count(drawn) < count) {
        ec_slots_add(&drawn, (unsigned)env_random_below(env, n));
    }
    return drawn;
}

static void lose_at_random(struct env *env, unsigned k, unsigned n, unsigned rounds)
{
    struct stripe whole;
    stripe_init(&whole, k, n);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned spare = (unsigned)env_random_below(env, n - k > 2 ? 3 : 1);
        struct ec_slots have = draw_slots(env, n, k + spare);
        assert_rebuilds(&whole, have, ec_slots_minus(ec_slots_first(n), have));
    }
    /* the hardest: parity alone, where there is enough of it */
    struct ec_slots parity = ec_slots_minus(ec_slots_first(n), ec_slots_first(k));
    if (n - k >= k) {
        assert_rebuilds(&whole, parity, ec_slots_first(k));
    }
    assert_refuses(&whole, draw_slots(env, n, k - 1));
    ec_codec_destroy(whole.codec);
}

static void rebuild_restores_random_losses_of_wide_codes(void **state)
{
    (void)state;
    const uint64_t seed = 20;
    struct test_env env;
    test_env_init(&env, seed);
    print_message("seed %d\n", (int)seed);
    lose_at_random(&env.env, 16, 40, 100);
    lose_at_random(&env.env, 20, 46, 100);
    lose_at_random(&env.env, 29, 80, 50);
    lose_at_random(&env.env, 64, 128, 20);
    lose_at_random(&env.env, 1, 128, 5);
    lose_at_random(&env.env, 64, 65, 20);
}

/* Real stripes: cells of every size there is, laid out each followed by its tag. */
static void cells_may_lie_anywhere(void **state)
{
    (void)state;
    enum { K = 3, N = 5, SIZE_MAX_HERE = 65552, STRIDE = SIZE_MAX_HERE + 16 + 1 };
    struct hearth_err err;
    struct ec_codec *codec;
    assert_ok(ec_codec_create(EC_CODEC_CAUCHY, K, N, &codec, &err), &err);
    uint8_t *bytes = malloc(N * STRIDE); /* odd stride: no alignment is assumed */
    uint8_t *data = malloc(K * STRIDE);
    assert_non_null(bytes);
    assert_non_null(data);

    const size_t sizes[] = {64, 128, 192, 4096, 65536, SIZE_MAX_HERE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *cells[N];
        for (unsigned slot = 0; slot < N; slot++) {
            cells[slot] = bytes + slot * STRIDE;
            memset(cells[slot], (int)(slot * 17 + i), STRIDE);
        }
        memcpy(data, bytes, K * STRIDE);
        ec_codec_encode(codec, sizes[i], cells);
        memset(cells[0], 0xee, sizes[i]);
        memset(cells[2], 0xee, sizes[i]);
        struct ec_slots have = {{0x1a, 0}}; /* slots 1 3 4 */
        assert_ok(
            ec_codec_rebuild(codec, sizes[i], cells, have, (struct ec_slots){{0x05, 0}}, &err),
            &err);
        assert_memory_equal(bytes, data, K * STRIDE); /* what lies between cells included */
    }
    free(bytes);
    free(data);
    ec_codec_destroy(codec);
}

static void create_refuses_codes_it_cannot_hold(void **state)
{
    (void)state;
    const struct {
        unsigned k, n;
    } refused[] = {{0, 2}, {4, 4}, {4, 3}, {65, 100}, {64, 129}, {UINT_MAX, 2}, {2, UINT_MAX}};
    struct hearth_err err;
    struct ec_codec *codec = NULL;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(ec_codec_create(EC_CODEC_CAUCHY, refused[i].k, refused[i].n, &codec, &err),
            HEARTH_INVALID);
    }
    assert_int_equal(ec_codec_create(2, 4, 8, &codec, &err), HEARTH_UNKNOWN_FORMAT);
    assert_null(codec);
}

static void slot_sets_know_their_members(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= EC_SLOTS_MAX; count++) {
        struct ec_slots slots = ec_slots_first(count);
        assert_int_equal(ec_slots_count(slots), count);
        assert_int_equal(ec_slots_empty(slots), count == 0);
        unsigned seen = 0;
        for (unsigned i = ec_slots_next(slots, 0); i < EC_SLOTS_MAX;
             i = ec_slots_next(slots, i + 1)) {
            assert_int_equal(i, seen++);
        }
        assert_int_equal(seen, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_sets_know_their_members),
        cmocka_unit_test(create_refuses_codes_it_cannot_hold),
        cmocka_unit_test(rebuild_restores_every_survivable_loss_of_small_codes),
        cmocka_unit_test(rebuild_writes_only_what_is_wanted),
        cmocka_unit_test(rebuild_restores_random_losses_of_wide_codes),
        cmocka_unit_test(cells_may_lie_anywhere),
    };
    return cmocka_run_group_tests_name("ec_codec", tests, NULL, NULL);
}
