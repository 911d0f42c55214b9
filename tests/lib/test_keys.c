#include "tests/lib/test_keys.h"

#include "tests/lib/test_sign.h"

static enum hearth_code answer_key(void *context, struct view access_key,
    const struct sigv4_scope *scope, struct auth_key *out, struct hearth_err *err)
{
    const struct test_keys *keys = context;
    if (!view_equal(access_key, view_text(test_signer_published.access_key))) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key");
    }
    *out = (struct auth_key){.rights = keys->rights};
    sigv4_derive_key(view_text(test_signer_published.secret), scope, out->key);
    return HEARTH_OK;
}

static enum hearth_code answer_bucket(
    void *context, const char *bucket, struct hearth **out, struct hearth_err *err)
{
    (void)context;
    (void)bucket;
    (void)out;
    return hearth_fail(err, HEARTH_NOT_FOUND, "nothing is public");
}

void test_keys_init(struct test_keys *keys, uint64_t rights)
{
    *keys = (struct test_keys){{answer_key, answer_bucket, keys}, rights};
}
