/*
 * What a gateway asks to check the signatures of others: keys for a day, never a secret.
 */
#include "coordinator/meta/meta_account.h"
#include "coordinator/service/access_key.h"
#include "coordinator/service/service.h"
#include "proto/wire_accounts.h"

/* A key of another tenant is not told from one that is not there: ids are no secrets to find. */
static enum hearth_code find_key(struct coordinator *coordinator, const struct rpc_context *context,
    struct view id, struct meta_access_key *out, struct hearth_err *err)
{
    struct meta_id tenant;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_READS, &tenant, err);
    if (code == HEARTH_OK) {
        code = meta_access_key_get(coordinator->store, id, context->arena, out, err);
    }
    if (code == HEARTH_OK && !meta_id_equal(out->tenant, tenant)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such access key");
    }
    return code;
}

static bool is_date(struct view date)
{
    for (size_t i = 0; i < date.size; i++) {
        if (date.bytes[i] < '0' || date.bytes[i] > '9') {
            return false;
        }
    }
    return date.size == SIGV4_DATE_SIZE;
}

static enum hearth_code derive_signing_key(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_derive_signing_key_request *in = request;
    struct wire_derive_signing_key_reply *out = response;
    struct meta_access_key key;
    if (find_key(coordinator, context, in->access_key, &key, err) != HEARTH_OK) {
        return err->code;
    }
    if (!is_date(in->date)) {
        return hearth_fail(err, HEARTH_INVALID, "a date is eight digits");
    }
    const struct sigv4_scope scope = {.date = in->date, .region = in->region};
    uint8_t signing_key[CRYPTO_KEY_SIZE];
    enum hearth_code code = access_key_derive(key.id, key.secret_sealed,
        coordinator->cluster->master, meta_id_view(&key.tenant), &scope, signing_key, err);
    if (code == HEARTH_OK) {
        out->signing_key = service_copy(context->arena, signing_key, sizeof(signing_key));
        out->tenant_id = service_copy(context->arena, key.tenant.bytes, sizeof(key.tenant.bytes));
        out->rights = key.rights;
    }
    crypto_wipe(signing_key, sizeof(signing_key));
    return code;
}

const struct rpc_handler gateway_handlers[] = {
    {.method = RPC_DERIVE_SIGNING_KEY, .unary = derive_signing_key},
};
const unsigned gateway_handler_count = sizeof(gateway_handlers) / sizeof(gateway_handlers[0]);
