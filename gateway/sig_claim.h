/*
 * sig_claim.h - what a request says of who signed it: taken apart, believed in nothing.
 *
 *   Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...   or
 *   ?X-Amz-Algorithm=...&X-Amz-Credential=...&X-Amz-Date=...&X-Amz-Expires=... (presigned)
 *
 * Whatever is neither of these nor free of any trace of them is refused here: two claims in one
 * request, one claim twice, half a claim, a signature of another kind.  So "anonymous" means that
 * nothing in the request looks like a credential.
 *
 * Pure functions of the head.
 */
#ifndef HEARTH_GATEWAY_SIG_CLAIM_H
#define HEARTH_GATEWAY_SIG_CLAIM_H

#include "common/arena.h"
#include "common/http/http.h"
#include "common/sigv4.h"
#include "gateway/s3_error.h"
#include "gateway/sig_query.h"

enum sig_kind {
    SIG_ANONYMOUS,
    SIG_HEADER,    /* in the Authorization header */
    SIG_PRESIGNED, /* in the query */
};

enum {
    SIG_EXPIRES_MAX_S = 7 * 24 * 60 * 60,
    SIG_SKEW_MAX_S = 15 * 60,
    SIG_ACCESS_KEY_MAX = 32,
    SIG_SIGNED_HEADERS_MAX = 64,
};

struct sig_claim {
    enum sig_kind kind;
    struct view access_key;
    struct sigv4_scope scope;
    struct view time;           /* SIGV4_TIME_SIZE */
    uint64_t time_s;            /* the same, unix time */
    uint64_t expires_s;         /* presigned */
    struct view signed_headers; /* "host;x-amz-date" */
    struct view signature;
    /* What the signature says of the body: 64 digits, UNSIGNED-PAYLOAD, STREAMING-... */
    struct view payload;
};

/*
 * Memory is the arena's, or borrowed from the head and the query.  `why` says what is wrong when
 * the result is anything but S3_ERROR_NONE; NULL: nothing better than the table's words.
 */
enum s3_error sig_claim_parse(const struct http_head *head, const struct sig_query *query,
    struct arena *arena, struct sig_claim *out, const char **why);

/* Whether `now` is a moment at which the claim can be good. */
enum s3_error sig_claim_check_time(
    const struct sig_claim *claim, uint64_t now_unix_ms, const char **why);

/* "20130524T000000Z"; false: it is none. */
bool sig_time_parse(struct view text, uint64_t *out_s);

#endif /* HEARTH_GATEWAY_SIG_CLAIM_H */
