/*
 * DeleteObject and DeleteObjects (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/condition.h"
#include "gateway/object_head.h"
#include "gateway/xml_in.h"

#include <strings.h>

void op_delete_object(struct call *call)
{
    char etag[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_precondition precondition;
    struct hearth_err err;
    enum s3_error error = condition_of_write(call->request->head, etag, &precondition);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return;
    }
    if (!object_head_version(call)) {
        return;
    }
    if (hearth_delete(call->hearth, call->request->bucket, call->request->key, &precondition, NULL,
            &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    call_answer(call, 204);
}

/* ---- many ---- */

enum { ELEMENTS_MAX = 8 * HEARTH_DELETE_MAX };

/* One <Object>. */
struct victim {
    struct view key;
    const char *etag; /* the condition it comes with; NULL: none */
    enum s3_error error;
};

struct batch {
    struct victim *victims;
    unsigned count;
    bool is_quiet;
};

static struct victim read_victim(const struct xml_element *object)
{
    const struct xml_element *key = xml_in_child(object, "Key");
    const char *version = xml_in_text(object, "VersionId");
    struct victim victim = {
        .key = key != NULL ? key->text : (struct view){0}, .etag = xml_in_text(object, "ETag")};
    if (victim.key.size > HEARTH_KEY_MAX) {
        victim.error = S3_ERROR_KEY_TOO_LONG;
    } else if (version != NULL && version[0] != '\0' && strcmp(version, "null") != 0) {
        victim.error = S3_ERROR_NO_SUCH_VERSION;
    } else if (xml_in_child(object, "LastModifiedTime") != NULL ||
        xml_in_child(object, "Size") != NULL) {
        victim.error = S3_ERROR_NOT_IMPLEMENTED; /* conditions of other kinds of buckets */
    }
    return victim;
}

/* False: not what it should be. */
static bool read_objects(const struct xml_element *root, struct batch *batch)
{
    const char *quiet = xml_in_text(root, "Quiet");
    batch->is_quiet = quiet != NULL && strcasecmp(quiet, "true") == 0;
    for (const struct xml_element *object = xml_in_child(root, "Object"); object != NULL;
         object = xml_in_next(object)) {
        if (batch->count == HEARTH_DELETE_MAX) {
            return false;
        }
        struct victim victim = read_victim(object);
        if (victim.key.size == 0) {
            return false;
        }
        batch->victims[batch->count++] = victim;
    }
    return batch->count > 0;
}

/* As S3 has it, a body that deletes comes with a digest of some kind. */
static bool has_digest(const struct call *call)
{
    const struct http_head *head = call->request->head;
    if (http_head_find(head, "content-md5") != NULL ||
        http_head_find(head, "x-amz-sdk-checksum-algorithm") != NULL ||
        http_head_find(head, "x-amz-trailer") != NULL) {
        return true;
    }
    for (unsigned i = 0; i < head->header_count; i++) {
        if (strncmp(head->headers[i].name, "x-amz-checksum-", 15) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_batch(struct call *call, struct batch *batch)
{
    struct view body;
    const struct xml_element *root;
    if (!has_digest(call)) {
        call_fail(call, S3_ERROR_INVALID_REQUEST,
            "Missing required header for this request: Content-MD5");
        return false;
    }
    batch->victims = arena_take_array(call->arena, HEARTH_DELETE_MAX, sizeof(*batch->victims));
    if (batch->victims == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    if (!call_read_body(call, 2 * CALL_XML_IN_MAX, &body)) {
        return false;
    }
    enum s3_error error = xml_in_parse(body, ELEMENTS_MAX, call->arena, &root);
    if (error == S3_ERROR_NONE &&
        (strcmp(root->name, "Delete") != 0 || !read_objects(root, batch))) {
        error = S3_ERROR_MALFORMED_XML;
    }
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return false;
    }
    return true;
}

/* Those with a condition one by one; all others at once. */
static void delete_with_condition(struct call *call, struct victim *victim)
{
    struct hearth_precondition precondition = {0};
    struct hearth_err err;
    char etag[HEARTH_ETAG_TEXT_SIZE];
    const struct http_header header = {"if-match", victim->etag};
    const struct http_head head = {.header_count = 1, .headers = &header};
    victim->error = condition_of_write(&head, etag, &precondition);
    if (victim->error == S3_ERROR_NONE &&
        hearth_delete(call->hearth, call->request->bucket, victim->key, &precondition, NULL,
            &err) != HEARTH_OK) {
        victim->error = s3_error_of(err.code, S3_ABOUT_OBJECT);
    }
}

static bool delete_the_rest(struct call *call, const struct batch *batch)
{
    unsigned count = 0;
    struct hearth_err err;
    struct view *keys = arena_take_array(call->arena, batch->count, sizeof(*keys));
    if (keys == NULL) {
        call_fail(call, S3_ERROR_SLOW_DOWN, NULL);
        return false;
    }
    for (unsigned i = 0; i < batch->count; i++) {
        const struct victim *victim = &batch->victims[i];
        if (victim->etag == NULL && victim->error == S3_ERROR_NONE) {
            keys[count++] = victim->key;
        }
    }
    if (hearth_delete_many(call->hearth, call->request->bucket, keys, count, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, &err);
        return false;
    }
    return true;
}

static void answer_batch(struct call *call, const struct batch *batch)
{
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "DeleteResult", XML_S3_NAMESPACE);
    for (unsigned i = 0; i < batch->count; i++) {
        const struct victim *victim = &batch->victims[i];
        bool is_deleted = victim->error == S3_ERROR_NONE;
        if (is_deleted && batch->is_quiet) {
            continue;
        }
        xml_out_open(&xml, is_deleted ? "Deleted" : "Error");
        xml_out_view(&xml, "Key", victim->key);
        if (!is_deleted) {
            xml_out_text(&xml, "Code", s3_error_code(victim->error));
            xml_out_text(&xml, "Message", s3_error_message(victim->error));
        }
        xml_out_close(&xml, is_deleted ? "Deleted" : "Error");
    }
    xml_out_close(&xml, "DeleteResult");
    call_answer_xml(call, 200, &xml);
}

void op_delete_objects(struct call *call)
{
    struct batch batch = {0};
    if (!read_batch(call, &batch)) {
        return;
    }
    if (!delete_the_rest(call, &batch)) {
        return;
    }
    for (unsigned i = 0; i < batch.count; i++) {
        if (batch.victims[i].etag != NULL && batch.victims[i].error == S3_ERROR_NONE) {
            delete_with_condition(call, &batch.victims[i]);
        }
    }
    answer_batch(call, &batch);
}
