/*
 * audits as a game of chance, thousands of times: who dropped shards is met as often as the formula
 * of docs/fleet.md says, and honest nodes are convicted never, whatever happens to them.
 *
 * The sampler, the judge and the scores are the real ones; nodes are invented, time is counted in
 * visits, chance has a seed, which is printed.
 */
#include "coordinator/audit/audit_judge.h"
#include "coordinator/audit/audit_rate.h"
#include "coordinator/audit/audit_sample.h"
#include "erasure/ec_stripe.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { K = 4, DAY_MS = 24 * 60 * 60 * 1000 };

static double chance(struct env *env)
{
    return (double)env_random_below(env, UINT32_MAX) / UINT32_MAX;
}

/* ---- who dropped shards ---- */

enum { SHARDS = 2000, PASS_PICKS = 50, TRIALS = 2000, AUDITS_MOST = 400 };

struct fleet {
    struct test_env env;
    struct audit_sample *sample;
    struct meta_segment segments[SHARDS]; /* one shard of each at node 1 */
    bool dropped[SHARDS];
};

static struct fleet *fleet_create(uint64_t seed)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    test_env_init(&fleet->env, seed);
    fleet->sample = audit_sample_create(&fleet->env.env);
    for (unsigned i = 0; i < SHARDS; i++) {
        struct meta_segment *segment = &fleet->segments[i];
        *segment =
            (struct meta_segment){.k = K, .n = 1, .length = 3 * K * EC_UNIT_PLAIN_SIZE, .refs = 1};
        memcpy(segment->id.bytes, &(uint32_t){i}, sizeof(uint32_t));
        segment->holders[0] = (struct meta_holder){.node = 1, .p = 1};
    }
    return fleet;
}

static void fleet_destroy(struct fleet *fleet)
{
    audit_sample_destroy(fleet->sample);
    free(fleet);
}

static void drop(struct fleet *fleet, unsigned percent)
{
    memset(fleet->dropped, 0, sizeof(fleet->dropped));
    for (unsigned left = SHARDS * percent / 100; left > 0;) {
        unsigned i = (unsigned)env_random_below(&fleet->env.env, SHARDS);
        left -= !fleet->dropped[i];
        fleet->dropped[i] = true;
    }
}

static const struct audit_pick *next_pick(struct fleet *fleet, unsigned audit)
{
    size_t count;
    if (audit % PASS_PICKS == 0) {
        const struct audit_quota quota = {.node = 1, .picks = PASS_PICKS};
        assert_true(audit_sample_begin(fleet->sample, &quota, 1));
        audit_sample_page(fleet->sample, fleet->segments, SHARDS);
    }
    const struct audit_pick *picks = audit_sample_of(fleet->sample, 1, &count);
    assert_int_equal(count, PASS_PICKS);
    return &picks[audit % PASS_PICKS];
}

static bool is_dropped(const struct fleet *fleet, const struct audit_pick *pick)
{
    uint32_t index;
    memcpy(&index, pick->segment.bytes, sizeof(index));
    return fleet->dropped[index];
}

/* Which audit was the first to meet one that was dropped; AUDITS_MOST: none of these. */
static unsigned first_met(struct fleet *fleet)
{
    for (unsigned audit = 0; audit < AUDITS_MOST; audit++) {
        if (is_dropped(fleet, next_pick(fleet, audit))) {
            return audit;
        }
    }
    return AUDITS_MOST;
}

static void check_odds(double met, double expected, const char *what, unsigned percent, unsigned m)
{
    double deviation = sqrt(expected * (1 - expected) / TRIALS);
    print_message("%u %% %s: met within %u audits: %.3f, by the formula %.3f\n", percent, what, m,
        met, expected);
    /* No shard is asked for twice in a pass, which can only help: a little. */
    assert_true(fabs(met - expected) < 4 * deviation + 0.01);
}

