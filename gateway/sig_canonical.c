#include "gateway/sig_canonical.h"

#include "common/codec.h"

#include <assert.h>

/* ---- signed headers ---- */

struct signed_headers {
    unsigned count;
    struct view names[SIG_SIGNED_HEADERS_MAX];
};

static int compare(struct view a, struct view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.bytes, b.bytes, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool has_header(const struct http_head *head, struct view name)
{
    for (unsigned i = 0; i < head->header_count; i++) {
        if (view_equal(view_text(head->headers[i].name), name)) {
            return true;
        }
    }
    return false;
}

/* The names, ascending, each there; NULL, or what is wrong. */
static const char *split_names(
    const struct http_head *head, struct view text, struct signed_headers *out)
{
    out->count = 0;
    while (text.size > 0) {
        const uint8_t *end = memchr(text.bytes, ';', text.size);
        struct view name =
            view_of(text.bytes, end == NULL ? text.size : (size_t)(end - text.bytes));
        if (out->count == SIG_SIGNED_HEADERS_MAX) {
            return "too many headers are signed";
        }
        if (out->count > 0 && compare(out->names[out->count - 1], name) >= 0) {
            return "the names of the signed headers are not sorted";
        }
        if (!has_header(head, name)) { /* which also is false for one in capitals */
            return "a signed header is not there";
        }
        out->names[out->count++] = name;
        text = end == NULL ? (struct view){0} : view_of(end + 1, text.size - name.size - 1);
        if (end != NULL && text.size == 0) {
            return "the names of the signed headers end with nothing";
        }
    }
    return NULL;
}

static bool is_signed(const struct signed_headers *headers, struct view name)
{
    for (unsigned i = 0; i < headers->count; i++) {
        if (view_equal(headers->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* What the gateway acts upon must be what was signed; of the rest it takes nothing. */
static bool must_be_signed(const char *name)
{
    return strncmp(name, "x-amz-", 6) == 0 || strcmp(name, "host") == 0 ||
        strcmp(name, "content-md5") == 0;
}

static enum s3_error check_names(
    const struct http_head *head, struct view text, struct signed_headers *out, const char **why)
{
    *why = split_names(head, text, out);
    if (*why != NULL) {
        return S3_ERROR_SIGNATURE_DOES_NOT_MATCH;
    }
    if (http_head_count(head, "host") != 1) {
        *why = "there must be one host";
        return S3_ERROR_ACCESS_DENIED;
    }
    for (unsigned i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if (must_be_signed(name) && !is_signed(out, view_text(name))) {
            *why = "There were headers present in the request which were not signed";
            return S3_ERROR_ACCESS_DENIED;
        }
    }
    return S3_ERROR_NONE;
}

/* ---- the text ---- */

static void write_text(struct writer *writer, const char *text)
{
    writer_bytes(writer, text, strlen(text));
}

static void write_view(struct writer *writer, struct view text)
{
    writer_bytes(writer, text.bytes, text.size);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without blanks at its ends, and runs of them as one. */
static void write_value(struct writer *writer, const char *value)
{
    bool is_first = true;
    while (*value != '\0') {
        if (is_blank(*value)) {
            value++;
            continue;
        }
        const char *word = value;
        while (*value != '\0' && !is_blank(*value)) {
            value++;
        }
        if (!is_first) {
            write_text(writer, " ");
        }
        writer_bytes(writer, word, (size_t)(value - word));
        is_first = false;
    }
}

/* Several of one name are one, with commas. */
static void write_header(struct writer *writer, const struct http_head *head, struct view name)
{
    bool is_first = true;
    write_view(writer, name);
    write_text(writer, ":");
    for (unsigned i = 0; i < head->header_count; i++) {
        if (view_equal(view_text(head->headers[i].name), name)) {
            write_text(writer, is_first ? "" : ",");
            write_value(writer, head->headers[i].value);
            is_first = false;
        }
    }
    write_text(writer, "\n");
}

/* All but the signature itself. */
static void write_query(struct writer *writer, const struct sig_query *query, enum sig_kind kind)
{
    bool is_first = true;
    for (unsigned i = 0; i < query->count; i++) {
        const struct sig_param *param = &query->params[i];
        if (kind == SIG_PRESIGNED && view_equal(param->name, view_text("X-Amz-Signature"))) {
            continue;
        }
        write_text(writer, is_first ? "" : "&");
        write_view(writer, param->name);
        write_text(writer, "=");
        write_view(writer, param->value);
        is_first = false;
    }
    write_text(writer, "\n");
}

/* At least what the text takes: everything in it is in the request once, or is its encoding. */
static size_t room_for(const struct http_head *head, const struct sig_query *query,
    const struct sig_claim *claim, struct view path)
{
    size_t size = strlen(head->method) + path.size + 2 * claim->signed_headers.size +
        claim->payload.size + 64;
    for (unsigned i = 0; i < query->count; i++) {
        size += query->params[i].name.size + query->params[i].value.size + 2;
    }
    for (unsigned i = 0; i < head->header_count; i++) {
        size += strlen(head->headers[i].value) + 3;
    }
    return size + 3 * SIG_SIGNED_HEADERS_MAX;
}

enum s3_error sig_canonical_request(const struct http_head *head, const struct sig_query *query,
    const struct sig_claim *claim, struct arena *arena, struct view *out, const char **why)
{
    struct signed_headers headers;
    struct view path;
    enum s3_error error = check_names(head, claim->signed_headers, &headers, why);
    if (error == S3_ERROR_NONE) {
        error = sig_path_encode(head->target, arena, &path);
    }
    if (error != S3_ERROR_NONE) {
        return error;
    }
    size_t size = room_for(head, query, claim, path);
    uint8_t *bytes = arena_take(arena, size);
    if (bytes == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    struct writer writer = writer_of(bytes, size);
    write_text(&writer, head->method);
    write_text(&writer, "\n");
    write_view(&writer, path);
    write_text(&writer, "\n");
    write_query(&writer, query, claim->kind);
    for (unsigned i = 0; i < headers.count; i++) {
        write_header(&writer, head, headers.names[i]);
    }
    write_text(&writer, "\n");
    write_view(&writer, claim->signed_headers);
    write_text(&writer, "\n");
    write_view(&writer, claim->payload);
    assert(!writer.failed);
    *out = view_of(bytes, writer.size);
    return S3_ERROR_NONE;
}
