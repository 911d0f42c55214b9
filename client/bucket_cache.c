#include "client/bucket_cache.h"

#include "client/bucket_calls.h"
#include "client/session.h"

#include <arpa/inet.h>

struct entry {
    struct bucket bucket;
    uint64_t asked_ns;
};

struct bucket_cache {
    struct session *session; /* set once */
    struct {
        pthread_mutex_t mutex;
        unsigned count;
        struct entry entries[BUCKET_CACHE_MAX];
    } shared;
};

struct bucket_cache *bucket_cache_create(struct session *session)
{
    struct bucket_cache *cache = calloc(1, sizeof(*cache));
    if (cache != NULL) {
        cache->session = session;
        pthread_mutex_init(&cache->shared.mutex, NULL);
    }
    return cache;
}

void bucket_cache_destroy(struct bucket_cache *cache)
{
    if (cache != NULL) {
        pthread_mutex_destroy(&cache->shared.mutex);
        crypto_wipe(cache, sizeof(*cache));
        free(cache);
    }
}

/* ---- remembering ---- */

/* With the lock held. */
static struct entry *find(struct bucket_cache *cache, const char *name)
{
    for (unsigned i = 0; i < cache->shared.count; i++) {
        if (strcmp(cache->shared.entries[i].bucket.name, name) == 0) {
            return &cache->shared.entries[i];
        }
    }
    return NULL;
}

static bool recall(struct bucket_cache *cache, const char *name, struct bucket *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    const struct entry *entry = find(cache, name);
    uint64_t now_ns = env_now_ns(cache->session->env);
    if (entry == NULL || now_ns - entry->asked_ns > BUCKET_CACHE_MS * UINT64_C(1000000)) {
        return false;
    }
    *out = entry->bucket;
    return true;
}

/* With the lock held. */
static struct entry *make_room(struct bucket_cache *cache)
{
    if (cache->shared.count < BUCKET_CACHE_MAX) {
        return &cache->shared.entries[cache->shared.count++];
    }
    struct entry *oldest = &cache->shared.entries[0];
    for (unsigned i = 1; i < BUCKET_CACHE_MAX; i++) {
        if (cache->shared.entries[i].asked_ns < oldest->asked_ns) {
            oldest = &cache->shared.entries[i];
        }
    }
    return oldest;
}

static void remember(struct bucket_cache *cache, const struct bucket *bucket)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    struct entry *entry = find(cache, bucket->name);
    if (entry == NULL) {
        entry = make_room(cache);
    }
    *entry = (struct entry){*bucket, env_now_ns(cache->session->env)};
}

void bucket_cache_forget(struct bucket_cache *cache, const char *name)
{
    UNLOCKS pthread_mutex_t *held = lock(&cache->shared.mutex);
    struct entry *entry = find(cache, name);
    if (entry != NULL) {
        *entry = cache->shared.entries[--cache->shared.count];
    }
}

/* ---- asking ---- */

static enum hearth_code unwrap_keys(struct session *session, const struct wire_bucket_info *info,
    struct bucket *out, struct hearth_err *err)
{
    if (info->keys_count == 0 || info->keys_count > WIRE_BUCKET_KEYS_MAX) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator holds no key of it");
    }
    for (unsigned i = 0; i < info->keys_count; i++) {
        enum hearth_code code = bucket_key_unwrap(info->keys[i].wrapped, info->keys[i].version,
            &session->root_key, out->id, &out->keys[i], err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    out->key_count = (unsigned)info->keys_count;
    etag_key_derive(&out->keys[0], &out->etag_key);
    return HEARTH_OK;
}

/* What memory is planned by must be a code. */
static bool is_possible(const struct wire_profile *profile)
{
    return 0 < profile->k && profile->k < profile->n;
}

static enum hearth_code read_info(struct session *session, const char *name,
    const struct wire_bucket_info *info, struct bucket *out, struct hearth_err *err)
{
    *out = (struct bucket){0};
    if (info->bucket_id.size != BUCKET_ID_SIZE || info->profile == NULL) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator's answer lacks id or profile");
    }
    if (!is_possible(info->profile)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the coordinator says that its code has k=%u n=%u",
            info->profile->k, info->profile->n);
    }
    memcpy(out->name, name, strlen(name) + 1);
    memcpy(out->id, info->bucket_id.bytes, BUCKET_ID_SIZE);
    out->data_count = info->profile->k;
    out->slot_count = info->profile->n;
    out->inline_max = info->profile->inline_max;
    return unwrap_keys(session, info, out, err);
}

