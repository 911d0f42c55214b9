/*
 * storaged_trash: a daemon that dies with a shard in the trash and nobody told has it there when it
 * starts again, and says so.  The coordinator, which in life names a shard dead only when no order
 * for it can be left, is invented and does so at once.
 *
 * The daemon is a process of its own, given as the first argument.
 */
#include "tests/lib/daemon_process.h"
#include "tests/lib/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { SHARD = 1 };

static const char *daemon_path;

static void name_dead(struct daemon_world *world)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->coordinator.mutex);
    world->coordinator.trash = test_shard_id(SHARD);
    world->coordinator.has_trash = true;
}

static size_t results(struct daemon_world *world)
{
    UNLOCKS pthread_mutex_t *held = lock(&world->coordinator.mutex);
    return world->coordinator.results;
}

static void a_daemon_killed_before_it_reports_trash_reports_it_later(void **state)
{
    static struct daemon_world world;
    (void)state;
    daemon_world_init_files(&world);
    setenv("HEARTH_FAILPOINT", "storaged.trash.durable=kill", 1);
    pid_t pid = daemon_process_start(&world, daemon_path);
    struct rpc_channel *channel = daemon_world_channel(&world, world.session);
    assert_int_equal(daemon_world_put(&world, channel, SHARD), HEARTH_OK);
    rpc_channel_destroy(channel);

    int status;
    name_dead(&world);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(results(&world), 0);

    unsetenv("HEARTH_FAILPOINT");
    pid = daemon_process_start(&world, daemon_path);
    while (results(&world) == 0) {
        test_gate_wait(&world.coordinator.beats, test_gate_count(&world.coordinator.beats) + 1);
    }
    channel = daemon_world_channel(&world, world.session);
    assert_int_equal(daemon_world_get(&world, channel, SHARD), HEARTH_OK); /* for 7 days (D5) */
    rpc_channel_destroy(channel);
    daemon_process_stop(pid);
    daemon_world_fini(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_killed_before_it_reports_trash_reports_it_later)};
    if (argc != 2) {
        fprintf(stderr, "storaged_trash: expected the path of hearth-storaged\n");
        return 2;
    }
    daemon_path = argv[1];
    return cmocka_run_group_tests_name("storaged_trash", tests, NULL, NULL);
}
