/*
 * audit_sample: of every node a random sample, uniform over the bytes that it holds.
 *
 * Segments of two sizes, three to one, over a few nodes; thousands of passes with seeded chance,
 * and how often each shard was drawn.  Bounds of four standard deviations.
 */
#include "coordinator/audit/audit_fresh.h"
#include "coordinator/audit/audit_sample.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>
#include <string.h>

enum {
    SEGMENTS = 60,
    K = 4,
    N = 8,
    PASSES = 4000,
    PICKS = 3,
    LARGE_STRIPES = 12,
    SMALL_STRIPES = 4
};

static struct meta_segment make_segment(unsigned i)
{
    unsigned stripes = i % 2 == 0 ? LARGE_STRIPES : SMALL_STRIPES;
    struct meta_segment segment = {.k = K,
        .n = N,
        .length = stripes * K * EC_UNIT_PLAIN_SIZE,
        .refs = 1,
        .sealed_ms = 1000 + i};
    segment.id.bytes[0] = (uint8_t)(i + 1);
    for (uint16_t slot = 0; slot < N; slot++) {
        segment.holders[slot] = (struct meta_holder){.node = slot + 1u, .p = 1};
    }
    return segment;
}

static void pass_by(struct audit_sample *sample, const struct meta_segment segments[SEGMENTS])
{
    for (unsigned first = 0; first < SEGMENTS; first += 20) {
        audit_sample_page(sample, segments + first, 20);
    }
}

struct fixture {
    struct test_env env;
    struct audit_sample *sample;
    struct meta_segment segments[SEGMENTS];
};

static void set_up(struct fixture *at, uint64_t seed)
{
    test_env_init(&at->env, seed);
    at->sample = audit_sample_create(&at->env.env);
    assert_non_null(at->sample);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        at->segments[i] = make_segment(i);
    }
}

static void check_near(double seen, double chance, double trials)
{
    double deviation = sqrt(trials * chance * (1 - chance));
    if (fabs(seen - trials * chance) > 4 * deviation) {
        fail_msg("%.0f seen, %.1f expected, deviation %.1f", seen, trials * chance, deviation);
    }
}

static void every_byte_is_as_likely_as_any_other(void **state)
{
    (void)state;
    struct fixture at;
    set_up(&at, 7);
    const struct audit_quota quota = {.node = 3, .picks = 1};
    unsigned drawn[SEGMENTS] = {0};
    unsigned last_stripes = 0;
    for (unsigned i = 0; i < PASSES; i++) {
        size_t count;
        assert_true(audit_sample_begin(at.sample, &quota, 1));
        pass_by(at.sample, at.segments);
        const struct audit_pick *pick = audit_sample_of(at.sample, 3, &count);
        assert_int_equal(count, 1);
        assert_int_equal(pick->slot, 2);
        drawn[pick->segment.bytes[0] - 1]++;
        last_stripes += pick->stripe == SMALL_STRIPES - 1;
    }
    double total = SEGMENTS / 2 * (LARGE_STRIPES + SMALL_STRIPES);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        check_near(drawn[i], (i % 2 == 0 ? LARGE_STRIPES : SMALL_STRIPES) / total, PASSES);
    }
    check_near(last_stripes, SEGMENTS / total, PASSES);
    audit_sample_destroy(at.sample);
}

static void no_shard_is_drawn_twice_and_all_when_there_are_few(void **state)
{
    (void)state;
    struct fixture at;
    set_up(&at, 8);
    const struct audit_quota quotas[] = {
        {.node = 1, .picks = AUDIT_SAMPLE_NODE_MAX + 9}, {.node = 2, .picks = PICKS}};
    assert_true(audit_sample_begin(at.sample, quotas, 2));
    pass_by(at.sample, at.segments);
    size_t count;
    bool seen[SEGMENTS] = {false};
    const struct audit_pick *picks = audit_sample_of(at.sample, 1, &count);
    assert_int_equal(count, SEGMENTS);
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[picks[i].segment.bytes[0] - 1]);
        seen[picks[i].segment.bytes[0] - 1] = true;
    }
    audit_sample_of(at.sample, 2, &count);
    assert_int_equal(count, PICKS);
    audit_sample_of(at.sample, 4, &count); /* without a quota */
    assert_int_equal(count, 0);
    audit_sample_destroy(at.sample);
}

