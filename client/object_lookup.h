/*
 * object_lookup.h - asks what a key holds, and opens its manifest: how every reading call begins.
 *
 * Thread-safety: belongs to its call.
 */
#ifndef HEARTH_CLIENT_OBJECT_LOOKUP_H
#define HEARTH_CLIENT_OBJECT_LOOKUP_H

#include "client/object_manifest.h"
#include "client/session.h"

struct object_lookup {
    /* Set by the caller; borrowed. */
    struct session *session;
    const char *bucket_name;
    struct view key;
    struct view version; /* empty: the newest; afterwards, the one found */
    uint64_t offset;
    uint64_t length;
    bool suffix;
    bool head_only;
    bool with_estimate; /* for stat */
    const atomic_bool *cancel;

    /* Found. */
    struct arena arena;
    struct bucket bucket;
    struct wire_lookup_reply reply;
    struct manifest manifest;
    struct view tags;
    struct arena page_arenas[2]; /* of replies after the first, in turn */
    unsigned page;               /* which one is in use */
    uint64_t asked_ns;           /* when the orders in `reply` were made */
};

/*
 * Looks up and opens.  HEARTH_NOT_FOUND: no such bucket, key or version.  HEARTH_CHECKSUM: the
 * manifest is not of this key, or the coordinator's size and ETag are not the manifest's.
 */
enum hearth_code object_lookup_begin(struct object_lookup *lookup, struct hearth_err *err);

/* After begin, whatever it returned. */
void object_lookup_end(struct object_lookup *lookup);

/* Asks again, from this extent on; `reply` is replaced, the manifest stays. */
enum hearth_code object_lookup_from(
    struct object_lookup *lookup, uint64_t extent, struct hearth_err *err);

/*
 * The segment of an extent of the manifest, from `reply`, asking again when it is not there (or
 * its orders are about to expire).  *out lives until the question after the next one, so that the
 * segment after this one can be opened beside it.
 * HEARTH_CHECKSUM: the coordinator's extent is another than the manifest's.
 */
enum hearth_code object_lookup_segment(struct object_lookup *lookup, size_t extent,
    const struct wire_segment_info **out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_LOOKUP_H */
