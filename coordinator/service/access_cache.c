#include "coordinator/service/access_cache.h"

#include "common/cleanup.h"

struct grant_slot {
    bool is_used;
    uint64_t generation; /* before it was read */
    struct meta_grant grant;
};

/* A bucket with all it points to. */
struct bucket_slot {
    bool is_used;
    uint64_t generation;
    struct meta_bucket bucket; /* name and keys point into the slot */
    uint8_t name[META_BUCKET_NAME_MAX];
    struct meta_bucket_key keys[ACCESS_CACHE_KEYS_MAX];
    uint8_t wrapped[ACCESS_CACHE_KEYS_MAX][META_NAME_MAX];
};

struct access_cache {
    struct meta_store *store; /* set once */

    struct {
        pthread_mutex_t mutex;
        struct grant_slot grants[ACCESS_CACHE_SLOTS];
        struct bucket_slot buckets[ACCESS_CACHE_SLOTS];
    } shared;
};

struct access_cache *access_cache_create(struct meta_store *store)
{
    struct access_cache *cache = calloc(1, sizeof(*cache));
    if (cache != NULL) {
        cache->store = store;
        pthread_mutex_init(&cache->shared.mutex, NULL);
    }
    return cache;
}

void access_cache_destroy(struct access_cache *cache)
{
    if (cache != NULL) {
        pthread_mutex_destroy(&cache->shared.mutex);
        free(cache);
    }
}

/* FNV-1a. */
static unsigned slot_of(struct view bytes)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ bytes.bytes[i]) * 16777619;
    }
    return hash % ACCESS_CACHE_SLOTS;
}

/* ---- grants ---- */

static struct grant_slot *grant_slot(struct access_cache *cache, struct meta_principal principal)
{
    return &cache->shared.grants[slot_of(view_of(principal.bytes, sizeof(principal.bytes)))];
}

static bool find_grant(struct access_cache *cache, struct meta_principal principal,
    uint64_t generation, struct meta_grant *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    const struct grant_slot *slot = grant_slot(cache, principal);
    if (!slot->is_used || slot->generation != generation ||
        memcmp(slot->grant.principal.bytes, principal.bytes, sizeof(principal.bytes)) != 0) {
        return false;
    }
    *out = slot->grant;
    return true;
}

static void keep_grant(
    struct access_cache *cache, uint64_t generation, const struct meta_grant *grant)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    *grant_slot(cache, grant->principal) =
        (struct grant_slot){.is_used = true, .generation = generation, .grant = *grant};
}

enum hearth_code access_cache_grant(struct access_cache *cache, struct meta_principal principal,
    struct meta_grant *out, struct hearth_err *err)
{
    uint64_t generation = meta_access_generation(cache->store);
    if (find_grant(cache, principal, generation, out)) {
        return HEARTH_OK;
    }
    enum hearth_code code = meta_grant_get(cache->store, principal, out, err);
    if (code == HEARTH_OK) {
        keep_grant(cache, generation, out);
    }
    return code;
}

/* ---- buckets ---- */

/* Everything a view of the bucket points to moves into the caller's arena. */
static bool copy_bucket(
    const struct meta_bucket *bucket, struct arena *arena, struct meta_bucket *out)
{
    struct meta_bucket_key *keys = arena_take_array(arena, bucket->key_count, sizeof(*keys));
    struct view name = arena_copy(arena, bucket->name);
    if (keys == NULL || name.bytes == NULL) {
        return false;
    }
    for (size_t i = 0; i < bucket->key_count; i++) {
        keys[i].version = bucket->keys[i].version;
        keys[i].wrapped = arena_copy(arena, bucket->keys[i].wrapped);
        if (keys[i].wrapped.bytes == NULL) {
            return false;
        }
    }
    *out = *bucket;
    out->name = name;
    out->keys = keys;
    return true;
}

static bool find_bucket(struct access_cache *cache, struct view name, uint64_t generation,
    struct arena *arena, struct meta_bucket *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    const struct bucket_slot *slot = &cache->shared.buckets[slot_of(name)];
    return slot->is_used && slot->generation == generation && view_equal(slot->bucket.name, name) &&
        copy_bucket(&slot->bucket, arena, out);
}

static bool fits(const struct meta_bucket *bucket)
{
    bool is_small =
        bucket->name.size <= META_BUCKET_NAME_MAX && bucket->key_count <= ACCESS_CACHE_KEYS_MAX;
    for (size_t i = 0; is_small && i < bucket->key_count; i++) {
        is_small = bucket->keys[i].wrapped.size <= META_NAME_MAX;
    }
    return is_small;
}

static struct view copy_into(uint8_t *bytes, struct view from)
{
    memcpy(bytes, from.bytes, from.size);
    return view_of(bytes, from.size);
}

static void keep_bucket(
    struct access_cache *cache, uint64_t generation, const struct meta_bucket *bucket)
{
    if (!fits(bucket)) {
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    struct bucket_slot *slot = &cache->shared.buckets[slot_of(bucket->name)];
    slot->is_used = true;
    slot->generation = generation;
    slot->bucket = *bucket;
    slot->bucket.name = copy_into(slot->name, bucket->name);
    slot->bucket.keys = slot->keys;
    for (size_t i = 0; i < bucket->key_count; i++) {
        slot->keys[i].version = bucket->keys[i].version;
        slot->keys[i].wrapped = copy_into(slot->wrapped[i], bucket->keys[i].wrapped);
    }
}

enum hearth_code access_cache_bucket(struct access_cache *cache, struct view name,
    struct arena *arena, struct meta_bucket *out, struct hearth_err *err)
{
    uint64_t generation = meta_access_generation(cache->store);
    if (find_bucket(cache, name, generation, arena, out)) {
        return HEARTH_OK;
    }
    enum hearth_code code = meta_bucket_get(cache->store, name, arena, out, err);
    if (code == HEARTH_OK) {
        keep_bucket(cache, generation, out);
    }
    return code;
}
