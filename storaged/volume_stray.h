/*
 * volume_stray.h - shards that lie in a log and are unknown to the index, met before the log goes.
 *
 *   footer met --its id is in the index--> accounted for: purged here, or found in another log
 *              --it is not-------> noted --all cells verify, or it is vouched for--> it counts
 *                                        \--neither--> a torn tail, acknowledged to nobody
 *
 * The index is a cache.  Whoever unlinks a log on its word alone loses what it has forgotten, so
 * the footers themselves are asked, too (D8).  One that counts is entered where it lies, which
 * keeps its log until it is moved like any other shard.
 *
 * With `has_ghosts`, some shards of the log are found in newer ones, and one of these may have been
 * deleted, purged and forgotten there: then nobody knows what a stray is, and it is not entered.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_VOLUME_STRAY_H
#define HEARTH_STORAGED_VOLUME_STRAY_H

#include "storaged/volume_move.h"

/* Noted at a time.  Those beyond wait for the next attempt: their log stays as long as one counts.
 */
enum { STRAYS_MAX = 512 };

struct stray {
    struct shard_id id;
    uint64_t offset; /* of its footer */
    uint64_t sequence;
};

struct volume_strays {
    /* Set by the caller. */
    struct volume *volume;
    struct volume_log *log;
    struct disk_file *file; /* of that log, direct */
    uint8_t *buffer;        /* MOVE_BUFFER_SIZE, aligned for direct reads */
    bool has_ghosts;
    void (*done)(struct volume_strays *strays);
    void *context;

    /* The answer: the log has to stay if either is set. */
    bool met_shard; /* `first` is one of those that count */
    bool met_damage;
    bool was_stopped; /* the volume is being closed, or is read-only */
    struct shard_id first;

    struct stray *noted; /* STRAYS_MAX */
    unsigned count;
    bool has_more;
    unsigned next;
    uint64_t durable;
    struct volume_move move;
};

/* A footer of the log: noted, unless its id is known. false: out of memory. */
bool volume_strays_note(struct volume_strays *strays, const struct record_header *footer);

/*
 * Looks into all that were noted. durable: the highest sequence that a record of the log vouches
 * for.  done() comes once, perhaps at once.
 */
void volume_strays_look(struct volume_strays *strays, uint64_t durable);

/* One that only waits goes on now, and finds out that it has to stop. */
void volume_strays_wake(struct volume_strays *strays);

/* As after a SIGKILL. */
void volume_strays_abandon(struct volume_strays *strays);

void volume_strays_fini(struct volume_strays *strays);

#endif /* HEARTH_STORAGED_VOLUME_STRAY_H */
