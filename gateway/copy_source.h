/*
 * copy_source.h - "x-amz-copy-source: /bucket/key?versionId=...": where a copy comes from.
 *
 * The header is percent-encoded, with or without a slash before it; what comes out is bytes, as the
 * key of a request is.  Thread-safety: none needed.
 */
#ifndef HEARTH_GATEWAY_COPY_SOURCE_H
#define HEARTH_GATEWAY_COPY_SOURCE_H

#include "common/arena.h"
#include "gateway/s3_error.h"

struct copy_source {
    const char *bucket;
    struct view key;
};

/* In the arena.  INVALID_ARGUMENT, KEY_TOO_LONG, NO_SUCH_VERSION: another one than "null". */
enum s3_error copy_source_parse(const char *header, struct arena *arena, struct copy_source *out);

#endif /* HEARTH_GATEWAY_COPY_SOURCE_H */
