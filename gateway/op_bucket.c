/*
 * Buckets: listed, made, looked at, deleted (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/list_request.h"
#include "gateway/owner.h"
#include "gateway/xml_in.h"

#include <strings.h>

enum { BUCKETS_MAX = 10000 }; /* on a page; there are never so many */

/* ---- list ---- */

struct bucket_page {
    struct view prefix;
    const char *after; /* the last one of the page before; "": there was none */
    unsigned max;
    bool is_elsewhere; /* those of another region are wanted: there is none */
};

static bool read_page(struct call *call, struct bucket_page *out)
{
    struct view token;
    struct view region = list_request_param(call, "bucket-region");
    *out = (struct bucket_page){
        .prefix = list_request_param(call, "prefix"),
        .is_elsewhere = region.size > 0 && !view_equal(region, view_text(call->region)),
    };
    if (!list_request_number(call, "max-buckets", BUCKETS_MAX, &out->max) ||
        !list_request_token(call, &token)) {
        return false;
    }
    out->after = arena_text(call->arena, token);
    if (out->after == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    if (out->max == 0) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT, "max-buckets is 1 to %d.", BUCKETS_MAX);
        return false;
    }
    return true;
}

static bool is_on_page(const struct bucket_page *page, const char *name)
{
    struct view prefix = view_of(name, strnlen(name, page->prefix.size));
    return !page->is_elsewhere && strcmp(name, page->after) > 0 && view_equal(prefix, page->prefix);
}

static void write_bucket(struct xml_out *xml, const struct hearth_bucket *bucket)
{
    xml_out_open(xml, "Bucket");
    xml_out_text(xml, "Name", bucket->name);
    xml_out_time(xml, "CreationDate", bucket->created_unix_ms);
    xml_out_close(xml, "Bucket");
}

/* They come in the order of their names.  Returns the last one when more follow, else NULL. */
static const char *write_page(
    struct xml_out *xml, const struct bucket_page *page, const struct hearth_buckets *buckets)
{
    const char *last = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < buckets->count; i++) {
        if (!is_on_page(page, buckets->items[i].name)) {
            continue;
        }
        if (count++ == page->max) {
            return last;
        }
        last = buckets->items[i].name;
        write_bucket(xml, &buckets->items[i]);
    }
    return NULL;
}

static void write_buckets(struct call *call, struct xml_out *xml, const struct bucket_page *page,
    const struct hearth_buckets *buckets)
{
    xml_out_init(xml, call->arena);
    xml_out_open_namespace(xml, "ListAllMyBucketsResult", XML_S3_NAMESPACE);
    owner_write(call, xml, "Owner");
    xml_out_open(xml, "Buckets");
    const char *last = write_page(xml, page, buckets);
    xml_out_close(xml, "Buckets");
    if (page->prefix.size > 0) {
        xml_out_view(xml, "Prefix", page->prefix);
    }
    if (last != NULL) {
        list_request_write_token(call, xml, "ContinuationToken", view_text(last));
    }
    xml_out_close(xml, "ListAllMyBucketsResult");
}

void op_list_buckets(struct call *call)
{
    struct hearth_err err;
    struct hearth_buckets *buckets;
    struct bucket_page page;
    struct xml_out xml;
    if (!read_page(call, &page)) {
        return;
    }
    if (hearth_bucket_list(call->hearth, &buckets, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return;
    }
    write_buckets(call, &xml, &page, buckets);
    hearth_buckets_destroy(buckets);
    call_answer_xml(call, 200, &xml);
}

/* ---- create ---- */

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

/* ---- the rest ---- */

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
