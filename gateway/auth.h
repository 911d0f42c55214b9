/*
 * auth.h - who asks, and may he: the one verifier and the one authorisation of the gateway.
 *
 *   request, route --auth_admit--> proof, without which no handler can be called
 *                            \---> why not
 *   proof, raw body --body_open (body.h)--> what was meant, verified
 *
 *   signature good?   one text (sig_canonical.h), one key (auth_keys.h), compared in constant time
 *   nobody signed?    only to read, and only where the bucket is for everybody
 *   may he?           the rights of the access key against the right of the route, in one table
 *
 * A proof says whose key it was; that the bucket is this tenant's is for the coordinator to say,
 * which is asked with the tenant's own identity.
 *
 * Thread-safety: any thread; a proof belongs to its request.
 */
#ifndef HEARTH_GATEWAY_AUTH_H
#define HEARTH_GATEWAY_AUTH_H

#include "gateway/auth_keys.h"
#include "gateway/route.h"
#include "gateway/sig_claim.h"

struct auth;
struct auth_proof;

struct auth_options {
    struct env *env;
    const struct auth_source *source; /* borrowed */
    const char *region; /* of this gateway; us-east-1, US and auto are taken as well */
};

/* NULL: out of memory.  The options are borrowed. */
struct auth *auth_create(const struct auth_options *options);
void auth_destroy(struct auth *auth); /* accepts NULL; wipes */

/*
 * The proof lives in the arena and is to be ended with auth_proof_end().  Anything but
 * S3_ERROR_NONE: `why` says more than the table, in static storage, or is NULL.
 */
enum s3_error auth_admit(struct auth *auth, const struct request *request,
    const struct route *route, struct arena *arena, const struct auth_proof **out,
    const char **why);

/* Forgets the key in it; accepts NULL. */
void auth_proof_end(const struct auth_proof *proof);

/* Whether the same asker may also do this: rights of a route, all of them. */
bool auth_permits(const struct auth_proof *proof, unsigned rights);

/* Of the tenant on whose behalf it is. */
struct hearth *auth_proof_hearth(const struct auth_proof *proof);

/* Empty: anonymous. */
struct view auth_proof_access_key(const struct auth_proof *proof);

#endif /* HEARTH_GATEWAY_AUTH_H */
