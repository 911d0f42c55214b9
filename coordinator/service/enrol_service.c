#include "coordinator/service/enrol_service.h"

#include "common/codec.h"
#include "common/log.h"
#include "coordinator/fleet/node_network.h"
#include "coordinator/meta/meta_node.h"

#include <stdlib.h>

/* As certificates have them. PEER_CLASSES: the database holds a class of a later version. */
static enum peer_class peer_class_of(enum meta_class class)
{
    switch (class) {
    case META_CLASS_NODE: return PEER_NODE;
    case META_CLASS_CLIENT: return PEER_CLIENT;
    case META_CLASS_GATEWAY: return PEER_GATEWAY;
    case META_CLASS_ADMIN: return PEER_ADMIN;
    }
    return PEER_CLASSES;
}

/* ---- who it is ---- */

static enum hearth_code use_invitation(struct coordinator *coordinator,
    const struct enrol_caller *caller, struct meta_enrolled *out, struct hearth_err *err)
{
    struct meta_enrol request = {0};
    memcpy(request.principal.bytes, caller->id, sizeof(request.principal.bytes));
    crypto_sha256(caller->token, request.token_hash);
    if (!node_network_of(caller->address, &request.observed)) {
        return hearth_fail(
            err, HEARTH_INTERNAL, "cannot tell the network of \"%s\"", caller->address);
    }
    return meta_enrol(coordinator->store, &request, out, err);
}

static enum hearth_code recognise(struct coordinator *coordinator,
    const struct enrol_caller *caller, struct meta_enrolled *out, struct hearth_err *err)
{
    struct meta_principal principal;
    memcpy(principal.bytes, caller->id, sizeof(principal.bytes));
    return meta_enrolled_get(coordinator->store, principal, out, err);
}

/* ---- what it gets ---- */

static enum hearth_code issue(struct coordinator *coordinator, const struct enrol_caller *caller,
    enum peer_class class, struct arena *arena, struct wire_enrol_reply *reply,
    struct hearth_err *err)
{
    const struct cluster *cluster = coordinator->cluster;
    const struct pki_subject subject = {.key = caller->key,
        .class = class,
        .lifetime_s = coordinator->settings->certificate_ms / 1000};
    char *pem;
    enum hearth_code code =
        pki_issue(coordinator->env, cluster->ca_key, cluster->ca_pem, &subject, &pem, err);
    if (code != HEARTH_OK) {
        return code;
    }
    reply->certificate = arena_copy(arena, view_text(pem));
    reply->ca_certificate = view_text(cluster->ca_pem);
    reply->cluster_id = view_of(cluster->id, sizeof(cluster->id));
    free(pem);
    return HEARTH_OK;
}

static enum hearth_code add_coordinators(const struct coordinator *coordinator, struct arena *arena,
    struct wire_enrol_reply *reply, struct hearth_err *err)
{
    const struct settings *settings = coordinator->settings;
    const struct config_addresses *addresses =
        settings->advertise.count > 0 ? &settings->advertise : &settings->listen;
    struct view *texts = arena_take_array(arena, WIRE_COORDINATORS_MAX, sizeof(*texts));
    if (texts == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "addresses of the coordinator");
    }
    for (unsigned i = 0; i < addresses->count && i < WIRE_COORDINATORS_MAX; i++) {
        texts[i] = coordinator_address_text(&addresses->items[i], arena);
        reply->coordinators_count++;
    }
    reply->coordinators = texts;
    return HEARTH_OK;
}

static enum hearth_code add_tenant(struct coordinator *coordinator, struct meta_id id,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct meta_tenant tenant;
    if (meta_id_is_zero(id)) {
        return HEARTH_OK;
    }
    enum hearth_code code = meta_tenant_get(coordinator->store, id, arena, &tenant, err);
    if (code == HEARTH_OK) {
        reply->tenant_id = arena_copy(arena, meta_id_view(&tenant.id));
        reply->tenant_name = tenant.name;
    }
    return code;
}

static enum hearth_code welcome(struct coordinator *coordinator, const struct enrol_caller *caller,
    const struct meta_enrolled *enrolled, struct arena *arena, struct wire_enrol_reply *reply,
    struct hearth_err *err)
{
    const enum peer_class class = peer_class_of(enrolled->class);
    if (class == PEER_CLASSES) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "member of class %d", (int)enrolled->class);
    }
    enum hearth_code code = issue(coordinator, caller, class, arena, reply, err);
    if (code == HEARTH_OK) {
        code = add_coordinators(coordinator, arena, reply, err);
    }
    if (code == HEARTH_OK) {
        code = add_tenant(coordinator, enrolled->tenant, arena, reply, err);
    }
    if (code == HEARTH_OK && enrolled->node != 0) {
        code = node_table_reload(coordinator->nodes, err);
    }
    return code;
}

static void log_outcome(const struct enrol_caller *caller, const struct meta_enrolled *enrolled,
    enum hearth_code code, const struct hearth_err *err)
{
    char id[PKI_ID_TEXT_SIZE];
    hex_encode(caller->id, sizeof(caller->id), id);
    if (code != HEARTH_OK) {
        log_write(LOG_ENROL_REFUSED, "id=%s from=%s code=%s reason=\"%s\"", id, caller->address,
            hearth_code_name(code), err->message);
    } else if (caller->token.size > 0) {
        log_write(LOG_ENROLLED, "id=%s class=%s node=%u from=%s", id,
            peer_class_text(peer_class_of(enrolled->class)), enrolled->node, caller->address);
    } else {
        log_write(LOG_MEMBER_RENEWED, "id=%s from=%s", id, caller->address);
    }
}

enum hearth_code enrol_service_handle(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct meta_enrolled enrolled;
    enum hearth_code code = caller->token.size > 0
        ? use_invitation(coordinator, caller, &enrolled, err)
        : recognise(coordinator, caller, &enrolled, err);
    if (code == HEARTH_OK) {
        code = welcome(coordinator, caller, &enrolled, arena, reply, err);
    }
    log_outcome(caller, &enrolled, code, err);
    return code;
}
