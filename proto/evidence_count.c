#include "proto/evidence_count.h"

enum { VISIT_TRIES = 5 }; /* of one visit at most: two before, the cell, again, one after */

static bool is(const struct evidence_try *one, enum evidence_role role, bool came)
{
    return one->role == role &&
        (came ? one->answer == EVIDENCE_TRUE : one->answer > EVIDENCE_ROTTEN);
}

/* tries[i] is the cell, which did not come after another one that did. */
static bool is_missed(const struct evidence_try *tries, size_t count, size_t i)
{
    return i > 0 && i + 1 < count && is(&tries[i - 1], EVIDENCE_BEFORE, true) &&
        is(&tries[i], EVIDENCE_CELL, false);
}

unsigned evidence_strikes(const struct evidence_try *tries, size_t count)
{
    unsigned strikes = 0;
    for (size_t i = 0; i < count; i++) {
        strikes += is_missed(tries, count, i) && is(&tries[i + 1], EVIDENCE_AFTER, true);
    }
    return strikes;
}

unsigned evidence_sulks(const struct evidence_try *tries, size_t count)
{
    unsigned sulks = 0;
    for (size_t i = 1; i < count; i++) {
        bool is_excuse =
            is(&tries[i - 1], EVIDENCE_BEFORE, true) && is(&tries[i], EVIDENCE_BEFORE, false);
        sulks -= is_excuse && sulks > 0;
        sulks += is_missed(tries, count, i) && is(&tries[i + 1], EVIDENCE_AFTER, false);
    }
    return sulks;
}

unsigned evidence_sulks_so_far(struct view log)
{
    struct evidence_try tries[EVIDENCE_TRIES_MAX];
    size_t count;
    if (!evidence_tries_decode(log, tries, &count)) {
        return 0;
    }
    size_t kept = EVIDENCE_TRIES_MAX - VISIT_TRIES;
    size_t left_out = count > kept ? count - kept : 0;
    return evidence_sulks(tries + left_out, count - left_out);
}
