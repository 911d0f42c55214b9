#include "common/sigv4.h"

#include "common/codec.h"

#include <assert.h>
#include <stdio.h>

static const char algorithm[] = "AWS4-HMAC-SHA256";
static const char empty_sha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

enum {
    SECRET_MAX = 128,
    DIGEST_TEXT_SIZE = 2 * CRYPTO_SHA256_SIZE + 1,
    /* Algorithm, time, scope and three digests, with their line ends. */
    TO_SIGN_SIZE = 64 + SIGV4_TIME_SIZE + SIGV4_DATE_SIZE + SIGV4_REGION_MAX + 3 * DIGEST_TEXT_SIZE,
};

/* ---- the key ---- */

void sigv4_derive_key(
    struct view secret, const struct sigv4_scope *scope, uint8_t key[CRYPTO_KEY_SIZE])
{
    assert(secret.size <= SECRET_MAX);
    uint8_t prefixed[4 + SECRET_MAX] = "AWS4";
    memcpy(prefixed + 4, secret.bytes, secret.size);
    const struct view steps[] = {
        scope->date, scope->region, view_text("s3"), view_text("aws4_request")};
    crypto_hmac_sha256(view_of(prefixed, 4 + secret.size), steps[0], key);
    for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++) {
        crypto_hmac_sha256(view_of(key, CRYPTO_KEY_SIZE), steps[i], key);
    }
    crypto_wipe(prefixed, sizeof(prefixed));
}

/* ---- signatures ---- */

/* "AWS4-HMAC-SHA256<suffix>\n<time>\n<scope>\n"; its length. */
static size_t begin(
    char text[TO_SIGN_SIZE], const char *suffix, struct view time, const struct sigv4_scope *scope)
{
    assert(time.size == SIGV4_TIME_SIZE && scope->date.size == SIGV4_DATE_SIZE);
    assert(scope->region.size <= SIGV4_REGION_MAX);
    int size = snprintf(text, TO_SIGN_SIZE, "%s%s\n%.*s\n%.*s/%.*s/s3/aws4_request\n", algorithm,
        suffix, VIEW_ARGS(time), VIEW_ARGS(scope->date), VIEW_ARGS(scope->region));
    assert(0 < size && size < TO_SIGN_SIZE);
    return (size_t)size;
}

static void sign(const uint8_t key[CRYPTO_KEY_SIZE], const char *text, size_t size,
    char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    uint8_t mac[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256(view_of(key, CRYPTO_KEY_SIZE), view_of(text, size), mac);
    hex_encode(mac, sizeof(mac), signature);
}

void sigv4_sign_request(const uint8_t key[CRYPTO_KEY_SIZE], const struct sigv4_scope *scope,
    struct view time, struct view canonical_request, char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    char text[TO_SIGN_SIZE];
    uint8_t digest[CRYPTO_SHA256_SIZE];
    size_t size = begin(text, "", time, scope);
    crypto_sha256(canonical_request, digest);
    assert(size + DIGEST_TEXT_SIZE <= sizeof(text));
    hex_encode(digest, sizeof(digest), text + size);
    sign(key, text, size + DIGEST_TEXT_SIZE - 1, signature);
}

void sigv4_sign_piece(const uint8_t key[CRYPTO_KEY_SIZE], const struct sigv4_scope *scope,
    struct view time, enum sigv4_piece piece, const char previous[SIGV4_SIGNATURE_SIZE + 1],
    const uint8_t piece_sha256[CRYPTO_SHA256_SIZE], char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    char text[TO_SIGN_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    hex_encode(piece_sha256, CRYPTO_SHA256_SIZE, digest);
    size_t size = begin(text, piece == SIGV4_CHUNK ? "-PAYLOAD" : "-TRAILER", time, scope);
    /* A chunk's text has the hash of its headers too, of which there are none. */
    int rest = piece == SIGV4_CHUNK
        ? snprintf(text + size, sizeof(text) - size, "%s\n%s\n%s", previous, empty_sha256, digest)
        : snprintf(text + size, sizeof(text) - size, "%s\n%s", previous, digest);
    assert(rest > 0 && (size_t)rest < sizeof(text) - size);
    sign(key, text, size + (size_t)rest, signature);
}
