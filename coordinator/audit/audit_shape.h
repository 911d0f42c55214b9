/*
 * audit_shape.h - which stripes a challenge asks for, so that it looks like somebody reading.
 *
 *   lookups of customers --note--> a few of the latest, at random --draw--> the run of a challenge
 *
 * A reader asks a node for a run of stripes of a shard: all of it, its beginning, or some of its
 * middle.  Challenges copy the runs that readers were given orders for lately, as often as they are
 * read, so a node that sorts what it is asked by its shape sorts nothing.  A run of the middle is
 * put where it holds the cell that was drawn; a beginning is a beginning, whatever was drawn. Where
 * hardly anybody reads more than beginnings, one in eight is the whole shard all the same: what
 * nobody asks for need not be kept.
 *
 * Thread-safety: any thread; a leaf lock.
 */
#ifndef HEARTH_COORDINATOR_AUDIT_AUDIT_SHAPE_H
#define HEARTH_COORDINATOR_AUDIT_AUDIT_SHAPE_H

#include "common/env.h"

#include <stdbool.h>

enum { AUDIT_SHAPES_MAX = 256 };

/* Stripes [first, first + count). */
struct audit_run {
    uint32_t first;
    uint32_t count;
};

struct audit_shapes;

struct audit_shapes *audit_shapes_create(struct env *env); /* NULL: out of memory */
void audit_shapes_destroy(struct audit_shapes *shapes);    /* accepts NULL */

/* Somebody may read this run of a shard with so many stripes. Accepts NULL. */
void audit_shapes_note(struct audit_shapes *shapes, struct audit_run run, uint32_t stripe_count);

/* A run of a shard of stripe_count stripes; it holds `stripe` unless it is a beginning. */
struct audit_run audit_shapes_draw(
    struct audit_shapes *shapes, uint32_t stripe, uint32_t stripe_count);

/* The same for a run of so many: anywhere in the shard, so that it holds the stripe; all of a shard
 * that is shorter. */
struct audit_run audit_shape_place(
    struct env *env, uint32_t count, uint32_t stripe, uint32_t stripe_count);

#endif /* HEARTH_COORDINATOR_AUDIT_AUDIT_SHAPE_H */
