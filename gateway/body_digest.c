#include "gateway/body_digest.h"

#include "common/codec.h"

#include <assert.h>

/* ---- what was said ---- */

static enum s3_error read_payload(struct body_digest *digest, struct view payload)
{
    digest->has_sha256 = hex_decode(payload, digest->sha256, sizeof(digest->sha256));
    return S3_ERROR_NONE;
}

static enum s3_error read_md5(
    struct body_digest *digest, const struct http_head *head, const char **why)
{
    const char *text = http_head_find(head, "content-md5");
    if (text == NULL) {
        return S3_ERROR_NONE;
    }
    digest->has_md5 = http_head_count(head, "content-md5") == 1 &&
        base64_decode(view_text(text), digest->md5, sizeof(digest->md5));
    *why = NULL;
    return digest->has_md5 ? S3_ERROR_NONE : S3_ERROR_INVALID_DIGEST;
}

static enum s3_error read_checksums(
    struct body_digest *digest, const struct http_head *head, const char **why)
{
    for (unsigned i = 0; i < CHECKSUM_KINDS; i++) {
        const struct checksum_kind *kind = &checksum_kinds[i];
        const char *text = http_head_find(head, kind->header);
        if (text == NULL) {
            continue;
        }
        if (digest->kind != NULL || http_head_count(head, kind->header) > 1) {
            *why = "Expecting a single x-amz-checksum- header";
            return S3_ERROR_INVALID_REQUEST;
        }
        digest->kind = kind;
        digest->has_checksum = checksum_parse(kind, text, digest->checksum);
        if (!digest->has_checksum) {
            *why = "the value of the x-amz-checksum- header is not valid";
            return S3_ERROR_INVALID_REQUEST;
        }
    }
    return S3_ERROR_NONE;
}

static bool is_of(const struct body_digest *digest, enum hearth_checksum_kind kind)
{
    return digest->kind != NULL && digest->kind->kind == kind;
}

static struct crypto_hash *begin_if(bool wanted, enum crypto_hash_kind kind)
{
    return wanted ? crypto_hash_create(kind) : NULL;
}

/* Also after a checksum was announced: nothing was hashed until then. */
static void begin_hashes(struct body_digest *digest)
{
    body_digest_fini(digest);
    digest->running_sha256 =
        begin_if(digest->has_sha256 || is_of(digest, HEARTH_CHECKSUM_SHA256), CRYPTO_SHA256);
    digest->running_sha1 = begin_if(is_of(digest, HEARTH_CHECKSUM_SHA1), CRYPTO_SHA1);
    digest->running_md5 = begin_if(digest->has_md5, CRYPTO_MD5);
}

enum s3_error body_digest_init(struct body_digest *digest, const struct http_head *head,
    struct view payload, bool takes_checksum, const char **why)
{
    *digest = (struct body_digest){.kind = NULL};
    enum s3_error error = read_payload(digest, payload);
    if (error == S3_ERROR_NONE) {
        error = read_md5(digest, head, why);
    }
    if (error == S3_ERROR_NONE && takes_checksum) {
        error = read_checksums(digest, head, why);
    }
    if (error == S3_ERROR_NONE) {
        begin_hashes(digest);
    }
    return error;
}

void body_digest_fini(struct body_digest *digest)
{
    crypto_hash_destroy(digest->running_sha256);
    crypto_hash_destroy(digest->running_sha1);
    crypto_hash_destroy(digest->running_md5);
    digest->running_sha256 = NULL;
    digest->running_sha1 = NULL;
    digest->running_md5 = NULL;
}

const uint8_t *body_digest_hand_over_md5(struct body_digest *digest)
{
    if (!digest->has_md5) {
        return NULL;
    }
    digest->has_md5 = false;
    begin_hashes(digest);
    return digest->md5;
}

