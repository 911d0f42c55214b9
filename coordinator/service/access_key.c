#include "coordinator/service/access_key.h"

#include "common/codec.h"

#include <assert.h>

enum { SEALED_FORMAT = 1, TENANT_SIZE = 16 };

static void draw_text(struct env *env, const char *alphabet, char *text, size_t size)
{
    const size_t letters = strlen(alphabet);
    for (size_t i = 0; i < size; i++) {
        text[i] = alphabet[env_random_below(env, letters)];
    }
    text[size] = '\0';
}

void access_key_draw(struct env *env, struct access_key *out)
{
    out->id[0] = 'H';
    out->id[1] = 'K';
    draw_text(env, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", out->id + 2, ACCESS_KEY_ID_SIZE - 2);
    draw_text(env, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", out->secret,
        ACCESS_KEY_SECRET_SIZE);
}

/* An id is drawn once and sealed once, so a key of its own needs no nonce (D12). */
static struct crypto_gcm *key_for(struct view id, const uint8_t master[CRYPTO_KEY_SIZE])
{
    static const char purpose[] = "hearth/1/access-key";
    uint8_t info[sizeof(purpose) - 1 + ACCESS_KEY_ID_SIZE];
    uint8_t key[CRYPTO_KEY_SIZE];
    struct writer writer = writer_of(info, sizeof(info));
    writer_bytes(&writer, purpose, sizeof(purpose) - 1);
    writer_bytes(&writer, id.bytes, id.size);
    assert(!writer.failed);
    crypto_hkdf(view_of(master, CRYPTO_KEY_SIZE), view_of(info, writer.size), key, sizeof(key));
    struct crypto_gcm *gcm = crypto_gcm_create(key);
    crypto_wipe(key, sizeof(key));
    return gcm;
}

static const uint8_t no_nonce[CRYPTO_NONCE_SIZE] = {0};

void access_key_seal(const struct access_key *key, const uint8_t master[CRYPTO_KEY_SIZE],
    struct view tenant, uint8_t sealed[ACCESS_KEY_SEALED_SIZE])
{
    assert(tenant.size == TENANT_SIZE);
    struct crypto_gcm *gcm = key_for(view_of(key->id, ACCESS_KEY_ID_SIZE), master);
    sealed[0] = SEALED_FORMAT;
    crypto_gcm_seal(
        gcm, no_nonce, tenant, view_of(key->secret, ACCESS_KEY_SECRET_SIZE), sealed + 1);
    crypto_gcm_destroy(gcm);
}

enum hearth_code access_key_open(struct view id, struct view sealed,
    const uint8_t master[CRYPTO_KEY_SIZE], struct view tenant,
    uint8_t secret[ACCESS_KEY_SECRET_SIZE], struct hearth_err *err)
{
    if (sealed.size == 0 || sealed.bytes[0] != SEALED_FORMAT) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "access key: sealed in an unknown way");
    }
    if (sealed.size != ACCESS_KEY_SEALED_SIZE || id.size != ACCESS_KEY_ID_SIZE) {
        return hearth_fail(err, HEARTH_CHECKSUM, "access key: not of the size it has");
    }
    struct crypto_gcm *gcm = key_for(id, master);
    bool opened =
        crypto_gcm_open(gcm, no_nonce, tenant, view_of(sealed.bytes + 1, sealed.size - 1), secret);
    crypto_gcm_destroy(gcm);
    return opened
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM, "access key: not sealed by this cluster for it");
}

enum hearth_code access_key_derive(struct view id, struct view sealed,
    const uint8_t master[CRYPTO_KEY_SIZE], struct view tenant, const struct sigv4_scope *scope,
    uint8_t signing_key[CRYPTO_KEY_SIZE], struct hearth_err *err)
{
    uint8_t secret[ACCESS_KEY_SECRET_SIZE];
    if (access_key_open(id, sealed, master, tenant, secret, err) != HEARTH_OK) {
        return err->code;
    }
    sigv4_derive_key(view_of(secret, sizeof(secret)), scope, signing_key);
    crypto_wipe(secret, sizeof(secret));
    return HEARTH_OK;
}
