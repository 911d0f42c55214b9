/*
 * auth_keys.h - signing keys and public buckets, asked for and remembered for less than a minute.
 *
 *   access key, day, region --> signing key, rights, whose         a revoked key dies within 60 s
 *   bucket                  --> whose it is, when anybody may read it
 *
 * What was not found is remembered too, for a few seconds: who guesses asks us, not the
 * coordinator. A slot is chosen by a hash and has room for one: the newcomer stays.
 *
 * Thread-safety: any thread.  The lock is a leaf and never held while somebody is asked.
 */
#ifndef HEARTH_GATEWAY_AUTH_KEYS_H
#define HEARTH_GATEWAY_AUTH_KEYS_H

#include "client/hearth_gateway.h"
#include "common/env.h"

enum {
    AUTH_KEYS_MS = 50 * 1000,       /* what was found is believed; with the asking, below 60 s */
    AUTH_KEYS_ABSENT_MS = 5 * 1000, /* what was not found */
    AUTH_KEYS_SLOTS = 512,
    AUTH_ACCESS_KEY_MAX = 32,
};

struct auth_key {
    uint8_t key[CRYPTO_KEY_SIZE]; /* wipe it */
    uint64_t rights;              /* HEARTH_RIGHT_... */
    struct hearth *hearth;        /* of the tenant it belongs to */
};

/* Whom to ask.  Each may block.  A hearth that was given out lives as long as the gateway. */
struct auth_source {
    /* HEARTH_NOT_FOUND: no tenant of this gateway has such a key. */
    enum hearth_code (*signing_key)(void *context, struct view access_key,
        const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err);
    /* HEARTH_NOT_FOUND: no tenant of this gateway has such a bucket; or not for everybody. */
    enum hearth_code (*public_bucket)(
        void *context, const char *bucket, struct hearth **out, struct hearth_err *err);
    void *context;
};

struct auth_keys;

/* NULL: out of memory.  All are borrowed. */
struct auth_keys *auth_keys_create(const struct auth_source *source, struct env *env);
void auth_keys_destroy(struct auth_keys *keys); /* accepts NULL; wipes */

/* As the source. */
enum hearth_code auth_keys_find(struct auth_keys *keys, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err);
enum hearth_code auth_keys_public_bucket(
    struct auth_keys *keys, const char *bucket, struct hearth **out, struct hearth_err *err);

#endif /* HEARTH_GATEWAY_AUTH_KEYS_H */
