/*
 * audit_ask.h - questions to nodes, many at once, exactly as a reader asks them.
 *
 *   ask: an order, a run of stripes --shard_net--> cells, each held against its tag --> an answer
 *
 * A cell that does not fit ends its question and is kept.  A node that says nothing for as long as
 * it is waited for is silent.
 *
 * Blocks until every question has its answer.  Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_ASK_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_ASK_H

#include "client/shard_net.h"
#include "client/shard_tag.h"
#include "coordinator/audit/audit_judge.h"
#include "coordinator/audit/audit_shape.h"
#include "erasure/ec_stripe.h"

enum {
    AUDIT_AHEAD_CELLS = 16,           /* as readers do */
    AUDIT_LONGEST_MS = 9 * 60 * 1000, /* of one question: its order lasts for ten minutes */
};

struct audit_ask {
    /* What is asked: set by the caller. */
    struct shard_door door; /* borrowed until the call returns */
    unsigned slot;
    struct audit_run run;
    struct ec_stripes stripes;
    struct verify_key vk;
    uint64_t patience_ms; /* for each cell */

    /* What came of it. */
    enum audit_answer answer; /* AUDIT_NOT_ASKED before */
    enum hearth_code code;
    uint64_t asked_unix_ms;
    uint64_t ended_unix_ms;
    uint32_t wrong_stripe;
    struct slice wrong_cell; /* with its tag; released by audit_ask_fini() */

    /* While it runs. */
    struct shard_call *call;
    struct shard_tagger *tagger;
    uint32_t came; /* cells */
    uint64_t late_ns;
    uint64_t end_ns;
};

/* HEARTH_NO_MEMORY: none was asked. */
enum hearth_code audit_ask_all_blocking(struct shard_net *net, struct env *env,
    struct audit_ask *const *asks, unsigned count, struct hearth_err *err);

void audit_ask_fini(struct audit_ask *ask); /* accepts a zeroed one; wipes its key */

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_ASK_H */
