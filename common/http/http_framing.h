/*
 * http_framing.h - whether it is beyond doubt where a request ends, and whether its head is one.
 *
 * Two readers that disagree about the end of a request are how requests are smuggled past a proxy;
 * so whatever could be read in two ways is refused, and the connection with it.
 *
 * Pure functions.
 */
#ifndef HEARTH_COMMON_HTTP_HTTP_FRAMING_H
#define HEARTH_COMMON_HTTP_HTTP_FRAMING_H

#include "common/http/http.h"

struct http_framing {
    unsigned status;      /* 0: it is good; 400, 431 */
    const char *why;      /* of a refusal */
    uint64_t body_size;   /* 0: none; HEARTH_SIZE_UNKNOWN: chunked */
    bool expect_continue; /* the client waits to be asked for the body */
};

struct http_framing http_framing_of(const struct http_head *head, const struct http_limits *limits);

#endif /* HEARTH_COMMON_HTTP_HTTP_FRAMING_H */
