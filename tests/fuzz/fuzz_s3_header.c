/*
 * fuzz_s3_header: headers that operations read - ranges, conditions, sources of copies, tags - mean
 * something within their bounds, or are refused.
 */
#include "gateway/condition.h"
#include "gateway/copy_source.h"
#include "gateway/range.h"
#include "gateway/tagging.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_range(const char *text)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_C(5) << 40};
    struct range range = range_parse(text);
    uint64_t offset, length;
    for (size_t i = 0; range.is_given && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (range_cut(&range, sizes[i], &offset, &length)) {
            assert(length > 0 && offset < sizes[i] && length <= sizes[i] - offset);
        }
    }
    if (range_of_source(text, &offset, &length)) {
        assert(range.is_given && !range.is_suffix && length > 0);
    }
}

static void fuzz_condition(const char *text)
{
    static const char etag[] = "9e107d9d372bb6826bd81d3542a419d6";
    const struct condition match = {.if_match = text};
    const struct condition none_match = {.if_none_match = text};
    const struct condition since = {.if_modified_since = text};
    const struct condition until = {.if_unmodified_since = text};
    uint64_t unix_s;
    bool matches = condition_check(&match, etag, 0) == S3_ERROR_NONE;
    assert(matches == (condition_check(&none_match, etag, 0) == S3_ERROR_NOT_MODIFIED));
    if (!condition_date(text, &unix_s)) {
        assert(condition_check(&since, etag, 0) == S3_ERROR_NONE);
        assert(condition_check(&until, etag, 0) == S3_ERROR_NONE);
    }
    const struct http_header header = {"if-match", text};
    const struct http_head head = {.header_count = 1, .headers = &header};
    char kept[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_precondition precondition;
    if (condition_of_write(&head, kept, &precondition) == S3_ERROR_NONE) {
        assert(precondition.must_exist != (precondition.must_have_etag != NULL));
    }
}

static void fuzz_copy_source(const char *text, struct arena *arena)
{
    struct copy_source source;
    if (copy_source_parse(text, arena, &source) == S3_ERROR_NONE) {
        assert(source.bucket[0] != '\0' && strchr(source.bucket, '/') == NULL);
        assert(source.key.size > 0 && source.key.size <= HEARTH_KEY_MAX);
    }
}

static void fuzz_tagging(const char *text, struct arena *arena)
{
    struct tagging tagging;
    if (tagging_parse(text, arena, &tagging) == S3_ERROR_NONE) {
        assert(tagging.count <= HEARTH_TAGS_MAX);
        for (unsigned i = 0; i < tagging.count; i++) {
            assert(tagging.items[i].name[0] != '\0');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(view_of(data, size));
    struct arena arena;
    arena_init(&arena, 0);
    fuzz_range(text);
    fuzz_condition(text);
    fuzz_copy_source(text, &arena);
    fuzz_tagging(text, &arena);
    arena_fini(&arena);
    free(text);
    return 0;
}
