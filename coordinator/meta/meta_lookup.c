/*
 * Objects are found (meta_object.h): a version, the extents of a range, their segments.
 */
#include "coordinator/meta/meta_object.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

struct lookup_call {
    const struct meta_lookup *request;
    struct arena *arena;
    struct meta_object object;
};

static enum hearth_code find_version(struct meta_tx *tx, const struct meta_lookup *request,
    struct meta_version_row *out, struct hearth_err *err)
{
    bool found = request->version == NULL
        ? meta_newest_in(tx, &request->bucket, request->key, out)
        : meta_version_in(tx, &request->bucket, request->key, request->version, true, out);
    return found ? HEARTH_OK
                 : hearth_fail(err, HEARTH_NOT_FOUND,
                       request->version == NULL ? "no such key" : "no such version of the key");
}

/* ---- the range ---- */

struct range {
    uint64_t start;
    uint64_t end; /* exclusive; start when nothing is wanted */
};

static struct range range_of(const struct meta_lookup *request, uint64_t size)
{
    if (request->suffix) {
        uint64_t length = request->length < size ? request->length : size;
        return (struct range){size - length, size};
    }
    uint64_t start = request->offset < size ? request->offset : size;
    uint64_t left = size - start;
    uint64_t length = request->length > 0 && request->length < left ? request->length : left;
    return (struct range){start, start + length};
}

/* [first, end) of the extents that hold some of the range. */
struct extent_span {
    size_t first;
    size_t end;
};

static struct extent_span span_of(struct view extents, size_t count, struct range range)
{
    struct extent_span span = {0, 0};
    uint64_t at = 0;
    for (size_t i = 0; i < count && at < range.end; i++) {
        uint64_t next = at + meta_extents_at(extents, i).length;
        if (next <= range.start) {
            span.first = i + 1;
        }
        span.end = i + 1;
        at = next;
    }
    return range.start < range.end ? span : (struct extent_span){0, 0};
}

/* ---- extents and segments ---- */

static bool has_segment(const struct meta_object *object, const struct meta_id *segment)
{
    for (size_t i = 0; i < object->segment_count; i++) {
        if (meta_id_equal(object->segments[i].id, *segment)) {
            return true;
        }
    }
    return false;
}

static void add_segments(struct meta_tx *tx, struct lookup_call *call)
{
    struct meta_object *object = &call->object;
    struct meta_segment *segments =
        meta_take(tx, call->arena, object->extent_count, sizeof(*segments));
    object->segments = segments;
    object->segment_count = 0;
    for (size_t i = 0; i < object->extent_count && !meta_tx_failed(tx); i++) {
        if (has_segment(object, &object->extents[i].segment)) {
            continue;
        }
        if (!meta_segment_in(tx, &object->extents[i].segment, &segments[object->segment_count])) {
            sql_fail_damaged(tx, "segment of an object");
            return;
        }
        object->segment_count++;
    }
}

static void add_extents(
    struct meta_tx *tx, struct lookup_call *call, struct view extents, struct extent_span span)
{
    struct meta_object *object = &call->object;
    uint64_t cursor = call->request->cursor;
    object->first_extent = cursor > span.first ? cursor : span.first;
    size_t left = object->first_extent < span.end ? span.end - object->first_extent : 0;
    object->extent_count = left < META_LOOKUP_SEGMENTS_MAX ? left : META_LOOKUP_SEGMENTS_MAX;
    object->next_cursor =
        left > object->extent_count ? object->first_extent + object->extent_count : 0;
    struct meta_extent *out = meta_take(tx, call->arena, object->extent_count, sizeof(*out));
    object->extents = out;
    for (size_t i = 0; i < object->extent_count && out != NULL; i++) {
        out[i] = meta_extents_at(extents, object->first_extent + i);
    }
}

