#include "gateway/body_chunks.h"

#include "common/codec.h"

#include <assert.h>

void body_chunks_init(struct body_chunks *chunks, const struct body_chunks_options *options,
    struct body_digest *digest)
{
    *chunks = (struct body_chunks){
        .options = *options, .digest = digest, .left = options->size, .error = S3_ERROR_NONE};
    if (options->is_signed) {
        chunks->chunk_sha256 = crypto_hash_create(CRYPTO_SHA256);
        memcpy(chunks->previous, options->seed, sizeof(chunks->previous));
    }
}

void body_chunks_fini(struct body_chunks *chunks)
{
    crypto_hash_destroy(chunks->chunk_sha256);
    chunks->chunk_sha256 = NULL;
}

static enum hearth_code wrong(
    struct body_chunks *chunks, enum s3_error error, const char *what, struct hearth_err *err)
{
    chunks->error = error;
    return hearth_fail(err, HEARTH_INVALID, "body in pieces: %s", what);
}

/* ---- raw bytes ---- */

static enum hearth_code read_raw(
    struct body_chunks *chunks, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    const struct hearth_source *raw = &chunks->options.raw;
    enum hearth_code code = raw->read(raw->context, bytes, size, out_got, err);
    assert(code != HEARTH_OK || *out_got <= size);
    return code;
}

/* *is_there false: the body ends here. */
static enum hearth_code fill_buffer(
    struct body_chunks *chunks, bool *is_there, struct hearth_err *err)
{
    *is_there = chunks->start < chunks->end;
    if (*is_there) {
        return HEARTH_OK;
    }
    size_t got = 0;
    enum hearth_code code = read_raw(chunks, chunks->buffer, sizeof(chunks->buffer), &got, err);
    chunks->start = 0;
    chunks->end = code == HEARTH_OK ? got : 0;
    *is_there = chunks->end > 0;
    return code;
}

