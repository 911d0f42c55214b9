/*
 * s3_url.h - "s3://BUCKET/KEY", as typed on a command line.
 *
 * Only the form is judged here.  Which bucket names exist and are allowed is the coordinator's to
 * say; keys are checked, because a key that no S3 client could name would be lost to them.
 */
#ifndef HEARTH_TOOLS_S3_URL_H
#define HEARTH_TOOLS_S3_URL_H

#include "client/hearth.h"

enum {
    S3_BUCKET_TEXT_SIZE = 256
}; /* room for names that are too long, so that they are refused
      by the one who knows the rules */

struct s3_url {
    char bucket[S3_BUCKET_TEXT_SIZE];
    struct view key; /* borrowed from the text; empty: none was given */
};

/* It begins with "s3://". */
bool s3_url_is(const char *text);

/* HEARTH_INVALID: not such a form, or no bucket in it. */
enum hearth_code s3_url_parse(const char *text, struct s3_url *out, struct hearth_err *err);

/* The same, and there must be no key, or there must be a good one. */
enum hearth_code s3_url_parse_bucket(const char *text, struct s3_url *out, struct hearth_err *err);
enum hearth_code s3_url_parse_object(const char *text, struct s3_url *out, struct hearth_err *err);

/*
 * What -r takes for "everything beneath": "photos" means "photos/", not keys that happen to begin
 * so.  Empty stays empty: the whole bucket.
 */
struct s3_prefix {
    size_t size;
    uint8_t bytes[HEARTH_KEY_MAX + 1];
};

/* HEARTH_INVALID: longer than a key can be. */
enum hearth_code s3_prefix_init(struct s3_prefix *prefix, struct view key, struct hearth_err *err);

static inline struct view s3_prefix_view(const struct s3_prefix *prefix)
{
    return view_of(prefix->bytes, prefix->size);
}

/* HEARTH_INVALID: empty, over 1,024 bytes, or not UTF-8. */
enum hearth_code s3_key_check(struct view key, struct hearth_err *err);

#endif /* HEARTH_TOOLS_S3_URL_H */
