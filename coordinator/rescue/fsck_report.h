/*
 * fsck_report.h - what a check of the metadata by itself found.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H

#include <stdint.h>

struct fsck_report {
    void (*tell)(void *context, const char *text);
    void *context;
    uint64_t objects;
    uint64_t bytes;
};

/* Tells of it. */
void fsck_problem(struct fsck_report *report, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_REPORT_H */
