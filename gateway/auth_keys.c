#include "gateway/auth_keys.h"

#include "common/cleanup.h"
#include "common/codec.h"

#include <assert.h>

enum { NAME_MAX_SIZE = AUTH_ACCESS_KEY_MAX + SIGV4_DATE_SIZE + SIGV4_REGION_MAX + 2 };

/* What a slot is about: one text, of which no two different questions are the same. */
struct name {
    size_t size; /* 0: the slot is free */
    uint8_t bytes[NAME_MAX_SIZE];
};

struct slot {
    struct name name;
    uint64_t asked_ns;
    bool found;
    struct auth_key key; /* of a bucket: only whose it is */
};

struct auth_keys {
    /* Set once. */
    const struct auth_source *source;
    struct env *env;

    struct {
        pthread_mutex_t mutex;
        struct slot keys[AUTH_KEYS_SLOTS];
        struct slot buckets[AUTH_KEYS_SLOTS];
    } shared;
};

struct auth_keys *auth_keys_create(const struct auth_source *source, struct env *env)
{
    struct auth_keys *keys = calloc(1, sizeof(*keys));
    if (keys != NULL) {
        keys->source = source;
        keys->env = env;
        pthread_mutex_init(&keys->shared.mutex, NULL);
    }
    return keys;
}

void auth_keys_destroy(struct auth_keys *keys)
{
    if (keys != NULL) {
        pthread_mutex_destroy(&keys->shared.mutex);
        crypto_wipe(keys, sizeof(*keys));
        free(keys);
    }
}

/* ---- slots ---- */

static bool name_add(struct name *name, struct view text)
{
    if (text.size + 1 > sizeof(name->bytes) - name->size) {
        return false;
    }
    memcpy(name->bytes + name->size, text.bytes, text.size);
    name->size += text.size;
    name->bytes[name->size++] = '/';
    return true;
}

/* FNV-1a. */
static struct slot *slot_of(struct slot slots[AUTH_KEYS_SLOTS], const struct name *name)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < name->size; i++) {
        hash = (hash ^ name->bytes[i]) * 16777619;
    }
    return &slots[hash % AUTH_KEYS_SLOTS];
}

static bool recall(
    struct auth_keys *keys, struct slot *slots, const struct name *name, struct slot *out)
{
    uint64_t now_ns = env_now_ns(keys->env);
    UNLOCKS pthread_mutex_t *held = lock(&keys->shared.mutex);
    const struct slot *slot = slot_of(slots, name);
    uint64_t believed_ms = slot->found ? AUTH_KEYS_MS : AUTH_KEYS_ABSENT_MS;
    if (slot->name.size != name->size || memcmp(slot->name.bytes, name->bytes, name->size) != 0 ||
        now_ns - slot->asked_ns >= believed_ms * UINT64_C(1000000)) {
        return false;
    }
    *out = *slot;
    return true;
}

static void remember(struct auth_keys *keys, struct slot *slots, const struct slot *fresh)
{
    UNLOCKS pthread_mutex_t *held = lock(&keys->shared.mutex);
    *slot_of(slots, &fresh->name) = *fresh;
}

/* ---- keys ---- */

static enum hearth_code no_key(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
}

static enum hearth_code ask_key(struct auth_keys *keys, struct view access_key,
    const struct sigv4_scope *scope, struct slot *fresh, struct hearth_err *err)
{
    const struct auth_source *source = keys->source;
    fresh->asked_ns = env_now_ns(keys->env); /* before: a revocation in between counts */
    enum hearth_code code =
        source->signing_key(source->context, access_key, scope, &fresh->key, err);
    fresh->found = code == HEARTH_OK;
    if (code == HEARTH_OK || code == HEARTH_NOT_FOUND) {
        remember(keys, keys->shared.keys, fresh);
    }
    return code;
}

enum hearth_code auth_keys_find(struct auth_keys *keys, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err)
{
    struct slot slot = {.name.size = 0};
    struct name name = {.size = 0};
    if (access_key.size > AUTH_ACCESS_KEY_MAX || !name_add(&name, access_key) ||
        !name_add(&name, scope->date) || !name_add(&name, scope->region)) {
        return no_key(err);
    }
    enum hearth_code code;
    if (recall(keys, keys->shared.keys, &name, &slot)) {
        code = slot.found ? HEARTH_OK : no_key(err);
    } else {
        slot = (struct slot){.name = name};
        code = ask_key(keys, access_key, scope, &slot, err);
    }
    if (code == HEARTH_OK) {
        *out = slot.key;
    }
    crypto_wipe(&slot, sizeof(slot));
    return code;
}

/* ---- public buckets ---- */

static enum hearth_code not_public(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket, or not for everybody");
}

enum hearth_code auth_keys_public_bucket(
    struct auth_keys *keys, const char *bucket, struct hearth **out, struct hearth_err *err)
{
    const struct auth_source *source = keys->source;
    struct slot slot = {.name.size = 0};
    struct name name = {.size = 0};
    if (!name_add(&name, view_text(bucket))) {
        return not_public(err);
    }
    if (recall(keys, keys->shared.buckets, &name, &slot)) {
        *out = slot.found ? slot.key.hearth : NULL;
        return slot.found ? HEARTH_OK : not_public(err);
    }
    slot = (struct slot){.name = name, .asked_ns = env_now_ns(keys->env)};
    enum hearth_code code = source->public_bucket(source->context, bucket, &slot.key.hearth, err);
    slot.found = code == HEARTH_OK;
    if (code == HEARTH_OK || code == HEARTH_NOT_FOUND) {
        remember(keys, keys->shared.buckets, &slot);
    }
    *out = slot.key.hearth;
    return code;
}