/* A bucket that an operator made has no key until one of us brings it; somebody else may have done
 * so by now. */
static enum hearth_code ask_info(struct session *session, const char *name, struct arena *arena,
    struct wire_bucket_info *info, struct hearth_err *err)
{
    const struct wire_head_bucket_request request = {.name = view_text(name)};
    const struct ask ask = {
        .method = RPC_HEAD_BUCKET, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    enum hearth_code code = session_ask(session, &ask, arena, info, err);
    if (code != HEARTH_OK || info->keys_count > 0) {
        return code;
    }
    code = bucket_ask_create(session, name, NULL, arena, info, err);
    return code == HEARTH_EXISTS ? session_ask(session, &ask, arena, info, err) : code;
}

enum hearth_code bucket_cache_find(
    struct bucket_cache *cache, const char *name, struct bucket *out, struct hearth_err *err)
{
    enum hearth_code code = bucket_name_check(name, err);
    if (code != HEARTH_OK || recall(cache, name, out)) {
        return code;
    }
    struct wire_bucket_info info;
    struct arena arena;
    arena_init(&arena, 0);
    code = ask_info(cache->session, name, &arena, &info, err);
    if (code == HEARTH_OK) {
        code = read_info(cache->session, name, &info, out, err);
    }
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "bucket %s", name);
    }
    remember(cache, out);
    return HEARTH_OK;
}

bool bucket_cache_refresh(struct bucket_cache *cache, struct bucket *bucket)
{
    struct bucket fresh;
    struct hearth_err err; /* as it was, then */
    bucket_cache_forget(cache, bucket->name);
    if (bucket_cache_find(cache, bucket->name, &fresh, &err) != HEARTH_OK) {
        return false;
    }
    bool is_other = memcmp(fresh.id, bucket->id, sizeof(fresh.id)) != 0;
    *bucket = fresh;
    crypto_wipe(&fresh, sizeof(fresh));
    return is_other;
}

/* ---- what is known of one ---- */

const struct bucket_key *bucket_newest_key(const struct bucket *bucket)
{
    assert(bucket->key_count > 0);
    return &bucket->keys[bucket->key_count - 1];
}

enum hearth_code bucket_find_key(const struct bucket *bucket, uint32_t version,
    const struct bucket_key **out, struct hearth_err *err)
{
    for (unsigned i = 0; i < bucket->key_count; i++) {
        if (bucket->keys[i].version == version) {
            *out = &bucket->keys[i];
            return HEARTH_OK;
        }
    }
    return hearth_fail(
        err, HEARTH_WRONG_KEY, "bucket %s has no key version %u", bucket->name, version);
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum hearth_code bucket_name_check(const char *name, struct hearth_err *err)
{
    size_t length = strlen(name);
    struct in_addr address;
    bool fits = 3 <= length && length <= HEARTH_BUCKET_NAME_MAX && is_letter_or_digit(name[0]) &&
        is_letter_or_digit(name[length - 1]) && strstr(name, "..") == NULL &&
        inet_pton(AF_INET, name, &address) != 1;
    for (size_t i = 0; fits && i < length; i++) {
        fits = is_letter_or_digit(name[i]) || name[i] == '.' || name[i] == '-';
    }
    if (!fits) {
        return hearth_fail(err, HEARTH_INVALID,
            "'%.64s' is no bucket name: 3 to 63 of a-z, 0-9, '.' and '-', a letter or digit at "
            "both ends, no '..', not an IP address",
            name);
    }
    return HEARTH_OK;
}
