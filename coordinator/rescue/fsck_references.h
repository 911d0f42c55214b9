/*
 * fsck_references.h - of fsck_meta.h: do bodies and segments name each other as they say?
 *
 *   versions, doomed bodies, parts --> mentions, sorted;  beside them segments and
 * their shares, in the same order
 *
 * Every mention is kept in memory while it is compared.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_FSCK_REFERENCES_H
#define HEARTH_COORDINATOR_RESCUE_FSCK_REFERENCES_H

#include "coordinator/rescue/fsck_meta.h"

#include <sqlite3.h>

/* The text is ours: it compiles. */
sqlite3_stmt *fsck_meta_prepare(struct fsck_meta *meta, const char *text);
/* Tells of it, when its rows did not come to their end. */
void fsck_meta_finish(sqlite3_stmt *statement, struct fsck_report *report);

enum hearth_code fsck_references_check(
    struct fsck_meta *meta, struct fsck_report *report, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_FSCK_REFERENCES_H */
