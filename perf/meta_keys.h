/*
 * meta_keys.h - a bucket with very many keys, written straight through the metadata's seam.
 *
 *   0000/0000000  0000/0000001 ...   as many in each of META_KEYS_FOLDERS folders
 *
 * Keys, versions and bodies are what commits would have made of inline objects; outcomes, which
 * live for minutes, are left out.  One transaction makes META_KEYS_BATCH of them, in order: ten
 * million take a minute or two instead of an hour of puts.
 */
#ifndef HEARTH_PERF_META_KEYS_H
#define HEARTH_PERF_META_KEYS_H

#include "coordinator/meta/meta_store.h"

enum { META_KEYS_FOLDERS = 4000, META_KEYS_BATCH = 20000, META_KEYS_TEXT_SIZE = 32 };

/* The key numbered `nth` of `count`. */
struct view meta_keys_at(uint64_t nth, uint64_t count, char text[META_KEYS_TEXT_SIZE]);

/* Into an empty bucket; the bodies have that many bytes. */
enum hearth_code meta_keys_make(struct meta_store *store, struct meta_id bucket, uint64_t count,
    struct view manifest, struct hearth_err *err);

#endif /* HEARTH_PERF_META_KEYS_H */
