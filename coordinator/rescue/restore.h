/*
 * restore.h - a backup becomes the metadata.
 *
 *   coordinator that does not run:  FILE --> restore_place: staged, checked, in its place
 *   one that runs:                  admin_restore: staged, checked --restore_order--> main: all is
 *                                   closed, in its place, all is opened again
 */
#ifndef HEARTH_COORDINATOR_RESCUE_RESTORE_H
#define HEARTH_COORDINATOR_RESCUE_RESTORE_H

#include "common/env.h"
#include "coordinator/rescue/restore_place.h"
#include "coordinator/settings.h"

#include <stdio.h>

/*
 * HEARTH_EXISTS: there is metadata, and !replaces.  HEARTH_BUSY: the coordinator runs.
 * HEARTH_CHECKSUM: the file was cut short or is damaged.  HEARTH_CONFLICT: of another cluster.
 */
enum hearth_code coordinator_restore(const struct settings *settings, const char *file,
    bool replaces, struct env *env, FILE *out, struct hearth_err *err);

/* ---- of a coordinator that runs ---- */

/*
 * What main is to do as soon as everything is closed.  Given once by a thread of the coordinator;
 * main looks when it sees fd, or has closed all.
 */
struct restore_order {
    int fd; /* readable: it was given */
    bool is_given;
    struct restore_place place;
};

enum hearth_code restore_order_open(struct restore_order *order, struct hearth_err *err);
void restore_order_close(struct restore_order *order);

/* What was staged in the place was checked. Only while none is given. */
void restore_order_give(struct restore_order *order, const struct restore_place *place);

/* The coordinator is closed.  Whatever becomes of it, the next may be given; after a failure the
 * metadata is what it was. */
enum hearth_code restore_order_carry_out(struct restore_order *order, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_RESTORE_H */
