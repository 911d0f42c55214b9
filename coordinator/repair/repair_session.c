#include "coordinator/repair/repair_session.h"

#include "client/shard_net_rpc.h"
#include "common/cleanup.h"
#include "common/log.h"

enum { LIFETIME_S = 24 * 60 * 60, RENEW_AFTER_MS = 12 * 60 * 60 * 1000 };

static enum hearth_code renew(struct repair_session *session, struct hearth_err *err)
{
    struct coordinator *coordinator = session->coordinator;
    struct pki_subject subject = {
        .key = session->key, .class = PEER_SESSION, .lifetime_s = LIFETIME_S};
    FREES char *pem = NULL;
    enum hearth_code code = pki_issue(coordinator->env, coordinator->cluster->ca_key,
        coordinator->cluster->ca_pem, &subject, &pem, err);
    if (code == HEARTH_OK) {
        code = shard_net_identify(session->net, session->key, view_text(pem), err);
    }
    if (code == HEARTH_OK) {
        session->issued_ms = meta_now_ms(coordinator->store);
    }
    return code;
}

enum hearth_code repair_session_open(struct coordinator *coordinator, struct rpc_runtime *runtime,
    struct repair_session *out, struct hearth_err *err)
{
    *out = (struct repair_session){.coordinator = coordinator};
    enum hearth_code code =
        shard_net_rpc_create(runtime, coordinator->cluster->ca_pem, &out->net, err);
    if (code == HEARTH_OK) {
        code = pki_key_create(&out->key, err);
    }
    if (code == HEARTH_OK) {
        pki_key_id(out->key, out->id);
        code = renew(out, err);
    }
    if (code == HEARTH_OK) {
        repair_use_session(coordinator->repair, out->net, out->id);
    }
    return code;
}

void repair_session_close(struct repair_session *session)
{
    shard_net_rpc_destroy(session->net);
    pki_key_destroy(session->key);
    *session = (struct repair_session){.coordinator = NULL};
}

void repair_session_round(struct duty *duty, void *context)
{
    struct repair_session *session = context;
    struct hearth_err err;
    uint64_t now = meta_now_ms(session->coordinator->store);
    if (now >= session->issued_ms + RENEW_AFTER_MS && renew(session, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=repair error=\"%s\"", err.message);
    }
    repair_round(session->coordinator->repair, duty);
}
