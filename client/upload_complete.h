/*
 * upload_complete.h - parts become one object.
 *
 *   list the parts, open each manifest --> choose, visit, join: extents, sizes, MD5 of MD5s
 *       --> seal the object's manifest --> CompleteUpload, which takes only what was seen
 *
 * Once completed there are no parts to list; the question is asked all the same, for the
 * coordinator remembers what came of the first time.
 */
#ifndef HEARTH_CLIENT_UPLOAD_COMPLETE_H
#define HEARTH_CLIENT_UPLOAD_COMPLETE_H

#include "client/hearth.h"
#include "client/session.h"

/* As hearth_upload_complete(). */
enum hearth_code upload_complete(struct session *session, const char *bucket, struct view key,
    const char *upload, const struct hearth_complete_options *options,
    struct hearth_put_result *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_UPLOAD_COMPLETE_H */
