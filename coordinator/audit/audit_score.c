#include "coordinator/audit/audit_score.h"

#include <assert.h>

static const double DECAY = 0.98;
static const double PRIOR = 20; /* passes a new node is given credit for */
static const double DATA_LEAST = 0.95;
static const double DATA_RETURN = 0.98;
static const double TROUBLE_LEAST = 0.5;
static const double TROUBLE_RETURN = 0.8;
static const double ROTTEN_WEIGHT = 0.25;
static const double CONTAINED_WEIGHT = 0.25;
static const double WITHHELD_DECAY = 0.998;
static const double WITHHELD_MOST = 2;

const char *audit_outcome_text(enum audit_outcome outcome)
{
    static const char *const texts[] = {
#define X(name, text) text,
        AUDIT_OUTCOME_TABLE(X)
#undef X
    };
    assert(outcome < AUDIT_OUTCOMES);
    return texts[outcome];
}

const char *audit_fault_text(enum audit_fault fault)
{
    static const char *const texts[] = {
#define X(name, text) text,
        AUDIT_FAULT_TABLE(X)
#undef X
    };
    assert(fault < AUDIT_FAULTS);
    return texts[fault];
}

void audit_score_init(struct audit_score *score)
{
    *score = (struct audit_score){.pass = PRIOR, .answer = PRIOR};
}

static void add_data(struct audit_score *score, double pass, double fail)
{
    score->pass = score->pass * DECAY + pass;
    score->fail = score->fail * DECAY + fail;
    score->withheld *= WITHHELD_DECAY;
}

static void add_trouble(struct audit_score *score, double answer, double trouble)
{
    score->answer = score->answer * DECAY + answer;
    score->trouble = score->trouble * DECAY + trouble;
}

static void add_fail(struct audit_score *score, enum audit_fault fault)
{
    add_data(score, 0, fault == AUDIT_FAULT_ROTTEN ? ROTTEN_WEIGHT : 1);
    score->withheld += fault == AUDIT_FAULT_SILENT;
    score->streak = 0;
}

void audit_score_add(struct audit_score *score, const struct audit_note *note, uint64_t now_ms)
{
    assert(note->outcome < AUDIT_OUTCOMES);
    score->counts[note->outcome]++;
    score->last_ms = now_ms;
    if (note->outcome == AUDIT_PASS) {
        add_data(score, 1, 0);
        add_trouble(score, 1, 0);
        score->streak++;
    } else if (note->outcome == AUDIT_FAIL) {
        add_fail(score, note->fault);
    } else if (note->outcome == AUDIT_UNKNOWN) {
        add_trouble(score, 0, 1);
    } else if (note->outcome == AUDIT_CONTAINED && !note->is_again) {
        add_trouble(score, 0, CONTAINED_WEIGHT);
    }
}

double audit_score_data(const struct audit_score *score)
{
    return score->pass / (score->pass + score->fail);
}

double audit_score_trouble(const struct audit_score *score)
{
    return score->answer / (score->answer + score->trouble);
}

/* For long enough: an outage of some hours is over by then, and what was contained came. */
static bool is_troubled(const struct audit_score *score, uint64_t contained_ms, uint64_t now_ms)
{
    return audit_score_trouble(score) < TROUBLE_LEAST && contained_ms != 0 &&
        now_ms >= contained_ms + AUDIT_TROUBLED_MS;
}

bool audit_score_falls(const struct audit_score *score, uint64_t contained_ms, uint64_t now_ms)
{
    return score->suspended_ms == 0 &&
        (audit_score_data(score) < DATA_LEAST || score->withheld > WITHHELD_MOST ||
            is_troubled(score, contained_ms, now_ms));
}

uint64_t audit_score_return_passes(const struct audit_score *score)
{
    uint64_t passes = AUDIT_RETURN_PASSES;
    for (uint64_t i = 1; i < score->suspensions && passes < AUDIT_RETURN_PASSES_MAX; i++) {
        passes *= 2;
    }
    return passes < AUDIT_RETURN_PASSES_MAX ? passes : AUDIT_RETURN_PASSES_MAX;
}

bool audit_score_rises(const struct audit_score *score, unsigned contained, uint64_t now_ms)
{
    return score->suspended_ms != 0 && now_ms >= score->suspended_ms + AUDIT_SUSPENDED_MS &&
        contained == 0 && score->streak >= audit_score_return_passes(score) &&
        audit_score_data(score) >= DATA_RETURN && audit_score_trouble(score) >= TROUBLE_RETURN;
}

void audit_score_suspend(struct audit_score *score, uint64_t now_ms)
{
    assert(score->suspended_ms == 0 && now_ms > 0);
    score->suspended_ms = now_ms;
    score->suspensions++;
    score->streak = 0;
    score->withheld = 0;
}

void audit_score_return(struct audit_score *score)
{
    assert(score->suspended_ms != 0);
    score->suspended_ms = 0;
}
