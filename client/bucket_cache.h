/*
 * bucket_cache.h - what must be known of a bucket before anything is sealed for it or opened.
 *
 * Asked of the coordinator (HeadBucket) once a while, its keys unwrapped once.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_BUCKET_CACHE_H
#define HEARTH_CLIENT_BUCKET_CACHE_H

#include "client/bucket_key.h"
#include "client/hearth.h"
#include "proto/wire_messages.h"

enum {
    BUCKET_CACHE_MAX = 64, /* buckets remembered; the one asked longest ago makes room */
    BUCKET_CACHE_MS = 60 * 1000,
};

struct session;
struct bucket_cache;

struct bucket {
    char name[HEARTH_BUCKET_NAME_MAX + 1];
    uint8_t id[BUCKET_ID_SIZE];
    unsigned data_count; /* k */
    unsigned slot_count; /* n */
    size_t inline_max;
    struct etag_key etag_key;
    unsigned key_count;                           /* at least 1 */
    struct bucket_key keys[WIRE_BUCKET_KEYS_MAX]; /* newest last */
};

/* NULL: out of memory. */
struct bucket_cache *bucket_cache_create(struct session *session);
void bucket_cache_destroy(struct bucket_cache *cache); /* accepts NULL; wipes */

/* *out is a copy; wipe it.  HEARTH_INVALID: no bucket can have this name. */
enum hearth_code bucket_cache_find(
    struct bucket_cache *cache, const char *name, struct bucket *out, struct hearth_err *err);

/* Asks anew. True: under its name there is another bucket now, which *bucket has become. */
bool bucket_cache_refresh(struct bucket_cache *cache, struct bucket *bucket);

/* It was made, deleted, or is not what was remembered. */
void bucket_cache_forget(struct bucket_cache *cache, const char *name);

/* The key that seals what is new. */
const struct bucket_key *bucket_newest_key(const struct bucket *bucket);

/* HEARTH_WRONG_KEY: the bucket has no key of that version. */
enum hearth_code bucket_find_key(const struct bucket *bucket, uint32_t version,
    const struct bucket_key **out, struct hearth_err *err);

/* By S3's rules: 3 to 63 of a-z, 0-9, '.', '-', first and last a letter or digit, no "..", not an
 * IPv4 address. */
enum hearth_code bucket_name_check(const char *name, struct hearth_err *err);

#endif /* HEARTH_CLIENT_BUCKET_CACHE_H */
