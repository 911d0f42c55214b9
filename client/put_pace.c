#include "client/put_pace.h"

#include <assert.h>
#include <stddef.h>

enum { MS = 1000000 }; /* nanoseconds */

void put_pace_init(
    struct put_pace *pace, unsigned data_count, unsigned receipts_min, uint64_t now_ns)
{
    *pace = (struct put_pace){
        .data_count = data_count,
        .receipts_min = receipts_min,
        .started_ns = now_ns,
        .noted_ns = now_ns,
    };
}

/* The stall that is being counted now; NULL: none. */
static uint64_t *current_stall(struct put_pace *pace)
{
    if (!pace->is_stalled || pace->doing_well < pace->data_count) {
        return NULL;
    }
    return pace->doing_well >= pace->receipts_min ? &pace->cut_ns : &pace->spare_ns;
}

/* At the moment of the last note. */
static uint64_t patience_ns(const struct put_pace *pace, uint64_t least_ms)
{
    uint64_t useful_ns = pace->noted_ns - pace->started_ns - pace->cut_ns - pace->spare_ns;
    return useful_ns > least_ms * MS ? useful_ns : least_ms * MS;
}

static uint64_t stall_limit_ns(const struct put_pace *pace)
{
    bool is_cut = pace->doing_well >= pace->receipts_min;
    return patience_ns(pace, is_cut ? PUT_PACE_CUT_MS : PUT_PACE_SPARE_MS);
}

enum put_verdict put_pace_note(
    struct put_pace *pace, bool is_stalled, unsigned doing_well, uint64_t now_ns)
{
    assert(now_ns >= pace->noted_ns);
    uint64_t *stall = current_stall(pace);
    if (stall != NULL) {
        *stall += now_ns - pace->noted_ns;
    }
    pace->noted_ns = now_ns;
    pace->is_stalled = is_stalled;
    pace->doing_well = doing_well;

    stall = current_stall(pace);
    if (stall == NULL || *stall < stall_limit_ns(pace)) {
        return PUT_GO_ON;
    }
    return stall == &pace->cut_ns ? PUT_CUT : PUT_SPARE;
}

uint64_t put_pace_due_ns(const struct put_pace *pace)
{
    struct put_pace copy = *pace;
    const uint64_t *stall = current_stall(&copy);
    if (stall == NULL) {
        return UINT64_MAX;
    }
    uint64_t limit_ns = stall_limit_ns(pace);
    return pace->noted_ns + (*stall < limit_ns ? limit_ns - *stall : 0);
}

void put_pace_forgive(struct put_pace *pace)
{
    pace->cut_ns = 0;
    pace->spare_ns = 0;
}
