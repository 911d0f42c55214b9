/*
 * volume_state.h - what the files volume_*.c know of a volume and of each other.
 *
 *   volume.c             opening and closing, facts, events
 *   volume_superblock.c  who the volume is
 *   volume_load.c        the newest checkpoint of the index
 *   volume_recover.c     from the directory to an index       on log_scan.c
 *   volume_log.c         the logs of a volume, and their marks
 *   volume_room.c        which log has room; new logs         on log_writer.c
 *   volume_fail.c        what happens when a log fails
 *   volume_find.c        from an id to its footer
 *   volume_put.c, volume_get.c, volume_trash.c, volume_list.c
 *   volume_checkpoint.c  the index, written while it is used
 *   volume_rescue.c      reading back and moving what was in a failed log
 *   volume_inspect.c     all of it looked at by somebody who changes nothing
 *
 * Everything is on the loop thread.  An answer to the outside goes through volume_answer(), so it
 * is never inside the call; callbacks between these files may come at once.
 */
#ifndef HEARTH_STORAGED_VOLUME_STATE_H
#define HEARTH_STORAGED_VOLUME_STATE_H

#include "storaged/log_writer.h"
#include "storaged/shard_format.h"
#include "storaged/shard_index.h"
#include "storaged/volume.h"

/* ---- logs ---- */

struct volume_log {
    /* Set once. */
    struct volume *volume;
    uint32_t number;
    uint64_t seed;
    struct disk_file *file; /* NULL: a checkpoint names the log, but it is not there */

    struct log_writer *writer; /* NULL: nothing is appended any more */
    bool takes_puts;           /* no: it is full, or has failed */
    unsigned users;            /* who has room here */
    uint64_t bytes;            /* without a writer: of the file */
    uint64_t end;              /* without a writer: where scanning would find nothing new */
    uint64_t durable;          /* without a writer: the highest sequence known to be synced */
    bool is_retired;           /* it failed: */
    uint64_t good_until;       /* no record after this sequence was acknowledged */

    struct timer mark_timer;
    struct log_record mark;
    uint8_t mark_bytes[RECORD_HEADER_SIZE + MARK_BODY_SIZE];
    bool mark_is_busy;
    uint64_t vouched; /* highest sequence that a mark names as durable */

    struct task settling;
    bool is_settling;

    uint64_t counted_end; /* towards the next checkpoint: bytes and records up to here */
    uint64_t counted;
    bool is_settled; /* while opening: a checkpoint has all that is in it */
};

/* NULL: no such log. */
struct volume_log *volume_log_find(const struct volume *volume, uint32_t number);

/* Keeps them in order of numbers. NULL: out of memory; `file` is then still the caller's. */
struct volume_log *volume_log_add(
    struct volume *volume, uint32_t number, struct disk_file *file TAKES);

/* Gives a new log its writer. false: out of memory. */
bool volume_log_open(struct volume_log *log, uint64_t allocated);

/*
 * A log that takes no puts, has no users and nothing under way gets a synced mark, and then gives
 * its writer up; other logs go on.  To be called when one of these may have become true.
 */
void volume_log_settle(struct volume_log *log);

/* The log takes no more puts. */
void volume_log_finish(struct volume_log *log);

/* Puts, or anything else, may still be appended somewhere. */
bool volume_log_is_open(const struct volume_log *log);

/* ---- room (volume_room.c) ---- */

/* A wish for room in some log; embedded in who has it. */
struct room_wish {
    uint64_t bytes;
    bool is_small; /* a tombstone or the like: may use the reserve */
    void (*done)(struct room_wish *wish);
    struct volume_log *log; /* in done() with HEARTH_OK: has the room, and a user more */
    struct hearth_err err;
    struct room_wish *next;
};

struct volume_room {
    struct room_wish *oldest;
    struct volume_log *active; /* where new room is taken; NULL: a new log is due */
    uint32_t next_log;         /* its number */
    bool is_busy;              /* a file is being made or lengthened */
    struct disk_io io;
    uint64_t wanted; /* size the active log is growing to */
    uint64_t needed; /* size it must have at least */

    /* While a log is being made. */
    struct disk_file *new_file;
    char new_name[DISK_NAME_SIZE];
    uint8_t *new_page;
    int creation_error;
    struct iovec new_parts[1];
};

/* done() may come at once. */
void volume_room_take(struct volume *volume, struct room_wish *wish);

/* The same, before all others that wait. */
void volume_room_take_first(struct volume *volume, struct room_wish *wish);

/* What was not used of a wish; the log has a user less. */
void volume_room_give_back(struct volume_log *log, uint64_t unused);

/* What puts may still take, by the capacity. */
uint64_t volume_room_free(const struct volume *volume);

/* Whether a put of so many bytes would fit an empty log. */
bool volume_room_fits_a_log(const struct volume *volume, uint64_t bytes);

/* Fails all that wait. */
void volume_room_refuse_all(struct volume *volume);

/* ---- failed logs (volume_fail.c) ---- */

