/*
 * CopyObject (op.h): another name for the same segments; no data moves.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/condition.h"
#include "gateway/copy_source.h"
#include "gateway/object_head.h"

#include <strings.h>

/* "REPLACE" or not; false: neither that nor COPY, and it was answered. */
static bool read_directive(struct call *call, const char *header, bool *replaces)
{
    const char *value = call_request_header(call, header);
    *replaces = value != NULL && strcasecmp(value, "REPLACE") == 0;
    if (value == NULL || *replaces || strcasecmp(value, "COPY") == 0) {
        return true;
    }
    call_fail(call, S3_ERROR_INVALID_ARGUMENT, "%s is COPY or REPLACE.", header);
    return false;
}

static bool read_options(
    struct call *call, char etag[HEARTH_ETAG_TEXT_SIZE], struct hearth_copy_options *options)
{
    enum s3_error error = condition_of_write(call->request->head, etag, &options->precondition);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    return read_directive(call, "x-amz-metadata-directive", &options->replace_attributes) &&
        read_directive(call, "x-amz-tagging-directive", &options->replace_tags) &&
        object_head_read(call, &options->attributes);
}

static bool is_itself(const struct call *call, const struct copy_source *source)
{
    return strcmp(source->bucket, call->request->bucket) == 0 &&
        view_equal(source->key, call->request->key);
}

static bool read_source(
    struct call *call, const struct hearth_copy_options *options, struct copy_source *source)
{
    enum s3_error error =
        copy_source_parse(call_request_header(call, "x-amz-copy-source"), call->arena, source);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    if (is_itself(call, source) && !options->replace_attributes && !options->replace_tags) {
        call_fail(call, S3_ERROR_INVALID_REQUEST,
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or "
            "encryption attributes.");
        return false;
    }
    return true;
}

/* What the conditions are about is what will be copied: its version is kept in `version`. */
static bool check_source(struct call *call, const struct copy_source *source,
    char version[HEARTH_VERSION_TEXT_SIZE], struct hearth_copy_options *options)
{
    const struct condition condition = condition_of_source(call->request->head);
    struct hearth_stat *stat;
    struct hearth_err err;
    if (condition_is_none(&condition)) {
        return true;
    }
    if (hearth_stat(call->hearth, source->bucket, source->key, false, &stat, &err) != HEARTH_OK) {
        op_fail_copy(call, source->bucket, &err);
        return false;
    }
    enum s3_error error =
        condition_check(&condition, stat->object.etag, stat->object.created_unix_ms);
    memcpy(version, stat->object.version, HEARTH_VERSION_TEXT_SIZE);
    options->source_version = version;
    hearth_stat_destroy(stat);
    if (error != S3_ERROR_NONE) {
        call_fail(call, S3_ERROR_PRECONDITION_FAILED, NULL);
        return false;
    }
    return true;
}

static void answer(struct call *call, const struct hearth_put_result *result)
{
    struct xml_out xml;
    char etag[HEARTH_ETAG_TEXT_SIZE + 2];
    op_quote(result->etag, etag);
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "CopyObjectResult", XML_S3_NAMESPACE);
    xml_out_time(&xml, "LastModified", result->created_unix_ms);
    xml_out_text(&xml, "ETag", etag);
    xml_out_close(&xml, "CopyObjectResult");
    call_header(call, "x-amz-server-side-encryption", "AES256");
    call_answer_xml(call, 200, &xml);
}

void op_copy_object(struct call *call)
{
    char etag[HEARTH_ETAG_TEXT_SIZE];
    char version[HEARTH_VERSION_TEXT_SIZE];
    struct hearth_copy_options options = {0};
    struct copy_source source;
    if (!read_options(call, etag, &options) || !read_source(call, &options, &source) ||
        !check_source(call, &source, version, &options)) {
        return;
    }
    struct hearth_put_result result;
    struct hearth_err err;
    if (hearth_copy(call->hearth, source.bucket, source.key, call->request->bucket,
            call->request->key, &options, &result, &err) != HEARTH_OK) {
        op_fail_copy(call, source.bucket, &err);
        return;
    }
    answer(call, &result);
}
