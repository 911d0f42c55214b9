#include "coordinator/rescue/fsck_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 600 };

void fsck_problem(struct fsck_report *report, const char *fmt, ...)
{
    char text[TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    report->problems++;
    if (report->tell != NULL) {
        report->tell(report->context, text);
    } else if (report->problems <= FSCK_PROBLEMS_SHOWN) {
        fprintf(stderr, "%s\n", text);
    }
}

void fsck_report_print(const struct fsck_report *report)
{
    printf("{\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"segments\":%" PRIu64
           ",\"segments_below_n\":%" PRIu64 ",\"shards\":%" PRIu64 ",\"decoded\":%" PRIu64
           ",\"on_disk\":%" PRIu64 ",\"offered\":%" PRIu64 ",\"dead\":%" PRIu64
           ",\"strays\":%" PRIu64 ",\"orphans\":%" PRIu64 ",\"trashed\":%" PRIu64
           ",\"problems\":%" PRIu64 "}\n",
        report->objects, report->bytes, report->segments, report->segments_below_n, report->shards,
        report->decoded, report->on_disk, report->offered, report->dead, report->strays,
        report->orphans, report->trashed, report->problems);
}