/* Called by the writer of the log when it fails. */
void volume_log_failed(struct volume_log *log, int error);

/* Another file of the volume could not be written. */
void volume_count_failure(struct volume *volume, const char *what, int error);

/* ---- finding a shard (volume_find.c) ---- */

enum { FIND_CANDIDATES_MAX = 8 };

struct volume_find {
    /* Set by the caller. */
    struct shard_id id;
    void (*done)(struct volume_find *find);

    /* The answer. err.code other than HEARTH_OK: the record cannot be read, or is damaged. */
    struct hearth_err err;
    bool found;                     /* `location` is it, or with an error most probably is it */
    struct shard_location location; /* state SHARD_BARRED: there is no footer */
    struct shard_footer footer;     /* with HEARTH_OK; borrows from `record` */

    struct volume *volume;
    uint8_t *record;
    struct shard_location candidates[FIND_CANDIDATES_MAX];
    unsigned candidate_count;
    unsigned next_candidate;
    struct disk_io io;
    struct iovec part;
};

/* done() may come at once. Afterwards volume_find_fini(), also when nothing was found. */
void volume_find_start(struct volume *volume, struct volume_find *find);
void volume_find_fini(struct volume_find *find);

/* ---- checkpoints (volume_checkpoint.c) ---- */

struct volume_checkpoint;

/* Nothing happens while one is being written. */
void volume_checkpoint_start(struct volume *volume);

/* Starts one when enough has been appended since the last. */
void volume_checkpoint_when_due(struct volume *volume);

/* ---- the volume ---- */

enum { VOLUME_SUPERBLOCKS = 2, VOLUME_CHECKPOINTS = 2 };

/* Bytes of the files of a volume, kept up to date as they are made, grow and go. */
struct volume_usage {
    uint64_t logs;
    uint64_t index[VOLUME_CHECKPOINTS];
    uint64_t temporary; /* the checkpoint that is being written */
};

struct volume {
    /* Set once. */
    struct volume_options options; /* no zeros left, except the capacity */
    struct disk *disk;
    struct loop *loop;
    struct superblock superblock;
    struct disk_file *lock;

    struct shard_index *index;
    struct volume_log **logs; /* in order of numbers */
    uint32_t log_count;
    uint32_t log_capacity;
    struct volume_room room;
    struct volume_usage usage;

    unsigned failures;
    bool is_read_only;

    struct volume_put *puts; /* also those given up whose records are still under way */
    unsigned put_count;
    struct volume_trash_op *trashes;
    unsigned trash_count;
    unsigned get_count;
    unsigned list_count;
    unsigned retiring_count;

    struct volume_checkpoint *checkpoint; /* NULL: none is being written */
    uint64_t checkpoint_generation;       /* of the newest */
    uint64_t bytes_since_checkpoint;
    uint64_t records_since_checkpoint;

    struct volume_rescue *rescue; /* NULL: none */

    bool is_closing;
    bool is_final_checkpoint_begun;
    struct volume_wait *close_wait;
};

/* Posts the answer that is in wait->err. */
void volume_answer(struct volume *volume, struct volume_wait *wait);

void volume_report(struct volume *volume, const struct volume_event *event);

/* A put or trash of the id is under way. */
bool volume_id_is_busy(const struct volume *volume, const struct shard_id *id);

/* Why the volume takes no writes; HEARTH_OK: it does. */
enum hearth_code volume_check_writable(const struct volume *volume, struct hearth_err *err);

/* To be called whenever something has ended: closing may have waited for it. */
void volume_close_if_idle(struct volume *volume);

/* volume_put_open.c, volume_trash.c, volume_rescue.c: one of theirs has this id. */
bool volume_put_has_id(const struct volume *volume, const struct shard_id *id);
bool volume_trash_has_id(const struct volume *volume, const struct shard_id *id);
bool volume_rescue_has_id(const struct volume *volume, const struct shard_id *id);

/* volume_superblock.c: finds or makes the superblock, and counts one start more. Blocks. */
enum hearth_code volume_superblock_open(
    struct volume *volume, bool has_logs, struct hearth_err *err);

/*
 * The same for who only looks: nothing is written, whoever the node is.  Fills volume->superblock.
 * states: of each copy; HEARTH_NOT_FOUND: it is missing.
 */
enum hearth_code volume_superblock_look(
    struct volume *volume, enum hearth_code states[VOLUME_SUPERBLOCKS], struct hearth_err *err);

/* All bytes of the volume's files. */
uint64_t volume_usage_bytes(const struct volume *volume);

/* volume_recover.c: index and logs, from the files found in the directory. Blocks. */
struct volume_files;
enum hearth_code volume_recover(
    struct volume *volume, const struct volume_files *files, struct hearth_err *err);

/* volume_rescue.c: reads back what is in a failed log, and moves what is good. */
void volume_rescue_start(struct volume *volume, struct volume_log *log);

/* Ends one that only waits. */
void volume_rescue_stop(struct volume *volume);

#endif /* HEARTH_STORAGED_VOLUME_STATE_H */
