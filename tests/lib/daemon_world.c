#include "tests/lib/daemon_world.h"

#include "common/id_sum.h"

#include "common/file.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_ID = 1, INTERVAL_MS = 50, DRAIN_MS = 200 };

const struct test_shard daemon_shard = {
    .cells = 24, .cell_size = 65552, .last_cell_size = 640, .seed = 3};

static const uint8_t master[CRYPTO_KEY_SIZE] = {8};

/* ---- the coordinator ---- */

static enum hearth_code take_beat(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct daemon_coordinator *coordinator = service;
    const struct wire_heartbeat_request *beat = request;
    struct wire_heartbeat_reply *reply = response;
    struct wire_order_key *key = arena_take(context->arena, sizeof(*key));
    struct order_keys *keys = arena_take(context->arena, sizeof(*keys));
    struct view *trash = arena_take(context->arena, sizeof(*trash));
    (void)err;
    order_keys_derive(master, context->peer.id, keys);
    *key = (struct wire_order_key){.key_id = KEY_ID,
        .order_key = view_of(keys->order_key, CRYPTO_KEY_SIZE),
        .receipt_key = view_of(keys->receipt_key, CRYPTO_KEY_SIZE)};
    reply->next_interval_ms = INTERVAL_MS;
    reply->now_unix_ms = env_unix_ms(env_system());
    reply->order_keys = key;
    reply->order_keys_count = 1;

    pthread_mutex_lock(&coordinator->mutex);
    reply->recovery_epoch = coordinator->epoch;
    coordinator->results += beat->trash_results_count;
    coordinator->start_count = beat->start_count;
    coordinator->shards = beat->shards;
    if (coordinator->has_trash && coordinator->results == 0) {
        *trash = arena_copy(context->arena, view_of(coordinator->trash.bytes, SHARD_ID_SIZE));
        reply->trash = trash;
        reply->trash_count = 1;
        reply->trash_sum = id_sum_of(trash->bytes);
    }
    pthread_mutex_unlock(&coordinator->mutex);
    test_gate_pass(&coordinator->beats);
    return HEARTH_OK;
}

/* ---- the world ---- */

const char *daemon_world_path(struct daemon_world *world, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    return arena_text(&world->arena, view_text(path));
}

void daemon_world_write_identity(
    struct daemon_world *world, struct pki_key *key, uint64_t lifetime_s)
{
    const struct pki_subject subject = {key, PEER_NODE, lifetime_s};
    char *pem;
    char *key_pem = pki_key_pem(key);
    assert_ok(pki_issue(env_system(), world->ca.key, world->ca.pem, &subject, &pem, &world->err),
        &world->err);
    assert_ok(file_write_atomically(world->settings.certificate, view_text(pem), 0644, &world->err),
        &world->err);
    assert_ok(
        file_write_atomically(world->settings.ca, view_text(world->ca.pem), 0644, &world->err),
        &world->err);
    assert_ok(file_write_atomically(world->settings.key, view_text(key_pem), 0600, &world->err),
        &world->err);
    free(pem);
    free(key_pem);
}

struct config_addresses daemon_world_local(unsigned port)
{
    struct config_addresses addresses = {.count = 1};
    addresses.items[0] = (struct config_address){.host = "127.0.0.1", .port = (uint16_t)port};
    return addresses;
}

static void start_coordinator(struct daemon_world *world)
{
    static const struct rpc_handler handlers[] = {{.method = RPC_HEARTBEAT, .unary = take_beat}};
    struct daemon_coordinator *coordinator = &world->coordinator;
    pthread_mutex_init(&coordinator->mutex, NULL);
    test_gate_init(&coordinator->beats);
    coordinator->credentials =
        test_credentials(&world->ca, env_system(), PEER_COORDINATOR, DAEMON_DAY_S);
    const struct rpc_server_options options = {
        .runtime = world->runtime,
        .credentials = coordinator->credentials,
        .addresses = {"127.0.0.1:0"},
        .handlers = handlers,
        .handler_count = 1,
        .service = coordinator,
    };
    assert_ok(rpc_server_start(&options, &coordinator->server, &world->err), &world->err);
}

/* A port nobody listens on: taken from the system and given back. */
static unsigned free_port(struct daemon_world *world)
{
    const struct rpc_server_options options = {
        .runtime = world->runtime,
        .credentials = world->coordinator.credentials,
        .addresses = {"127.0.0.1:0"},
    };
    struct rpc_server *server;
    assert_ok(rpc_server_start(&options, &server, &world->err), &world->err);
    unsigned port = rpc_server_port(server);
    rpc_server_stop_blocking(server, 0);
    rpc_server_destroy(server);
    return port;
}

