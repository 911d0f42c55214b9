/*
 * volume_drop.h - a log in which nothing counts any more leaves the volume (D8).
 *
 *   FORGETTING --> CHECKPOINTS --no checkpoint on disk counts on it--> UNLINKING --> done
 *
 *   FORGETTING   purged entries leave the index; from now on checkpoints say that the log was
 *                dropped, and later that it is gone (volume_gone.h).
 *   CHECKPOINTS  one that says so is durable, and older ones are removed.  Where none can be
 *                written (a full disk) all are removed: they are caches.
 *   UNLINKING    name gone, directory synced; the file goes with its last reader.
 *
 * A crash before UNLINKING finds the log again.  When the checkpoint it loads says that it was
 * dropped, it goes then; otherwise it counts as before, and its shards that were moved count once,
 * in the newer log.  A log that a checkpoint merely does not name is read like any other.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_VOLUME_DROP_H
#define HEARTH_STORAGED_VOLUME_DROP_H

#include "storaged/volume_state.h"

enum drop_outcome {
    DROP_DONE,
    DROP_IN_VAIN, /* to be tried again later: an entry counts, or the disk fails */
    DROP_STOPPED, /* the volume is being closed, or is read-only */
};

struct volume_drop {
    /* Set by the caller. */
    struct volume_log *log;
    void (*done)(struct volume_drop *drop, enum drop_outcome outcome);
    void *context;

    char name[DISK_NAME_SIZE];
    bool tried_checkpoint;
    bool awaits_checkpoint;
    unsigned slot; /* of a checkpoint being removed */
    struct disk_io io;
};

/* done() comes once, perhaps at once. */
void volume_drop_start(struct volume_drop *drop);

/* A checkpoint has ended, or the volume has to stop. */
void volume_drop_wake(struct volume_drop *drop);

#endif /* HEARTH_STORAGED_VOLUME_DROP_H */
