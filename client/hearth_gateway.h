/*
 * hearth_gateway.h - what only a gateway asks of libhearth.  Not part of the library's public API:
 * the library shows what is called hearth_..., and this is not.
 *
 * A gateway serves others, who sign what they ask with access keys of a tenant.  To check that, it
 * gets keys that are good for one day and one region; the secrets stay with the coordinator.
 */
#ifndef HEARTH_CLIENT_HEARTH_GATEWAY_H
#define HEARTH_CLIENT_HEARTH_GATEWAY_H

#include "client/hearth.h"
#include "common/sigv4.h"

/* Bits of what an access key may do. */
enum {
    HEARTH_RIGHT_READ = 1,
    HEARTH_RIGHT_WRITE = 2,
    HEARTH_RIGHT_OWN = 4, /* make and remove buckets */
};

struct gateway_signing_key {
    uint8_t key[CRYPTO_KEY_SIZE]; /* wipe it */
    uint64_t rights;
};

/*
 * One question to the coordinator, nothing is remembered.  HEARTH_NOT_FOUND: the tenant that
 * `hearth` was opened for has no such key, or not any more; HEARTH_INVALID: a text is too long, or
 * the date is none; HEARTH_DENIED: this identity is no gateway.
 */
enum hearth_code gateway_signing_key(struct hearth *hearth, struct view access_key,
    const struct sigv4_scope *scope, struct gateway_signing_key *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_HEARTH_GATEWAY_H */
