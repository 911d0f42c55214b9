/*
 * progress.h - how far a transfer is, on one line of a terminal that is drawn over and over.
 *
 *    62% [=============>        ]  634 MiB of 1.0 GiB  105 MiB/s  ETA 4 s  12 of 40 files
 *
 * When standard error is no terminal there is no bar: progress_create() gives NULL, every function
 * accepts NULL, and only progress_line() and progress_output() still print.
 *
 * Thread-safety: any thread, after creation and before destruction.
 */
#ifndef HEARTH_TOOLS_PROGRESS_H
#define HEARTH_TOOLS_PROGRESS_H

#include "common/env.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* To be given up with progress_destroy(). NULL: nobody is looking, or no memory for it. */
struct progress *progress_create(struct env *env);

/* Erases the bar; accepts NULL. */
void progress_destroy(struct progress *progress);

/* More work became known. */
void progress_expect(struct progress *progress, uint64_t files, uint64_t bytes);

void progress_bytes(struct progress *progress, uint64_t bytes);
void progress_file_done(struct progress *progress);

/* A whole line for a person on standard error, above the bar if there is one. */
void progress_line(struct progress *progress, const char *text);

/* The same on standard output. */
void progress_output(struct progress *progress, const char *text);

/* ---- what is drawn: apart, so that it can be tested ---- */

struct progress_view {
    uint64_t bytes_done;
    uint64_t bytes_expected; /* 0: not known */
    uint64_t files_done;
    uint64_t files_expected; /* 1 or less: not shown */
    uint64_t bytes_per_s;    /* lately; 0: not known */
};

/* At most `width` characters, of ASCII; line has room for one more. */
void progress_render(const struct progress_view *view, unsigned width, char *line);

/*
 * Bytes per second over the last few seconds, so that the figure neither jumps nor remembers a
 * stall for ever.
 */
enum { PROGRESS_SAMPLES = 16, PROGRESS_SAMPLE_MS = 250 };

struct progress_rate {
    unsigned count; /* samples taken, ever */
    struct {
        uint64_t at_ms;
        uint64_t bytes;
    } samples[PROGRESS_SAMPLES];
};

/* Cheap to call too often. */
void progress_rate_note(struct progress_rate *rate, uint64_t now_ms, uint64_t bytes_done);
uint64_t progress_rate_per_s(const struct progress_rate *rate, uint64_t now_ms, uint64_t bytes);

#endif /* HEARTH_TOOLS_PROGRESS_H */
