#include "coordinator/rescue/fsck_report.h"

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
    report->tell(report->context, text);
}