static enum hearth_code next_byte(struct body_chunks *chunks, uint8_t *out, struct hearth_err *err)
{
    bool is_there;
    enum hearth_code code = fill_buffer(chunks, &is_there, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (!is_there) {
        return wrong(chunks, S3_ERROR_INCOMPLETE_BODY, "it ends before its last chunk", err);
    }
    *out = chunks->buffer[chunks->start++];
    return HEARTH_OK;
}

/* Up to and without "\r\n". */
static enum hearth_code read_line(
    struct body_chunks *chunks, char line[BODY_LINE_MAX], size_t *out_size, struct hearth_err *err)
{
    size_t size = 0;
    for (;;) {
        uint8_t byte = 0;
        if (next_byte(chunks, &byte, err) != HEARTH_OK) {
            return err->code;
        }
        if (byte == '\n' && size > 0 && line[size - 1] == '\r') {
            *out_size = size - 1;
            return HEARTH_OK;
        }
        if (size == BODY_LINE_MAX) {
            return wrong(chunks, S3_ERROR_INVALID_REQUEST, "the head of a chunk is too long", err);
        }
        line[size++] = (char)byte;
    }
}

/* ---- a chunk's head ---- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal, at most 15 digits; how many it had, 0: none, or too many. */
static size_t read_size(struct view line, uint64_t *out)
{
    size_t digits = 0;
    *out = 0;
    while (digits < line.size && digit_of((char)line.bytes[digits]) >= 0) {
        if (digits == 15) {
            return 0;
        }
        *out = *out << 4 | (unsigned)digit_of((char)line.bytes[digits++]);
    }
    return digits;
}

/* ";chunk-signature=" and 64 digits, or nothing at all. */
static bool read_extension(struct body_chunks *chunks, struct view rest)
{
    static const char name[] = ";chunk-signature=";
    const size_t size = sizeof(name) - 1;
    if (!chunks->options.is_signed) {
        return rest.size == 0;
    }
    if (rest.size != size + SIGV4_SIGNATURE_SIZE || memcmp(rest.bytes, name, size) != 0) {
        return false;
    }
    memcpy(chunks->claimed, rest.bytes + size, SIGV4_SIGNATURE_SIZE);
    chunks->claimed[SIGV4_SIGNATURE_SIZE] = '\0';
    return true;
}

static enum hearth_code read_head(struct body_chunks *chunks, struct hearth_err *err)
{
    char line[BODY_LINE_MAX];
    size_t size = 0;
    if (read_line(chunks, line, &size, err) != HEARTH_OK) {
        return err->code;
    }
    size_t digits = read_size(view_of(line, size), &chunks->chunk_left);
    if (digits == 0 || !read_extension(chunks, view_of(line + digits, size - digits))) {
        return wrong(chunks, S3_ERROR_INVALID_REQUEST, "the head of a chunk is none", err);
    }
    if (chunks->chunk_left > chunks->left) {
        return wrong(chunks, S3_ERROR_INVALID_REQUEST, "it is longer than was said", err);
    }
    chunks->in_chunk = true;
    return HEARTH_OK;
}

/* ---- signatures ---- */

static enum hearth_code check_signature(struct body_chunks *chunks, enum sigv4_piece piece,
    const uint8_t sha256[CRYPTO_SHA256_SIZE], struct hearth_err *err)
{
    const struct body_chunks_options *options = &chunks->options;
    char right[SIGV4_SIGNATURE_SIZE + 1];
    sigv4_sign_piece(
        options->key, &options->scope, options->time, piece, chunks->previous, sha256, right);
    if (!crypto_equal(right, chunks->claimed, SIGV4_SIGNATURE_SIZE)) {
        return wrong(chunks, S3_ERROR_SIGNATURE_DOES_NOT_MATCH, "the signature is wrong", err);
    }
    memcpy(chunks->previous, right, sizeof(chunks->previous));
    return HEARTH_OK;
}

static enum hearth_code check_chunk(struct body_chunks *chunks, struct hearth_err *err)
{
    uint8_t sha256[CRYPTO_SHA256_SIZE];
    if (!chunks->options.is_signed) {
        return HEARTH_OK;
    }
    crypto_hash_final(chunks->chunk_sha256, sha256);
    return check_signature(chunks, SIGV4_CHUNK, sha256, err);
}

/* ---- what follows the last chunk ---- */

struct trailer {
    size_t size;
    uint8_t bytes[BODY_TRAILER_MAX];
    struct crypto_hash *sha256; /* of its lines but the last; NULL: not signed */
    bool is_signed_now;
};

static enum hearth_code read_rest(
    struct body_chunks *chunks, struct trailer *trailer, struct hearth_err *err)
{
    for (;;) {
        bool is_there;
        if (fill_buffer(chunks, &is_there, err) != HEARTH_OK) {
            return err->code;
        }
        if (!is_there) {
            return HEARTH_OK;
        }
        if (trailer->size == BODY_TRAILER_MAX) {
            return wrong(chunks, S3_ERROR_INVALID_REQUEST, "much follows its last chunk", err);
        }
        trailer->bytes[trailer->size++] = chunks->buffer[chunks->start++];
    }
}

static struct view trim(struct view text)
{
    while (text.size > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text = view_of(text.bytes + 1, text.size - 1);
    }
    while (text.size > 0 && strchr(" \t\r", text.bytes[text.size - 1]) != NULL) {
        text.size--;
    }
    return text;
}

static enum hearth_code take_signature(
    struct body_chunks *chunks, struct trailer *trailer, struct view value, struct hearth_err *err)
{
    uint8_t sha256[CRYPTO_SHA256_SIZE];
    if (trailer->sha256 == NULL || value.size != SIGV4_SIGNATURE_SIZE) {
        return wrong(chunks, S3_ERROR_INVALID_REQUEST, "the trailer's signature is none", err);
    }
    memcpy(chunks->claimed, value.bytes, SIGV4_SIGNATURE_SIZE);
    crypto_hash_final(trailer->sha256, sha256);
    trailer->is_signed_now = true;
    return check_signature(chunks, SIGV4_TRAILER, sha256, err);
}

static void hash_line(struct trailer *trailer, struct view name, struct view value)
{
    if (trailer->sha256 != NULL) {
        crypto_hash_update(trailer->sha256, name);
        crypto_hash_update(trailer->sha256, view_text(":"));
        crypto_hash_update(trailer->sha256, value);
        crypto_hash_update(trailer->sha256, view_text("\n"));
    }
}

/* One line; the signature is the last one. */
static enum hearth_code take_line(
    struct body_chunks *chunks, struct trailer *trailer, struct view line, struct hearth_err *err)
{
    const uint8_t *colon = memchr(line.bytes, ':', line.size);
    if (colon == NULL || trailer->is_signed_now || !chunks->options.has_trailer) {
        return wrong(chunks, S3_ERROR_INVALID_REQUEST, "something else follows its end", err);
    }
    struct view name = view_of(line.bytes, (size_t)(colon - line.bytes));
    struct view value = trim(view_of(colon + 1, line.size - name.size - 1));
    if (view_equal(name, view_text("x-amz-trailer-signature"))) {
        return take_signature(chunks, trailer, value, err);
    }
    hash_line(trailer, name, value);
    return body_digest_trailer(chunks->digest, name, value)
        ? HEARTH_OK
        : wrong(chunks, S3_ERROR_INVALID_REQUEST,
              "a trailer is not the one that was announced, or has no such value", err);
}

/* Clients end these lines with "\r\n" or with "\n", and leave some empty. */
static enum hearth_code take_lines(
    struct body_chunks *chunks, struct trailer *trailer, struct hearth_err *err)
{
    struct view rest = view_of(trailer->bytes, trailer->size);
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.bytes, '\n', rest.size);
        if (end == NULL) {
            return wrong(chunks, S3_ERROR_INCOMPLETE_BODY, "it ends in the middle of a line", err);
        }
        size_t size = (size_t)(end - rest.bytes);
        struct view line = trim(view_of(rest.bytes, size));
        rest = view_of(end + 1, rest.size - size - 1);
        if (line.size > 0 && take_line(chunks, trailer, line, err) != HEARTH_OK) {
            return err->code;
        }
    }
    if (trailer->sha256 != NULL && !trailer->is_signed_now) {
        return wrong(chunks, S3_ERROR_INCOMPLETE_BODY, "its trailer is not signed", err);
    }
    return HEARTH_OK;
}