static void dropped_shards_are_met_as_often_as_the_formula_says(void **state)
{
    (void)state;
    static const unsigned percents[] = {1, 5, 20};
    static const unsigned counts[] = {10, 100, 112, 300};
    struct fleet *fleet = fleet_create(41);
    for (unsigned p = 0; p < 3; p++) {
        unsigned met[4] = {0};
        for (unsigned trial = 0; trial < TRIALS; trial++) {
            drop(fleet, percents[p]);
            unsigned first = first_met(fleet);
            for (unsigned c = 0; c < 4; c++) {
                met[c] += first < counts[c];
            }
        }
        for (unsigned c = 0; c < 4; c++) {
            check_odds((double)met[c] / TRIALS, audit_rate_chance(percents[p] / 100.0, counts[c]),
                "dropped", percents[p], counts[c]);
        }
    }
    fleet_destroy(fleet);
}

/* ---- who has not the room it says it has ---- */

enum { ROOM = 300, SHARDS_AN_AUDIT = 3, FULL_TRIALS = 1000, FULL_AUDITS = 40 };

/* Shards come and come; it goes on taking them when it is full. */
enum full { DROPS_NEW, DROPS_OLD, FULLS };

static const char *const full_texts[] = {"what comes", "the oldest"};

static bool is_dropped_by(enum full full, unsigned index, unsigned stored)
{
    return full == DROPS_NEW ? index >= ROOM : index < stored - ROOM;
}

/* By one audit of a node that was given `stored` shards. */
static bool is_met_when_full(struct fleet *fleet, enum full full, unsigned stored)
{
    const struct audit_quota quota = {.node = 1, .picks = 1};
    size_t count;
    uint32_t index;
    assert_true(audit_sample_begin(fleet->sample, &quota, 1));
    audit_sample_page(fleet->sample, fleet->segments, stored);
    const struct audit_pick *picks = audit_sample_of(fleet->sample, 1, &count);
    assert_int_equal(count, 1);
    memcpy(&index, picks[0].segment.bytes, sizeof(index));
    return is_dropped_by(full, index, stored);
}

static void who_takes_more_than_it_has_room_for_is_met_as_predicted(void **state)
{
    (void)state;
    struct fleet *fleet = fleet_create(46);
    for (enum full full = 0; full < FULLS; full++) {
        unsigned met[FULL_AUDITS + 1] = {0}; /* within so many audits */
        for (unsigned trial = 0; trial < FULL_TRIALS; trial++) {
            unsigned audit = 1;
            while (audit <= FULL_AUDITS &&
                !is_met_when_full(fleet, full, ROOM + audit * SHARDS_AN_AUDIT)) {
                audit++;
            }
            for (; audit <= FULL_AUDITS; audit++) {
                met[audit]++;
            }
        }
        double missed = 1; /* the product of 1 - f, with f as it grows */
        for (unsigned audit = 1; audit <= FULL_AUDITS; audit++) {
            double dropped = audit * SHARDS_AN_AUDIT;
            missed *= 1 - dropped / (ROOM + dropped);
            double share = (double)met[audit] / FULL_TRIALS;
            double deviation = sqrt(missed * (1 - missed) / FULL_TRIALS);
            assert_true(fabs(share - (1 - missed)) < 4.5 * deviation + 0.005);
            if (audit % 10 == 0) {
                print_message("full, and drops %s: met within %u audits: %.3f, by the formula "
                              "%.3f\n",
                    full_texts[full], audit, share, 1 - missed);
            }
        }
    }
    fleet_destroy(fleet);
}

/* ---- two that share a name ---- */

