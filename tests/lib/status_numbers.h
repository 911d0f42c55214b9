/*
 * status_numbers.h - a status of which each number is another one: who reads its neighbour is seen.
 */
#ifndef HEARTH_TESTS_LIB_STATUS_NUMBERS_H
#define HEARTH_TESTS_LIB_STATUS_NUMBERS_H

#include "proto/status_fields.h"

struct status_numbers {
    struct wire_sweep_info sweep;
    struct wire_repair_info repair;
    struct wire_durability_info durability;
    struct wire_status_moves moves;
    struct wire_status_audits audits;
    struct wire_status_reply status; /* points at those above */
};

void status_numbers_init(struct status_numbers *numbers);

/* What status_fields[row] is in it. */
uint64_t status_number(unsigned row);

/* How the page of metrics has it: "hearth_segments 12000", "hearth_time_seconds 7.000". */
enum { STATUS_NUMBER_LINE_SIZE = 160 };
char *status_number_line(unsigned row, char line[STATUS_NUMBER_LINE_SIZE]);

#endif /* HEARTH_TESTS_LIB_STATUS_NUMBERS_H */
