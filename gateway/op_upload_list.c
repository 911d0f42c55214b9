/*
 * ListParts and ListMultipartUploads (op.h).
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/checksum_text.h"
#include "gateway/list_request.h"
#include "gateway/owner.h"

/* ---- parts ---- */

static void write_part(struct xml_out *xml, const struct hearth_part *part)
{
    char etag[HEARTH_ETAG_TEXT_SIZE + 2];
    op_quote(part->etag, etag);
    xml_out_open(xml, "Part");
    xml_out_number(xml, "PartNumber", part->number);
    xml_out_time(xml, "LastModified", part->created_unix_ms);
    xml_out_text(xml, "ETag", etag);
    xml_out_number(xml, "Size", part->size);
    for (unsigned i = 0; i < part->checksums.count; i++) {
        checksum_write(xml, &part->checksums.items[i], 0);
    }
    xml_out_close(xml, "Part");
}

static void write_parts(struct call *call, struct xml_out *xml, const struct hearth_parts *parts,
    unsigned after, unsigned max)
{
    const struct checksum_kind *kind = checksum_by_kind(parts->checksum_kind);
    unsigned last = parts->count > 0 ? parts->items[parts->count - 1].number : after;
    xml_out_init(xml, call->arena);
    xml_out_open_namespace(xml, "ListPartsResult", XML_S3_NAMESPACE);
    xml_out_text(xml, "Bucket", call->request->bucket);
    xml_out_view(xml, "Key", call->request->key);
    xml_out_text(xml, "UploadId", call_param(call, "uploadId"));
    owner_write(call, xml, "Initiator");
    owner_write(call, xml, "Owner");
    xml_out_text(xml, "StorageClass", "STANDARD");
    if (kind != NULL) {
        xml_out_text(xml, "ChecksumAlgorithm", kind->name);
        xml_out_text(
            xml, "ChecksumType", parts->checksum_is_composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    xml_out_number(xml, "PartNumberMarker", after);
    xml_out_number(xml, "NextPartNumberMarker", max > 0 ? last : after);
    xml_out_number(xml, "MaxParts", max);
    xml_out_bool(xml, "IsTruncated", max > 0 && parts->more);
    for (unsigned i = 0; max > 0 && i < parts->count; i++) {
        write_part(xml, &parts->items[i]);
    }
    xml_out_close(xml, "ListPartsResult");
}

void op_list_parts(struct call *call)
{
    const char *upload = call_param(call, "uploadId");
    const char *marker = call_param(call, "part-number-marker");
    unsigned after = 0;
    unsigned max;
    struct hearth_parts *parts;
    struct hearth_err err;
    struct xml_out xml;
    if (!list_request_number(call, "max-parts", HEARTH_LIST_MAX, &max)) {
        return;
    }
    if (!op_read_number(marker, HEARTH_PARTS_MAX, &after)) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT, NULL);
        return;
    }
    if (hearth_upload_parts(call->hearth, call->request->bucket, call->request->key, upload, after,
            max > 0 ? max : 1, &parts, &err) != HEARTH_OK) { /* to libhearth 0 is all of them */
        call_fail_hearth(call, S3_ABOUT_UPLOAD, &err);
        return;
    }
    write_parts(call, &xml, parts, after, max);
    hearth_parts_destroy(parts);
    call_answer_xml(call, 200, &xml);
}

/* ---- uploads ---- */

/*
 * A page is made of pages of libhearth, which knows no delimiter: uploads that share a prefix are
 * said once, and passed over by asking for what comes after all of them.
 */
struct upload_page {
    struct call *call;
    struct list_request request;
    struct view key_marker;
    const char *upload_marker; /* NULL: none */

    struct xml_out xml;
    unsigned count;
    bool more;
    struct view last_key;
    char last_upload[HEARTH_UPLOAD_TEXT_SIZE]; /* "": a prefix */
};

/* What the key has in common with others, with the delimiter; empty: nothing. */
static struct view common_prefix(const struct list_request *request, struct view key)
{
    size_t start = request->prefix.size;
    const uint8_t *at = request->delimiter.size > 0
        ? memmem(key.bytes + start, key.size - start, request->delimiter.bytes,
              request->delimiter.size)
        : NULL;
    return at == NULL ? (struct view){0}
                      : view_of(key.bytes, (size_t)(at - key.bytes) + request->delimiter.size);
}

