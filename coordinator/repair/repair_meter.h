/*
 * repair_meter.h - bytes a second, over the last minute.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_COORDINATOR_REPAIR_REPAIR_METER_H
#define HEARTH_COORDINATOR_REPAIR_REPAIR_METER_H

#include <stdint.h>

enum { REPAIR_METER_BINS = 12, REPAIR_METER_BIN_MS = 5000 };

/* Zeroed: nothing was counted yet. */
struct repair_meter {
    uint64_t bin; /* number of the newest, from the clock */
    uint64_t first_bin;
    uint64_t bytes[REPAIR_METER_BINS];
};

void repair_meter_add(struct repair_meter *meter, uint64_t bytes, uint64_t now_ms);
uint64_t repair_meter_per_s(struct repair_meter *meter, uint64_t now_ms);

#endif /* HEARTH_COORDINATOR_REPAIR_REPAIR_METER_H */
