/*
 * put_segments.h - the segments of one object, one after the other, the acknowledgement of each
 * overlapping with the sending of the next.
 *
 * Thread-safety: belongs to its transfer's thread.
 */
#ifndef HEARTH_CLIENT_PUT_SEGMENTS_H
#define HEARTH_CLIENT_PUT_SEGMENTS_H

#include "client/bucket_cache.h"
#include "client/manifest.h"
#include "client/put_resume.h"
#include "client/put_turn.h"
#include "client/segment_put.h"
#include "client/source_reader.h"

struct put_segments {
    /* Set once; borrowed. */
    struct transfer *transfer;
    struct source_reader *reader;
    struct view intent_id;
    const struct upload_key *upload_key;
    const struct bucket *bucket; /* its profile */
    struct put_resume *resume;   /* NULL: this put cannot go on later */

    struct put_turn turn;
    struct cell_pool pool;
    struct segment_put *current;  /* being filled; in the end the last one, not sealed yet */
    struct segment_put *previous; /* its footers are out, its receipts are coming */
    uint64_t current_opened_ns;
    uint64_t turn_bytes; /* of what is read, from one turn of the network to the next */
    uint64_t turn_size;  /* of what was read, when it had the last one */
    uint64_t turn_ns;
    struct manifest_extent *extents;
    size_t extent_count;
    size_t extents_max;
};

/* From zero, with what is set once filled in. */
void put_segments_init(struct put_segments *segments);
void put_segments_fini(struct put_segments *segments);

/* Instead of sending: reads what an earlier put has sent. Codes of put_resume_take_over(). */
enum hearth_code put_segments_take_over(
    struct put_segments *segments, const struct put_state *earlier, struct hearth_err *err);

/* Reads the source to its end, at least one byte.  On HEARTH_OK every segment but the last is
 * sealed, and the last is acknowledged. */
enum hearth_code put_segments_run(struct put_segments *segments, struct hearth_err *err);

/* Waits a moment for nodes that were slower than the rest, and tells the coordinator of them:
 * at most 2 s, and no longer than the last segment took. */
void put_segments_linger(struct put_segments *segments);

#endif /* HEARTH_CLIENT_PUT_SEGMENTS_H */
