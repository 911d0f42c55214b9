#include "gateway/object_head.h"

#include "gateway/auth.h"
#include "gateway/checksum_text.h"
#include "gateway/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

/* Headers that are kept as they are sent, and what a query may say instead. */
static const struct {
    const char *header;
    const char *answer;
    const char *override;
} kept[] = {
    {"cache-control", "Cache-Control", "response-cache-control"},
    {"content-disposition", "Content-Disposition", "response-content-disposition"},
    {"content-encoding", "Content-Encoding", "response-content-encoding"},
    {"content-language", "Content-Language", "response-content-language"},
    {"expires", "Expires", "response-expires"},
    {"x-amz-website-redirect-location", "x-amz-website-redirect-location", NULL},
};
enum { KEPT_COUNT = sizeof(kept) / sizeof(kept[0]) };

static const char metadata_prefix[] = "x-amz-meta-";
enum { METADATA_PREFIX_SIZE = sizeof(metadata_prefix) - 1 };

/* ---- what cannot be done ---- */

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum s3_error check_header(const struct http_header *header)
{
    if (strcmp(header->name, "x-amz-server-side-encryption") == 0) {
        return strcmp(header->value, "AES256") == 0 ? S3_ERROR_NONE : S3_ERROR_NOT_IMPLEMENTED;
    }
    if (has_prefix(header->name, "x-amz-server-side-encryption-") ||
        has_prefix(header->name, "x-amz-copy-source-server-side-encryption-") ||
        has_prefix(header->name, "x-amz-grant-")) {
        return S3_ERROR_NOT_IMPLEMENTED;
    }
    if (has_prefix(header->name, "x-amz-object-lock-")) {
        return S3_ERROR_INVALID_REQUEST;
    }
    if (strcmp(header->name, "x-amz-storage-class") == 0 &&
        strcmp(header->value, "STANDARD") != 0 &&
        strcmp(header->value, "REDUCED_REDUNDANCY") != 0) {
        return S3_ERROR_INVALID_STORAGE_CLASS;
    }
    if (strcmp(header->name, "x-amz-acl") == 0 && !op_is_canned_acl(header->value)) {
        return S3_ERROR_INVALID_ARGUMENT;
    }
    return S3_ERROR_NONE;
}

static bool check_headers(struct call *call)
{
    const struct http_head *head = call->request->head;
    for (unsigned i = 0; i < head->header_count; i++) {
        enum s3_error error = check_header(&head->headers[i]);
        if (error != S3_ERROR_NONE) {
            call_fail(call, error, "%s is not supported here", head->headers[i].name);
            return false;
        }
    }
    return true;
}

/* ---- reading ---- */

/* Without "aws-chunked", which says how it travelled, not what it is.  Empty: nothing is left. */
static struct view real_encoding(struct arena *arena, const char *value)
{
    char *out = arena_take(arena, strlen(value) + 1);
    size_t used = 0;
    for (const char *at = value; out != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        size_t size = strcspn(at, ", \t");
        if (size > 0 && !(size == 11 && strncasecmp(at, "aws-chunked", size) == 0)) {
            if (used > 0) {
                out[used++] = ',';
            }
            memcpy(out + used, at, size);
            used += size;
        }
        at += size;
    }
    return view_of(out, used);
}

static void read_kept(
    struct call *call, struct hearth_attributes *out, struct hearth_metadata headers[KEPT_COUNT])
{
    for (unsigned i = 0; i < KEPT_COUNT; i++) {
        const char *value = call_request_header(call, kept[i].header);
        if (value == NULL) {
            continue;
        }
        bool is_encoding = strcmp(kept[i].header, "content-encoding") == 0;
        struct view kept_value = is_encoding ? real_encoding(call->arena, value) : view_text(value);
        if (kept_value.size > 0) {
            headers[out->header_count++] = (struct hearth_metadata){kept[i].header, kept_value};
        }
    }
    out->headers = headers;
}

/* The size of all names and values; S3 counts them like that. */
static size_t read_metadata(
    const struct http_head *head, struct hearth_attributes *out, struct hearth_metadata *metadata)
{
    size_t size = 0;
    for (unsigned i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (has_prefix(header->name, metadata_prefix) &&
            header->name[METADATA_PREFIX_SIZE] != '\0') {
            metadata[out->metadata_count++] = (struct hearth_metadata){
                header->name + METADATA_PREFIX_SIZE, view_text(header->value)};
            size += strlen(header->name) - METADATA_PREFIX_SIZE + strlen(header->value);
        }
    }
    out->metadata = metadata;
    return size;
}

static bool read_tags(struct call *call, struct hearth_attributes *out)
{
    const char *header = call_request_header(call, "x-amz-tagging");
    if (header == NULL) {
        return true;
    }
    struct tagging *tagging = arena_take(call->arena, sizeof(*tagging));
    enum s3_error error =
        tagging != NULL ? tagging_parse(header, call->arena, tagging) : S3_ERROR_SLOW_DOWN;
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    out->tags = tagging->items;
    out->tag_count = tagging->count;
    return true;
}

