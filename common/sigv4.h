/*
 * sigv4.h - the arithmetic of AWS Signature Version 4 that whoever signs and whoever checks share.
 *
 *   secret --date, region, service--> signing key, good for one day and one region
 *   signing key, what is to be signed --> signature, 64 hexadecimal digits
 *
 * The service is always s3.  Pure functions; which bytes are to be signed is decided elsewhere.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
#ifndef HEARTH_COMMON_SIGV4_H
#define HEARTH_COMMON_SIGV4_H

#include "common/crypto.h"

enum {
    SIGV4_DATE_SIZE = 8,       /* "20130524" */
    SIGV4_TIME_SIZE = 16,      /* "20130524T000000Z" */
    SIGV4_SIGNATURE_SIZE = 64, /* digits */
    SIGV4_REGION_MAX = 64,
};

/* What a signature is for. */
struct sigv4_scope {
    struct view date;   /* SIGV4_DATE_SIZE */
    struct view region; /* up to SIGV4_REGION_MAX */
};

/* The key for one scope; the secret has up to 128 bytes. */
void sigv4_derive_key(
    struct view secret, const struct sigv4_scope *scope, uint8_t key[CRYPTO_KEY_SIZE]);

/*
 * The signature of a request: of the hash of its canonical form, at `time` (SIGV4_TIME_SIZE).
 * Lower-case digits, and the zero.
 */
void sigv4_sign_request(const uint8_t key[CRYPTO_KEY_SIZE], const struct sigv4_scope *scope,
    struct view time, struct view canonical_request, char signature[SIGV4_SIGNATURE_SIZE + 1]);

/* What follows a request in pieces: each signature covers the one before it. */
enum sigv4_piece { SIGV4_CHUNK, SIGV4_TRAILER };

void sigv4_sign_piece(const uint8_t key[CRYPTO_KEY_SIZE], const struct sigv4_scope *scope,
    struct view time, enum sigv4_piece piece, const char previous[SIGV4_SIGNATURE_SIZE + 1],
    const uint8_t piece_sha256[CRYPTO_SHA256_SIZE], char signature[SIGV4_SIGNATURE_SIZE + 1]);

#endif /* HEARTH_COMMON_SIGV4_H */
