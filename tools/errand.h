/*
 * errand.h - one run of a verb: the library, Ctrl-C, the bar, and what is said on the way.
 *
 * Thread-safety: used by the thread of errand_run() and those it starts, until it returns.
 */
#ifndef HEARTH_TOOLS_ERRAND_H
#define HEARTH_TOOLS_ERRAND_H

#include "client/hearth.h"
#include "common/program.h"
#include "tools/progress.h"
#include "tools/rate_limit.h"

enum { ERRAND_TRANSFERS_MAX = 32 };

struct errand;

struct errand_options {
    unsigned transfers;   /* at once; 0: one */
    bool with_progress;   /* bytes will move: show how far */
    uint64_t bytes_per_s; /* all transfers together; 0: no limit */
};

/* What a verb does in between. */
typedef enum hearth_code errand_run_fn(
    struct errand *errand, const struct program_call *call, struct hearth_err *err);

/* Opens the library, runs, closes it; a failure is prefixed with the verb and its arguments, as
 * typed. */
enum program_exit errand_run(const struct program_call *call, const struct errand_options *options,
    errand_run_fn *run, struct hearth_err *err);

struct hearth *errand_hearth(const struct errand *errand);
const atomic_bool *errand_cancel(const struct errand *errand);
struct progress *errand_progress(const struct errand *errand); /* NULL: nobody looks */

const char *errand_config(const struct errand *errand);      /* the file it was opened with */
struct rate_limit *errand_rate(const struct errand *errand); /* NULL: no limit */

/* HEARTH_CANCELLED, with a message, after Ctrl-C. */
enum hearth_code errand_check(const struct errand *errand, struct hearth_err *err);

/* One line on standard error, "hearth: " before it: something failed, and the rest goes on. */
void errand_say(struct errand *errand, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* HEARTH_TOOLS_ERRAND_H */
