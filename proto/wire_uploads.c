/*
 * The tables of the messages in wire_uploads.h.
 */
#include "proto/wire_uploads.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire.h"
#include "proto/wire_rows.h"

static const struct wire_field part_place_fields[] = {
    ID(part_place, upload_id, 16),
    NUMBER_TO(part_place, number, WIRE_PARTS_MAX),
};
DESCRIBE(part_place, part_place_fields);

static const struct wire_field delete_many_request_fields[] = {
    BYTES(delete_many_request, bucket, WIRE_NAME_MAX),
    BYTES_LIST(delete_many_request, keys, 0, WIRE_KEY_MAX, WIRE_LIST_MAX),
    ID(delete_many_request, token, 16),
};
DESCRIBE(delete_many_request, delete_many_request_fields);

static const struct wire_field set_tags_request_fields[] = {
    BYTES(set_tags_request, bucket, WIRE_NAME_MAX),
    BYTES(set_tags_request, key, WIRE_KEY_MAX),
    ID_OR_NONE(set_tags_request, version, 16),
    BYTES(set_tags_request, tags, WIRE_TAGS_MAX),
};
DESCRIBE(set_tags_request, set_tags_request_fields);

static const struct wire_field create_upload_request_fields[] = {
    BYTES(create_upload_request, bucket, WIRE_NAME_MAX),
    ID_OR_NONE(create_upload_request, bucket_id, 16),
    BYTES(create_upload_request, key, WIRE_KEY_MAX),
    ID(create_upload_request, upload_id, 16),
    NUMBER(create_upload_request, bucket_key_version),
    BYTES(create_upload_request, manifest, WIRE_MANIFEST_SMALL_MAX),
    BYTES(create_upload_request, tags, WIRE_TAGS_MAX),
};
DESCRIBE(create_upload_request, create_upload_request_fields);

static const struct wire_field create_upload_reply_fields[] = {
    NUMBER(create_upload_reply, created_unix_ms),
};
DESCRIBE(create_upload_reply, create_upload_reply_fields);

static const struct wire_field part_ref_fields[] = {
    NUMBER_TO(part_ref, number, WIRE_PARTS_MAX),
    ID(part_ref, body_id, 16),
};
DESCRIBE(part_ref, part_ref_fields);

static const struct wire_field complete_upload_request_fields[] = {
    BYTES(complete_upload_request, bucket, WIRE_NAME_MAX),
    ID_OR_NONE(complete_upload_request, bucket_id, 16),
    BYTES(complete_upload_request, key, WIRE_KEY_MAX),
    ID(complete_upload_request, upload_id, 16),
    MESSAGE_OR_NONE(complete_upload_request, precondition, precondition),
    ID(complete_upload_request, body_id, 16),
    NUMBER(complete_upload_request, bucket_key_version),
    BYTES(complete_upload_request, manifest, WIRE_MANIFEST_MAX),
    NUMBER(complete_upload_request, size),
    ID(complete_upload_request, etag, 16),
    MESSAGES(complete_upload_request, parts, part_ref, WIRE_PARTS_MAX),
};
DESCRIBE(complete_upload_request, complete_upload_request_fields);

static const struct wire_field abort_upload_request_fields[] = {
    BYTES(abort_upload_request, bucket, WIRE_NAME_MAX),
    BYTES(abort_upload_request, key, WIRE_KEY_MAX),
    ID(abort_upload_request, upload_id, 16),
};
DESCRIBE(abort_upload_request, abort_upload_request_fields);

static const struct wire_field list_parts_request_fields[] = {
    BYTES(list_parts_request, bucket, WIRE_NAME_MAX),
    BYTES(list_parts_request, key, WIRE_KEY_MAX),
    ID(list_parts_request, upload_id, 16),
    NUMBER(list_parts_request, after),
    NUMBER(list_parts_request, max),
    NUMBER(list_parts_request, with_manifests),
};
DESCRIBE(list_parts_request, list_parts_request_fields);

static const struct wire_field part_info_fields[] = {
    NUMBER_TO(part_info, number, WIRE_PARTS_MAX),
    NUMBER(part_info, size),
    ID(part_info, etag, 16),
    NUMBER(part_info, created_unix_ms),
    ID(part_info, body_id, 16),
    NUMBER(part_info, bucket_key_version),
    BYTES(part_info, manifest, WIRE_MANIFEST_MAX),
};
DESCRIBE(part_info, part_info_fields);

static const struct wire_field upload_info_fields[] = {
    BYTES(upload_info, key, WIRE_KEY_MAX),
    ID(upload_info, upload_id, 16),
    NUMBER(upload_info, created_unix_ms),
    NUMBER(upload_info, bucket_key_version),
    BYTES(upload_info, manifest, WIRE_MANIFEST_SMALL_MAX),
    BYTES(upload_info, tags, WIRE_TAGS_MAX),
};
DESCRIBE(upload_info, upload_info_fields);

static const struct wire_field list_parts_reply_fields[] = {
    MESSAGE(list_parts_reply, upload, upload_info),
    MESSAGES(list_parts_reply, parts, part_info, WIRE_LIST_MAX),
    NUMBER(list_parts_reply, more),
};
DESCRIBE(list_parts_reply, list_parts_reply_fields);

static const struct wire_field list_uploads_request_fields[] = {
    BYTES(list_uploads_request, bucket, WIRE_NAME_MAX),
    BYTES(list_uploads_request, prefix, WIRE_KEY_MAX),
    BYTES(list_uploads_request, after_key, WIRE_KEY_MAX),
    ID_OR_NONE(list_uploads_request, after_upload_id, 16),
    NUMBER(list_uploads_request, max),
};
DESCRIBE(list_uploads_request, list_uploads_request_fields);

static const struct wire_field list_uploads_reply_fields[] = {
    MESSAGES(list_uploads_reply, uploads, upload_info, WIRE_LIST_MAX),
    NUMBER(list_uploads_reply, more),
};
DESCRIBE(list_uploads_reply, list_uploads_reply_fields);
