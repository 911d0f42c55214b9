/*
 * volume.h - one directory on one disk that keeps shards and does not lose them.
 *
 *   volume_put_begin -> append, append, ... -> finish      durable when finish is done (D3)
 *                                          \-> abort       as if it had never been
 *   volume_get_open -> read, read, ... -> close            every cell verified against rot
 *   volume_trash                                           readable for 7 more days (D5)
 *
 * After these days a shard is purged: its bytes leave the disk with the log they lie in, once what
 * else counts in that log has been moved (D8).  Its id is then unknown here; no order for it can be
 * valid any more, because orders live for minutes.
 *
 * In the background every shard is read back and verified at least every 30 days.
 *
 * A shard is an id, a locator and cells; each cell comes with its 16-byte tag and they stay
 * together on disk and on the wire: cell, tag, cell, tag.  "Length" is the sum of all cells *and*
 * tags: what travels and what an order limits.  Every cell but the last has the same size.  The
 * volume never looks into cells or tags and knows nothing of orders, objects or the network.
 *
 * An id has at most one put or trash under way; the second answers HEARTH_BUSY.
 *
 * Waiting.  A call that takes a `struct volume_wait` answers through wait->done(): exactly once, on
 * the loop thread, never from inside the call; wait->err.code is the outcome.  The wait belongs to
 * the volume from the call until done() starts.  Plain pointer arguments are borrowed for the call.
 *
 * Codes that any call may answer besides those named with it:
 *   HEARTH_IO          the disk failed; or the volume is read-only since its second failed write
 *   HEARTH_NO_MEMORY
 *   HEARTH_CANCELLED   the volume is being closed
 *
 * Threads: everything is called on the volume's loop thread, except volume_open_blocking() and
 * volume_destroy(), which are called while the loop has no thread.  Others post a task to the loop.
 */
#ifndef HEARTH_STORAGED_VOLUME_H
#define HEARTH_STORAGED_VOLUME_H

#include "common/buf.h"
#include "storaged/disk.h"
#include "storaged/loop.h"
#include "storaged/shard_digest.h"
#include "storaged/shard_name.h"

enum {
    VOLUME_NODE_ID_SIZE = 20,
    VOLUME_UUID_SIZE = 16,
    VOLUME_TAG_SIZE = 16,
    VOLUME_DIGEST_SIZE = 32,

    /* The last cell is cut at a multiple of 64, so it may be a little longer than 65,552 bytes. */
    VOLUME_CELL_SIZE_MAX = 65600,
    /* A 64 MiB segment that is not split at all (k = 1) has 1,024 full cells. */
    VOLUME_CELLS_MAX = 1056,
    VOLUME_NOTE_SIZE_MAX = 1024,

    /* Cells of one volume_get_read(): with their tags one run on disk, and 256 KiB of memory. */
    VOLUME_READ_CELLS_MAX = 4,
    /* Ids of one volume_list_next(). */
    VOLUME_LIST_MAX = 64,

    /*
     * Open at a time; one more answers HEARTH_BUSY.  A put holds up to 512 KiB, a get up to 16 KiB
     * and its caller's buffers: more would not fit the 64 MiB of a node, fewer would starve clients
     * behind a slow one.
     */
    VOLUME_PUTS_MAX = 32,
    VOLUME_GETS_MAX = 64,
    VOLUME_TRASHES_MAX = 256,
};

struct volume;

struct volume_wait {
    void (*done)(struct volume_wait *wait); /* set by the caller */
    struct hearth_err err;                  /* readable in done(); err.code is the outcome */
    struct {
        struct task task;
    } owned_by_volume;
};

/* ---- a life ---- */

/* What the owner of the volume should hear of; for logs, and for the coordinator. */
enum volume_event_kind {
    VOLUME_LOG_FAILED, /* a write or sync failed: the log is closed, its shards are re-verified */
    VOLUME_SHARD_DAMAGED,  /* `shard` does not verify any more: have it repaired, then trash it */
    VOLUME_LOG_VERIFIED,   /* all shards of the failed log were read back; those good were moved */
    VOLUME_READ_ONLY,      /* the second failure: no put or trash until restart */
    VOLUME_RECORDS_ROTTED, /* at open: synced bytes of a log cannot be read; shards may be missing
                            */
    VOLUME_INDEX_REBUILT,  /* at open: no usable checkpoint, every log was scanned */
    VOLUME_LOG_COMPACTED,  /* what counted in the log was moved, and its `size` bytes are free */
    VOLUME_LOG_KEPT,       /* a log worth compacting stays: something in it does not verify */
};

