/*
 * report.h - what cp, mv and sync say of what they did: a line each, a line that failed, a sum.
 *
 *   report_done ------+                         people: on standard output, if they want each line
 *   report_failed ----+--> report_finish        --json: one object per line, the sum last
 *   report_kept ------+                         failures: always one line on standard error
 *
 * Thread-safety: any thread, between begin and finish.
 */
#ifndef HEARTH_TOOLS_REPORT_H
#define HEARTH_TOOLS_REPORT_H

#include "tools/errand.h"

#include <pthread.h>

struct report_options {
    struct errand *errand;
    const char *what; /* "cp -r": before the name of what failed */
    bool each;        /* a line for all that is done, and the sum */
    bool json;        /* the same for programs */
    bool dry_run;     /* nothing is done; it is only said */
};

struct report {
    struct report_options options; /* set once */
    struct {
        pthread_mutex_t mutex; /* held while a line is printed, so that lines stay whole */
        uint64_t copied;
        uint64_t copied_bytes;
        uint64_t resumed_bytes;
        uint64_t deleted;
        uint64_t unchanged;
        uint64_t failed;
    } shared;
};

/* Something was done, or would be. */
struct report_line {
    const char *action;      /* "upload", "download", "copy", "delete"; with moves: "move" */
    const char *why;         /* NULL: nothing to say */
    struct view source;      /* empty: a deletion */
    struct view destination; /* empty: standard output */
    uint64_t size;
    uint64_t resumed_bytes; /* of these: were there from an earlier attempt */
};

void report_begin(struct report *report, const struct report_options *options);

void report_done(struct report *report, const struct report_line *line);
void report_kept(struct report *report);

/* `name` as a person knows it. After Ctrl-C only counted: each transfer under way fails then. */
void report_failed(struct report *report, struct view name, const struct hearth_err *err);

/* Prints the sum. `code` is how the walk went, its message in err; then Ctrl-C; then failures:
 * "3 of 40 failed". */
enum hearth_code report_finish(
    struct report *report, enum hearth_code code, struct hearth_err *err);

#endif /* HEARTH_TOOLS_REPORT_H */
