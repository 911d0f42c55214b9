/*
 * server: the whole coordinator behind its real ports: enrolled over one, asked over the other.
 */
#include "coordinator/server.h"

#include "common/cleanup.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/service/invitation.h"
#include "coordinator/service/service.h"
#include "proto/enrol.h"
#include "proto/invite.h"
#include "tests/lib/test.h"
#include "tests/lib/test_rpc.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
    char directory[64];
    struct settings settings;
    struct coordinator *coordinator;
    struct server *server;
    struct arena arena;
    struct rpc_runtime *runtime;
    struct hearth_err err;
};

static const struct config_address any_port = {.host = "127.0.0.1", .port = 0};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    const char *base = getenv("TMPDIR");
    signal(SIGPIPE, SIG_IGN);
    arena_init(&at->arena, 0);
    snprintf(at->directory, sizeof(at->directory), "%.40s/hearth-server-XXXXXX",
        base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(at->directory));
    config_defaults(&settings_table, &at->arena, &at->settings);
    at->settings.directory = at->settings.metadata = at->directory;
    at->settings.listen = at->settings.enrolment =
        (struct config_addresses){.count = 1, .items = {any_port}};
    assert_ok(cluster_create(at->directory, env_system(), &at->err), &at->err);
    assert_ok(
        coordinator_create(&at->settings, env_system(), &at->coordinator, &at->err), &at->err);
    struct meta_id cluster;
    memcpy(cluster.bytes, at->coordinator->cluster->id, sizeof(cluster.bytes));
    assert_ok(meta_cluster_set(at->coordinator->store, cluster, &at->err), &at->err);
    assert_ok(server_start(at->coordinator, &at->server, &at->err), &at->err);
    assert_ok(
        rpc_runtime_create(&(struct rpc_runtime_options){0}, &at->runtime, &at->err), &at->err);
    *state = at;
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    server_stop_blocking(at->server);
    coordinator_close(at->coordinator);
    rpc_runtime_destroy(at->runtime);
    nftw(at->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

/* ---- becoming a member over the wire ---- */

static struct rpc_credentials *enrol(struct fixture *at, enum peer_class class)
{
    const struct invitation invitation = {.kind = class, .owner = view_text("ada")};
    const char *word;
    uint64_t expires_ms;
    struct invite invite;
    struct pki_key *key;
    struct wire_enrol_reply reply;
    struct rpc_credentials *credentials;
    char address[32];
    assert_ok(
        invitation_make(at->coordinator, &invitation, &at->arena, &word, &expires_ms, &at->err),
        &at->err);
    assert_ok(invite_parse(view_text(word), &at->arena, &invite, &at->err), &at->err);
    assert_ok(pki_key_create(&key, &at->err), &at->err);
    snprintf(address, sizeof(address), "127.0.0.1:%u", server_enrolment_port(at->server));
    const struct enrol_call call = {.address = address,
        .ca_pin = invite.ca_pin,
        .token = view_of(invite.token, sizeof(invite.token)),
        .key = key,
        .timeout_ms = 1000 * TEST_WAIT_S};
    assert_ok(enrol_call_blocking(&call, &at->arena, &reply, &at->err), &at->err);
    assert_ok(rpc_credentials_create(arena_text(&at->arena, reply.ca_certificate),
                  arena_text(&at->arena, reply.certificate), key, &credentials, &at->err),
        &at->err);
    pki_key_destroy(key);
    return credentials;
}

static struct rpc_channel *connect_as(struct fixture *at, enum peer_class class)
{
    char address[32];
    struct rpc_channel *channel;
    struct rpc_credentials *credentials = enrol(at, class);
    snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(at->server));
    const struct rpc_channel_options options = {.runtime = at->runtime,
        .credentials = credentials,
        .address = address,
        .peer_class = PEER_COORDINATOR};
    assert_ok(rpc_channel_create(&options, &channel, &at->err), &at->err);
    rpc_credentials_unref(credentials);
    return channel;
}

static enum hearth_code call(struct fixture *at, struct rpc_channel *channel,
    enum rpc_method method, const void *message, void *response)
{
    const struct rpc_request request = {
        .method = method, .message = message, .deadline_ms = TEST_DEADLINE_MS};
    return rpc_call_blocking(channel, &request, &at->arena, response, &at->err);
}

static void members_enrol_at_one_port_and_ask_at_the_other(void **state)
{
    struct fixture *at = *state;
    const struct wire_empty nothing = {0};
    struct wire_status_reply status;
    struct wire_list_buckets_reply buckets;
    struct rpc_channel *admin = connect_as(at, PEER_ADMIN);
    struct rpc_channel *client = connect_as(at, PEER_CLIENT);
    assert_ok(call(at, admin, RPC_STATUS, &nothing, &status), &at->err);
    assert_memory_equal(status.cluster_id.bytes, at->coordinator->cluster->id, PKI_CLUSTER_SIZE);
    assert_ok(call(at, client, RPC_LIST_BUCKETS, &nothing, &buckets), &at->err);
    assert_int_equal(call(at, client, RPC_STATUS, &nothing, &status), HEARTH_DENIED);
    assert_int_equal(call(at, admin, RPC_LIST_BUCKETS, &nothing, &buckets), HEARTH_DENIED);
    rpc_channel_destroy(admin);
    rpc_channel_destroy(client);
}