static void what_nobody_wants_or_repair_has_is_not_drawn(void **state)
{
    (void)state;
    struct fixture at;
    set_up(&at, 9);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        at.segments[i].dying_ms = i % 4 == 0;
        at.segments[i].doomed_refs = i % 4 == 1;
        if (i % 4 == 2) {
            ec_slots_add(&at.segments[i].damaged, 0);
        }
    }
    const struct audit_quota quota = {.node = 1, .picks = AUDIT_SAMPLE_NODE_MAX};
    assert_true(audit_sample_begin(at.sample, &quota, 1));
    pass_by(at.sample, at.segments);
    size_t count;
    const struct audit_pick *picks = audit_sample_of(at.sample, 1, &count);
    assert_int_equal(count, SEGMENTS / 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal((picks[i].segment.bytes[0] - 1) % 4, 3);
    }
    audit_sample_destroy(at.sample);
}

static void memory_stays_bounded_however_many_nodes_there_are(void **state)
{
    (void)state;
    struct fixture at;
    set_up(&at, 10);
    enum { NODES = 2 * AUDIT_SAMPLE_MAX / AUDIT_SAMPLE_NODE_MAX };
    struct audit_quota quotas[NODES];
    for (uint32_t i = 0; i < NODES; i++) {
        quotas[i] = (struct audit_quota){.node = i + 1, .picks = AUDIT_SAMPLE_NODE_MAX};
    }
    assert_true(audit_sample_begin(at.sample, quotas, NODES));
    pass_by(at.sample, at.segments);
    audit_sample_destroy(at.sample);
}

/* ---- first audits ---- */

static void the_oldest_that_never_passed_are_asked_first(void **state)
{
    (void)state;
    struct fixture at;
    struct audit_fresh fresh;
    set_up(&at, 11);
    assert_true(audit_fresh_init(&fresh, &at.env.env));
    uint64_t now_ms = 1000 + SEGMENTS - 1 + AUDIT_FRESH_AFTER_MS;
    at.segments[0].passed = ec_slots_first(N);
    at.segments[SEGMENTS - 1].sealed_ms += 1; /* too young by a millisecond */
    audit_fresh_begin(&fresh);
    audit_fresh_page(&fresh, at.segments, SEGMENTS, now_ms);
    audit_fresh_sort(&fresh);
    assert_int_equal(fresh.count, (SEGMENTS - 2) * N);
    assert_int_equal(fresh.waiting, (SEGMENTS - 2) * N);
    assert_int_equal(fresh.overdue, 0);
    for (size_t i = 0; i < fresh.count; i++) {
        assert_int_equal(fresh.shards[i].pick.segment.bytes[0] - 1, 1 + i / N);
    }
    audit_fresh_page(&fresh, at.segments, SEGMENTS, 1010 + AUDIT_FRESH_WITHIN_MS);
    assert_int_equal(fresh.overdue, 9 * N); /* sealed from 1,001 to 1,009 */
    audit_fresh_fini(&fresh);
    audit_sample_destroy(at.sample);
}

static void when_there_are_too_many_the_youngest_give_way(void **state)
{
    (void)state;
    struct fixture at;
    struct audit_fresh fresh;
    set_up(&at, 12);
    assert_true(audit_fresh_init(&fresh, &at.env.env));
    audit_fresh_begin(&fresh);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned j = 0; j < SEGMENTS; j++) {
            at.segments[j].sealed_ms = 1000 + (uint64_t)(10 - i) * SEGMENTS + j;
        }
        audit_fresh_page(&fresh, at.segments, SEGMENTS, UINT64_C(1) << 40);
    }
    audit_fresh_sort(&fresh);
    assert_int_equal(fresh.count, AUDIT_FRESH_MAX);
    assert_int_equal(fresh.waiting, 10 * SEGMENTS * N);
    assert_int_equal(fresh.shards[0].sealed_ms, 1000 + SEGMENTS);
    assert_int_equal(
        fresh.shards[AUDIT_FRESH_MAX - 1].sealed_ms, 1000 + SEGMENTS + (AUDIT_FRESH_MAX - 1) / N);
    audit_fresh_fini(&fresh);
    audit_sample_destroy(at.sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_as_likely_as_any_other),
        cmocka_unit_test(no_shard_is_drawn_twice_and_all_when_there_are_few),
        cmocka_unit_test(what_nobody_wants_or_repair_has_is_not_drawn),
        cmocka_unit_test(memory_stays_bounded_however_many_nodes_there_are),
        cmocka_unit_test(the_oldest_that_never_passed_are_asked_first),
        cmocka_unit_test(when_there_are_too_many_the_youngest_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