struct volume_event {
    enum volume_event_kind kind;
    const struct shard_id *shard; /* VOLUME_SHARD_DAMAGED; borrowed for the call; NULL: unknown */
    const struct shard_locator *locator; /* likewise */
    uint32_t log;                        /* which file: log-%08x */
    uint64_t offset;                     /* VOLUME_RECORDS_ROTTED: where, and */
    uint64_t size;                       /* how much */
    const char *reason;                  /* for a person; borrowed for the call */
};

struct volume_options {
    struct disk *disk; /* outlives the volume */
    struct loop *loop; /* outlives the volume */
    uint8_t node_id[VOLUME_NODE_ID_SIZE];

    bool must_exist; /* an empty directory is an error and not the place for a new volume */
    /*
     * Most that puts may make the volume occupy; 0: only the disk's size limits it.  Deletes pass
     * it by their tombstones, and a compaction then by an eighth, until it has freed more.
     */
    uint64_t capacity_bytes;

    /* 0: the default. Tests make worlds small by these. */
    uint32_t log_size_max;       /* 1 GiB, less on a small capacity; a multiple of 4 KiB */
    uint32_t reserve_bytes;      /* 1 MiB kept free so that deletes work on a full disk */
    uint64_t checkpoint_bytes;   /* 256 MiB appended between two checkpoints of the index */
    uint32_t checkpoint_records; /* 16,384 records likewise */
    uint32_t allocate_bytes;     /* 1 MiB: least growth of a log file */
    uint64_t pace_bytes_per_s;   /* 16 MiB: background work, a quarter of it while clients wait */

    /* Trash of before this moment may be purged from the start; 0: none, until it is confirmed. */
    uint64_t purge_until_unix_ms;

    void (*on_event)(void *context, const struct volume_event *event); /* NULL: nobody listens */
    void *on_event_context;
};

/*
 * Opens the volume in the disk's directory, or makes one when the directory holds none.
 *
 * HEARTH_BUSY: another process has it open.
 * HEARTH_NOT_FOUND: there is none, and it must exist.
 * HEARTH_DENIED: it belongs to another node.
 * HEARTH_UNKNOWN_FORMAT: a newer program wrote it; nothing was changed.
 * HEARTH_CHECKSUM: there are logs, but no superblock that verifies.
 *
 * Events of recovery are reported during the call.  Blocks; the loop must not run yet.
 */
enum hearth_code volume_open_blocking(
    const struct volume_options *options, struct volume **out, struct hearth_err *err);

/*
 * Takes no more calls, lets trashes under way finish, syncs, writes the index.  No put and no get
 * may be open.  After done() only volume_destroy() is left.  A failure costs the next open time, no
 * data.
 */
void volume_close(struct volume *volume, struct volume_wait *wait);

/* Accepts NULL. Without volume_close() before it: as after a SIGKILL. Nothing may be under way. */
void volume_destroy(struct volume *volume);

/* ---- put ---- */

struct volume_put;

struct volume_put_request {
    struct shard_id id;
    struct shard_locator locator;
    uint32_t slot;
    uint16_t p;
    uint32_t cell_size;  /* of every cell but the last, without tag; <= VOLUME_CELL_SIZE_MAX */
    uint64_t length_max; /* cells and tags: the order's limit or the size the client declared,
                            whichever is less. Room is set aside for it. */
    struct view note;    /* <= VOLUME_NOTE_SIZE_MAX, kept with the shard; empty for now */
};

/*
 * Opens a put.  The handle is valid at once, for volume_put_abort(); append only after done() with
 * HEARTH_OK.  With another code the put is gone when done() starts.  NULL: it was refused at once,
 * and done() will say why.
 *
 * HEARTH_BUSY: VOLUME_PUTS_MAX, or the id is being put or trashed.
 * HEARTH_TRASHED: the id was deleted, or barred before it ever came.
 * HEARTH_NO_SPACE: length_max does not fit.
 * HEARTH_INVALID: sizes that no shard has.
 *
 * An id that is here already is taken again, compared with what is stored, and written nowhere.
 */
