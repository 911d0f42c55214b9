/*
 * storaged_signals: a node as a process: SIGHUP changes its limits, SIGTERM ends it in the middle
 * of everything, and running out of descriptors is a bad hour and not the end.
 *
 * The daemon is given as the first argument.
 */
#include "common/cleanup.h"
#include "common/file.h"
#include "tests/lib/daemon_world.h"
#include "tests/lib/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    TRANSFERS = 16,
    STOP_MS_MAX = 10000,
    DESCRIPTORS = 64,
    SOCKETS = 2 * DESCRIPTORS,
};

extern char **environ; /* POSIX leaves its declaration to us */

static const char *daemon_path;

static const char *write_settings(struct daemon_world *world)
{
    const char *path = daemon_world_path(world, SETTINGS_FILE);
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    config_print(&storaged_settings_table, &world->settings, CONFIG_ALL, memory);
    fclose(memory);
    assert_ok(file_write_atomically(path, view_of(text, size), 0644, &world->err), &world->err);
    free(text);
    return path;
}

static pid_t start_daemon(struct daemon_world *world)
{
    static char script[80];
    snprintf(script, sizeof(script), "ulimit -n %d && exec \"$0\" --config \"$1\"", DESCRIPTORS);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, script, (char *)(uintptr_t)daemon_path,
        (char *)(uintptr_t)write_settings(world), NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
    daemon_world_wait_until_ready(world);
    return pid;
}

/* Fails when it is not gone, with exit 0, in the time a stop may take. */
static void stop_daemon(pid_t pid)
{
    CLOSES_FD int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pid_fd, .events = POLLIN};
    int status;
    assert_true(pid_fd >= 0);
    assert_int_equal(kill(pid, SIGTERM), 0);
    int ready = poll(&ended, 1, STOP_MS_MAX);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(ready, 1);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int setup(void **state)
{
    static struct daemon_world world;
    daemon_world_init_files(&world);
    world.settings.streams = 32;
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    daemon_world_fini(*state);
    return 0;
}

static void hold(
    struct daemon_world *world, struct remote *remote, struct rpc_channel *channel, unsigned number)
{
    if (number % 2 == 0) {
        daemon_world_begin_get(world, remote, channel, 1);
        return;
    }
    daemon_world_begin_put(world, remote, channel, (uint8_t)(100 + number));
    for (uint32_t stripe = 0; stripe < daemon_shard.cells; stripe++) {
        remote_send(remote, test_put_cell(&daemon_shard, stripe));
    }
}

static void sigterm_in_the_middle_of_everything_ends_it_in_time(void **state)
{
    static struct remote remotes[TRANSFERS];
    struct daemon_world *world = *state;
    world->settings.upload = 1000; /* some of them wait for their turn, too */
    pid_t pid = start_daemon(world);
    struct rpc_channel *channel = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_put(world, channel, 1), HEARTH_OK);
    for (unsigned i = 0; i < TRANSFERS; i++) {
        hold(world, &remotes[i], channel, i);
    }
    stop_daemon(pid);
    for (unsigned i = 0; i < TRANSFERS; i++) {
        rpc_stream_cancel(remotes[i].stream);
        remote_fini(&remotes[i]);
    }
    rpc_channel_destroy(channel);

    world->settings.upload = 0;
    pid = start_daemon(world);
    channel = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_get(world, channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, channel, 101), HEARTH_NOT_FOUND);
    rpc_channel_destroy(channel);
    stop_daemon(pid);
}

static void sighup_changes_a_limit_under_a_transfer(void **state)
{
    struct daemon_world *world = *state;
    struct remote remote;
    world->settings.upload = 1;
    pid_t pid = start_daemon(world);
    struct rpc_channel *channel = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_put(world, channel, 1), HEARTH_OK);
    daemon_world_begin_get(world, &remote, channel, 1);
    rpc_stream_read(remote.stream);
    daemon_world_wait_until_ready(world); /* the heartbeat goes on meanwhile */
    assert_false(atomic_load(&remote.is_over));

    world->settings.upload = 0;
    write_settings(world);
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_int_equal(remote_wait(&remote), HEARTH_OK);
    remote_fini(&remote);
    rpc_channel_destroy(channel);
    stop_daemon(pid);
}

static int connect_to(const struct daemon_world *world)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(world->settings.listen.items[0].port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    connect(fd, (struct sockaddr *)&to, sizeof(to));
    return fd;
}

/* More connections than descriptors: those who are in go on, and when they leave others come in. */
static void without_descriptors_it_goes_on_and_recovers(void **state)
{
    static int sockets[SOCKETS];
    struct daemon_world *world = *state;
    pid_t pid = start_daemon(world);
    struct rpc_channel *channel = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_put(world, channel, 1), HEARTH_OK);
    for (unsigned i = 0; i < SOCKETS; i++) {
        sockets[i] = connect_to(world);
    }
    daemon_world_wait_until_ready(world); /* its heartbeat has a connection already */
    assert_int_equal(daemon_world_get(world, channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_put(world, channel, 2), HEARTH_OK);
    for (unsigned i = 0; i < SOCKETS; i++) {
        close(sockets[i]);
    }
    struct rpc_channel *next = daemon_world_channel(world, world->session);
    assert_int_equal(daemon_world_put(world, next, 3), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, next, 2), HEARTH_OK);
    rpc_channel_destroy(next);
    rpc_channel_destroy(channel);
    stop_daemon(pid);
}

int main(int argc, char **argv)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(sigterm_in_the_middle_of_everything_ends_it_in_time),
        CASE(sighup_changes_a_limit_under_a_transfer),
        CASE(without_descriptors_it_goes_on_and_recovers),
    };
    if (argc != 2) {
        fprintf(stderr, "storaged_signals: expected the path of hearth-storaged\n");
        return 2;
    }
    daemon_path = argv[1];
    return cmocka_run_group_tests_name("storaged_signals", tests, NULL, NULL);
}
