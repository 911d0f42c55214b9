/*
 * The tables of messages about accounts, as in wire_messages.c.
 */
#include "proto/wire.h"

#include "proto/hearth.pb-c.h"
#include "proto/wire_rows.h"

static const struct wire_field derive_signing_key_request_fields[] = {
    BYTES(derive_signing_key_request, access_key, WIRE_ACCESS_KEY_MAX),
    ID(derive_signing_key_request, date, WIRE_DATE_SIZE),
    BYTES(derive_signing_key_request, region, WIRE_REGION_MAX),
};
DESCRIBE(derive_signing_key_request, derive_signing_key_request_fields);

static const struct wire_field derive_signing_key_reply_fields[] = {
    ID(derive_signing_key_reply, signing_key, WIRE_SIGNING_KEY_SIZE),
    ID(derive_signing_key_reply, tenant_id, 16),
    NUMBER(derive_signing_key_reply, rights),
};
DESCRIBE(derive_signing_key_reply, derive_signing_key_reply_fields);

static const struct wire_field tenant_request_fields[] = {
    BYTES(tenant_request, tenant, WIRE_NAME_MAX),
};
DESCRIBE(tenant_request, tenant_request_fields);

static const struct wire_field account_list_request_fields[] = {
    BYTES(account_list_request, tenant, WIRE_NAME_MAX),
    BYTES(account_list_request, after, WIRE_NAME_MAX),
};
DESCRIBE(account_list_request, account_list_request_fields);

static const struct wire_field tenant_info_fields[] = {
    BYTES(tenant_info, name, WIRE_NAME_MAX),
    ID(tenant_info, tenant_id, 16),
    NUMBER(tenant_info, created_unix_ms),
    NUMBER(tenant_info, buckets),
    NUMBER(tenant_info, access_keys),
    NUMBER(tenant_info, objects),
    NUMBER(tenant_info, bytes),
};
DESCRIBE(tenant_info, tenant_info_fields);

static const struct wire_field tenant_list_reply_fields[] = {
    MESSAGES(tenant_list_reply, tenants, tenant_info, WIRE_LIST_MAX),
};
DESCRIBE(tenant_list_reply, tenant_list_reply_fields);

static const struct wire_field key_create_request_fields[] = {
    BYTES(key_create_request, tenant, WIRE_NAME_MAX),
    NUMBER(key_create_request, rights),
    ID(key_create_request, token, 16),
};
DESCRIBE(key_create_request, key_create_request_fields);

static const struct wire_field key_create_reply_fields[] = {
    BYTES(key_create_reply, access_key, WIRE_ACCESS_KEY_MAX),
    BYTES(key_create_reply, secret, WIRE_SECRET_MAX),
};
DESCRIBE(key_create_reply, key_create_reply_fields);

static const struct wire_field key_info_fields[] = {
    BYTES(key_info, access_key, WIRE_ACCESS_KEY_MAX),
    BYTES(key_info, tenant, WIRE_NAME_MAX),
    NUMBER(key_info, rights),
    NUMBER(key_info, created_unix_ms),
};
DESCRIBE(key_info, key_info_fields);

static const struct wire_field key_list_reply_fields[] = {
    MESSAGES(key_list_reply, keys, key_info, WIRE_LIST_MAX),
};
DESCRIBE(key_list_reply, key_list_reply_fields);

static const struct wire_field key_revoke_request_fields[] = {
    BYTES(key_revoke_request, access_key, WIRE_ACCESS_KEY_MAX),
};
DESCRIBE(key_revoke_request, key_revoke_request_fields);

static const struct wire_field bucket_settings_fields[] = {
    BYTES(bucket_settings, profile, WIRE_NAME_MAX),
    NUMBER(bucket_settings, public_read),
    NUMBER_TO(bucket_settings, quota_bytes, INT64_MAX),
    NUMBER_TO(bucket_settings, quota_objects, INT64_MAX),
};
DESCRIBE(bucket_settings, bucket_settings_fields);

static const struct wire_field bucket_reserve_request_fields[] = {
    BYTES(bucket_reserve_request, tenant, WIRE_NAME_MAX),
    BYTES(bucket_reserve_request, bucket, WIRE_NAME_MAX),
    MESSAGE(bucket_reserve_request, settings, bucket_settings),
};
DESCRIBE(bucket_reserve_request, bucket_reserve_request_fields);

static const struct wire_field bucket_set_request_fields[] = {
    BYTES(bucket_set_request, bucket, WIRE_NAME_MAX),
    MESSAGE(bucket_set_request, settings, bucket_settings),
    NUMBER_TO(bucket_set_request, changes, WIRE_SET_ALL),
};
DESCRIBE(bucket_set_request, bucket_set_request_fields);

static const struct wire_field bucket_usage_fields[] = {
    BYTES(bucket_usage, bucket, WIRE_NAME_MAX),
    BYTES(bucket_usage, tenant, WIRE_NAME_MAX),
    NUMBER(bucket_usage, created_unix_ms),
    MESSAGE(bucket_usage, settings, bucket_settings),
    NUMBER(bucket_usage, objects),
    NUMBER(bucket_usage, bytes),
    NUMBER(bucket_usage, is_reserved),
};
DESCRIBE(bucket_usage, bucket_usage_fields);

static const struct wire_field bucket_usages_reply_fields[] = {
    MESSAGES(bucket_usages_reply, buckets, bucket_usage, WIRE_LIST_MAX),
};
DESCRIBE(bucket_usages_reply, bucket_usages_reply_fields);