struct volume_put *volume_put_begin(
    struct volume *volume, const struct volume_put_request *request, struct volume_wait *wait);

/*
 * The next cell followed by its tag; takes the reference of `cell_and_tag`, also on failure.  One
 * append at a time.  done(): there is room for the next.  After a failure only abort is left.
 *
 * HEARTH_INVALID: a size no cell may have here, or more than length_max.
 * HEARTH_NO_SPACE: the disk filled up although room had been set aside.
 */
void volume_put_append(
    struct volume_put *put, struct slice cell_and_tag TAKES, struct volume_wait *wait);

struct volume_put_totals {
    uint32_t cell_count;
    uint64_t length;
    uint8_t tag_digest[VOLUME_DIGEST_SIZE]; /* SHA-256 over all tags, in order of stripes */
    uint64_t stored_unix_ms;                /* kept with the shard; the coordinator's clock */
};

struct volume_finish {
    struct volume_wait wait;
    uint64_t stored_unix_ms; /* in done() with HEARTH_OK: of the put that stored this content */
};

/*
 * Ends the put.  done(HEARTH_OK): the shard is on stable storage, now or since an earlier put of
 * the same content.  The handle is gone when this returns.
 *
 * HEARTH_CONFLICT: the id is here with another length or digest.
 * HEARTH_INVALID: the totals are not those of the cells that came; nothing is stored.
 */
void volume_put_finish(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish);

/*
 * Gives the put up at any moment before finish; an append or begin under way then answers
 * HEARTH_CANCELLED.  The handle is gone when this returns.
 */
void volume_put_abort(struct volume_put *put);

/* ---- get ---- */

struct volume_get;

struct volume_shard_info {
    struct shard_id id;
    struct shard_locator locator;
    uint32_t slot;
    uint16_t p;
    uint64_t length; /* cells and tags */
    uint32_t cell_count;
    uint32_t cell_size;      /* without tag */
    uint32_t last_cell_size; /* without tag */
    uint64_t stored_unix_ms;
    bool trashed; /* still readable */
    uint8_t tag_digest[VOLUME_DIGEST_SIZE];
};

/*
 * Finds a shard.  The handle is valid at once, for volume_get_close(); the rest only after done()
 * with HEARTH_OK.  With another code the get is gone when done() starts.  NULL: it was refused at
 * once, and done() will say why.
 *
 * HEARTH_NOT_FOUND: no such shard, or its id is only barred.
 * HEARTH_CHECKSUM: it was here, but its record does not verify.
 * HEARTH_BUSY: VOLUME_GETS_MAX.
 */
struct volume_get *volume_get_open(
    struct volume *volume, const struct shard_id *id, struct volume_wait *wait);

/* Borrowed until the get is closed. */
const struct volume_shard_info *volume_get_info(const struct volume_get *get);

struct volume_read {
    struct volume_wait wait;
    struct buf *cells; /* in done() with HEARTH_OK: cell, tag, cell, tag, ...; now the caller's */
};

/*
 * Cells [first, first + count), 1 <= count <= VOLUME_READ_CELLS_MAX, all verified.  One read at a
 * time for each get.
 *
 * HEARTH_INVALID: there are not that many cells.
 * HEARTH_CHECKSUM: the bytes on disk are not those that were stored; the message names the shard.
 */
void volume_get_read(
    struct volume_get *get, uint32_t first, uint32_t count, struct volume_read *read);

/* A read or open under way answers HEARTH_CANCELLED. The handle is gone when this returns. */
void volume_get_close(struct volume_get *get);

/* ---- trash ---- */

enum volume_trash_outcome {
    VOLUME_TRASH_DONE,    /* it was live, now it is trash */
    VOLUME_TRASH_ALREADY, /* it was trash, or barred, before */
    VOLUME_TRASH_BARRED,  /* it never was here; from now on its id is refused */
};

struct volume_trash {
    struct volume_wait wait;
    enum volume_trash_outcome outcome; /* in done() with HEARTH_OK */
};

