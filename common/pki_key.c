#include "common/pki_key.h"

#include "common/cleanup.h"
#include "common/crypto.h"
#include "common/file.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

struct pki_key {
    EVP_PKEY *pkey;
    uint8_t public[PKI_PUBLIC_SIZE];
};

/* Reads the public half out; false: not P-256, or its point is not in the uncompressed form. */
static bool read_public(EVP_PKEY *pkey, uint8_t der[PKI_PUBLIC_SIZE])
{
    char group[32] = "";
    if (!EVP_PKEY_is_a(pkey, "EC") ||
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
        strcmp(group, "prime256v1") != 0 || i2d_PUBKEY(pkey, NULL) != PKI_PUBLIC_SIZE) {
        return false;
    }
    unsigned char *at = der;
    return i2d_PUBKEY(pkey, &at) == PKI_PUBLIC_SIZE;
}

/* Takes pkey, which may be NULL when OpenSSL could not read it. `what` is for the message. */
static enum hearth_code adopt(
    EVP_PKEY *pkey TAKES, const char *what, struct pki_key **out, struct hearth_err *err)
{
    ERR_clear_error(); /* its queue belongs to the thread and would be read by a later TLS call */
    struct pki_key *key = calloc(1, sizeof(*key));
    if (pkey == NULL || key == NULL || !read_public(pkey, key->public)) {
        EVP_PKEY_free(pkey);
        free(key);
        return hearth_fail(err, HEARTH_INVALID, "not a P-256 %s key", what);
    }
    key->pkey = pkey;
    *out = key;
    return HEARTH_OK;
}

enum hearth_code pki_key_create(struct pki_key **out, struct hearth_err *err)
{
    return adopt(EVP_EC_gen("P-256"), "private", out, err);
}

void pki_key_destroy(struct pki_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

enum hearth_code pki_key_from_pem(struct view pem, struct pki_key **out, struct hearth_err *err)
{
    if (pem.size == 0 || pem.size > PKI_PEM_MAX) { /* OpenSSL makes no BIO of no bytes */
        return hearth_fail(err, HEARTH_INVALID, "a key of %zu bytes", pem.size);
    }
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    assert(bio != NULL);
    char no_passphrase[] = ""; /* or OpenSSL would ask on the terminal */
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase);
    BIO_free(bio);
    return adopt(pkey, "private", out, err);
}

static enum hearth_code refuse_readable_by_others(const char *path, struct hearth_err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        enum hearth_code code = errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO;
        return hearth_fail_sys(err, code, errno, "key %s", path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return hearth_fail(err, HEARTH_DENIED,
            "key %s: others may use it (mode %04o); make it 0600 if nobody has", path,
            (unsigned)(status.st_mode & 07777));
    }
    return HEARTH_OK;
}

enum hearth_code pki_key_load(const char *path, struct pki_key **out, struct hearth_err *err)
{
    enum hearth_code code = refuse_readable_by_others(path, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct arena arena;
    arena_init(&arena, 0);
    struct view pem;
    code = file_read_whole(path, PKI_PEM_MAX, &arena, &pem, err);
    if (code == HEARTH_OK) {
        code = pki_key_from_pem(pem, out, err);
        crypto_wipe((void *)pem.bytes, pem.size);
        if (code != HEARTH_OK) {
            hearth_err_prefix(err, "key %s", path);
        }
    }
    arena_fini(&arena);
    return code;
}

char *pki_key_pem(const struct pki_key *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    assert(bio != NULL);
    int rc = PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
    assert(rc == 1); /* fails for a public half, which is a bug of the caller */
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    char *pem = strndup(bytes, (size_t)size);
    assert(pem != NULL);
    BIO_free(bio);
    return pem;
}

void pki_pem_destroy(char *pem)
{
    if (pem != NULL) {
        crypto_wipe(pem, strlen(pem));
        free(pem);
    }
}

enum hearth_code pki_key_save(const struct pki_key *key, const char *path, struct hearth_err *err)
{
    if (access(path, F_OK) == 0) {
        return hearth_fail(err, HEARTH_EXISTS, "key %s: there is a file already", path);
    }
    char *pem = pki_key_pem(key);
    enum hearth_code code = file_write_atomically(path, view_text(pem), S_IRUSR | S_IWUSR, err);
    pki_pem_destroy(pem);
    return code;
}

void pki_key_public(const struct pki_key *key, uint8_t der[PKI_PUBLIC_SIZE])
{
    memcpy(der, key->public, PKI_PUBLIC_SIZE);
}

enum hearth_code pki_key_from_public(struct view der, struct pki_key **out, struct hearth_err *err)
{
    EVP_PKEY *pkey = NULL;
    if (der.size == PKI_PUBLIC_SIZE) {
        const unsigned char *at = der.bytes;
        pkey = d2i_PUBKEY(NULL, &at, (long)der.size); /* checks that the point is on the curve */
    }
    return adopt(pkey, "public", out, err);
}

void pki_key_pin(const struct pki_key *key, uint8_t pin[PKI_PIN_SIZE])
{
    crypto_sha256(view_of(key->public, PKI_PUBLIC_SIZE), pin);
}

void pki_key_id(const struct pki_key *key, uint8_t id[PKI_ID_SIZE])
{
    uint8_t pin[PKI_PIN_SIZE];
    pki_key_pin(key, pin);
    memcpy(id, pin, PKI_ID_SIZE);
}

struct evp_pkey_st *pki_key_evp(const struct pki_key *key)
{
    return key->pkey;
}

void pki_sign(const struct pki_key *key, struct view message, struct pki_signature *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert(context != NULL);
    int rc = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey);
    assert(rc == 1);
    out->size = sizeof(out->bytes);
    rc = EVP_DigestSign(context, out->bytes, &out->size, message.bytes, message.size);
    assert(rc == 1);
    EVP_MD_CTX_free(context);
}

bool pki_verify(const struct pki_key *key, struct view message, struct view signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert(context != NULL);
    int rc = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey);
    assert(rc == 1);
    bool good = EVP_DigestVerify(
                    context, signature.bytes, signature.size, message.bytes, message.size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
