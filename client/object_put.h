/*
 * object_put.h - a whole object on its way in.
 *
 *   small enough:  read all --> manifest with the bytes inside --> PutInline
 *   else:          Begin --> a segment_put for each 64 MiB --> Commit, which seals the last one
 *
 *   source   |---- segment 0 ----|---- segment 1 ----|- 2 -|
 *   sending       [============]      [============]  [===]
 *   waiting                     [ receipts, seal ]      [ receipts, commit ] [ stragglers ]
 *
 * A segment's receipts are awaited while the next one is being sent, if there is memory for both.
 * What fails leaves nothing visible: the intent is aborted, or expires.
 */
#ifndef HEARTH_CLIENT_OBJECT_PUT_H
#define HEARTH_CLIENT_OBJECT_PUT_H

#include "client/hearth.h"
#include "client/manifest.h"
#include "client/session.h"

/* As hearth_put(). */
enum hearth_code object_put(struct session *session, const char *bucket, struct view key,
    const struct hearth_source *source, const struct hearth_put_options *options,
    struct hearth_put_result *out, struct hearth_err *err);

/* The same, but what it makes is a part: never inline.  As hearth_upload_part(), without its
 * prefix; the number has been checked.  out may be NULL. */
enum hearth_code object_put_part(struct session *session, const char *bucket, struct view key,
    const uint8_t upload_id[UPLOAD_ID_SIZE], unsigned number, const struct hearth_source *source,
    const struct hearth_part_options *options, struct hearth_part *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_PUT_H */
