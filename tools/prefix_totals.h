/*
 * prefix_totals.h - what lies beneath each prefix, from one listing in the order of keys: pure
 * computation.
 *
 *   2026/a.jpg    --+
 *   2026/may/b.jpg  +--> "2026/may/" 1 object, "2026/" 2 objects, "" 3 objects
 *   notes.txt     --+
 *
 * All keys of a prefix follow each other, so only the prefixes of the present key are kept, and a
 * prefix is told when the first key beyond it comes: inner ones first, the root last.
 */
#ifndef HEARTH_TOOLS_PREFIX_TOTALS_H
#define HEARTH_TOOLS_PREFIX_TOTALS_H

#include "client/hearth.h"

enum { PREFIX_DEPTH_MAX = HEARTH_KEY_MAX }; /* a key has no more slashes */

struct prefix_total {
    struct view prefix; /* below the root, with its last slash; empty: the root */
    uint64_t objects;
    uint64_t bytes;
};

/* From zero, with what is set once filled in. */
struct prefix_totals {
    /* Set once. */
    unsigned depth; /* levels below the root that are told; 0: the root alone */
    void (*tell)(void *context, const struct prefix_total *total);
    void *context;

    unsigned open_count;          /* prefixes of the last key, the root not among them */
    uint8_t path[HEARTH_KEY_MAX]; /* the innermost of them; the others are its beginnings */
    struct prefix_total root;
    struct prefix_total open[PREFIX_DEPTH_MAX]; /* their views point into the path */
};

/* `name` is a key without its root; at most HEARTH_KEY_MAX bytes. */
void prefix_totals_add(struct prefix_totals *totals, struct view name, uint64_t size);

/* Tells what is still open. */
void prefix_totals_end(struct prefix_totals *totals);

#endif /* HEARTH_TOOLS_PREFIX_TOTALS_H */
