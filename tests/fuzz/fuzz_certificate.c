/*
 * fuzz_certificate: what a peer shows as its certificate is refused, or names a holder who is what
 * the key says.  The input is DER, which is put into PEM, or PEM when it begins with a dash.
 */
#include "common/codec.h"
#include "common/pki.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/evp.h>

enum { INPUT_MAX = 16 * 1024 };

static void check_identity(const struct pki_certificate *certificate)
{
    const struct peer_identity *identity = &certificate->identity;
    char id_text[PKI_ID_TEXT_SIZE];
    assert(identity->class < PEER_CLASSES);
    assert(memcmp(identity->id, certificate->pin, PKI_ID_SIZE) == 0);
    hex_encode(identity->id, PKI_ID_SIZE, id_text);
    assert(strcmp(id_text, identity->id_text) == 0);
}

static void fuzz_pem(struct view pem)
{
    struct hearth_err err;
    struct pki_certificate certificate;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (pki_certificate_read(pem, &certificate, &err) == HEARTH_OK) {
        check_identity(&certificate);
    }
    (void)pki_ca_read(pem, cluster, pin, &err);
}

static void fuzz_der(struct view der)
{
    static const char head[] = "-----BEGIN CERTIFICATE-----\n";
    static const char tail[] = "\n-----END CERTIFICATE-----\n";
    char *pem = malloc(sizeof(head) + sizeof(tail) + 2 * der.size + 8);
    assert(pem != NULL);
    memcpy(pem, head, sizeof(head) - 1);
    size_t length = sizeof(head) - 1;
    length += (size_t)EVP_EncodeBlock((unsigned char *)pem + length, der.bytes, (int)der.size);
    memcpy(pem + length, tail, sizeof(tail));
    fuzz_pem(view_text(pem));
    free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    if (size > 0 && data[0] == '-') {
        fuzz_pem(view_of(data, size));
    } else {
        fuzz_der(view_of(data, size));
    }
    return 0;
}
