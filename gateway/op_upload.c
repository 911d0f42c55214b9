/*
 * Uploads in parts: made, a part put or copied, given up (op.h).
 */
#include "gateway/op.h"

#include "gateway/body.h"
#include "gateway/call.h"
#include "gateway/checksum_text.h"
#include "gateway/condition.h"
#include "gateway/copy_source.h"
#include "gateway/object_head.h"
#include "gateway/range.h"

#include <strings.h>

/* ---- create ---- */

/* Which checksum the parts are to have, and of what the object's is.  False: answered. */
static bool read_checksum(struct call *call, struct hearth_upload_options *options)
{
    const char *name = call_request_header(call, "x-amz-checksum-algorithm");
    const char *type = call_request_header(call, "x-amz-checksum-type");
    if (name == NULL && type != NULL) {
        call_fail(call, S3_ERROR_INVALID_REQUEST,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
            "header.");
        return false;
    }
    if (name == NULL) {
        return true;
    }
    const struct checksum_kind *kind = checksum_by_name(name);
    bool is_composite = kind != NULL && kind->composes;
    if (kind != NULL && type != NULL) {
        is_composite = strcasecmp(type, "COMPOSITE") == 0;
    }
    /* Nobody can join two hashes, nor may a CRC64 be of parts. */
    bool is_hash = kind != NULL &&
        (kind->kind == HEARTH_CHECKSUM_SHA1 || kind->kind == HEARTH_CHECKSUM_SHA256);
    bool is_crc64 = kind != NULL && kind->kind == HEARTH_CHECKSUM_CRC64NVME;
    if (kind == NULL || (is_hash && !is_composite) || (is_crc64 && is_composite)) {
        call_fail(call, S3_ERROR_INVALID_REQUEST,
            "The %s checksum type cannot be used with the %s checksum algorithm.",
            type != NULL ? type : "given", name);
        return false;
    }
    options->checksum_kind = kind->kind;
    options->checksum_is_composite = is_composite;
    return true;
}

static void answer_created(
    struct call *call, const struct hearth_upload_options *options, const char *upload)
{
    const struct checksum_kind *kind = checksum_by_kind(options->checksum_kind);
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "InitiateMultipartUploadResult", XML_S3_NAMESPACE);
    xml_out_text(&xml, "Bucket", call->request->bucket);
    xml_out_view(&xml, "Key", call->request->key);
    xml_out_text(&xml, "UploadId", upload);
    xml_out_close(&xml, "InitiateMultipartUploadResult");
    if (kind != NULL) {
        call_header(call, "x-amz-checksum-algorithm", "%s", kind->name);
        call_header(call, "x-amz-checksum-type", "%s",
            options->checksum_is_composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    call_header(call, "x-amz-server-side-encryption", "AES256");
    call_answer_xml(call, 200, &xml);
}

void op_create_multipart_upload(struct call *call)
{
    struct hearth_upload_options options = {.checksum_kind = HEARTH_CHECKSUM_NONE};
    char upload[HEARTH_UPLOAD_TEXT_SIZE];
    struct hearth_err err;
    if (!object_head_read(call, &options.attributes) || !read_checksum(call, &options)) {
        return;
    }
    if (hearth_upload_create(call->hearth, call->request->bucket, call->request->key, &options,
            upload, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return;
    }
    answer_created(call, &options, upload);
}

/* ---- a part ---- */

static bool read_place(struct call *call, const char **upload, unsigned *number)
{
    *upload = call_param(call, "uploadId");
    *number = 0;
    if (!op_read_number(call_param(call, "partNumber"), UINT32_MAX, number) || *number < 1 ||
        *number > HEARTH_PARTS_MAX) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT,
            "Part number must be an integer between 1 and 10000, inclusive");
        return false;
    }
    if (*upload == NULL) {
        call_fail(call, S3_ERROR_NO_SUCH_UPLOAD, NULL);
        return false;
    }
    return true;
}

/*
 * Each part has the checksum that its upload was created with, or the object would have none: who
 * sends none gets it, who sends another kind is told, as by S3.  False: the failure was answered.
 */
static bool settle_checksum(struct call *call, const char *upload)
{
    const struct checksum_kind *kind;
    bool is_composite;
    if (!op_upload_checksum(call, upload, &kind, &is_composite)) {
        return false;
    }
    if (kind != NULL && call->checksums->count == 0) {
        body_make_checksum(call->verifier, kind);
    } else if (kind != NULL && call->checksums->items[0].kind != kind->kind) {
        call_fail(call, S3_ERROR_INVALID_REQUEST,
            "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
            kind->name, checksum_by_kind(call->checksums->items[0].kind)->name);
        return false;
    }
    return true;
}

