/*
 * storaged: the daemon put together, on real files, over real TLS on 127.0.0.1.
 *
 * What single requests do is shown in test_shard_put and test_shard_get, without network or time.
 */
#include "storaged/storaged.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "proto/enrol.h"
#include "tests/lib/daemon_world.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int setup(void **state)
{
    static struct daemon_world world;
    daemon_world_init(&world);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    daemon_world_fini(*state);
    return 0;
}

/* As of the last heartbeat. */
static uint64_t start_count(struct daemon_world *world, uint64_t *shards)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->coordinator.mutex);
    *shards = world->coordinator.shards;
    return world->coordinator.start_count;
}

static void what_was_put_is_there_also_after_a_restart(void **state)
{
    struct daemon_world *world = *state;
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, world->channel, 2), HEARTH_NOT_FOUND);

    storaged_stop(world->node);
    uint64_t shards;
    uint64_t starts = start_count(world, &shards);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(start_count(world, &shards), starts + 1);
    assert_int_equal(shards, 1);
}

static void only_a_session_may_ask(void **state)
{
    struct daemon_world *world = *state;
    struct rpc_credentials *client = test_credentials(&world->ca, env_system(), PEER_CLIENT, 3600);
    struct rpc_channel *channel = daemon_world_channel(world, client);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, channel, 1), HEARTH_DENIED);
    rpc_channel_destroy(channel);
    rpc_credentials_unref(client);
}

static void only_the_coordinator_may_ask_what_is_here(void **state)
{
    struct daemon_world *world = *state;
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    struct rpc_channel *channel = daemon_world_channel(world, world->coordinator.credentials);
    struct rpc_channel *channels[] = {channel, world->channel};
    for (unsigned i = 0; i < 2; i++) {
        struct remote remote;
        remote_open(&remote, channels[i], RPC_LIST_SHARDS, &(struct wire_list_shards_request){0});
        rpc_stream_read(remote.stream);
        assert_int_equal(remote_wait(&remote), i == 0 ? HEARTH_OK : HEARTH_DENIED);
        assert_int_equal(remote.count > 0, i == 0);
        remote_fini(&remote);
    }
    rpc_channel_destroy(channel);
}

static void one_more_request_than_there_is_room_for_is_told_busy(void **state)
{
    struct daemon_world *world = *state;
    struct remote remotes[DAEMON_STREAMS_MAX];
    for (uint8_t i = 0; i < DAEMON_STREAMS_MAX; i++) {
        daemon_world_begin_put(world, &remotes[i], world->channel, i);
        remote_send(&remotes[i], test_put_cell(&daemon_shard, 0));
    }
    /* all were admitted before this one: their events came back over the same connection */
    enum hearth_code code = daemon_world_get(world, world->channel, 1);
    assert_int_equal(code, HEARTH_BUSY);
    for (uint8_t i = 0; i < DAEMON_STREAMS_MAX; i++) {
        rpc_stream_cancel(remotes[i].stream);
        remote_fini(&remotes[i]);
    }
}

static struct buf *noise(uint8_t seed)
{
    uint8_t bytes[300];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(seed * 41 + i * 7);
    }
    return buf_copy(view_of(bytes, sizeof(bytes)));
}

static void noise_ends_its_own_stream_and_no_other(void **state)
{
    struct daemon_world *world = *state;
    struct remote good;
    daemon_world_begin_put(world, &good, world->channel, 1);
    for (uint8_t seed = 0; seed < 20; seed++) {
        struct remote remote;
        remote_open(&remote, world->channel, RPC_SHARD_PUT, NULL);
        rpc_stream_read(remote.stream);
        remote_send(&remote, noise(seed));
        assert_int_equal(remote_wait(&remote), HEARTH_INVALID);
        remote_fini(&remote);
    }
    for (uint32_t stripe = 0; stripe < daemon_shard.cells; stripe++) {
        remote_send(&good, test_put_cell(&daemon_shard, stripe));
    }
    remote_send(&good, test_put_footer(&daemon_shard));
    assert_int_equal(remote_wait(&good), HEARTH_OK);
    remote_fini(&good);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
}

static void a_client_that_breaks_off_leaves_room_for_itself(void **state)
{
    struct daemon_world *world = *state;
    for (unsigned i = 0; i < 2 * DAEMON_STREAMS_MAX; i++) {
        struct remote remote;
        daemon_world_begin_put(world, &remote, world->channel, 1);
        remote_send(&remote, test_put_cell(&daemon_shard, 0));
        rpc_stream_cancel(remote.stream);
        remote_fini(&remote);
    }
    enum hearth_code code;
    do { /* until the node has heard of the last of them */
        code = daemon_world_put(world, world->channel, 1);
    } while (code == HEARTH_BUSY);
    assert_int_equal(code, HEARTH_OK);
}

