#include "common/pki.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/crypto.h"
#include "common/pki_names.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

static const char *const class_texts[PEER_CLASSES] = {
    [PEER_NODE] = "node",
    [PEER_CLIENT] = "client",
    [PEER_GATEWAY] = "gateway",
    [PEER_WORKER] = "worker",
    [PEER_ADMIN] = "admin",
    [PEER_SESSION] = "session",
    [PEER_COORDINATOR] = "coordinator",
};

const char *peer_class_text(enum peer_class class)
{
    assert(class < PEER_CLASSES);
    return class_texts[class];
}

bool peer_class_parse(struct view text, enum peer_class *out)
{
    for (unsigned i = 0; i < PEER_CLASSES; i++) {
        if (view_equal(text, view_text(class_texts[i]))) {
            *out = (enum peer_class)i;
            return true;
        }
    }
    return false;
}

void pki_dns_name(
    enum peer_class class, const uint8_t id[PKI_ID_SIZE], char name[PKI_DNS_NAME_SIZE])
{
    char id_text[PKI_ID_TEXT_SIZE] = "";
    if (id != NULL) {
        hex_encode(id, PKI_ID_SIZE, id_text);
    }
    snprintf(name, PKI_DNS_NAME_SIZE, "%s%s%s.hearth", id_text, id == NULL ? "" : ".",
        peer_class_text(class));
}

void pki_cluster_uri(const uint8_t cluster[PKI_CLUSTER_SIZE], char uri[PKI_URI_SIZE])
{
    char text[PKI_CLUSTER_TEXT_SIZE];
    hex_encode(cluster, PKI_CLUSTER_SIZE, text);
    snprintf(uri, PKI_URI_SIZE, "hearth://%s", text);
}

void pki_identity_uri(const struct peer_identity *identity, char uri[PKI_URI_SIZE])
{
    char cluster[PKI_URI_SIZE];
    pki_cluster_uri(identity->cluster, cluster);
    snprintf(uri, PKI_URI_SIZE, "%.41s/%s/%s", cluster, peer_class_text(identity->class),
        identity->id_text);
}

X509 *pki_x509_from_pem(struct view pem)
{
    if (pem.size == 0 || pem.size > PKI_PEM_MAX) { /* OpenSSL makes no BIO of no bytes */
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.size);
    assert(bio != NULL);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error(); /* its queue belongs to the thread and would be read by a later TLS call */
    return x509;
}

/* ---- the names in a certificate ---- */

static struct view string_view(const ASN1_STRING *string)
{
    return view_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* How many alternative names of the type there are, and the last of them. */
static unsigned find_names(const GENERAL_NAMES *names, int type, struct view *last)
{
    unsigned count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int actual = 0;
        const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &actual);
        if (actual == type) {
            *last = string_view(value);
            count++;
        }
    }
    return count;
}

static bool has_name(const GENERAL_NAMES *names, int type, struct view wanted)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int actual = 0;
        const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &actual);
        if (actual == type && view_equal(string_view(value), wanted)) {
            return true;
        }
    }
    return false;
}

/* Cuts up to the next '/', or all that is left. */
static struct view next_part(struct view *rest)
{
    const uint8_t *slash = rest->size > 0 ? memchr(rest->bytes, '/', rest->size) : NULL;
    size_t size = slash != NULL ? (size_t)(slash - rest->bytes) : rest->size;
    struct view part = view_of(rest->bytes, size);
    size_t skip = slash != NULL ? size + 1 : size;
    *rest = view_of(rest->bytes + skip, rest->size - skip);
    return part;
}

static bool skip_scheme(struct view *uri)
{
    static const char scheme[] = "hearth://";
    size_t size = sizeof(scheme) - 1;
    if (uri->size < size || memcmp(uri->bytes, scheme, size) != 0) {
        return false;
    }
    *uri = view_of(uri->bytes + size, uri->size - size);
    return true;
}

/* Only the one spelling pki_identity_uri() would give is taken. */
static bool parse_identity_uri(struct view uri, struct peer_identity *out)
{
    struct view rest = uri;
    if (!skip_scheme(&rest) || !hex_decode(next_part(&rest), out->cluster, PKI_CLUSTER_SIZE) ||
        !peer_class_parse(next_part(&rest), &out->class) ||
        !hex_decode(next_part(&rest), out->id, PKI_ID_SIZE)) {
        return false;
    }
    hex_encode(out->id, PKI_ID_SIZE, out->id_text);
    char canonical[PKI_URI_SIZE];
    pki_identity_uri(out, canonical);
    return view_equal(uri, view_text(canonical));
}

static bool read_identity(const GENERAL_NAMES *names, struct peer_identity *out)
{
    struct view uri;
    if (find_names(names, GEN_URI, &uri) != 1 || !parse_identity_uri(uri, out)) {
        return false;
    }
    char dns_name[PKI_DNS_NAME_SIZE];
    pki_dns_name(out->class, out->id, dns_name);
    return has_name(names, GEN_DNS, view_text(dns_name));
}

/* ---- reading ---- */

/* The hash of the certified key; false: not a P-256 key. */
static bool read_pin(X509 *x509, uint8_t pin[PKI_PIN_SIZE])
{
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    struct hearth_err ignored;
    struct pki_key *key = NULL;
    bool good =
        size > 0 && pki_key_from_public(view_of(der, (size_t)size), &key, &ignored) == HEARTH_OK;
    if (good) {
        pki_key_pin(key, pin);
    }
    pki_key_destroy(key);
    OPENSSL_free(der);
    return good;
}