static void make_settings(struct daemon_world *world)
{
    unsigned coordinator_port = rpc_server_port(world->coordinator.server);
    world->settings = (struct settings){
        .key = daemon_world_path(world, "key.pem"),
        .certificate = daemon_world_path(world, "certificate.pem"),
        .ca = daemon_world_path(world, "ca.pem"),
        .volume = daemon_world_path(world, "volume"),
        .listen = daemon_world_local(free_port(world)),
        .coordinators = daemon_world_local(coordinator_port),
        .enrolment = daemon_world_local(coordinator_port),
        .streams = DAEMON_STREAMS_MAX,
        .drain_ms = DRAIN_MS,
    };
}

/* The second beat from now comes after its reply has been worked in. */
void daemon_world_wait_until_ready(struct daemon_world *world)
{
    test_gate_wait(&world->coordinator.beats, test_gate_count(&world->coordinator.beats) + 2);
}

void daemon_world_start(struct daemon_world *world)
{
    assert_ok(
        storaged_start(&world->settings, env_system(), &world->node, &world->err), &world->err);
    daemon_world_wait_until_ready(world);
}

struct rpc_channel *daemon_world_channel(
    struct daemon_world *world, struct rpc_credentials *credentials)
{
    char address[32];
    struct rpc_channel *channel;
    uint8_t id[PKI_ID_SIZE];
    pki_key_id(world->key, id);
    snprintf(address, sizeof(address), "127.0.0.1:%u", world->settings.listen.items[0].port);
    const struct rpc_channel_options options = {
        .transport = RPC_LINK,
        .runtime = world->runtime,
        .credentials = credentials,
        .address = address,
        .peer_class = PEER_NODE,
        .peer_id = id,
    };
    assert_ok(rpc_channel_create(&options, &channel, &world->err), &world->err);
    return channel;
}

void daemon_world_init_files(struct daemon_world *world)
{
    *world = (struct daemon_world){.folder = "/tmp/hearth-test-storaged-XXXXXX"};
    assert_non_null(mkdtemp(world->folder));
    arena_init(&world->arena, 0);
    assert_ok(rpc_runtime_create(&(struct rpc_runtime_options){0}, &world->runtime, &world->err),
        &world->err);
    test_ca_init(&world->ca, env_system());
    start_coordinator(world);
    make_settings(world);
    assert_ok(pki_key_create(&world->key, &world->err), &world->err);
    daemon_world_write_identity(world, world->key, DAEMON_DAY_S);
    world->session = test_credentials(&world->ca, env_system(), PEER_SESSION, DAEMON_DAY_S);
    world->channel = daemon_world_channel(world, world->session);
}

void daemon_world_init(struct daemon_world *world)
{
    daemon_world_init_files(world);
    daemon_world_start(world);
}

void daemon_world_fini(struct daemon_world *world)
{
    char command[128];
    rpc_channel_destroy(world->channel);
    storaged_stop(world->node);
    rpc_server_stop_blocking(world->coordinator.server, 0);
    rpc_server_destroy(world->coordinator.server);
    rpc_runtime_destroy(world->runtime);
    rpc_credentials_unref(world->coordinator.credentials);
    rpc_credentials_unref(world->session);
    test_gate_fini(&world->coordinator.beats);
    test_ca_fini(&world->ca);
    pki_key_destroy(world->key);
    arena_fini(&world->arena);
    snprintf(command, sizeof(command), "rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
}

/* ---- the client ---- */

static void remote_message(void *context, struct buf *message TAKES)
{
    struct remote *remote = context;
    if (message == NULL) {
        return;
    }
    remote->messages[remote->count++] = message;
    rpc_stream_read(remote->stream);
    test_gate_pass(&remote->events);
}

static void remote_sent(void *context)
{
    struct remote *remote = context;
    test_gate_pass(&remote->events);
}

static void remote_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct remote *remote = context;
    (void)err;
    remote->code = code;
    atomic_store(&remote->is_over, true);
    test_gate_pass(&remote->events);
    test_gate_pass(&remote->closed); /* last: now the gates may go */
}

void remote_open(
    struct remote *remote, struct rpc_channel *channel, unsigned method, const void *message)
{
    static const struct rpc_stream_handlers handlers = {
        .message = remote_message, .sent = remote_sent, .closed = remote_closed};
    struct hearth_err err;
    const struct rpc_request request = {
        .method = method, .message = message, .deadline_ms = TEST_DEADLINE_MS};
    *remote = (struct remote){.count = 0};
    test_gate_init(&remote->events);
    test_gate_init(&remote->closed);
    assert_ok(rpc_stream_open(channel, &request, &handlers, remote, &remote->stream, &err), &err);
}

