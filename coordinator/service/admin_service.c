#include "coordinator/service/admin_service.h"

#include "common/log.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/service/admin_backup.h"
#include "coordinator/service/admin_restore.h"
#include "coordinator/service/fsck_service.h"
#include "coordinator/service/invitation.h"
#include "coordinator/service/status.h"

enum hearth_code admin_check(
    struct coordinator *coordinator, const struct peer_identity *peer, struct hearth_err *err)
{
    struct meta_principal principal;
    struct meta_grant grant;
    memcpy(principal.bytes, peer->id, sizeof(principal.bytes));
    enum hearth_code code = meta_grant_get(coordinator->store, principal, &grant, err);
    if (code == HEARTH_OK && grant.class == META_CLASS_ADMIN) {
        return HEARTH_OK;
    }
    if (code != HEARTH_OK && code != HEARTH_NOT_FOUND) {
        return code;
    }
    return hearth_fail(
        err, HEARTH_DENIED, "%s is no admin of this cluster any more", peer->id_text);
}

/* ---- garbage ---- */

/* What was written after the backup that was restored is given up by this. */
static enum hearth_code garbage_release(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    (void)response;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    if (code == HEARTH_OK) {
        code = meta_garbage_unhold(coordinator->store, err);
    }
    if (code == HEARTH_OK) {
        log_write(LOG_GARBAGE_RELEASED, "by=%s", context->peer.id_text);
    }
    return code;
}

/* ---- status ---- */

static enum hearth_code status(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    return code == HEARTH_OK ? status_collect(coordinator, context->arena, response, err) : code;
}

/* ---- invitations ---- */

static enum hearth_code invite(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_invite_request *in = request;
    struct wire_invite_reply *out = response;
    struct invitation invitation = {.owner = in->owner,
        .network = in->network,
        .place = in->place,
        .tenant = in->tenant,
        .valid_s = in->valid_s,
        .uplink_bits = in->uplink_bits};
    const char *word;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK) {
        return err->code;
    }
    if (!peer_class_parse(in->kind, &invitation.kind)) {
        return hearth_fail(err, HEARTH_INVALID,
            "\"%.*s\" cannot be invited: node, client, gateway or admin", VIEW_ARGS(in->kind));
    }
    enum hearth_code code = invitation_make(
        coordinator, &invitation, context->arena, &word, &out->expires_unix_ms, err);
    if (code == HEARTH_OK) {
        out->invite = view_text(word);
        log_write(
            LOG_INVITED, "class=%s by=%s", peer_class_text(invitation.kind), context->peer.id_text);
    }
    return code;
}

const struct rpc_handler admin_handlers[] = {
    {.method = RPC_STATUS, .unary = status},
    {.method = RPC_GARBAGE_RELEASE, .unary = garbage_release},
    {.method = RPC_INVITE, .unary = invite},
    {.method = RPC_BACKUP, .opened = admin_backup_opened},
    {.method = RPC_RESTORE, .opened = admin_restore_opened},
    {.method = RPC_FSCK, .opened = fsck_service_opened},
};
const unsigned admin_handler_count = sizeof(admin_handlers) / sizeof(admin_handlers[0]);
