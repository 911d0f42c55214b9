/*
 * sig_query.h - path and query of a raw target in the form that is signed.
 *
 * Each is decoded once and encoded again, A-Z a-z 0-9 - . _ ~ alone staying as they are, so that
 * it does not matter in which of the many ways a client has written the same bytes.
 *
 * Pure functions.
 */
#ifndef HEARTH_GATEWAY_SIG_QUERY_H
#define HEARTH_GATEWAY_SIG_QUERY_H

#include "common/arena.h"
#include "gateway/s3_error.h"

enum { SIG_PARAMS_MAX = 64 };

struct sig_param {
    struct view name; /* encoded */
    struct view value;
};

/* The parameters, sorted as they are signed. */
struct sig_query {
    unsigned count;
    struct sig_param params[SIG_PARAMS_MAX];
};

/* INVALID_URI: an escape that is none; INVALID_ARGUMENT: too many parameters. */
enum s3_error sig_query_parse(const char *target, struct arena *arena, struct sig_query *out);

/* How many have that name (encoded), in any case of its letters when `any_case`. */
unsigned sig_query_count(const struct sig_query *query, const char *name, bool any_case);

/* The value, decoded, of the first of that name; bytes NULL: there is none. */
struct view sig_query_find(const struct sig_query *query, const char *name, struct arena *arena);

/* The path as it is signed. */
enum s3_error sig_path_encode(const char *target, struct arena *arena, struct view *out);

#endif /* HEARTH_GATEWAY_SIG_QUERY_H */
