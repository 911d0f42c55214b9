#include "coordinator/rescue/rebuild_nodes.h"

#include "common/cleanup.h"
#include "common/config.h"
#include "coordinator/meta/meta_node.h"
#include "proto/node_probe.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum {
    FIRST_CAPACITY = 64,
    PERIODS = 3, /* of order keys: previous, current, next */
    INTERVAL_MS = 10 * 1000,
    DRAIN_MS = 1000,
};

struct rebuild_nodes {
    struct env *env;
    const struct cluster *cluster;
    const struct order_issuer *issuer;
    struct {
        pthread_mutex_t mutex;
        struct arena arena; /* of ids and addresses */
        struct wire_node_address *items;
        size_t count;
        size_t capacity;
    } shared;
};

struct rebuild_nodes *rebuild_nodes_create(
    struct env *env, const struct cluster *cluster, const struct order_issuer *issuer)
{
    struct rebuild_nodes *nodes = calloc(1, sizeof(*nodes));
    if (nodes != NULL) {
        nodes->env = env;
        nodes->cluster = cluster;
        nodes->issuer = issuer;
        pthread_mutex_init(&nodes->shared.mutex, NULL);
        arena_init(&nodes->shared.arena, 0);
    }
    return nodes;
}

void rebuild_nodes_destroy(struct rebuild_nodes *nodes)
{
    if (nodes == NULL) {
        return;
    }
    arena_fini(&nodes->shared.arena);
    pthread_mutex_destroy(&nodes->shared.mutex);
    free(nodes->shared.items);
    free(nodes);
}

const struct wire_node_address *rebuild_nodes_all(const struct rebuild_nodes *nodes, size_t *count)
{
    *count = nodes->shared.count;
    return nodes->shared.items;
}

/* ---- one node; with the mutex ---- */

/* NULL: no room for another. */
static struct wire_node_address *node_of(struct rebuild_nodes *nodes, const uint8_t id[PKI_ID_SIZE])
{
    for (size_t i = 0; i < nodes->shared.count; i++) {
        if (memcmp(nodes->shared.items[i].node_id.bytes, id, PKI_ID_SIZE) == 0) {
            return &nodes->shared.items[i];
        }
    }
    if (nodes->shared.count == nodes->shared.capacity) {
        size_t capacity = nodes->shared.capacity == 0 ? FIRST_CAPACITY : 2 * nodes->shared.capacity;
        struct wire_node_address *items = capacity > 2 * REBUILD_NODES_MAX
            ? NULL
            : realloc(nodes->shared.items, capacity * sizeof(*items));
        if (items == NULL) {
            return NULL;
        }
        nodes->shared.items = items;
        nodes->shared.capacity = capacity;
    }
    struct wire_node_address *node = &nodes->shared.items[nodes->shared.count++];
    *node = (struct wire_node_address){
        .node_id = arena_copy(&nodes->shared.arena, view_of(id, PKI_ID_SIZE))};
    return node;
}

/* In the place of what was known of it. */
static enum hearth_code set(struct rebuild_nodes *nodes, const uint8_t id[PKI_ID_SIZE],
    const struct wire_endpoint *endpoints, size_t count, struct hearth_err *err)
{
    struct arena *arena = &nodes->shared.arena;
    UNLOCKS pthread_mutex_t *held = lock(&nodes->shared.mutex);
    struct wire_node_address *node = node_of(nodes, id);
    struct wire_endpoint *copies = arena_take_array(arena, count, sizeof(*copies));
    if (node == NULL || copies == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a node's addresses");
    }
    for (size_t i = 0; i < count; i++) {
        copies[i] = endpoints[i];
        copies[i].host = arena_copy(arena, endpoints[i].host);
    }
    node->endpoints = copies;
    node->endpoints_count = count;
    return HEARTH_OK;
}

/* ---- named ---- */

static enum hearth_code set_address(struct rebuild_nodes *nodes, const uint8_t id[PKI_ID_SIZE],
    const struct config_address *address, struct hearth_err *err)
{
    const struct wire_endpoint endpoint = {
        .kind = META_ENDPOINT_DIRECT, .host = view_text(address->host), .port = address->port};
    return set(nodes, id, &endpoint, 1, err);
}

