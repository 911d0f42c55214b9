#include "coordinator/service/service.h"

#include <stdlib.h>

/* Long enough for any upload, short enough that a stolen one is soon worthless. */
enum { SESSION_LIFETIME_S = 24 * 60 * 60 };

static enum hearth_code issue_session(struct coordinator *coordinator, struct view public_key,
    struct arena *arena, struct view *certificate, struct hearth_err *err)
{
    struct pki_key *key = NULL;
    enum hearth_code code = pki_key_from_public(public_key, &key, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct pki_subject subject = {
        .key = key, .class = PEER_SESSION, .lifetime_s = SESSION_LIFETIME_S};
    char *pem = NULL;
    code = pki_issue(coordinator->env, coordinator->cluster->ca_key, coordinator->cluster->ca_pem,
        &subject, &pem, err);
    if (code == HEARTH_OK) {
        *certificate = arena_copy(arena, view_text(pem));
    }
    free(pem);
    pki_key_destroy(key);
    return code;
}

/* The session's id is the hash of a key drawn for it: nodes learn nothing from it. */
static enum hearth_code open_session(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_open_session_request *in = request;
    struct wire_open_session_reply *out = response;

    struct meta_id id;
    struct meta_tenant tenant;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_READS, &id, err);
    if (code == HEARTH_OK) {
        code = meta_tenant_get(coordinator->store, id, context->arena, &tenant, err);
    }
    if (code == HEARTH_OK) {
        code = issue_session(coordinator, in->public_key, context->arena, &out->certificate, err);
    }
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "open session");
    }
    out->now_unix_ms = meta_now_ms(coordinator->store);
    out->expires_unix_ms = out->now_unix_ms + UINT64_C(1000) * SESSION_LIFETIME_S;
    out->tenant_id = service_copy(context->arena, tenant.id.bytes, sizeof(tenant.id.bytes));
    out->tenant_name = tenant.name;
    out->root_key_id = tenant.root_key_id;
    return HEARTH_OK;
}

const struct rpc_handler session_handlers[] = {
    {.method = RPC_OPEN_SESSION, .unary = open_session},
};
const unsigned session_handler_count = sizeof(session_handlers) / sizeof(session_handlers[0]);
