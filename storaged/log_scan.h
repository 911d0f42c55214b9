/*
 * log_scan.h - reads a log that may end anyhow, and tells a torn tail from rot.
 *
 *   1. from the end backwards to the last header that verifies: its `durable`, or what a checkpoint
 *      knew, is the frontier; all at or below it was synced once
 *   2. forwards over every record that verifies:
 *        missing at or below the frontier    rot: reported, and the scan goes on behind it
 *        missing above the frontier          torn: was acknowledged to nobody, ignored
 *        a footer above the frontier         counts only if all its cells verify
 *
 * Every length is checked against the file before it is used, so the bytes may be anything at all.
 * Nothing is written.  Memory: one window of 272 KiB.  Blocks: for starting up.
 */
#ifndef HEARTH_STORAGED_LOG_SCAN_H
#define HEARTH_STORAGED_LOG_SCAN_H

#include "storaged/shard_format.h"

struct log_scan {
    /* Set by the caller. */
    struct disk *disk;
    struct disk_file *file; /* opened direct: what the device has, not what memory remembers */
    uint64_t size;          /* of the file */
    uint32_t number;
    uint64_t seed;
    uint64_t from;       /* a page behind which everything is wanted */
    uint64_t durable;    /* sequence of the last record before `from`, known to be synced */
    uint64_t good_until; /* what follows this sequence does not count; 0: everything does */

    /*
     * A record that counts, in their order; not CHUNKs and MARKs. `body` is borrowed for the call.
     * Anything but HEARTH_OK ends the scan.
     */
    enum hearth_code (*record)(void *context, const struct record_header *header, struct view body,
        struct hearth_err *err);
    /* Synced bytes that are no records any more. */
    void (*damaged)(void *context, uint64_t offset, uint64_t size);
    void *context;

    /* The answer. */
    uint64_t end;           /* behind the last record, at a page */
    uint64_t last_sequence; /* of the last record that verifies */
    uint64_t frontier;
    uint64_t record_count;
};

/* HEARTH_NO_MEMORY, or what record() answered. Bytes that cannot be read count as damaged. */
enum hearth_code log_scan_run(struct log_scan *scan, struct hearth_err *err);

#endif /* HEARTH_STORAGED_LOG_SCAN_H */
