/*
 * fuzz_sig: a head that claims to be signed is refused, or has one text that was signed; and that
 * text is about the same path that is acted upon.
 *
 * The first line is "METHOD target", each other one "name: value".
 */
#include "gateway/request.h"
#include "gateway/sig_canonical.h"
#include "tests/fuzz/fuzz.h"

enum { HEADERS_MAX = 32, INPUT_MAX = 8192 };

struct parsed {
    struct http_head head;
    struct http_header headers[HEADERS_MAX];
};

static char *cut_line(char **rest)
{
    char *line = *rest;
    char *end = strchr(line, '\n');
    *rest = end == NULL ? line + strlen(line) : end + 1;
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

static bool parse(char *text, struct parsed *out)
{
    char *first = cut_line(&text);
    char *target = strchr(first, ' ');
    if (target == NULL) {
        return false;
    }
    *target = '\0';
    out->head = (struct http_head){.method = first, .target = target + 1, .headers = out->headers};
    while (*text != '\0' && out->head.header_count < HEADERS_MAX) {
        char *line = cut_line(&text);
        char *value = strchr(line, ':');
        if (value != NULL) {
            *value = '\0';
            out->headers[out->head.header_count++] = (struct http_header){line, value + 1};
        }
    }
    return true;
}

/* Encoding what is encoded gives the same; so there is one form. */
static void check_path(const struct http_head *head, struct arena *arena)
{
    static const struct request_domains none;
    struct request request;
    struct view path;
    struct view twice;
    if (sig_path_encode(head->target, arena, &path) != S3_ERROR_NONE) {
        assert(request_parse(head, &none, arena, &request) != S3_ERROR_NONE);
        return;
    }
    const char *text = arena_text(arena, path);
    enum s3_error error = sig_path_encode(text, arena, &twice);
    assert(error == S3_ERROR_NONE && view_equal(path, twice));
    if (request_parse(head, &none, arena, &request) == S3_ERROR_NONE && request.bucket != NULL) {
        size_t size = strlen(request.bucket) + request.key.size + 3;
        char *acted = arena_take(arena, 3 * size);
        size_t length = 0;
        acted[length++] = '/';
        memcpy(acted + length, request.bucket, strlen(request.bucket));
        length += strlen(request.bucket);
        acted[length++] = '/';
        memcpy(acted + length, request.key.bytes, request.key.size);
        length += request.key.size;
        if (memchr(acted, 0, length) == NULL && strpbrk(acted, "%?") == NULL) {
            acted[length] = '\0';
            error = sig_path_encode(acted, arena, &twice);
            /* "/bucket" is "/bucket/". */
            size_t same = path.size < twice.size ? path.size : twice.size;
            assert(error == S3_ERROR_NONE && memcmp(path.bytes, twice.bytes, same) == 0);
            assert(twice.size - same <= 1 && path.size == same);
        }
    }
}

static void fuzz_head(const struct http_head *head, struct arena *arena)
{
    struct sig_query *query = arena_take(arena, sizeof(*query));
    struct sig_claim claim;
    struct view canonical;
    const char *why;
    if (sig_query_parse(head->target, arena, query) != S3_ERROR_NONE ||
        sig_claim_parse(head, query, arena, &claim, &why) != S3_ERROR_NONE ||
        claim.kind == SIG_ANONYMOUS) {
        return;
    }
    assert(claim.scope.date.size == SIGV4_DATE_SIZE && claim.time.size == SIGV4_TIME_SIZE);
    assert(claim.kind == SIG_HEADER || (claim.expires_s >= 1 && claim.expires_s <= 604800));
    if (sig_canonical_request(head, query, &claim, arena, &canonical, &why) != S3_ERROR_NONE) {
        return;
    }
    for (unsigned i = 0; i < head->header_count; i++) { /* nothing that matters is left out */
        const char *name = head->headers[i].name;
        if (strncmp(name, "x-amz-", 6) == 0) {
            assert(memmem(canonical.bytes, canonical.size, name, strlen(name)) != NULL);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct parsed parsed;
    if (size > INPUT_MAX) {
        return 0;
    }
    arena_init(&arena, 0);
    char *text = (char *)fuzz_copy(view_of(data, size));
    if (parse(text, &parsed)) {
        check_path(&parsed.head, &arena);
        fuzz_head(&parsed.head, &arena);
    }
    free(text);
    arena_fini(&arena);
    return 0;
}
