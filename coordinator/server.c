#include "coordinator/server.h"

#include "common/http/http.h"
#include "common/log.h"
#include "coordinator/audit/audit_session.h"
#include "coordinator/duty.h"
#include "coordinator/fleet/node_inventory_rpc.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/garbage/reclaim.h"
#include "coordinator/garbage/reconcile_duty.h"
#include "coordinator/rebalance/node_copier_rpc.h"
#include "coordinator/rebalance/rebalance.h"
#include "coordinator/repair/repair_session.h"
#include "coordinator/rescue/shipping.h"
#include "coordinator/service/admin_backup.h"
#include "coordinator/service/admin_port.h"
#include "coordinator/service/admin_restore.h"
#include "coordinator/service/audit_service.h"
#include "coordinator/service/enrol_service.h"
#include "coordinator/service/fleet_service.h"
#include "coordinator/service/fsck_service.h"
#include "coordinator/service/repair_service.h"
#include "coordinator/service/service.h"
#include "coordinator/service/sweep_service.h"

#include <assert.h>
#include <stdlib.h>

enum {
    DRAIN_MS = 5000, /* calls under way; the longest honest ones are a second */
    /* Handlers wait for the metadata's group commit, not for a core: so many calls share one. */
    WORKERS = 64,
    WORKER_QUEUE_MAX = 1024,
    MOVES_AT_ONCE = 4,                /* more, and they take the nodes' disks from everybody else */
    REBALANCE_INTERVAL_MS = 5000,     /* whoever changes a plan wakes the duty */
    STREAMS_PER_CONNECTION_MAX = 128, /* a gateway has one connection for all its customers */
};

struct server {
    struct coordinator *coordinator;
    struct arena arena; /* texts of addresses */
    struct rpc_runtime *runtime;
    struct rpc_credentials *credentials;
    struct rpc_server *rpc;
    struct enrol_server *enrolment[CONFIG_ADDRESSES_MAX];
    unsigned enrolment_count;
    struct http_server *admin; /* NULL: none */
    struct duty *reclaim;
    struct duty *reconcile;
    struct duty *repair;
    struct duty *rebalance;
    struct duty *sweep;
    struct duty *shipping;
    struct duty *audit;
    struct repair_session session; /* repair's, towards nodes */
    struct audit_session audit_session;
    struct rpc_handler handlers[RPC_METHODS];
    unsigned handler_count;
};

/* ---- the RPC port ---- */

static void add_handlers(struct server *server, const struct rpc_handler *handlers, unsigned count)
{
    assert(server->handler_count + count <= RPC_METHODS);
    memcpy(server->handlers + server->handler_count, handlers, count * sizeof(*handlers));
    server->handler_count += count;
}

static void add_all_handlers(struct server *server)
{
    add_handlers(server, session_handlers, session_handler_count);
    add_handlers(server, bucket_handlers, bucket_handler_count);
    add_handlers(server, object_handlers, object_handler_count);
    add_handlers(server, lookup_handlers, lookup_handler_count);
    add_handlers(server, upload_handlers, upload_handler_count);
    add_handlers(server, segment_handlers, segment_handler_count);
    add_handlers(server, shard_handlers, shard_handler_count);
    add_handlers(server, node_handlers, node_handler_count);
    add_handlers(server, admin_handlers, admin_handler_count);
    add_handlers(server, rebalance_handlers, rebalance_handler_count);
    add_handlers(server, drain_handlers, drain_handler_count);
    add_handlers(server, account_handlers, account_handler_count);
    add_handlers(server, fleet_handlers, fleet_handler_count);
    add_handlers(server, sweep_handlers, sweep_handler_count);
    add_handlers(server, audit_handlers, audit_handler_count);
    add_handlers(server, repair_handlers, repair_handler_count);
    add_handlers(server, garbage_handlers, garbage_handler_count);
    add_handlers(server, gateway_handlers, gateway_handler_count);
}

static enum hearth_code start_runtime(struct server *server, struct hearth_err *err)
{
    const struct cluster *cluster = server->coordinator->cluster;
    const struct rpc_runtime_options options = {
        .env = server->coordinator->env, .workers = WORKERS, .queue_max = WORKER_QUEUE_MAX};
    if (rpc_runtime_create(&options, &server->runtime, err) != HEARTH_OK) {
        return err->code;
    }
    return rpc_credentials_create(
        cluster->ca_pem, cluster->certificate_pem, cluster->key, &server->credentials, err);
}

