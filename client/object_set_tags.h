/*
 * object_set_tags.h - other tags for an object that is there.
 */
#ifndef HEARTH_CLIENT_OBJECT_SET_TAGS_H
#define HEARTH_CLIENT_OBJECT_SET_TAGS_H

#include "client/hearth.h"
#include "client/session.h"

/* As hearth_set_tags(). */
enum hearth_code object_set_tags(struct session *session, const char *bucket, struct view key,
    const char *version, unsigned tag_count, const struct hearth_metadata *tags,
    struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_SET_TAGS_H */
