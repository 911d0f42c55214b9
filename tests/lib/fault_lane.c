#include "tests/lib/fault_lane.h"

#include <assert.h>

enum { BUDGET_UNIT = 1000, WAIT_FOR_BYTES_MS = 10 };

static size_t least(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* A slow way holds a second's worth, so that what is sent is soon held up like what arrives. */
static uint64_t capacity_of(const struct fault_way *way)
{
    return way->rate == 0 ? FAULT_LANE_SIZE : least(way->rate, FAULT_LANE_SIZE);
}

size_t fault_lane_space(
    const struct fault_lane *lane, const struct fault_way *way, size_t *out_offset)
{
    uint64_t held = lane->added - lane->gone;
    uint64_t capacity = capacity_of(way);
    if (held >= capacity || lane->mark_end - lane->mark_first == FAULT_LANE_MARKS_MAX) {
        return 0;
    }
    *out_offset = (size_t)(lane->added % FAULT_LANE_SIZE);
    return least(capacity - held, FAULT_LANE_SIZE - *out_offset);
}

void fault_lane_added(
    struct fault_lane *lane, const struct fault_way *way, uint64_t now_ms, size_t size)
{
    lane->added += size;
    assert(lane->added - lane->gone <= FAULT_LANE_SIZE);
    if (way->losing) {
        lane->gone = lane->added;
        lane->mark_first = lane->mark_end;
        return;
    }
    assert(lane->mark_end - lane->mark_first < FAULT_LANE_MARKS_MAX);
    lane->marks[lane->mark_end++ % FAULT_LANE_MARKS_MAX] =
        (struct fault_mark){.end = lane->added, .due_ms = now_ms + way->delay_ms};
}

/* Up to which byte the hour has come. */
static uint64_t due_end(const struct fault_lane *lane, uint64_t now_ms)
{
    uint64_t end = lane->gone;
    for (uint64_t i = lane->mark_first; i < lane->mark_end; i++) {
        const struct fault_mark *mark = &lane->marks[i % FAULT_LANE_MARKS_MAX];
        if (mark->due_ms > now_ms) {
            break;
        }
        end = mark->end;
    }
    return end;
}

static uint64_t burst_of(const struct fault_way *way)
{
    uint64_t burst = way->rate * FAULT_BURST_MS;
    return burst < BUDGET_UNIT ? BUDGET_UNIT : burst;
}

static void fill_budget(struct fault_way *way, uint64_t now_ms)
{
    way->budget += way->rate * (now_ms - way->budget_ms);
    way->budget_ms = now_ms;
    if (way->budget > burst_of(way)) {
        way->budget = burst_of(way);
    }
}

size_t fault_lane_ready(
    const struct fault_lane *lane, struct fault_way *way, uint64_t now_ms, size_t *out_offset)
{
    if (way->stalled || way->losing) {
        return 0;
    }
    uint64_t due = due_end(lane, now_ms) - lane->gone;
    if (way->rate != 0) {
        fill_budget(way, now_ms);
        due = least(due, way->budget / BUDGET_UNIT);
    }
    *out_offset = (size_t)(lane->gone % FAULT_LANE_SIZE);
    return least(due, FAULT_LANE_SIZE - *out_offset);
}

void fault_lane_gone(struct fault_lane *lane, struct fault_way *way, size_t size)
{
    lane->gone += size;
    assert(lane->gone <= lane->added);
    while (lane->mark_first < lane->mark_end &&
        lane->marks[lane->mark_first % FAULT_LANE_MARKS_MAX].end <= lane->gone) {
        lane->mark_first++;
    }
    if (way->rate != 0) {
        assert(way->budget >= size * BUDGET_UNIT);
        way->budget -= size * BUDGET_UNIT;
    }
}

int fault_lane_wait_ms(const struct fault_lane *lane, const struct fault_way *way, uint64_t now_ms)
{
    if (fault_lane_is_empty(lane) || way->stalled || way->losing) {
        return -1;
    }
    uint64_t due_ms = lane->marks[lane->mark_first % FAULT_LANE_MARKS_MAX].due_ms;
    if (due_ms > now_ms) {
        return (int)(due_ms - now_ms);
    }
    return way->rate == 0 ? 0 : WAIT_FOR_BYTES_MS;
}
