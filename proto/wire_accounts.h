/*
 * wire_accounts.h - messages about customers' accounts: tenants, access keys, what an operator
 * decides about buckets.  As wire_messages.h says; their tables are in wire_accounts.c.
 */
#ifndef HEARTH_PROTO_WIRE_ACCOUNTS_H
#define HEARTH_PROTO_WIRE_ACCOUNTS_H

#include "common/view.h"

enum {
    WIRE_ACCESS_KEY_MAX = 32,
    WIRE_SECRET_MAX = 64,
    WIRE_REGION_MAX = 64,
    WIRE_DATE_SIZE = 8,
    WIRE_SIGNING_KEY_SIZE = 32,
};

/* ---- the customer's plane ---- */

/* What a gateway checks signatures with for one day: the secret itself stays where it is. */
struct wire_derive_signing_key_request {
    struct view access_key;
    struct view date; /* 8 digits: the day of the signature's scope */
    struct view region;
};

struct wire_derive_signing_key_reply {
    struct view signing_key; /* 32 */
    struct view tenant_id;   /* 16 */
    uint64_t rights;         /* bits: 1 reads, 2 writes, 4 owns buckets */
};

/* ---- the operator's plane ---- */

struct wire_tenant_request {
    struct view tenant; /* name */
};

/* Up to WIRE_LIST_MAX in order of their names; a full page may not be the last. */
struct wire_account_list_request {
    struct view tenant; /* name; empty: everybody's */
    struct view after;  /* the last name of the page before */
};

struct wire_tenant_info {
    struct view name;
    struct view tenant_id; /* 16 */
    uint64_t created_unix_ms;
    uint64_t buckets;
    uint64_t access_keys;
    uint64_t objects;
    uint64_t bytes;
};

struct wire_tenant_list_reply {
    const struct wire_tenant_info *tenants;
    size_t tenants_count;
};

struct wire_key_create_request {
    struct view tenant; /* name */
    uint64_t rights;    /* as in struct wire_derive_signing_key_reply */
    struct view token;  /* 16: the same token gives the same key */
};

struct wire_key_create_reply {
    struct view access_key;
    struct view secret; /* said here, to who knows the token, and never again */
};

struct wire_key_info {
    struct view access_key;
    struct view tenant;
    uint64_t rights;
    uint64_t created_unix_ms;
};

struct wire_key_list_reply {
    const struct wire_key_info *keys;
    size_t keys_count;
};

struct wire_key_revoke_request {
    struct view access_key;
};

/* What an operator decides about a bucket. */
struct wire_bucket_settings {
    struct view profile; /* empty: the cluster's default, or as it is */
    bool public_read;
    uint64_t quota_bytes;   /* 0: no limit */
    uint64_t quota_objects; /* likewise */
};

/* The first who writes to it brings its key: an operator has none. */
struct wire_bucket_reserve_request {
    struct view tenant; /* name */
    struct view bucket;
    const struct wire_bucket_settings *settings;
};

enum {
    WIRE_SET_PROFILE = 1,
    WIRE_SET_PUBLIC_READ = 2,
    WIRE_SET_QUOTA_BYTES = 4,
    WIRE_SET_QUOTA_OBJECTS = 8,
    WIRE_SET_ALL = 15,
};

struct wire_bucket_set_request {
    struct view bucket;
    const struct wire_bucket_settings *settings;
    uint32_t changes; /* which of them */
};

struct wire_bucket_usage {
    struct view bucket;
    struct view tenant;
    uint64_t created_unix_ms;
    const struct wire_bucket_settings *settings;
    uint64_t objects;
    uint64_t bytes;
    bool is_reserved; /* nobody has written to it yet */
};

struct wire_bucket_usages_reply {
    const struct wire_bucket_usage *buckets;
    size_t buckets_count;
};

#endif /* HEARTH_PROTO_WIRE_ACCOUNTS_H */
