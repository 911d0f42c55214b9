/*
 * What can be asked of a bucket, and is the same for every one (op.h): there is no versioning, no
 * policy, no lifecycle ..., and everything is sealed.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/xml_in.h"

#include <assert.h>

/* ---- what no bucket has ---- */

/* By the parameter that asks for it: an empty document, or an error that says that there is none.
 */
static const struct absence {
    const char *param;
    const char *element; /* NULL: the error */
    enum s3_error error;
} absences[] = {
    {"versioning", "VersioningConfiguration", S3_ERROR_NONE},
    {"logging", "BucketLoggingStatus", S3_ERROR_NONE},
    {"notification", "NotificationConfiguration", S3_ERROR_NONE},
    {"accelerate", "AccelerateConfiguration", S3_ERROR_NONE},
    {"policy", NULL, S3_ERROR_NO_SUCH_BUCKET_POLICY},
    {"policyStatus", NULL, S3_ERROR_NO_SUCH_BUCKET_POLICY},
    {"cors", NULL, S3_ERROR_NO_SUCH_CORS_CONFIGURATION},
    {"lifecycle", NULL, S3_ERROR_NO_SUCH_LIFECYCLE_CONFIGURATION},
    {"object-lock", NULL, S3_ERROR_NO_SUCH_OBJECT_LOCK_CONFIGURATION},
    {"website", NULL, S3_ERROR_NO_SUCH_WEBSITE_CONFIGURATION},
    {"replication", NULL, S3_ERROR_NO_SUCH_REPLICATION_CONFIGURATION},
    {"tagging", NULL, S3_ERROR_NO_SUCH_TAG_SET},
    {"ownershipControls", NULL, S3_ERROR_OWNERSHIP_CONTROLS_NOT_FOUND},
    {"publicAccessBlock", NULL, S3_ERROR_NO_SUCH_PUBLIC_ACCESS_BLOCK},
};

static const struct absence *find_absence(const char *param)
{
    const struct absence *absence = absences;
    while (strcmp(absence->param, param) != 0) {
        absence++;
        assert(absence < absences + sizeof(absences) / sizeof(absences[0])); /* a route without */
    }
    return absence;
}

void op_get_bucket_absence(struct call *call)
{
    const struct absence *absence = find_absence(call->route->param);
    struct xml_out xml;
    if (!op_bucket_is_there(call)) {
        return;
    }
    if (absence->element == NULL) {
        call_fail(call, absence->error, NULL);
        return;
    }
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, absence->element, XML_S3_NAMESPACE);
    xml_out_close(&xml, absence->element);
    call_answer_xml(call, 200, &xml);
}

/* What is not there is gone; S3 says so, too. */
void op_delete_bucket_absence(struct call *call)
{
    if (op_bucket_is_there(call)) {
        call_answer(call, 204);
    }
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

/* There is none to switch on; to switch off what is not on is no error. */
void op_put_bucket_versioning(struct call *call)
{
    enum { ELEMENTS_MAX = 16 };
    struct view body;
    const struct xml_element *root;
    if (!op_bucket_is_there(call) || !call_read_body(call, CALL_XML_IN_MAX, &body)) {
        return;
    }
    enum s3_error error = xml_in_parse(body, ELEMENTS_MAX, call->arena, &root);
    const char *status = error == S3_ERROR_NONE ? xml_in_text(root, "Status") : NULL;
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
    } else if (status != NULL && strcmp(status, "Suspended") == 0) {
        call_answer(call, 200);
    } else if (status != NULL && strcmp(status, "Enabled") == 0) {
        call_fail(call, S3_ERROR_NOT_IMPLEMENTED, "Versioning is not supported.");
    } else {
        call_fail(call, S3_ERROR_MALFORMED_XML, NULL);
    }
}