static void write_upload(struct upload_page *page, const struct hearth_upload *upload)
{
    struct xml_out *xml = &page->xml;
    xml_out_open(xml, "Upload");
    list_request_write(&page->request, xml, "Key", upload->key);
    xml_out_text(xml, "UploadId", upload->upload);
    owner_write(page->call, xml, "Initiator");
    owner_write(page->call, xml, "Owner");
    xml_out_text(xml, "StorageClass", "STANDARD");
    xml_out_time(xml, "Initiated", upload->created_unix_ms);
    xml_out_close(xml, "Upload");
}

static bool is_said(const struct upload_page *page, struct view prefix)
{
    return prefix.size > 0 && page->last_upload[0] == '\0' && view_equal(page->last_key, prefix);
}

/* False: the page is full, and this one did not fit. */
static bool add_upload(struct upload_page *page, const struct hearth_upload *upload)
{
    struct view prefix = common_prefix(&page->request, upload->key);
    if (is_said(page, prefix)) {
        return true;
    }
    if (page->count == page->request.max) {
        page->more = true;
        return false;
    }
    page->count++;
    if (prefix.size > 0) {
        list_request_write_prefix(&page->request, &page->xml, prefix);
        page->last_key = arena_copy(page->call->arena, prefix);
        page->last_upload[0] = '\0';
    } else {
        write_upload(page, upload);
        page->last_key = arena_copy(page->call->arena, upload->key);
        memcpy(page->last_upload, upload->upload, sizeof(page->last_upload));
    }
    return true;
}

/* One page of libhearth; *options goes on after it.  False: the failure was answered. */
static bool add_page(
    struct upload_page *page, struct hearth_upload_list_options *options, bool *goes_on)
{
    struct hearth_uploads *uploads;
    struct hearth_err err;
    if (hearth_upload_list(page->call->hearth, options, &uploads, &err) != HEARTH_OK) {
        call_fail_hearth(page->call, S3_ABOUT_BUCKET, &err);
        return false;
    }
    *goes_on = uploads->more;
    for (unsigned i = 0; i < uploads->count && !page->more; i++) {
        if (!add_upload(page, &uploads->items[i])) {
            *goes_on = false;
        }
    }
    if (uploads->count > 0) {
        const struct hearth_upload *last = &uploads->items[uploads->count - 1];
        char *text = arena_text(page->call->arena, view_text(last->upload));
        options->after_key = arena_copy(page->call->arena, last->key);
        options->after_upload = text;
    }
    hearth_uploads_destroy(uploads);
    return true;
}

static bool fill_page(struct upload_page *page)
{
    struct hearth_upload_list_options options = {
        .bucket = page->call->request->bucket,
        .prefix = page->request.prefix,
        .after_key = page->key_marker,
        .after_upload = page->upload_marker,
    };
    page->last_key = page->key_marker; /* a prefix that was said on the page before is not again */
    if (page->request.max == 0) {
        return op_bucket_is_there(page->call);
    }
    for (bool goes_on = true; goes_on;) {
        if (!add_page(page, &options, &goes_on)) {
            return false;
        }
    }
    return true;
}

static void begin_page(struct upload_page *page)
{
    struct xml_out *xml = &page->xml;
    xml_out_init(xml, page->call->arena);
    xml_out_open_namespace(xml, "ListMultipartUploadsResult", XML_S3_NAMESPACE);
    xml_out_text(xml, "Bucket", page->call->request->bucket);
    list_request_write(&page->request, xml, "KeyMarker", page->key_marker);
    xml_out_text(xml, "UploadIdMarker", page->upload_marker != NULL ? page->upload_marker : "");
    list_request_repeat(&page->request, xml, "MaxUploads");
}

static void end_page(struct upload_page *page)
{
    struct xml_out *xml = &page->xml;
    if (page->more) {
        list_request_write(&page->request, xml, "NextKeyMarker", page->last_key);
        xml_out_text(xml, "NextUploadIdMarker", page->last_upload);
    }
    xml_out_bool(xml, "IsTruncated", page->more);
    xml_out_close(xml, "ListMultipartUploadsResult");
    call_answer_xml(page->call, 200, xml);
}

void op_list_multipart_uploads(struct call *call)
{
    struct upload_page page = {
        .call = call,
        .key_marker = list_request_param(call, "key-marker"),
        .upload_marker = call_param(call, "upload-id-marker"),
    };
    if (page.upload_marker != NULL &&
        (page.upload_marker[0] == '\0' || page.key_marker.size == 0)) {
        page.upload_marker = NULL;
    }
    if (!list_request_read(call, "max-uploads", &page.request)) {
        return;
    }
    begin_page(&page);
    if (fill_page(&page)) {
        end_page(&page);
    }
}
