#include "tests/lib/test_sign.h"

#include "common/codec.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

const struct test_signer test_signer_published = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    .region = "us-east-1",
    .time = "20130524T000000Z",
};

enum { CANONICAL_MAX = 64 * 1024 };

/* ---- the request ---- */

void test_signed_init(struct test_signed *request, const char *method, const char *target)
{
    *request = (struct test_signed){.count = 0};
    snprintf(request->method, sizeof(request->method), "%s", method);
    snprintf(request->target, sizeof(request->target), "%s", target);
    test_signed_add(request, "host", "examplebucket.s3.amazonaws.com");
}

void test_signed_add(struct test_signed *request, const char *name, const char *fmt, ...)
{
    assert_true(request->count < TEST_SIGN_HEADERS_MAX);
    snprintf(request->headers[request->count].name, TEST_SIGN_TEXT_MAX, "%s", name);
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(request->headers[request->count].value, TEST_SIGN_TEXT_MAX, fmt, arguments);
    va_end(arguments);
    request->count++;
}

char *test_signed_find(struct test_signed *request, const char *name)
{
    for (unsigned i = 0; i < request->count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

void test_signed_remove(struct test_signed *request, const char *name)
{
    for (unsigned i = 0; i < request->count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            request->headers[i] = request->headers[--request->count];
            return;
        }
    }
}

struct http_head test_signed_head(struct test_signed *request)
{
    for (unsigned i = 0; i < request->count; i++) {
        request->list[i] =
            (struct http_header){request->headers[i].name, request->headers[i].value};
    }
    return (struct http_head){.method = request->method,
        .target = request->target,
        .header_count = request->count,
        .headers = request->list,
        .peer = "192.0.2.1"};
}

/* ---- what is signed ---- */

static int compare_headers(const void *a, const void *b)
{
    return strcmp(((const struct http_header *)a)->name, ((const struct http_header *)b)->name);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void append(char *text, const char *more)
{
    size_t size = strlen(text);
    assert_true(size + strlen(more) < CANONICAL_MAX);
    memcpy(text + size, more, strlen(more) + 1);
}

static void append_query(char *text, const char *target)
{
    char *params[64];
    unsigned count = 0;
    const char *query = strchr(target, '?');
    char *copy = strdup(query == NULL ? "" : query + 1);
    char *rest = copy;
    for (char *one = strtok_r(copy, "&", &rest); one != NULL; one = strtok_r(NULL, "&", &rest)) {
        assert_true(count < 64);
        params[count++] = one;
    }
    qsort(params, count, sizeof(params[0]), compare_texts);
    for (unsigned i = 0; i < count; i++) {
        append(text, i > 0 ? "&" : "");
        append(text, params[i]);
        append(text, strchr(params[i], '=') == NULL ? "=" : "");
    }
    free(copy);
}

static void list_signed(struct test_signed *request, char *names)
{
    struct http_head head = test_signed_head(request);
    qsort(request->list, head.header_count, sizeof(request->list[0]), compare_headers);
    names[0] = '\0';
    for (unsigned i = 0; i < head.header_count; i++) {
        append(names, i > 0 ? ";" : "");
        append(names, request->list[i].name);
    }
}

/* Into request->signature; names: the list of signed headers. */
static void sign(struct test_signed *request, const struct test_signer *signer, const char *payload,
    const char *names)
{
    char *text = calloc(1, CANONICAL_MAX);
    append(text, request->method);
    append(text, "\n");
    strncat(text, request->target, strcspn(request->target, "?"));
    append(text, "\n");
    append_query(text, request->target);
    append(text, "\n");
    for (unsigned i = 0; i < request->count; i++) { /* sorted by list_signed() */
        append(text, request->list[i].name);
        append(text, ":");
        append(text, request->list[i].value);
        append(text, "\n");
    }
    append(text, "\n");
    append(text, names);
    append(text, "\n");
    append(text, payload);
    const struct sigv4_scope scope = {
        .date = view_of(signer->time, SIGV4_DATE_SIZE), .region = view_text(signer->region)};
    sigv4_derive_key(view_text(signer->secret), &scope, request->key);
    sigv4_sign_request(
        request->key, &scope, view_text(signer->time), view_text(text), request->signature);
    free(text);
}

void test_sign_header(
    struct test_signed *request, const struct test_signer *signer, const char *payload)
{
    char names[TEST_SIGN_TARGET_MAX];
    test_signed_add(request, "x-amz-date", "%s", signer->time);
    test_signed_add(request, "x-amz-content-sha256", "%s", payload);
    list_signed(request, names);
    sign(request, signer, payload, names);
    test_signed_add(request, "authorization",
        "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/s3/aws4_request,SignedHeaders=%s,Signature=%s",
        signer->access_key, signer->time, signer->region, names, request->signature);
}

struct auth_proof test_sign_proof(
    struct test_signed *request, const struct test_signer *signer, const char *payload)
{
    test_sign_header(request, signer, payload);
    struct auth_proof proof = {
        .claim = {.kind = SIG_HEADER,
            .scope = {.date = view_of(signer->time, 8), .region = view_text(signer->region)},
            .time = view_text(signer->time),
            .payload = view_text(payload)}};
    memcpy(proof.key, request->key, sizeof(proof.key));
    memcpy(proof.signature, request->signature, sizeof(proof.signature));
    return proof;
}

void test_sign_query(
    struct test_signed *request, const struct test_signer *signer, unsigned expires_s)
{
    char names[TEST_SIGN_TARGET_MAX];
    char encoded[TEST_SIGN_TARGET_MAX] = "";
    list_signed(request, names);
    for (const char *at = names; *at != '\0'; at++) { /* ';' as a client writes it */
        const char one[2] = {*at, '\0'};
        append(encoded, *at == ';' ? "%3B" : one);
    }
    size_t size = strlen(request->target);
    int added = snprintf(request->target + size, sizeof(request->target) - size,
        "%cX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F%.8s%%2F%s%%2Fs3%%2Faws4_request"
        "&X-Amz-Date=%s&X-Amz-Expires=%u&X-Amz-SignedHeaders=%s",
        strchr(request->target, '?') == NULL ? '?' : '&', signer->access_key, signer->time,
        signer->region, signer->time, expires_s, encoded);
    size += (size_t)added;
    sign(request, signer, "UNSIGNED-PAYLOAD", names);
    snprintf(request->target + size, sizeof(request->target) - size, "&X-Amz-Signature=%s",
        request->signature);
}

/* ---- bodies ---- */

static enum hearth_code read_bytes(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct test_bytes *from = context;
    size_t left = from->bytes.size - from->at;
    *out_got = left < size ? left : size;
    if (from->part_max > 0 && *out_got > from->part_max) {
        *out_got = from->part_max;
    }
    memcpy(bytes, from->bytes.bytes + from->at, *out_got);
    from->at += *out_got;
    return HEARTH_OK;
}

void test_bytes_init(struct test_bytes *bytes, struct view view, size_t part_max)
{
    *bytes = (struct test_bytes){.bytes = view, .part_max = part_max};
    bytes->source = (struct hearth_source){.read = read_bytes, .context = bytes};
}

static void add_bytes(struct test_chunks *out, struct view bytes)
{
    assert_true(bytes.size <= sizeof(out->bytes) - out->size);
    memcpy(out->bytes + out->size, bytes.bytes, bytes.size);
    out->size += bytes.size;
}

static void add_text(struct test_chunks *out, const char *fmt, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    add_bytes(out, view_text(text));
}

/* The next signature into `signature`, which holds the one before. */
static void sign_piece(const struct test_signed *request, const struct test_signer *signer,
    enum sigv4_piece piece, struct view bytes, char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char previous[SIGV4_SIGNATURE_SIZE + 1];
    const struct sigv4_scope scope = {
        .date = view_of(signer->time, SIGV4_DATE_SIZE), .region = view_text(signer->region)};
    memcpy(previous, signature, sizeof(previous));
    crypto_sha256(bytes, digest);
    sigv4_sign_piece(
        request->key, &scope, view_text(signer->time), piece, previous, digest, signature);
}

static void add_chunk(struct test_chunks *out, const struct test_signed *request,
    const struct test_signer *signer, struct view bytes, char signature[SIGV4_SIGNATURE_SIZE + 1])
{
    add_text(out, "%zx", bytes.size);
    if (signer != NULL) {
        sign_piece(request, signer, SIGV4_CHUNK, bytes, signature);
        add_text(out, ";chunk-signature=%s", signature);
    }
    add_text(out, "\r\n");
    add_bytes(out, bytes);
    add_text(out, bytes.size > 0 ? "\r\n" : "");
}

void test_chunks_encode(struct test_chunks *out, const struct test_signed *request,
    const struct test_signer *signer, struct view plain, size_t chunk_size, const char *trailer)
{
    char signature[SIGV4_SIGNATURE_SIZE + 1];
    char line[256];
    memcpy(signature, request->signature, sizeof(signature));
    out->size = 0;
    for (size_t at = 0; at < plain.size; at += chunk_size) {
        size_t size = plain.size - at < chunk_size ? plain.size - at : chunk_size;
        add_chunk(out, request, signer, view_of(plain.bytes + at, size), signature);
    }
    add_chunk(out, request, signer, view_of("", 0), signature);
    if (trailer != NULL) {
        add_text(out, "%s\r\n", trailer);
        snprintf(line, sizeof(line), "%s\n", trailer);
    }
    if (trailer != NULL && signer != NULL) {
        sign_piece(request, signer, SIGV4_TRAILER, view_text(line), signature);
        add_text(out, "x-amz-trailer-signature:%s\r\n", signature);
    }
    add_text(out, "\r\n");
}
