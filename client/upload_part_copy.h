/*
 * upload_part_copy.h - a part made of a piece of another object: the same segments, other names.
 */
#ifndef HEARTH_CLIENT_UPLOAD_PART_COPY_H
#define HEARTH_CLIENT_UPLOAD_PART_COPY_H

#include "client/hearth.h"
#include "client/session.h"

/* As hearth_upload_part_copy(). */
enum hearth_code upload_part_copy(struct session *session, const char *bucket, struct view key,
    const char *upload, unsigned number, const struct hearth_part_source *source,
    struct hearth_part *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_UPLOAD_PART_COPY_H */