/* One of them has a shard that came after the copy was made, and one of them answers. */
static void copies_that_report_as_one_are_met_as_predicted(void **state)
{
    (void)state;
    static const unsigned percents[] = {10, 50};
    static const unsigned counts[] = {5, 20, 60};
    struct fleet *fleet = fleet_create(47);
    for (unsigned p = 0; p < 2; p++) {
        unsigned met[3] = {0};
        for (unsigned trial = 0; trial < TRIALS; trial++) {
            drop(fleet, percents[p]); /* here: came since, to one or the other */
            unsigned audit = 0;
            while (audit < counts[2] &&
                !(is_dropped(fleet, next_pick(fleet, audit)) &&
                    env_random_below(&fleet->env.env, 2) == 0)) {
                audit++;
            }
            for (unsigned c = 0; c < 3; c++) {
                met[c] += audit < counts[c];
            }
        }
        for (unsigned c = 0; c < 3; c++) {
            check_odds((double)met[c] / TRIALS, audit_rate_chance(percents[p] / 200.0, counts[c]),
                "came since the copy", percents[p], counts[c]);
        }
    }
    fleet_destroy(fleet);
}

/* ---- how the rest of the story goes ---- */

/* As if a cell had been contained for a long time. */
static bool falls(const struct audit_score *score)
{
    return audit_score_falls(score, 1, UINT64_C(1) << 41);
}

/* What an evil node does when it is asked for what it has not. */
enum evil { DENIES, SENDS_OLD, STALLS, CUTS_OFF, SAYS_BUSY, EVILS };

static const char *const evil_texts[] = {
    "denied", "replaced by old ones", "stalled on", "cut off at", "refused as busy"};

/* Others that come before a contained cell, which is held against `share` of what its node has. */
static unsigned draw_leads(struct env *env, double share)
{
    const unsigned most = audit_leads((uint32_t)env_random_below(env, UINT32_MAX));
    unsigned leads = 0;
    while (leads < most && chance(env) < share) {
        leads++;
    }
    return leads;
}

static struct audit_case ask(enum evil evil, bool has_it, unsigned strikes, unsigned leads)
{
    static const enum audit_answer answers[] = {
        AUDIT_MISSING, AUDIT_WRONG, AUDIT_SILENT, AUDIT_CUT_OFF, AUDIT_REFUSED};
    enum audit_answer answer = has_it ? AUDIT_TRUE : answers[evil];
    return (struct audit_case){.answer = answer,
        .again = answer,
        .strikes = strikes,
        .leads = leads,
        .has_passed = true,
        .is_in_place = true,
        .is_heard = true,
        .k = K,
        .witnesses_asked = K,
        .witnesses_true = K};
}

static void add_to(struct audit_score *score, const struct audit_verdict *verdict, bool is_again)
{
    const struct audit_note note = {
        .outcome = verdict->outcome, .fault = verdict->fault, .is_again = is_again};
    audit_score_add(score, &note, 1);
}

enum { DROPPED_PERCENT = 10 };

/* Audits until the node is suspended. A contained cell is asked for again until it is decided. */
static unsigned audits_until_suspended(struct fleet *fleet, enum evil evil)
{
    struct audit_score score;
    unsigned audits = 0;
    audit_score_init(&score);
    for (unsigned cell = 0; !falls(&score) && audits < 100000; cell++) {
        bool has_it = !is_dropped(fleet, next_pick(fleet, cell));
        struct audit_verdict verdict = {.is_contained = true};
        unsigned strikes = 0;
        for (unsigned visits = 0; verdict.is_contained; visits++) {
            assert_in_range(strikes, 0, AUDIT_STRIKES_MAX - 1);
            const unsigned leads =
                visits == 0 ? 0 : draw_leads(&fleet->env.env, 1 - DROPPED_PERCENT / 100.0);
            const struct audit_case audit = ask(evil, has_it, strikes, leads);
            audit_judge(&audit, &verdict);
            add_to(&score, &verdict, visits > 0);
            strikes += verdict.strikes;
            audits++;
        }
    }
    return audits;
}

