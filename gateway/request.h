/*
 * request.h - what a request is about: bucket, key, parameters, decoded once and never again.
 *
 *   head --request_parse--> request --route_find--> route
 *
 *   path style           http://gateway/bucket/key?query
 *   virtual-host style   http://bucket.DOMAIN/key?query, for the domains that are configured
 *
 * Who verifies a signature works on the raw target of the head; who authorises and who acts work on
 * the same decoded bytes of this struct.  A key is bytes, never a path: ".." and "//" mean nothing.
 * "+" is a plus in the path and a space in the query.
 *
 * Thread-safety: none needed; a request never changes once it is parsed.
 */
#ifndef HEARTH_GATEWAY_REQUEST_H
#define HEARTH_GATEWAY_REQUEST_H

#include "common/arena.h"
#include "common/http/http.h"
#include "gateway/s3_error.h"

enum {
    REQUEST_ID_TEXT_SIZE = 2 * 16 + 1,
    REQUEST_PARAMS_MAX = 64, /* of a query */
};

struct request_param {
    struct view name; /* decoded */
    struct view value;
    bool has_value; /* "?acl" and "?acl=" are the same to S3, and not to a signature */
};

struct request {
    const struct http_head *head;
    char id[REQUEST_ID_TEXT_SIZE]; /* in the header, the XML and every line of the log */
    const char *bucket;            /* NULL: about the service; its name may be an impossible one */
    struct view key;               /* empty: about the bucket, or the service */
    bool virtual_host;             /* the bucket was in the host's name */
    unsigned param_count;
    const struct request_param *params; /* as in the query, in that order */
};

/* Domains of virtual-host style, lower case: "s3.example.org" for photos.s3.example.org. */
struct request_domains {
    unsigned count;
    const char *const *items;
};

/*
 * Everything but the id.  Memory is the arena's, or borrowed from the head.  Anything but
 * S3_ERROR_NONE: INVALID_URI, KEY_TOO_LONG, ...; *out has what was known until then.
 */
enum s3_error request_parse(const struct http_head *head, const struct request_domains *domains,
    struct arena *arena, struct request *out);

/* The first parameter of that name; NULL: there is none. */
const struct request_param *request_find(const struct request *request, const char *name);

/* Its value as text; NULL: no such parameter, or its value holds a zero. */
const char *request_text(const struct request *request, const char *name);

#endif /* HEARTH_GATEWAY_REQUEST_H */
