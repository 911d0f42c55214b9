#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/checksum_text.h"

#include <stdio.h>
#include <stdlib.h>

void op_quote(const char *etag, char out[OP_QUOTED_ETAG_SIZE])
{
    snprintf(out, OP_QUOTED_ETAG_SIZE, "\"%s\"", etag);
}

bool op_read_number(const char *text, unsigned most, unsigned *out)
{
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > most) {
        return false;
    }
    *out = (unsigned)number;
    return true;
}

struct hearth_buckets *op_bucket(struct call *call)
{
    struct hearth_buckets *buckets;
    struct hearth_err err;
    if (hearth_bucket_head(call->hearth, call->request->bucket, &buckets, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return NULL;
    }
    return buckets;
}

bool op_bucket_is_there(struct call *call)
{
    struct hearth_buckets *buckets = op_bucket(call);
    hearth_buckets_destroy(buckets);
    return buckets != NULL;
}

static bool is_missing(struct call *call, const char *bucket)
{
    struct hearth_buckets *buckets = NULL;
    struct hearth_err err;
    enum hearth_code code = hearth_bucket_head(call->hearth, bucket, &buckets, &err);
    hearth_buckets_destroy(buckets);
    return code == HEARTH_NOT_FOUND;
}

void op_fail_copy(struct call *call, const char *source_bucket, const struct hearth_err *err)
{
    bool is_bucket = err->code == HEARTH_NOT_FOUND && is_missing(call, source_bucket);
    call_fail_hearth(call, is_bucket ? S3_ABOUT_BUCKET : S3_ABOUT_OBJECT, err);
}

struct hearth_stat *op_stat(struct call *call)
{
    const struct request *request = call->request;
    struct hearth_stat *stat;
    struct hearth_err err;
    if (hearth_stat(call->hearth, request->bucket, request->key, false, &stat, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return NULL;
    }
    return stat;
}

bool op_upload_checksum(
    struct call *call, const char *upload, const struct checksum_kind **kind, bool *is_composite)
{
    const struct request *request = call->request;
    struct hearth_parts *parts;
    struct hearth_err err;
    *kind = NULL;
    *is_composite = false;
    enum hearth_code code = hearth_upload_parts(
        call->hearth, request->bucket, request->key, upload, HEARTH_PARTS_MAX, 1, &parts, &err);
    if (code == HEARTH_NOT_FOUND) {
        return true;
    }
    if (code != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_UPLOAD, &err);
        return false;
    }
    *kind = checksum_by_kind(parts->checksum_kind);
    *is_composite = parts->checksum_is_composite;
    hearth_parts_destroy(parts);
    return true;
}

void op_fail_put(struct call *call, enum s3_about about, const struct hearth_err *err)
{
    if (err->code == HEARTH_CHECKSUM) {
        call->body_error = S3_ERROR_BAD_DIGEST;
    }
    call_fail_hearth(call, about, err);
}
