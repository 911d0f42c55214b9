#include "gateway/route.h"

#include "gateway/op.h"

#include <assert.h>
#include <stdio.h>

/*
 * Rows with more markers come before rows with fewer, because the first that fits is taken.
 *
 *   method    resource       parameters      header
 *   operation                right           body               handler
 */
const struct route route_table[] = {
    {"GET", ROUTE_SERVICE, NULL, NULL, NULL, /**/
        "ListBuckets", ROUTE_LIST, ROUTE_BODY_NONE, op_list_buckets},

    {"GET", ROUTE_BUCKET, "location", NULL, NULL, /**/
        "GetBucketLocation", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_location},
    {"GET", ROUTE_BUCKET, "versioning", NULL, NULL, /**/
        "GetBucketVersioning", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "encryption", NULL, NULL, /**/
        "GetBucketEncryption", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_encryption},
    {"GET", ROUTE_BUCKET, "policyStatus", NULL, NULL, /**/
        "GetBucketPolicyStatus", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "policy", NULL, NULL, /**/
        "GetBucketPolicy", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "cors", NULL, NULL, /**/
        "GetBucketCors", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "lifecycle", NULL, NULL, /**/
        "GetBucketLifecycleConfiguration", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "object-lock", NULL, NULL, /**/
        "GetObjectLockConfiguration", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "website", NULL, NULL, /**/
        "GetBucketWebsite", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "logging", NULL, NULL, /**/
        "GetBucketLogging", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "notification", NULL, NULL, /**/
        "GetBucketNotificationConfiguration", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "replication", NULL, NULL, /**/
        "GetBucketReplication", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "tagging", NULL, NULL, /**/
        "GetBucketTagging", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "accelerate", NULL, NULL, /**/
        "GetBucketAccelerateConfiguration", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "requestPayment", NULL, NULL, /**/
        "GetBucketRequestPayment", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_request_payment},
    {"GET", ROUTE_BUCKET, "ownershipControls", NULL, NULL, /**/
        "GetBucketOwnershipControls", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"GET", ROUTE_BUCKET, "publicAccessBlock", NULL, NULL, /**/
        "GetPublicAccessBlock", ROUTE_LIST, ROUTE_BODY_NONE, op_get_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "policy", NULL, NULL, /**/
        "DeleteBucketPolicy", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "cors", NULL, NULL, /**/
        "DeleteBucketCors", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "lifecycle", NULL, NULL, /**/
        "DeleteBucketLifecycle", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "website", NULL, NULL, /**/
        "DeleteBucketWebsite", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "replication", NULL, NULL, /**/
        "DeleteBucketReplication", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "tagging", NULL, NULL, /**/
        "DeleteBucketTagging", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "ownershipControls", NULL, NULL, /**/
        "DeleteBucketOwnershipControls", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE,
        op_delete_bucket_absence},
    {"DELETE", ROUTE_BUCKET, "publicAccessBlock", NULL, NULL, /**/
        "DeletePublicAccessBlock", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket_absence},
    {"GET", ROUTE_BUCKET, "acl", NULL, NULL, /**/
        "GetBucketAcl", ROUTE_LIST, ROUTE_BODY_NONE, op_get_acl},
    {"PUT", ROUTE_BUCKET, "acl", NULL, NULL, /**/
        "PutBucketAcl", ROUTE_MANAGE_BUCKET, ROUTE_BODY_XML, op_put_acl},
    {"PUT", ROUTE_BUCKET, "versioning", NULL, NULL, /**/
        "PutBucketVersioning", ROUTE_MANAGE_BUCKET, ROUTE_BODY_XML, op_put_bucket_versioning},
    {"GET", ROUTE_BUCKET, "uploads", NULL, NULL, /**/
        "ListMultipartUploads", ROUTE_LIST, ROUTE_BODY_NONE, op_list_multipart_uploads},
    {"GET", ROUTE_BUCKET, "versions", NULL, NULL, /**/
        "ListObjectVersions", ROUTE_LIST, ROUTE_BODY_NONE, op_list_object_versions},
    {"GET", ROUTE_BUCKET, "list-type", NULL, NULL, /**/
        "ListObjectsV2", ROUTE_LIST, ROUTE_BODY_NONE, op_list_objects_v2},
    {"POST", ROUTE_BUCKET, "delete", NULL, NULL, /**/
        "DeleteObjects", ROUTE_DELETE, ROUTE_BODY_XML, op_delete_objects},

    {"GET", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "ListObjects", ROUTE_LIST, ROUTE_BODY_NONE, op_list_objects},
    {"PUT", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "CreateBucket", ROUTE_MANAGE_BUCKET, ROUTE_BODY_XML, op_create_bucket},
    {"HEAD", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "HeadBucket", ROUTE_LIST, ROUTE_BODY_NONE, op_head_bucket},
    {"DELETE", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "DeleteBucket", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket},

    {"PUT", ROUTE_OBJECT, "partNumber", "uploadId", "x-amz-copy-source", /**/
        "UploadPartCopy", ROUTE_READ | ROUTE_WRITE, ROUTE_BODY_NONE, op_upload_part_copy},
    {"PUT", ROUTE_OBJECT, "partNumber", "uploadId", NULL, /**/
        "UploadPart", ROUTE_WRITE, ROUTE_BODY_OBJECT, op_upload_part},
    {"GET", ROUTE_OBJECT, "uploadId", NULL, NULL, /**/
        "ListParts", ROUTE_WRITE, ROUTE_BODY_NONE, op_list_parts},
    {"POST", ROUTE_OBJECT, "uploadId", NULL, NULL, /**/
        "CompleteMultipartUpload", ROUTE_WRITE, ROUTE_BODY_XML, op_complete_multipart_upload},
    {"DELETE", ROUTE_OBJECT, "uploadId", NULL, NULL, /**/
        "AbortMultipartUpload", ROUTE_WRITE, ROUTE_BODY_NONE, op_abort_multipart_upload},
    {"POST", ROUTE_OBJECT, "uploads", NULL, NULL, /**/
        "CreateMultipartUpload", ROUTE_WRITE, ROUTE_BODY_NONE, op_create_multipart_upload},
    {"GET", ROUTE_OBJECT, "acl", NULL, NULL, /**/
        "GetObjectAcl", ROUTE_READ, ROUTE_BODY_NONE, op_get_acl},
    {"PUT", ROUTE_OBJECT, "acl", NULL, NULL, /**/
        "PutObjectAcl", ROUTE_WRITE, ROUTE_BODY_XML, op_put_acl},
    {"GET", ROUTE_OBJECT, "tagging", NULL, NULL, /**/
        "GetObjectTagging", ROUTE_READ, ROUTE_BODY_NONE, op_get_object_tagging},
    {"PUT", ROUTE_OBJECT, "tagging", NULL, NULL, /**/
        "PutObjectTagging", ROUTE_WRITE, ROUTE_BODY_XML, op_put_object_tagging},
    {"DELETE", ROUTE_OBJECT, "tagging", NULL, NULL, /**/
        "DeleteObjectTagging", ROUTE_WRITE, ROUTE_BODY_NONE, op_delete_object_tagging},
    {"GET", ROUTE_OBJECT, "attributes", NULL, NULL, /**/
        "GetObjectAttributes", ROUTE_READ, ROUTE_BODY_NONE, op_get_object_attributes},
    {"GET", ROUTE_OBJECT, "partNumber", NULL, NULL, /**/
        "GetObject", ROUTE_READ, ROUTE_BODY_NONE, op_get_object},
    {"HEAD", ROUTE_OBJECT, "partNumber", NULL, NULL, /**/
        "HeadObject", ROUTE_READ, ROUTE_BODY_NONE, op_head_object},

    {"PUT", ROUTE_OBJECT, NULL, NULL, "x-amz-copy-source", /**/
        "CopyObject", ROUTE_READ | ROUTE_WRITE, ROUTE_BODY_NONE, op_copy_object},
    {"PUT", ROUTE_OBJECT, NULL, NULL, NULL, /**/
        "PutObject", ROUTE_WRITE, ROUTE_BODY_OBJECT, op_put_object},
    {"GET", ROUTE_OBJECT, NULL, NULL, NULL, /**/
        "GetObject", ROUTE_READ, ROUTE_BODY_NONE, op_get_object},
    {"HEAD", ROUTE_OBJECT, NULL, NULL, NULL, /**/
        "HeadObject", ROUTE_READ, ROUTE_BODY_NONE, op_head_object},
    {"DELETE", ROUTE_OBJECT, NULL, NULL, NULL, /**/
        "DeleteObject", ROUTE_DELETE, ROUTE_BODY_NONE, op_delete_object},
};

