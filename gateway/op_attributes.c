/*
 * GetObjectAttributes (op.h): what is known of an object, without its bytes, as far as is asked.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/checksum_text.h"
#include "gateway/condition.h"
#include "gateway/list_request.h"
#include "gateway/object_head.h"

#include <strings.h>

/* What may be asked for, each a bit. */
static const char *const attributes[] = {
    "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"};
enum {
    WANTS_ETAG = 1,
    WANTS_CHECKSUM = 2,
    WANTS_PARTS = 4,
    WANTS_STORAGE_CLASS = 8,
    WANTS_SIZE = 16,
    ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0])
};

/* 0: there is no such attribute. */
static unsigned attribute_of(const char *word, size_t size)
{
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        if (strlen(attributes[i]) == size && strncasecmp(attributes[i], word, size) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

/* A list with commas; 0: it is empty, or names something else. */
static unsigned read_wanted(const char *list)
{
    static const char separators[] = ", \t";
    unsigned wanted = 0;
    for (const char *at = list + strspn(list, separators); *at != '\0';) {
        size_t size = strcspn(at, separators);
        unsigned one = attribute_of(at, size);
        if (one == 0) {
            return 0;
        }
        wanted |= one;
        at += size;
        at += strspn(at, separators);
    }
    return wanted;
}

static void write_checksum(struct xml_out *xml, const struct hearth_object *object)
{
    if (object->checksums.count == 0) {
        return;
    }
    const struct hearth_checksum *item = &object->checksums.items[0];
    xml_out_open(xml, "Checksum");
    if (checksum_write(xml, item, object->part_count)) {
        xml_out_text(xml, "ChecksumType", checksum_type(item));
    }
    xml_out_close(xml, "Checksum");
}

static void write_part(struct xml_out *xml, const struct hearth_object *object, unsigned index)
{
    xml_out_open(xml, "Part");
    xml_out_number(xml, "PartNumber", index + 1);
    xml_out_number(xml, "Size", object->part_sizes[index]);
    if (object->part_checksums != NULL) {
        checksum_write(xml, &object->part_checksums[index], 0);
    }
    xml_out_close(xml, "Part");
}

/* From the part after the marker on. */
static void write_parts(
    struct xml_out *xml, const struct hearth_object *object, unsigned after, unsigned max)
{
    unsigned last = after;
    xml_out_open(xml, "ObjectParts");
    xml_out_number(xml, "PartsCount", object->part_count);
    xml_out_number(xml, "PartNumberMarker", after);
    xml_out_number(xml, "MaxParts", max);
    for (; object->part_sizes != NULL && last < object->part_count && last - after < max; last++) {
        write_part(xml, object, last);
    }
    xml_out_number(xml, "NextPartNumberMarker", last);
    xml_out_bool(xml, "IsTruncated", last < object->part_count);
    xml_out_close(xml, "ObjectParts");
}

static bool read_page(struct call *call, unsigned *after, unsigned *max)
{
    const char *marker = call_request_header(call, "x-amz-part-number-marker");
    const char *most = call_request_header(call, "x-amz-max-parts");
    *after = 0;
    *max = HEARTH_LIST_MAX;
    if (op_read_number(marker, INT32_MAX, after) && op_read_number(most, INT32_MAX, max)) {
        *max = *max < HEARTH_LIST_MAX ? *max : HEARTH_LIST_MAX;
        return true;
    }
    call_fail(call, S3_ERROR_INVALID_ARGUMENT, NULL);
    return false;
}

static void answer(struct call *call, const struct hearth_object *object, unsigned wanted)
{
    struct xml_out xml;
    unsigned after, max;
    if (!read_page(call, &after, &max)) {
        return;
    }
    xml_out_init(&xml, call->arena);
    xml_out_open_namespace(&xml, "GetObjectAttributesResponse", XML_S3_NAMESPACE);
    if (wanted & WANTS_ETAG) {
        xml_out_text(&xml, "ETag", object->etag); /* here without quotes */
    }
    if (wanted & WANTS_CHECKSUM) {
        write_checksum(&xml, object);
    }
    if ((wanted & WANTS_PARTS) && object->part_count > 0) {
        write_parts(&xml, object, after, max);
    }
    if (wanted & WANTS_STORAGE_CLASS) {
        xml_out_text(&xml, "StorageClass", "STANDARD");
    }
    if (wanted & WANTS_SIZE) {
        xml_out_number(&xml, "ObjectSize", object->size);
    }
    xml_out_close(&xml, "GetObjectAttributesResponse");
    call_header_date(call, "Last-Modified", object->created_unix_ms);
    call_answer_xml(call, 200, &xml);
}

void op_get_object_attributes(struct call *call)
{
    const char *list = call_request_header(call, "x-amz-object-attributes");
    unsigned wanted = list != NULL ? read_wanted(list) : 0;
    const struct condition condition = condition_of_read(call->request->head);
    if (!object_head_version(call)) {
        return;
    }
    if (wanted == 0) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT,
            "The x-amz-object-attributes header names what is wanted: ETag, Checksum, ObjectParts, "
            "StorageClass, ObjectSize.");
        return;
    }
    struct hearth_stat *stat = op_stat(call);
    if (stat == NULL) {
        return;
    }
    enum s3_error error =
        condition_check(&condition, stat->object.etag, stat->object.created_unix_ms);
    if (error == S3_ERROR_NONE) {
        answer(call, &stat->object, wanted);
    } else {
        call_fail(call, error, NULL);
    }
    hearth_stat_destroy(stat);
}
