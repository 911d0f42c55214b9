/*
 * repair_report.h - what is said of repair and durability, by their verbs and by status.
 */
#ifndef HEARTH_TOOLS_REPAIR_REPORT_H
#define HEARTH_TOOLS_REPAIR_REPORT_H

#include "proto/wire_fleet.h"
#include "tools/json_line.h"

#include <stdio.h>

/* How long what is due will take at the rate of now; 0: nothing moves, so nobody knows. */
uint64_t repair_report_eta_ms(const struct wire_repair_info *repair);

json_t *repair_report_json(const struct wire_repair_info *repair);

/* An object for each profile that has segments. */
json_t *repair_report_profiles_json(const struct wire_status_reply *status);

/* An object for each of the buckets in most danger, worst first. */
json_t *repair_report_buckets_json(const struct wire_status_reply *status);

/* A line for each profile, for all of several, and for the worst buckets. */
void repair_report_durability(FILE *out, const struct wire_status_reply *status);

#endif /* HEARTH_TOOLS_REPAIR_REPORT_H */
