/*
 * fuzz_s3_url: what is typed for an object is refused with a reason, or is a bucket and a key that
 * spell what was typed.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/s3_url.h"

static void check_spelling(const char *text, const struct s3_url *url)
{
    size_t length = strlen(url->bucket);
    assert(length > 0 && length < S3_BUCKET_TEXT_SIZE);
    assert(strncmp(text, "s3://", 5) == 0 && strncmp(text + 5, url->bucket, length) == 0);
    const char *rest = text + 5 + length;
    assert(rest[0] == '\0' || rest[0] == '/');
    assert(view_equal(url->key, view_text(rest[0] == '\0' ? rest : rest + 1)));
}

static void fuzz_url(const char *text)
{
    struct hearth_err err;
    struct s3_url url;
    struct s3_prefix prefix;
    if (s3_url_parse(text, &url, &err) != HEARTH_OK) {
        assert(err.message[0] != '\0');
        return;
    }
    check_spelling(text, &url);
    enum hearth_code code = s3_url_parse_bucket(text, &url, &err);
    assert((code == HEARTH_OK) == (url.key.size == 0));
    code = s3_url_parse_object(text, &url, &err);
    assert(code == s3_key_check(url.key, &err));
    assert(code != HEARTH_OK || (url.key.size > 0 && url.key.size <= HEARTH_KEY_MAX));
    if (s3_prefix_init(&prefix, url.key, &err) == HEARTH_OK && prefix.size > 0) {
        assert(prefix.bytes[prefix.size - 1] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(view_of(data, size));
    fuzz_url(text);
    free(text);
    return 0;
}
