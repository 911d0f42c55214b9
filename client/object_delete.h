/*
 * object_delete.h - the body of hearth_delete().
 */
#ifndef HEARTH_CLIENT_OBJECT_DELETE_H
#define HEARTH_CLIENT_OBJECT_DELETE_H

#include "client/hearth.h"
#include "client/session.h"

enum hearth_code object_delete(struct session *session, const char *bucket, struct view key,
    const struct hearth_precondition *precondition, bool *out_existed, struct hearth_err *err);

/* As hearth_delete_many(). */
enum hearth_code object_delete_many(struct session *session, const char *bucket,
    const struct view *keys, unsigned count, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_DELETE_H */