static void name_for_trash(struct daemon_world *world, uint8_t shard)
{
    pthread_mutex_lock(&world->coordinator.mutex);
    world->coordinator.trash = test_shard_id(shard);
    world->coordinator.has_trash = true;
    pthread_mutex_unlock(&world->coordinator.mutex);
}

static void a_shard_named_dead_is_trash_when_that_is_reported(void **state)
{
    struct daemon_world *world = *state;
    struct daemon_coordinator *coordinator = &world->coordinator;
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    name_for_trash(world, 1);
    size_t results = 0;
    for (unsigned beats = 0; results == 0; beats++) {
        assert_true(beats < 100);
        test_gate_wait(&coordinator->beats, test_gate_count(&coordinator->beats) + 1);
        pthread_mutex_lock(&coordinator->mutex);
        results = coordinator->results;
        pthread_mutex_unlock(&coordinator->mutex);
    }
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_TRASHED);
    assert_int_equal(
        daemon_world_get(world, world->channel, 1), HEARTH_OK); /* for seven more days (D5) */
}

static void expect_start_refused(struct daemon_world *world, const struct settings *settings,
    enum hearth_code code, const char *text)
{
    struct storaged *second;
    assert_int_equal(storaged_start(settings, env_system(), &second, &world->err), code);
    if (strstr(world->err.message, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", world->err.message, text);
    }
    assert_null(strchr(world->err.message, '\n'));
}

static void set_epoch(struct daemon_world *world, uint64_t epoch)
{
    pthread_mutex_lock(&world->coordinator.mutex);
    world->coordinator.epoch = epoch;
    pthread_mutex_unlock(&world->coordinator.mutex);
}

/* So that answers of before have been worked in. */
static void wait_for_beats(struct daemon_world *world, unsigned beats)
{
    struct test_gate *gate = &world->coordinator.beats;
    test_gate_wait(gate, test_gate_count(gate) + beats);
}

static size_t results_of(struct daemon_world *world)
{
    pthread_mutex_lock(&world->coordinator.mutex);
    const size_t results = world->coordinator.results;
    pthread_mutex_unlock(&world->coordinator.mutex);
    return results;
}

/* A copy of the coordinator of before its restore, met by a node that was restarted since. */
static void an_older_coordinator_trashes_nothing_also_after_a_restart(void **state)
{
    struct daemon_world *world = *state;
    int stop_fd = eventfd(1, EFD_CLOEXEC); /* readable: one round, then back */
    assert_true(stop_fd >= 0);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    set_epoch(world, 3);
    wait_for_beats(world, 2);
    assert_int_equal(storaged_run(world->node, stop_fd, -1), STORAGED_STOP);
    storaged_stop(world->node);

    set_epoch(world, 2);
    name_for_trash(world, 1);
    daemon_world_start(world);
    wait_for_beats(world, 4);
    assert_int_equal(results_of(world), 0);
    set_epoch(world, 3); /* the newest again: what was left alone goes */
    while (results_of(world) == 0) {
        wait_for_beats(world, 1);
    }
    close(stop_fd);
}

static void an_epoch_that_cannot_be_read_is_not_taken_for_none(void **state)
{
    struct daemon_world *world = *state;
    const char *path = daemon_world_path(world, SETTINGS_EPOCH);
    storaged_stop(world->node);
    static const char *const texts[] = {"", "7", "seven\n", "-1\n", "18446744073709551616\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_ok(file_write_atomically(path, view_text(texts[i]), 0644, &world->err), &world->err);
        expect_start_refused(world, &world->settings, HEARTH_INVALID, path);
    }
    assert_int_equal(unlink(path), 0);
    daemon_world_start(world);
}

static void stopping_does_not_wait_for_clients_that_hang(void **state)
{
    struct daemon_world *world = *state;
    struct remote remote;
    daemon_world_begin_put(world, &remote, world->channel, 1);
    remote_send(&remote, test_put_cell(&daemon_shard, 0));
    uint64_t before_ns = env_now_ns(env_system());
    storaged_stop(world->node);
    assert_true(env_now_ns(env_system()) - before_ns < UINT64_C(5000000000));
    remote_fini(&remote);
    daemon_world_start(world);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_NOT_FOUND);
}

static void a_second_daemon_on_the_same_volume_is_refused(void **state)
{
    struct daemon_world *world = *state;
    struct settings settings = world->settings;
    settings.listen = daemon_world_local(0);
    expect_start_refused(world, &settings, HEARTH_BUSY, settings.volume);
}

