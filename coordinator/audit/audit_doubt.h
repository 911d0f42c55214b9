/*
 * audit_doubt.h - whether the auditor has reason to think that it is itself what is wrong.
 *
 * The latest visits are kept, one a node: when more than half of at least four nodes seemed wrong
 * or away within a quarter of an hour, it is rather our network, our clock or our keys.
 *
 * Thread-safety: the one thread of the duty.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_DOUBT_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AUDIT_DOUBT_VISITS = 64,
    AUDIT_DOUBT_LEAST = 4, /* nodes; of fewer nothing is concluded */
    AUDIT_DOUBT_MS = 15 * 60 * 1000,
};

struct audit_doubt_visit {
    uint32_t node; /* 0: none */
    bool was_true;
    uint64_t at_ms;
};

/* Zeroed: nobody was visited. */
struct audit_doubt {
    struct audit_doubt_visit visits[AUDIT_DOUBT_VISITS];
};

/* What the node gave lately; the oldest visit is forgotten when there are too many. */
void audit_doubt_note(struct audit_doubt *doubt, uint32_t node, bool was_true, uint64_t now_ms);

bool audit_doubt_is(const struct audit_doubt *doubt, uint64_t now_ms);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_DOUBT_H */
