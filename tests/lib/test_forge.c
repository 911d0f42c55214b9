#include "tests/lib/test_forge.h"

#include "common/pki_names.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void replace_names(X509 *x509, const char *names)
{
    int at = X509_get_ext_by_NID(x509, NID_subject_alt_name, -1);
    X509_EXTENSION_free(X509_delete_ext(x509, at));
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    int rc = X509_add_ext(x509, extension, -1);
    assert(rc == 1);
    X509_EXTENSION_free(extension);
}

char *test_forge(
    const char *pem, const struct pki_key *ca_key, const struct pki_key *key, const char *names)
{
    X509 *x509 = pki_x509_from_pem(view_text(pem));
    assert(x509 != NULL);
    if (key != NULL) {
        int rc = X509_set_pubkey(x509, pki_key_evp(key));
        assert(rc == 1);
    }
    if (names != NULL) {
        replace_names(x509, names);
    }
    int signature_size = X509_sign(x509, pki_key_evp(ca_key), EVP_sha256());
    assert(signature_size > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x509);
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    char *forged = strndup(bytes, (size_t)size);
    BIO_free(bio);
    X509_free(x509);
    return forged;
}
