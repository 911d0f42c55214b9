/*
 * fuzz_s3_request: the head of an S3 request, a line each: method, target, headers.
 *
 * What is decoded and encoded again means the same; what no doubt is left about has one body size;
 * and whatever the key, the answer that names it is a document.
 */
#include "common/http/http_framing.h"
#include "gateway/route.h"
#include "gateway/xml_in.h"
#include "gateway/xml_out.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

enum { INPUT_MAX = 4096, HEADERS_MAX = 16 };

static const char *const domain_names[] = {"s3.example.org"};
static const struct request_domains domains = {1, domain_names};
static const struct http_limits limits = {.headers_max = 10, .head_size_max = 3000};

/* Cuts a line off; NULL: none is left. */
static char *next_line(char **text)
{
    char *line = *text;
    if (line == NULL) {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *text = end == NULL ? NULL : end + 1;
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

static void read_headers(char *text, struct http_header *headers, struct http_head *head)
{
    char *line;
    while (head->header_count < HEADERS_MAX && (line = next_line(&text)) != NULL) {
        char *colon = strchr(line, ':');
        if (colon != NULL) {
            *colon = '\0';
            headers[head->header_count++] = (struct http_header){line, colon + 1};
        }
    }
    head->headers = headers;
}

static void check_framing(const struct http_head *head)
{
    const struct http_framing framing = http_framing_of(head, &limits);
    unsigned said = http_head_count(head, "content-length");
    bool is_chunked = http_head_count(head, "transfer-encoding") > 0;
    if (framing.status != 0) {
        assert(framing.why != NULL);
        return;
    }
    assert(said + is_chunked <= 1);
    assert((framing.body_size == HEARTH_SIZE_UNKNOWN) == is_chunked);
    assert(said > 0 || is_chunked || framing.body_size == 0);
}

static char *encode(char *at, struct view bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        at += snprintf(at, 4, "%%%02x", bytes.bytes[i]);
    }
    return at;
}

/* Every byte encoded, and in path style: the same bucket and key. */
static void check_again(const struct request *request, struct arena *arena)
{
    char *target = arena_take(arena, 3 * (strlen(request->bucket) + request->key.size) + 8);
    struct request again = {0};
    *target = '/';
    char *slash = encode(target + 1, view_text(request->bucket));
    *slash = '/';
    *encode(slash + 1, request->key) = '\0';
    const struct http_head head = {.method = "GET", .target = target};
    enum s3_error error = request_parse(&head, &domains, arena, &again);
    assert(error == S3_ERROR_NONE);
    assert(strcmp(request->bucket, again.bucket) == 0);
    assert(view_equal(request->key, again.key));
}

static void check_document(const struct request *request, struct arena *arena)
{
    struct xml_out xml;
    const struct xml_element *root;
    xml_out_init(&xml, arena);
    xml_out_open(&xml, "Error");
    xml_out_view(&xml, "Key", request->key);
    xml_out_url(&xml, "Url", request->key);
    xml_out_close(&xml, "Error");
    enum s3_error error = xml_in_parse(xml_out_finish(&xml), 3, arena, &root);
    assert(error == S3_ERROR_NONE && xml_in_child(root, "Url") != NULL);
}

static void check_request(const struct http_head *head, struct arena *arena)
{
    struct request request = {0};
    const struct route *route;
    if (request_parse(head, &domains, arena, &request) != S3_ERROR_NONE) {
        return;
    }
    assert(request.key.size <= HEARTH_KEY_MAX && request.param_count <= REQUEST_PARAMS_MAX);
    assert(request.bucket != NULL || request.key.size == 0);
    if (request.bucket != NULL) {
        check_again(&request, arena);
    }
    check_document(&request, arena);
    if (route_find(&request, &route) == S3_ERROR_NONE) {
        assert(strcmp(route->method, head->method) == 0);
        assert((route->resource == ROUTE_SERVICE) == (request.bucket == NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[INPUT_MAX + 1];
    struct http_header headers[HEADERS_MAX];
    struct http_head head = {0};
    struct arena arena;
    if (size > INPUT_MAX) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    head.method = next_line(&rest);
    head.target = next_line(&rest);
    if (head.target == NULL) {
        return 0;
    }
    read_headers(rest, headers, &head);
    arena_init(&arena, 0);
    check_framing(&head);
    check_request(&head, &arena);
    arena_fini(&arena);
    return 0;
}
