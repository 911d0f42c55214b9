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
 *   volume_move.c        one shard verified, or moved to another log
 *   volume_rescue.c      everything in a failed log read back and moved
 *   volume_scrub.c       every shard verified, again and again
 *   volume_survey.c      which log is worth compacting; what is purged
 *   volume_compact.c     a log emptied, and what becomes of it
 *   volume_drop.c        forgotten and unlinked
 *   volume_carry.c       which of its records outlive it
 *   volume_gone.c        the numbers of all that are gone
 *   volume_stray.c       which of its shards the index does not know
 *   volume_clock.c       the coordinator's time
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
#include "storaged/trash_day.h"
#include "storaged/volume.h"
#include "storaged/volume_clock.h"
#include "storaged/volume_gone.h"

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

    unsigned readers;         /* who may still read from it, whatever becomes of its name */
    bool is_damaged;          /* synced records of it are gone, or it is not ours: never dropped */
    bool has_ghosts;          /* some of its shards are found in other logs */
    unsigned copies;          /* of shards on their way here, which are found elsewhere as yet */
    bool is_dropped;          /* nothing in it counts, and checkpoints say so: */
    uint64_t forgotten;       /* the first generation of the index that does */
    bool is_of_this_run;      /* made since the start */
    uint64_t entered_bytes;   /* likewise: of shards that came into the index here */
    uint64_t kept_bytes;      /* by the last survey: of shards that are live or young trash */
    uint64_t checked_unix_ms; /* when all of it was verified; 0: not yet */
    uint64_t not_before_ns;   /* compaction was tried in vain: not again before this */
};

/* NULL: no such log. */
struct volume_log *volume_log_find(const struct volume *volume, uint32_t number);

/* Keeps them in order of numbers. NULL: out of memory; `file` is then still the caller's. */
struct volume_log *volume_log_add(
    struct volume *volume, uint32_t number, struct disk_file *file TAKES);

/* What is read from the log stays there until it is let go, also when the log is dropped. */
void volume_log_hold(struct volume_log *log);
void volume_log_let_go(struct volume_log *log);

/* Its file has no name any more: the log leaves the volume, and goes with its last reader. */
void volume_log_remove(struct volume_log *log);

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

enum room_kind {
    ROOM_PUT,   /* leaves the reserve free, and what compaction needs */
    ROOM_MOVE,  /* a shard on its way out of another log: leaves half of the reserve */
    ROOM_SMALL, /* a tombstone or the like: may use everything */
};

/* A wish for room in some log; embedded in who has it. */
struct room_wish {
    uint64_t bytes;
    enum room_kind kind;
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
    uint64_t wanted;  /* size the active log is growing to */
    uint64_t needed;  /* size it must have at least */
    bool was_refused; /* the last put, for lack of room */

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

/* The first number that no log of the volume has, or had; one that is being made has it still. */
uint32_t volume_room_next_log(const struct volume *volume);

/* What was not used of a wish; the log has a user less. */
void volume_room_give_back(struct volume_log *log, uint64_t unused);

/* What puts may still take, by the capacity. */
uint64_t volume_room_free(const struct volume *volume);

/* What may still be moved; UINT64_MAX: no capacity set. */
uint64_t volume_room_for_moves(const struct volume *volume);

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
    struct volume_log *log;         /* where that is, held until fini; NULL: it is not there */
    struct shard_footer footer;     /* with HEARTH_OK; borrows from `record` */

    struct volume *volume;
    uint8_t *record;
    struct shard_location candidates[FIND_CANDIDATES_MAX];
    struct volume_log *logs[FIND_CANDIDATES_MAX]; /* held; NULL: it is not there */
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

/* The same when anything has: called now and then, so that a start never reads more than an hour's.
 */
void volume_checkpoint_when_new(struct volume *volume);

/* ---- tidying (volume_survey.c, volume_compact.c) ---- */

/* Marks what is purged, counts what each log keeps, and finds the log most worth compacting. */
struct volume_log *volume_survey(struct volume *volume);

struct volume_compaction;

/* Empties the log, and drops it when nothing in it is needed any more. */
void volume_compact_start(struct volume *volume, struct volume_log *log);

/* Goes on after something that it waits for: a checkpoint has ended, the volume is being closed. */
void volume_compact_wake(struct volume *volume);

/* A compaction has ended, the log is gone or stays: looks for the next. */
void volume_tidy_goes_on(struct volume *volume);

/* The first look, some time after the start. */
void volume_tidy_start(struct volume *volume);

/* No more of it. */
void volume_tidy_stop(struct volume *volume);

/* As after a SIGKILL. */
void volume_compact_abandon(struct volume *volume);

/* A wish was refused for lack of room. */
void volume_tidy_soon(struct volume *volume);

/* How fast one kind of background work may go. */
struct volume_pace {
    uint64_t bytes_per_s;
    uint64_t free_ns; /* when what was let through is paid for */
};

/* How long that work has to wait before its next `bytes`; longer while clients wait. */
uint64_t volume_pace_ns(struct volume *volume, struct volume_pace *pace, uint64_t bytes);

/* Puts or gets are open. */
bool volume_has_clients(const struct volume *volume);

/* ---- scrub (volume_scrub.c) ---- */

struct volume_scrub;

/* Begins with the log that was verified longest ago, if that is long enough ago. */
void volume_scrub_when_due(struct volume *volume);

/* One that only waits finds out whether it has to stop. */
void volume_scrub_stop(struct volume *volume);

/* As after a SIGKILL. */
void volume_scrub_abandon(struct volume *volume);

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
    struct gone_logs gone;
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

    struct volume_checkpoint *checkpoint;     /* NULL: none is being written */
    uint64_t checkpoint_generation;           /* of the newest */
    uint64_t checkpoints[VOLUME_CHECKPOINTS]; /* generations of the two files; 0: of no use */
    bool checkpoints_are_removed;             /* none is begun meanwhile */
    uint64_t bytes_since_checkpoint;
    uint64_t records_since_checkpoint;

    struct volume_rescue *rescue; /* NULL: none */
    struct volume_move *moves;    /* under way */

    struct volume_clock clock;
    uint64_t purge_until_unix_ms;         /* trash of before may go */
    struct volume_compaction *compaction; /* NULL: none */
    struct timer survey_timer;
    uint64_t surveyed_at_ns;
    struct volume_pace pace;    /* of moving shards */
    struct volume_scrub *scrub; /* NULL: none */
    struct volume_pace scrub_pace;
    uint64_t scrubbed;  /* logs verified since the start */
    bool has_news;      /* that only the next checkpoint will keep */
    uint64_t compacted; /* logs dropped since the start */

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

/* volume_put_open.c, volume_trash.c, volume_move.c: one of theirs has this id. */
bool volume_put_has_id(const struct volume *volume, const struct shard_id *id);
bool volume_trash_has_id(const struct volume *volume, const struct shard_id *id);
bool volume_move_has_id(const struct volume *volume, const struct shard_id *id);

/* The coordinator's time; 0: not known yet. */
uint64_t volume_now_unix_ms(const struct volume *volume);

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

/* One that only waits finds out that it has to stop. */
void volume_rescue_stop(struct volume *volume);

/* As after a SIGKILL. */
void volume_rescue_abandon(struct volume *volume);

#endif /* HEARTH_STORAGED_VOLUME_STATE_H */