static enum hearth_code start_rpc(struct server *server, struct hearth_err *err)
{
    const struct config_addresses *listen = &server->coordinator->settings->listen;
    struct rpc_server_options options = {.runtime = server->runtime,
        .credentials = server->credentials,
        .handlers = server->handlers,
        .handler_count = server->handler_count,
        .service = server->coordinator,
        .streams_max = STREAMS_PER_CONNECTION_MAX};
    for (unsigned i = 0; i < listen->count && i < RPC_ADDRESSES_MAX; i++) {
        struct view text = coordinator_address_text(&listen->items[i], &server->arena);
        if (text.bytes == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "addresses");
        }
        options.addresses[i] = (const char *)text.bytes;
    }
    return rpc_server_start(&options, &server->rpc, err);
}

/* ---- the enrolment port ---- */

static enum hearth_code start_enrolment(struct server *server, struct hearth_err *err)
{
    const struct coordinator *coordinator = server->coordinator;
    const struct config_addresses *addresses = &coordinator->settings->enrolment;
    for (unsigned i = 0; i < addresses->count; i++) {
        struct view text = coordinator_address_text(&addresses->items[i], &server->arena);
        if (text.bytes == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "addresses");
        }
        const struct enrol_server_options options = {.env = coordinator->env,
            .address = (const char *)text.bytes,
            .certificate_pem = coordinator->cluster->certificate_pem,
            .ca_pem = coordinator->cluster->ca_pem,
            .key = coordinator->cluster->key,
            .handler = enrol_service_handle,
            .service = server->coordinator};
        if (enrol_server_start(&options, &server->enrolment[i], err) != HEARTH_OK) {
            return err->code;
        }
        server->enrolment_count++;
    }
    return HEARTH_OK;
}

/* ---- what runs in the background ---- */

static enum hearth_code start_dialler(struct coordinator *coordinator, struct hearth_err *err)
{
    const struct node_dialer_options options = {.env = coordinator->env,
        .ca_pem = coordinator->cluster->ca_pem,
        .dialled = node_service_dialled,
        .context = coordinator};
    return node_dialer_start(&options, &coordinator->dialer, err);
}

/* Over repair's session: a node cannot tell one from the other. */
static enum hearth_code start_rebalance(struct server *server, struct hearth_err *err)
{
    struct rebalance *rebalance = server->coordinator->rebalance;
    rebalance_use_session(rebalance, server->session.net, server->session.id);
    rebalance_wakes(rebalance, &server->rebalance);
    return duty_start(rebalance_round, rebalance, REBALANCE_INTERVAL_MS, &server->rebalance, err);
}

/* Last of all duties: it wakes others. */
static enum hearth_code start_sweep(struct server *server, struct hearth_err *err)
{
    struct coordinator *coordinator = server->coordinator;
    const struct sweep_watcher watchers[] = {
        repair_watcher(coordinator->repair, &server->repair),
        audit_watcher(coordinator->audit, &server->audit),
        reconcile_watcher(coordinator->reconcile, &server->reconcile),
    };
    for (size_t i = 0; i < sizeof(watchers) / sizeof(watchers[0]); i++) {
        sweep_watch(coordinator->sweep, &watchers[i]);
    }
    return duty_start(sweep_round, coordinator->sweep, coordinator->settings->sweep_interval_ms,
        &server->sweep, err);
}

static enum hearth_code start_duties(struct server *server, struct hearth_err *err)
{
    struct coordinator *coordinator = server->coordinator;
    const struct settings *settings = coordinator->settings;
    coordinator->backups = admin_slot_create(coordinator, "backup", admin_backup_run);
    coordinator->checks = admin_slot_create(coordinator, "fsck", fsck_service_run);
    coordinator->repair = repair_create(coordinator);
    coordinator->rebalance = rebalance_create(coordinator, MOVES_AT_ONCE);
    coordinator->audit = audit_create(coordinator);
    coordinator->reconcile = reconcile_duty_create(coordinator);
    coordinator->restores = admin_slot_create(coordinator, "restore", admin_restore_run);
    if (coordinator->backups == NULL || coordinator->checks == NULL ||
        coordinator->restores == NULL || coordinator->repair == NULL ||
        coordinator->rebalance == NULL || coordinator->audit == NULL ||
        coordinator->reconcile == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "background duties");
    }
    if (coordinator_open_sweep(coordinator, err) != HEARTH_OK ||
        start_dialler(coordinator, err) != HEARTH_OK ||
        node_copier_rpc_create(coordinator, server->runtime, server->credentials,
            &coordinator->copier, err) != HEARTH_OK ||
        node_inventory_rpc_create(server->runtime, server->credentials, coordinator->nodes,
            &coordinator->inventory, err) != HEARTH_OK ||
        repair_session_open(coordinator, server->runtime, &server->session, err) != HEARTH_OK ||
        duty_start(reclaim_round, coordinator, settings->reclaim_interval_ms, &server->reclaim,
            err) != HEARTH_OK ||
        duty_start(reconcile_round, coordinator->reconcile, settings->reclaim_interval_ms,
            &server->reconcile, err) != HEARTH_OK ||
        duty_start(repair_session_round, &server->session, settings->repair_interval_ms,
            &server->repair, err) != HEARTH_OK ||
        audit_session_open(coordinator, server->runtime, &server->audit_session, err) !=
            HEARTH_OK ||
        duty_start(audit_session_round, &server->audit_session, settings->audit_interval_ms,
            &server->audit, err) != HEARTH_OK) {
        return err->code;
    }
    coordinator->session = &server->session;
    return start_rebalance(server, err) == HEARTH_OK ? start_sweep(server, err) : err->code;
}

