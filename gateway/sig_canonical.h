/*
 * sig_canonical.h - the text of a request that its signature covers.
 *
 *   method, path, query, each signed header, their names, what is said of the body
 *
 * Pure functions of the head and the claim.
 */
#ifndef HEARTH_GATEWAY_SIG_CANONICAL_H
#define HEARTH_GATEWAY_SIG_CANONICAL_H

#include "gateway/sig_claim.h"

/*
 * Memory is the arena's.  Refused: a list of signed headers that is not sorted, names one twice,
 * one that is not there, or not "host"; and, ACCESS_DENIED, a header that would mean something and
 * is not in it: x-amz-* and content-md5.
 */
enum s3_error sig_canonical_request(const struct http_head *head, const struct sig_query *query,
    const struct sig_claim *claim, struct arena *arena, struct view *out, const char **why);

#endif /* HEARTH_GATEWAY_SIG_CANONICAL_H */
