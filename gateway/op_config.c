/*
 * What can be asked of a bucket, and is the same for every one (op.h): there is no versioning, no
 * policy, no lifecycle ..., everything is sealed, and all of it is the tenant's.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/owner.h"

/* ---- an empty document ---- */

static void answer_empty(struct call *call, const char *element)
{
    if (!op_bucket_is_there(call)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, element, XML_S3_NAMESPACE);
    xml_out_close(&xml, element);
    call_answer_xml(call, 200, &xml);
}

void op_get_bucket_versioning(struct call *call)
{
    answer_empty(call, "VersioningConfiguration");
}

void op_get_bucket_logging(struct call *call)
{
    answer_empty(call, "BucketLoggingStatus");
}

void op_get_bucket_notification(struct call *call)
{
    answer_empty(call, "NotificationConfiguration");
}

void op_get_bucket_accelerate(struct call *call)
{
    answer_empty(call, "AccelerateConfiguration");
}

/* ---- none ---- */

static void answer_none(struct call *call, enum s3_error error)
{
    if (op_bucket_is_there(call)) {
        call_fail(call, error, NULL);
    }
}

void op_get_bucket_policy(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_BUCKET_POLICY);
}

void op_get_bucket_policy_status(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_BUCKET_POLICY);
}

void op_get_bucket_cors(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_CORS_CONFIGURATION);
}

void op_get_bucket_lifecycle(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_LIFECYCLE_CONFIGURATION);
}

void op_get_bucket_object_lock(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_OBJECT_LOCK_CONFIGURATION);
}

void op_get_bucket_website(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_WEBSITE_CONFIGURATION);
}

void op_get_bucket_replication(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_REPLICATION_CONFIGURATION);
}

void op_get_bucket_tagging(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_TAG_SET);
}

void op_get_bucket_ownership_controls(struct call *call)
{
    answer_none(call, S3_ERROR_OWNERSHIP_CONTROLS_NOT_FOUND);
}

void op_get_public_access_block(struct call *call)
{
    answer_none(call, S3_ERROR_NO_SUCH_PUBLIC_ACCESS_BLOCK);
}

/* ---- something ---- */

void op_get_bucket_request_payment(struct call *call)
{
    if (!op_bucket_is_there(call)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "RequestPaymentConfiguration", XML_S3_NAMESPACE);
    xml_out_text(&xml, "Payer", "BucketOwner");
    xml_out_close(&xml, "RequestPaymentConfiguration");
    call_answer_xml(call, 200, &xml);
}

/* Which is true of every object: sealed with AES-256-GCM before it leaves the gateway. */
void op_get_bucket_encryption(struct call *call)
{
    if (!op_bucket_is_there(call)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "ServerSideEncryptionConfiguration", XML_S3_NAMESPACE);
    xml_out_open(&xml, "Rule");
    xml_out_open(&xml, "ApplyServerSideEncryptionByDefault");
    xml_out_text(&xml, "SSEAlgorithm", "AES256");
    xml_out_close(&xml, "ApplyServerSideEncryptionByDefault");
    xml_out_bool(&xml, "BucketKeyEnabled", false);
    xml_out_close(&xml, "Rule");
    xml_out_close(&xml, "ServerSideEncryptionConfiguration");
    call_answer_xml(call, 200, &xml);
}

/* ---- access ---- */

/* Of the bucket, or of the object. */
static bool is_there(struct call *call)
{
    if (call->request->key.size == 0) {
        return op_bucket_is_there(call);
    }
    struct hearth_stat *stat = op_stat(call);
    if (stat == NULL) {
        return false;
    }
    hearth_stat_destroy(stat);
    return true;
}

void op_get_acl(struct call *call)
{
    if (!is_there(call)) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "AccessControlPolicy", XML_S3_NAMESPACE);
    owner_write(call, &xml, "Owner");
    xml_out_open(&xml, "AccessControlList");
    xml_out_open(&xml, "Grant");
    owner_write_grantee(call, &xml);
    xml_out_text(&xml, "Permission", "FULL_CONTROL");
    xml_out_close(&xml, "Grant");
    xml_out_close(&xml, "AccessControlList");
    xml_out_close(&xml, "AccessControlPolicy");
    call_answer_xml(call, 200, &xml);
}

/* The owner's full control is what there is; to ask for it again is no error. */
void op_put_acl(struct call *call)
{
    const char *canned = call_request_header(call, "x-amz-acl");
    bool is_private = canned != NULL &&
        (strcmp(canned, "private") == 0 || strncmp(canned, "bucket-owner-", 13) == 0);
    if (!is_private) {
        call_fail(call, S3_ERROR_NOT_IMPLEMENTED,
            "Access lists are not supported: only the canned ACL private is.");
    } else if (is_there(call)) {
        call_answer(call, 200);
    }
}

/* There is none to switch on; to switch off what is not on is no error. */
void op_put_bucket_versioning(struct call *call)
{
    struct view body;
    static const char suspended[] = "<Status>Suspended</Status>";
    if (!op_bucket_is_there(call) || !call_read_body(call, CALL_XML_IN_MAX, &body)) {
        return;
    }
    if (memmem(body.bytes, body.size, suspended, sizeof(suspended) - 1) != NULL) {
        call_answer(call, 200);
    } else {
        call_fail(call, S3_ERROR_NOT_IMPLEMENTED, "Versioning is not supported.");
    }
}
