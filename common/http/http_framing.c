#include "common/http/http_framing.h"

#include <stdlib.h>
#include <strings.h>

/* A value may hold a tab, but no other control byte. */
static bool is_value(const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

/* No blank either: what follows it would be read as the version by some. */
static bool is_target(const char *text)
{
    return is_value(text) && text[0] == '/' && strpbrk(text, " \t#") == NULL;
}

static const char *fault_of_head(const struct http_head *head)
{
    if (!http_is_token(head->method)) {
        return "the method is not a word";
    }
    if (!is_target(head->target)) {
        return "the request target is not a path";
    }
    for (unsigned i = 0; i < head->header_count; i++) {
        if (!http_is_token(head->headers[i].name) || !is_value(head->headers[i].value)) {
            return "a header holds bytes that may not stand there";
        }
    }
    if (http_head_count(head, "host") > 1) {
        return "there is more than one Host header";
    }
    return NULL;
}

/* Only digits: "+5", "0x5" and "5, 5" are read in more than one way. */
static bool parse_length(const char *text, uint64_t *out)
{
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) {
        return false;
    }
    *out = strtoull(text, NULL, 10);
    return true;
}

static const char *fault_of_body(const struct http_head *head, struct http_framing *out)
{
    unsigned lengths = http_head_count(head, "content-length");
    unsigned encodings = http_head_count(head, "transfer-encoding");
    if (lengths > 1 || encodings > 1 || (lengths == 1 && encodings == 1)) {
        return "the length of the body is said more than once";
    }
    if (encodings == 1) {
        out->body_size = HEARTH_SIZE_UNKNOWN;
        return strcasecmp(http_head_find(head, "transfer-encoding"), "chunked") == 0
            ? NULL
            : "the only transfer encoding is chunked";
    }
    if (lengths == 1 && !parse_length(http_head_find(head, "content-length"), &out->body_size)) {
        return "the Content-Length is not a number";
    }
    return NULL;
}

static bool is_too_large(const struct http_head *head, const struct http_limits *limits)
{
    size_t size = strlen(head->target);
    for (unsigned i = 0; i < head->header_count; i++) {
        size += strlen(head->headers[i].name) + strlen(head->headers[i].value);
    }
    return head->header_count > limits->headers_max || size > limits->head_size_max;
}

struct http_framing http_framing_of(const struct http_head *head, const struct http_limits *limits)
{
    struct http_framing framing = {0};
    if (is_too_large(head, limits)) {
        framing.status = 431;
        framing.why = "the head of the request is too large";
        return framing;
    }
    framing.why = fault_of_head(head);
    if (framing.why == NULL) {
        framing.why = fault_of_body(head, &framing);
    }
    const char *expect = http_head_find(head, "expect");
    if (framing.why == NULL && expect != NULL && strcasecmp(expect, "100-continue") != 0) {
        framing.why = "the only expectation that can be met is 100-continue";
    }
    framing.expect_continue = expect != NULL;
    framing.status = framing.why == NULL ? 0 : 400;
    return framing;
}
