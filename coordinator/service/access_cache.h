/*
 * access_cache.h - grants and buckets that were read lately: nearly every call asks for the same
 * few of them.
 *
 *   asked --read since anybody's grant or any bucket changed?--> yes: from memory
 *                                                           \--> no: from the metadata, kept
 *
 * What changed is seen by everybody who asks after the change was answered, as without a cache:
 * meta_access_generation() moves before the answer.  Nothing is kept of what was not found.
 *
 * A slot is chosen by a hash and has room for one: the newcomer stays.
 *
 * Thread-safety: any thread.  The lock is a leaf and never held over i/o.
 */
#ifndef HEARTH_COORDINATOR_SERVICE_ACCESS_CACHE_H
#define HEARTH_COORDINATOR_SERVICE_ACCESS_CACHE_H

#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_tenant.h"

enum {
    ACCESS_CACHE_SLOTS = 256,  /* grants, and as many buckets */
    ACCESS_CACHE_KEYS_MAX = 4, /* a bucket with more is not kept */
};

struct access_cache;

/* `store` is borrowed.  NULL: out of memory. */
struct access_cache *access_cache_create(struct meta_store *store);
void access_cache_destroy(struct access_cache *cache); /* accepts NULL */

/* As meta_grant_get(). */
enum hearth_code access_cache_grant(struct access_cache *cache, struct meta_principal principal,
    struct meta_grant *out, struct hearth_err *err);

/* As meta_bucket_get(). */
enum hearth_code access_cache_bucket(struct access_cache *cache, struct view name,
    struct arena *arena, struct meta_bucket *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_SERVICE_ACCESS_CACHE_H */
