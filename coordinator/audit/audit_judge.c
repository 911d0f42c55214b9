#include "coordinator/audit/audit_judge.h"

#include <assert.h>

const char *audit_answer_text(enum audit_answer answer)
{
    static const char *const texts[] = {
        "not asked", "true", "wrong", "missing", "rotten", "silent", "cut off", "refused"};
    assert(answer <= AUDIT_REFUSED);
    return texts[answer];
}

enum audit_answer audit_answer_of(enum hearth_code code)
{
    switch (code) {
    case HEARTH_OK: return AUDIT_TRUE;
    case HEARTH_NOT_FOUND:
    case HEARTH_TRASHED: return AUDIT_MISSING;
    case HEARTH_CHECKSUM: return AUDIT_ROTTEN;
    case HEARTH_DEADLINE: return AUDIT_SILENT;
    case HEARTH_UNREACHABLE:
    case HEARTH_UNKNOWN:
    case HEARTH_CANCELLED: return AUDIT_CUT_OFF;
    default: return AUDIT_REFUSED;
    }
}

/* ---- what would be a fail ---- */

static bool is_confirmed(const struct audit_case *audit)
{
    return audit_answer_is_bad(audit->answer) && audit_answer_is_bad(audit->again);
}

/* Others came in its place. */
static bool is_missed(const struct audit_case *audit)
{
    return audit_answer_is_none(audit->answer) && audit->leads > 0 && !audit->is_auditor_doubted;
}

static bool is_last_straw(const struct audit_case *audit)
{
    return is_missed(audit) && audit->strikes + audit->leads >= AUDIT_STRIKES_MAX;
}

/* Once, wrong bytes may be what was uploaded; "missing" cannot, for there is a receipt. */
static bool is_nobodys_fault(const struct audit_case *audit)
{
    return audit->again == AUDIT_WRONG && !audit->has_passed;
}

bool audit_needs_witnesses(const struct audit_case *audit)
{
    if (!audit->is_in_place) {
        return false;
    }
    return is_confirmed(audit) ? audit->again != AUDIT_ROTTEN && !is_nobodys_fault(audit)
                               : is_last_straw(audit);
}

/* Fewer than k true ones, or half of them not: it may be us. */
static bool is_witnessed(const struct audit_case *audit)
{
    return !audit->is_auditor_doubted && audit->witnesses_true >= audit->k &&
        2 * audit->witnesses_true >= audit->witnesses_asked;
}

/* ---- the verdict ---- */

static struct audit_verdict fail(enum audit_fault fault)
{
    return (struct audit_verdict){.outcome = AUDIT_FAIL, .fault = fault, .is_damaged = true};
}

static struct audit_verdict contain(enum audit_outcome outcome)
{
    return (struct audit_verdict){.outcome = outcome, .is_contained = true};
}

static struct audit_verdict judge_bad(const struct audit_case *audit)
{
    if (audit->again == AUDIT_TRUE) {
        return contain(AUDIT_UNKNOWN); /* what was not there is there: which is it next time? */
    }
    if (!is_confirmed(audit)) {
        return contain(AUDIT_CONTAINED);
    }
    if (audit->again == AUDIT_ROTTEN) {
        return fail(AUDIT_FAULT_ROTTEN);
    }
    if (is_nobodys_fault(audit)) {
        return (struct audit_verdict){.outcome = AUDIT_NONE, .is_damaged = true};
    }
    if (!is_witnessed(audit)) {
        return contain(AUDIT_NONE);
    }
    return fail(audit->again == AUDIT_WRONG ? AUDIT_FAULT_WRONG : AUDIT_FAULT_MISSING);
}

static struct audit_verdict judge_unanswered(const struct audit_case *audit)
{
    if (is_last_straw(audit) && is_witnessed(audit)) {
        return fail(AUDIT_FAULT_SILENT);
    }
    if (is_missed(audit)) {
        struct audit_verdict verdict = contain(AUDIT_CONTAINED);
        verdict.strikes = audit->leads;
        return verdict;
    }
    if (audit->is_auditor_doubted) {
        return contain(AUDIT_NONE);
    }
    if (audit->answer == AUDIT_CUT_OFF && !audit->is_heard) {
        return contain(AUDIT_OFFLINE);
    }
    return contain(audit->answer == AUDIT_REFUSED ? AUDIT_UNKNOWN : AUDIT_CONTAINED);
}

void audit_judge(const struct audit_case *audit, struct audit_verdict *out)
{
    *out = (struct audit_verdict){.outcome = AUDIT_NONE};
    if (audit->answer == AUDIT_TRUE) {
        out->outcome = AUDIT_PASS;
    } else if (!audit->is_in_place || audit->answer == AUDIT_NOT_ASKED) {
        return;
    } else if (audit_answer_is_bad(audit->answer)) {
        *out = judge_bad(audit);
    } else {
        *out = judge_unanswered(audit);
    }
}

/* ---- the next time ---- */

uint64_t audit_recheck_ms(uint64_t setting_ms, unsigned strikes)
{
    return setting_ms << (strikes > 0);
}

uint64_t audit_patience_ms(uint64_t setting_ms, unsigned strikes)
{
    return setting_ms << (strikes < 2 ? strikes : 2);
}

unsigned audit_leads(uint32_t chance)
{
    unsigned leads = 0;
    while (leads < AUDIT_LEADS_MAX && (chance >> leads & 1) != 0) {
        leads++;
    }
    return leads;
}
