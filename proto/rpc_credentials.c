#include "proto/rpc_credentials.h"

#include "proto/core.h"
#include "proto/link_tls.h"

#include "common/crypto.h"

/* TLS sessions kept for resumption: as many as a process keeps channels (DESIGN 3). */
enum { SESSIONS_MAX = 1024 };

/* The certificate is of this key and of a CA of the same cluster. */
static enum hearth_code check(const char *ca_pem, const char *certificate_pem,
    const struct pki_key *key, struct pki_certificate *certificate, struct hearth_err *err)
{
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    enum hearth_code code = pki_ca_read(view_text(ca_pem), cluster, pin, err);
    if (code == HEARTH_OK) {
        code = pki_certificate_read(view_text(certificate_pem), certificate, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    pki_key_pin(key, pin);
    if (memcmp(pin, certificate->pin, sizeof(pin)) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the certificate is not of the key beside it");
    }
    if (memcmp(cluster, certificate->identity.cluster, sizeof(cluster)) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the certificate is not of the CA's cluster");
    }
    return HEARTH_OK;
}

enum hearth_code rpc_credentials_create(const char *ca_pem, const char *certificate_pem,
    const struct pki_key *key, struct rpc_credentials **out, struct hearth_err *err)
{
    struct pki_certificate certificate;
    enum hearth_code code = check(ca_pem, certificate_pem, key, &certificate, err);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "credentials");
    }
    struct rpc_credentials *credentials = calloc(1, sizeof(*credentials));
    assert(credentials != NULL);
    atomic_init(&credentials->refs, 1);
    credentials->certificate = certificate;
    credentials->ca_pem = strdup(ca_pem);
    credentials->certificate_pem = strdup(certificate_pem);
    credentials->key_pem = pki_key_pem(key);
    credentials->tls = link_tls_context(ca_pem, certificate_pem, key);
    credentials->sessions = grpc_ssl_session_cache_create_lru(SESSIONS_MAX);
    assert(credentials->ca_pem != NULL && credentials->certificate_pem != NULL);
    *out = credentials;
    return HEARTH_OK;
}

struct rpc_credentials *rpc_credentials_ref(struct rpc_credentials *credentials)
{
    unsigned before = atomic_fetch_add(&credentials->refs, 1);
    assert(before > 0);
    return credentials;
}

void rpc_credentials_unref(struct rpc_credentials *credentials)
{
    if (credentials == NULL || atomic_fetch_sub(&credentials->refs, 1) > 1) {
        return;
    }
    SSL_CTX_free(credentials->tls);
    grpc_ssl_session_cache_destroy(credentials->sessions);
    pki_pem_destroy(credentials->key_pem);
    free(credentials->certificate_pem);
    free(credentials->ca_pem);
    free(credentials);
}

const struct pki_certificate *rpc_credentials_certificate(const struct rpc_credentials *credentials)
{
    return &credentials->certificate;
}
