#include "gateway/sig_query.h"

#include "common/codec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- one piece of text ---- */

static bool is_plain(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~';
}

/* Where it stands, what may stay, what else stands for a blank. */
enum encoding { IN_PATH, IN_QUERY };

/* The byte at *at, which moves on; -1: an escape that is none. */
static int decode_next(const char *text, size_t size, size_t *at, enum encoding encoding)
{
    char c = text[(*at)++];
    if (c == '+' && encoding == IN_QUERY) {
        return ' ';
    }
    if (c != '%') {
        return (uint8_t)c;
    }
    if (size - *at < 2) {
        return -1;
    }
    uint8_t byte;
    bool is_escape = hex_decode(view_of(text + *at, 2), &byte, 1);
    *at += 2;
    return is_escape ? byte : -1;
}

static size_t encode(uint8_t byte, enum encoding encoding, uint8_t *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (is_plain(byte) || (byte == '/' && encoding == IN_PATH)) {
        out[0] = byte;
        return 1;
    }
    out[0] = '%';
    out[1] = (uint8_t)digits[byte >> 4];
    out[2] = (uint8_t)digits[byte & 15];
    return 3;
}

static enum s3_error recode(
    const char *text, size_t size, enum encoding encoding, struct arena *arena, struct view *out)
{
    uint8_t *bytes = arena_take(arena, 3 * size + 1);
    if (bytes == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        int byte = decode_next(text, size, &at, encoding);
        if (byte < 0) {
            return S3_ERROR_INVALID_URI;
        }
        length += encode((uint8_t)byte, encoding, bytes + length);
    }
    *out = view_of(bytes, length);
    return S3_ERROR_NONE;
}

/* ---- the path ---- */

enum s3_error sig_path_encode(const char *target, struct arena *arena, struct view *out)
{
    if (target[0] != '/') {
        return S3_ERROR_INVALID_URI;
    }
    return recode(target, strcspn(target, "?"), IN_PATH, arena, out);
}

/* ---- the query ---- */

static enum s3_error add_param(
    struct sig_query *query, const char *text, size_t size, struct arena *arena)
{
    if (query->count == SIG_PARAMS_MAX) {
        return S3_ERROR_INVALID_ARGUMENT;
    }
    struct sig_param *param = &query->params[query->count++];
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - text);
    enum s3_error error = recode(text, name_size, IN_QUERY, arena, &param->name);
    if (error != S3_ERROR_NONE || equals == NULL) {
        param->value = view_of("", 0);
        return error;
    }
    return recode(equals + 1, size - name_size - 1, IN_QUERY, arena, &param->value);
}

static int compare_views(struct view a, struct view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.bytes, b.bytes, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_params(const void *a, const void *b)
{
    const struct sig_param *one = a;
    const struct sig_param *other = b;
    int order = compare_views(one->name, other->name);
    return order != 0 ? order : compare_views(one->value, other->value);
}

enum s3_error sig_query_parse(const char *target, struct arena *arena, struct sig_query *out)
{
    out->count = 0;
    const char *at = strchr(target, '?');
    while (at != NULL) {
        at++;
        size_t size = strcspn(at, "&");
        enum s3_error error = size > 0 ? add_param(out, at, size, arena) : S3_ERROR_NONE;
        if (error != S3_ERROR_NONE) {
            return error;
        }
        at = at[size] == '&' ? at + size : NULL;
    }
    qsort(out->params, out->count, sizeof(out->params[0]), compare_params);
    return S3_ERROR_NONE;
}

unsigned sig_query_count(const struct sig_query *query, const char *name, bool any_case)
{
    unsigned count = 0;
    size_t size = strlen(name);
    for (unsigned i = 0; i < query->count; i++) {
        const struct view *found = &query->params[i].name;
        if (found->size == size) {
            const char *text = (const char *)found->bytes;
            count += (any_case ? strncasecmp : strncmp)(text, name, size) == 0;
        }
    }
    return count;
}

struct view sig_query_find(const struct sig_query *query, const char *name, struct arena *arena)
{
    for (unsigned i = 0; i < query->count; i++) {
        const struct sig_param *param = &query->params[i];
        if (!view_equal(param->name, view_text(name))) {
            continue;
        }
        uint8_t *bytes = arena_take(arena, param->value.size + 1);
        size_t length = 0;
        for (size_t at = 0; bytes != NULL && at < param->value.size;) {
            bytes[length++] = (uint8_t)decode_next(
                (const char *)param->value.bytes, param->value.size, &at, IN_PATH);
        }
        return view_of(bytes, length);
    }
    return (struct view){0};
}
