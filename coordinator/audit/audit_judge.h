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
 *        |                            |--true--> pass: out of it
 *        |                            |--strike, strike ... 8 of them--> fail
 *        |                            `--sulk, sulk ... 14 of them--> fail
 *        `-- nobody is there, and nothing is heard of the node --> offline
 *
 * A strike is a visit in which the node gave two other cells, in time and true, one before and one
 * after, and this one not.  A node that is slow, busy or cut off fails others too, and gets none: a
 * timeout is never a loss.  Re-asks come an hour or more after one another, and wait longer for an
 * answer.
 *
 * A sulk is a visit in which the node gave the cell before, and neither this one nor the one after:
 * it may have gone just then.  One that goes whenever it is asked for what it lacks, and hardly
 * ever when it is asked for something else, is found out by that.  So the cell is asked for alone,
 * behind none to three others, one after the other (nobody can guess how many): when one of those
 * is followed by silence, that takes a sulk away, and when this one comes, all is forgiven.  A node
 * that is silent about every second question gives this cell whenever it is the first.
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
    AUDIT_STRIKES_MAX = 8,
    AUDIT_SULKS_MAX = 14,
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

/* What a fail is for. X(name, text); by number in the database and on the wire. */
#define AUDIT_FAULT_TABLE(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(WRONG, "wrong")     /* other bytes than were stored */                                       \
    X(MISSING, "missing") /* not there */                                                          \
    X(ROTTEN, "rotten")   /* damaged, by its own word */                                           \
    X(SILENT, "silent")   /* never this cell, while it gives others */

enum audit_fault {
#define X(name, text) AUDIT_FAULT_##name,
    AUDIT_FAULT_TABLE(X)
#undef X
        AUDIT_FAULTS
};

const char *audit_fault_text(enum audit_fault fault); /* static storage */

struct audit_case {
    enum audit_answer answer;
    enum audit_answer again;  /* of a bad one: the second time */
    unsigned strikes;         /* so far */
    unsigned sulks;           /* likewise, less those that were excused */
    bool has_passed;          /* this placement, once */
    bool is_in_place;         /* by the metadata read afterwards: its slot is still this one's */
    bool is_heard;            /* the node sends heartbeats */
    enum audit_answer before; /* the last of other cells of the node before this one ... */
    enum audit_answer after;  /* ... and after it had its time */
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
    bool is_strike;
    bool is_sulk;
};

/* Before witnesses are asked: whether it would be a fail if they confirm it. */
bool audit_needs_witnesses(const struct audit_case *audit);

void audit_judge(const struct audit_case *audit, struct audit_verdict *out);

/* How long after a visit the same cell is asked for again, up to 16 times the setting, and how long
 * it then has, up to 4 times: longer with each time it was missed, a strike or a sulk. */
uint64_t audit_recheck_ms(uint64_t setting_ms, unsigned missed);
uint64_t audit_patience_ms(uint64_t setting_ms, unsigned missed);

/* How many others go before a contained cell: one; when it was sulked about, none to
 * AUDIT_LEADS_MAX by `chance`, which is random. */
unsigned audit_leads(unsigned sulks, uint32_t chance);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_JUDGE_H */
