#include "proto/evidence_count.h"

/* Others that came directly before tries[i]. */
static unsigned count_leads(const struct evidence_try *tries, size_t i)
{
    unsigned count = 0;
    while (count < EVIDENCE_LEADS_MAX && count < i &&
        tries[i - count - 1].role == EVIDENCE_BEFORE &&
        tries[i - count - 1].answer == EVIDENCE_TRUE) {
        count++;
    }
    return count;
}

unsigned evidence_strikes(const struct evidence_try *tries, size_t count)
{
    unsigned strikes = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_missed = tries[i].role == EVIDENCE_CELL && tries[i].answer > EVIDENCE_ROTTEN;
        strikes += is_missed ? count_leads(tries, i) : 0;
    }
    return strikes;
}
