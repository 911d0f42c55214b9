#include "gateway/gateway.h"

#include "common/file.h"
#include "common/log.h"
#include "common/pki.h"
#include "gateway/admin.h"
#include "gateway/auth_ask.h"
#include "gateway/front.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SMALL_WORKERS = 16, /* beside those for transfers: lists, heads, refusals */
    SERVERS_MAX = 2 * SETTINGS_LISTEN_MAX,
    HEADERS_MAX = 128,
    HEAD_SIZE_MAX = 32 << 10,
    TRANSFER_MEMORY_MAX = 16 << 20,
    ADMIN_CONNECTIONS_MAX = 32,
};

struct gateway {
    const struct settings *settings;
    struct arena arena;
    struct front front;
    struct auth_ask ask;
    struct auth_source source;
    struct admin admin;
    struct http_server *admin_server; /* NULL: none */
    unsigned server_count;
    struct http_server *servers[SERVERS_MAX];
    unsigned clear_count; /* the first of these are in clear */
};

/* ---- domains ---- */

static enum hearth_code read_domains(struct gateway *gateway, struct hearth_err *err)
{
    const char *text = gateway->settings->domains;
    const char **items = arena_take_array(&gateway->arena, SETTINGS_DOMAINS_MAX, sizeof(*items));
    unsigned count = 0;
    while (items != NULL && *(text += strspn(text, ", ")) != '\0') {
        size_t length = strcspn(text, ", ");
        if (count == SETTINGS_DOMAINS_MAX) {
            return hearth_fail(err, HEARTH_INVALID, "domains: more than %d", SETTINGS_DOMAINS_MAX);
        }
        items[count] = arena_text(&gateway->arena, view_of(text, length));
        if (items[count++] == NULL) {
            items = NULL;
        }
        text += length;
    }
    if (items == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "read the domains");
    }
    gateway->front.domains = (struct request_domains){count, items};
    return HEARTH_OK;
}

enum hearth_code gateway_check(const struct settings *settings, struct hearth_err *err)
{
    if (settings->listen.count + settings->listen_tls.count == 0) {
        return hearth_fail(err, HEARTH_INVALID, "listen and listen_tls are both empty");
    }
    return HEARTH_OK;
}

/* ---- parts ---- */

static enum hearth_code open_parts(struct gateway *gateway, struct env *env, struct hearth_err *err)
{
    const struct settings *settings = gateway->settings;
    struct front *front = &gateway->front;
    const struct tenants_options tenants = {
        .folder = settings->tenants,
        .memory_max = settings->memory_max,
        .tenant_memory_max = settings->tenant_memory_max,
        .transfer_memory_max = TRANSFER_MEMORY_MAX,
    };
    front->env = env;
    front->region = settings->region;
    front->transfers_max = (unsigned)settings->transfers_max;
    if (tenants_open(&tenants, &front->tenants, err) != HEARTH_OK ||
        access_log_open(settings->access_log, &front->access_log, err) != HEARTH_OK ||
        read_domains(gateway, err) != HEARTH_OK) {
        return err->code;
    }
    gateway->ask = (struct auth_ask){.tenants = tenants_all, .context = front->tenants};
    gateway->source = auth_ask_source(&gateway->ask);
    const struct auth_options auth = {
        .env = env, .source = &gateway->source, .region = settings->region};
    front->auth = auth_create(&auth);
    const struct health_options health = {
        .env = env, .answers = health_ask_coordinator, .context = front->tenants};
    front->health = health_create(&health);
    front->metrics = metrics_create();
    if (front->auth == NULL || front->health == NULL || front->metrics == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "start the gateway");
    }
    return HEARTH_OK;
}

/* ---- servers ---- */

static struct http_options server_options(struct gateway *gateway)
{
    const struct settings *settings = gateway->settings;
    return (struct http_options){
        .threads = (unsigned)settings->threads,
        .limits = {.connections_max = (unsigned)settings->connections_max,
            .connections_per_address_max = (unsigned)settings->connections_per_address_max,
            .workers = (unsigned)settings->transfers_max + SMALL_WORKERS,
            .waiting_max = (unsigned)settings->requests_max,
            .headers_max = HEADERS_MAX,
            .head_size_max = HEAD_SIZE_MAX,
            .idle_ms = (unsigned)settings->idle_ms,
            .stall_ms = (unsigned)settings->stall_ms,
            .rate_min = (unsigned)settings->rate_min},
        .handle = front_handle,
        .refuse = front_refuse,
        .context = &gateway->front,
    };
}

static enum hearth_code start_servers(struct gateway *gateway, struct http_options *options,
    const struct config_addresses *addresses, struct hearth_err *err)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        options->listen = addresses->items[i];
        if (http_server_start(options, &gateway->servers[gateway->server_count], err) !=
            HEARTH_OK) {
            return err->code;
        }
        gateway->server_count++;
    }
    return HEARTH_OK;
}

static enum hearth_code read_pem(
    struct arena *arena, const char *path, const char **out, struct hearth_err *err)
{
    struct view pem;
    if (file_read_whole(path, PKI_PEM_MAX, arena, &pem, err) != HEARTH_OK) {
        return err->code;
    }
    *out = arena_text(arena, pem);
    return *out == NULL ? hearth_fail(err, HEARTH_NO_MEMORY, "read %s", path) : HEARTH_OK;
}

