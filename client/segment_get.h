/*
 * segment_get.h - a range of one segment, out of the shards that can be had.
 *
 *   lanes: cells, each verified --> window --> rebuild what is missing --> open units --> deliver
 *
 * Nothing that failed authentication is delivered (D2): cells are checked against their tags,
 * units against theirs.  These rules make it quick:
 *
 *   the data slots that hold the range are asked, but for those that k others would outrun
 *   (get_cover.h), no more than 16 cells ahead of delivery;
 *   who is late for the oldest stripe, by its node's own record (node_tempo.h) or, without one, by
 *   what is usual in this get (get_tempo.h), gets a rival; whoever loses is dropped;
 *   who fails or lies is replaced at once, and reported;
 *   who says nothing for 30 s has failed.
 *
 * When the holders with orders run out, the coordinator is asked for more, and for newer addresses.
 *
 *   open --> read_ahead ... --> run --> destroy
 *
 * Reading ahead is what closes the gap between segments: the first cells of the next one come while
 * the last of this one are delivered, in the memory that this one has no more use for.
 */
#ifndef HEARTH_CLIENT_SEGMENT_GET_H
#define HEARTH_CLIENT_SEGMENT_GET_H

#include "client/seal.h"
#include "client/transfer.h"

enum { SEGMENT_GET_AHEAD_MAX = 16 }; /* cells of one holder asked for and not delivered yet */

/* What the object's get and its segments' gets have in common; borrowed. */
struct get_source {
    struct transfer *transfer;
    struct view bucket;
    struct view key;
    struct view version;
    struct get_tempo *tempo;
    struct get_reports *reports;
    /* In order; a failure ends the get with the same code and message. */
    enum hearth_code (*deliver)(void *context, struct view plain, struct hearth_err *err);
    /* The segment that runs could hold so many bytes more than are left of it. */
    void (*has_room)(void *context, uint64_t bytes);
    void *context;
};

struct segment_get_range {
    const struct wire_segment_info *info; /* borrowed */
    const struct upload_key *upload_key;  /* borrowed */
    uint64_t offset;                      /* into the segment's plaintext */
    uint64_t length;                      /* > 0 */
};

struct segment_get;

/* Asks nobody yet; the source is borrowed for the life of the get.  HEARTH_CHECKSUM: the
 * coordinator's description of the segment cannot be true. */
enum hearth_code segment_get_open(const struct get_source *source,
    const struct segment_get_range *range, struct segment_get **out, struct hearth_err *err);

/* Lets cells come before it runs, in so many bytes of memory; more each time, never less. */
void segment_get_read_ahead(struct segment_get *get, uint64_t bytes);

/*
 * Delivers the range.  HEARTH_SHARDS_LOST: "segment 12ab..: 3 of 8 shards reachable, 4 needed";
 * HEARTH_CHECKSUM: the coordinator's description of the segment does not fit what is sealed in it.
 */
enum hearth_code segment_get_run_blocking(struct segment_get *get, struct hearth_err *err);

void segment_get_destroy(struct segment_get *get); /* accepts NULL */

#endif /* HEARTH_CLIENT_SEGMENT_GET_H */
