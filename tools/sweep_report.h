/*
 * sweep_report.h - the pass over all segments, said to people and to programs.
 */
#ifndef HEARTH_TOOLS_SWEEP_REPORT_H
#define HEARTH_TOOLS_SWEEP_REPORT_H

#include "proto/wire_fleet.h"
#include "tools/json_line.h"

/* Segments in each second that the last pass was at work; 0: it took no time worth speaking of. */
uint64_t sweep_report_per_s(const struct wire_sweep_info *sweep);

/* "pass 7: 1200 segments, 600000 a second; ended 3 s ago"; room for SWEEP_REPORT_SIZE. */
enum { SWEEP_REPORT_SIZE = 160 };
char *sweep_report_text(
    const struct wire_sweep_info *sweep, uint64_t now_unix_ms, char text[SWEEP_REPORT_SIZE]);

/* An object of its own: pass, age, speed, and how far the one is that runs. */
json_t *sweep_report_json(const struct wire_sweep_info *sweep, uint64_t now_unix_ms);

#endif /* HEARTH_TOOLS_SWEEP_REPORT_H */
