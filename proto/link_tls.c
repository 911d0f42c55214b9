#include "proto/link_tls.h"

#include "common/view.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    CERTIFICATES_MAX = 16 * 1024, /* bytes of a peer's chain: one certificate is under 1 KiB */
    /* With one recv; whole records, or the rest of the last would take another. */
    READ_AHEAD = 8 * LINK_RECORD_ROOM,
};

static const unsigned char protocol[] = "\x08" LINK_PROTOCOL; /* its length before it */
static_assert(sizeof(LINK_PROTOCOL) - 1 == 8, "as the first byte says");

/* ---- the context ---- */

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    assert(bio != NULL);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert(x509 != NULL);
    BIO_free(bio);
    return x509;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *context)
{
    (void)ssl;
    (void)context;
    int rc = SSL_select_next_proto(
        (unsigned char **)out, out_size, protocol, sizeof(protocol) - 1, in, in_size);
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void set_identity(
    SSL_CTX *context, const char *ca_pem, const char *certificate_pem, const struct pki_key *key)
{
    X509 *ca = read_certificate(ca_pem);
    X509 *own = read_certificate(certificate_pem);
    int rc = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    assert(rc == 1);
    rc = SSL_CTX_use_certificate(context, own);
    assert(rc == 1);
    rc = SSL_CTX_use_PrivateKey(context, pki_key_evp(key));
    assert(rc == 1);
    X509_free(ca);
    X509_free(own);
}

static void set_limits(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(context, 0); /* the CA signs every peer itself */
    SSL_CTX_set_max_cert_list(context, CERTIFICATES_MAX);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
}

SSL_CTX *link_tls_context(
    const char *ca_pem, const char *certificate_pem, const struct pki_key *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    assert(context != NULL);
    long set = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    assert(set == 1);
    int rc = SSL_CTX_set_ciphersuites(
        context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
    assert(rc == 1);
    set_identity(context, ca_pem, certificate_pem, key);
    set_limits(context);
    rc = SSL_CTX_set_alpn_protos(context, protocol, sizeof(protocol) - 1);
    assert(rc == 0); /* unlike the others */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    ERR_clear_error();
    return context;
}

/* ---- one connection ---- */

SSL *link_tls_create(
    SSL_CTX *context, const BIO_METHOD *method, struct link_wire *wire, const char *name)
{
    SSL *ssl = SSL_new(context);
    BIO *bio = BIO_new(method);
    assert(ssl != NULL && bio != NULL);
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (name == NULL) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
        SSL_set_tlsext_host_name(ssl, name);
    }
    return ssl;
}

static bool speaks_our_protocol(const SSL *ssl)
{
    const unsigned char *chosen = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &size);
    return view_equal(view_of(chosen, size), view_text(LINK_PROTOCOL));
}

enum hearth_code link_tls_peer(SSL *ssl, struct pki_certificate *out, struct hearth_err *err)
{
    X509 *x509 = SSL_get0_peer_certificate(ssl);
    if (x509 == NULL || SSL_get_verify_result(ssl) != X509_V_OK) {
        return hearth_fail(err, HEARTH_DENIED, "no certificate");
    }
    if (!speaks_our_protocol(ssl)) {
        return hearth_fail(err, HEARTH_DENIED, "it does not speak %s", LINK_PROTOCOL);
    }
    BIO *bio = BIO_new(BIO_s_mem());
    assert(bio != NULL);
    int rc = PEM_write_bio_X509(bio, x509);
    assert(rc == 1);
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    enum hearth_code code = pki_certificate_read(view_of(bytes, (size_t)size), out, err);
    BIO_free(bio);
    return code;
}

enum hearth_code link_tls_fail(SSL *ssl, int reason, const char *doing, struct hearth_err *err)
{
    const long verdict = SSL_get_verify_result(ssl);
    const unsigned long cause = ERR_peek_error();
    const char *text = ERR_reason_error_string(cause);
    ERR_clear_error();
    if (verdict != X509_V_OK) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "%s: its certificate: %s", doing,
            X509_verify_cert_error_string(verdict));
    }
    if (reason == SSL_ERROR_SSL && text != NULL) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "%s: %s", doing, text);
    }
    return hearth_fail(err, HEARTH_UNREACHABLE, "%s: the other end closed the connection", doing);
}
