/*
 * silence as a game of chance: who is away whenever it is asked for what it lacks is convicted
 * after as many visits as docs/fleet.md says, and lines that break down convict nobody.
 *
 * The judge, and what counts of the log, are the real ones; nodes are invented, chance has a seed.
 */
#include "coordinator/audit/audit_judge.h"
#include "proto/evidence_count.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

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

static enum audit_answer question(struct visits *visits, bool is_the_cell)
{
    bool came = visits->gives(visits->context, is_the_cell, visits->asked++);
    return came ? AUDIT_TRUE : AUDIT_SILENT;
}

static void log_try(struct visits *visits, enum evidence_role role, enum audit_answer answer)
{
    if (visits->count == EVIDENCE_TRIES_MAX) {
        memmove(visits->log, visits->log + 1, --visits->count * sizeof(*visits->log));
    }
    visits->log[visits->count++] = (struct evidence_try){.role = role, .answer = (uint8_t)answer};
}

/* What the auditor does: leads, the cell, one after it; what it convicts by is what it logged. */
static struct audit_verdict visit(struct env *env, struct visits *visits)
{
    struct audit_verdict verdict;
    enum audit_answer earlier = AUDIT_NOT_ASKED;
    struct audit_case audit = {.strikes = visits->strikes,
        .sulks = evidence_sulks(visits->log, visits->count),
        .has_passed = true,
        .is_in_place = true,
        .is_heard = true,
        .k = K,
        .witnesses_asked = K,
        .witnesses_true = K};
    visits->asked = 0;
    unsigned leads = audit_leads(audit.sulks, (uint32_t)env_random_below(env, UINT32_MAX));
    for (unsigned i = 0; i < leads && (i == 0 || audit.before == AUDIT_TRUE); i++) {
        earlier = audit.before;
        audit.before = question(visits, false);
    }
    audit.answer = question(visits, true);
    audit.after = question(visits, false);
    audit_judge(&audit, &verdict);
    bool is_excuse = audit.before == AUDIT_SILENT && earlier == AUDIT_TRUE;
    if (is_excuse) {
        log_try(visits, EVIDENCE_BEFORE, earlier);
    }
    if (is_excuse || verdict.is_strike || verdict.is_sulk) {
        log_try(visits, EVIDENCE_BEFORE, audit.before);
        log_try(visits, EVIDENCE_CELL, audit.answer);
        log_try(visits, EVIDENCE_AFTER, audit.after);
    }
    visits->strikes += verdict.is_strike;
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
        assert_in_range(++count, 1, 10000);
    }
    assert_int_equal(verdict.outcome, AUDIT_FAIL);
    assert_int_equal(verdict.fault, AUDIT_FAULT_SILENT);
    return count;
}

/* With g the share that it still has, a visit with none to three leads adds a sulk when all of them
 * come, and takes one away when a later one does not: (g + g^2 + g^3) / 4 and
 * (2g - g^2 - g^3) / 4. */
static double expected_visits(double dropped)
{
    double g = 1 - dropped;
    return AUDIT_SULKS_MAX / ((2 * g * g + 2 * g * g * g - g) / 4);
}

static void who_is_away_whenever_asked_for_what_it_lacks_is_convicted_as_predicted(void **state)
{
    (void)state;
    static const double shares[] = {0.01, 0.1, 0.3};
    enum { RUNS = 2000 };
    struct test_env env;
    test_env_init(&env, 44);
    for (unsigned s = 0; s < 3; s++) {
        unsigned sum = 0;
        for (unsigned run = 0; run < RUNS; run++) {
            sum += visits_until_convicted(&env.env, shares[s]);
        }
        double mean = (double)sum / RUNS;
        double expected = expected_visits(shares[s]);
        print_message("%.0f %% sulked about: convicted after %.1f visits, by the formula %.1f\n",
            100 * shares[s], mean, expected);
        /* The first sulk has one lead and no excuse, and there are never fewer than none. */
        assert_true(mean < 1.05 * expected && mean > 0.6 * expected);
    }
}

/* ---- honest nodes that look like it ---- */

struct frail {
    struct env *env;
    unsigned breaks_after; /* so many questions of a visit */
    double breaks;         /* chance, at each question */
    bool is_broken;        /* until the visit is over */
};

static bool frail_gives(void *context, bool is_the_cell, unsigned asked)
{
    (void)is_the_cell; /* it has it, as it has all */
    struct frail *frail = context;
    frail->is_broken = (asked > 0 && frail->is_broken) || asked >= frail->breaks_after ||
        chance(frail->env) < frail->breaks;
    return !frail->is_broken;
}

static void networks_that_break_under_a_second_question_convict_nobody(void **state)
{
    (void)state;
    enum { VISITS = 100000 };
    struct test_env env;
    test_env_init(&env, 45);
    struct frail frails[] = {{.breaks_after = 1}, {.breaks_after = 1, .breaks = 0.5},
        {.breaks_after = 100, .breaks = 0.5}, {.breaks_after = 100, .breaks = 0.9}};
    for (unsigned i = 0; i < sizeof(frails) / sizeof(frails[0]); i++) {
        struct visits visits = {.gives = frail_gives, .context = &frails[i]};
        unsigned sulks = 0;
        frails[i].env = &env.env;
        for (unsigned v = 0; v < VISITS; v++) {
            const struct audit_verdict verdict = visit(&env.env, &visits);
            assert_int_not_equal(verdict.outcome, AUDIT_FAIL);
            sulks += verdict.is_sulk;
            if (verdict.outcome == AUDIT_PASS) { /* the next one is another cell */
                visits.count = visits.strikes = 0;
            }
        }
        print_message("breaks after %u questions, or by %.1f at each: %u sulks in %d visits\n",
            frails[i].breaks_after, frails[i].breaks, sulks, VISITS);
        assert_true(sulks > VISITS / 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_away_whenever_asked_for_what_it_lacks_is_convicted_as_predicted),
        cmocka_unit_test(networks_that_break_under_a_second_question_convict_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