void op_upload_part(struct call *call)
{
    const char *upload;
    unsigned number;
    if (!read_place(call, &upload, &number)) {
        return;
    }
    if (call->body_size != HEARTH_SIZE_UNKNOWN && call->body_size > HEARTH_PART_SIZE_MAX) {
        call_fail(call, S3_ERROR_ENTITY_TOO_LARGE, NULL);
        return;
    }
    if (!settle_checksum(call, upload)) {
        return;
    }
    const struct hearth_part_options options = {
        .size_expected = call->body_size == HEARTH_SIZE_UNKNOWN ? 0 : call->body_size,
        .checksums = call->checksums,
        .md5 = body_hand_over(call->verifier),
        .control = call_control(call),
    };
    struct hearth_part part;
    struct hearth_err err;
    if (hearth_upload_part(call->hearth, call->request->bucket, call->request->key, upload, number,
            &call->body, &options, &part, &err) != HEARTH_OK) {
        op_fail_put(call, S3_ABOUT_UPLOAD, &err);
        return;
    }
    object_head_stored(call, part.etag);
    object_head_given_checksums(call, call->checksums, 0);
    call_answer(call, 200);
}

/* ---- a part of another object ---- */

struct part_copy {
    struct condition condition;
    bool is_refused; /* by the condition */
};

static enum hearth_code check_source(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    struct part_copy *copy = context;
    copy->is_refused =
        condition_check(&copy->condition, object->etag, object->created_unix_ms) != S3_ERROR_NONE;
    return copy->is_refused ? hearth_fail(err, HEARTH_PRECONDITION, "the source is another")
                            : HEARTH_OK;
}

static bool read_source(
    struct call *call, struct copy_source *source, struct hearth_part_source *out)
{
    const char *range = call_request_header(call, "x-amz-copy-source-range");
    enum s3_error error =
        copy_source_parse(call_request_header(call, "x-amz-copy-source"), call->arena, source);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    out->bucket = source->bucket;
    out->key = source->key;
    if (range != NULL && !range_of_source(range, &out->offset, &out->length)) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of the first and last bytes to copy");
        return false;
    }
    return true;
}

static void answer_copied(struct call *call, const struct hearth_part *part)
{
    struct xml_out xml;
    char etag[HEARTH_ETAG_TEXT_SIZE + 2];
    op_quote(part->etag, etag);
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "CopyPartResult", XML_S3_NAMESPACE);
    xml_out_time(&xml, "LastModified", part->created_unix_ms);
    xml_out_text(&xml, "ETag", etag);
    xml_out_close(&xml, "CopyPartResult");
    call_answer_xml(call, 200, &xml);
}

/* The upload, or the source, is not there: the code should say which. */
static void fail_copy(
    struct call *call, const char *upload, const char *source_bucket, const struct hearth_err *err)
{
    struct hearth_parts *parts;
    struct hearth_err asking;
    if (err->code == HEARTH_NOT_FOUND &&
        hearth_upload_parts(call->hearth, call->request->bucket, call->request->key, upload, 0, 1,
            &parts, &asking) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_UPLOAD, err);
        return;
    }
    if (err->code == HEARTH_NOT_FOUND) {
        hearth_parts_destroy(parts);
    }
    op_fail_copy(call, source_bucket, err);
}

void op_upload_part_copy(struct call *call)
{
    const char *upload;
    unsigned number;
    struct copy_source source;
    struct part_copy copy = {.condition = condition_of_source(call->request->head)};
    struct hearth_part_source from = {.check = check_source, .check_context = &copy};
    if (!read_place(call, &upload, &number) || !read_source(call, &source, &from)) {
        return;
    }
    struct hearth_part part;
    struct hearth_err err;
    if (hearth_upload_part_copy(call->hearth, call->request->bucket, call->request->key, upload,
            number, &from, &part, &err) != HEARTH_OK) {
        fail_copy(call, upload, source.bucket, &err);
        return;
    }
    answer_copied(call, &part);
}

/* ---- abort ---- */

void op_abort_multipart_upload(struct call *call)
{
    const char *upload = call_param(call, "uploadId");
    struct hearth_err err;
    if (hearth_upload_abort(call->hearth, call->request->bucket, call->request->key,
            upload != NULL ? upload : "", &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_UPLOAD, &err);
        return;
    }
    call_answer(call, 204);
}
