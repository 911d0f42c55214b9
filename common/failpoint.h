/*
 * failpoint.h - places where a test may kill this process or make a step fail.
 *
 *   HEARTH_FAILPOINT=storaged.put.synced:3=kill hearth-storaged ...
 *
 * dies, as by SIGKILL, the third time that place is passed.  With "error" in place of "kill" the
 * code there takes its failure path, once:
 *
 *   if (FAILPOINT(STORAGED_PUT_SYNCED)) {
 *       return hearth_fail(err, HEARTH_IO, "failpoint");
 *   }
 *   (void)FAILPOINT(STORAGED_PUT_ACKNOWLEDGED);     where only dying makes sense
 *
 * The places are declared here, once; --list-failpoints prints them, and with
 * HEARTH_FAILPOINTS_FIRED=FILE each that acts appends its name to the file, so that a run of tests
 * can be asked whether it used them all (tests/integration/failpoints_fired.sh).  Without the build
 * option HEARTH_FAILPOINTS they cost nothing and cannot be armed.
 *
 * Thread-safety: hit from any thread; armed before there are others.
 */
#ifndef HEARTH_COMMON_FAILPOINT_H
#define HEARTH_COMMON_FAILPOINT_H

#include "common/err.h"

#include <stdbool.h>
#include <stdio.h>

/* Each row: X(name, text, the step that was just done). */

#define FAILPOINTS_STORAGED(X)                                                                     \
    X(STORAGED_PUT_OPENED, "storaged.put.opened", "order accepted, nothing written")               \
    X(STORAGED_PUT_CELL, "storaged.put.cell", "the volume took a cell")                            \
    X(STORAGED_PUT_FOOTER, "storaged.put.footer", "footer accepted, not given to the volume")      \
    X(STORAGED_PUT_DURABLE, "storaged.put.durable", "the shard is durable, no receipt made")       \
    X(STORAGED_PUT_ACKNOWLEDGED, "storaged.put.acknowledged", "the receipt is on its way")         \
    X(STORAGED_LOG_CREATED, "storaged.log.created", "a new log's header is durable, not its name") \
    X(STORAGED_LOG_WRITTEN, "storaged.log.written", "records are written, not synced")             \
    X(STORAGED_LOG_SYNCED, "storaged.log.synced", "records are durable, nobody was told")          \
    X(STORAGED_INDEX_BEGUN, "storaged.index.begun", "a checkpoint's file is there, and empty")     \
    X(STORAGED_INDEX_SYNCED, "storaged.index.synced", "a checkpoint is durable, not in place")     \
    X(STORAGED_INDEX_RENAMED, "storaged.index.renamed",                                            \
        "it is in place, the directory not synced")                                                \
    X(STORAGED_COMPACT_COPIED, "storaged.compact.copied",                                          \
        "a shard is in another log, the index not turned to it")                                   \
    X(STORAGED_COMPACT_FORGOTTEN, "storaged.compact.forgotten",                                    \
        "a log counts no more, no checkpoint says so")                                             \
    X(STORAGED_COMPACT_DISOWNED, "storaged.compact.disowned",                                      \
        "no checkpoint counts on a log, its name is there")                                        \
    X(STORAGED_COMPACT_UNLINKED, "storaged.compact.unlinked",                                      \
        "its name is gone, the directory not synced")                                              \
    X(STORAGED_PURGE_MARKED, "storaged.purge.marked", "trash is over, in memory alone")            \
    X(STORAGED_SCRUB_VERIFIED, "storaged.scrub.verified", "a log is verified, its date not kept")  \
    X(STORAGED_SUPERBLOCK_WRITTEN, "storaged.superblock.written", "one of its two copies is new")  \
    X(STORAGED_TRASH_DURABLE, "storaged.trash.durable", "a shard is trash, not reported")