void remote_send(struct remote *remote, struct buf *message TAKES)
{
    unsigned before = test_gate_count(&remote->events);
    struct slice slice = {message, buf_view(message)};
    if (atomic_load(&remote->is_over)) {
        buf_unref(message);
        return;
    }
    rpc_stream_send(remote->stream, &slice, 1);
    test_gate_wait(&remote->events, before + 1); /* sent, or the end */
}

enum hearth_code remote_wait(struct remote *remote)
{
    test_gate_wait(&remote->closed, 1);
    return remote->code;
}

void remote_fini(struct remote *remote)
{
    test_gate_wait(&remote->closed, 1);
    rpc_stream_release(remote->stream);
    for (unsigned i = 0; i < remote->count; i++) {
        buf_unref(remote->messages[i]);
    }
    test_gate_fini(&remote->events);
    test_gate_fini(&remote->closed);
}

static struct order make_order(struct daemon_world *world, enum order_action action, uint8_t number)
{
    uint64_t now_ms = env_unix_ms(env_system());
    struct order order = {
        .action = action,
        .key_id = KEY_ID,
        .slot = number,
        .size_max = action == ORDER_PUT ? test_shard_size(&daemon_shard) : 0,
        .created_unix_ms = now_ms,
        .expires_unix_ms = now_ms + TEST_ORDER_MS,
    };
    struct shard_id id = test_shard_id(number);
    pki_key_id(world->key, order.node_id);
    memcpy(order.shard_id, id.bytes, SHARD_ID_SIZE);
    memcpy(order.session, rpc_credentials_certificate(world->session)->identity.id, PKI_ID_SIZE);
    return order;
}

static void sign(struct daemon_world *world, const struct order *order, uint8_t bytes[ORDER_SIZE])
{
    struct order_keys keys;
    uint8_t id[PKI_ID_SIZE];
    pki_key_id(world->key, id);
    order_keys_derive(master, id, &keys);
    order_encode(order, keys.order_key, bytes);
}

void daemon_world_begin_put(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, uint8_t number)
{
    uint8_t bytes[ORDER_SIZE];
    struct order order = make_order(world, ORDER_PUT, number);
    sign(world, &order, bytes);
    const struct wire_shard_put_open open = {.order = view_of(bytes, sizeof(bytes))};
    struct buf *message;
    assert_ok(wire_encode(&wire_shard_put_message_message,
                  &(struct wire_shard_put_message){.step = WIRE_SHARD_PUT_OPEN, .open = &open},
                  &message, &world->err),
        &world->err);
    remote_open(remote, channel, RPC_SHARD_PUT, NULL);
    rpc_stream_read(remote->stream);
    remote_send(remote, message);
}

enum hearth_code daemon_world_put(
    struct daemon_world *world, struct rpc_channel *channel, uint8_t number)
{
    struct remote remote;
    daemon_world_begin_put(world, &remote, channel, number);
    for (uint32_t stripe = 0; stripe < daemon_shard.cells; stripe++) {
        remote_send(&remote, test_put_cell(&daemon_shard, stripe));
    }
    remote_send(&remote, test_put_footer(&daemon_shard));
    enum hearth_code code = remote_wait(&remote);
    assert_int_equal(remote.count, code == HEARTH_OK);
    remote_fini(&remote);
    return code;
}

void daemon_world_begin_get(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, uint8_t number)
{
    uint8_t bytes[ORDER_SIZE];
    struct order order = make_order(world, ORDER_GET, number);
    sign(world, &order, bytes);
    const struct wire_shard_get_request request = {
        .order = view_of(bytes, sizeof(bytes)), .stripes = daemon_shard.cells};
    remote_open(remote, channel, RPC_SHARD_GET, &request);
}

/* Reads the whole shard and compares. */
enum hearth_code daemon_world_get(
    struct daemon_world *world, struct rpc_channel *channel, uint8_t number)
{
    static uint8_t expected[65552 + VOLUME_TAG_SIZE];
    struct remote remote;
    daemon_world_begin_get(world, &remote, channel, number);
    rpc_stream_read(remote.stream);
    enum hearth_code code = remote_wait(&remote);
    for (uint32_t stripe = 0; code == HEARTH_OK && stripe < daemon_shard.cells; stripe++) {
        struct view message = buf_view(remote.messages[stripe]);
        uint32_t size = test_shard_cell_size(&daemon_shard, stripe);
        test_shard_cell(&daemon_shard, stripe, expected);
        assert_memory_equal(message.bytes + message.size - size, expected, size);
    }
    assert_int_equal(remote.count, code == HEARTH_OK ? daemon_shard.cells : 0);
    remote_fini(&remote);
    return code;
}
