/*
 * CompleteMultipartUpload (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/checksum_join.h"
#include "gateway/condition.h"
#include "gateway/object_head.h"
#include "gateway/xml_in.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ELEMENTS_MAX = 8 * HEARTH_PARTS_MAX,
    BODY_MAX = 4 << 20, /* 10,000 parts, each with an ETag and a checksum */
    PART_SIZE_MIN = 5 << 20,
};

struct completion {
    struct call *call;
    struct hearth_complete_options options;
    struct hearth_complete_part *parts;
    const char **checksums; /* what each is said to have, of the upload's kind; NULL: nothing */
    struct checksum_join join;
    struct hearth_checksums checksum;

    /* While the parts are visited. */
    unsigned visited;
    uint64_t size;
    enum s3_error error; /* why it was stopped */
};

/* ---- the document ---- */

static char *without_quotes(struct arena *arena, const char *etag)
{
    size_t size = strlen(etag);
    bool is_quoted = size >= 2 && etag[0] == '"' && etag[size - 1] == '"';
    return is_quoted ? arena_text(arena, view_of(etag + 1, size - 2))
                     : arena_text(arena, view_of(etag, size));
}

static enum s3_error read_part(struct completion *completion, const struct xml_element *element)
{
    const struct checksum_kind *kind = completion->join.kind;
    unsigned index = completion->options.part_count;
    struct hearth_complete_part *part = &completion->parts[index];
    const char *number = xml_in_text(element, "PartNumber");
    const char *etag = xml_in_text(element, "ETag");
    if (number == NULL || etag == NULL || index == HEARTH_PARTS_MAX ||
        !op_read_number(number, UINT32_MAX, &part->number)) {
        return S3_ERROR_MALFORMED_XML;
    }
    if (part->number < 1 || part->number > HEARTH_PARTS_MAX) {
        return S3_ERROR_INVALID_PART;
    }
    if (index > 0 && part->number <= completion->parts[index - 1].number) {
        return S3_ERROR_INVALID_PART_ORDER;
    }
    part->etag = without_quotes(completion->call->arena, etag);
    completion->checksums[index] = kind != NULL ? xml_in_text(element, kind->element) : NULL;
    completion->options.part_count++;
    return part->etag != NULL ? S3_ERROR_NONE : S3_ERROR_SLOW_DOWN;
}

static enum s3_error read_parts(struct completion *completion, const struct xml_element *root)
{
    enum s3_error error = S3_ERROR_NONE;
    if (strcmp(root->name, "CompleteMultipartUpload") != 0) {
        return S3_ERROR_MALFORMED_XML;
    }
    for (const struct xml_element *part = xml_in_child(root, "Part");
         part != NULL && error == S3_ERROR_NONE; part = xml_in_next(part)) {
        error = read_part(completion, part);
    }
    return error == S3_ERROR_NONE && completion->options.part_count == 0 ? S3_ERROR_MALFORMED_XML
                                                                         : error;
}