/* ---- a backup, read as a stream ---- */

struct reading {
    struct rpc_stream *stream;
    uint8_t head[16];
    size_t size;
    struct test_gate closed;
    enum hearth_code code;
    struct hearth_err err;
    struct arena arena;
};

static void on_message(void *context, struct buf *message TAKES)
{
    struct reading *reading = context;
    struct wire_backup_chunk chunk;
    struct hearth_err err;
    if (message == NULL) {
        return;
    }
    if (rpc_stream_decode(reading->stream, message, &reading->arena, &chunk, &err) == HEARTH_OK) {
        if (reading->size == 0 && chunk.bytes.size >= sizeof(reading->head)) {
            memcpy(reading->head, chunk.bytes.bytes, sizeof(reading->head));
        }
        reading->size += chunk.bytes.size;
    }
    buf_unref(message);
    rpc_stream_read(reading->stream);
}

static void on_closed(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct reading *reading = context;
    reading->code = code;
    if (code != HEARTH_OK) {
        reading->err = *err;
    }
    test_gate_pass(&reading->closed);
}

static void read_backup(struct fixture *at, struct rpc_channel *channel, struct reading *reading)
{
    static const struct rpc_stream_handlers handlers = {.message = on_message, .closed = on_closed};
    const struct wire_empty nothing = {0};
    const struct rpc_request request = {
        .method = RPC_BACKUP, .message = &nothing, .deadline_ms = TEST_DEADLINE_MS};
    *reading = (struct reading){.size = 0};
    arena_init(&reading->arena, 0);
    test_gate_init(&reading->closed);
    assert_ok(rpc_stream_open(channel, &request, &handlers, reading, &reading->stream, &at->err),
        &at->err);
    rpc_stream_read(reading->stream);
    test_gate_wait(&reading->closed, 1);
    rpc_stream_release(reading->stream);
    test_gate_fini(&reading->closed);
    arena_fini(&reading->arena);
}

static void a_backup_is_a_database_and_leaves_nothing_behind(void **state)
{
    struct fixture *at = *state;
    struct reading reading;
    char path[128];
    struct rpc_channel *admin = connect_as(at, PEER_ADMIN);
    for (int again = 0; again < 2; again++) {
        read_backup(at, admin, &reading);
        assert_ok(reading.code, &reading.err);
        assert_true(reading.size > 4096);
        assert_memory_equal(reading.head, "SQLite format 3", sizeof(reading.head));
    }
    snprintf(path, sizeof(path), "%s/backup.partial", at->directory);
    assert_int_equal(access(path, F_OK), -1);
    rpc_channel_destroy(admin);
}

static void an_admin_without_a_grant_gets_no_backup(void **state)
{
    struct fixture *at = *state;
    struct reading reading;
    struct meta_principal principal;
    const struct meta_id no_tenant = {{0}};
    struct rpc_credentials *credentials = enrol(at, PEER_ADMIN);
    memcpy(principal.bytes, rpc_credentials_certificate(credentials)->identity.id,
        sizeof(principal.bytes));
    assert_ok(meta_grant_delete(at->coordinator->store, principal, no_tenant, &at->err), &at->err);
    char address[32];
    struct rpc_channel *channel;
    snprintf(address, sizeof(address), "127.0.0.1:%u", server_port(at->server));
    const struct rpc_channel_options options = {.runtime = at->runtime,
        .credentials = credentials,
        .address = address,
        .peer_class = PEER_COORDINATOR};
    assert_ok(rpc_channel_create(&options, &channel, &at->err), &at->err);
    read_backup(at, channel, &reading);
    assert_int_equal(reading.code, HEARTH_DENIED);
    assert_int_equal(reading.size, 0);
    rpc_channel_destroy(channel);
    rpc_credentials_unref(credentials);
}

static void a_port_in_use_is_said_and_nothing_stays_open(void **state)
{
    struct fixture *at = *state;
    struct server *second = NULL;
    at->settings.enrolment.items[0].port = (uint16_t)server_enrolment_port(at->server);
    server_stop_blocking(at->server);
    assert_ok(server_start(at->coordinator, &at->server, &at->err), &at->err);
    struct coordinator other = *at->coordinator; /* its own dialler, repair, backups */
    assert_int_equal(server_start(&other, &second, &at->err), HEARTH_EXISTS);
    assert_null(second);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(members_enrol_at_one_port_and_ask_at_the_other),
        claim(a_backup_is_a_database_and_leaves_nothing_behind),
        claim(an_admin_without_a_grant_gets_no_backup),
        claim(a_port_in_use_is_said_and_nothing_stays_open),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
