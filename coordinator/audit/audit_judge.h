/*
 * audit_judge.h - from answers to an outcome: who is convicted of what, and who of nothing.
 *
 *   cells true --------------------------------------------------------> pass
 *   wrong, missing --again: the same--> place the same? --> k others true? --> fail
 *                       |                   | no: it was deleted or moved      | no: we may be at
 *                       | true: unknown     v nothing is said                  v fault, contained
 *   wrong, never passed before: its tags may be wrong since the upload: nobody's fault, repaired
 *   rotten: its own node says so: fail, but a light one
 *   silent, cut off, refused ----> contained: the same cell is asked for again, before all others
 *        |                            |--true--> pass: out of it, all is forgiven
 *        |                            `--strike, strike ... 24 of them--> fail
 *        `-- nobody is there, and nothing is heard of the node --> offline
 *
 * A timeout is never a loss: a line may break, and a box may be slow.  But that does not depend on
 * which of its cells a node is asked for.  So before each question of a visit a coin decides: the
 * contained cell, or another one of the same node and as long first, up to three of them, one after
 * the other.  Each other one that came, when this one then did not, is a strike: had the coin
 * fallen otherwise, this one would have been asked for in its place, and would have come from
 * whoever has it.  An honest node gets s strikes before it gives the cell, and is forgiven, with a
 * chance of 1 in 2^s, whatever its line is like; one that lacks the cell gets them all, as long as
 * it gives anything at all.  With g the share that it gives, a visit brings
 * g / 2 + g^2 / 4 + g^3 / 8 strikes.  Re-asks come an hour or more after one another, and wait
 * longer for an answer than the others were waited for.
 *
 * The auditor suspects itself: no fail and no strike while more than half of the nodes visited
 * lately, or of the holders asked beside this one, seem wrong or away, and none unless k others
 * verify under the same key.
 *
 * Pure.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_JUDGE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_JUDGE_H

#include "common/err.h"
#include "coordinator/audit/audit_score.h"

enum {
    AUDIT_STRIKES_MAX = 24,
    AUDIT_LEADS_MAX = 3, /* cells that go before one that is contained */
};

/* What came of asking for one run of cells. */
enum audit_answer {
    AUDIT_NOT_ASKED,
    AUDIT_TRUE,    /* all of them came and fit their tags */
    AUDIT_WRONG,   /* one that does not, or fewer */
    AUDIT_MISSING, /* "there is no such shard" */
    AUDIT_ROTTEN,  /* "it is not what I stored" */
    AUDIT_SILENT,  /* nothing in time */
    AUDIT_CUT_OFF, /* no connection, or it broke */
    AUDIT_REFUSED, /* "busy", "i/o failed" ... */
};

/* "true" ...; static storage. */
const char *audit_answer_text(enum audit_answer answer);

/* Of a call that ended with this code. */
enum audit_answer audit_answer_of(enum hearth_code code);

/* It says nothing about the shard. */
static inline bool audit_answer_is_none(enum audit_answer answer)
{
    return answer == AUDIT_SILENT || answer == AUDIT_CUT_OFF || answer == AUDIT_REFUSED;
}

/* It says that the shard is not there as it was stored. */
static inline bool audit_answer_is_bad(enum audit_answer answer)
{
    return answer == AUDIT_WRONG || answer == AUDIT_MISSING || answer == AUDIT_ROTTEN;
}

struct audit_case {
    enum audit_answer answer;
    enum audit_answer again; /* of a bad one: the second time */
    unsigned strikes;        /* so far */
    unsigned leads;          /* others that came before it in this visit, each no shorter */
    bool has_passed;         /* this placement, once */
    bool is_in_place;        /* by the metadata read afterwards: its slot is still this one's */
    bool is_heard;           /* the node sends heartbeats */
    unsigned k;
    unsigned witnesses_asked; /* other holders of the same stripe ... */
    unsigned witnesses_true;
    bool is_auditor_doubted; /* too many nodes seem wrong or away */
};

struct audit_verdict {
    enum audit_outcome outcome;
    enum audit_fault fault; /* of FAIL */
    bool is_damaged;        /* repair should make it anew */
    bool is_contained;      /* the same cell is asked for again */
    unsigned strikes;       /* more than before */
};

/* Before witnesses are asked: whether it would be a fail if they confirm it. */
bool audit_needs_witnesses(const struct audit_case *audit);

void audit_judge(const struct audit_case *audit, struct audit_verdict *out);

/* How long after a visit the same cell is asked for again, and how long it then has: as long as the
 * setting says; when there are strikes, twice as long, and up to 4 times. */
uint64_t audit_recheck_ms(uint64_t setting_ms, unsigned strikes);
uint64_t audit_patience_ms(uint64_t setting_ms, unsigned strikes);

/* How many others go before a contained cell: as often as a coin falls on one side, up to
 * AUDIT_LEADS_MAX.  `chance` is random. */
unsigned audit_leads(uint32_t chance);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_JUDGE_H */
