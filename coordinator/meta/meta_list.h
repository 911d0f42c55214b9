/*
 * meta_list.h - the keys of a bucket, page by page, in S3's order (bytes).
 */
#ifndef HEARTH_COORDINATOR_META_META_LIST_H
#define HEARTH_COORDINATOR_META_META_LIST_H

#include "coordinator/meta/meta_object.h"

enum {
    META_LIST_MAX = 1000,
    META_LIST_MS_MAX = 50, /* then the page ends early, with a token */
    META_DELIMITER_MAX = META_KEY_MAX,
};

struct meta_list {
    struct meta_id bucket;
    struct view prefix;
    struct view delimiter;   /* empty: none */
    struct view start_after; /* keys (and common prefixes) after this one; may be empty */
    struct view token;       /* next_token of the page before; overrides start_after */
    unsigned max;            /* 1 to META_LIST_MAX: keys and common prefixes together */
};

struct meta_list_entry {
    struct view key;
    bool is_prefix; /* a common prefix: only `key` is set, and ends with the delimiter */
    struct meta_object_info info;
};

struct meta_list_page {
    const struct meta_list_entry *entries;
    size_t count;
    struct view next_token; /* empty: that was all. Opaque; nothing secret in it */
};

/* HEARTH_NOT_FOUND: no such bucket. HEARTH_INVALID: a token not of ours. Memory from the arena. */
enum hearth_code meta_list(struct meta_store *store, const struct meta_list *request,
    struct arena *arena, struct meta_list_page *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_LIST_H */