/*
 * done(HEARTH_OK): it is durable that the shard is trash, or that its id is barred.  Repeating it
 * is harmless.  HEARTH_BUSY: a put or trash of the id is under way, or VOLUME_TRASHES_MAX.
 * HEARTH_NO_SPACE: even the reserve for deletes is used up. HEARTH_NOT_READY: not before the first
 * volume_learn_time().
 */
void volume_trash(struct volume *volume, const struct shard_id *id, struct volume_trash *trash);

/* The coordinator's time, as often as it is heard: trash is dated by it, and not purged before 7
 * days have passed. */
void volume_learn_time(struct volume *volume, uint64_t coordinator_unix_ms);

/*
 * The second confirmation: what became trash before this moment may be purged, when it is 7 days
 * old. Holds until the next one.  0: nothing may.
 */
void volume_confirm_purge(struct volume *volume, uint64_t until_unix_ms);

/* ---- tidying: what nobody needs any more leaves the disk ---- */

/* Looks for a log worth compacting now rather than within the hour; the stats say what it does. */
void volume_tidy(struct volume *volume);

/* ---- facts ---- */

/*
 * As capacity_bytes of the options, from now on.  Less than is used: everything is kept, puts under
 * way end well, and new ones are HEARTH_NO_SPACE.
 */
void volume_set_capacity(struct volume *volume, uint64_t bytes);

struct volume_stats {
    uint64_t shards; /* live */
    uint64_t trashed;
    uint64_t barred;
    uint64_t live_bytes;        /* on disk, with all overhead */
    uint64_t trash_bytes;       /* likewise */
    uint64_t trash_today_bytes; /* of these, what became trash today, by the coordinator's time */
    uint64_t used_bytes;        /* of all files, whatever is in them: what the disk has less */
    uint64_t free_bytes; /* a put of this length_max may still begin; UINT64_MAX: no capacity set */
    uint32_t logs;       /* files, each one open descriptor */
    uint64_t compacted;  /* logs, since the start */
    uint64_t scrubbed;   /* logs verified as a whole, since the start */
    bool is_moving;      /* shards are being moved out of a log */
    bool is_scrubbing;
    bool read_only;
};

/* Running counters: costs nothing. */
void volume_stats(const struct volume *volume, struct volume_stats *out);

/* What tells the coordinator that a disk came back empty, or older than it was. */
struct volume_identity {
    uint8_t uuid[VOLUME_UUID_SIZE];
    uint64_t
        start_counter; /* one more at each open; durable before volume_open_blocking() returns */
    uint64_t sequence; /* of the newest record; only grows, also over restarts */
};

void volume_identity(const struct volume *volume, struct volume_identity *out);

/* What a walk tells of a shard. */
struct volume_entry {
    struct shard_id id;
    struct shard_locator locator;
    uint64_t length; /* cells and tags */
    uint64_t stored_unix_ms;
    bool trashed;
    uint64_t trashed_unix_ms; /* to the day; 0: live */
};

/* A page of a walk over all shards, live and trashed; zero it before the first page. */
struct volume_list {
    struct volume_wait wait;
    uint64_t cursor;  /* in: where to go on; out: where the next page begins */
    bool at_end;      /* out: there is no next page */
    unsigned count;   /* out */
    unsigned damaged; /* out: left out, see below */
    struct volume_entry entries[VOLUME_LIST_MAX]; /* out, in the order of ids */
};

/*
 * Fills the next page.  Each shard that is here during the whole walk comes exactly once; one that
 * comes or goes meanwhile may be missed.  Costs a look at one partition of the index, 4,000 entries
 * of a million, and one disk read of up to 11 KiB for each shard, one after the other: pace it.  A
 * shard whose record does not verify is left out and reported as VOLUME_SHARD_DAMAGED; trash that
 * was purged is left out, too.
 */
void volume_list_next(struct volume *volume, struct volume_list *list);

/* Where a walk begins that is to see this id and all higher ones; a few lower ones may come first.
 */
uint64_t volume_list_cursor(const struct shard_id *id);

/* shard_index_digest() of the volume's index: no disk is read. */
void volume_digest(const struct volume *volume, unsigned bits, uint32_t first, uint32_t count,
    struct shard_digest *out);

#endif /* HEARTH_STORAGED_VOLUME_H */
