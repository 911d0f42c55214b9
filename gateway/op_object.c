#include "gateway/op_object.h"

#include "common/cleanup.h"

/* ---- put ---- */

#define META_PREFIX "x-amz-meta-"

/* The headers that are the user's own; false: out of memory. */
static bool take_metadata(struct call *call, struct hearth_attributes *out)
{
    const struct http_head *head = call->request->head;
    struct hearth_metadata *items =
        arena_take_array(call->arena, head->header_count, sizeof(*items));
    out->metadata = items;
    for (unsigned i = 0; items != NULL && i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (strncmp(header->name, META_PREFIX, strlen(META_PREFIX)) == 0) {
            items[out->metadata_count++] = (struct hearth_metadata){
                header->name + strlen(META_PREFIX), view_text(header->value)};
        }
    }
    return items != NULL;
}

void op_put_object(struct call *call)
{
    struct hearth_err err;
    struct hearth_put_result result;
    struct hearth_put_options options = {
        .size_expected = call->body_size == HEARTH_SIZE_UNKNOWN ? 0 : call->body_size,
        .attributes = {.content_type = call_request_header(call, "content-type")},
        .control = call_control(call),
    };
    if (!take_metadata(call, &options.attributes)) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return;
    }
    if (hearth_put(call->hearth, call->request->bucket, call->request->key, &call->body, &options,
            &result, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    call_header(call, "ETag", "\"%s\"", result.etag);
    call_answer(call, 200);
}

/* ---- get ---- */

static void add_object_headers(struct call *call, const struct hearth_object *object)
{
    call_header(call, "ETag", "\"%s\"", object->etag);
    call_header_date(call, "Last-Modified", object->created_unix_ms);
    call_header(call, "Content-Type", "%s", object->attributes.content_type);
    call_header(call, "Accept-Ranges", "bytes");
    for (unsigned i = 0; i < object->attributes.metadata_count; i++) {
        const struct hearth_metadata *item = &object->attributes.metadata[i];
        char *name = arena_take(call->arena, strlen(META_PREFIX) + strlen(item->name) + 1);
        if (name == NULL) {
            call->out_of_memory = true;
            return;
        }
        strcpy(stpcpy(name, META_PREFIX), item->name);
        call_header_view(call, name, item->value);
    }
}

static enum hearth_code start_object(void *context, const struct hearth_object *object,
    uint64_t offset, uint64_t length, struct hearth_err *err)
{
    struct call *call = context;
    (void)offset;
    (void)err;
    add_object_headers(call, object);
    call_start(call, 200, length);
    return HEARTH_OK;
}

static enum hearth_code write_object(void *context, struct view bytes, struct hearth_err *err)
{
    return call_write(context, bytes, err);
}

void op_get_object(struct call *call)
{
    struct hearth_err err;
    const struct hearth_sink sink = {.start = start_object, .write = write_object, .context = call};
    const struct hearth_get_options options = {.control = call_control(call)};
    if (hearth_get(call->hearth, call->request->bucket, call->request->key, &sink, &options,
            &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    call_end(call);
}

void op_head_object(struct call *call)
{
    struct hearth_err err;
    struct hearth_stat *stat;
    if (hearth_stat(call->hearth, call->request->bucket, call->request->key, false, &stat, &err) !=
        HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    add_object_headers(call, &stat->object);
    call_start(call, 200, stat->object.size);
    hearth_stat_destroy(stat);
    call_end(call);
}

/* ---- delete ---- */

void op_delete_object(struct call *call)
{
    struct hearth_err err;
    bool existed;
    enum hearth_code code = hearth_delete(
        call->hearth, call->request->bucket, call->request->key, NULL, &existed, &err);
    if (code != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    call_answer(call, 204);
}
