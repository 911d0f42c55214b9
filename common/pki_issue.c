#include "common/codec.h"
#include "common/pki.h"
#include "common/pki_names.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

enum { SERIAL_SIZE = 16, X509_VERSION_3_VALUE = 2 };

/* Making a certificate of checked parts fails only for want of memory or through a bug of ours. */
static void must(int rc)
{
    assert(rc == 1);
}

static void set_serial(struct env *env, X509 *x509)
{
    uint8_t bytes[SERIAL_SIZE];
    env_random(env, bytes, sizeof(bytes));
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always 16 bytes long */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    assert(number != NULL);
    ASN1_INTEGER *set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    assert(set != NULL);
    BN_free(number);
}

static void set_validity(struct env *env, X509 *x509, uint64_t lifetime_s)
{
    time_t now = (time_t)(env_unix_ms(env) / 1000);
    assert(now > PKI_BACKDATE_S);
    const ASN1_TIME *set = ASN1_TIME_set(X509_getm_notBefore(x509), now - PKI_BACKDATE_S);
    assert(set != NULL);
    set = ASN1_TIME_set(X509_getm_notAfter(x509), now + (time_t)lifetime_s);
    assert(set != NULL);
}

static void set_name(X509_NAME *name, const char *common_name)
{
    must(X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0));
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert(extension != NULL);
    must(X509_add_ext(x509, extension, -1));
    X509_EXTENSION_free(extension);
}

static X509 *create_blank(struct env *env, const struct pki_key *key, uint64_t lifetime_s)
{
    X509 *x509 = X509_new();
    assert(x509 != NULL);
    must(X509_set_version(x509, X509_VERSION_3_VALUE));
    must(X509_set_pubkey(x509, pki_key_evp(key)));
    set_serial(env, x509);
    set_validity(env, x509, lifetime_s);
    return x509;
}

/* Signs it, writes it as text, and is done with it. */
static char *finish(X509 *x509, const struct pki_key *ca_key)
{
    int signature_size = X509_sign(x509, pki_key_evp(ca_key), EVP_sha256());
    assert(signature_size > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    assert(bio != NULL);
    must(PEM_write_bio_X509(bio, x509));
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    char *pem = strndup(bytes, (size_t)size);
    assert(pem != NULL);
    BIO_free(bio);
    X509_free(x509);
    return pem;
}

char *pki_ca_certificate(struct env *env, const struct pki_key *ca_key,
    const uint8_t cluster[PKI_CLUSTER_SIZE], uint64_t lifetime_s)
{
    char text[PKI_CLUSTER_TEXT_SIZE];
    char common_name[sizeof("Hearth ") + PKI_CLUSTER_TEXT_SIZE];
    hex_encode(cluster, PKI_CLUSTER_SIZE, text);
    snprintf(common_name, sizeof(common_name), "Hearth %s", text);
    char uri[PKI_URI_SIZE];
    pki_cluster_uri(cluster, uri);
    char names[PKI_URI_SIZE + sizeof("URI:")];
    snprintf(names, sizeof(names), "URI:%s", uri);

    X509 *x509 = create_blank(env, ca_key, lifetime_s);
    set_name(X509_get_subject_name(x509), common_name);
    must(X509_set_issuer_name(x509, X509_get_subject_name(x509)));
    add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(x509, x509, NID_subject_alt_name, names);
    add_extension(x509, x509, NID_subject_key_identifier, "hash");
    return finish(x509, ca_key);
}

/* The CA's certificate, opened and found to be of this key. */
static enum hearth_code open_ca(const struct pki_key *ca_key, const char *ca_pem,
    uint8_t cluster[PKI_CLUSTER_SIZE], X509 **out, struct hearth_err *err)
{
    uint8_t certified[PKI_PIN_SIZE];
    enum hearth_code code = pki_ca_read(view_text(ca_pem), cluster, certified, err);
    if (code != HEARTH_OK) {
        return code;
    }
    uint8_t actual[PKI_PIN_SIZE];
    pki_key_pin(ca_key, actual);
    if (memcmp(certified, actual, PKI_PIN_SIZE) != 0) {
        return hearth_fail(err, HEARTH_INVALID, "the CA certificate is not of the CA key");
    }
    *out = pki_x509_from_pem(view_text(ca_pem));
    assert(*out != NULL);
    return HEARTH_OK;
}

static struct peer_identity identity_of(
    const struct pki_subject *subject, const uint8_t cluster[PKI_CLUSTER_SIZE])
{
    struct peer_identity identity = {.class = subject->class};
    pki_key_id(subject->key, identity.id);
    hex_encode(identity.id, PKI_ID_SIZE, identity.id_text);
    memcpy(identity.cluster, cluster, PKI_CLUSTER_SIZE);
    return identity;
}

static void add_names(X509 *x509, X509 *ca, const struct peer_identity *identity)
{
    char uri[PKI_URI_SIZE];
    pki_identity_uri(identity, uri);
    char own[PKI_DNS_NAME_SIZE];
    pki_dns_name(identity->class, identity->id, own);
    char of_class[PKI_DNS_NAME_SIZE];
    pki_dns_name(identity->class, NULL, of_class);

    char names[PKI_URI_SIZE + 3 * PKI_DNS_NAME_SIZE];
    bool shared = identity->class == PEER_COORDINATOR;
    snprintf(names, sizeof(names), "URI:%s,DNS:%s%s%s", uri, own, shared ? ",DNS:" : "",
        shared ? of_class : "");
    add_extension(x509, ca, NID_subject_alt_name, names);
}

static void end_with_ca(X509 *x509, const X509 *ca)
{
    const ASN1_TIME *ca_end = X509_get0_notAfter(ca);
    if (ASN1_TIME_compare(X509_get0_notAfter(x509), ca_end) > 0) {
        must(X509_set1_notAfter(x509, ca_end));
    }
}

enum hearth_code pki_issue(struct env *env, const struct pki_key *ca_key, const char *ca_pem,
    const struct pki_subject *subject, char **pem, struct hearth_err *err)
{
    X509 *ca = NULL;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    enum hearth_code code = open_ca(ca_key, ca_pem, cluster, &ca, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct peer_identity identity = identity_of(subject, cluster);
    X509 *x509 = create_blank(env, subject->key, subject->lifetime_s);
    end_with_ca(x509, ca);
    set_name(X509_get_subject_name(x509), identity.id_text);
    must(X509_set_issuer_name(x509, X509_get_subject_name(ca)));
    add_extension(x509, ca, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x509, ca, NID_key_usage, "critical,digitalSignature");
    add_extension(x509, ca, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(x509, ca, NID_authority_key_identifier, "keyid");
    add_names(x509, ca, &identity);
    *pem = finish(x509, ca_key);
    X509_free(ca);
    return HEARTH_OK;
}
