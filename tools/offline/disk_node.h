/*
 * disk_node.h - one storage node as its disk has it, while no daemon runs.
 *
 *   hearth-storaged.conf --> key: who it is;  volume: opened by the engine itself, as after a crash
 *
 * Opening recovers, as the daemon's start would; it makes no volume where none is.  Everything
 * blocks; all nodes share one loop that has no thread and is turned by whoever waits.
 */
#ifndef HEARTH_TOOLS_OFFLINE_DISK_NODE_H
#define HEARTH_TOOLS_OFFLINE_DISK_NODE_H

#include "storaged/volume.h"

struct disk_node;

/* config: the daemon's. A volume that is not there is a damage. */
enum hearth_code disk_node_open(
    const char *config, struct loop *loop, struct disk_node **out, struct hearth_err *err);

void disk_node_close(struct disk_node *node); /* accepts NULL */

const uint8_t *disk_node_id(const struct disk_node *node);

enum { DISK_DAMAGES_MAX = 50 }; /* kept; the rest is counted in one more */

/* What the engine found damaged until now, 0 up; NULL: there is no more. */
const char *disk_node_damage(struct disk_node *node, unsigned index);

/* ---- one shard ---- */

struct disk_shard;

/* Codes as volume_get_open; HEARTH_UNREACHABLE: there is no volume. */
enum hearth_code disk_shard_open(struct disk_node *node, const uint8_t id[SHARD_ID_SIZE],
    struct disk_shard **out, struct hearth_err *err);

const struct volume_shard_info *disk_shard_info(const struct disk_shard *shard);

/* Cells [first, first + count), each with its tag, borrowed until the next read or the close.
 * 1 <= count <= VOLUME_READ_CELLS_MAX. */
enum hearth_code disk_shard_read(struct disk_shard *shard, unsigned first, unsigned count,
    struct view *out, struct hearth_err *err);

void disk_shard_close(struct disk_shard *shard); /* accepts NULL */

/* ---- all of them ---- */

/* False: that was enough. */
typedef bool disk_page_fn(void *context, const struct volume_list *page);

/* HEARTH_UNREACHABLE: there is no volume. */
enum hearth_code disk_node_walk(
    struct disk_node *node, disk_page_fn *page, void *context, struct hearth_err *err);

#endif /* HEARTH_TOOLS_OFFLINE_DISK_NODE_H */
