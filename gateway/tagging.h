/*
 * tagging.h - tags of an object, as "x-amz-tagging: a=b&c=d" and as <Tagging>.
 *
 * Thread-safety: none needed.
 */
#ifndef HEARTH_GATEWAY_TAGGING_H
#define HEARTH_GATEWAY_TAGGING_H

#include "client/hearth.h"
#include "common/arena.h"
#include "gateway/s3_error.h"
#include "gateway/xml_out.h"

enum {
    TAGGING_NAME_MAX = 128, /* characters; a character of UTF-8 may take four bytes */
    TAGGING_VALUE_MAX = 256,
};

struct tagging {
    unsigned count;
    struct hearth_metadata items[HEARTH_TAGS_MAX];
};

/* Adds one, checked; the bytes are the arena's afterwards.  INVALID_TAG: too many, too long, a name
 * twice, no name. */
enum s3_error tagging_add(
    struct tagging *tagging, struct view name, struct view value, struct arena *arena);

/* From the header. */
enum s3_error tagging_parse(const char *header, struct arena *arena, struct tagging *out);

/* <Tagging> with <TagSet>. */
void tagging_write(struct xml_out *xml, const struct hearth_metadata *tags, unsigned count);

#endif /* HEARTH_GATEWAY_TAGGING_H */
