/*
 * pki_key.h - ECDSA P-256 keys: made, kept in a file, named by their hash, used to sign.
 *
 * Thread-safety: keys never change after creation; share them freely.
 */
#ifndef HEARTH_COMMON_PKI_KEY_H
#define HEARTH_COMMON_PKI_KEY_H

#include "common/err.h"
#include "common/view.h"

enum {
    PKI_ID_SIZE = 20,
    PKI_ID_TEXT_SIZE = 2 * PKI_ID_SIZE + 1,
    PKI_PIN_SIZE = 32,
    PKI_PUBLIC_SIZE = 91,    /* SubjectPublicKeyInfo of an uncompressed P-256 point, DER */
    PKI_SIGNATURE_MAX = 72,  /* ECDSA-Sig-Value of P-256, DER */
    PKI_PEM_MAX = 16 * 1024, /* a key or certificate text longer than this is refused */
};

struct pki_key; /* a P-256 key pair, or its public half alone */

enum hearth_code pki_key_create(struct pki_key **out, struct hearth_err *err);
void pki_key_destroy(struct pki_key *key); /* accepts NULL */

/* Reads a PEM private key.  HEARTH_DENIED: group or others may read the file.  HEARTH_NOT_FOUND:
 * there is none.  HEARTH_INVALID: not a P-256 private key. */
enum hearth_code pki_key_load(const char *path, struct pki_key **out, struct hearth_err *err);

/* Creates `path` with mode 0600, durably.  HEARTH_EXISTS: there is a file already, left alone. */
enum hearth_code pki_key_save(const struct pki_key *key, const char *path, struct hearth_err *err);

/* The private key as PEM (PKCS 8, not encrypted), to be wiped and freed with pki_pem_destroy(). */
char *pki_key_pem(const struct pki_key *key);
void pki_pem_destroy(char *pem); /* accepts NULL */

/* From a PEM private key. HEARTH_INVALID: not a P-256 private key. */
enum hearth_code pki_key_from_pem(struct view pem, struct pki_key **out, struct hearth_err *err);

/* The public half to and from DER.  HEARTH_INVALID: not the DER of an uncompressed P-256 point. */
void pki_key_public(const struct pki_key *key, uint8_t der[PKI_PUBLIC_SIZE]);
enum hearth_code pki_key_from_public(struct view der, struct pki_key **out, struct hearth_err *err);

/* The first 20 bytes of the pin. */
void pki_key_id(const struct pki_key *key, uint8_t id[PKI_ID_SIZE]);

/* SHA-256 of the public half's DER: what an invite says of the CA. */
void pki_key_pin(const struct pki_key *key, uint8_t pin[PKI_PIN_SIZE]);

/* OpenSSL's name for it, for certificates and TLS; borrowed from the key. */
struct evp_pkey_st *pki_key_evp(const struct pki_key *key);

/* ---- signatures: ECDSA over SHA-256 of the message ---- */

struct pki_signature {
    uint8_t bytes[PKI_SIGNATURE_MAX];
    size_t size;
};

/* `key` is a pair. */
void pki_sign(const struct pki_key *key, struct view message, struct pki_signature *out);

/* false also when `signature` is no signature at all. */
bool pki_verify(const struct pki_key *key, struct view message, struct view signature);

#endif /* HEARTH_COMMON_PKI_KEY_H */
