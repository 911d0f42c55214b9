/*
 * condition.h - "only if it is (not) what I know already": the four conditional headers, of reads
 * and of the sources of copies; and the two that make a write conditional.
 *
 * Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_GATEWAY_CONDITION_H
#define HEARTH_GATEWAY_CONDITION_H

#include "client/hearth.h"
#include "common/http/http.h"
#include "gateway/s3_error.h"

/* What a request asks of an object that is there; NULL: nothing. */
struct condition {
    const char *if_match; /* as sent: "*", or ETags, quoted or not, with commas between */
    const char *if_none_match;
    const char *if_modified_since;
    const char *if_unmodified_since;
};

/* if-match ... of a read. */
struct condition condition_of_read(const struct http_head *head);

/* x-amz-copy-source-if-match ... */
struct condition condition_of_source(const struct http_head *head);

static inline bool condition_is_none(const struct condition *condition)
{
    return condition->if_match == NULL && condition->if_none_match == NULL &&
        condition->if_modified_since == NULL && condition->if_unmodified_since == NULL;
}

/* By RFC 9110, 13.2.2; a date that cannot be read is no condition.
 * S3_ERROR_NONE, S3_ERROR_PRECONDITION_FAILED, S3_ERROR_NOT_MODIFIED. */
enum s3_error condition_check(
    const struct condition *condition, const char *etag, uint64_t created_unix_ms);

/* If-Range, an ETag or a date: whether the range is of the object that is there; if it is not, all
 * of it is wanted.  NULL: it is. */
bool condition_range_holds(const char *if_range, const char *etag, uint64_t created_unix_ms);

/*
 * If-Match and If-None-Match of a put, copy, complete or delete; `etag` keeps the one ETag without
 * its quotes.  S3_ERROR_PRECONDITION_FAILED: an If-Match that no object can have.
 * S3_ERROR_NOT_IMPLEMENTED: an If-None-Match that is not "*", as S3 has it, or a condition of other
 * kinds of buckets.
 */
enum s3_error condition_of_write(const struct http_head *head, char etag[HEARTH_ETAG_TEXT_SIZE],
    struct hearth_precondition *out);

/* "Sat, 28 Nov 2026 12:00:00 GMT", or the two older forms.  False: not a date. */
bool condition_date(const char *text, uint64_t *unix_s);

#endif /* HEARTH_GATEWAY_CONDITION_H */
