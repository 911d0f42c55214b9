/*
 * get_cover.h - which holders are asked for which stripes, so that every stripe will have enough.
 *
 *   data slots   0  [=======]        stripes needed of it, from its own holder: nothing to decode
 *                1  [===XXXXX        its holder failed here,
 *                2     [=====]
 *   parity       3     [=====]       so another slot is asked from here on
 *
 * A range reads only the data cells it needs.  Where one of them cannot come from its own holder,
 * the stripe needs k cells of any kind, and as many lanes as are missing are opened, nodes in good
 * standing first, of these the ones expected to be quickest.
 *
 * A data slot is passed over although it could be had, when k others are expected to take less than
 * half as long: then decoding is cheaper than waiting.
 *
 * Decides and opens lanes; waits for nothing.  Thread-safety: one transfer's.
 */
#ifndef HEARTH_CLIENT_GET_COVER_H
#define HEARTH_CLIENT_GET_COVER_H

#include "client/get_lane.h"

/* What is known of one slot. */
struct get_holder {
    const struct wire_placement *placement; /* NULL: no node holds it */
    bool is_usable;                         /* has an order, and has not failed */
    enum hearth_code failed;                /* HEARTH_OK: it has not */
    unsigned tries;                         /* in vain: a node may have several addresses */
    enum node_standing standing;
    uint64_t expected_ns; /* what a call to it will take; UINT64_MAX: like the others */
};

struct get_cover {
    const struct ec_stripes *shape;
    struct get_window *window;
    struct ec_range sealed; /* what is wanted of the sealed stream */
    unsigned end;           /* one past the last stripe of it */
    unsigned slot_count;
    struct get_holder *holders; /* slot_count */
    unsigned lane_count;
    struct get_lane *lanes;
    uint64_t usual_ns;    /* what a call takes to one of whom nothing is known */
    uint64_t too_long_ns; /* who is expected to take longer is passed over */
};

/* Data slots of a stripe that hold something of the range. */
struct ec_slots get_cover_needed(const struct get_cover *cover, unsigned stripe);

enum get_cover_result {
    GET_COVERED,      /* every stripe from the window's base on will have enough */
    GET_COVERED_LATE, /* if lanes that are late come after all */
    GET_SHORT,        /* some stripe will not */
};

/* Opens the lanes that are missing. */
enum get_cover_result get_cover_make(struct get_cover *cover);

/* Drops the lanes that stood in for slots whose own lanes are back. */
void get_cover_prune(struct get_cover *cover);

#endif /* HEARTH_CLIENT_GET_COVER_H */
