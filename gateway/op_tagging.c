/*
 * Tags of an object: got, put, deleted (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/object_head.h"
#include "gateway/tagging.h"
#include "gateway/xml_in.h"

void op_get_object_tagging(struct call *call)
{
    struct hearth_stat *stat = object_head_version(call) ? op_stat(call) : NULL;
    if (stat == NULL) {
        return;
    }
    struct xml_out xml;
    xml_out_init(&xml, call->arena);
    tagging_write(&xml, stat->object.attributes.tags, stat->object.attributes.tag_count);
    hearth_stat_destroy(stat);
    call_answer_xml(call, 200, &xml);
}

static void set_tags(struct call *call, const struct tagging *tagging, unsigned status)
{
    struct hearth_err err;
    if (hearth_set_tags(call->hearth, call->request->bucket, call->request->key, NULL,
            tagging->count, tagging->items, &err) != HEARTH_OK) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    call_answer(call, status);
}

static enum s3_error read_tag(
    const struct xml_element *tag, struct arena *arena, struct tagging *out)
{
    const struct xml_element *key = xml_in_child(tag, "Key");
    const struct xml_element *value = xml_in_child(tag, "Value");
    return key != NULL && value != NULL ? tagging_add(out, key->text, value->text, arena)
                                        : S3_ERROR_MALFORMED_XML;
}

static enum s3_error read_document(struct view body, struct arena *arena, struct tagging *out)
{
    enum { ELEMENTS_MAX = 256 };
    const struct xml_element *root;
    enum s3_error error = xml_in_parse(body, ELEMENTS_MAX, arena, &root);
    if (error != S3_ERROR_NONE) {
        return error;
    }
    const struct xml_element *set = xml_in_child(root, "TagSet");
    if (strcmp(root->name, "Tagging") != 0 || set == NULL) {
        return S3_ERROR_MALFORMED_XML;
    }
    for (const struct xml_element *tag = xml_in_child(set, "Tag");
         tag != NULL && error == S3_ERROR_NONE; tag = xml_in_next(tag)) {
        error = read_tag(tag, arena, out);
    }
    return error;
}

void op_put_object_tagging(struct call *call)
{
    struct view body;
    struct tagging tagging = {.count = 0};
    if (!object_head_version(call) || !call_read_body(call, CALL_XML_IN_MAX, &body)) {
        return;
    }
    enum s3_error error = read_document(body, call->arena, &tagging);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return;
    }
    set_tags(call, &tagging, 200);
}

void op_delete_object_tagging(struct call *call)
{
    static const struct tagging none;
    if (object_head_version(call)) {
        set_tags(call, &none, 204);
    }
}
