/*
 * What a node sees: reads of customers and audits, mixed, and whether it can tell one from the
 * other.
 *
 * The pace, the pauses, the sample and the shapes are the real ones; readers come by chance, time
 * is counted in milliseconds, for some hundred days.  Each thing a node can measure about a
 * question is held to be the same for audits and for reads by the test of Kolmogorov and Smirnov;
 * auditors that are clumsy, each in one way, must be seen by it.
 *
 * Shards are of one length here: a node sees that audits are uniform over bytes, and reads are not.
 */
#include "coordinator/audit/audit_pace.h"
#include "coordinator/audit/audit_rate.h"
#include "coordinator/audit/audit_shape.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    K = 4,
    SHARDS = 500,
    STRIPES = 64,
    NODES = 2, /* number 1 is the one that looks */
    MINUTE_MS = 60 * 1000,
    DAY_MS = 24 * 60 * MINUTE_MS,
    DAYS = 150,
    SWEEP_MS = 5 * MINUTE_MS,
    READ_MS = 7 * MINUTE_MS, /* between two reads, on average */
    SEEN_MAX = 100000,
};

/* How an auditor gives itself away. */
enum manner { AS_IT_IS, ON_THE_BEAT, WHOLE_SHARDS, IN_PAIRS, ONE_AFTER_THE_OTHER, FROM_THE_START };

static const char *const manner_texts[] = {"as it is", "on the beat of a clock", "whole shards",
    "in pairs", "one shard after the other", "from the start"};

/* What a node can measure about a question. */
enum feature { PHASE, BEFORE, AFTER, LENGTH, OFFSET, SHARD, FEATURES };

static const char *const feature_texts[] = {"second of the minute", "time since the last one",
    "time until the next one", "length", "offset", "shard"};

struct seen {
    uint64_t at_ms;
    bool is_audit;
    uint32_t shard;
    struct audit_run run;
};

struct view_of_node {
    struct test_env env;
    enum manner manner;
    struct audit_pace pace;
    struct audit_sample *sample;
    size_t sampled, used;
    struct audit_shapes *shapes;
    struct meta_segment segments[SHARDS];
    uint64_t read_ms, sweep_ms, round_ms; /* when the next one is */
    uint32_t next_shard;
    struct seen seen[SEEN_MAX];
    size_t count;
};

static double chance(struct env *env)
{
    return ((double)env_random_below(env, UINT32_MAX) + 0.5) / UINT32_MAX;
}

static void see(struct view_of_node *view, struct seen seen)
{
    assert_in_range(view->count, 0, SEEN_MAX - 1);
    view->seen[view->count++] = seen;
}

/* ---- readers ---- */

static struct audit_run run_of_reader(struct env *env)
{
    switch (env_random_below(env, 4)) {
    case 0: return (struct audit_run){.first = 0, .count = 8};
    case 1:
        return (struct audit_run){
            .first = 1 + (uint32_t)env_random_below(env, STRIPES - 3), .count = 3};
    default: return (struct audit_run){.first = 0, .count = STRIPES};
    }
}

static void read_some(struct view_of_node *view)
{
    struct env *env = &view->env.env;
    const struct seen seen = {.at_ms = view->read_ms,
        .shard = (uint32_t)env_random_below(env, SHARDS),
        .run = run_of_reader(env)};
    audit_shapes_note(view->shapes, seen.run, STRIPES);
    see(view, seen);
    view->read_ms += 1 + (uint64_t)(-log(chance(env)) * READ_MS);
}

/* ---- the auditor ---- */

