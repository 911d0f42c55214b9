/*
 * storaged_memory: 64 MiB are enough for a node with 32 connections and 16 transfers under way.
 *
 * The daemon is a process of its own, given as the first argument.  Every connection has stored and
 * read a shard before; then half of the transfers wait for their footer with all cells sent, and
 * half are gets whose reader has stopped, so that every buffer on the way is full.
 */
#include "tests/lib/daemon_process.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 32, TRANSFERS = 16, RSS_KIB_MAX = 64 * 1024 };

static const char *daemon_path;

/* A line of /proc/PID/status: "VmHWM:     30000 kB". */
static long memory_kib(pid_t pid, const char *name)
{
    char path[64];
    char line[128];
    long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    fclose(file);
    return kib;
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

static void a_busy_node_stays_within_64_mib(void **state)
{
    static struct daemon_world world;
    static struct rpc_channel *channels[CONNECTIONS];
    static struct remote remotes[TRANSFERS];
    (void)state;
    daemon_world_init_files(&world);
    world.settings.streams = 32;
    pid_t pid = daemon_process_start(&world, daemon_path);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        channels[i] = daemon_world_channel(&world, world.session);
        assert_int_equal(daemon_world_put(&world, channels[i], (uint8_t)i), HEARTH_OK);
        assert_int_equal(daemon_world_get(&world, channels[i], (uint8_t)i), HEARTH_OK);
    }
    for (unsigned i = 0; i < TRANSFERS; i++) {
        hold(&world, &remotes[i], channels[i], i);
    }
    daemon_world_wait_until_ready(&world); /* time for every buffer to fill */
    long now_kib = memory_kib(pid, "VmRSS");
    long peak_kib = memory_kib(pid, "VmHWM");
    printf("hearth-storaged: %ld KiB now, %ld KiB at most\n", now_kib, peak_kib);
    assert_in_range(peak_kib, 1, RSS_KIB_MAX);

    for (unsigned i = 0; i < TRANSFERS; i++) {
        rpc_stream_cancel(remotes[i].stream);
        remote_fini(&remotes[i]);
    }
    daemon_process_stop(pid);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        rpc_channel_destroy(channels[i]);
    }
    daemon_world_fini(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_busy_node_stays_within_64_mib)};
    if (argc != 2) {
        fprintf(stderr, "storaged_memory: expected the path of hearth-storaged\n");
        return 2;
    }
    daemon_path = argv[1];
    return cmocka_run_group_tests_name("storaged_memory", tests, NULL, NULL);
}
