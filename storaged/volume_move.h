/*
 * volume_move.h - one shard read from the device and verified, and moved to another log.
 *
 *   READ RECORD --verified--> WAIT until nobody stores or deletes the id --> TAKE ROOM
 *     --> TOMBSTONE durable, for trash --> CHUNK read, verified, appended, ... --> FOOTER durable
 *                                          (the footer is appended together with the last chunk)
 *     --> READ BACK from the device, verified --> the index turns to the new place (D8) --> done
 *
 * The tombstone is durable before the footer can be: a start that finds the footer alone must not
 * find a deleted shard alive.  The old place is left as it was.  A crash anywhere leaves a second
 * copy at most, and of two the one in the newer log counts.
 *
 * One chunk at a time, and before each of them a pause (volume_pace_ns): clients come first.
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_VOLUME_MOVE_H
#define HEARTH_STORAGED_VOLUME_MOVE_H

#include "storaged/volume_state.h"

enum move_outcome {
    MOVE_DONE,    /* it is at the new place; or, with only_verify, it is good */
    MOVE_GONE,    /* it is not at the old place any more */
    MOVE_DAMAGED, /* it does not verify: reported, and left as it is */
    MOVE_NO_ROOM, /* it is good, and stays where it is */
    MOVE_FAILED,  /* the new log failed, or memory is short */
    MOVE_STOPPED, /* the volume is being closed, or is read-only, or the log was dropped */
};

enum {
    MOVE_BUFFER_SIZE = (RECORD_HEADER_SIZE + CHUNK_BODY_MAX + 2 * FORMAT_PAGE_SIZE) /
        FORMAT_PAGE_SIZE * FORMAT_PAGE_SIZE,
};

struct volume_move {
    /* Set by the caller. */
    struct volume *volume;
    struct volume_log *log; /* it lies in */
    struct disk_file *file; /* of that log, direct */
    struct shard_location from;
    bool only_verify;
    bool is_stray;          /* with only_verify: the index need not know it, nothing is reported */
    bool waits_for_clients; /* reads nothing while they are there */
    bool verify_without_room; /* go on reading when it cannot be moved */
    void (*done)(struct volume_move *move);

    /* The answer. */
    enum move_outcome outcome;

    struct volume_move *next; /* of the volume's */
    bool has_id;              /* it is ours, and nobody else changes its entry */
    bool has_header;
    struct shard_id id;
    bool has_record;            /* `footer` was read and verifies */
    struct shard_footer footer; /* borrows from `record` */
    uint8_t record[RECORD_HEADER_SIZE + FOOTER_BODY_MAX];
    uint32_t next_chunk;
    struct room_wish wish;
    bool has_room;
    bool has_copy; /* a footer was given to the new log, and the index does not know of it yet */
    uint64_t room_left;
    unsigned records_busy;
    int record_error; /* of one of them */

    struct log_record chunk;
    uint8_t chunk_head[RECORD_HEADER_SIZE];
    uint64_t chunk_offsets[CHUNKS_MAX];
    uint64_t cell_sums[VOLUME_CELLS_MAX];
    struct log_record last; /* the footer, or a tombstone that bars */
    uint8_t last_bytes[RECORD_HEADER_SIZE + FOOTER_BODY_MAX];
    struct log_record tombstone; /* of a shard in the trash */
    uint8_t tombstone_bytes[RECORD_HEADER_SIZE + TOMBSTONE_BODY_SIZE];

    struct disk_file *new_file; /* of the new log, direct, to read back */
    char name[DISK_NAME_SIZE];
    struct timer timer;
    bool is_waiting;
    void (*after_pause)(struct volume_move *move);
    struct disk_io io;
    struct iovec part;
    uint64_t wanted_offset;
    size_t wanted_size;
    uint8_t *buffer; /* MOVE_BUFFER_SIZE, aligned for direct reads; the caller's */
};

/* done() comes once, never inside this call. The move is the caller's again when it starts. */
void volume_move_start(struct volume_move *move);

/* One that only waits goes on now, and finds out that it has to stop; others do so by themselves.
 */
void volume_move_wake(struct volume_move *move);

/* As after a SIGKILL: one that only waits never was. */
void volume_move_abandon(struct volume_move *move);

#endif /* HEARTH_STORAGED_VOLUME_MOVE_H */
