#include "storaged/volume_drop.h"

#include "common/failpoint.h"

#include <errno.h>

enum { PAGE_ENTRIES = 64 };

static void end(struct volume_drop *drop, enum drop_outcome outcome)
{
    drop->log->volume->checkpoints_are_removed = false;
    drop->done(drop, outcome);
}

static bool must_stop(const struct volume_drop *drop)
{
    const struct volume *volume = drop->log->volume;
    return volume->is_closing || volume->is_read_only;
}

static void step(struct volume_drop *drop, enum disk_request request, const char *name,
    void (*done)(struct disk_io *io))
{
    drop->io = (struct disk_io){.request = request, .name = name, .done = done, .context = drop};
    disk_submit(drop->log->volume->disk, &drop->io);
}

/* ---- unlinking ---- */

static void name_is_gone(struct disk_io *io)
{
    struct volume_drop *drop = io->context;
    struct volume_log *log = drop->log;
    struct volume *volume = log->volume;
    if (!gone_logs_add(&volume->gone, log->number, log->number + 1)) {
        end(drop, DROP_IN_VAIN);
        return;
    }
    volume->compacted++;
    volume_report(volume,
        &(struct volume_event){
            .kind = VOLUME_LOG_COMPACTED, .log = log->number, .size = log->bytes});
    volume_log_hold(log);
    volume_log_remove(log);
    volume_scrub_stop(volume); /* if that is what still reads it */
    end(drop, DROP_DONE);
    volume_log_let_go(log);
}

static void unlinked(struct disk_io *io)
{
    struct volume_drop *drop = io->context;
    bool is_gone = io->error == 0 || io->error == ENOENT;
    if (!is_gone || FAILPOINT(STORAGED_COMPACT_UNLINKED)) {
        end(drop, DROP_IN_VAIN);
        return;
    }
    /* If this fails the name may come back, to be dropped again: nothing counts on its absence. */
    step(drop, DISK_SYNC_DIR, NULL, name_is_gone);
}

static void no_checkpoint_counts_on_it(struct disk_io *io)
{
    struct volume_drop *drop = io->context;
    if (io->error != 0 || must_stop(drop) || FAILPOINT(STORAGED_COMPACT_DISOWNED)) {
        end(drop, DROP_IN_VAIN);
        return;
    }
    log_name(drop->log->number, drop->name);
    step(drop, DISK_UNLINK, drop->name, unlinked);
}

/* ---- checkpoints ---- */

static void remove_stale_checkpoint(struct volume_drop *drop);

static void stale_removed(struct disk_io *io)
{
    struct volume_drop *drop = io->context;
    struct volume *volume = drop->log->volume;
    if (io->error != 0 && io->error != ENOENT) {
        end(drop, DROP_IN_VAIN);
        return;
    }
    volume->checkpoints[drop->slot] = 0;
    volume->usage.index[drop->slot] = 0;
    remove_stale_checkpoint(drop);
}

static void remove_stale_checkpoint(struct volume_drop *drop)
{
    struct volume *volume = drop->log->volume;
    for (unsigned slot = 0; slot < VOLUME_CHECKPOINTS; slot++) {
        if (volume->usage.index[slot] > 0 && volume->checkpoints[slot] < drop->log->forgotten) {
            drop->slot = slot;
            step(drop, DISK_UNLINK, slot == 0 ? "index.0" : "index.1", stale_removed);
            return;
        }
    }
    step(drop, DISK_SYNC_DIR, NULL, no_checkpoint_counts_on_it);
}

/* Again whenever a checkpoint has ended. */
static void see_to_checkpoints(struct volume_drop *drop)
{
    struct volume *volume = drop->log->volume;
    if (must_stop(drop)) {
        end(drop, DROP_STOPPED);
        return;
    }
    if (volume->checkpoint == NULL && !drop->tried_checkpoint &&
        volume->checkpoint_generation < drop->log->forgotten) {
        drop->tried_checkpoint = true;
        volume_checkpoint_start(volume);
    }
    drop->awaits_checkpoint = volume->checkpoint != NULL;
    if (!drop->awaits_checkpoint) {
        volume->checkpoints_are_removed = true;
        remove_stale_checkpoint(drop);
    }
}

/* ---- forgetting ---- */

/* false: an entry is left that counts. */
static bool remove_purged(const struct volume_log *log)
{
    struct shard_index *index = log->volume->index;
    struct shard_index_item items[PAGE_ENTRIES];
    uint64_t cursor = 0;
    unsigned count;
    while ((count = shard_index_walk_log(index, log->number, &cursor, items, PAGE_ENTRIES)) > 0) {
        for (unsigned i = 0; i < count; i++) {
            if (items[i].location.day != TRASH_DAY_PURGED) {
                return false;
            }
            bool was_there = shard_index_remove_item(index, &items[i]);
            assert(was_there);
        }
    }
    return true;
}

/* A checkpoint under way might say that the log counts, and leave its purged entries out. */
static void forget(struct volume_drop *drop)
{
    struct volume_log *log = drop->log;
    drop->awaits_checkpoint = log->volume->checkpoint != NULL;
    if (drop->awaits_checkpoint) {
        return;
    }
    if (must_stop(drop)) {
        end(drop, DROP_STOPPED);
        return;
    }
    if (!remove_purged(log)) {
        end(drop, DROP_IN_VAIN);
        return;
    }
    log->is_dropped = true;
    log->forgotten = log->volume->checkpoint_generation + 1;
    (void)FAILPOINT(STORAGED_COMPACT_FORGOTTEN);
    see_to_checkpoints(drop);
}

/* ---- begin, wake ---- */

static void go_on(struct volume_drop *drop)
{
    drop->log->is_dropped ? see_to_checkpoints(drop) : forget(drop);
}

void volume_drop_start(struct volume_drop *drop)
{
    go_on(drop);
}

void volume_drop_wake(struct volume_drop *drop)
{
    if (drop->awaits_checkpoint && drop->log->volume->checkpoint == NULL) {
        go_on(drop);
    }
}
