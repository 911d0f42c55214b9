#include "gateway/body.h"

#include "common/codec.h"
#include "gateway/auth_proof.h"
#include "gateway/body_chunks.h"

#include <assert.h>

/* The words of x-amz-content-sha256, and the hash of it. */
static const struct mode {
    const char *word; /* NULL: 64 digits */
    bool in_chunks;
    bool is_signed;
    bool has_trailer;
} modes[] = {
    {NULL, false, true, false},
    {"UNSIGNED-PAYLOAD", false, false, false},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", true, true, false},
    {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", true, false, true},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true, true, true},
};

struct body {
    /* Set once. */
    const struct mode *mode;
    struct hearth_source raw;
    uint64_t size; /* decoded, as was said */

    struct body_digest digest;
    struct body_chunks *chunks; /* NULL: not in chunks */
    uint64_t got;
    bool has_ended;
    bool is_handed_over; /* digests are made by `see`, and judged by `vouch` */
    enum s3_error error;
    struct hearth_err failure; /* of the read that failed; code 0: none */
    struct hearth_checksum checksum;
    struct hearth_checksums checksums;
};

/* ---- opening: what the head says ---- */

static const struct mode *find_mode(struct view payload)
{
    uint8_t sha256[CRYPTO_SHA256_SIZE];
    for (size_t i = 1; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (view_equal(payload, view_text(modes[i].word))) {
            return &modes[i];
        }
    }
    return hex_decode(payload, sha256, sizeof(sha256)) ? &modes[0] : NULL;
}

/* Decimal, at most 18 digits. */
static bool read_decimal(const char *text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 18) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return text[0] != '\0';
}

static enum s3_error read_sizes(struct body *body, const struct http_head *head,
    const struct route *route, uint64_t raw_size, const char **why)
{
    const char *decoded = http_head_find(head, "x-amz-decoded-content-length");
    if (!body->mode->in_chunks) {
        body->size = raw_size;
        return raw_size == HEARTH_SIZE_UNKNOWN && route->body == ROUTE_BODY_OBJECT
            ? S3_ERROR_MISSING_CONTENT_LENGTH
            : S3_ERROR_NONE;
    }
    if (decoded == NULL) {
        return S3_ERROR_MISSING_CONTENT_LENGTH;
    }
    if (http_head_count(head, "x-amz-decoded-content-length") != 1 ||
        !read_decimal(decoded, &body->size)) {
        *why = "x-amz-decoded-content-length is no length";
        return S3_ERROR_INVALID_ARGUMENT;
    }
    return S3_ERROR_NONE;
}

/* One checksum may be announced; nothing else is taken from behind a body. */
static enum s3_error read_trailer_name(
    struct body *body, const struct http_head *head, const char **why)
{
    const char *name = http_head_find(head, "x-amz-trailer");
    if (name == NULL) {
        return S3_ERROR_NONE;
    }
    if (!body->mode->has_trailer || http_head_count(head, "x-amz-trailer") != 1 ||
        !body_digest_announce(&body->digest, view_text(name))) {
        *why = "x-amz-trailer announces what is not taken from there";
        return S3_ERROR_INVALID_REQUEST;
    }
    return S3_ERROR_NONE;
}

