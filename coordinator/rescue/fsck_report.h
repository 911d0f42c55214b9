/*
 * fsck_report.h - what an offline check of a whole cluster found.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H

#include <stdint.h>

enum { FSCK_PROBLEMS_SHOWN = 50 }; /* of those on standard error; the rest are counted */

struct fsck_report {
    void (*tell)(void *context, const char *text); /* NULL: a line on standard error */
    void *context;
    uint64_t objects;
    uint64_t bytes;
    uint64_t segments;
    uint64_t segments_below_n;
    uint64_t shards;   /* that a segment names: found, right length, every tag verified */
    uint64_t decoded;  /* segments whose shards were rebuilt from k of them and compared */
    uint64_t on_disk;  /* live shards, named or not */
    uint64_t offered;  /* of these: of an upload or a repair that has not ended */
    uint64_t dead;     /* of these: named as dead, not yet trashed */
    uint64_t strays;   /* of these: of a shipment from before the coordinator was rebuilt */
    uint64_t orphans;  /* of these: named by nobody, so kept for ever */
    uint64_t trashed;  /* readable for a while */
    uint64_t problems; /* what must not be, orphans among it */
};

/* Tells of it, and counts it. */
void fsck_problem(struct fsck_report *report, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One JSON object. */
void fsck_report_print(const struct fsck_report *report);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H */
