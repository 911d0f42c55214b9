#include "tools/report.h"

#include "common/cleanup.h"
#include "tools/format.h"
#include "tools/json_line.h"

#include <inttypes.h>
#include <stdio.h>

enum { SUM_SIZE = 256, LINE_SIZE = 2 * FORMAT_NAME_SIZE + 64 };

void report_begin(struct report *report, const struct report_options *options)
{
    *report = (struct report){.options = *options};
    pthread_mutex_init(&report->shared.mutex, NULL);
}

/* ---- lines ---- */

static void print_json(const struct report *report, const struct report_line *line)
{
    json_t *object = json_line_object();
    json_line_text(object, "action", line->action);
    if (line->source.size > 0) {
        json_line_bytes(object, "source", line->source);
    }
    if (line->destination.size > 0) {
        json_line_bytes(object, "destination", line->destination);
    }
    json_line_number(object, "size", line->size);
    if (line->why != NULL) {
        json_line_text(object, "why", line->why);
    }
    if (line->resumed_bytes > 0) {
        json_line_number(object, "resumed_bytes", line->resumed_bytes);
    }
    json_line_flag(object, "dry_run", report->options.dry_run);
    json_line_print(object);
}

/* "upload a/b to s3://bucket/a/b (newer)" */
static void print_people(const struct report *report, const struct report_line *line)
{
    char names[2][FORMAT_NAME_SIZE];
    char text[LINE_SIZE];
    format_name(line->source, names[0]);
    format_name(line->destination, names[1]);
    bool has_both = line->source.size > 0 && line->destination.size > 0;
    snprintf(text, sizeof(text), "%s%s %s%s%s%s%s%s", report->options.dry_run ? "(dry run) " : "",
        line->action, names[0], has_both ? " to " : "", names[1], line->why == NULL ? "" : " (",
        line->why == NULL ? "" : line->why, line->why == NULL ? "" : ")");
    progress_output(errand_progress(report->options.errand), text);
}

void report_done(struct report *report, const struct report_line *line)
{
    UNLOCKS pthread_mutex_t *held = lock(&report->shared.mutex);
    if (line->source.size == 0) {
        report->shared.deleted++;
    } else {
        report->shared.copied++;
        report->shared.copied_bytes += line->size;
        report->shared.resumed_bytes += line->resumed_bytes;
    }
    if (report->options.json) {
        print_json(report, line);
    } else if (report->options.each) {
        print_people(report, line);
    }
    fflush(stdout); /* who reads along in a pipe sees it now; a full disk is found at the end */
}

void report_kept(struct report *report)
{
    UNLOCKS pthread_mutex_t *held = lock(&report->shared.mutex);
    report->shared.unchanged++;
}

void report_failed(struct report *report, struct view name, const struct hearth_err *err)
{
    char text[FORMAT_NAME_SIZE];
    {
        UNLOCKS pthread_mutex_t *held = lock(&report->shared.mutex);
        report->shared.failed++;
    }
    if (err->code != HEARTH_CANCELLED) {
        errand_say(report->options.errand, "%s: %.400s: %s", report->options.what,
            format_name(name, text), err->message);
    }
}

/* ---- the sum ---- */

static void print_sum_json(const struct report *report)
{
    json_t *object = json_line_object();
    json_line_flag(object, "summary", true);
    json_line_number(object, "copied", report->shared.copied);
    json_line_number(object, "copied_bytes", report->shared.copied_bytes);
    json_line_number(object, "resumed_bytes", report->shared.resumed_bytes);
    json_line_number(object, "deleted", report->shared.deleted);
    json_line_number(object, "unchanged", report->shared.unchanged);
    json_line_number(object, "failed", report->shared.failed);
    json_line_flag(object, "dry_run", report->options.dry_run);
    json_line_print(object);
}

/* "(dry run) 3 copied (1.5 MiB), 1 deleted, 40 unchanged, 2 failed" */
static void print_sum(const struct report *report)
{
    char text[SUM_SIZE];
    char bytes[FORMAT_BYTES_SIZE];
    snprintf(text, sizeof(text),
        "%s%" PRIu64 " copied (%s), %" PRIu64 " deleted, %" PRIu64 " unchanged, %" PRIu64 " failed",
        report->options.dry_run ? "(dry run) " : "", report->shared.copied,
        format_bytes(report->shared.copied_bytes, bytes), report->shared.deleted,
        report->shared.unchanged, report->shared.failed);
    progress_output(errand_progress(report->options.errand), text);
}

enum hearth_code report_finish(struct report *report, enum hearth_code code, struct hearth_err *err)
{
    pthread_mutex_destroy(&report->shared.mutex);
    if (report->options.json) {
        print_sum_json(report);
    } else if (report->options.each) {
        print_sum(report);
    }
    if (errand_check(report->options.errand, err) != HEARTH_OK || code != HEARTH_OK) {
        return err->code;
    }
    if (report->shared.failed > 0) {
        uint64_t all = report->shared.failed + report->shared.copied + report->shared.deleted +
            report->shared.unchanged;
        return hearth_fail(
            err, HEARTH_IO, "%" PRIu64 " of %" PRIu64 " failed", report->shared.failed, all);
    }
    return HEARTH_OK;
}
