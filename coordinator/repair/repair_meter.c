#include "coordinator/repair/repair_meter.h"

/* Bins that the clock has left behind are empty. */
static void turn(struct repair_meter *meter, uint64_t now_ms)
{
    const uint64_t bin = now_ms / REPAIR_METER_BIN_MS;
    if (meter->first_bin == 0) {
        meter->first_bin = meter->bin = bin;
    }
    if (bin > meter->bin + REPAIR_METER_BINS) {
        meter->bin = bin - REPAIR_METER_BINS;
    }
    while (meter->bin < bin) {
        meter->bin++;
        meter->bytes[meter->bin % REPAIR_METER_BINS] = 0;
    }
}

void repair_meter_add(struct repair_meter *meter, uint64_t bytes, uint64_t now_ms)
{
    turn(meter, now_ms);
    meter->bytes[meter->bin % REPAIR_METER_BINS] += bytes;
}

uint64_t repair_meter_per_s(struct repair_meter *meter, uint64_t now_ms)
{
    uint64_t sum = 0;
    turn(meter, now_ms);
    for (unsigned i = 0; i < REPAIR_METER_BINS; i++) {
        sum += meter->bytes[i];
    }
    uint64_t bins = meter->bin - meter->first_bin + 1;
    bins = bins < REPAIR_METER_BINS ? bins : REPAIR_METER_BINS;
    return sum * 1000 / (bins * REPAIR_METER_BIN_MS);
}
