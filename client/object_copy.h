/*
 * object_copy.h - another name for the same segments; the body of hearth_copy().
 *
 *   Lookup the source --> its manifest, opened --> sealed again for the destination --> Copy
 *
 * Extents keep their keys, so no data is read or moved.
 */
#ifndef HEARTH_CLIENT_OBJECT_COPY_H
#define HEARTH_CLIENT_OBJECT_COPY_H

#include "client/hearth.h"
#include "client/session.h"

enum hearth_code object_copy(struct session *session, const char *source_bucket,
    struct view source_key, const char *bucket, struct view key,
    const struct hearth_copy_options *options, struct hearth_put_result *out,
    struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_COPY_H */
