/*
 * volume_inspect.h - what is in a volume that nobody has open, and whether all of it verifies.
 *
 *   superblocks --> index (checkpoint, and logs since) --> each shard: footer and every cell
 *
 * Changes nothing, whoever the volume belongs to.  Blocks, and reads all that is live or trash.
 */
#ifndef HEARTH_STORAGED_VOLUME_INSPECT_H
#define HEARTH_STORAGED_VOLUME_INSPECT_H

#include "storaged/volume_state.h"

/* Of one log, or of all. */
struct inspected_log {
    uint32_t number;
    uint64_t bytes; /* of the file */
    uint64_t live;  /* shards */
    uint64_t trashed;
    uint64_t barred;
    uint64_t live_bytes; /* with all overhead */
    uint64_t trash_bytes;
    uint64_t dead_bytes; /* the rest: deleted, given up, torn, or not written yet */
    uint64_t damage;
};

struct volume_inspection {
    /* Set by the caller. */
    struct disk *disk;
    struct loop *loop;                                                 /* without a thread */
    void (*on_event)(void *context, const struct volume_event *event); /* damage, as it is met */
    void *context;

    /* The answer. */
    enum hearth_code superblocks[VOLUME_SUPERBLOCKS]; /* HEARTH_OK: it verifies */
    struct superblock superblock;                     /* the newest of them */
    bool is_index_rebuilt;                            /* no checkpoint was of use */
    struct inspected_log *logs;                       /* released by volume_inspection_fini() */
    uint32_t log_count;
    struct inspected_log total;
};

/*
 * Damage is an answer, not a failure.
 * HEARTH_CHECKSUM: no superblock verifies, so nothing else can be read. HEARTH_UNKNOWN_FORMAT,
 * HEARTH_IO, HEARTH_NO_MEMORY.
 */
enum hearth_code volume_inspect_blocking(
    struct volume_inspection *inspection, struct hearth_err *err);

void volume_inspection_fini(struct volume_inspection *inspection);

#endif /* HEARTH_STORAGED_VOLUME_INSPECT_H */