#define FAILPOINTS_COORDINATOR(X)                                                                  \
    X(COORDINATOR_META_BEGIN, "coordinator.meta.begin", "a group of changes was taken up")         \
    X(COORDINATOR_META_CLOSURES_DONE, "coordinator.meta.closures_done", "changed, not committed")  \
    X(COORDINATOR_META_COMMITTED, "coordinator.meta.committed", "durable, nobody was told")        \
    X(COORDINATOR_BEGIN_ASKED, "coordinator.begin.asked", "allowed, nothing written")              \
    X(COORDINATOR_BEGIN_DURABLE, "coordinator.begin.durable", "durable, not answered")             \
    X(COORDINATOR_OPEN_ASKED, "coordinator.open.asked", "allowed, nothing written")                \
    X(COORDINATOR_OPEN_DURABLE, "coordinator.open.durable", "durable, not answered")               \
    X(COORDINATOR_SEAL_ASKED, "coordinator.seal.asked", "allowed, nothing written")                \
    X(COORDINATOR_SEAL_DURABLE, "coordinator.seal.durable", "durable, not answered")               \
    X(COORDINATOR_COMMIT_ASKED, "coordinator.commit.asked", "allowed, nothing written")            \
    X(COORDINATOR_COMMIT_DURABLE, "coordinator.commit.durable", "durable, not answered")           \
    X(COORDINATOR_INLINE_ASKED, "coordinator.inline.asked", "allowed, nothing written")            \
    X(COORDINATOR_INLINE_DURABLE, "coordinator.inline.durable", "durable, not answered")           \
    X(COORDINATOR_UPLOAD_ASKED, "coordinator.upload.asked", "allowed, nothing written")            \
    X(COORDINATOR_UPLOAD_DURABLE, "coordinator.upload.durable", "durable, not answered")           \
    X(COORDINATOR_COMPLETE_ASKED, "coordinator.upload.complete_asked", "allowed, nothing written") \
    X(COORDINATOR_COMPLETE_DURABLE, "coordinator.upload.complete_durable",                         \
        "durable, not answered")                                                                   \
    X(COORDINATOR_MOVE_OFFERED, "coordinator.move.offered", "a new place is durable, and empty")   \
    X(COORDINATOR_MOVE_COPIED, "coordinator.move.copied",                                          \
        "a shard is at both nodes, not verified")                                                  \
    X(COORDINATOR_MOVE_VERIFIED, "coordinator.move.verified",                                      \
        "it was read back, the holder is old")                                                     \
    X(COORDINATOR_MOVE_APPLIED, "coordinator.move.applied", "the holder is new, nobody was told")  \
    X(COORDINATOR_RECODE_OFFERED, "coordinator.recode.offered", "places are durable, and empty")   \
    X(COORDINATOR_RECODE_COPIED, "coordinator.recode.copied", "both codes are there, unverified")  \
    X(COORDINATOR_RECODE_VERIFIED, "coordinator.recode.verified", "read back, the old is named")   \
    X(COORDINATOR_RECODE_APPLIED, "coordinator.recode.applied", "the code is new, nobody knows")   \
    X(COORDINATOR_REBALANCE_PLANNED, "coordinator.rebalance.planned", "worked out, not written")   \
    X(COORDINATOR_REBALANCE_PROGRESS, "coordinator.rebalance.progress", "moved, the pass not")     \
    X(COORDINATOR_DELETE_ASKED, "coordinator.delete.asked", "allowed, nothing written")            \
    X(COORDINATOR_DELETE_DURABLE, "coordinator.delete.durable", "durable, not answered")           \
    X(COORDINATOR_SHIP_COPIED, "coordinator.ship.copied", "the copy is whole, nothing was sent")   \
    X(COORDINATOR_SHIP_PARTS, "coordinator.ship.parts", "all parts are at nodes, no seal of them") \
    X(COORDINATOR_SHIP_STORED, "coordinator.ship.stored", "all parts are at nodes, unnamed")       \
    X(COORDINATOR_SHIP_COMMITTED, "coordinator.ship.committed", "a shipment is named and durable") \
    X(COORDINATOR_SHIP_RETIRED, "coordinator.ship.retired", "some of an old chain is deleted")     \
    X(COORDINATOR_RESTORE_COPIED, "coordinator.restore.copied", "the backup lies beside the old")  \
    X(COORDINATOR_RESTORE_CHECKED, "coordinator.restore.checked", "it is whole, and marked")       \
    X(COORDINATOR_RESTORE_ASIDE, "coordinator.restore.aside", "the old has another name, too")     \
    X(COORDINATOR_RESTORE_NAMED, "coordinator.restore.named", "it is in place, nobody was told")   \
    X(COORDINATOR_REBUILD_KEYS, "coordinator.rebuild.keys", "the kit's keys are in their files")   \
    X(COORDINATOR_REBUILD_LISTED, "coordinator.rebuild.listed", "what nodes hold is known")        \
    X(COORDINATOR_REBUILD_READ, "coordinator.rebuild.read", "a shipment is in its file")           \
    X(COORDINATOR_REBUILD_APPLIED, "coordinator.rebuild.applied", "the database has no name yet")  \
    X(COORDINATOR_REBUILD_NAMED, "coordinator.rebuild.named", "it has, and nobody was told")       \
    X(COORDINATOR_REPAIR_QUEUED, "coordinator.repair.queued", "what is due is durable")            \
    X(COORDINATOR_REPAIR_OFFERED, "coordinator.repair.offered", "offers durable, nothing moved")   \
    X(COORDINATOR_REPAIR_STRIPE, "coordinator.repair.stripe", "a stripe is on its way")            \
    X(COORDINATOR_REPAIR_STORED, "coordinator.repair.stored", "nodes have it, nobody says so")     \
    X(COORDINATOR_REPAIR_APPLIED, "coordinator.repair.applied", "holders changed, durable")

#define FAILPOINTS_CLIENT(X)                                                                       \
    X(CLIENT_PUT_BEGUN, "client.put.begun", "the intent is open, nothing was sent")                \
    X(CLIENT_PUT_OPENED, "client.put.opened", "a segment's offers are here, nothing was sent")     \
    X(CLIENT_PUT_SENT, "client.put.sent", "the last segment is acknowledged by its nodes")         \
    X(CLIENT_PUT_SEALED, "client.put.sealed", "a segment, not the last, is sealed")                \
    X(CLIENT_PUT_COMMITTED, "client.put.committed", "the version is visible")                      \
    X(CLIENT_DELETED, "client.deleted", "the version is gone")

#define FAILPOINT_TABLE(X)                                                                         \
    FAILPOINTS_STORAGED(X)                                                                         \
    FAILPOINTS_COORDINATOR(X)                                                                      \
    FAILPOINTS_CLIENT(X)

enum failpoint {
#define X(name, text, step) FAILPOINT_##name,
    FAILPOINT_TABLE(X)
#undef X
        FAILPOINT_COUNT
};

/* True: behave as if this step failed. */
#ifdef HEARTH_FAILPOINTS
#define FAILPOINT(name) failpoint_hit(FAILPOINT_##name)
#else
#define FAILPOINT(name) ((void)FAILPOINT_##name, false)
#endif

bool failpoint_hit(enum failpoint failpoint);

/* `spec` is "name[:nth]=kill|error"; NULL: none. HEARTH_INVALID: unknown, or not in this build. */
enum hearth_code failpoint_arm(const char *spec, struct hearth_err *err);

/* From now on a failpoint that acts appends a line with its name to this file, which stays the
 * caller's; NULL: none. */
void failpoint_record(const char *path);

/* One line each: name and step. */
void failpoint_list(FILE *out);

#endif /* HEARTH_COMMON_FAILPOINT_H */
