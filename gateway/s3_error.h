/*
 * s3_error.h - what can be wrong with an S3 request, in S3's words; and what a failure of libhearth
 * is in these words.  Two tables, so that no handler invents an answer of its own.
 */
#ifndef HEARTH_GATEWAY_S3_ERROR_H
#define HEARTH_GATEWAY_S3_ERROR_H

#include "common/err.h"

/* X(name, status, code, message).  The message is for when there is nothing better to say. */
#define S3_ERROR_TABLE(X)                                                                          \
    X(ACCESS_DENIED, 403, "AccessDenied", "Access Denied")                                         \
    X(AUTHORIZATION_HEADER_MALFORMED, 400, "AuthorizationHeaderMalformed",                         \
        "The authorization header is malformed.")                                                  \
    X(AUTHORIZATION_QUERY_PARAMETERS, 400, "AuthorizationQueryParametersError",                    \
        "The authorization in the query is malformed.")                                            \
    X(BAD_DIGEST, 400, "BadDigest", "The digest you sent is not that of what we received.")        \
    X(BUCKET_ALREADY_EXISTS, 409, "BucketAlreadyExists", "The bucket name is taken.")              \
    X(BUCKET_ALREADY_OWNED_BY_YOU, 409, "BucketAlreadyOwnedByYou",                                 \
        "You have created this bucket before.")                                                    \
    X(BUCKET_NOT_EMPTY, 409, "BucketNotEmpty", "The bucket holds objects.")                        \
    X(CONDITIONAL_REQUEST_CONFLICT, 409, "ConditionalRequestConflict",                             \
        "Another request changed the object at the same time.")                                    \
    X(ENTITY_TOO_LARGE, 400, "EntityTooLarge", "The upload is larger than an object may be.")      \
    X(ENTITY_TOO_SMALL, 400, "EntityTooSmall", "A part that is not the last is below 5 MiB.")      \
    X(EXPIRED_TOKEN, 400, "ExpiredToken", "The token has expired.")                                \
    X(INCOMPLETE_BODY, 400, "IncompleteBody", "The body is shorter than was announced.")           \
    X(INTERNAL_ERROR, 500, "InternalError", "We met an internal error. Please try again.")         \
    X(INVALID_ACCESS_KEY_ID, 403, "InvalidAccessKeyId", "There is no such access key.")            \
    X(INVALID_ARGUMENT, 400, "InvalidArgument", "Invalid argument")                                \
    X(INVALID_BUCKET_NAME, 400, "InvalidBucketName", "The bucket name is not valid.")              \
    X(INVALID_DIGEST, 400, "InvalidDigest", "The Content-MD5 you sent is not valid.")              \
    X(INVALID_LOCATION_CONSTRAINT, 400, "InvalidLocationConstraint",                               \
        "The location constraint is not valid.")                                                   \
    X(INVALID_OBJECT_STATE, 403, "InvalidObjectState", "The object's state does not allow it.")    \
    X(INVALID_PART, 400, "InvalidPart", "A part was not found, or its ETag is another.")           \
    X(INVALID_PART_NUMBER, 416, "InvalidPartNumber", "The object has no such part.")               \
    X(INVALID_PART_ORDER, 400, "InvalidPartOrder", "Part numbers must rise.")                      \
    X(INVALID_RANGE, 416, "InvalidRange", "The range cannot be satisfied.")                        \
    X(INVALID_REQUEST, 400, "InvalidRequest", "Invalid request")                                   \
    X(INVALID_STORAGE_CLASS, 400, "InvalidStorageClass", "There is no such storage class.")        \
    X(INVALID_TAG, 400, "InvalidTag", "The tags are not valid.")                                   \
    X(INVALID_URI, 400, "InvalidURI", "The request target could not be read.")                     \
    X(KEY_TOO_LONG, 400, "KeyTooLongError", "The key is longer than 1024 bytes.")                  \
    X(MALFORMED_ACL, 400, "MalformedACLError", "The ACL could not be read.")                       \
    X(MALFORMED_XML, 400, "MalformedXML", "The XML is not what was expected.")                     \
    X(MAX_MESSAGE_LENGTH, 400, "MaxMessageLengthExceeded", "The request is too large.")            \
    X(METADATA_TOO_LARGE, 400, "MetadataTooLarge", "The metadata is larger than 2 KB.")            \
    X(METHOD_NOT_ALLOWED, 405, "MethodNotAllowed", "The method is not allowed here.")              \
    X(MISSING_CONTENT_LENGTH, 411, "MissingContentLength", "Content-Length is required.")          \
    X(MISSING_SECURITY_HEADER, 400, "MissingSecurityHeader", "A required header is missing.")      \
    X(NO_SUCH_BUCKET, 404, "NoSuchBucket", "There is no such bucket.")                             \
    X(NO_SUCH_BUCKET_POLICY, 404, "NoSuchBucketPolicy", "The bucket has no policy.")               \
    X(NO_SUCH_CORS_CONFIGURATION, 404, "NoSuchCORSConfiguration", "The bucket has none.")          \
    X(NO_SUCH_KEY, 404, "NoSuchKey", "There is no such key.")                                      \
    X(NO_SUCH_LIFECYCLE_CONFIGURATION, 404, "NoSuchLifecycleConfiguration",                        \
        "The bucket has none.")                                                                    \
    X(NO_SUCH_OBJECT_LOCK_CONFIGURATION, 404, "ObjectLockConfigurationNotFoundError",              \
        "The bucket has none.")                                                                    \
    X(NO_SUCH_PUBLIC_ACCESS_BLOCK, 404, "NoSuchPublicAccessBlockConfiguration",                    \
        "The bucket has none.")                                                                    \
    X(NO_SUCH_REPLICATION_CONFIGURATION, 404, "ReplicationConfigurationNotFoundError",             \
        "The bucket has none.")                                                                    \
    X(NO_SUCH_ENCRYPTION_CONFIGURATION, 404, "ServerSideEncryptionConfigurationNotFoundError",     \
        "The bucket has none.")                                                                    \
    X(NO_SUCH_TAG_SET, 404, "NoSuchTagSet", "There are no tags.")                                  \
    X(NO_SUCH_UPLOAD, 404, "NoSuchUpload", "There is no such upload; it may have ended.")          \
    X(NO_SUCH_VERSION, 404, "NoSuchVersion", "There is no such version.")                          \
    X(NO_SUCH_WEBSITE_CONFIGURATION, 404, "NoSuchWebsiteConfiguration", "The bucket has none.")    \
    X(NOT_IMPLEMENTED, 501, "NotImplemented", "This is not implemented.")                          \
    X(NOT_MODIFIED, 304, "NotModified", "Not modified")                                            \
    X(OPERATION_ABORTED, 409, "OperationAborted", "Another operation is under way. Try again.")    \
    X(OWNERSHIP_CONTROLS_NOT_FOUND, 404, "OwnershipControlsNotFoundError", "The bucket has none.") \
    X(PERMANENT_REDIRECT, 301, "PermanentRedirect", "The bucket is elsewhere.")                    \
    X(PRECONDITION_FAILED, 412, "PreconditionFailed", "A condition you set does not hold.")        \
    X(QUOTA_EXCEEDED, 403, "QuotaExceeded", "The quota does not allow it.")                        \
    X(REQUEST_EXPIRED, 403, "AccessDenied", "Request has expired")                                 \
    X(REQUEST_HEADER_SECTION_TOO_LARGE, 400, "RequestHeaderSectionTooLarge",                       \
        "The request's head is too large.")                                                        \
    X(REQUEST_TIME_TOO_SKEWED, 403, "RequestTimeTooSkewed",                                        \
        "Your clock and ours are more than 15 minutes apart.")                                     \
    X(REQUEST_TIMEOUT, 400, "RequestTimeout", "The request came too slowly.")                      \
    X(SERVICE_UNAVAILABLE, 503, "ServiceUnavailable", "Please try again.")                         \
    X(SIGNATURE_DOES_NOT_MATCH, 403, "SignatureDoesNotMatch",                                      \
        "The signature is not what we calculate. Check your key and signing method.")              \
    X(SLOW_DOWN, 503, "SlowDown", "Please reduce your request rate.")                              \
    X(TOO_MANY_BUCKETS, 400, "TooManyBuckets", "There are as many buckets as there may be.")       \
    X(UNSUPPORTED_SIGNATURE, 400, "InvalidRequest",                                                \
        "Please use AWS4-HMAC-SHA256: no other signature is taken.")                               \
    X(X_AMZ_CONTENT_SHA256_MISMATCH, 400, "XAmzContentSHA256Mismatch",                             \
        "The x-amz-content-sha256 you sent is not that of what we received.")

enum s3_error {
    S3_ERROR_NONE,
#define X(name, status, code, message) S3_ERROR_##name,
    S3_ERROR_TABLE(X)
#undef X
};

/* Not of S3_ERROR_NONE. Static storage. */
unsigned s3_error_status(enum s3_error error);
const char *s3_error_code(enum s3_error error);
const char *s3_error_message(enum s3_error error);

/* What a call of libhearth was about: "not found" is another thing each time. */
enum s3_about {
    S3_ABOUT_BUCKET,
    S3_ABOUT_OBJECT,
    S3_ABOUT_UPLOAD,
};

/* Not of HEARTH_OK. */
enum s3_error s3_error_of(enum hearth_code code, enum s3_about about);

#endif /* HEARTH_GATEWAY_S3_ERROR_H */
