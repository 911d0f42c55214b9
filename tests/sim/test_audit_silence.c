/*
 * silence as a game of chance: who is silent about what it lacks is convicted after as many visits
 * as docs/fleet.md says, however much that is, and whatever lines do convicts nobody.
 *
 * The judge, the scores, and what counts of the log, are the real ones; nodes are invented, chance
 * has a seed.
 */
#include "coordinator/audit/audit_judge.h"
#include "proto/evidence_count.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <math.h>
#include <string.h>

enum { K = 4 };

static double chance(struct env *env)
{
    return (double)env_random_below(env, UINT32_MAX) / UINT32_MAX;
}

/* ---- visits to a contained cell ---- */

/* A node, asked in the course of one visit: for the cell, or for another one; `asked` questions
 * went before in this visit. */
typedef bool gives_fn(void *context, bool is_the_cell, unsigned asked);

struct visits {
    gives_fn *gives;
    void *context;
    unsigned strikes;
    struct evidence_try log[EVIDENCE_TRIES_MAX];
    size_t count;
    unsigned asked; /* in this visit */
};

static bool question(struct visits *visits, bool is_the_cell)
{
    return visits->gives(visits->context, is_the_cell, visits->asked++);
}

static void log_try(struct visits *visits, enum evidence_role role, enum audit_answer answer)
{
    assert_in_range(visits->count, 0, EVIDENCE_TRIES_MAX - 1);
    visits->log[visits->count++] = (struct evidence_try){.role = role, .answer = (uint8_t)answer};
}

/* What the auditor does: others, until one does not come, and the cell. */
static struct audit_verdict visit(struct env *env, struct visits *visits)
{
    struct audit_verdict verdict;
    struct audit_case audit = {.strikes = visits->strikes,
        .has_passed = true,
        .is_in_place = true,
        .is_heard = true,
        .k = K,
        .witnesses_asked = K,
        .witnesses_true = K};
    const unsigned leads = audit_leads((uint32_t)env_random_below(env, UINT32_MAX));
    visits->asked = 0;
    while (audit.leads < leads && question(visits, false)) {
        audit.leads++;
    }
    audit.answer = question(visits, true) ? AUDIT_TRUE : AUDIT_SILENT;
    audit_judge(&audit, &verdict);
    for (unsigned i = 0; i < audit.leads && audit.answer == AUDIT_SILENT; i++) {
        log_try(visits, EVIDENCE_BEFORE, AUDIT_TRUE);
    }
    if (audit.leads > 0) {
        log_try(visits, EVIDENCE_CELL, audit.answer);
    }
    visits->strikes += verdict.strikes;
    if (verdict.outcome == AUDIT_FAIL) { /* whoever checks it comes to the same */
        assert_true(evidence_strikes(visits->log, visits->count) >= EVIDENCE_STRIKES);
    } else if (verdict.outcome == AUDIT_PASS) { /* the next one is another cell */
        visits->count = visits->strikes = 0;
    }
    return verdict;
}

/* ---- who pretends to be away whenever it is asked for what it lacks ---- */

struct sulker {
    struct env *env;
    double dropped;
    bool is_sulking;
};

static bool sulker_gives(void *context, bool is_the_cell, unsigned asked)
{
    struct sulker *sulker = context;
    bool has_it = !is_the_cell && chance(sulker->env) >= sulker->dropped;
    sulker->is_sulking = (asked > 0 && sulker->is_sulking) || !has_it;
    return !sulker->is_sulking;
}

/* Visits until one cell that is not there is a proven loss. */
static unsigned visits_until_convicted(struct env *env, double dropped)
{
    struct sulker sulker = {.env = env, .dropped = dropped};
    struct visits visits = {.gives = sulker_gives, .context = &sulker};
    struct audit_verdict verdict = {.is_contained = true};
    unsigned count = 0;
    while (verdict.is_contained) {
        verdict = visit(env, &visits);
        assert_in_range(++count, 1, 100000);
    }
    assert_int_equal(verdict.outcome, AUDIT_FAIL);
    assert_int_equal(verdict.fault, AUDIT_FAULT_SILENT);
    return count;
}

/* With g the share that it still has: half of the visits have one other before the cell, a quarter
 * two, an eighth three, each of which comes when those before it did. */
