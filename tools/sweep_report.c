#include "tools/sweep_report.h"

#include "tools/format.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t sweep_report_per_s(const struct wire_sweep_info *sweep)
{
    return sweep->busy_ms == 0 ? 0 : sweep->segments * 1000 / sweep->busy_ms;
}

static uint64_t age_ms(const struct wire_sweep_info *sweep, uint64_t now_unix_ms)
{
    return now_unix_ms > sweep->finished_unix_ms ? now_unix_ms - sweep->finished_unix_ms : 0;
}

char *sweep_report_text(
    const struct wire_sweep_info *sweep, uint64_t now_unix_ms, char text[SWEEP_REPORT_SIZE])
{
    char age[FORMAT_DURATION_SIZE];
    char speed[40] = "";
    char next[60] = "";
    if (sweep->pass == 0) {
        snprintf(text, SWEEP_REPORT_SIZE, "no pass has ended yet");
        return text;
    }
    if (sweep->busy_ms > 0) {
        snprintf(speed, sizeof(speed), ", %" PRIu64 " a second", sweep_report_per_s(sweep));
    }
    if (sweep->running > 0) {
        snprintf(next, sizeof(next), "; pass %" PRIu64 " is at %" PRIu32 " %%", sweep->running,
            sweep->running_permille / 10);
    }
    snprintf(text, SWEEP_REPORT_SIZE, "pass %" PRIu64 ": %" PRIu64 " segment%s%s; ended %s ago%s",
        sweep->pass, sweep->segments, format_plural(sweep->segments), speed,
        format_duration(age_ms(sweep, now_unix_ms), age), next);
    return text;
}

json_t *sweep_report_json(const struct wire_sweep_info *sweep, uint64_t now_unix_ms)
{
    json_t *object = json_line_object();
    json_line_number(object, "pass", sweep->pass);
    json_line_time(object, "started", sweep->started_unix_ms);
    json_line_time(object, "finished", sweep->finished_unix_ms);
    if (sweep->pass > 0) {
        json_line_number(object, "age_ms", age_ms(sweep, now_unix_ms));
    }
    json_line_number(object, "segments", sweep->segments);
    json_line_number(object, "busy_ms", sweep->busy_ms);
    json_line_number(object, "segments_per_s", sweep_report_per_s(sweep));
    json_line_number(object, "running", sweep->running);
    json_line_number(object, "running_segments", sweep->running_segments);
    json_line_number(object, "running_permille", sweep->running_permille);
    return object;
}
