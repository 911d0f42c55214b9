/*
 * log_writer.h - the end of one log, where records are appended.
 *
 *   append --> pending --batch--> writing --> written --sync--> syncing --> done
 *                                    |                             |
 *                     records that need no sync are done here      D3: the others here
 *
 * Group commit without a timer: whatever arrives while a write is under way goes into the next
 * batch, and whatever was written while a sync is under way is covered by the next sync.  So the
 * window is as long as the device takes, and an idle disk starts at the next turn of the loop.  A
 * sync acknowledges only writes that had been answered when it was submitted (D3).
 *
 * A batch begins on a page and is padded to pages, and no page is written twice.
 *
 * Failure.  After the first failed or short write, or failed sync, the writer has failed for good:
 * on_failure() runs, then every record that is not done gets the error.  The file is never written
 * or synced again.
 *
 * Room.  Whoever appends has reserved the room before (volume_room), so the file is long enough.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_LOG_WRITER_H
#define HEARTH_STORAGED_LOG_WRITER_H

#include "common/buf.h"
#include "storaged/disk.h"
#include "storaged/shard_format.h"

/*
 * Bytes that make a batch full.
 * Too low: a system call and a page of padding for every few records.
 * Too high: memory, and a sync that has more to wait for.
 */
enum { LOG_BATCH_BYTES_MAX = 1024 * 1024 };

struct log_writer;

/* Embedded in what is being stored. Belongs to the writer from log_writer_append() to done(). */
struct log_record {
    /* Set by the caller. */
    enum record_type type;
    struct shard_id id;
    uint32_t part;
    bool needs_sync; /* done() waits until it is durable; otherwise until it is written */
    uint8_t *head;   /* room for the header; and behind it the body, unless it is a CHUNK */
    uint32_t body_size;
    struct slice pieces[CHUNK_CELLS_MAX]; /* the body of a CHUNK; borrowed */
    unsigned piece_count;
    void (*placed)(struct log_record *record); /* NULL, or: `offset` is known, the body may still
                                                  change; must not touch the writer */
    void (*done)(struct log_record *record);
    void *context; /* the caller's */

    /* Set by the writer. */
    int error;         /* errno; 0: done as asked */
    uint64_t offset;   /* when placed */
    uint64_t sequence; /* when placed */
    struct log_record *next;
};

/* What a record takes at most from the room of its log, whatever shares its batch. */
static inline uint64_t log_record_room(uint32_t body_size)
{
    return format_round_up(RECORD_HEADER_SIZE + (uint64_t)body_size, FORMAT_PAGE_SIZE);
}

struct log_writer_options {
    struct disk *disk;
    struct loop *loop;
    struct disk_file *file; /* borrowed; its header page is durable */
    uint32_t number;
    uint64_t seed;
    uint64_t allocated;                           /* bytes of the file */
    void (*on_failure)(void *context, int error); /* once; must not append */
    void (*on_sync)(void *context);               /* after each good sync, before the done()s */
    void *context;
};

/* Begins behind the header page. NULL: out of memory. */
struct log_writer *log_writer_create(const struct log_writer_options *options);

/* Accepts NULL. Not while it is busy. */
void log_writer_destroy(struct log_writer *writer);

/*
 * Takes `record` until done(), which comes later, never inside this call, in the order of
 * appending among those that need a sync.  Its room was reserved.
 */
void log_writer_append(struct log_writer *writer, struct log_record *record);

/* ---- room: the caller keeps the books, the writer holds them ---- */

/* Bytes of the file that are neither written nor promised to anybody. */
uint64_t log_writer_room(const struct log_writer *writer);

/* Promises `bytes`, which log_writer_room() has; records use it up as they are placed. */
void log_writer_reserve(struct log_writer *writer, uint64_t bytes);

/* Gives back what of a promise was not used. */
void log_writer_release(struct log_writer *writer, uint64_t bytes);

/* The file has become longer. */
void log_writer_grew(struct log_writer *writer, uint64_t allocated);

/* ---- facts ---- */

struct log_position {
    uint64_t end;         /* where the next batch begins */
    uint64_t reserved;    /* promised beyond it */
    uint64_t allocated;   /* bytes of the file */
    uint64_t sequence;    /* of the newest record placed */
    uint64_t durable;     /* sequence up to which all is synced */
    uint64_t durable_end; /* offset up to which all is synced */
};

struct log_position log_writer_position(const struct log_writer *writer);

/* Records are under way, or a request to the disk is. */
bool log_writer_is_busy(const struct log_writer *writer);

bool log_writer_has_failed(const struct log_writer *writer);

#endif /* HEARTH_STORAGED_LOG_WRITER_H */
