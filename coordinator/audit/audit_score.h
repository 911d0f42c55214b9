/*
 * audit_score.h - what is thought of a node, from what its audits brought.
 *
 * Two counts with a memory of about fifty audits: each new one makes the old ones count 2 % less.
 * The share of passes in them is the score.  So a past full of passes protects nobody for long, and
 * three proven losses in a row, or one audit in twenty in the long run, suspend.
 *
 *   outcome     data score            trouble score
 *   pass        up                    up
 *   fail        down (rotten: 1/4)
 *   unknown                           down
 *   contained                         down by 1/4, when the cell is asked for the first time
 *   offline: neither: it is counted as uptime
 *
 *   ACTIVE --data < 0.95 or trouble < 0.5 or withheld > 2--> suspended
 *          <-- so many passes in a row, 7 days --
 *
 * A timeout is never a loss.  But a node that is heard, and gives less than one in five of what it
 * is asked for, is of no use to anybody: that is trouble, which convicts of nothing, and suspends
 * when it has lasted for a day.
 *
 * Withheld: proven losses that the node was silent about, over and over.  They take days to prove,
 * and many passes go by meanwhile; so they have a memory of their own, of about five hundred
 * audits.  Three in it suspend.
 *
 * Pure arithmetic.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_SCORE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_SCORE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AUDIT_NEW_PASSES = 100,
    AUDIT_TROUBLED_MS = 24 * 60 * 60 * 1000,
    AUDIT_SUSPENDED_MS = 7 * 24 * 60 * 60 * 1000,
    AUDIT_RETURN_PASSES = 100, /* after the first suspension; twice as many after each more */
    AUDIT_RETURN_PASSES_MAX = 1600,
};

/* X(name, text): in the database and on the wire by number, from 0. */
#define AUDIT_OUTCOME_TABLE(X)                                                                     \
    X(NONE, "none")           /* it says nothing: discarded */                                     \
    X(PASS, "pass")           /* every cell came and is what was stored */                         \
    X(FAIL, "fail")           /* proven: what the node acknowledged is not there */                \
    X(OFFLINE, "offline")     /* nobody there */                                                   \
    X(CONTAINED, "contained") /* there, and no answer: the same cell is asked for again */         \
    X(UNKNOWN, "unknown")     /* an answer that says neither */

enum audit_outcome {
#define X(name, text) AUDIT_##name,
    AUDIT_OUTCOME_TABLE(X)
#undef X
        AUDIT_OUTCOMES
};

const char *audit_outcome_text(enum audit_outcome outcome); /* static storage */

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

/* What one audit came to. */
struct audit_note {
    enum audit_outcome outcome;
    enum audit_fault fault; /* of FAIL */
    bool is_again;          /* the cell was contained before */
};

struct audit_score {
    double pass, fail;               /* decayed */
    double answer, trouble;          /* likewise */
    double withheld;                 /* fails by silence, more slowly decayed */
    uint64_t counts[AUDIT_OUTCOMES]; /* of all time */
    uint64_t streak;                 /* passes since the last fail */
    uint64_t suspensions;
    uint64_t suspended_ms; /* unix time; 0: it is not */
    uint64_t last_ms;      /* of the last audit */
};

/* A node nobody has asked yet. */
void audit_score_init(struct audit_score *score);

void audit_score_add(struct audit_score *score, const struct audit_note *note, uint64_t now_ms);

/* 0..1. */
double audit_score_data(const struct audit_score *score);
double audit_score_trouble(const struct audit_score *score);

/* Not suspended, and should be.  `contained_ms`: since when the oldest of its contained cells is
 * one; 0: there is none. */
bool audit_score_falls(const struct audit_score *score, uint64_t contained_ms, uint64_t now_ms);

/* Suspended, and need not be any more. `contained`: of its cells, asked for again and again. */
bool audit_score_rises(const struct audit_score *score, unsigned contained, uint64_t now_ms);

void audit_score_suspend(struct audit_score *score, uint64_t now_ms);
void audit_score_return(struct audit_score *score);

/* Passes in a row that a suspended node has to show. */
uint64_t audit_score_return_passes(const struct audit_score *score);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_SCORE_H */