static enum hearth_code start_tls_servers(
    struct gateway *gateway, struct http_options *options, struct hearth_err *err)
{
    const struct settings *settings = gateway->settings;
    if (settings->listen_tls.count == 0) {
        return HEARTH_OK;
    }
    if (read_pem(&gateway->arena, settings->certificate, &options->certificate, err) != HEARTH_OK ||
        read_pem(&gateway->arena, settings->key, &options->key, err) != HEARTH_OK ||
        start_servers(gateway, options, &settings->listen_tls, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "TLS with %s and %s", settings->certificate, settings->key);
    }
    return HEARTH_OK;
}

static enum hearth_code start_admin(struct gateway *gateway, struct hearth_err *err)
{
    struct http_options options = server_options(gateway);
    struct admin *admin = &gateway->admin;
    admin->health = gateway->front.health;
    admin->metrics = gateway->front.metrics;
    for (unsigned i = 0; i < gateway->server_count; i++) {
        admin->servers[admin->server_count++] = gateway->servers[i];
    }
    if (gateway->settings->admin.count == 0) {
        return HEARTH_OK;
    }
    options.listen = gateway->settings->admin.items[0];
    options.threads = 1;
    options.limits.connections_max = ADMIN_CONNECTIONS_MAX;
    options.limits.workers = 2;
    options.handle = admin_handle;
    options.refuse = admin_refuse;
    options.context = admin;
    return http_server_start(&options, &gateway->admin_server, err);
}

enum hearth_code gateway_start(
    const struct settings *settings, struct env *env, struct gateway **out, struct hearth_err *err)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));
    if (gateway == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "start the gateway");
    }
    gateway->settings = settings;
    arena_init(&gateway->arena, 0);
    enum hearth_code code = open_parts(gateway, env, err);
    struct http_options options = server_options(gateway);
    if (code == HEARTH_OK) {
        code = start_servers(gateway, &options, &settings->listen, err);
    }
    gateway->clear_count = gateway->server_count;
    if (code == HEARTH_OK) {
        code = start_tls_servers(gateway, &options, err);
    }
    if (code == HEARTH_OK) {
        code = start_admin(gateway, err);
    }
    if (code != HEARTH_OK) {
        gateway_stop_blocking(gateway);
        return code;
    }
    *out = gateway;
    return HEARTH_OK;
}

unsigned gateway_port(const struct gateway *gateway)
{
    return gateway->clear_count == 0 ? 0 : http_server_port(gateway->servers[0]);
}

unsigned gateway_tls_port(const struct gateway *gateway)
{
    return gateway->clear_count == gateway->server_count
        ? 0
        : http_server_port(gateway->servers[gateway->clear_count]);
}

unsigned gateway_admin_port(const struct gateway *gateway)
{
    return gateway->admin_server == NULL ? 0 : http_server_port(gateway->admin_server);
}

/* What is not taken leaves the certificate of before in use. */
static enum hearth_code renew_certificate(
    struct gateway *gateway, struct arena *arena, struct hearth_err *err)
{
    const struct settings *settings = gateway->settings;
    const char *certificate;
    const char *key;
    if (read_pem(arena, settings->certificate, &certificate, err) != HEARTH_OK ||
        read_pem(arena, settings->key, &key, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned i = gateway->clear_count; i < gateway->server_count; i++) {
        if (http_server_renew(gateway->servers[i], certificate, key, err) != HEARTH_OK) {
            return hearth_err_prefix(err, "TLS with %s", settings->certificate);
        }
    }
    return HEARTH_OK;
}

void gateway_reload(struct gateway *gateway)
{
    struct hearth_err err;
    struct arena arena;
    arena_init(&arena, 0);
    tenants_reload(gateway->front.tenants);
    if (access_log_reopen(gateway->front.access_log, &err) != HEARTH_OK) {
        log_write(LOG_SETTINGS_REFUSED, "why=%s", err.message);
    }
    if (gateway->clear_count < gateway->server_count) {
        if (renew_certificate(gateway, &arena, &err) == HEARTH_OK) {
            log_write(LOG_CERTIFICATE_RENEWED, "file=%s", gateway->settings->certificate);
        } else {
            log_write(LOG_SETTINGS_REFUSED, "why=%s", err.message);
        }
    }
    arena_fini(&arena);
}

struct stopping {
    struct http_server *server;
    unsigned drain_ms;
};

static void *stop_one(void *context)
{
    const struct stopping *stopping = context;
    http_server_stop_blocking(stopping->server, stopping->drain_ms);
    return NULL;
}

/* All at once: together they have the time that one has. */
static void stop_servers(struct gateway *gateway)
{
    struct stopping stopping[SERVERS_MAX];
    pthread_t threads[SERVERS_MAX];
    bool has_thread[SERVERS_MAX];
    for (unsigned i = 0; i < gateway->server_count; i++) {
        stopping[i] = (struct stopping){gateway->servers[i], (unsigned)gateway->settings->drain_ms};
        has_thread[i] = pthread_create(&threads[i], NULL, stop_one, &stopping[i]) == 0;
        if (!has_thread[i]) {
            stop_one(&stopping[i]);
        }
    }
    for (unsigned i = 0; i < gateway->server_count; i++) {
        if (has_thread[i]) {
            pthread_join(threads[i], NULL);
        }
    }
}

void gateway_stop_blocking(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    struct front *front = &gateway->front;
    if (front->health != NULL) {
        health_end(front->health);
    }
    http_server_stop_blocking(gateway->admin_server, 0); /* it counts what the others do */
    stop_servers(gateway);
    metrics_destroy(front->metrics);
    health_destroy(front->health);
    auth_destroy(front->auth);
    access_log_close(front->access_log);
    tenants_close(front->tenants);
    arena_fini(&gateway->arena);
    free(gateway);
}
