#include "tools/s3_url.h"

#include "tools/format.h"

static const char scheme[] = "s3://";
enum { SCHEME_LENGTH = sizeof(scheme) - 1 };

bool s3_url_is(const char *text)
{
    return strncmp(text, scheme, SCHEME_LENGTH) == 0;
}

enum hearth_code s3_url_parse(const char *text, struct s3_url *out, struct hearth_err *err)
{
    if (!s3_url_is(text)) {
        return hearth_fail(err, HEARTH_INVALID, "%s: expected s3://BUCKET/KEY", text);
    }
    const char *bucket = text + SCHEME_LENGTH;
    size_t length = strcspn(bucket, "/");
    if (length == 0) {
        return hearth_fail(err, HEARTH_INVALID, "%s: the bucket is missing", text);
    }
    if (length >= S3_BUCKET_TEXT_SIZE) {
        return hearth_fail(err, HEARTH_INVALID, "bucket name of %zu characters, %d are allowed",
            length, HEARTH_BUCKET_NAME_MAX);
    }
    memcpy(out->bucket, bucket, length);
    out->bucket[length] = '\0';
    out->key = view_text(bucket[length] == '/' ? bucket + length + 1 : "");
    return HEARTH_OK;
}

enum hearth_code s3_url_parse_bucket(const char *text, struct s3_url *out, struct hearth_err *err)
{
    if (s3_url_parse(text, out, err) != HEARTH_OK) {
        return err->code;
    }
    if (out->key.size > 0) {
        return hearth_fail(err, HEARTH_INVALID, "%s: expected s3://BUCKET, without a key", text);
    }
    return HEARTH_OK;
}

enum hearth_code s3_url_parse_object(const char *text, struct s3_url *out, struct hearth_err *err)
{
    if (s3_url_parse(text, out, err) != HEARTH_OK) {
        return err->code;
    }
    return s3_key_check(out->key, err);
}

/* How many bytes the sequence that begins here has by its first byte; 0: none begins so. */
static unsigned sequence_length(uint8_t first)
{
    return first < 0x80 ? 1
        : first < 0xC2  ? 0
        : first < 0xE0  ? 2
        : first < 0xF0  ? 3
        : first < 0xF5  ? 4
                        : 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool second_is_allowed(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xE0: return second >= 0xA0;
    case 0xED: return second < 0xA0;
    case 0xF0: return second >= 0x90;
    case 0xF4: return second < 0x90;
    default: return true;
    }
}

static bool is_utf8(struct view text)
{
    for (size_t at = 0; at < text.size;) {
        unsigned length = sequence_length(text.bytes[at]);
        if (length == 0 || length > text.size - at) {
            return false;
        }
        for (unsigned i = 1; i < length; i++) {
            if ((text.bytes[at + i] & 0xC0) != 0x80) {
                return false;
            }
        }
        if (length > 1 && !second_is_allowed(text.bytes[at], text.bytes[at + 1])) {
            return false;
        }
        at += length;
    }
    return true;
}

enum hearth_code s3_key_check(struct view key, struct hearth_err *err)
{
    char text[FORMAT_NAME_SIZE];
    if (key.size == 0) {
        return hearth_fail(err, HEARTH_INVALID, "the key is missing");
    }
    if (key.size > HEARTH_KEY_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "key of %zu bytes (%.32s...), %d are allowed",
            key.size, format_name(key, text), HEARTH_KEY_MAX);
    }
    if (!is_utf8(key)) {
        return hearth_fail(
            err, HEARTH_INVALID, "key %s is not UTF-8, as S3 demands", format_name(key, text));
    }
    return HEARTH_OK;
}

enum hearth_code s3_prefix_init(struct s3_prefix *prefix, struct view key, struct hearth_err *err)
{
    if (key.size > HEARTH_KEY_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "prefix of %zu bytes, %d are allowed", key.size, HEARTH_KEY_MAX);
    }
    memcpy(prefix->bytes, key.bytes, key.size);
    prefix->size = key.size;
    if (key.size > 0 && key.bytes[key.size - 1] != '/') {
        prefix->bytes[prefix->size++] = '/';
    }
    return HEARTH_OK;
}
