/*
 * log_walk.h - the footers and small records of a log, without keeping the loop waiting.
 *
 *   log_walk_next --> found(SHARD, TOMBSTONE or RETIRED) --> log_walk_next --> ...
 *                 --> found(NULL): the end
 *
 * Chunks are passed over by their headers; of a SHARD only the header was read and verified.
 * `misses_synced` at the end: a record that some later one knows to be synced is not there any
 * more. (log_scan.h does the same for starting up, where blocking is allowed and the end is not
 * known.)
 *
 * Thread-safety: none; the loop thread.
 */
#ifndef HEARTH_STORAGED_LOG_WALK_H
#define HEARTH_STORAGED_LOG_WALK_H

#include "storaged/shard_format.h"

enum { LOG_WALK_WINDOW = 64 * 1024 };

struct log_walk {
    /* Set by the caller. */
    struct disk *disk;
    struct disk_file *file; /* direct */
    uint32_t number;
    uint64_t seed;
    uint64_t end;    /* nothing of interest follows */
    uint8_t *buffer; /* LOG_WALK_WINDOW, aligned for direct reads */
    /* `header` NULL: the end; `error` is then 0, or why the walk ends early. A SHARD has no body.
     */
    void (*found)(struct log_walk *walk, const struct record_header *header, struct view body);
    void *context;

    /* The answer, at the end. */
    int error;
    bool misses_synced;

    uint64_t offset; /* of the next record, or of where one may begin */
    uint64_t window_offset;
    uint64_t window_size;
    uint64_t last_sequence;
    uint64_t first_missing; /* UINT64_MAX: none */
    uint64_t durable;       /* the highest that a record knows of */
    struct disk_io io;
    struct iovec part;
};

/* Before the first log_walk_next(). */
void log_walk_begin(struct log_walk *walk);

/* found() may come at once. */
void log_walk_next(struct log_walk *walk);

#endif /* HEARTH_STORAGED_LOG_WALK_H */