static enum s3_error open_chunks(
    struct body *body, const struct auth_proof *proof, struct arena *arena)
{
    const struct body_chunks_options options = {
        .raw = body->raw,
        .size = body->size,
        .is_signed = body->mode->is_signed,
        .has_trailer = body->mode->has_trailer,
        .key = proof->key,
        .scope = proof->claim.scope,
        .time = proof->claim.time,
        .seed = proof->signature,
    };
    body->chunks = arena_take(arena, sizeof(*body->chunks));
    if (body->chunks == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    body_chunks_init(body->chunks, &options, &body->digest);
    return S3_ERROR_NONE;
}

/* Complete says with this header what the object is, not its own document. */
static bool takes_checksum(const struct route *route)
{
    return strcmp(route->operation, "CompleteMultipartUpload") != 0;
}

static void note_checksum(struct body *body)
{
    const struct checksum_kind *kind = body->digest.kind;
    if (kind != NULL) {
        body->checksum = (struct hearth_checksum){
            .kind = kind->kind, .value = view_of(body->digest.checksum, kind->size)};
        body->checksums = (struct hearth_checksums){1, &body->checksum};
    }
}

static enum s3_error open_parts(struct body *body, const struct auth_proof *proof,
    const struct request *request, const struct route *route, uint64_t raw_size,
    struct arena *arena, const char **why)
{
    const struct http_head *head = request->head;
    enum s3_error error =
        body_digest_init(&body->digest, head, proof->claim.payload, takes_checksum(route), why);
    if (error == S3_ERROR_NONE) {
        error = read_sizes(body, head, route, raw_size, why);
    }
    if (error == S3_ERROR_NONE) {
        error = read_trailer_name(body, head, why);
    }
    if (error == S3_ERROR_NONE && body->mode->in_chunks) {
        error = open_chunks(body, proof, arena);
    }
    return error;
}

enum s3_error body_open(const struct auth_proof *proof, const struct request *request,
    const struct route *route, struct hearth_source raw, uint64_t raw_size, struct arena *arena,
    struct body **out, const char **why)
{
    const struct view payload =
        proof->is_anonymous ? view_text("UNSIGNED-PAYLOAD") : proof->claim.payload;
    const struct mode *mode = find_mode(payload);
    *why = NULL;
    if (proof->is_anonymous && raw_size != 0) {
        *why = "who does not sign sends no body";
        return S3_ERROR_ACCESS_DENIED;
    }
    if (mode == NULL) {
        *why = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- word that is known,"
               " or a valid sha256 value";
        return S3_ERROR_INVALID_ARGUMENT;
    }
    struct body *body = arena_take(arena, sizeof(*body));
    if (body == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    *body = (struct body){.mode = mode, .raw = raw, .error = S3_ERROR_NONE};
    enum s3_error error = open_parts(body, proof, request, route, raw_size, arena, why);
    if (error != S3_ERROR_NONE) {
        body_close(body);
        return error;
    }
    note_checksum(body);
    *out = body;
    return S3_ERROR_NONE;
}

void body_close(struct body *body)
{
    if (body != NULL) {
        body_digest_fini(&body->digest);
        if (body->chunks != NULL) {
            body_chunks_fini(body->chunks);
        }
    }
}

/* ---- reading ---- */

static enum hearth_code wrong(
    struct body *body, enum s3_error error, const char *what, struct hearth_err *err)
{
    body->error = error;
    return hearth_fail(err, HEARTH_INVALID, "body: %s", what);
}

static enum hearth_code judge(struct body *body, struct hearth_err *err)
{
    enum s3_error error = body_digest_finish(&body->digest);
    return error == S3_ERROR_NONE ? HEARTH_OK : wrong(body, error, s3_error_message(error), err);
}

static enum hearth_code end(struct body *body, struct hearth_err *err)
{
    if (body->size != HEARTH_SIZE_UNKNOWN && body->got < body->size) {
        return wrong(body, S3_ERROR_INCOMPLETE_BODY, "shorter than was said", err);
    }
    enum hearth_code code = body->is_handed_over ? HEARTH_OK : judge(body, err);
    body->has_ended = code == HEARTH_OK;
    return code;
}

static enum hearth_code read_part(
    struct body *body, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    if (body->chunks == NULL) {
        return body->raw.read(body->raw.context, bytes, size, out_got, err);
    }
    enum hearth_code code = body_chunks_read(body->chunks, bytes, size, out_got, err);
    body->error = body->chunks->error;
    return code;
}

static enum hearth_code read_now(
    struct body *body, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    enum hearth_code code = read_part(body, bytes, size, out_got, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (*out_got == 0) {
        return end(body, err);
    }
    body->got += *out_got;
    if (body->got > body->size) {
        return wrong(body, S3_ERROR_INVALID_REQUEST, "longer than was said", err);
    }
    if (!body->is_handed_over) {
        body_digest_update(&body->digest, view_of(bytes, *out_got));
    }
    return HEARTH_OK;
}

static enum hearth_code read_body(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct body *body = context;
    assert(size > 0); /* else 0 bytes would not be the end */
    *out_got = 0;
    if (body->failure.code != HEARTH_OK) {
        *err = body->failure;
        return err->code;
    }
    if (body->has_ended) {
        return HEARTH_OK;
    }
    enum hearth_code code = read_now(body, bytes, size, out_got, err);
    if (code != HEARTH_OK) {
        *out_got = 0;
        body->failure = *err;
    }
    return code;
}

static bool wait_for_body(void *context, unsigned wait_ms)
{
    struct body *body = context;
    bool is_here = body->failure.code != HEARTH_OK || body->has_ended ||
        (body->chunks != NULL && body->chunks->start < body->chunks->end);
    return is_here || body->raw.wait == NULL || body->raw.wait(body->raw.context, wait_ms);
}

static void see_body(void *context, struct view bytes)
{
    struct body *body = context;
    assert(body->is_handed_over); /* else all was seen when it was read */
    body_digest_update(&body->digest, bytes);
}

static enum hearth_code vouch_for_body(void *context, struct hearth_err *err)
{
    struct body *body = context;
    assert(body->is_handed_over && body->has_ended);
    return judge(body, err);
}

struct hearth_source body_source(struct body *body)
{
    return (struct hearth_source){
        .read = read_body,
        .wait = wait_for_body,
        .see = see_body,
        .vouch = vouch_for_body,
        .context = body,
    };
}

uint64_t body_size(const struct body *body)
{
    return body->size;
}

enum s3_error body_error(const struct body *body)
{
    return body->error;
}

const struct hearth_checksums *body_checksums(const struct body *body)
{
    return &body->checksums;
}

void body_make_checksum(struct body *body, const struct checksum_kind *kind)
{
    assert(body->got == 0 && !body->has_ended && body->checksums.count == 0);
    body_digest_make(&body->digest, kind);
    note_checksum(body);
}

const uint8_t *body_hand_over(struct body *body)
{
    assert(body->got == 0 && !body->has_ended && !body->is_handed_over);
    body->is_handed_over = true;
    return body_digest_hand_over_md5(&body->digest);
}
