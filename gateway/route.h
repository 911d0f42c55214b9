/*
 * route.h - every operation there is: how a request names it, what right it takes, who does it.
 *
 * One table (route.c), read by the front, by the authorisation and by the tests: an operation that
 * is not in it does not exist, and none can be reached past the verifier.
 *
 * A row is chosen by method, resource and marker.  The marker is a query parameter ("uploads") or a
 * header ("x-amz-copy-source"); rows with more of these come before rows with fewer.  A
 * sub-resource that S3 knows and no row names is not a plain GET: it is answered NotImplemented.
 */
#ifndef HEARTH_GATEWAY_ROUTE_H
#define HEARTH_GATEWAY_ROUTE_H

#include "gateway/request.h"

struct call;

enum route_resource {
    ROUTE_SERVICE,
    ROUTE_BUCKET,
    ROUTE_OBJECT,
};

/* What somebody must be allowed to; bits, so that a key can have several. */
enum route_right {
    ROUTE_READ = 1 << 0,          /* objects: their bytes and what is known of them */
    ROUTE_LIST = 1 << 1,          /* keys of a bucket, uploads, the buckets themselves */
    ROUTE_WRITE = 1 << 2,         /* objects: put, copy to, multipart */
    ROUTE_DELETE = 1 << 3,        /* objects */
    ROUTE_MANAGE_BUCKET = 1 << 4, /* make it, delete it, set something of it */
};

enum route_body {
    ROUTE_BODY_NONE,   /* there must be none, or it is ignored unread */
    ROUTE_BODY_XML,    /* a document, read whole */
    ROUTE_BODY_OBJECT, /* bytes of an object or a part */
};

struct route {
    const char *method;
    enum route_resource resource;
    const char *param;     /* this parameter must be there; NULL: any */
    const char *param2;    /* and this one */
    const char *header;    /* and this header */
    const char *operation; /* S3's name: "PutObject" */
    unsigned right;        /* of enum route_right, all of them */
    enum route_body body;
    void (*handler)(struct call *call);
};

/* *out: static storage.  NOT_IMPLEMENTED, METHOD_NOT_ALLOWED: no row. */
enum s3_error route_find(const struct request *request, const struct route **out);

enum { ROUTE_ALLOWED_SIZE = 64 };

/* The methods that there are for what the request names: "GET, PUT". */
void route_allowed(const struct request *request, char text[ROUTE_ALLOWED_SIZE]);

/* The table, for tests that try every row. */
extern const struct route route_table[];
extern const unsigned route_count;

#endif /* HEARTH_GATEWAY_ROUTE_H */