static bool read_document(struct completion *completion)
{
    struct call *call = completion->call;
    struct view body;
    const struct xml_element *root;
    struct arena *arena = call->arena;
    completion->parts = arena_take_array(arena, HEARTH_PARTS_MAX + 1, sizeof(*completion->parts));
    completion->checksums =
        arena_take_array(arena, HEARTH_PARTS_MAX + 1, sizeof(*completion->checksums));
    if (completion->parts == NULL || completion->checksums == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    if (!call_read_body(call, BODY_MAX, &body)) {
        return false;
    }
    enum s3_error error = xml_in_parse(body, ELEMENTS_MAX, arena, &root);
    if (error == S3_ERROR_NONE) {
        error = read_parts(completion, root);
    }
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    completion->options.parts = completion->parts;
    return true;
}

/* ---- what the upload is to have ---- */

/* An upload that is not there may have been completed: then libhearth knows what came of it. */
static bool learn_checksum(struct completion *completion, const char *upload)
{
    struct call *call = completion->call;
    const struct checksum_kind *kind;
    bool is_composite;
    if (!op_upload_checksum(call, upload, &kind, &is_composite)) {
        return false;
    }
    uint8_t *room = arena_take(call->arena, (size_t)HEARTH_PARTS_MAX * CHECKSUM_SIZE_MAX);
    if (room == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    checksum_join_init(&completion->join, kind, is_composite, room);
    return true;
}

/* ---- the parts, as they are there ---- */

static enum hearth_code refuse(
    struct completion *completion, enum s3_error error, struct hearth_err *err)
{
    completion->error = error;
    return hearth_fail(err, HEARTH_INVALID, "%s", s3_error_message(error));
}

/* What the document says of its checksum is what it has. */
static bool has_checksum(const struct completion *completion, const struct hearth_part *part)
{
    const char *wanted = completion->checksums[completion->visited];
    for (unsigned i = 0; wanted != NULL && i < part->checksums.count; i++) {
        const struct hearth_checksum *item = &part->checksums.items[i];
        char text[CHECKSUM_TEXT_SIZE];
        if (item->kind == completion->join.kind->kind) {
            checksum_text(item, 0, text);
            return strcmp(text, wanted) == 0;
        }
    }
    return wanted == NULL;
}

/* NULL: nothing is said of the object's checksum. */
static const char *claimed_checksum(const struct call *call, const struct checksum_kind **kind)
{
    for (unsigned i = 0; i < CHECKSUM_KINDS; i++) {
        const char *text = call_request_header(call, checksum_kinds[i].header);
        if (text != NULL) {
            *kind = &checksum_kinds[i];
            return text;
        }
    }
    return NULL;
}

/* What a header says of the object's checksum is what the parts make.  Of a composite one the
 * number of parts may be left out. */
static enum s3_error check_claimed_checksum(const struct completion *completion)
{
    const struct checksum_kind *kind;
    const char *claimed = claimed_checksum(completion->call, &kind);
    if (claimed == NULL) {
        return S3_ERROR_NONE;
    }
    if (completion->checksum.count == 0 || kind != completion->join.kind) {
        return S3_ERROR_INVALID_REQUEST;
    }
    char text[CHECKSUM_TEXT_SIZE];
    checksum_text(&completion->checksum.items[0], completion->options.part_count, text);
    size_t size = strcspn(text, "-");
    bool is_same = strcmp(claimed, text) == 0 ||
        (strlen(claimed) == size && strncmp(claimed, text, size) == 0);
    return is_same ? S3_ERROR_NONE : S3_ERROR_BAD_DIGEST;
}

static bool has_claimed_size(const struct completion *completion)
{
    const char *claimed = call_request_header(completion->call, "x-amz-mp-object-size");
    char *end;
    if (claimed == NULL) {
        return true;
    }
    return *claimed >= '0' && *claimed <= '9' && strtoull(claimed, &end, 10) == completion->size &&
        *end == '\0';
}

/* All parts are known; nothing has been done yet. */
static enum hearth_code end_visits(struct completion *completion, struct hearth_err *err)
{
    completion->checksum = checksum_join_end(&completion->join);
    enum s3_error error = has_claimed_size(completion) ? check_claimed_checksum(completion)
                                                       : S3_ERROR_INVALID_REQUEST;
    return error == S3_ERROR_NONE ? HEARTH_OK : refuse(completion, error, err);
}

static enum hearth_code visit(void *context, const struct hearth_part *part, struct hearth_err *err)
{
    struct completion *completion = context;
    bool is_last = completion->visited + 1 == completion->options.part_count;
    if (!has_checksum(completion, part)) {
        return refuse(completion, S3_ERROR_INVALID_PART, err);
    }
    if (!is_last && part->size < PART_SIZE_MIN) {
        return refuse(completion, S3_ERROR_ENTITY_TOO_SMALL, err);
    }
    completion->size += part->size;
    if (completion->size > HEARTH_OBJECT_SIZE_MAX) {
        return refuse(completion, S3_ERROR_ENTITY_TOO_LARGE, err);
    }
    completion->visited++;
    checksum_join_add(&completion->join, part);
    return is_last ? end_visits(completion, err) : HEARTH_OK;
}

/* ---- the answer ---- */

static void write_checksum(const struct completion *completion, struct xml_out *xml)
{
    if (completion->checksum.count == 0) {
        return;
    }
    const struct hearth_checksum *item = &completion->checksum.items[0];
    checksum_write(xml, item, completion->options.part_count);
    xml_out_text(xml, "ChecksumType", checksum_type(item));
}

/* Where it can be had, in path style. */
static void write_location(const struct call *call, struct xml_out *xml)
{
    const struct request *request = call->request;
    const char *host = call_request_header(call, "host");
    size_t size = strlen(host != NULL ? host : "") + strlen(request->bucket) + 16;
    char *text = arena_take(call->arena, size + request->key.size);
    if (text == NULL) {
        xml->failed = true;
        return;
    }
    int used = snprintf(text, size, "%s://%s/%s/", request->head->tls ? "https" : "http",
        host != NULL ? host : "", request->bucket);
    memcpy(text + used, request->key.bytes, request->key.size);
    xml_out_view(xml, "Location", view_of(text, (size_t)used + request->key.size));
}

static void answer(const struct completion *completion, const struct hearth_put_result *result)
{
    struct call *call = completion->call;
    char etag[HEARTH_ETAG_TEXT_SIZE + 2];
    struct xml_out xml;
    op_quote(result->etag, etag);
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "CompleteMultipartUploadResult", XML_S3_NAMESPACE);
    write_location(call, &xml);
    xml_out_text(&xml, "Bucket", call->request->bucket);
    xml_out_view(&xml, "Key", call->request->key);
    xml_out_text(&xml, "ETag", etag);
    write_checksum(completion, &xml);
    xml_out_close(&xml, "CompleteMultipartUploadResult");
    call_header(call, "x-amz-server-side-encryption", "AES256");
    call_answer_xml(call, 200, &xml);
}

static void fail(const struct completion *completion, const struct hearth_err *err)
{
    if (completion->error != S3_ERROR_NONE) {
        call_fail(completion->call, completion->error, NULL);
    } else if (err->code == HEARTH_CONFLICT) {
        call_fail(completion->call, S3_ERROR_INVALID_PART, NULL);
    } else {
        call_fail_hearth(completion->call, S3_ABOUT_UPLOAD, err);
    }
}

void op_complete_multipart_upload(struct call *call)
{
    const char *upload = call_param(call, "uploadId");
    char etag[HEARTH_ETAG_TEXT_SIZE];
    struct completion completion = {.call = call};
    struct hearth_complete_options *options = &completion.options;
    enum s3_error error = condition_of_write(call->request->head, etag, &options->precondition);
    if (error != S3_ERROR_NONE || upload == NULL) {
        call_fail(call, upload == NULL ? S3_ERROR_NO_SUCH_UPLOAD : error, NULL);
        return;
    }
    if (!learn_checksum(&completion, upload) || !read_document(&completion)) {
        return;
    }
    options->visit = visit;
    options->visit_context = &completion;
    options->checksums = &completion.checksum;
    struct hearth_put_result result;
    struct hearth_err err;
    if (hearth_upload_complete(call->hearth, call->request->bucket, call->request->key, upload,
            options, &result, &err) != HEARTH_OK) {
        fail(&completion, &err);
        return;
    }
    answer(&completion, &result);
}
