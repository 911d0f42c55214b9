#include "tests/lib/alloc_fail.h"

#include "client/seal.h"
#include "client/shard_tag.h"
#include "common/buf.h"
#include "common/crypto.h"

#include <errno.h>
#include <stdlib.h>

static struct {
    bool armed;
    bool reached;
    enum alloc_fail_mode mode;
    unsigned long left; /* allocations that still succeed, and one */
    unsigned exempt;    /* > 0: inside of something that may abort */
} state;

void alloc_fail_at(unsigned long n, enum alloc_fail_mode mode)
{
    state.armed = true;
    state.reached = false;
    state.mode = mode;
    state.left = n;
}

bool alloc_fail_end(void)
{
    state.armed = false;
    return state.reached;
}

static bool fails(void)
{
    if (!state.armed || state.exempt > 0) {
        return false;
    }
    if (state.left > 1) {
        state.left--;
        return false;
    }
    bool now = !state.reached || state.mode == ALLOC_FAIL_FROM;
    state.reached = true;
    return now;
}

/* ---- in front of libc's ---- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    return fails() ? ENOMEM : __real_posix_memalign(out, alignment, size);
}

/* ---- what may abort: contexts of the cryptography ---- */

struct crypto_hash *__real_crypto_hash_create(enum crypto_hash_kind kind);
struct crypto_hash *__wrap_crypto_hash_create(enum crypto_hash_kind kind);
struct crypto_gcm *__real_crypto_gcm_create(const uint8_t key[CRYPTO_KEY_SIZE]);
struct crypto_gcm *__wrap_crypto_gcm_create(const uint8_t key[CRYPTO_KEY_SIZE]);
struct shard_tagger *__real_shard_tagger_create(const struct verify_key *key);
struct shard_tagger *__wrap_shard_tagger_create(const struct verify_key *key);
struct seal_writer *__real_seal_writer_create(struct env *env, const struct upload_key *key);
struct seal_writer *__wrap_seal_writer_create(struct env *env, const struct upload_key *key);

struct crypto_hash *__wrap_crypto_hash_create(enum crypto_hash_kind kind)
{
    state.exempt++;
    struct crypto_hash *hash = __real_crypto_hash_create(kind);
    state.exempt--;
    return hash;
}

struct crypto_gcm *__wrap_crypto_gcm_create(const uint8_t key[CRYPTO_KEY_SIZE])
{
    state.exempt++;
    struct crypto_gcm *gcm = __real_crypto_gcm_create(key);
    state.exempt--;
    return gcm;
}

struct shard_tagger *__wrap_shard_tagger_create(const struct verify_key *key)
{
    state.exempt++;
    struct shard_tagger *tagger = __real_shard_tagger_create(key);
    state.exempt--;
    return tagger;
}

struct seal_writer *__wrap_seal_writer_create(struct env *env, const struct upload_key *key)
{
    state.exempt++;
    struct seal_writer *writer = __real_seal_writer_create(env, key);
    state.exempt--;
    return writer;
}

/* ---- for the world around what is tested ---- */

void *alloc_exempt_malloc(size_t size);
void *alloc_exempt_calloc(size_t count, size_t size);
void *alloc_exempt_realloc(void *old, size_t size);
struct buf *alloc_exempt_buf_create(size_t capacity);

void *alloc_exempt_malloc(size_t size)
{
    return __real_malloc(size);
}

void *alloc_exempt_calloc(size_t count, size_t size)
{
    return __real_calloc(count, size);
}

void *alloc_exempt_realloc(void *old, size_t size)
{
    return __real_realloc(old, size);
}

struct buf *alloc_exempt_buf_create(size_t capacity)
{
    state.exempt++;
    struct buf *buf = buf_create(capacity);
    state.exempt--;
    return buf;
}
