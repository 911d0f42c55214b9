/*
 * fsck_node.h - one storage node as its disk has it, while no daemon runs.
 *
 *   DIR/key.pem   who it is        DIR/volume   opened by the engine itself, as after a crash
 *
 * Opening recovers, as the daemon's start would.  Everything blocks; all nodes share one loop that
 * has no thread and is turned by whoever waits.
 */
#ifndef HEARTH_TESTS_LIB_FSCK_NODE_H
#define HEARTH_TESTS_LIB_FSCK_NODE_H

#include "coordinator/rescue/fsck_report.h"
#include "storaged/volume.h"

struct fsck_node;

/* Damage that the engine reports, now or later, is a problem of the report's. */
enum hearth_code fsck_node_open(const char *directory, struct loop *loop,
    struct fsck_report *report, struct fsck_node **out, struct hearth_err *err);

void fsck_node_close(struct fsck_node *node); /* accepts NULL */

const uint8_t *fsck_node_id(const struct fsck_node *node);

/* ---- one shard ---- */

struct fsck_shard;

/* Codes as volume_get_open. */
enum hearth_code fsck_shard_open(struct fsck_node *node, const uint8_t id[SHARD_ID_SIZE],
    struct fsck_shard **out, struct hearth_err *err);

const struct volume_shard_info *fsck_shard_info(const struct fsck_shard *shard);

/* One cell and its tag, borrowed until the next read or the close. */
enum hearth_code fsck_shard_read(
    struct fsck_shard *shard, unsigned cell, struct view *out, struct hearth_err *err);

void fsck_shard_close(struct fsck_shard *shard); /* accepts NULL */

/* ---- all of them ---- */

typedef void fsck_found_fn(void *context, const struct shard_id *id, bool trashed);

enum hearth_code fsck_node_walk(
    struct fsck_node *node, fsck_found_fn *found, void *context, struct hearth_err *err);

#endif /* HEARTH_TESTS_LIB_FSCK_NODE_H */