static enum hearth_code read_trailer(struct body_chunks *chunks, struct hearth_err *err)
{
    struct trailer trailer = {.size = 0};
    if (chunks->options.is_signed && chunks->options.has_trailer) {
        trailer.sha256 = crypto_hash_create(CRYPTO_SHA256);
    }
    enum hearth_code code = read_rest(chunks, &trailer, err);
    if (code == HEARTH_OK) {
        code = take_lines(chunks, &trailer, err);
    }
    crypto_hash_destroy(trailer.sha256);
    return code;
}

/* ---- chunks, one after the other ---- */

static enum hearth_code end_all(struct body_chunks *chunks, struct hearth_err *err)
{
    if (chunks->left > 0) {
        return wrong(chunks, S3_ERROR_INCOMPLETE_BODY, "it is shorter than was said", err);
    }
    if (check_chunk(chunks, err) != HEARTH_OK || read_trailer(chunks, err) != HEARTH_OK) {
        return err->code;
    }
    chunks->has_ended = true;
    return HEARTH_OK;
}

static enum hearth_code end_chunk(struct body_chunks *chunks, struct hearth_err *err)
{
    uint8_t byte = 0;
    for (const char *expected = "\r\n"; *expected != '\0'; expected++) {
        if (next_byte(chunks, &byte, err) != HEARTH_OK) {
            return err->code;
        }
        if (byte != (uint8_t)*expected) {
            return wrong(chunks, S3_ERROR_INVALID_REQUEST, "a chunk has another size", err);
        }
    }
    chunks->in_chunk = false;
    return check_chunk(chunks, err);
}

/* Until there are bytes of a chunk to hand out, or the end. */
static enum hearth_code go_on(struct body_chunks *chunks, struct hearth_err *err)
{
    while (!chunks->has_ended && (!chunks->in_chunk || chunks->chunk_left == 0)) {
        if (chunks->in_chunk && end_chunk(chunks, err) != HEARTH_OK) {
            return err->code;
        }
        if (read_head(chunks, err) != HEARTH_OK ||
            (chunks->chunk_left == 0 && end_all(chunks, err) != HEARTH_OK)) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

/* What waits in the buffer, or straight from the source. */
static enum hearth_code read_part(
    struct body_chunks *chunks, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    size_t waiting = chunks->end - chunks->start;
    if (waiting == 0) {
        enum hearth_code code = read_raw(chunks, bytes, size, out_got, err);
        return code != HEARTH_OK || *out_got > 0
            ? code
            : wrong(chunks, S3_ERROR_INCOMPLETE_BODY, "it ends inside a chunk", err);
    }
    *out_got = size < waiting ? size : waiting;
    memcpy(bytes, chunks->buffer + chunks->start, *out_got);
    chunks->start += *out_got;
    return HEARTH_OK;
}

enum hearth_code body_chunks_read(
    struct body_chunks *chunks, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    *out_got = 0;
    if (go_on(chunks, err) != HEARTH_OK) {
        return err->code;
    }
    size_t most = chunks->chunk_left < size ? (size_t)chunks->chunk_left : size;
    if (chunks->has_ended || most == 0) {
        return HEARTH_OK;
    }
    if (read_part(chunks, bytes, most, out_got, err) != HEARTH_OK) {
        return err->code;
    }
    if (chunks->chunk_sha256 != NULL) {
        crypto_hash_update(chunks->chunk_sha256, view_of(bytes, *out_got));
    }
    chunks->chunk_left -= *out_got;
    chunks->left -= *out_got;
    return HEARTH_OK;
}
