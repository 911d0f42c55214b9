#include "client/object_set_tags.h"

#include "client/object_manifest.h"
#include "client/object_tags.h"
#include "proto/wire_uploads.h"

enum hearth_code object_set_tags(struct session *session, const char *bucket, struct view key,
    const char *version, unsigned tag_count, const struct hearth_metadata *tags,
    struct hearth_err *err)
{
    uint8_t version_bytes[OBJECT_VERSION_SIZE];
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_set_tags_request request = {.bucket = view_text(bucket), .key = key};
    enum hearth_code code = object_key_check(key, err);
    if (code == HEARTH_OK) {
        code = object_version_read(version, version_bytes, &request.version, err);
    }
    if (code == HEARTH_OK) {
        code = object_tags_encode(tags, tag_count, &arena, &request.tags, err);
    }
    if (code == HEARTH_OK) {
        code = session_ready(session, err);
    }
    if (code == HEARTH_OK) {
        code = session_change(session, RPC_SET_TAGS, &request, err);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "tag %s/%.*s", bucket, VIEW_ARGS(key));
}
