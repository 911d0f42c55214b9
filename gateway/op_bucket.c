/*
 * Buckets: listed, made, looked at, deleted (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/owner.h"
#include "gateway/xml_in.h"

#include <strings.h>

static void write_buckets(
    struct call *call, struct xml_out *xml, const struct hearth_buckets *buckets)
{
    xml_out_init(xml, call->arena);
    xml_out_open_namespace(xml, "ListAllMyBucketsResult", XML_S3_NAMESPACE);
    owner_write(call, xml, "Owner");
    xml_out_open(xml, "Buckets");
    for (unsigned i = 0; i < buckets->count; i++) {
        xml_out_open(xml, "Bucket");
        xml_out_text(xml, "Name", buckets->items[i].name);
        xml_out_time(xml, "CreationDate", buckets->items[i].created_unix_ms);
        xml_out_close(xml, "Bucket");
    }
    xml_out_close(xml, "Buckets");
    xml_out_close(xml, "ListAllMyBucketsResult");
}

void op_list_buckets(struct call *call)
{
    struct hearth_err err;
    struct hearth_buckets *buckets;
    struct xml_out xml;
    if (hearth_bucket_list(call->hearth, &buckets, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return;
    }
    write_buckets(call, &xml, buckets);
    hearth_buckets_destroy(buckets);
    call_answer_xml(call, 200, &xml);
}

/* <CreateBucketConfiguration><LocationConstraint>: only the region that there is. */
static bool check_location(struct call *call)
{
    enum { ELEMENTS_MAX = 16 };
    struct view document;
    const struct xml_element *root;
    if (!call_read_body(call, CALL_XML_IN_MAX, &document)) {
        return false;
    }
    if (document.size == 0) {
        return true;
    }
    enum s3_error error = xml_in_parse(document, ELEMENTS_MAX, call->arena, &root);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    const char *location = xml_in_text(root, "LocationConstraint");
    if (location != NULL && location[0] != '\0' && strcmp(location, call->region) != 0 &&
        strcmp(location, "us-east-1") != 0) {
        call_fail(
            call, S3_ERROR_INVALID_LOCATION_CONSTRAINT, "The region here is %s.", call->region);
        return false;
    }
    return true;
}

static bool wants_lock(const struct call *call)
{
    const char *lock = call_request_header(call, "x-amz-bucket-object-lock-enabled");
    return lock != NULL && strcasecmp(lock, "true") == 0;
}

void op_create_bucket(struct call *call)
{
    struct hearth_err err;
    bool public_read;
    if (!check_location(call) || !op_read_canned_acl(call, &public_read)) {
        return;
    }
    if (wants_lock(call)) {
        call_fail(call, S3_ERROR_NOT_IMPLEMENTED, "Object lock is not supported.");
        return;
    }
    enum hearth_code code = hearth_bucket_create(call->hearth, call->request->bucket, NULL, &err);
    if (code == HEARTH_OK && public_read) {
        code = hearth_bucket_set_public(call->hearth, call->request->bucket, true, &err);
    }
    if (code == HEARTH_CONFLICT) {
        call_fail(call, S3_ERROR_BUCKET_ALREADY_EXISTS, NULL);
    } else if (code != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
    } else {
        call_header(call, "Location", "/%s", call->request->bucket);
        call_answer(call, 200);
    }
}

void op_head_bucket(struct call *call)
{
    if (op_bucket_is_there(call)) {
        call_header(call, "x-amz-bucket-region", "%s", call->region);
        call_answer(call, 200);
    }
}

void op_get_bucket_location(struct call *call)
{
    if (!op_bucket_is_there(call)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "LocationConstraint", XML_S3_NAMESPACE);
    if (strcmp(call->region, "us-east-1") != 0) { /* which S3 says by saying nothing */
        xml_out_content(&xml, view_text(call->region));
    }
    xml_out_close(&xml, "LocationConstraint");
    call_answer_xml(call, 200, &xml);
}

void op_delete_bucket(struct call *call)
{
    struct hearth_err err;
    if (hearth_bucket_delete(call->hearth, call->request->bucket, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return;
    }
    call_answer(call, 204);
}