/* false: a date before 1970. */
static bool read_time(const ASN1_TIME *time, uint64_t *unix_ms)
{
    struct tm fields;
    if (ASN1_TIME_to_tm(time, &fields) != 1) {
        return false;
    }
    time_t seconds = timegm(&fields);
    *unix_ms = (uint64_t)seconds * 1000;
    return seconds >= 0;
}

static enum hearth_code read_x509(X509 *x509, struct pki_certificate *out, struct hearth_err *err)
{
    struct pki_certificate read = {0};
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool named = names != NULL && read_identity(names, &read.identity);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    if (!named) {
        return hearth_fail(err, HEARTH_INVALID, "certificate: its names are not of a Hearth peer");
    }
    if (!read_pin(x509, read.pin) || memcmp(read.pin, read.identity.id, PKI_ID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "certificate of %s %s: not the id of its key",
            peer_class_text(read.identity.class), read.identity.id_text);
    }
    if (!read_time(X509_get0_notBefore(x509), &read.not_before_unix_ms) ||
        !read_time(X509_get0_notAfter(x509), &read.not_after_unix_ms)) {
        return hearth_fail(err, HEARTH_INVALID, "certificate of %s %s: unreadable dates",
            peer_class_text(read.identity.class), read.identity.id_text);
    }
    *out = read;
    return HEARTH_OK;
}

enum hearth_code pki_certificate_read(
    struct view pem, struct pki_certificate *out, struct hearth_err *err)
{
    X509 *x509 = pki_x509_from_pem(pem);
    if (x509 == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "not a certificate in PEM");
    }
    enum hearth_code code = read_x509(x509, out, err);
    X509_free(x509);
    return code;
}

static bool read_ca(X509 *x509, uint8_t cluster[PKI_CLUSTER_SIZE], uint8_t pin[PKI_PIN_SIZE])
{
    struct view uri;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool good = names != NULL && find_names(names, GEN_URI, &uri) == 1 && skip_scheme(&uri) &&
        hex_decode(uri, cluster, PKI_CLUSTER_SIZE) && X509_check_ca(x509) == 1 &&
        read_pin(x509, pin);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return good;
}

enum hearth_code pki_ca_read(struct view pem, uint8_t cluster[PKI_CLUSTER_SIZE],
    uint8_t pin[PKI_PIN_SIZE], struct hearth_err *err)
{
    X509 *x509 = pki_x509_from_pem(pem);
    bool good = x509 != NULL && read_ca(x509, cluster, pin);
    X509_free(x509);
    return good ? HEARTH_OK
                : hearth_fail(err, HEARTH_INVALID, "not the CA certificate of a Hearth cluster");
}

/* ---- trusting ---- */

/* OpenSSL's verdict: X509_V_OK or why not. */
static int chain_verdict(X509 *x509, X509 *ca, uint64_t now_unix_ms)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert(store != NULL && context != NULL);
    int rc = X509_STORE_add_cert(store, ca);
    assert(rc == 1);
    rc = X509_STORE_CTX_init(context, store, x509, NULL);
    assert(rc == 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)(now_unix_ms / 1000));
    int verdict = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return verdict;
}

static enum hearth_code refusal(
    int verdict, const struct peer_identity *identity, struct hearth_err *err)
{
    bool dated = verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID;
    return hearth_fail(err, dated ? HEARTH_EXPIRED : HEARTH_DENIED, "certificate of %s %s: %s",
        peer_class_text(identity->class), identity->id_text,
        X509_verify_cert_error_string(verdict));
}

static enum hearth_code check_trust(struct env *env, X509 *x509, X509 *ca,
    const struct peer_identity *identity, struct hearth_err *err)
{
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (!read_ca(ca, cluster, pin)) {
        return hearth_fail(err, HEARTH_INVALID, "not the CA certificate of a Hearth cluster");
    }
    int verdict = chain_verdict(x509, ca, env_unix_ms(env));
    if (verdict != X509_V_OK) {
        return refusal(verdict, identity, err);
    }
    if (memcmp(cluster, identity->cluster, PKI_CLUSTER_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "certificate of %s %s: of another cluster",
            peer_class_text(identity->class), identity->id_text);
    }
    return HEARTH_OK;
}

enum hearth_code pki_certificate_verify(struct env *env, struct view pem, const char *ca_pem,
    struct pki_certificate *out, struct hearth_err *err)
{
    X509 *x509 = pki_x509_from_pem(pem);
    X509 *ca = pki_x509_from_pem(view_text(ca_pem));
    struct pki_certificate read;
    enum hearth_code code;
    if (x509 == NULL || ca == NULL) {
        code = hearth_fail(
            err, HEARTH_INVALID, "%s certificate: not in PEM", x509 == NULL ? "peer's" : "CA's");
    } else {
        code = read_x509(x509, &read, err);
    }
    if (code == HEARTH_OK) {
        code = check_trust(env, x509, ca, &read.identity, err);
    }
    if (code == HEARTH_OK) {
        *out = read;
    }
    X509_free(x509);
    X509_free(ca);
    return code;
}

int64_t pki_seconds_left(struct env *env, const struct pki_certificate *certificate)
{
    return ((int64_t)certificate->not_after_unix_ms - (int64_t)env_unix_ms(env)) / 1000;
}
