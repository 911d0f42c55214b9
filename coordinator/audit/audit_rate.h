/*
 * audit_rate.h - how often a node is asked: by what it holds, how well it is known, and what it
 * did.
 *
 *   a week = (floor + one for each 16 GiB held) x 4 if it is new x 4 if it is in doubt, at most 64
 * x
 *
 * In doubt: suspended, failed lately, cells contained, or named by readers.  What is owed adds up
 * with time, for a day at most: a node that was away is not asked for a week's worth at once.
 *
 *   chance to meet a dropped shard in m audits, when a share f was dropped:  1 - (1 - f)^m
 *
 * Pure arithmetic.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_RATE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AUDIT_FLOOR_PER_WEEK = 112, /* of each node: 16 a day; the setting's preset */
    AUDIT_FACTOR_MAX = 64,
    AUDIT_OWED_LEAST = 3, /* may always add up: no gap between audits is longer (audit_pace.h) */
};

#define AUDIT_WEEK_MS      (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define AUDIT_BYTES_AN_ASK (UINT64_C(16) << 30)
#define AUDIT_OWED_MOST_MS (UINT64_C(24) * 60 * 60 * 1000)

struct audit_risk {
    uint64_t used; /* bytes held */
    bool is_new;
    bool is_doubted;
};

/* Audits a week; floor_per_week 0: none at all. */
double audit_rate_per_week(uint64_t floor_per_week, const struct audit_risk *risk);

/* What is owed after so long: `owed` so far, not more than a day's worth, but at least three. */
double audit_rate_owed(double owed, double per_week, uint64_t elapsed_ms);

/* 1 - (1 - f)^m. */
double audit_rate_chance(double dropped, double audits);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_RATE_H */