static enum hearth_code start_shipping(struct server *server, struct hearth_err *err)
{
    struct coordinator *coordinator = server->coordinator;
    if (!coordinator->settings->ships) {
        return HEARTH_OK;
    }
    coordinator->shipping = shipping_create(coordinator, &server->session);
    if (coordinator->shipping == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "shipping of metadata");
    }
    return duty_start(shipping_round, coordinator->shipping,
        coordinator->settings->ship_interval_ms, &server->shipping, err);
}

/* ---- a life ---- */

static enum hearth_code start_all(struct server *server, struct hearth_err *err)
{
    if (start_runtime(server, err) != HEARTH_OK || start_duties(server, err) != HEARTH_OK ||
        start_shipping(server, err) != HEARTH_OK || start_rpc(server, err) != HEARTH_OK ||
        admin_port_start(server->coordinator, &server->admin, err) != HEARTH_OK) {
        return err->code;
    }
    return start_enrolment(server, err);
}

enum hearth_code server_start(
    struct coordinator *coordinator, struct server **out, struct hearth_err *err)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "server");
    }
    server->coordinator = coordinator;
    arena_init(&server->arena, 0);
    add_all_handlers(server);
    if (start_all(server, err) != HEARTH_OK) {
        server_stop_blocking(server);
        return err->code;
    }
    *out = server;
    return HEARTH_OK;
}

unsigned server_port(const struct server *server)
{
    return rpc_server_port(server->rpc);
}

unsigned server_enrolment_port(const struct server *server)
{
    return enrol_server_port(server->enrolment[0]);
}

unsigned server_admin_port(const struct server *server)
{
    return server->admin == NULL ? 0 : http_server_port(server->admin);
}

static void stop_ports(struct server *server)
{
    http_server_stop_blocking(server->admin, 0);
    for (unsigned i = 0; i < server->enrolment_count; i++) {
        enrol_server_stop_blocking(server->enrolment[i]);
    }
    if (server->rpc != NULL) {
        rpc_server_stop_blocking(server->rpc, DRAIN_MS);
        rpc_server_destroy(server->rpc);
    }
}

/* The ports are closed: their streams have ended. */
static void end_jobs(struct coordinator *coordinator)
{
    admin_slot_destroy(coordinator->backups);
    coordinator->backups = NULL;
    admin_slot_destroy(coordinator->checks);
    coordinator->checks = NULL;
    admin_slot_destroy(coordinator->restores);
    coordinator->restores = NULL;
    coordinator->session = NULL;
}

/* After the ports are closed and the duties over. */
static void destroy_parts(struct coordinator *coordinator)
{
    node_copier_rpc_destroy(coordinator->copier);
    coordinator->copier = NULL;
    node_inventory_rpc_destroy(coordinator->inventory);
    coordinator->inventory = NULL;
    node_dialer_stop(coordinator->dialer);
    coordinator->dialer = NULL;
    sweep_destroy(coordinator->sweep);
    coordinator->sweep = NULL;
    shipping_destroy(coordinator->shipping);
    coordinator->shipping = NULL;
    reconcile_duty_destroy(coordinator->reconcile);
    coordinator->reconcile = NULL;
    repair_destroy(coordinator->repair);
    coordinator->repair = NULL;
    rebalance_destroy(coordinator->rebalance);
    coordinator->rebalance = NULL;
    audit_destroy(coordinator->audit);
    coordinator->audit = NULL;
    struct hearth_err err;
    if (node_table_flush(coordinator->nodes, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=flush error=\"%s\"", err.message);
    }
}

void server_stop_blocking(struct server *server)
{
    if (server == NULL) {
        return;
    }
    stop_ports(server);
    duty_stop(server->sweep);
    duty_stop(server->shipping);
    duty_stop(server->repair);
    duty_stop(server->rebalance);
    duty_stop(server->audit);
    duty_stop(server->reconcile);
    duty_stop(server->reclaim);
    end_jobs(server->coordinator);
    repair_session_close(&server->session);
    audit_session_close(&server->audit_session);
    destroy_parts(server->coordinator);
    rpc_credentials_unref(server->credentials);
    rpc_runtime_destroy(server->runtime);
    arena_fini(&server->arena);
    free(server);
}
