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
#include "client/session.h"

/* As hearth_put(). */
enum hearth_code object_put(struct session *session, const char *bucket, struct view key,
    const struct hearth_source *source, const struct hearth_put_options *options,
    struct hearth_put_result *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_PUT_H */
