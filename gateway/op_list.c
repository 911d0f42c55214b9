/*
 * ListObjects, ListObjectsV2 and ListObjectVersions (op.h): three ways to say the same page.
 *
 * There are no versions but the newest, whose id is "null", as S3 has it for buckets that never had
 * versioning.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/list_request.h"
#include "gateway/owner.h"

struct listing {
    struct call *call;
    struct list_request request;
    struct view after; /* marker, start-after, key-marker */
    bool with_owner;
    bool are_versions;
    struct hearth_page *page; /* NULL: nothing was asked for */
};

/* ---- the page ---- */

static bool is_empty(const struct hearth_page *page)
{
    return page->count == 0 && page->prefix_count == 0;
}

/* Invalid is what was asked, unless it is the bucket's name. */
static void fail_fetch(struct call *call, const struct hearth_err *err)
{
    if (err->code != HEARTH_INVALID) {
        call_fail_hearth(call, S3_ABOUT_BUCKET, err);
    } else if (op_bucket_is_there(call)) {
        call_fail_hearth(call, S3_ABOUT_OBJECT, err);
    }
}

/* A page may come back early, but not without anything to go on from.  False: answered. */
static bool fetch(struct listing *listing, struct view token)
{
    struct call *call = listing->call;
    struct hearth_list_options options = {
        .bucket = call->request->bucket,
        .prefix = listing->request.prefix,
        .delimiter = listing->request.delimiter,
        .start_after = listing->after,
        .token = token,
        .max = listing->request.max,
    };
    struct hearth_err err;
    if (listing->request.max == 0) {
        return op_bucket_is_there(call);
    }
    for (;;) {
        if (hearth_list(call->hearth, &options, &listing->page, &err) != HEARTH_OK) {
            fail_fetch(call, &err);
            return false;
        }
        if (!is_empty(listing->page) || listing->page->next_token.size == 0) {
            return true;
        }
        options.token = arena_copy(call->arena, listing->page->next_token);
        hearth_page_destroy(listing->page);
    }
}

static bool is_truncated(const struct listing *listing)
{
    return listing->page != NULL && listing->page->next_token.size > 0;
}

static bool comes_after(struct view a, struct view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    return order > 0 || (order == 0 && a.size > b.size);
}

/* The last key or prefix of the page. */
static struct view last_of(const struct hearth_page *page)
{
    struct view key = page->count > 0 ? page->objects[page->count - 1].key : (struct view){0};
    struct view prefix =
        page->prefix_count > 0 ? page->prefixes[page->prefix_count - 1] : (struct view){0};
    return comes_after(key, prefix) ? key : prefix;
}

/* ---- its parts ---- */

static void write_object(
    const struct listing *listing, struct xml_out *xml, const struct hearth_object *object)
{
    const char *element = listing->are_versions ? "Version" : "Contents";
    char etag[HEARTH_ETAG_TEXT_SIZE + 2];
    op_quote(object->etag, etag);
    xml_out_open(xml, element);
    list_request_write(&listing->request, xml, "Key", object->key);
    if (listing->are_versions) {
        xml_out_text(xml, "VersionId", "null");
        xml_out_bool(xml, "IsLatest", true);
    }
    xml_out_time(xml, "LastModified", object->created_unix_ms);
    xml_out_text(xml, "ETag", etag);
    xml_out_number(xml, "Size", object->size);
    if (listing->with_owner) {
        owner_write(listing->call, xml, "Owner");
    }
    xml_out_text(xml, "StorageClass", "STANDARD");
    xml_out_close(xml, element);
}

static void write_page(const struct listing *listing, struct xml_out *xml)
{
    const struct hearth_page *page = listing->page;
    xml_out_bool(xml, "IsTruncated", is_truncated(listing));
    for (unsigned i = 0; page != NULL && i < page->count; i++) {
        write_object(listing, xml, &page->objects[i]);
    }
    for (unsigned i = 0; page != NULL && i < page->prefix_count; i++) {
        list_request_write_prefix(&listing->request, xml, page->prefixes[i]);
    }
}

static void begin(const struct listing *listing, struct xml_out *xml, const char *element)
{
    xml_out_init(xml, listing->call->arena);
    xml_out_open_namespace(xml, element, XML_S3_NAMESPACE);
    xml_out_text(xml, "Name", listing->call->request->bucket);
    list_request_repeat(&listing->request, xml, "MaxKeys");
}

static void end(struct listing *listing, struct xml_out *xml, const char *element)
{
    xml_out_close(xml, element);
    call_answer_xml(listing->call, 200, xml);
    hearth_page_destroy(listing->page);
}

/* ---- ListObjects ---- */

void op_list_objects(struct call *call)
{
    struct listing listing = {
        .call = call, .after = list_request_param(call, "marker"), .with_owner = true};
    struct xml_out xml;
    if (!list_request_read(call, "max-keys", &listing.request) ||
        !fetch(&listing, (struct view){0})) {
        return;
    }
    begin(&listing, &xml, "ListBucketResult");
    list_request_write(&listing.request, &xml, "Marker", listing.after);
    if (is_truncated(&listing) && listing.request.delimiter.size > 0) {
        list_request_write(&listing.request, &xml, "NextMarker", last_of(listing.page));
    }
    write_page(&listing, &xml);
    end(&listing, &xml, "ListBucketResult");
}

/* ---- ListObjectsV2 ---- */

static void write_second(struct listing *listing)
{
    struct call *call = listing->call;
    const struct hearth_page *page = listing->page;
    const char *token = call_param(call, "continuation-token");
    struct xml_out xml;
    begin(listing, &xml, "ListBucketResult");
    xml_out_number(&xml, "KeyCount", page != NULL ? page->count + page->prefix_count : 0);
    if (token != NULL) {
        xml_out_text(&xml, "ContinuationToken", token);
    }
    if (listing->after.size > 0) {
        list_request_write(&listing->request, &xml, "StartAfter", listing->after);
    }
    if (is_truncated(listing)) {
        list_request_write_token(call, &xml, "NextContinuationToken", page->next_token);
    }
    write_page(listing, &xml);
    end(listing, &xml, "ListBucketResult");
}

void op_list_objects_v2(struct call *call)
{
    struct listing listing = {
        .call = call,
        .after = list_request_param(call, "start-after"),
        .with_owner = view_equal(list_request_param(call, "fetch-owner"), view_text("true")),
    };
    struct view token;
    if (list_request_read(call, "max-keys", &listing.request) && list_request_token(call, &token) &&
        fetch(&listing, token)) {
        write_second(&listing);
    }
}

/* ---- ListObjectVersions ---- */

void op_list_object_versions(struct call *call)
{
    struct listing listing = {
        .call = call,
        .after = list_request_param(call, "key-marker"),
        .with_owner = true,
        .are_versions = true,
    };
    struct view version = list_request_param(call, "version-id-marker");
    struct xml_out xml;
    if (version.size > 0 && listing.after.size == 0) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT,
            "A version-id marker cannot be specified without a key marker.");
        return;
    }
    if (!list_request_read(call, "max-keys", &listing.request) ||
        !fetch(&listing, (struct view){0})) {
        return;
    }
    begin(&listing, &xml, "ListVersionsResult");
    list_request_write(&listing.request, &xml, "KeyMarker", listing.after);
    xml_out_view(&xml, "VersionIdMarker", version);
    if (is_truncated(&listing)) {
        list_request_write(&listing.request, &xml, "NextKeyMarker", last_of(listing.page));
        xml_out_text(&xml, "NextVersionIdMarker", "null");
    }
    write_page(&listing, &xml);
    end(&listing, &xml, "ListVersionsResult");
}