enum hearth_code rebuild_nodes_add_kit(
    struct rebuild_nodes *nodes, const struct kit *kit, struct hearth_err *err)
{
    struct arena arena;
    enum hearth_code code = HEARTH_OK;
    arena_init(&arena, 0);
    for (unsigned i = 0; i < kit->node_count && code == HEARTH_OK; i++) {
        struct config_address address;
        const char *text = arena_text(&arena, kit->nodes[i].address);
        code = config_parse_address(text, &arena, &address, err);
        if (code == HEARTH_OK) {
            code = set_address(nodes, kit->nodes[i].id, &address, err);
        }
    }
    arena_fini(&arena);
    return code;
}

/* Who is there. */
static enum hearth_code meet(struct rebuild_nodes *nodes, const char *text, struct arena *arena,
    FILE *out, struct hearth_err *err)
{
    uint8_t id[PKI_ID_SIZE];
    struct config_address address;
    const struct node_probe probe = {
        .env = nodes->env, .address = text, .ca_pem = nodes->cluster->ca_pem, .met_id = id};
    if (config_parse_address(text, arena, &address, err) != HEARTH_OK) {
        return err->code;
    }
    if (node_probe_blocking(&probe, err) != HEARTH_OK) {
        fprintf(out, "no node:    %s\n", err->message);
        return HEARTH_OK;
    }
    return set_address(nodes, id, &address, err);
}

enum hearth_code rebuild_nodes_add_addresses(
    struct rebuild_nodes *nodes, const char *list, FILE *out, struct hearth_err *err)
{
    struct arena arena;
    enum hearth_code code = HEARTH_OK;
    arena_init(&arena, 0);
    while (*list != '\0' && code == HEARTH_OK) {
        size_t length = strcspn(list, ",");
        code = meet(nodes, arena_text(&arena, view_of(list, length)), &arena, out, err);
        list += length + (list[length] == ',');
    }
    arena_fini(&arena);
    return code;
}

/* ---- called by ---- */

static enum hearth_code heartbeat(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct rebuild_nodes *nodes = service;
    const struct wire_heartbeat_request *in = request;
    struct wire_heartbeat_reply *out = response;
    struct wire_order_key *rows = arena_take_array(context->arena, PERIODS, sizeof(*rows));
    struct order_keys *keys = arena_take_array(context->arena, PERIODS, sizeof(*keys));
    if (rows == NULL || keys == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "order keys");
    }
    out->now_unix_ms = env_unix_ms(nodes->env);
    out->next_interval_ms = INTERVAL_MS;
    for (uint32_t i = 0; i < PERIODS; i++) {
        rows[i].key_id = order_period(out->now_unix_ms) - 1 + i;
        order_node_keys(nodes->issuer, rows[i].key_id, context->peer.id, &keys[i]);
        rows[i].order_key = view_of(keys[i].order_key, sizeof(keys[i].order_key));
        rows[i].receipt_key = view_of(keys[i].receipt_key, sizeof(keys[i].receipt_key));
    }
    out->order_keys = rows;
    out->order_keys_count = PERIODS;
    return set(nodes, context->peer.id, in->endpoints, in->endpoints_count, err);
}

const struct rpc_handler rebuild_nodes_handlers[1] = {
    {.method = RPC_HEARTBEAT, .unary = heartbeat},
};

static void wait_ms_blocking(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

enum hearth_code rebuild_nodes_listen_blocking(struct rebuild_nodes *nodes,
    struct rpc_runtime *runtime, struct rpc_credentials *credentials, const char *address,
    uint64_t wait_ms, struct hearth_err *err)
{
    struct rpc_server *server;
    const struct rpc_server_options options = {.runtime = runtime,
        .credentials = credentials,
        .addresses = {address},
        .handlers = rebuild_nodes_handlers,
        .handler_count = 1,
        .service = nodes};
    if (rpc_server_start(&options, &server, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "listen for nodes");
    }
    wait_ms_blocking(wait_ms);
    rpc_server_stop_blocking(server, DRAIN_MS);
    rpc_server_destroy(server);
    return HEARTH_OK;
}
