/*
 * evidence_count.h - what a list of questions about one cell amounts to.
 *
 *   another, true | another, true | the cell, nothing      two strikes
 *   the cell, nothing                                      none: nobody may have been there
 *
 * Before each question of a visit a coin decides whether the cell is asked for, or another one of
 * the same node and as long first (audit_judge.h).  When another came and the cell then did not,
 * that is a strike: had the coin fallen otherwise, the cell would have come from whoever has it,
 * however bad his line.  So twenty-four of them in a row happen to an honest node once in 2^24
 * times.
 *
 * The coordinator convicts by this count and whoever checks evidence counts again.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_EVIDENCE_COUNT_H
#define HEARTH_PROTO_EVIDENCE_COUNT_H

#include "proto/evidence_format.h"

enum {
    EVIDENCE_STRIKES = 24,  /* prove that a cell is not there */
    EVIDENCE_LEADS_MAX = 3, /* others before the cell, in one visit */
};

unsigned evidence_strikes(const struct evidence_try *tries, size_t count);

#endif /* HEARTH_PROTO_EVIDENCE_COUNT_H */
