/*
 * presign.h - an address that lets whoever has it do one thing for a while, signed with an S3
 * access key (AWS Signature Version 4, in the query).
 *
 * Pure computation: nobody is asked, so nothing says whether the key or the object exist.
 */
#ifndef HEARTH_TOOLS_PRESIGN_H
#define HEARTH_TOOLS_PRESIGN_H

#include "common/err.h"
#include "common/view.h"

enum {
    PRESIGN_EXPIRES_MAX_S = 7 * 24 * 60 * 60,
    PRESIGN_URL_SIZE = 8192, /* an endpoint, a key with every byte encoded, and the rest */
};

struct presign {
    const char *method;   /* "GET", "PUT" ... */
    const char *endpoint; /* "https://s3.example.org:9443" */
    const char *bucket;
    struct view key;
    const char *region;
    const char *access_key;
    const char *secret;
    uint64_t expires_s; /* 1 to PRESIGN_EXPIRES_MAX_S */
    uint64_t now_unix_ms;
};

/* HEARTH_INVALID: the endpoint is none, or something is too long or out of its range. */
enum hearth_code presign_url(
    const struct presign *presign, char url[PRESIGN_URL_SIZE], struct hearth_err *err);

#endif /* HEARTH_TOOLS_PRESIGN_H */
