/*
 * storaged_memory: 64 MiB are enough for a node with 32 connections and 16 transfers under way.
 *
 *   storaged_memory STORAGED [BENCH_VOLUME SHARDS]
 *
 * The daemon is a process of its own, given as the first argument.  Every connection has stored and
 * read a shard before; then half of the transfers wait for their footer with all cells sent, and
 * half are gets whose reader has stopped, so that every buffer on the way is full.  With the other
 * two arguments the volume already has so many shards (perf/footprint), and it is said what the
 * idle node reads from its disk.
 */
#include "common/codec.h"
#include "tests/lib/daemon_process.h"
#include "tests/lib/test.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { CONNECTIONS = 32, SESSIONS = 4, TRANSFERS = 16, RSS_KIB_MAX = 64 * 1024, IDLE_BEATS = 20 };

extern char **environ; /* POSIX leaves its declaration to us */

static const char *daemon_path;
static char *bench_path; /* NULL: an empty volume */
static char *shards;

/* A line of a file of the kernel about a process: "VmHWM:     30000 kB". */
static long number_of(pid_t pid, const char *file_name, const char *name)
{
    char path[64];
    char line[128];
    long number = -1;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file_name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (number < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    fclose(file);
    return number;
}

/* The world's node gets a volume that is not empty. */
static void make_volume(struct daemon_world *world)
{
    uint8_t id[PKI_ID_SIZE];
    char node[2 * PKI_ID_SIZE + 1];
    pki_key_id(world->key, id);
    hex_encode(id, sizeof(id), node);
    char *argv[] = {bench_path, (char[]){"--dir"}, (char *)(uintptr_t)world->settings.volume,
        (char[]){"--shards"}, shards, (char[]){"--node"}, node, NULL};
    pid_t pid;
    int status;
    assert_int_equal(posix_spawn(&pid, bench_path, NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void say_idle_reads(struct daemon_world *world, pid_t pid)
{
    long before = number_of(pid, "io", "read_bytes");
    for (unsigned i = 0; i < IDLE_BEATS; i++) {
        daemon_world_wait_until_ready(world);
    }
    printf("hearth-storaged: %ld bytes read from the disk in %d heartbeats\n",
        number_of(pid, "io", "read_bytes") - before, 2 * IDLE_BEATS);
}

static void hold(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, unsigned number)
{
    if (number % 2 == 0) {
        daemon_world_begin_get(world, remote, channel, (uint8_t)number);
        return;
    }
    daemon_world_begin_put(world, remote, channel, (uint8_t)(100 + number));
    for (uint32_t stripe = 0; stripe < daemon_shard.cells; stripe++) {
        remote_send(remote, test_put_cell(&daemon_shard, stripe));
    }
}

/* Each has a few connections: a node lets nobody have many. */
static void join(struct daemon_world *world, struct rpc_credentials *sessions[])
{
    sessions[0] = world->session;
    for (unsigned i = 1; i < SESSIONS; i++) {
        sessions[i] = test_credentials(&world->ca, env_system(), PEER_SESSION, DAEMON_DAY_S);
    }
}

static void leave(struct daemon_world *world, struct rpc_credentials *sessions[])
{
    world->session = sessions[0];
    for (unsigned i = 1; i < SESSIONS; i++) {
        rpc_credentials_unref(sessions[i]);
    }
}

static void a_busy_node_stays_within_64_mib(void **state)
{
    static struct daemon_world world;
    static struct rpc_channel *channels[CONNECTIONS];
    static struct remote remotes[TRANSFERS];
    struct rpc_credentials *sessions[SESSIONS];
    (void)state;
    daemon_world_init_files(&world);
    join(&world, sessions);
    world.settings.streams = 32;
    if (bench_path != NULL) {
        make_volume(&world);
    }
    pid_t pid = daemon_process_start(&world, daemon_path);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        world.session = sessions[i % SESSIONS];
        channels[i] = daemon_world_channel(&world, world.session);
        assert_int_equal(daemon_world_put(&world, channels[i], (uint8_t)i), HEARTH_OK);
        assert_int_equal(daemon_world_get(&world, channels[i], (uint8_t)i), HEARTH_OK);
    }
    for (unsigned i = 0; i < TRANSFERS; i++) {
        world.session = sessions[i % SESSIONS];
        hold(&world, &remotes[i], channels[i], i);
    }
    daemon_world_wait_until_ready(&world); /* time for every buffer to fill */
    long now_kib = number_of(pid, "status", "VmRSS");
    long peak_kib = number_of(pid, "status", "VmHWM");
    printf("hearth-storaged: %ld KiB now, %ld KiB at most\n", now_kib, peak_kib);
    assert_in_range(peak_kib, 1, RSS_KIB_MAX);

    for (unsigned i = 0; i < TRANSFERS; i++) {
        rpc_stream_cancel(remotes[i].stream);
        remote_fini(&remotes[i]);
    }
    if (bench_path != NULL) {
        say_idle_reads(&world, pid);
    }
    daemon_process_stop(pid);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        rpc_channel_destroy(channels[i]);
    }
    leave(&world, sessions);
    daemon_world_fini(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_busy_node_stays_within_64_mib)};
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: storaged_memory STORAGED [BENCH_VOLUME SHARDS]\n");
        return 2;
    }
    daemon_path = argv[1];
    bench_path = argc == 4 ? argv[2] : NULL;
    shards = argc == 4 ? argv[3] : NULL;
    return cmocka_run_group_tests_name("storaged_memory", tests, NULL, NULL);
}
