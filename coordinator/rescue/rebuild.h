/*
 * rebuild.h - a coordinator out of a recovery kit and the nodes alone.
 *
 *   kit --> keys --> nodes (kit, --nodes, who calls) --inventories--> shipments --> newest chain
 * --> meta.db, marked as a copy: its first start raises the recovery epoch and holds garbage
 *
 * Killed at any moment it is begun again with the same words: what is there of the same cluster is
 * kept, and meta.db appears last.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_REBUILD_H
#define HEARTH_COORDINATOR_RESCUE_REBUILD_H

#include "coordinator/init.h"

struct rebuild_options {
    struct init_options init; /* dir, and what its configuration says when there is none yet */
    const char *kit;          /* file; "-" is standard input */
    const char *nodes;        /* "HOST:PORT,HOST:PORT ..."; NULL: those of the kit, and who calls */
    const char *wait;         /* how long nodes may call; NULL: not at all */
    bool accepts_older;
};

/* HEARTH_EXISTS: metadata or another cluster's keys are there, untouched.  HEARTH_SHARDS_LOST,
 * HEARTH_NOT_FOUND: as rebuild_chain.h says. */
enum hearth_code coordinator_rebuild(
    const struct rebuild_options *options, struct env *env, FILE *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_REBUILD_H */