static double strikes_a_visit(double dropped)
{
    double g = 1 - dropped;
    return g / 2 + g * g / 4 + g * g * g / 8;
}

static double expected_visits(double dropped)
{
    return AUDIT_STRIKES_MAX / strikes_a_visit(dropped);
}

static void who_is_away_whenever_asked_for_what_it_lacks_is_convicted_as_predicted(void **state)
{
    (void)state;
    static const double shares[] = {0.01, 0.1, 0.3, 0.65, 0.8, 0.95, 0.99};
    enum { RUNS = 2000 };
    struct test_env env;
    test_env_init(&env, 44);
    for (unsigned s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        unsigned sum = 0;
        for (unsigned run = 0; run < RUNS; run++) {
            sum += visits_until_convicted(&env.env, shares[s]);
        }
        double mean = (double)sum / RUNS;
        double expected = expected_visits(shares[s]);
        print_message("%.0f %% withheld: convicted after %.1f visits, by the formula %.1f\n",
            100 * shares[s], mean, expected);
        /* The last visit may bring up to two strikes more than it takes. */
        assert_true(mean > 0.97 * expected && mean < 1.1 * expected);
    }
}

/* ---- and suspended ---- */

/* As if a cell had been contained for a long time. */
static bool falls(const struct audit_score *score)
{
    return audit_score_falls(score, 1, UINT64_C(1) << 41);
}

/* Audits, visits to contained cells among them, until the node is suspended. */
static unsigned audits_until_suspended(
    struct env *env, double dropped, struct audit_score *score, unsigned convictions_max)
{
    unsigned audits = 0;
    unsigned convictions = 0;
    audit_score_init(score);
    while (!falls(score) && convictions < convictions_max) {
        struct audit_note note = {.outcome = AUDIT_PASS};
        audits++;
        if (chance(env) < dropped) {
            note.outcome = AUDIT_CONTAINED;
            audit_score_add(score, &note, 1);
            audits += visits_until_convicted(env, dropped);
            note = (struct audit_note){.outcome = AUDIT_FAIL, .fault = AUDIT_FAULT_SILENT};
            convictions++;
        }
        audit_score_add(score, &note, 1);
    }
    return audits;
}

/* Three convictions, each of a cell that has to be met first: 3 (1 / f + visits). */
static void whatever_share_is_withheld_its_node_is_suspended_as_predicted(void **state)
{
    (void)state;
    static const double shares[] = {0.02, 0.1, 0.3, 0.65};
    enum { RUNS = 1000 };
    struct test_env env;
    test_env_init(&env, 45);
    for (unsigned s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        struct audit_score score;
        double sum = 0;
        for (unsigned run = 0; run < RUNS; run++) {
            sum += audits_until_suspended(&env.env, shares[s], &score, 1000);
        }
        double expected = 3 * (1 / shares[s] + expected_visits(shares[s]));
        print_message("%.0f %% withheld: suspended after %.0f audits, by the formula %.0f\n",
            100 * shares[s], sum / RUNS, expected);
        assert_true(sum / RUNS < 1.1 * expected);
        assert_true(sum / RUNS > 0.5 * expected); /* two may be enough for a young one */
    }
}

/* Convictions take long when hardly anything comes: it is trouble before that. */
static void who_gives_next_to_nothing_is_suspended_before_it_is_convicted(void **state)
{
    (void)state;
    static const double shares[] = {0.9, 0.99, 1};
    struct test_env env;
    test_env_init(&env, 46);
    for (unsigned s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        struct audit_score score;
        unsigned audits = 0;
        audit_score_init(&score);
        while (!falls(&score)) {
            const struct audit_note note = {
                .outcome = chance(&env.env) < shares[s] ? AUDIT_CONTAINED : AUDIT_PASS};
            audit_score_add(&score, &note, 1);
            assert_in_range(++audits, 1, 10000);
        }
        print_message("%.0f %% withheld: suspended after %u audits, convicted of nothing\n",
            100 * shares[s], audits);
        assert_true(audit_score_data(&score) == 1.0);
        assert_in_range(audits, 30, 500); /* days: an outage of some hours is not enough */
    }
}

/* ---- honest nodes that look like it ---- */

