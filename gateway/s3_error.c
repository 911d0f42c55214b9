#include "gateway/s3_error.h"

#include <assert.h>
#include <stddef.h>

struct row {
    unsigned status;
    const char *code;
    const char *message;
};

static const struct row rows[] = {
#define X(name, status_, code_, message_) [S3_ERROR_##name] = {(status_), (code_), (message_)},
    S3_ERROR_TABLE(X)
#undef X
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *row_of(enum s3_error error)
{
    assert(error > S3_ERROR_NONE && (unsigned)error < ROWS);
    return &rows[error];
}

unsigned s3_error_status(enum s3_error error)
{
    return row_of(error)->status;
}

const char *s3_error_code(enum s3_error error)
{
    return row_of(error)->code;
}

const char *s3_error_message(enum s3_error error)
{
    return row_of(error)->message;
}

/* Y(code, of a bucket, of an object, of an upload); all three are S3_ERROR_ names. */
#define SAME(Y, code, error) Y(code, error, error, error)
#define OUTCOME_TABLE(Y)                                                                           \
    Y(INVALID, INVALID_BUCKET_NAME, INVALID_ARGUMENT, INVALID_ARGUMENT)                            \
    Y(NOT_FOUND, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_UPLOAD)                                      \
    SAME(Y, NO_MEMORY, SLOW_DOWN)                                                                  \
    SAME(Y, BUSY, SLOW_DOWN)                                                                       \
    SAME(Y, UNREACHABLE, SERVICE_UNAVAILABLE)                                                      \
    SAME(Y, IO, SERVICE_UNAVAILABLE)                                                               \
    SAME(Y, CHECKSUM, INTERNAL_ERROR)                                                              \
    SAME(Y, SHARDS_LOST, SERVICE_UNAVAILABLE)                                                      \
    Y(EXISTS, BUCKET_ALREADY_OWNED_BY_YOU, PRECONDITION_FAILED, OPERATION_ABORTED)                 \
    SAME(Y, DENIED, ACCESS_DENIED)                                                                 \
    SAME(Y, CONFLICT, OPERATION_ABORTED)                                                           \
    SAME(Y, PRECONDITION, PRECONDITION_FAILED)                                                     \
    SAME(Y, UNKNOWN, INTERNAL_ERROR)                                                               \
    SAME(Y, NO_SPACE, SERVICE_UNAVAILABLE)                                                         \
    SAME(Y, CANCELLED, REQUEST_TIMEOUT)                                                            \
    SAME(Y, DEADLINE, SERVICE_UNAVAILABLE)                                                         \
    SAME(Y, EXPIRED, INTERNAL_ERROR)                                                               \
    SAME(Y, NOT_READY, SERVICE_UNAVAILABLE)                                                        \
    Y(NOT_EMPTY, BUCKET_NOT_EMPTY, OPERATION_ABORTED, OPERATION_ABORTED)                           \
    Y(TRASHED, NO_SUCH_BUCKET, NO_SUCH_KEY, NO_SUCH_UPLOAD)                                        \
    SAME(Y, FLEET_TOO_SMALL, SERVICE_UNAVAILABLE)                                                  \
    SAME(Y, WRONG_KEY, INTERNAL_ERROR)                                                             \
    SAME(Y, UNKNOWN_FORMAT, INTERNAL_ERROR)                                                        \
    SAME(Y, UNIMPLEMENTED, NOT_IMPLEMENTED)                                                        \
    SAME(Y, INTERNAL, INTERNAL_ERROR)                                                              \
    SAME(Y, QUOTA, QUOTA_EXCEEDED)

static const enum s3_error outcomes[][3] = {
#define Y(code, bucket, object, upload)                                                            \
    [HEARTH_##code] = {S3_ERROR_##bucket, S3_ERROR_##object, S3_ERROR_##upload},
    OUTCOME_TABLE(Y)
#undef Y
};

enum s3_error s3_error_of(enum hearth_code code, enum s3_about about)
{
    assert(code > HEARTH_OK && (size_t)code < sizeof(outcomes) / sizeof(outcomes[0]));
    enum s3_error error = outcomes[code][about];
    assert(error != S3_ERROR_NONE); /* a code without a row */
    return error;
}
