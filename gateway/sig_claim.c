#include "gateway/sig_claim.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* ---- time ---- */

static bool read_digits(const uint8_t *text, size_t count, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

bool sig_time_parse(struct view text, uint64_t *out_s)
{
    struct tm tm = {0};
    if (text.size != SIGV4_TIME_SIZE || text.bytes[8] != 'T' || text.bytes[15] != 'Z' ||
        !read_digits(text.bytes, 4, &tm.tm_year) || !read_digits(text.bytes + 4, 2, &tm.tm_mon) ||
        !read_digits(text.bytes + 6, 2, &tm.tm_mday) ||
        !read_digits(text.bytes + 9, 2, &tm.tm_hour) ||
        !read_digits(text.bytes + 11, 2, &tm.tm_min) ||
        !read_digits(text.bytes + 13, 2, &tm.tm_sec)) {
        return false;
    }
    if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out_s = (uint64_t)timegm(&tm);
    return true;
}

enum s3_error sig_claim_check_time(
    const struct sig_claim *claim, uint64_t now_unix_ms, const char **why)
{
    uint64_t now_s = now_unix_ms / 1000;
    *why = NULL;
    if (claim->kind == SIG_HEADER) {
        uint64_t apart = now_s > claim->time_s ? now_s - claim->time_s : claim->time_s - now_s;
        return apart > SIG_SKEW_MAX_S ? S3_ERROR_REQUEST_TIME_TOO_SKEWED : S3_ERROR_NONE;
    }
    if (claim->time_s > now_s + SIG_SKEW_MAX_S) {
        *why = "Request is not valid yet";
        return S3_ERROR_ACCESS_DENIED;
    }
    return now_s > claim->time_s + claim->expires_s ? S3_ERROR_REQUEST_EXPIRED : S3_ERROR_NONE;
}

/* ---- the credential ---- */

/* What comes before the next `separator`, which is skipped; false: there is none. */
static bool cut(struct view *rest, char separator, struct view *out)
{
    const uint8_t *at = rest->size > 0 ? memchr(rest->bytes, separator, rest->size) : NULL;
    if (at == NULL) {
        return false;
    }
    *out = view_of(rest->bytes, (size_t)(at - rest->bytes));
    *rest = view_of(at + 1, rest->size - out->size - 1);
    return true;
}

/* "KEY/20130524/us-east-1/s3/aws4_request"; what is wrong with it, or NULL. */
static const char *read_credential(struct view text, struct sig_claim *out)
{
    struct view service;
    int date;
    if (!cut(&text, '/', &out->access_key) || !cut(&text, '/', &out->scope.date) ||
        !cut(&text, '/', &out->scope.region) || !cut(&text, '/', &service)) {
        return "a credential is KEY/DATE/REGION/s3/aws4_request";
    }
    if (out->access_key.size == 0 || out->access_key.size > SIG_ACCESS_KEY_MAX) {
        return "the access key of the credential has no such length";
    }
    if (out->scope.date.size != SIGV4_DATE_SIZE ||
        !read_digits(out->scope.date.bytes, SIGV4_DATE_SIZE, &date)) {
        return "the date of the credential is no date";
    }
    if (out->scope.region.size == 0 || out->scope.region.size > SIGV4_REGION_MAX) {
        return "the region of the credential is missing, or too long";
    }
    if (!view_equal(service, view_text("s3")) || !view_equal(text, view_text("aws4_request"))) {
        return "the credential is not for s3/aws4_request";
    }
    return NULL;
}

/* The date of the scope is that of the time; the time is one. */
static const char *read_time(struct view text, struct sig_claim *out)
{
    if (!sig_time_parse(text, &out->time_s)) {
        return "the time of the request is not like 20130524T000000Z";
    }
    out->time = text;
    return memcmp(text.bytes, out->scope.date.bytes, SIGV4_DATE_SIZE) == 0
        ? NULL
        : "the date of the credential is not that of the request";
}

/* ---- in the header ---- */

static struct view trim(struct view text)
{
    while (text.size > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = view_of(text.bytes + 1, text.size - 1);
    }
    while (
        text.size > 0 && (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

struct header_fields {
    struct view credential;
    struct view signed_headers;
    struct view signature;
};

/* Each of the three once, in any order, nothing else. */
static bool read_field(struct view field, struct header_fields *out)
{
    const struct {
        const char *name;
        struct view *value;
    } known[] = {
        {"Credential", &out->credential},
        {"SignedHeaders", &out->signed_headers},
        {"Signature", &out->signature},
    };
    struct view name;
    if (!cut(&field, '=', &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (view_equal(name, view_text(known[i].name)) && known[i].value->bytes == NULL) {
            *known[i].value = field;
            return true;
        }
    }
    return false;
}

static bool read_fields(struct view text, struct header_fields *out)
{
    struct view field;
    *out = (struct header_fields){.credential = {0}};
    while (cut(&text, ',', &field)) {
        if (!read_field(trim(field), out)) {
            return false;
        }
    }
    return read_field(trim(text), out) && out->credential.bytes != NULL &&
        out->signed_headers.bytes != NULL && out->signature.bytes != NULL;
}

static enum s3_error parse_header(
    const struct http_head *head, struct sig_claim *out, const char **why)
{
    struct view text = view_text(http_head_find(head, "authorization"));
    struct view scheme;
    struct header_fields fields;
    if (!cut(&text, ' ', &scheme) || !view_equal(scheme, view_text(algorithm))) {
        return S3_ERROR_UNSUPPORTED_SIGNATURE;
    }
    if (!read_fields(text, &fields)) {
        *why = "the header is not Credential=..., SignedHeaders=..., Signature=...";
        return S3_ERROR_AUTHORIZATION_HEADER_MALFORMED;
    }
    const char *date = http_head_find(head, "x-amz-date");
    if (date == NULL || http_head_count(head, "x-amz-date") != 1) {
        *why = "AWS authentication requires a valid x-amz-date header";
        return S3_ERROR_ACCESS_DENIED;
    }
    *why = read_credential(fields.credential, out);
    if (*why == NULL) {
        *why = read_time(view_text(date), out);
    }
    out->signed_headers = fields.signed_headers;
    out->signature = fields.signature;
    return *why == NULL ? S3_ERROR_NONE : S3_ERROR_AUTHORIZATION_HEADER_MALFORMED;
}

/* A signed request says what its body is. */
static enum s3_error read_header_payload(
    const struct http_head *head, struct sig_claim *out, const char **why)
{
    const char *payload = http_head_find(head, "x-amz-content-sha256");
    if (payload == NULL || http_head_count(head, "x-amz-content-sha256") != 1) {
        *why = "Missing required header for this request: x-amz-content-sha256";
        return S3_ERROR_INVALID_REQUEST;
    }
    out->payload = view_text(payload);
    return S3_ERROR_NONE;
}

/* ---- in the query ---- */

/* 1 to 604,800, no sign, no blank. */
static bool read_expires(struct view text, uint64_t *out)
{
    int value;
    if (text.size == 0 || text.size > 6 || !read_digits(text.bytes, text.size, &value)) {
        return false;
    }
    *out = (uint64_t)value;
    return value >= 1 && value <= SIG_EXPIRES_MAX_S;
}

static enum s3_error parse_presigned(
    const struct sig_query *query, struct arena *arena, struct sig_claim *out, const char **why)
{
    static const char *const needed[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
        "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"};
    struct view values[6];
    for (size_t i = 0; i < 6; i++) {
        values[i] = sig_query_find(query, needed[i], arena);
        if (values[i].bytes == NULL || sig_query_count(query, needed[i], false) != 1) {
            *why = "a presigned request has X-Amz-Algorithm, -Credential, -Date, -Expires,"
                   " -SignedHeaders and -Signature, each of them once";
            return S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS;
        }
    }
    if (!view_equal(values[0], view_text(algorithm))) {
        return S3_ERROR_UNSUPPORTED_SIGNATURE;
    }
    *why = read_credential(values[1], out);
    if (*why == NULL) {
        *why = read_time(values[2], out);
    }
    if (*why == NULL && !read_expires(values[3], &out->expires_s)) {
        *why = "X-Amz-Expires is 1 to 604800 seconds";
    }
    out->signed_headers = values[4];
    out->signature = values[5];
    return *why == NULL ? S3_ERROR_NONE : S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS;
}

/* Said in a header, which is signed then, or in the query, which is; else the body is free. */
static enum s3_error read_presigned_payload(const struct http_head *head,
    const struct sig_query *query, struct arena *arena, struct sig_claim *out, const char **why)
{
    static const char name[] = "X-Amz-Content-Sha256";
    const char *header = http_head_find(head, "x-amz-content-sha256");
    struct view param = sig_query_find(query, name, arena);
    out->payload = header != NULL ? view_text(header)
        : param.bytes != NULL     ? param
                                  : view_text("UNSIGNED-PAYLOAD");
    bool is_clear = http_head_count(head, "x-amz-content-sha256") <= 1 &&
        sig_query_count(query, name, true) == (param.bytes != NULL) &&
        (header == NULL || param.bytes == NULL || view_equal(out->payload, param));
    if (!is_clear) {
        *why = "x-amz-content-sha256 is there twice";
        return S3_ERROR_INVALID_REQUEST;
    }
    if (out->payload.size >= 9 && memcmp(out->payload.bytes, "STREAMING", 9) == 0) {
        *why = "a presigned request cannot be sent in signed pieces";
        return S3_ERROR_INVALID_REQUEST;
    }
    return S3_ERROR_NONE;
}

/* ---- which of them ---- */

/* What only a signed request has in its query, in any case of its letters. */
static bool query_claims(const struct sig_query *query)
{
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
        "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (sig_query_count(query, names[i], true) > 0) {
            return true;
        }
    }
    return false;
}

/* Version 2, which nobody should sign with any more. */
static bool query_claims_old(const struct sig_query *query)
{
    return sig_query_count(query, "AWSAccessKeyId", true) > 0 ||
        sig_query_count(query, "Signature", true) > 0;
}

static enum s3_error check_token(
    const struct http_head *head, const struct sig_query *query, const char **why)
{
    if (http_head_find(head, "x-amz-security-token") != NULL ||
        sig_query_count(query, "X-Amz-Security-Token", true) > 0) {
        *why = "there are no temporary credentials here: leave out the security token";
        return S3_ERROR_ACCESS_DENIED;
    }
    return S3_ERROR_NONE;
}

enum s3_error sig_claim_parse(const struct http_head *head, const struct sig_query *query,
    struct arena *arena, struct sig_claim *out, const char **why)
{
    const unsigned in_header = http_head_count(head, "authorization");
    const bool in_query = query_claims(query);
    *why = NULL;
    *out = (struct sig_claim){.kind = SIG_ANONYMOUS};
    if (query_claims_old(query)) {
        return S3_ERROR_UNSUPPORTED_SIGNATURE;
    }
    if (in_header + in_query > 1) {
        *why = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter,"
               " or one Authorization header should be specified";
        return S3_ERROR_INVALID_ARGUMENT;
    }
    enum s3_error error = check_token(head, query, why);
    if (error == S3_ERROR_NONE && in_header == 1) {
        out->kind = SIG_HEADER;
        error = parse_header(head, out, why);
        error = error == S3_ERROR_NONE ? read_header_payload(head, out, why) : error;
    } else if (error == S3_ERROR_NONE && in_query) {
        out->kind = SIG_PRESIGNED;
        error = parse_presigned(query, arena, out, why);
        error =
            error == S3_ERROR_NONE ? read_presigned_payload(head, query, arena, out, why) : error;
    }
    return error;
}