static void sweep(struct view_of_node *view)
{
    const struct fleet_node nodes[NODES] = {
        {.number = 1, .health = NODE_ALIVE}, {.number = 2, .health = NODE_ALIVE}};
    const struct fleet_view fleet = {.count = NODES, .nodes = nodes};
    const struct meta_audit_node known = {
        .node = 1, .score = {.counts = {[AUDIT_PASS] = AUDIT_NEW_PASSES}, .last_ms = 1}};
    const struct meta_audit_nodes scores = {.nodes = &known, .count = 1};
    struct audit_quota quotas[NODES];
    assert_true(
        audit_pace_update(&view->pace, &fleet, &scores, AUDIT_FLOOR_PER_WEEK, view->sweep_ms));
    size_t count = audit_pace_quotas(&view->pace, quotas);
    assert_true(audit_sample_begin(view->sample, quotas, count));
    audit_sample_page(view->sample, view->segments, SHARDS);
    view->used = 0;
    view->sweep_ms += SWEEP_MS;
}

static struct audit_run run_of_auditor(struct view_of_node *view, uint32_t stripe)
{
    return view->manner == WHOLE_SHARDS ? (struct audit_run){.first = 0, .count = STRIPES}
        : view->manner == FROM_THE_START
        ? (struct audit_run){.first = 0,
              .count = audit_shapes_draw(view->shapes, stripe, STRIPES).count}
        : audit_shapes_draw(view->shapes, stripe, STRIPES);
}

static void ask(struct view_of_node *view, const struct audit_pick *pick, uint64_t at_ms)
{
    uint32_t shard;
    memcpy(&shard, pick->segment.bytes, sizeof(shard));
    shard = view->manner == ONE_AFTER_THE_OTHER ? view->next_shard++ / 8 % SHARDS : shard;
    see(view,
        (struct seen){.at_ms = at_ms,
            .is_audit = true,
            .shard = shard,
            .run = run_of_auditor(view, pick->stripe)});
}

static void audit(struct view_of_node *view)
{
    size_t count;
    struct audit_pace_node *node = audit_pace_find(&view->pace, 1);
    const struct audit_pick *picks = audit_sample_of(view->sample, 1, &count);
    if (audit_pace_is_due(node, view->round_ms) && view->used < count) {
        const struct audit_pick *pick = &picks[view->used++];
        audit_pace_asked(&view->pace, node, view->round_ms);
        ask(view, pick, view->round_ms);
        if (view->manner == IN_PAIRS) {
            ask(view, pick, view->round_ms + 100);
        }
    }
    view->round_ms += view->manner == ON_THE_BEAT
        ? MINUTE_MS
        : 1 + audit_pace_pause_ms(&view->env.env, MINUTE_MS);
}

/* ---- what it comes to ---- */

static void make_segments(struct view_of_node *view)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct meta_segment *segment = &view->segments[i];
        *segment = (struct meta_segment){
            .k = K, .n = 1, .length = STRIPES * K * EC_UNIT_PLAIN_SIZE, .refs = 1};
        memcpy(segment->id.bytes, &i, sizeof(i));
        segment->holders[0] = (struct meta_holder){.node = 1, .p = 1};
    }
}

/* Whatever is next happens. */
static void go_on(struct view_of_node *view)
{
    if (view->sweep_ms <= view->read_ms && view->sweep_ms <= view->round_ms) {
        sweep(view);
    } else if (view->read_ms <= view->round_ms) {
        read_some(view);
    } else {
        audit(view);
    }
}

static struct view_of_node *watch(enum manner manner, uint64_t seed)
{
    struct view_of_node *view = calloc(1, sizeof(*view));
    test_env_init(&view->env, seed);
    view->manner = manner;
    audit_pace_init(&view->pace, &view->env.env);
    view->sample = audit_sample_create(&view->env.env);
    view->shapes = audit_shapes_create(&view->env.env);
    make_segments(view);
    view->sweep_ms = 1;
    view->read_ms = view->round_ms = 2;
    while (view->read_ms < DAYS * (uint64_t)DAY_MS) {
        go_on(view);
    }
    return view;
}

static void forget(struct view_of_node *view)
{
    audit_pace_fini(&view->pace);
    audit_sample_destroy(view->sample);
    audit_shapes_destroy(view->shapes);
    free(view);
}