struct frail {
    const char *text;
    struct env *env;
    unsigned from, to; /* questions of a visit that it is silent about: [from, to) */
    double breaks;     /* chance that it breaks, at each question */
    double mends;      /* likewise, that it is well again; 0: when the visit is over */
    unsigned each;     /* silent about each so manieth question of all; 0: none */
    uint64_t questions;
    bool is_broken;
};

static bool frail_gives(void *context, bool is_the_cell, unsigned asked)
{
    (void)is_the_cell; /* it has it, as it has all */
    struct frail *frail = context;
    frail->questions++;
    bool is_over = frail->mends > 0 ? chance(frail->env) < frail->mends : asked == 0;
    frail->is_broken = (frail->is_broken && !is_over) || chance(frail->env) < frail->breaks;
    bool is_silent = asked >= frail->from && asked < frail->to;
    bool is_its_turn = frail->each > 0 && frail->questions % frail->each == 0;
    return !frail->is_broken && !is_silent && !is_its_turn;
}

/* How many cells had so many strikes, before they came. */
struct tally {
    uint64_t cells;
    uint64_t reached[AUDIT_STRIKES_MAX];
};

static void count(struct tally *tally, unsigned strikes)
{
    tally->cells++;
    for (unsigned i = 1; i <= strikes; i++) {
        tally->reached[i]++;
    }
}

static void make_visits(
    struct env *env, struct frail *frail, unsigned count_of, struct tally *tally)
{
    struct visits visits = {.gives = frail_gives, .context = frail};
    frail->env = env;
    for (unsigned v = 0; v < count_of; v++) {
        const unsigned before = visits.strikes;
        const struct audit_verdict verdict = visit(env, &visits);
        assert_int_not_equal(verdict.outcome, AUDIT_FAIL);
        if (verdict.outcome == AUDIT_PASS) {
            count(tally, before);
        }
    }
}

/* s strikes no oftener than once in 2^s cells. */
static void assert_as_rare_as_promised(const struct tally *tally)
{
    for (unsigned s = 1; s < AUDIT_STRIKES_MAX; s++) {
        double promised = (double)tally->cells / (double)(UINT64_C(1) << s);
        assert_true((double)tally->reached[s] <= promised + 5 * sqrt(promised) + 3);
    }
}

static void lines_that_break_however_they_do_convict_nobody(void **state)
{
    (void)state;
    enum { VISITS = 100000, NEVER = 100 };
    struct frail frails[] = {
        {.text = "breaks under a second question", .from = 1, .to = NEVER},
        {.text = "breaks under a second one, well at the third", .from = 1, .to = 2},
        {.text = "breaks under a third one", .from = 2, .to = NEVER},
        {.text = "breaks under a second one, and by half at each",
            .from = 1,
            .to = NEVER,
            .breaks = 0.5},
        {.text = "breaks by half at each", .breaks = 0.5},
        {.text = "breaks nine times in ten", .breaks = 0.9},
        {.text = "breaks by half, mends by half", .breaks = 0.5, .mends = 0.5},
        {.text = "away for long, there for long", .breaks = 0.01, .mends = 0.01},
        {.text = "gives every second", .each = 2},
        {.text = "leaves out every third", .each = 3},
    };
    struct test_env env;
    test_env_init(&env, 47);
    for (unsigned i = 0; i < sizeof(frails) / sizeof(frails[0]); i++) {
        struct tally tally = {.cells = 0};
        make_visits(&env.env, &frails[i], VISITS, &tally);
        print_message("%s: %d visits, %llu cells came, with 1, 4, 8 strikes: %llu, %llu, %llu\n",
            frails[i].text, VISITS, (unsigned long long)tally.cells,
            (unsigned long long)tally.reached[1], (unsigned long long)tally.reached[4],
            (unsigned long long)tally.reached[8]);
        assert_as_rare_as_promised(&tally);
        assert_true(tally.cells > 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_away_whenever_asked_for_what_it_lacks_is_convicted_as_predicted),
        cmocka_unit_test(whatever_share_is_withheld_its_node_is_suspended_as_predicted),
        cmocka_unit_test(who_gives_next_to_nothing_is_suspended_before_it_is_convicted),
        cmocka_unit_test(lines_that_break_however_they_do_convict_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
