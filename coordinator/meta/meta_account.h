/*
 * meta_account.h - accounts as an operator keeps them: tenants with what they use, S3 access keys,
 * and what he has decided about buckets.
 *
 * Lists come in pages, in order of their names: give the last name to get the next one.
 */
#ifndef HEARTH_COORDINATOR_META_META_ACCOUNT_H
#define HEARTH_COORDINATOR_META_META_ACCOUNT_H

#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_tenant.h"

enum { META_PAGE_MAX = 1000 };

struct meta_page_of {
    const struct meta_id *tenant; /* NULL: everybody's */
    struct view after;            /* empty: from the first */
};

/* ---- tenants ---- */

struct meta_tenant_usage {
    struct meta_id id;
    struct view name;
    uint64_t created_ms;
    uint64_t buckets;
    uint64_t access_keys;
    struct meta_usage usage; /* of all its buckets */
};

struct meta_tenant_list {
    const struct meta_tenant_usage *tenants;
    size_t count;
};

enum hearth_code meta_tenant_list(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_tenant_list *out, struct hearth_err *err);

/* ---- access keys ---- */

enum { META_ACCESS_KEYS_MAX = 1000 }; /* of one tenant; one more: HEARTH_BUSY */

/* Its secret is sealed by the caller (master key) and opaque here. */
struct meta_access_key {
    struct view id;
    struct meta_id tenant;
    struct view tenant_name; /* in lists, in the place of `tenant` and the secret */
    struct view secret_sealed;
    uint64_t rights; /* bits, the service's; some */
    uint64_t created_ms;
};

struct meta_access_key_list {
    const struct meta_access_key *keys;
    size_t count;
};

/*
 * The id was drawn and is new.  *out is what the token has made: this key, or, when it was used
 * before, the one of that time.  HEARTH_NOT_FOUND: which was revoked since.
 */
enum hearth_code meta_access_key_create(struct meta_store *store, const struct meta_access_key *key,
    struct meta_id token, struct arena *arena, struct meta_access_key *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND: there is none, or not any more. */
enum hearth_code meta_access_key_get(struct meta_store *store, struct view id, struct arena *arena,
    struct meta_access_key *out, struct hearth_err *err);
enum hearth_code meta_access_key_delete(
    struct meta_store *store, struct view id, struct hearth_err *err);

enum hearth_code meta_access_key_list(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_access_key_list *out, struct hearth_err *err);

/* ---- buckets ---- */

struct meta_bucket_usage {
    struct meta_bucket bucket; /* without keys */
    struct view tenant_name;
    struct meta_usage usage;
};

struct meta_bucket_usages {
    const struct meta_bucket_usage *buckets;
    size_t count;
};

/* A name for this tenant alone, with settings (meta_bucket.h).  HEARTH_EXISTS: it is taken. */
enum hearth_code meta_bucket_reserve(struct meta_store *store, struct view name,
    struct meta_id tenant, const struct meta_bucket_settings *settings, struct hearth_err *err);

enum meta_bucket_change {
    META_SET_PROFILE = 1,
    META_SET_PUBLIC_READ = 2,
    META_SET_QUOTA_BYTES = 4,
    META_SET_QUOTA_OBJECTS = 8,
};

/* Those of the settings that `changes` names.  A profile is that of what is written from now on.
 * HEARTH_NOT_FOUND. */
enum hearth_code meta_bucket_set(struct meta_store *store, struct view name,
    const struct meta_bucket_settings *settings, unsigned changes, struct hearth_err *err);

/* Likewise, for its tenant only.  HEARTH_DENIED: another's. */
enum hearth_code meta_bucket_set_public(struct meta_store *store, struct view name,
    struct meta_id tenant, bool public_read, struct hearth_err *err);

/* One.  HEARTH_NOT_FOUND. */
enum hearth_code meta_bucket_usage_get(struct meta_store *store, struct view name,
    struct arena *arena, struct meta_bucket_usage *out, struct hearth_err *err);

enum hearth_code meta_bucket_usages(struct meta_store *store, const struct meta_page_of *page,
    struct arena *arena, struct meta_bucket_usages *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_ACCOUNT_H */