static void every_kind_of_evil_node_is_suspended_within_bounds(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    struct fleet *fleet = fleet_create(42);
    for (enum evil evil = 0; evil < EVILS; evil++) {
        unsigned most = 0;
        for (unsigned run = 0; run < RUNS; run++) {
            drop(fleet, DROPPED_PERCENT);
            unsigned audits = audits_until_suspended(fleet, evil);
            most = audits > most ? audits : most;
        }
        print_message("%d %% %s: suspended after %u audits at most\n", DROPPED_PERCENT,
            evil_texts[evil], most);
        /* Two or three proven losses of ten per cent, each of one question or of 32. */
        assert_in_range(most, 2, 1000);
    }
    fleet_destroy(fleet);
}

/* Good for a thousand audits, then bad: the past does not protect it. */
static void reputation_that_was_farmed_is_spent_at_once(void **state)
{
    (void)state;
    struct audit_score score;
    const struct audit_note pass = {.outcome = AUDIT_PASS};
    const struct audit_note fail = {.outcome = AUDIT_FAIL, .fault = AUDIT_FAULT_MISSING};
    audit_score_init(&score);
    for (unsigned i = 0; i < 10000; i++) {
        audit_score_add(&score, &pass, 1);
    }
    unsigned audits = 0;
    struct test_env env;
    test_env_init(&env, 43);
    while (!falls(&score)) {
        bool fails = chance(&env.env) < 0.2;
        audit_score_add(&score, fails ? &fail : &pass, 1);
        audits++;
    }
    print_message("20 %% dropped after 10,000 passes: suspended after %u audits\n", audits);
    assert_in_range(audits, 3, 100);
}

/* ---- honest nodes ---- */

enum { NODES = 40, SEEDS = 20, AUDITS = 10000 };

struct honest {
    struct audit_score score;
    double slow;     /* chance that an answer does not come in time */
    bool is_stalled; /* all of it, for a while */
    bool is_away;    /* and not heard */
};

/* What happened to the shard since it was drawn. */
enum fate { NOTHING, DELETED, MOVED, REPAIRED, FATES };

static enum audit_answer answer_of(struct env *env, const struct honest *node)
{
    if (node->is_away) {
        return AUDIT_CUT_OFF;
    }
    if (node->is_stalled || chance(env) < node->slow) {
        return AUDIT_SILENT;
    }
    return chance(env) < 0.02 ? AUDIT_REFUSED : AUDIT_TRUE;
}

/* The shard went meanwhile: the node says so, or not yet. */
static enum audit_answer answer_for(
    struct env *env, const struct honest *node, enum fate fate, bool is_spoilt)
{
    enum audit_answer answer = answer_of(env, node);
    if (answer == AUDIT_TRUE && fate != NOTHING && chance(env) < 0.5) {
        return AUDIT_MISSING;
    }
    return answer == AUDIT_TRUE && is_spoilt ? AUDIT_WRONG : answer;
}

static void let_happen(struct env *env, struct honest *node)
{
    if (chance(env) < 0.05) {
        node->is_stalled = chance(env) < 0.3;
    }
    if (chance(env) < 0.02) {
        node->is_away = chance(env) < 0.3;
    }
}

struct tally {
    unsigned outcomes[AUDIT_OUTCOMES];
    unsigned damaged;
    unsigned strikes;
    unsigned audits;
};

/* Others before the cell, until one does not come. */
static unsigned ask_leads(struct env *env, const struct honest *node)
{
    const unsigned most = audit_leads((uint32_t)env_random_below(env, UINT32_MAX));
    unsigned leads = 0;
    while (leads < most && answer_of(env, node) == AUDIT_TRUE) {
        leads++;
    }
    return leads;
}

