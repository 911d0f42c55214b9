/*
 * status_report.h - a cluster's status for people and for programs.
 *
 * For people: the sentence, what somebody has to do, then one line a matter.  What is a number in
 * the one is the same number in the other, and on the coordinator's page of metrics.
 */
#ifndef HEARTH_TOOLS_STATUS_REPORT_H
#define HEARTH_TOOLS_STATUS_REPORT_H

#include "proto/wire_fleet.h"
#include "tools/json_line.h"

#include <stdio.h>

void status_report_print(FILE *out, const struct wire_status_reply *status);

json_t *status_report_json(const struct wire_status_reply *status);

#endif /* HEARTH_TOOLS_STATUS_REPORT_H */
