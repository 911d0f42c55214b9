#include "gateway/auth_ask.h"

/* "Nobody has it" is said only when everybody has said so; until then the worst answer stands. */
static enum hearth_code worse(enum hearth_code known, enum hearth_code code)
{
    return code == HEARTH_NOT_FOUND || code == HEARTH_DENIED ? known : code;
}

static enum hearth_code ask_key(void *context, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err)
{
    struct auth_ask *ask = context;
    struct hearth *tenants[AUTH_TENANTS_MAX];
    struct gateway_signing_key key;
    unsigned count = ask->tenants(ask->context, tenants, AUTH_TENANTS_MAX);
    enum hearth_code code = hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
    for (unsigned i = 0; i < count; i++) {
        struct hearth_err one;
        enum hearth_code answer = gateway_signing_key(tenants[i], access_key, scope, &key, &one);
        if (answer == HEARTH_OK) {
            *out = (struct auth_key){.rights = key.rights, .hearth = tenants[i]};
            memcpy(out->key, key.key, sizeof(out->key));
            crypto_wipe(&key, sizeof(key));
            return HEARTH_OK;
        }
        code = worse(code, answer);
        *err = code == answer ? one : *err;
    }
    return code;
}

static enum hearth_code ask_bucket(
    void *context, const char *bucket, struct hearth **out, struct hearth_err *err)
{
    struct auth_ask *ask = context;
    struct hearth *tenants[AUTH_TENANTS_MAX];
    unsigned count = ask->tenants(ask->context, tenants, AUTH_TENANTS_MAX);
    enum hearth_code code = hearth_fail(err, HEARTH_NOT_FOUND, "no such public bucket");
    for (unsigned i = 0; i < count; i++) {
        struct hearth_err one;
        struct hearth_buckets *found;
        enum hearth_code answer = hearth_bucket_head(tenants[i], bucket, &found, &one);
        if (answer == HEARTH_OK) {
            bool is_public = found->items[0].public_read;
            hearth_buckets_destroy(found);
            *out = is_public ? tenants[i] : NULL;
            return is_public ? HEARTH_OK : hearth_fail(err, HEARTH_NOT_FOUND, "not public");
        }
        code = answer == HEARTH_INVALID ? code : worse(code, answer); /* an impossible name */
        *err = code == answer ? one : *err;
    }
    return code;
}

struct auth_source auth_ask_source(struct auth_ask *ask)
{
    return (struct auth_source){
        .signing_key = ask_key, .public_bucket = ask_bucket, .context = ask};
}
