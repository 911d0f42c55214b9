/*
 * get_window.h - the stripes of a segment that are being collected: verified cells, in any order,
 * until what is needed of the oldest stripe is there or can be rebuilt.
 *
 *   delivered ... | base | base+1 | ... | base+size-1 | not asked for yet ...
 *
 * Thread-safety: one transfer's.
 */
#ifndef HEARTH_CLIENT_GET_WINDOW_H
#define HEARTH_CLIENT_GET_WINDOW_H

#include "common/buf.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"

struct get_stripe {
    struct ec_slots have;
    struct slice *cells; /* slot_count; cell and tag */
};

struct get_window {
    const struct ec_codec *codec;   /* borrowed */
    const struct ec_stripes *shape; /* borrowed */
    unsigned slot_count;
    unsigned size;              /* stripes collected at once */
    unsigned base;              /* the oldest */
    struct get_stripe *stripes; /* size; stripe s is stripes[s % size] */
    struct buf *rebuilt;        /* cells of the oldest stripe that did not come; slot by slot */
};

/* Codec and shape are borrowed for the life of the window. HEARTH_NO_MEMORY. */
enum hearth_code get_window_init(struct get_window *window, const struct ec_codec *codec,
    const struct ec_stripes *shape, unsigned size, unsigned first_stripe, struct hearth_err *err);
void get_window_fini(struct get_window *window);

/* A verified cell of a stripe below base + size.  What is of no use any more is dropped. */
void get_window_add(
    struct get_window *window, unsigned stripe, unsigned slot, struct slice cell TAKES);

/* Slots whose cell is there; none of stripes beyond the window. */
struct ec_slots get_window_have(const struct get_window *window, unsigned stripe);

/* Cells that have to come at least until the needed data cells of a stripe are there, or k of any
 * kind. */
unsigned get_window_missing(
    const struct get_window *window, unsigned stripe, struct ec_slots needed);

/* Makes the needed data cells of the oldest stripe that did not come; it has enough. */
enum hearth_code get_window_rebuild(
    struct get_window *window, struct ec_slots needed, struct hearth_err *err);

/* A data cell of the oldest stripe, come or rebuilt; without its tag. */
const uint8_t *get_window_cell(const struct get_window *window, unsigned slot);

/* The oldest stripe was delivered. */
void get_window_advance(struct get_window *window);

#endif /* HEARTH_CLIENT_GET_WINDOW_H */