void body_digest_make(struct body_digest *digest, const struct checksum_kind *kind)
{
    assert(digest->kind == NULL);
    digest->kind = kind;
    digest->is_made = true;
    begin_hashes(digest);
}

/* ---- in a trailer ---- */

static const struct checksum_kind *kind_named(struct view name)
{
    for (unsigned i = 0; i < CHECKSUM_KINDS; i++) {
        if (view_equal(name, view_text(checksum_kinds[i].header))) {
            return &checksum_kinds[i];
        }
    }
    return NULL;
}

bool body_digest_announce(struct body_digest *digest, struct view name)
{
    const struct checksum_kind *kind = kind_named(name);
    if (kind == NULL || digest->kind != NULL) {
        return false;
    }
    digest->kind = kind;
    begin_hashes(digest);
    return true;
}

bool body_digest_trailer(struct body_digest *digest, struct view name, struct view value)
{
    if (digest->kind == NULL || kind_named(name) != digest->kind || digest->has_checksum) {
        return false;
    }
    digest->has_checksum = base64_decode(value, digest->checksum, digest->kind->size);
    return digest->has_checksum;
}

/* ---- what is so ---- */

static void update_if(struct crypto_hash *hash, struct view bytes)
{
    if (hash != NULL) {
        crypto_hash_update(hash, bytes);
    }
}

void body_digest_update(struct body_digest *digest, struct view bytes)
{
    update_if(digest->running_sha256, bytes);
    update_if(digest->running_sha1, bytes);
    update_if(digest->running_md5, bytes);
    if (digest->kind != NULL && digest->kind->crc != NULL) {
        digest->running_crc = crc_update(digest->kind->crc, digest->running_crc, bytes);
    }
}

/* sha256: of the bytes, when somebody asked for it. */
static void checksum_now(
    struct body_digest *digest, const uint8_t *sha256, uint8_t out[CHECKSUM_SIZE_MAX])
{
    switch (digest->kind->kind) {
    case HEARTH_CHECKSUM_NONE: break;
    case HEARTH_CHECKSUM_CRC32:
    case HEARTH_CHECKSUM_CRC32C:
    case HEARTH_CHECKSUM_CRC64NVME: crc_write(digest->kind->crc, digest->running_crc, out); break;
    case HEARTH_CHECKSUM_SHA1: crypto_hash_final(digest->running_sha1, out); break;
    case HEARTH_CHECKSUM_SHA256: memcpy(out, sha256, CRYPTO_SHA256_SIZE); break;
    }
}

enum s3_error body_digest_finish(struct body_digest *digest)
{
    uint8_t sha256[CRYPTO_SHA256_SIZE] = {0};
    uint8_t md5[CRYPTO_MD5_SIZE];
    uint8_t checksum[CHECKSUM_SIZE_MAX] = {0};
    if (digest->running_sha256 != NULL) {
        crypto_hash_final(digest->running_sha256, sha256);
    }
    if (digest->has_sha256 && !crypto_equal(sha256, digest->sha256, sizeof(sha256))) {
        return S3_ERROR_X_AMZ_CONTENT_SHA256_MISMATCH;
    }
    if (digest->has_md5) {
        crypto_hash_final(digest->running_md5, md5);
        if (!crypto_equal(md5, digest->md5, sizeof(md5))) {
            return S3_ERROR_BAD_DIGEST;
        }
    }
    if (digest->kind == NULL) {
        return S3_ERROR_NONE;
    }
    if (!digest->has_checksum && !digest->is_made) {
        return S3_ERROR_INVALID_REQUEST; /* announced for a trailer that did not come */
    }
    checksum_now(digest, sha256, checksum);
    if (digest->is_made) {
        memcpy(digest->checksum, checksum, digest->kind->size);
        return S3_ERROR_NONE;
    }
    return crypto_equal(checksum, digest->checksum, digest->kind->size) ? S3_ERROR_NONE
                                                                        : S3_ERROR_BAD_DIGEST;
}
