/*
 * object_tags.h - the tags of an object, which the coordinator keeps as bytes.
 *
 *   u8 version = 1 | u16 count of tags: text name, text value     text: u32 length, bytes
 *
 * No tags are no bytes.  Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_CLIENT_OBJECT_TAGS_H
#define HEARTH_CLIENT_OBJECT_TAGS_H

#include "client/hearth.h"
#include "common/arena.h"

/* HEARTH_INVALID: more than HEARTH_TAGS_MAX, or than WIRE_TAGS_MAX bytes, or one without a name. */
enum hearth_code object_tags_encode(const struct hearth_metadata *tags, unsigned count,
    struct arena *arena, struct view *out, struct hearth_err *err);

/* What *out points at lives in the arena and in `bytes`.  HEARTH_CHECKSUM: they are no tags. */
enum hearth_code object_tags_decode(struct view bytes, struct arena *arena,
    const struct hearth_metadata **out, unsigned *out_count, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_TAGS_H */