bool meta_body_extents_in(struct meta_tx *tx, const struct meta_id *body,
    uint32_t *bucket_key_version, struct view *extents, size_t *count)
{
    struct sql *sql = sql_use(tx, SQL_BODY_EXTENTS);
    sql_set_id(sql, ":body", body);
    if (!sql_step(sql)) {
        sql_fail_damaged(tx, "body of a version");
        return false;
    }
    *bucket_key_version = (uint32_t)sql_u64(sql);
    *extents = sql_blob(sql);
    if (!meta_extents_count(*extents, count)) {
        sql_fail_damaged(tx, "extents");
        return false;
    }
    return true;
}

static void add_manifest(struct meta_tx *tx, struct lookup_call *call)
{
    struct sql *sql = sql_use(tx, SQL_BODY_GET);
    sql_set_id(sql, ":body", &call->object.body);
    if (!sql_step(sql)) {
        sql_fail_damaged(tx, "body of a version");
        return;
    }
    call->object.bucket_key_version = (uint32_t)sql_u64(sql);
    call->object.manifest = meta_keep(tx, call->arena, sql_blob(sql));
}

/* A version that was replaced has none any more. */
static void add_tags(struct meta_tx *tx, struct lookup_call *call)
{
    const struct meta_version *version = &call->object.info.version;
    struct sql *sql = sql_use(tx, SQL_VERSION_TAGS);
    sql_set_id(sql, ":bucket", &call->request->bucket);
    sql_set_blob(sql, ":key", call->request->key);
    sql_set_blob(sql, ":version", view_of(version->bytes, sizeof(version->bytes)));
    if (sql_step(sql)) {
        call->object.tags = meta_keep(tx, call->arena, sql_blob(sql));
    }
}

static enum hearth_code lookup(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct lookup_call *call = arg;
    const struct meta_lookup *request = call->request;
    struct meta_version_row row;
    if (find_version(tx, request, &row, err) != HEARTH_OK) {
        return err->code;
    }
    call->object = (struct meta_object){.info = row.info, .body = row.body};
    if (request->cursor == 0) {
        add_manifest(tx, call);
        add_tags(tx, call);
    }
    struct view extents;
    size_t count;
    if (row.extent_count > 0 && !request->head_only &&
        meta_body_extents_in(tx, &row.body, &call->object.bucket_key_version, &extents, &count)) {
        add_extents(tx, call, extents, span_of(extents, count, range_of(request, row.info.size)));
        add_segments(tx, call);
    }
    return HEARTH_OK;
}

enum hearth_code meta_lookup(struct meta_store *store, const struct meta_lookup *request,
    struct arena *arena, struct meta_object *out, struct hearth_err *err)
{
    struct lookup_call call = {.request = request, .arena = arena};
    enum hearth_code code = meta_read(store, lookup, &call, err);
    if (code == HEARTH_OK) {
        *out = call.object;
    }
    return code;
}

/* ---- one segment ---- */

struct segment_call {
    const struct meta_lookup *request;
    struct meta_id id;
    struct meta_segment segment;
};

static enum hearth_code lookup_segment(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct segment_call *call = arg;
    struct meta_version_row row;
    struct view extents;
    size_t count = 0;
    uint32_t bucket_key_version;
    if (find_version(tx, call->request, &row, err) != HEARTH_OK) {
        return err->code;
    }
    bool named = false;
    if (meta_body_extents_in(tx, &row.body, &bucket_key_version, &extents, &count)) {
        for (size_t i = 0; i < count && !named; i++) {
            named = meta_id_equal(meta_extents_at(extents, i).segment, call->id);
        }
    }
    if (!named) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the object has no such segment");
    }
    if (!meta_segment_in(tx, &call->id, &call->segment)) {
        sql_fail_damaged(tx, "segment of an object");
    }
    return HEARTH_OK;
}

enum hearth_code meta_lookup_segment(struct meta_store *store, const struct meta_lookup *request,
    struct meta_id segment, struct meta_segment *out, struct hearth_err *err)
{
    struct segment_call call = {.request = request, .id = segment};
    enum hearth_code code = meta_read(store, lookup_segment, &call, err);
    if (code == HEARTH_OK) {
        *out = call.segment;
    }
    return code;
}
