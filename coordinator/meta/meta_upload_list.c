/*
 * Uploads in parts are listed, and their parts (meta_upload.h).
 */
#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_list_seek.h"
#include "coordinator/meta/meta_upload.h"

#include <assert.h>

/* ---- parts ---- */

struct part_call {
    const struct meta_part_list *request;
    struct arena *arena;
    struct meta_part_page page;
};

static enum hearth_code read_upload(
    struct meta_tx *tx, struct part_call *call, struct hearth_err *err)
{
    const struct meta_part_list *request = call->request;
    struct meta_upload *upload = &call->page.upload;
    if (meta_upload_open_in(tx, &request->upload, &request->bucket, request->key, err) !=
        HEARTH_OK) {
        return err->code;
    }
    struct sql *sql = sql_use(tx, SQL_UPLOAD_GET);
    sql_set_id(sql, ":upload", &request->upload);
    if (sql_step(sql)) {
        upload->id = request->upload;
        sql_id(sql, &upload->bucket);
        upload->key = meta_keep(tx, call->arena, sql_blob(sql));
        sql_u64(sql); /* state */
        upload->bucket_key_version = (uint32_t)sql_u64(sql);
        upload->manifest = meta_keep(tx, call->arena, sql_blob(sql));
        upload->tags = meta_keep(tx, call->arena, sql_blob(sql));
        upload->created_ms = sql_u64(sql);
    }
    return HEARTH_OK;
}

static void read_manifest(struct meta_tx *tx, struct arena *arena, struct meta_part_info *part)
{
    struct sql *sql = sql_use(tx, SQL_BODY_GET);
    sql_set_id(sql, ":body", &part->body);
    if (!sql_step(sql)) {
        sql_fail_damaged(tx, "body of a part");
        return;
    }
    part->bucket_key_version = (uint32_t)sql_u64(sql);
    part->manifest = meta_keep(tx, arena, sql_blob(sql));
}

static void read_parts(struct meta_tx *tx, struct part_call *call, struct meta_part_info *parts)
{
    const struct meta_part_list *request = call->request;
    size_t bytes = 0;
    struct sql *sql = sql_use(tx, SQL_PART_LIST);
    sql_set_id(sql, ":upload", &request->upload);
    sql_set_u64(sql, ":after", request->after);
    sql_set_u64(sql, ":max", request->max + 1);
    while (parts != NULL && sql_step(sql)) {
        if (call->page.count == request->max || bytes >= META_PART_PAGE_BYTES) {
            call->page.more = true;
            return;
        }
        struct meta_part_info *part = &parts[call->page.count++];
        part->number = (uint32_t)sql_u64(sql);
        part->size = sql_u64(sql);
        sql_bytes(sql, part->etag.bytes, sizeof(part->etag.bytes));
        part->created_ms = sql_u64(sql);
        sql_id(sql, &part->body);
        if (request->with_manifests) {
            read_manifest(tx, call->arena, part);
            bytes += part->manifest.size;
        }
    }
}

static enum hearth_code list_parts(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct part_call *call = arg;
    call->page = (struct meta_part_page){.count = 0};
    enum hearth_code code = read_upload(tx, call, err);
    if (code == HEARTH_OK) {
        struct meta_part_info *parts =
            meta_take(tx, call->arena, call->request->max, sizeof(*parts));
        call->page.parts = parts;
        read_parts(tx, call, parts);
    }
    return code;
}

enum hearth_code meta_part_list(struct meta_store *store, const struct meta_part_list *request,
    struct arena *arena, struct meta_part_page *out, struct hearth_err *err)
{
    assert(request->max >= 1 && request->max <= META_UPLOAD_LIST_MAX);
    struct part_call call = {.request = request, .arena = arena};
    enum hearth_code code = meta_read(store, list_parts, &call, err);
    if (code == HEARTH_OK) {
        *out = call.page;
    }
    return code;
}

/* ---- uploads ---- */

struct upload_call {
    const struct meta_upload_list *request;
    struct arena *arena;
    struct meta_upload_page page;
    uint8_t end[META_SEEK_SIZE_MAX]; /* before which all keys with the prefix are */
    size_t end_size;
};

static void set_end(struct upload_call *call)
{
    call->end_size = meta_successor(call->request->prefix, call->end);
    if (call->end_size == 0) {
        memset(call->end, 0xff, sizeof(call->end));
        call->end_size = sizeof(call->end);
    }
}

static bool comes_before(struct view a, struct view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    return order < 0 || (order == 0 && a.size < b.size);
}

/* Where it begins: with the prefix, or after an upload of a key. */
static void bind_start(struct sql *sql, const struct meta_upload_list *request)
{
    static const uint8_t past_all[META_ID_SIZE + 1] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    bool is_at_prefix =
        comes_before(request->after_key, request->prefix) || request->after_key.size == 0;
    sql_set_blob(sql, ":key", is_at_prefix ? request->prefix : request->after_key);
    if (is_at_prefix) {
        sql_set_blob(sql, ":upload", view_of(NULL, 0));
    } else if (request->after_upload != NULL) {
        sql_set_id(sql, ":upload", request->after_upload);
    } else {
        sql_set_blob(sql, ":upload", view_of(past_all, sizeof(past_all)));
    }
}

static enum hearth_code list_uploads(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct upload_call *call = arg;
    const struct meta_upload_list *request = call->request;
    struct meta_bucket_row bucket;
    call->page = (struct meta_upload_page){.count = 0};
    if (meta_bucket_in(tx, &request->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_upload *uploads = meta_take(tx, call->arena, request->max, sizeof(*uploads));
    call->page.uploads = uploads;
    struct sql *sql = sql_use(tx, SQL_UPLOAD_LIST);
    sql_set_id(sql, ":bucket", &request->bucket);
    bind_start(sql, request);
    sql_set_blob(sql, ":end", view_of(call->end, call->end_size));
    sql_set_u64(sql, ":max", request->max + 1);
    while (uploads != NULL && sql_step(sql)) {
        if (call->page.count == request->max) {
            call->page.more = true;
            break;
        }
        struct meta_upload *upload = &uploads[call->page.count++];
        sql_id(sql, &upload->id);
        upload->bucket = request->bucket;
        upload->key = meta_keep(tx, call->arena, sql_blob(sql));
        upload->created_ms = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_upload_list(struct meta_store *store, const struct meta_upload_list *request,
    struct arena *arena, struct meta_upload_page *out, struct hearth_err *err)
{
    assert(request->max >= 1 && request->max <= META_UPLOAD_LIST_MAX);
    if (request->prefix.size > META_KEY_MAX || request->after_key.size > META_KEY_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "list: prefix and start have at most %d bytes", META_KEY_MAX);
    }
    struct upload_call call = {.request = request, .arena = arena};
    set_end(&call);
    enum hearth_code code = meta_read(store, list_uploads, &call, err);
    if (code == HEARTH_OK) {
        *out = call.page;
    }
    return code;
}
