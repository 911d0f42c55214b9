#include "coordinator/audit/audit_session.h"

#include "client/shard_net_rpc.h"
#include "common/cleanup.h"
#include "common/log.h"

/* Certificates of sessions last for a day; this one is given up at a moment that nobody can guess,
 * after 1 to 12 hours. */
enum { LIFETIME_S = 24 * 60 * 60, LEAST_MS = 60 * 60 * 1000, MOST_MS = 12 * 60 * 60 * 1000 };

static enum hearth_code identify(
    struct audit_session *session, const struct pki_key *key, struct hearth_err *err)
{
    struct coordinator *coordinator = session->coordinator;
    struct pki_subject subject = {.key = key, .class = PEER_SESSION, .lifetime_s = LIFETIME_S};
    FREES char *pem = NULL;
    enum hearth_code code = pki_issue(coordinator->env, coordinator->cluster->ca_key,
        coordinator->cluster->ca_pem, &subject, &pem, err);
    if (code == HEARTH_OK) {
        code = shard_net_identify(session->net, key, view_text(pem), err);
    }
    pki_key_id(key, session->id);
    return code;
}

enum hearth_code audit_session_open(struct coordinator *coordinator, struct rpc_runtime *runtime,
    struct audit_session *out, struct hearth_err *err)
{
    struct pki_key *key = NULL;
    *out = (struct audit_session){.coordinator = coordinator, .runtime = runtime};
    enum hearth_code code =
        shard_net_rpc_create(runtime, coordinator->cluster->ca_pem, &out->net, err);
    if (code == HEARTH_OK) {
        code = pki_key_create(&key, err);
    }
    if (code == HEARTH_OK) {
        code = identify(out, key, err);
    }
    pki_key_destroy(key);
    if (code != HEARTH_OK) {
        audit_session_close(out);
        return hearth_err_prefix(err, "session of audits");
    }
    out->turns_ms = meta_now_ms(coordinator->store) + LEAST_MS +
        env_random_below(coordinator->env, MOST_MS - LEAST_MS);
    audit_use_session(coordinator->audit, out->net, out->id);
    return HEARTH_OK;
}

void audit_session_close(struct audit_session *session)
{
    shard_net_rpc_destroy(session->net);
    *session = (struct audit_session){.coordinator = NULL};
}

/* On failure the old one stays. */
static enum hearth_code turn(struct audit_session *session, struct hearth_err *err)
{
    struct audit_session next;
    if (meta_now_ms(session->coordinator->store) < session->turns_ms) {
        return HEARTH_OK;
    }
    enum hearth_code code = audit_session_open(session->coordinator, session->runtime, &next, err);
    if (code == HEARTH_OK) {
        audit_session_close(session);
        *session = next;
    }
    return code;
}

void audit_session_round(struct duty *duty, void *context)
{
    struct audit_session *session = context;
    struct hearth_err err;
    if (turn(session, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=audit error=\"%s\"", err.message);
    }
    audit_round(session->coordinator->audit, duty);
}