static double measure(const struct view_of_node *view, size_t i, enum feature feature)
{
    const struct seen *seen = &view->seen[i];
    switch (feature) {
    case PHASE: return (double)(seen->at_ms % MINUTE_MS);
    case BEFORE: return (double)(seen->at_ms - view->seen[i - 1].at_ms);
    case AFTER: return (double)(view->seen[i + 1].at_ms - seen->at_ms);
    case LENGTH: return seen->run.count;
    case OFFSET: return seen->run.first;
    default: return seen->shard;
    }
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Of sorted values: the largest distance between the two shares of values up to any x. */
static double distance(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double most = 0;
    for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
        double x = a[i] < b[j] ? a[i] : b[j];
        for (; i < a_count && a[i] <= x; i++) {
        }
        for (; j < b_count && b[j] <= x; j++) {
        }
        most = fmax(most, fabs((double)i / (double)a_count - (double)j / (double)b_count));
    }
    return most;
}

/* The distance by what it is likely to be: above 1.95 once in 1,000 times when there is no
 * difference. */
static double tell_apart(const struct view_of_node *view, enum feature feature, size_t *audits)
{
    double *values[2] = {calloc(SEEN_MAX, sizeof(double)), calloc(SEEN_MAX, sizeof(double))};
    size_t counts[2] = {0};
    for (size_t i = 1; i + 1 < view->count; i++) {
        unsigned kind = view->seen[i].is_audit;
        values[kind][counts[kind]++] = measure(view, i, feature);
    }
    qsort(values[0], counts[0], sizeof(double), by_value);
    qsort(values[1], counts[1], sizeof(double), by_value);
    double n = (double)counts[0];
    double m = (double)counts[1];
    double found = distance(values[0], counts[0], values[1], counts[1]) * sqrt(n * m / (n + m));
    *audits = counts[1];
    free(values[0]);
    free(values[1]);
    return found;
}

static const double ONE_IN_1000 = 1.95;

static void check_view(uint64_t seed)
{
    size_t audits[FEATURES];
    double found[FEATURES];
    struct view_of_node *view = watch(AS_IT_IS, seed);
    for (enum feature feature = 0; feature < FEATURES; feature++) {
        found[feature] = tell_apart(view, feature, &audits[feature]);
        print_message("seed %u: %s: %zu audits in %zu questions: %.2f (1.95: one in 1,000)\n",
            (unsigned)seed, feature_texts[feature], audits[feature], view->count, found[feature]);
    }
    forget(view);
    for (enum feature feature = 0; feature < FEATURES; feature++) {
        assert_true(audits[feature] > 2000);
        assert_true(found[feature] < ONE_IN_1000);
    }
}

static void audits_cannot_be_told_from_reads_by_time_shard_length_or_offset(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        check_view(seed);
    }
}

/* Or else the claim above would be worth nothing. */
static void an_auditor_that_is_clumsy_is_told_from_a_reader(void **state)
{
    (void)state;
    const struct {
        enum manner manner;
        enum feature feature;
    } clumsy[] = {{ON_THE_BEAT, PHASE}, {WHOLE_SHARDS, LENGTH}, {IN_PAIRS, AFTER},
        {IN_PAIRS, BEFORE}, {ONE_AFTER_THE_OTHER, SHARD}, {FROM_THE_START, OFFSET}};
    for (unsigned i = 0; i < sizeof(clumsy) / sizeof(clumsy[0]); i++) {
        size_t audits;
        struct view_of_node *view = watch(clumsy[i].manner, 4);
        double found = tell_apart(view, clumsy[i].feature, &audits);
        print_message("%s: told by %s: %.2f\n", manner_texts[clumsy[i].manner],
            feature_texts[clumsy[i].feature], found);
        forget(view);
        assert_true(found > 2 * ONE_IN_1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audits_cannot_be_told_from_reads_by_time_shard_length_or_offset),
        cmocka_unit_test(an_auditor_that_is_clumsy_is_told_from_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
