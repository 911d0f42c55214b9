#include "gateway/auth.h"

#include "gateway/auth_proof.h"
#include "gateway/sig_canonical.h"

#include <assert.h>
#include <stdlib.h>

struct auth {
    /* Set once. */
    struct env *env;
    const char *region;
    struct auth_keys *keys;
};

struct auth *auth_create(const struct auth_options *options)
{
    struct auth *auth = calloc(1, sizeof(*auth));
    struct auth_keys *keys = auth_keys_create(options->source, options->env);
    if (auth == NULL || keys == NULL) {
        auth_keys_destroy(keys);
        free(auth);
        return NULL;
    }
    *auth = (struct auth){.env = options->env, .region = options->region, .keys = keys};
    return auth;
}

void auth_destroy(struct auth *auth)
{
    if (auth != NULL) {
        auth_keys_destroy(auth->keys);
        free(auth);
    }
}

/* ---- what a proof allows ---- */

static const struct {
    uint64_t of_key; /* the access key's right */
    unsigned allows; /* bits of enum route_right */
} rights_table[] = {
    {HEARTH_RIGHT_READ, ROUTE_READ | ROUTE_LIST},
    {HEARTH_RIGHT_WRITE, ROUTE_WRITE | ROUTE_DELETE},
    {HEARTH_RIGHT_OWN, ROUTE_MANAGE_BUCKET},
};

static unsigned rights_of(uint64_t of_key)
{
    unsigned rights = 0;
    for (size_t i = 0; i < sizeof(rights_table) / sizeof(rights_table[0]); i++) {
        rights |= of_key & rights_table[i].of_key ? rights_table[i].allows : 0;
    }
    return rights;
}

/* All that "public-read" means; uploads under way, for one, are nobody's business. */
static bool is_for_everybody(const struct route *route)
{
    static const char *const operations[] = {
        "GetObject", "HeadObject", "HeadBucket", "ListObjects", "ListObjectsV2"};
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(route->operation, operations[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool auth_permits(const struct auth_proof *proof, unsigned rights)
{
    return rights != 0 && (proof->rights & rights) == rights;
}

/* ---- the signature ---- */

static bool takes_region(const struct auth *auth, struct view region)
{
    const char *const taken[] = {auth->region, "us-east-1", "US", "auto"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (view_equal(region, view_text(taken[i]))) {
            return true;
        }
    }
    return false;
}

static enum s3_error check_scope(struct auth *auth, const struct sig_claim *claim, const char **why)
{
    if (takes_region(auth, claim->scope.region)) {
        return sig_claim_check_time(claim, env_unix_ms(auth->env), why);
    }
    *why = "the credential is for another region";
    return claim->kind == SIG_HEADER ? S3_ERROR_AUTHORIZATION_HEADER_MALFORMED
                                     : S3_ERROR_AUTHORIZATION_QUERY_PARAMETERS;
}

static enum s3_error find_key(struct auth *auth, struct auth_proof *proof)
{
    struct auth_key key;
    struct hearth_err err;
    enum hearth_code code =
        auth_keys_find(auth->keys, proof->claim.access_key, &proof->claim.scope, &key, &err);
    if (code == HEARTH_NOT_FOUND) {
        return S3_ERROR_INVALID_ACCESS_KEY_ID;
    }
    if (code != HEARTH_OK) {
        return s3_error_of(code, S3_ABOUT_BUCKET);
    }
    proof->rights = rights_of(key.rights);
    proof->hearth = key.hearth;
    memcpy(proof->key, key.key, sizeof(proof->key));
    crypto_wipe(&key, sizeof(key));
    return S3_ERROR_NONE;
}

static enum s3_error check_signature(struct auth_proof *proof, struct view canonical)
{
    const struct sig_claim *claim = &proof->claim;
    sigv4_sign_request(proof->key, &claim->scope, claim->time, canonical, proof->signature);
    return claim->signature.size == SIGV4_SIGNATURE_SIZE &&
            crypto_equal(claim->signature.bytes, proof->signature, SIGV4_SIGNATURE_SIZE)
        ? S3_ERROR_NONE
        : S3_ERROR_SIGNATURE_DOES_NOT_MATCH;
}

static enum s3_error verify(struct auth *auth, const struct http_head *head,
    const struct sig_query *query, struct arena *arena, struct auth_proof *proof, const char **why)
{
    struct view canonical;
    enum s3_error error = check_scope(auth, &proof->claim, why);
    if (error == S3_ERROR_NONE) {
        error = sig_canonical_request(head, query, &proof->claim, arena, &canonical, why);
    }
    if (error == S3_ERROR_NONE) {
        error = find_key(auth, proof);
    }
    return error == S3_ERROR_NONE ? check_signature(proof, canonical) : error;
}

/* ---- nobody signed ---- */

static enum s3_error admit_anybody(struct auth *auth, const struct request *request,
    const struct route *route, struct auth_proof *proof)
{
    struct hearth_err err;
    if (request->bucket == NULL || !is_for_everybody(route)) {
        return S3_ERROR_ACCESS_DENIED;
    }
    enum hearth_code code =
        auth_keys_public_bucket(auth->keys, request->bucket, &proof->hearth, &err);
    if (code == HEARTH_NOT_FOUND) {
        return S3_ERROR_ACCESS_DENIED; /* also for one that is not there */
    }
    proof->is_anonymous = true;
    proof->rights = ROUTE_READ | ROUTE_LIST;
    return code == HEARTH_OK ? S3_ERROR_NONE : s3_error_of(code, S3_ABOUT_BUCKET);
}

/* ---- both ---- */

static enum s3_error examine(struct auth *auth, const struct request *request,
    const struct route *route, struct arena *arena, struct auth_proof *proof, const char **why)
{
    struct sig_query *query = arena_take(arena, sizeof(*query));
    if (query == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    enum s3_error error = sig_query_parse(request->head->target, arena, query);
    if (error == S3_ERROR_NONE) {
        error = sig_claim_parse(request->head, query, arena, &proof->claim, why);
    }
    if (error == S3_ERROR_NONE) {
        error = proof->claim.kind == SIG_ANONYMOUS
            ? admit_anybody(auth, request, route, proof)
            : verify(auth, request->head, query, arena, proof, why);
    }
    if (error == S3_ERROR_NONE && !auth_permits(proof, route->right)) {
        *why = NULL;
        return S3_ERROR_ACCESS_DENIED;
    }
    return error;
}

enum s3_error auth_admit(struct auth *auth, const struct request *request,
    const struct route *route, struct arena *arena, const struct auth_proof **out, const char **why)
{
    *why = NULL;
    struct auth_proof *proof = arena_take(arena, sizeof(*proof));
    if (proof == NULL) {
        return S3_ERROR_SLOW_DOWN;
    }
    enum s3_error error = examine(auth, request, route, arena, proof, why);
    if (error != S3_ERROR_NONE) {
        crypto_wipe(proof->key, sizeof(proof->key));
        return error;
    }
    *out = proof;
    return S3_ERROR_NONE;
}

void auth_proof_end(const struct auth_proof *proof)
{
    if (proof != NULL) {
        struct auth_proof *own = (struct auth_proof *)proof;
        crypto_wipe(own->key, sizeof(own->key));
        own->rights = 0;
    }
}

struct hearth *auth_proof_hearth(const struct auth_proof *proof)
{
    return proof->hearth;
}

struct view auth_proof_access_key(const struct auth_proof *proof)
{
    return proof->claim.access_key;
}
