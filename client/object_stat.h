/*
 * object_stat.h - what an object is and where its shards lie; the body of hearth_stat().
 */
#ifndef HEARTH_CLIENT_OBJECT_STAT_H
#define HEARTH_CLIENT_OBJECT_STAT_H

#include "client/hearth.h"
#include "client/session.h"

enum hearth_code object_stat(struct session *session, const char *bucket, struct view key,
    bool with_shards, struct hearth_stat **out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_STAT_H */