const unsigned route_count = sizeof(route_table) / sizeof(route_table[0]);

/*
 * What turns a request into another one.  Who sends one of these means it: without a row for it the
 * answer is "not implemented", never that of the plain request.
 */
static const char *const sub_resources[] = {"abac", "accelerate", "acl", "analytics", "attributes",
    "cors", "delete", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle",
    "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification",
    "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
    "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session",
    "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website"};

static bool names_sub_resource(const struct request *request)
{
    for (size_t i = 0; i < sizeof(sub_resources) / sizeof(sub_resources[0]); i++) {
        if (request_find(request, sub_resources[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static enum route_resource resource_of(const struct request *request)
{
    if (request->bucket == NULL) {
        return ROUTE_SERVICE;
    }
    return request->key.size == 0 ? ROUTE_BUCKET : ROUTE_OBJECT;
}

static bool fits(const struct route *row, const struct request *request)
{
    return (row->param == NULL || request_find(request, row->param) != NULL) &&
        (row->param2 == NULL || request_find(request, row->param2) != NULL) &&
        (row->header == NULL || http_head_find(request->head, row->header) != NULL);
}

static bool names_same_thing(const struct route *row, const struct request *request)
{
    return row->resource == resource_of(request) && fits(row, request) &&
        (row->param != NULL || !names_sub_resource(request));
}

void route_allowed(const struct request *request, char text[ROUTE_ALLOWED_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        if (names_same_thing(row, request) && strstr(text, row->method) == NULL) {
            used += (size_t)snprintf(
                text + used, ROUTE_ALLOWED_SIZE - used, "%s%s", used > 0 ? ", " : "", row->method);
            assert(used < ROUTE_ALLOWED_SIZE);
        }
    }
}

enum s3_error route_find(const struct request *request, const struct route **out)
{
    bool is_there = false; /* with another method */
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        if (names_same_thing(row, request)) {
            if (strcmp(row->method, request->head->method) == 0) {
                *out = row;
                return S3_ERROR_NONE;
            }
            is_there = true;
        }
    }
    return is_there && !names_sub_resource(request) ? S3_ERROR_METHOD_NOT_ALLOWED
                                                    : S3_ERROR_NOT_IMPLEMENTED;
}
