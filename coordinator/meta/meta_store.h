/*
 * meta_store.h - where the coordinator's metadata lives: transactions as closures.
 *
 *   meta_run(fn)  --queue--> writer thread: BEGIN, SAVEPOINT fn SAVEPOINT fn ..., COMMIT -->
 * answers meta_read(fn) --a reader connection of a small pool, on the caller's thread--> answer
 *
 * A closure sees and changes nothing but its transaction and `arg`, and may run again; so it
 * sets outputs in `arg` and never adds to them.  Many closures share one COMMIT, which is one
 * fdatasync.  When that COMMIT fails, or cannot be told to have worked, each of them gets
 * HEARTH_UNKNOWN: the caller asks again by token (meta_outcome.h).
 *
 * The operations on top (meta_bucket.h, meta_object.h ...) are one closure each; only they and
 * their tests call meta_run and meta_read.
 *
 * Thread-safety: everything may be called from any thread, except close, which comes last.
 */
#ifndef HEARTH_COORDINATOR_META_META_STORE_H
#define HEARTH_COORDINATOR_META_META_STORE_H

#include "common/env.h"
#include "common/err.h"
#include "coordinator/meta/meta_types.h"

struct meta_store;
struct meta_tx;
struct shard_name_keys;

enum {
    META_QUEUE_MAX = 4096,     /* closures waiting for the writer; past it: HEARTH_BUSY */
    META_TOGETHER_MAX = 32,    /* closures of one call */
    META_GROUP_MAX = 256,      /* closures in one COMMIT */
    META_READERS = 4,          /* reader connections */
    META_READ_QUEUE_MAX = 128, /* callers waiting for one of them; past it: HEARTH_BUSY */
    META_READ_MS_MAX = 250,    /* a read past it is interrupted: HEARTH_BUSY */
    /* A clock further behind the recorded high-water mark than this is refused at open. */
    META_CLOCK_BEHIND_MS_MAX = 15 * 60 * 1000,
};

enum {
    META_ORDER_MS = 10 * 60 * 1000,    /* life of an order for PUT or GET, unless told otherwise */
    META_SKEW_MS = META_ORDER_MS / 10, /* a node may be this late in noticing that one expired */
    /* After the last lookup that could name it, a shard stays this long. */
    META_READ_GRACE_MS = META_ORDER_MS + META_SKEW_MS,
};

/* The places where a test may let the world end. */
enum meta_step {
    META_STEP_BEGIN,         /* before the transaction */
    META_STEP_CLOSURES_DONE, /* before COMMIT: failing here means nothing was stored */
    META_STEP_COMMITTED,     /* after COMMIT: failing here means all was stored, nobody knows */
};

struct meta_store_options {
    const char *directory; /* holds meta.db, its WAL, and the lock; must exist */
    struct env *env;
    const struct shard_name_keys *names; /* borrowed; dead shards are named with them */
    bool allow_colocation;    /* development: two shards of a segment may share owner and network */
    uint64_t keep_deleted_ms; /* so long a version can be undeleted; 0: not at all */
    uint64_t order_ms;        /* life of an order; skew and grace follow; 0: META_ORDER_MS */
    /* Tests only, else NULL: true makes the group's outcome unknown at this step. Writer thread. */
    bool (*fails_at)(void *context, enum meta_step step);
    void *fails_context;
};

/*
 * Creates or migrates the database, takes the directory's lock, starts the writer.
 * HEARTH_BUSY: another process has it.  HEARTH_UNKNOWN_FORMAT: made by a newer version.
 * HEARTH_NOT_READY: the clock is far behind what was recorded.
 * A backup that is opened for the first time raises the recovery epoch and holds garbage
 * collection (meta_settings.h).
 */
enum hearth_code meta_store_open(
    const struct meta_store_options *options, struct meta_store **out, struct hearth_err *err);

/* Nobody may be inside a call. Accepts NULL. */
void meta_store_close(struct meta_store *store);

typedef enum hearth_code meta_fn(struct meta_tx *tx, void *arg, struct hearth_err *err);

/* Blocks until the COMMIT that holds fn's changes is durable. What fn returns undoes or keeps it.
 */
enum hearth_code meta_run(struct meta_store *store, meta_fn *fn, void *arg, struct hearth_err *err);

/* One of many closures that are handed over together. */
struct meta_work {
    meta_fn *fn;
    void *arg;
    struct hearth_err *err;
    enum hearth_code code; /* what meta_run() would have returned */
};

/* meta_run() for each, and one wait for all. */
void meta_run_many(struct meta_store *store, struct meta_work *works, size_t count);

/* Closures that wait for the writer now. */
unsigned meta_store_queued(struct meta_store *store);

/* Sees one committed state. fn must not change anything (the engine refuses). */
enum hearth_code meta_read(
    struct meta_store *store, meta_fn *fn, void *arg, struct hearth_err *err);

/*
 * Moves on when grants or buckets may have changed, after the change can be read and before who
 * made it is answered: what was read at this number, or after it was looked at, is still true
 * while the number is the same.
 */
uint64_t meta_access_generation(struct meta_store *store);

/* The coordinator's time, unix ms: the wall clock, but never back, not even over a restart. */
uint64_t meta_now_ms(struct meta_store *store);

/* How long an order for PUT or GET lives that is made now. */
uint64_t meta_order_ms(struct meta_store *store);

/*
 * A consistent copy into the new file `path`, made by the writer in steps between its groups,
 * synced before this returns.  HEARTH_EXISTS: path is there.  HEARTH_BUSY: a backup is running.
 */
enum hearth_code meta_backup(struct meta_store *store, const char *path, struct hearth_err *err);

/* The same, and from exactly that state on changes are gathered (meta_changes.h): who applies
 * them to the copy, in order, has the database of the last cut.  Waits for a backup that runs. */
enum hearth_code meta_snapshot(struct meta_store *store, const char *path, struct hearth_err *err);

/* What changed since the snapshot or the last call, with malloc; *size 0: nothing.
 * HEARTH_NOT_READY: there was no snapshot since the start, or too much has changed. */
enum hearth_code meta_changes_since(
    struct meta_store *store, uint8_t **bytes, size_t *size, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_STORE_H */