/* One cell until it is decided: again and again while it is contained. */
static void audit_one(struct env *env, struct honest *node, struct tally *tally)
{
    enum fate fate = chance(env) < 0.1 ? (enum fate)env_random_below(env, FATES) : NOTHING;
    bool is_spoilt = chance(env) < 0.02; /* wrong tags since its upload: it never passed */
    bool auditor_is_cut_off = chance(env) < 0.02;
    struct audit_verdict verdict = {.is_contained = true};
    unsigned strikes = 0;
    for (unsigned visits = 0; verdict.is_contained; visits++) {
        let_happen(env, node);
        struct audit_case audit = {
            .answer = answer_for(env, node, fate, is_spoilt),
            .again = answer_for(env, node, fate, is_spoilt),
            .strikes = strikes,
            .leads = visits == 0 ? 0 : ask_leads(env, node),
            .has_passed = !is_spoilt,
            .is_in_place = fate == NOTHING,
            .is_heard = !node->is_away,
            .k = K,
            .witnesses_asked = K + 2,
            .witnesses_true = K + (chance(env) < 0.5),
            .is_auditor_doubted = auditor_is_cut_off,
        };
        if (chance(env) < 0.01 && audit.answer == AUDIT_TRUE) {
            audit.answer = AUDIT_WRONG; /* a bit fell over on the way */
        }
        if (auditor_is_cut_off) {
            audit.answer = audit.again = AUDIT_CUT_OFF;
            audit.leads = 0;
            audit.witnesses_true = 0;
            auditor_is_cut_off = chance(env) < 0.5;
        }
        audit_judge(&audit, &verdict);
        add_to(&node->score, &verdict, visits > 0);
        tally->outcomes[verdict.outcome]++;
        tally->damaged += verdict.is_damaged;
        tally->strikes += verdict.strikes;
        tally->audits++;
        strikes += verdict.strikes;
        assert_true(!verdict.is_damaged || is_spoilt);
    }
}

static void run_honest(uint64_t seed, struct tally *tally)
{
    struct test_env env;
    struct honest nodes[NODES] = {{.slow = 0}};
    test_env_init(&env, seed);
    for (unsigned i = 0; i < NODES; i++) {
        audit_score_init(&nodes[i].score);
        nodes[i].slow = (double[]){0, 0.01, 0.1, 0.3}[i % 4];
    }
    unsigned end = tally->audits + AUDITS;
    while (tally->audits < end) {
        struct honest *node = &nodes[env_random_below(&env.env, NODES)];
        audit_one(&env.env, node, tally);
        assert_true(audit_score_data(&node->score) == 1.0);
        assert_false(falls(&node->score));
    }
}

static void no_honest_node_is_convicted_in_200000_audits_under_faults(void **state)
{
    (void)state;
    struct tally tally = {.audits = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_honest(seed, &tally);
    }
    print_message("seeds 1 to %d: %u audits: %u pass, %u fail, %u contained, %u offline, "
                  "%u unknown, %u discarded; %u strikes, %u shards with wrong tags made anew\n",
        SEEDS, tally.audits, tally.outcomes[AUDIT_PASS], tally.outcomes[AUDIT_FAIL],
        tally.outcomes[AUDIT_CONTAINED], tally.outcomes[AUDIT_OFFLINE],
        tally.outcomes[AUDIT_UNKNOWN], tally.outcomes[AUDIT_NONE], tally.strikes, tally.damaged);
    assert_true(tally.audits >= SEEDS * AUDITS);
    assert_int_equal(tally.outcomes[AUDIT_FAIL], 0);
    assert_true(tally.outcomes[AUDIT_CONTAINED] > 1000 && tally.outcomes[AUDIT_OFFLINE] > 1000);
    assert_true(tally.strikes > 100 && tally.damaged > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_shards_are_met_as_often_as_the_formula_says),
        cmocka_unit_test(who_takes_more_than_it_has_room_for_is_met_as_predicted),
        cmocka_unit_test(copies_that_report_as_one_are_met_as_predicted),
        cmocka_unit_test(every_kind_of_evil_node_is_suspended_within_bounds),
        cmocka_unit_test(reputation_that_was_farmed_is_spent_at_once),
        cmocka_unit_test(no_honest_node_is_convicted_in_200000_audits_under_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