bool object_head_read(struct call *call, struct hearth_attributes *out)
{
    const struct http_head *head = call->request->head;
    *out = (struct hearth_attributes){.content_type = call_request_header(call, "content-type")};
    if (out->content_type == NULL) {
        out->content_type = "binary/octet-stream"; /* S3's word for not knowing */
    }
    struct hearth_metadata *pairs =
        arena_take_array(call->arena, KEPT_COUNT + head->header_count, sizeof(*pairs));
    if (pairs == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    read_kept(call, out, pairs);
    if (read_metadata(head, out, pairs + KEPT_COUNT) > HEARTH_METADATA_MAX ||
        strlen(out->content_type) > HEARTH_CONTENT_TYPE_MAX) {
        call_fail(call, S3_ERROR_METADATA_TOO_LARGE, NULL);
        return false;
    }
    return check_headers(call) && read_tags(call, out);
}

bool object_head_version(struct call *call)
{
    const char *version = call_param(call, "versionId");
    if (version == NULL || strcmp(version, "null") == 0) {
        return true;
    }
    call_fail(call, S3_ERROR_NO_SUCH_VERSION, NULL);
    return false;
}

bool object_head_overrides(struct call *call)
{
    const struct request *request = call->request;
    bool is_anonymous = call->proof != NULL && auth_proof_access_key(call->proof).size == 0;
    for (unsigned i = 0; is_anonymous && i < request->param_count; i++) {
        struct view name = request->params[i].name;
        if (name.size > 9 && memcmp(name.bytes, "response-", 9) == 0) {
            call_fail(call, S3_ERROR_INVALID_REQUEST,
                "Request specific response headers cannot be used for anonymous GET requests.");
            return false;
        }
    }
    return true;
}

/* ---- writing ---- */

static struct view stored_header(const struct hearth_object *object, const char *name)
{
    const struct hearth_attributes *attributes = &object->attributes;
    for (unsigned i = 0; i < attributes->header_count; i++) {
        if (strcmp(attributes->headers[i].name, name) == 0) {
            return attributes->headers[i].value;
        }
    }
    return (struct view){0};
}

static void write_kept(struct call *call, const struct hearth_object *object)
{
    for (unsigned i = 0; i < KEPT_COUNT; i++) {
        const char *override = kept[i].override != NULL ? call_param(call, kept[i].override) : NULL;
        struct view value =
            override != NULL ? view_text(override) : stored_header(object, kept[i].header);
        if (value.size > 0) {
            call_header_view(call, kept[i].answer, value);
        }
    }
}

static void write_metadata(struct call *call, const struct hearth_attributes *attributes)
{
    for (unsigned i = 0; i < attributes->metadata_count; i++) {
        const struct hearth_metadata *pair = &attributes->metadata[i];
        size_t size = METADATA_PREFIX_SIZE + strlen(pair->name) + 1;
        char *name = arena_take(call->arena, size);
        if (name == NULL) {
            call->out_of_memory = true;
            return;
        }
        snprintf(name, size, "%s%s", metadata_prefix, pair->name);
        call_header_view(call, name, pair->value);
    }
}

void object_head_stored(struct call *call, const char *etag)
{
    call_header(call, "ETag", "\"%s\"", etag);
    call_header(call, "x-amz-server-side-encryption", "AES256");
}

void object_head_write(struct call *call, const struct hearth_object *object)
{
    const struct hearth_attributes *attributes = &object->attributes;
    const char *type = call_param(call, "response-content-type");
    object_head_stored(call, object->etag);
    call_header_date(call, "Last-Modified", object->created_unix_ms);
    call_header(call, "Accept-Ranges", "bytes");
    call_header_view(
        call, "Content-Type", view_text(type != NULL ? type : attributes->content_type));
    write_kept(call, object);
    write_metadata(call, attributes);
    if (attributes->tag_count > 0) {
        call_header(call, "x-amz-tagging-count", "%u", attributes->tag_count);
    }
}

void object_head_given_checksums(
    struct call *call, const struct hearth_checksums *checksums, unsigned parts)
{
    for (unsigned i = 0; checksums != NULL && i < checksums->count; i++) {
        const struct hearth_checksum *item = &checksums->items[i];
        const struct checksum_kind *kind = checksum_by_kind(item->kind);
        char text[CHECKSUM_TEXT_SIZE];
        if (kind != NULL && item->value.size == kind->size) {
            checksum_text(item, parts, text);
            call_header(call, kind->header, "%s", text);
            call_header(call, "x-amz-checksum-type", "%s", checksum_type(item));
        }
    }
}

static bool wants_checksums(const struct call *call)
{
    const char *mode = call_request_header(call, "x-amz-checksum-mode");
    return mode != NULL && strcasecmp(mode, "ENABLED") == 0;
}

void object_head_checksums(struct call *call, const struct hearth_object *object)
{
    if (wants_checksums(call)) {
        object_head_given_checksums(call, &object->checksums, object->part_count);
    }
}

void object_head_part_checksum(
    struct call *call, const struct hearth_object *object, unsigned number)
{
    if (wants_checksums(call) && object->part_checksums != NULL) {
        const struct hearth_checksums one = {1, &object->part_checksums[number - 1]};
        object_head_given_checksums(call, &one, 0);
    }
}
