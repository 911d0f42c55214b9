/*
 * meta_bucket.h - buckets: names, profiles and wrapped keys.
 *
 * Names are global.  Everything else refers to a bucket by its id, so a bucket deleted and made
 * again is another bucket.
 *
 * An operator has no keys: a bucket he makes is reserved for a tenant, with its settings, and
 * becomes a bucket when the tenant makes it, which brings id and key and leaves the settings.
 */
#ifndef HEARTH_COORDINATOR_META_META_BUCKET_H
#define HEARTH_COORDINATOR_META_META_BUCKET_H

#include "common/arena.h"
#include "coordinator/meta/meta_store.h"

struct meta_bucket_key {
    uint32_t version; /* from 1 */
    struct view wrapped;
};

/* What an operator decides about a bucket. */
struct meta_bucket_settings {
    uint32_t profile;       /* number, see profile.h */
    bool public_read;       /* anybody may read its objects through a gateway */
    uint64_t quota_bytes;   /* 0: no limit */
    uint64_t quota_objects; /* likewise */
};

struct meta_bucket {
    struct meta_id id;
    struct view name;
    struct meta_id tenant;
    uint32_t key_version; /* of the newest key; 0: only reserved (meta_account.h) */
    struct meta_bucket_settings settings;
    uint64_t created_ms;
    const struct meta_bucket_key *keys; /* oldest first; empty in lists */
    size_t key_count;
};

struct meta_bucket_create {
    struct meta_id id; /* drawn by the customer: the wrapped key is bound to it */
    struct view name;
    struct meta_id tenant;
    uint32_t profile;
    struct meta_bucket_key key;
    uint8_t root_key_id[META_KEY_ID_SIZE];
    struct meta_id token;
};

/*
 * A name that was reserved for the tenant keeps the settings it was reserved with.
 * HEARTH_INVALID: a name outside S3's rules.  HEARTH_EXISTS: the tenant has it already.
 * HEARTH_CONFLICT: another tenant has it, or the id or token was used for something else.
 * HEARTH_WRONG_KEY: the tenant's buckets are wrapped by another root key.
 */
enum hearth_code meta_bucket_create(
    struct meta_store *store, const struct meta_bucket_create *request, struct hearth_err *err);

/* HEARTH_NOT_FOUND; HEARTH_DENIED: another tenant's; HEARTH_NOT_EMPTY: holds objects. */
enum hearth_code meta_bucket_delete(struct meta_store *store, struct view name,
    struct meta_id tenant, struct meta_id token, struct hearth_err *err);

/* With keys; memory from the arena. HEARTH_NOT_FOUND. The caller compares the tenant. */
enum hearth_code meta_bucket_get(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_bucket *out, struct hearth_err *err);

/* Memory from the arena. HEARTH_NOT_FOUND: there is none with this id any more. */
enum hearth_code meta_bucket_name(struct meta_store *store, struct meta_id bucket,
    struct arena *arena, struct view *out, struct hearth_err *err);

enum { META_BUCKETS_MAX = 1000 }; /* of one tenant; create past it: HEARTH_BUSY */

struct meta_bucket_list {
    const struct meta_bucket *buckets; /* in order of names */
    size_t count;
};

enum hearth_code meta_bucket_list(struct meta_store *store, struct meta_id tenant,
    struct arena *arena, struct meta_bucket_list *out, struct hearth_err *err);

struct meta_usage {
    uint64_t bytes;
    uint64_t objects;
    uint64_t reserved_bytes; /* of one bucket only: what its uploads under way will bring */
    uint64_t reserved_objects;
};

enum hearth_code meta_bucket_usage(struct meta_store *store, struct meta_id bucket,
    struct meta_usage *out, struct hearth_err *err);

/* The rules of S3: 3 to 63 of a-z 0-9 . -, ends alphanumeric, not an IP address ... */
enum hearth_code meta_bucket_name_check(struct view name, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_BUCKET_H */
