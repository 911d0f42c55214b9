/*
 * fault_lane.h - bytes on their way through a bad network, in one direction of one connection.
 *
 *   read from one end --fault_lane_space, _added--> | bytes, each with its hour | --_ready,
 * _gone--> the other
 *
 * A `fault_way` is what is wrong with that direction, for all connections of a proxy together, as a
 * home has one uplink.  No sockets and no clock in here: the caller brings both, so that a test can
 * step through an hour.
 *
 * Thread-safety: none; one loop owns ways and lanes.
 */
#ifndef HEARTH_TESTS_LIB_FAULT_LANE_H
#define HEARTH_TESTS_LIB_FAULT_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAULT_LANE_SIZE = 256 * 1024, /* then nothing more is read: the sender is held up */
    FAULT_LANE_MARKS_MAX = 256,   /* reads whose hour has not come */
    FAULT_BURST_MS = 100,         /* of a limited rate, this much may leave at once */
};

/* Zero is a good network. */
struct fault_way {
    uint64_t rate; /* bytes a second; 0: no limit */
    uint64_t delay_ms;
    bool stalled; /* nothing arrives, nobody is told */
    bool losing;  /* the same, and what was sent meanwhile never arrives */

    uint64_t budget; /* thousandths of a byte that may leave */
    uint64_t budget_ms;
};

struct fault_mark {
    uint64_t end; /* counted from the first byte of the lane's life */
    uint64_t due_ms;
};

struct fault_lane {
    uint8_t bytes[FAULT_LANE_SIZE]; /* a ring */
    uint64_t added;
    uint64_t gone;
    struct fault_mark marks[FAULT_LANE_MARKS_MAX]; /* a ring */
    uint64_t mark_first;
    uint64_t mark_end;
};

/* Where the next bytes may be read to, and how many; 0: not now. */
size_t fault_lane_space(
    const struct fault_lane *lane, const struct fault_way *way, size_t *out_offset);

/* `size` bytes were read to where fault_lane_space said. */
void fault_lane_added(
    struct fault_lane *lane, const struct fault_way *way, uint64_t now_ms, size_t size);

/* Where the next bytes are that may leave now, and how many; 0: none. */
size_t fault_lane_ready(
    const struct fault_lane *lane, struct fault_way *way, uint64_t now_ms, size_t *out_offset);

/* `size` of the ready bytes left. */
void fault_lane_gone(struct fault_lane *lane, struct fault_way *way, size_t size);

/* Until when there is nothing to do: milliseconds, -1 for ever. */
int fault_lane_wait_ms(const struct fault_lane *lane, const struct fault_way *way, uint64_t now_ms);

static inline bool fault_lane_is_empty(const struct fault_lane *lane)
{
    return lane->added == lane->gone;
}

#endif /* HEARTH_TESTS_LIB_FAULT_LANE_H */
