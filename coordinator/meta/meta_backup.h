/*
 * meta_backup.h - a consistent copy of the database, made while it is in use.
 *
 *   create (caller) -> step, step ... (writer, between its groups) -> finish (caller) -> destroy
 *
 * The copy is made through the writer's own connection, so what is written meanwhile goes into it
 * as well and no step is ever repeated.  It is marked as a backup: the store that opens it knows
 * that time has passed elsewhere.
 *
 * Thread-safety: one thread at a time; the caller hands it to the writer and gets it back.
 */
#ifndef HEARTH_COORDINATOR_META_META_BACKUP_H
#define HEARTH_COORDINATOR_META_META_BACKUP_H

#include "common/err.h"
#include "coordinator/meta/meta_types.h"

#include <stdbool.h>

/*
 * In an UPDATE of cluster_state: how far a copy knows.  What an earlier restore could not know it
 * does not know either, until an operator has given that up: else the next restore would make it
 * garbage (D5).
 */
#define META_BACKUP_MS_NOW                                                                         \
    "backup_ms = CASE WHEN backup_ms > given_up_ms THEN backup_ms ELSE clock_ms END"

struct meta_backup;
struct meta_connection;

/* HEARTH_EXISTS: path is there. Writes path.tmp until it is complete. */
enum hearth_code meta_backup_create(
    const char *path, struct meta_backup **out, struct hearth_err *err);

/* Copies some pages. True: no more steps are needed, or it failed, which finish will tell. */
bool meta_backup_step(struct meta_backup *backup, struct meta_connection *writer);

/* Marks, syncs and names the copy. */
enum hearth_code meta_backup_finish(struct meta_backup *backup, struct hearth_err *err);

/* Removes what was not finished. Accepts NULL. */
void meta_backup_destroy(struct meta_backup *backup);

/* ---- a copy that is to be used ---- */

struct meta_backup_facts {
    uint64_t recovery_epoch; /* once it is opened */
    uint64_t clock_ms;       /* how far it knows */
    uint64_t versions;       /* of objects */
    bool was_marked;         /* before it was adopted: made as a backup */
};

/*
 * Checks all of it, and marks it as a backup if it was not.  `epoch` is the highest that nodes may
 * have heard: what is opened is above it, or they would not listen.  HEARTH_CHECKSUM: cut short or
 * damaged.  HEARTH_CONFLICT: of another cluster.  HEARTH_UNKNOWN_FORMAT: no metadata, or of a
 * newer version.
 */
enum hearth_code meta_backup_adopt(const char *path, const uint8_t cluster[META_ID_SIZE],
    uint64_t epoch, struct meta_backup_facts *out, struct hearth_err *err);

/* The recovery epoch of a database that nobody has open; 0: it cannot be read. */
uint64_t meta_backup_epoch(const char *path);

/* A database that nobody has open is one file afterwards, with all that was written to it. */
enum hearth_code meta_backup_settle(const char *path, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_BACKUP_H */
