#include "gateway/copy_source.h"

#include "client/hearth.h"
#include "common/codec.h"

/* Percent-decoded; NULL: not well-formed, or no memory. */
static uint8_t *decode(struct view text, struct arena *arena, size_t *size)
{
    uint8_t *bytes = arena_take(arena, text.size + 1);
    size_t used = 0;
    for (size_t i = 0; bytes != NULL && i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (byte == '%') {
            if (text.size - i < 3 || !hex_decode(view_of(text.bytes + i + 1, 2), &byte, 1)) {
                return NULL;
            }
            i += 2;
        }
        bytes[used++] = byte;
    }
    *size = used;
    return bytes;
}

/* "versionId=null" is the only version there is. */
static enum s3_error check_version(const char *query)
{
    static const char name[] = "versionId=";
    if (query == NULL) {
        return S3_ERROR_NONE;
    }
    if (strncmp(query, name, sizeof(name) - 1) != 0) {
        return S3_ERROR_INVALID_ARGUMENT;
    }
    return strcmp(query + sizeof(name) - 1, "null") == 0 ? S3_ERROR_NONE : S3_ERROR_NO_SUCH_VERSION;
}

enum s3_error copy_source_parse(const char *header, struct arena *arena, struct copy_source *out)
{
    const char *start = header[0] == '/' ? header + 1 : header;
    const char *query = strstr(start, "?versionId=");
    size_t length = query != NULL ? (size_t)(query - start) : strlen(start);
    size_t size;
    uint8_t *bytes = decode(view_of(start, length), arena, &size);
    const uint8_t *slash = bytes != NULL ? memchr(bytes, '/', size) : NULL;
    if (slash == NULL || slash == bytes || slash + 1 == bytes + size) {
        return S3_ERROR_INVALID_ARGUMENT;
    }
    struct view bucket = view_of(bytes, (size_t)(slash - bytes));
    out->bucket = arena_text(arena, bucket);
    out->key = view_of(slash + 1, size - bucket.size - 1);
    if (out->bucket == NULL || memchr(bucket.bytes, 0, bucket.size) != NULL) {
        return S3_ERROR_INVALID_ARGUMENT;
    }
    return out->key.size > HEARTH_KEY_MAX ? S3_ERROR_KEY_TOO_LONG
                                          : check_version(query != NULL ? query + 1 : NULL);
}
