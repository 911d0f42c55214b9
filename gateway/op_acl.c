/*
 * Access lists (op.h): what S3's can say here.  A bucket is its owner's alone, or anybody may read
 * it beside; an object is as public as its bucket.
 *
 *   x-amz-acl: private | public-read        or the same two as a document, which s3cmd sends
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/object_head.h"
#include "gateway/owner.h"
#include "gateway/xml_in.h"

/* ---- what is asked for ---- */

static void refuse(struct call *call)
{
    call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
        "A bucket is private or public-read, and an object is what its bucket is: there are no "
        "other "
        "access lists.");
}

/* The canned ACLs that there are in S3. */
static const struct {
    const char *name;
    bool is_supported;
    bool is_public;
} canned_acls[] = {
    {"private", true, false},
    {"bucket-owner-read", true, false}, /* which the owner of all of it may anyhow */
    {"bucket-owner-full-control", true, false},
    {"public-read", true, true},
    {"public-read-write", false, true},
    {"authenticated-read", false, true},
    {"aws-exec-read", false, true},
    {"log-delivery-write", false, true},
};

bool op_is_canned_acl(const char *name)
{
    bool is_one = false;
    for (size_t i = 0; i < sizeof(canned_acls) / sizeof(canned_acls[0]); i++) {
        is_one |= strcmp(canned_acls[i].name, name) == 0;
    }
    return is_one;
}

static bool read_canned(struct call *call, const char *name, bool *out_public)
{
    for (size_t i = 0; i < sizeof(canned_acls) / sizeof(canned_acls[0]); i++) {
        if (strcmp(canned_acls[i].name, name) == 0) {
            *out_public = canned_acls[i].is_public;
            if (!canned_acls[i].is_supported) {
                refuse(call);
            }
            return canned_acls[i].is_supported;
        }
    }
    call_fail(call, S3_ERROR_INVALID_ARGUMENT, "x-amz-acl is not one of the canned ACLs.");
    return false;
}

static bool has_grant_header(const struct call *call)
{
    const struct http_head *head = call->request->head;
    for (unsigned i = 0; i < head->header_count; i++) {
        if (strncmp(head->headers[i].name, "x-amz-grant-", 12) == 0) {
            return true;
        }
    }
    return false;
}

bool op_read_canned_acl(struct call *call, bool *out_public)
{
    const char *name = call_request_header(call, "x-amz-acl");
    *out_public = false;
    if (has_grant_header(call)) {
        refuse(call);
        return false;
    }
    return name == NULL || read_canned(call, name, out_public);
}

static bool is_text(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

/* One <Grant>: of the owner, whatever it says; of everybody, that they may read. */
static enum s3_error read_grant(
    const struct call *call, const struct xml_element *grant, bool *out_public)
{
    const struct xml_element *grantee = xml_in_child(grant, "Grantee");
    const char *permission = xml_in_text(grant, "Permission");
    if (grantee == NULL || permission == NULL) {
        return S3_ERROR_MALFORMED_ACL;
    }
    if (is_text(xml_in_text(grantee, "ID"), call->tenant)) {
        return S3_ERROR_NONE;
    }
    if (is_text(xml_in_text(grantee, "URI"), OWNER_EVERYBODY_URI) && is_text(permission, "READ")) {
        *out_public = true;
        return S3_ERROR_NONE;
    }
    return S3_ERROR_NOT_IMPLEMENTED;
}

static enum s3_error read_policy(
    const struct call *call, const struct xml_element *policy, bool *out_public)
{
    const struct xml_element *list = xml_in_child(policy, "AccessControlList");
    enum s3_error error = S3_ERROR_NONE;
    if (strcmp(policy->name, "AccessControlPolicy") != 0 || list == NULL) {
        return S3_ERROR_MALFORMED_ACL;
    }
    for (const struct xml_element *grant = xml_in_child(list, "Grant");
         grant != NULL && error == S3_ERROR_NONE; grant = xml_in_next(grant)) {
        error = read_grant(call, grant, out_public);
    }
    return error;
}

static bool read_document(struct call *call, struct view document, bool *out_public)
{
    enum { ELEMENTS_MAX = 1024 }; /* S3 takes 100 grants */
    const struct xml_element *root;
    enum s3_error error = xml_in_parse(document, ELEMENTS_MAX, call->arena, &root);
    if (error == S3_ERROR_NONE) {
        error = read_policy(call, root, out_public);
    }
    if (error == S3_ERROR_NOT_IMPLEMENTED) {
        refuse(call);
    } else if (error != S3_ERROR_NONE) {
        call_fail(call, error == S3_ERROR_MALFORMED_XML ? S3_ERROR_MALFORMED_ACL : error, NULL);
    }
    return error == S3_ERROR_NONE;
}

/* False: it was answered. */
static bool read_acl(struct call *call, bool *out_public)
{
    struct view document;
    bool is_canned = call_request_header(call, "x-amz-acl") != NULL;
    if (!op_read_canned_acl(call, out_public) ||
        !call_read_body(call, CALL_XML_IN_MAX, &document)) {
        return false;
    }
    if (is_canned && document.size > 0) {
        call_fail(call, S3_ERROR_INVALID_REQUEST, "A canned ACL and a list are one too many.");
        return false;
    }
    if (!is_canned && document.size == 0) {
        call_fail(call, S3_ERROR_MISSING_SECURITY_HEADER, "There is no ACL in this request.");
        return false;
    }
    return is_canned || read_document(call, document, out_public);
}

/* ---- what there is ---- */

static bool is_public(struct call *call, bool *out)
{
    struct hearth_buckets *buckets = op_bucket(call);
    if (buckets == NULL) {
        return false;
    }
    *out = buckets->items[0].public_read;
    hearth_buckets_destroy(buckets);
    return true;
}

/* Of the bucket, or of the object, which is there.  False: the failure was answered. */
static bool find_public(struct call *call, bool *out)
{
    if (call->request->key.size > 0) {
        struct hearth_stat *stat = object_head_version(call) ? op_stat(call) : NULL;
        if (stat == NULL) {
            return false;
        }
        hearth_stat_destroy(stat);
    }
    return is_public(call, out);
}

void op_get_acl(struct call *call)
{
    bool public_read;
    if (!find_public(call, &public_read)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "AccessControlPolicy", XML_S3_NAMESPACE);
    owner_write(call, &xml, "Owner");
    xml_out_open(&xml, "AccessControlList");
    owner_write_grant(call, &xml);
    if (public_read) {
        owner_write_grant_of_everybody(&xml);
    }
    xml_out_close(&xml, "AccessControlList");
    xml_out_close(&xml, "AccessControlPolicy");
    call_answer_xml(call, 200, &xml);
}

/* To ask again for what there is is no error, of an object either. */
void op_put_acl(struct call *call)
{
    bool wanted;
    bool there;
    struct hearth_err err;
    if (!read_acl(call, &wanted) || !find_public(call, &there)) {
        return;
    }
    if (wanted == there) {
        call_answer(call, 200);
    } else if (call->request->key.size > 0) {
        refuse(call);
    } else if (hearth_bucket_set_public(call->hearth, call->request->bucket, wanted, &err) ==
        HEARTH_OK) {
        call_answer(call, 200);
    } else {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
    }
}
