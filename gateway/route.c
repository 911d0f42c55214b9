#include "gateway/route.h"

#include "gateway/op_bucket.h"
#include "gateway/op_object.h"

/*
 * Rows with more markers come before rows with fewer, because the first that fits is taken.
 *
 *   method    resource       parameters      header
 *   operation                right           body               handler
 */
const struct route route_table[] = {
    {"GET", ROUTE_SERVICE, NULL, NULL, NULL, /**/
        "ListBuckets", ROUTE_LIST, ROUTE_BODY_NONE, op_list_buckets},

    {"PUT", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "CreateBucket", ROUTE_MANAGE_BUCKET, ROUTE_BODY_XML, op_create_bucket},
    {"HEAD", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "HeadBucket", ROUTE_LIST, ROUTE_BODY_NONE, op_head_bucket},
    {"DELETE", ROUTE_BUCKET, NULL, NULL, NULL, /**/
        "DeleteBucket", ROUTE_MANAGE_BUCKET, ROUTE_BODY_NONE, op_delete_bucket},

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
    return is_there ? S3_ERROR_METHOD_NOT_ALLOWED : S3_ERROR_NOT_IMPLEMENTED;
}
