#include "gateway/request.h"

#include "common/codec.h"

#include <strings.h>

/* ---- percent-encoding ---- */

enum plus {
    PLUS_IS_PLUS,  /* in the path */
    PLUS_IS_SPACE, /* in the query */
};

/* Once: "%2541" becomes "%41".  False: a percent sign without two digits, or no memory. */
static bool decode(struct view raw, enum plus plus, struct arena *arena, struct view *out)
{
    uint8_t *bytes = arena_take(arena, raw.size + 1); /* and a zero, for those who want a text */
    size_t size = 0;
    if (bytes == NULL) {
        return false;
    }
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t byte = raw.bytes[i];
        if (byte == '%') {
            if (raw.size - i < 3 || !hex_decode(view_of(raw.bytes + i + 1, 2), &byte, 1)) {
                return false;
            }
            i += 2;
        } else if (byte == '+' && plus == PLUS_IS_SPACE) {
            byte = ' ';
        }
        bytes[size++] = byte;
    }
    *out = view_of(bytes, size);
    return true;
}

static bool holds_zero(struct view bytes)
{
    return memchr(bytes.bytes, 0, bytes.size) != NULL;
}

/* Cuts `text` at the first `mark`: what is before it is returned, `text` is what comes after. */
static struct view cut(struct view *text, char mark, bool *found)
{
    const uint8_t *at = text->size == 0 ? NULL : memchr(text->bytes, mark, text->size);
    struct view before = *text;
    *found = at != NULL;
    if (at == NULL) {
        *text = view_of(text->bytes + text->size, 0);
        return before;
    }
    before.size = (size_t)(at - text->bytes);
    *text = view_of(at + 1, text->size - before.size - 1);
    return before;
}

/* ---- whose bucket is in the host's name ---- */

/* Without its port. */
static struct view host_name(const struct http_head *head)
{
    const char *host = http_head_find(head, "host");
    if (host == NULL || host[0] == '[') {
        return view_of("", 0); /* an IPv6 address is no domain of ours */
    }
    return view_of(host, strcspn(host, ":"));
}

/* photos of photos.s3.example.org; empty: the host is not below one of our domains. */
static struct view bucket_of_host(struct view host, const struct request_domains *domains)
{
    for (unsigned i = 0; i < domains->count; i++) {
        size_t length = strlen(domains->items[i]);
        const char *tail = (const char *)host.bytes + host.size - length;
        if (host.size > length + 1 && tail[-1] == '.' &&
            strncasecmp(tail, domains->items[i], length) == 0) {
            return view_of(host.bytes, host.size - length - 1);
        }
    }
    return view_of("", 0);
}

/* ---- the parts ---- */

static enum s3_error parse_bucket(struct view raw, struct arena *arena, struct request *out)
{
    struct view name;
    if (!decode(raw, PLUS_IS_PLUS, arena, &name)) {
        return S3_ERROR_INVALID_URI;
    }
    if (holds_zero(name)) {
        return S3_ERROR_INVALID_BUCKET_NAME;
    }
    out->bucket = (const char *)name.bytes;
    return S3_ERROR_NONE;
}

static enum s3_error parse_key(struct view raw, struct arena *arena, struct request *out)
{
    if (!decode(raw, PLUS_IS_PLUS, arena, &out->key)) {
        return S3_ERROR_INVALID_URI;
    }
    return out->key.size > HEARTH_KEY_MAX ? S3_ERROR_KEY_TOO_LONG : S3_ERROR_NONE;
}

/* `path` begins behind the first slash. */
static enum s3_error parse_path(struct view path, const struct request_domains *domains,
    struct arena *arena, struct request *out)
{
    bool found;
    struct view host = host_name(out->head);
    struct view bucket = bucket_of_host(host, domains);
    out->virtual_host = bucket.size > 0;
    if (!out->virtual_host) {
        bucket = cut(&path, '/', &found);
    }
    if (bucket.size == 0) {
        /* "//key": a key in a bucket without a name. */
        return path.size > 0 ? S3_ERROR_INVALID_BUCKET_NAME : S3_ERROR_NONE;
    }
    enum s3_error error = parse_bucket(bucket, arena, out);
    return error != S3_ERROR_NONE ? error : parse_key(path, arena, out);
}

static enum s3_error parse_query(struct view query, struct arena *arena, struct request *out)
{
    bool found;
    if (query.size == 0) {
        return S3_ERROR_NONE;
    }
    struct request_param *params = arena_take_array(arena, REQUEST_PARAMS_MAX, sizeof(*params));
    if (params == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    while (query.size > 0) {
        struct view value = cut(&query, '&', &found);
        if (value.size == 0) {
            continue;
        }
        if (out->param_count == REQUEST_PARAMS_MAX) {
            return S3_ERROR_INVALID_ARGUMENT;
        }
        struct request_param *param = &params[out->param_count];
        struct view name = cut(&value, '=', &param->has_value);
        if (!decode(name, PLUS_IS_SPACE, arena, &param->name) ||
            !decode(value, PLUS_IS_SPACE, arena, &param->value)) {
            return S3_ERROR_INVALID_URI;
        }
        out->param_count++;
    }
    out->params = params;
    return S3_ERROR_NONE;
}

enum s3_error request_parse(const struct http_head *head, const struct request_domains *domains,
    struct arena *arena, struct request *out)
{
    struct view query = view_text(head->target);
    bool found;
    struct view path = cut(&query, '?', &found);
    out->head = head;
    out->bucket = NULL;
    out->key = view_of("", 0);
    out->param_count = 0;
    out->params = NULL;
    if (path.size == 0 || path.bytes[0] != '/') {
        return S3_ERROR_INVALID_URI;
    }
    enum s3_error error = parse_path(view_of(path.bytes + 1, path.size - 1), domains, arena, out);
    return error != S3_ERROR_NONE ? error : parse_query(query, arena, out);
}

/* ---- parameters ---- */

const struct request_param *request_find(const struct request *request, const char *name)
{
    for (unsigned i = 0; i < request->param_count; i++) {
        if (view_equal(request->params[i].name, view_text(name))) {
            return &request->params[i];
        }
    }
    return NULL;
}

const char *request_text(const struct request *request, const char *name)
{
    const struct request_param *param = request_find(request, name);
    if (param == NULL || holds_zero(param->value)) {
        return NULL;
    }
    return (const char *)param->value.bytes; /* decoded with a zero behind it */
}
