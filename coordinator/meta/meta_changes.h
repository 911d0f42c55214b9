/*
 * meta_changes.h - what is written to the database, gathered as bytes that do the same to a copy.
 *
 *   a copy of the database (meta_backup.h), complete
 *     \--> start --groups of the writer--> cut --> bytes, bytes ...  --apply, in order--> the copy
 *
 * What is gathered is the difference between two moments, not a history: a row that came and went
 * in between is in none of it.  Past a limit of memory nothing is gathered any more, and only a new
 * copy begins again.
 *
 * Thread-safety: the writer's thread alone, apply excepted: any.
 */
#ifndef HEARTH_COORDINATOR_META_META_CHANGES_H
#define HEARTH_COORDINATOR_META_META_CHANGES_H

#include "common/err.h"
#include "common/view.h"

struct meta_connection;
struct sqlite3_session;

enum { META_CHANGES_BYTES_MAX = 64 << 20 }; /* of memory; past it: HEARTH_NOT_READY at the cut */

struct meta_changes {
    struct sqlite3_session *session; /* NULL: nothing is gathered */
};

/* From here on, whatever was gathered before. */
enum hearth_code meta_changes_start(
    struct meta_changes *changes, struct meta_connection *writer, struct hearth_err *err);

/* After each group: lets go of what has become too much. */
void meta_changes_watch(struct meta_changes *changes);

/*
 * What changed since start or the last cut, with malloc; *size 0: nothing.
 * HEARTH_NOT_READY: it was not gathered.
 */
enum hearth_code meta_changes_cut(struct meta_changes *changes, struct meta_connection *writer,
    uint8_t **bytes, size_t *size, struct hearth_err *err);

/*
 * What makes the copy at `older` the one at `newer`, as meta_changes_cut() has it.  Nobody writes
 * to either.  HEARTH_NOT_READY: more than META_CHANGES_BYTES_MAX, or not the same schema.
 */
enum hearth_code meta_changes_between(
    const char *older, const char *newer, uint8_t **bytes, size_t *size, struct hearth_err *err);

void meta_changes_stop(struct meta_changes *changes);

/* To a database nobody has open.  HEARTH_CHECKSUM: these changes do not follow on what is there;
 * nothing was changed. */
enum hearth_code meta_changes_apply(const char *path, struct view changes, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_CHANGES_H */