static void a_port_in_use_is_said_to_be(void **state)
{
    struct daemon_world *world = *state;
    struct settings settings = world->settings;
    char address[32];
    settings.volume = daemon_world_path(world, "other");
    assert_int_equal(unlink(daemon_world_path(world, SETTINGS_VOLUME_ID)), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", settings.listen.items[0].port);
    expect_start_refused(world, &settings, HEARTH_EXISTS, address);
}

static void the_volume_of_another_node_is_refused(void **state)
{
    struct daemon_world *world = *state;
    struct pki_key *other;
    storaged_stop(world->node);
    assert_ok(pki_key_create(&other, &world->err), &world->err);
    daemon_world_write_identity(world, other, DAEMON_DAY_S);
    expect_start_refused(world, &world->settings, HEARTH_DENIED, world->settings.volume);
    pki_key_destroy(other);
    daemon_world_write_identity(world, world->key, DAEMON_DAY_S);
    daemon_world_start(world);
}

static void a_coordinator_that_does_not_answer_is_not_the_only_one(void **state)
{
    struct daemon_world *world = *state;
    struct config_addresses *coordinators = &world->settings.coordinators;
    storaged_stop(world->node);
    coordinators->items[1] = coordinators->items[0];
    coordinators->items[0] = daemon_world_local(1).items[0]; /* nobody listens there */
    coordinators->count = 2;
    daemon_world_start(world);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
}

/* ---- renewal ---- */

static enum hearth_code certify(void *service, const struct enrol_caller *caller,
    struct arena *arena, struct wire_enrol_reply *reply, struct hearth_err *err)
{
    struct daemon_world *world = service;
    const struct pki_subject subject = {caller->key, PEER_NODE, DAEMON_DAY_S};
    char *pem;
    assert_int_equal(caller->token.size, 0);
    if (pki_issue(env_system(), world->ca.key, world->ca.pem, &subject, &pem, err) != HEARTH_OK) {
        return err->code;
    }
    reply->certificate = arena_copy(arena, view_text(pem));
    reply->ca_certificate = view_text(world->ca.pem);
    free(pem);
    return HEARTH_OK;
}

static struct enrol_server *start_enrolment(struct daemon_world *world)
{
    struct enrol_server *server;
    struct pki_key *key;
    char *pem;
    assert_ok(pki_key_create(&key, &world->err), &world->err);
    const struct pki_subject subject = {key, PEER_COORDINATOR, DAEMON_DAY_S};
    assert_ok(pki_issue(env_system(), world->ca.key, world->ca.pem, &subject, &pem, &world->err),
        &world->err);
    const struct enrol_server_options options = {
        .address = "127.0.0.1:0",
        .certificate_pem = pem,
        .ca_pem = world->ca.pem,
        .key = key,
        .handler = certify,
        .service = world,
    };
    assert_ok(enrol_server_start(&options, &server, &world->err), &world->err);
    pki_key_destroy(key);
    free(pem);
    return server;
}

static void a_certificate_in_its_last_third_is_renewed_while_serving(void **state)
{
    struct daemon_world *world = *state;
    struct enrol_server *server = start_enrolment(world);
    int stop_fd = eventfd(1, EFD_CLOEXEC); /* readable: one round, then back */
    assert_true(stop_fd >= 0);
    storaged_stop(world->node);
    world->settings.enrolment = daemon_world_local(enrol_server_port(server));
    daemon_world_write_identity(world, world->key, 60); /* backdated by five minutes */
    daemon_world_start(world);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(storaged_run(world->node, stop_fd, -1), STORAGED_STOP);

    struct view pem;
    struct pki_certificate certificate;
    assert_ok(
        file_read_whole(world->settings.certificate, PKI_PEM_MAX, &world->arena, &pem, &world->err),
        &world->err);
    assert_ok(pki_certificate_read(pem, &certificate, &world->err), &world->err);
    assert_in_range(pki_seconds_left(env_system(), &certificate), DAEMON_DAY_S - 60, DAEMON_DAY_S);
    struct rpc_channel *channel = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_get(world, channel, 1), HEARTH_OK);
    rpc_channel_destroy(channel);
    daemon_world_wait_until_ready(world); /* heartbeats go on, too */
    enrol_server_stop_blocking(server);
    close(stop_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(what_was_put_is_there_also_after_a_restart),
        CASE(only_a_session_may_ask),
        CASE(only_the_coordinator_may_ask_what_is_here),
        CASE(one_more_request_than_there_is_room_for_is_told_busy),
        CASE(noise_ends_its_own_stream_and_no_other),
        CASE(a_client_that_breaks_off_leaves_room_for_itself),
        CASE(a_shard_named_dead_is_trash_when_that_is_reported),
        CASE(an_older_coordinator_trashes_nothing_also_after_a_restart),
        CASE(an_epoch_that_cannot_be_read_is_not_taken_for_none),
        CASE(stopping_does_not_wait_for_clients_that_hang),
        CASE(a_second_daemon_on_the_same_volume_is_refused),
        CASE(a_port_in_use_is_said_to_be),
        CASE(the_volume_of_another_node_is_refused),
        CASE(a_coordinator_that_does_not_answer_is_not_the_only_one),
        CASE(a_certificate_in_its_last_third_is_renewed_while_serving),
#undef CASE
    };
    return cmocka_run_group_tests_name("storaged", tests, NULL, NULL);
}
