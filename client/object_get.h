/*
 * object_get.h - a whole object, or a range of it, on its way out.
 *
 *   Lookup --> manifest opened, compared with what the coordinator says in clear
 *          --> inline bytes, or a segment_get for each extent of the range, in order
 *
 * The manifest decides what the object is; the coordinator only says where its segments are.
 */
#ifndef HEARTH_CLIENT_OBJECT_GET_H
#define HEARTH_CLIENT_OBJECT_GET_H

#include "client/hearth.h"
#include "client/session.h"

/* As hearth_get(). */
enum hearth_code object_get(struct session *session, const char *bucket, struct view key,
    const struct hearth_sink *sink, const struct hearth_get_options *options,
    struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_GET_H */
