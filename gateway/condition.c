#include "gateway/condition.h"

#include <time.h>

struct condition condition_of_read(const struct http_head *head)
{
    return (struct condition){
        .if_match = http_head_find(head, "if-match"),
        .if_none_match = http_head_find(head, "if-none-match"),
        .if_modified_since = http_head_find(head, "if-modified-since"),
        .if_unmodified_since = http_head_find(head, "if-unmodified-since"),
    };
}

struct condition condition_of_source(const struct http_head *head)
{
    return (struct condition){
        .if_match = http_head_find(head, "x-amz-copy-source-if-match"),
        .if_none_match = http_head_find(head, "x-amz-copy-source-if-none-match"),
        .if_modified_since = http_head_find(head, "x-amz-copy-source-if-modified-since"),
        .if_unmodified_since = http_head_find(head, "x-amz-copy-source-if-unmodified-since"),
    };
}

/* ---- ETags ---- */

static const char *skip(const char *at, const char *set)
{
    return at + strspn(at, set);
}

/* The next ETag of a list without its quotes and "W/"; *at moves past it.  Empty: no more. */
static struct view next_etag(const char **at)
{
    const char *start = skip(*at, ", \t");
    if (strncmp(start, "W/", 2) == 0) {
        start += 2;
    }
    bool is_quoted = *start == '"';
    start += is_quoted ? 1 : 0;
    size_t size = strcspn(start, is_quoted ? "\"" : ", \t");
    const char *end = start + size;
    *at = *end == '"' ? end + 1 : end;
    return view_of(start, size);
}

static bool lists_etag(const char *list, const char *etag)
{
    for (const char *at = list; *skip(at, ", \t") != '\0';) {
        struct view item = next_etag(&at);
        if (view_equal(item, view_text("*")) || view_equal(item, view_text(etag))) {
            return true;
        }
    }
    return false;
}

/* ---- dates ---- */

bool condition_date(const char *text, uint64_t *unix_s)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);
        if (end != NULL && *end == '\0') {
            time_t time = timegm(&parts);
            *unix_s = time > 0 ? (uint64_t)time : 0;
            return true;
        }
    }
    return false;
}

static bool is_modified_since(const char *date, uint64_t created_unix_ms, bool otherwise)
{
    uint64_t since;
    return condition_date(date, &since) ? created_unix_ms / 1000 > since : otherwise;
}

/* ---- reads ---- */

enum s3_error condition_check(
    const struct condition *condition, const char *etag, uint64_t created_unix_ms)
{
    if (condition->if_match != NULL) {
        if (!lists_etag(condition->if_match, etag)) {
            return S3_ERROR_PRECONDITION_FAILED;
        }
    } else if (condition->if_unmodified_since != NULL &&
        is_modified_since(condition->if_unmodified_since, created_unix_ms, false)) {
        return S3_ERROR_PRECONDITION_FAILED;
    }
    if (condition->if_none_match != NULL) {
        return lists_etag(condition->if_none_match, etag) ? S3_ERROR_NOT_MODIFIED : S3_ERROR_NONE;
    }
    return condition->if_modified_since != NULL &&
            !is_modified_since(condition->if_modified_since, created_unix_ms, true)
        ? S3_ERROR_NOT_MODIFIED
        : S3_ERROR_NONE;
}

bool condition_range_holds(const char *if_range, const char *etag, uint64_t created_unix_ms)
{
    uint64_t since;
    if (if_range == NULL) {
        return true;
    }
    if (condition_date(if_range, &since)) {
        return created_unix_ms / 1000 == since;
    }
    return strncmp(if_range, "W/", 2) != 0 && view_equal(next_etag(&if_range), view_text(etag));
}

/* ---- writes ---- */

/* 32 hexadecimal digits, and perhaps the number of parts. */
static bool could_be_ours(struct view etag)
{
    if (etag.size < 32 || etag.size >= HEARTH_ETAG_TEXT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < etag.size; i++) {
        char c = (char)etag.bytes[i];
        bool is_digit = c >= '0' && c <= '9';
        bool is_right = i < 32 ? is_digit || (c >= 'a' && c <= 'f') : i == 32 ? c == '-' : is_digit;
        if (!is_right) {
            return false;
        }
    }
    return etag.size != 33;
}

/* Of other kinds of buckets: who is not heeded would lose what he wanted to keep. */
static bool names_unknown_condition(const struct http_head *head)
{
    static const char *const names[] = {
        "x-amz-if-match-last-modified-time", "x-amz-if-match-size", "x-amz-write-offset-bytes"};
    bool is_there = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is_there |= http_head_find(head, names[i]) != NULL;
    }
    return is_there;
}

enum s3_error condition_of_write(
    const struct http_head *head, char etag[HEARTH_ETAG_TEXT_SIZE], struct hearth_precondition *out)
{
    const char *match = http_head_find(head, "if-match");
    const char *none_match = http_head_find(head, "if-none-match");
    *out = (struct hearth_precondition){.must_not_exist = none_match != NULL};
    if (names_unknown_condition(head) ||
        (none_match != NULL && (strcmp(none_match, "*") != 0 || match != NULL))) {
        return S3_ERROR_NOT_IMPLEMENTED;
    }
    if (match == NULL) {
        return S3_ERROR_NONE;
    }
    const char *at = match;
    struct view wanted = next_etag(&at);
    if (view_equal(wanted, view_text("*"))) {
        out->must_exist = true;
        return S3_ERROR_NONE;
    }
    if (!could_be_ours(wanted)) {
        return S3_ERROR_PRECONDITION_FAILED;
    }
    memcpy(etag, wanted.bytes, wanted.size);
    etag[wanted.size] = '\0';
    out->must_have_etag = etag;
    return S3_ERROR_NONE;
}
