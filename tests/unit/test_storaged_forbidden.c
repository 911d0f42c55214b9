/*
 * storaged where io_uring is forbidden, as in most containers: it says so, and serves all the same.
 *
 * The filter holds for the whole process and cannot be taken back, so this is a program of its own.
 */
#include "storaged/storaged.h"

#include "storaged/disk_open.h"
#include "tests/lib/daemon_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_ear.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void forbid_io_uring(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

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

static void it_says_why_and_serves_by_threads(void **state)
{
    struct daemon_world *world = *state;
    struct test_ear ear;
    storaged_stop(world->node);
    test_listen_begin(&ear);
    daemon_world_start(world);
    char *said = test_listen_end(&ear);
    assert_non_null(strstr(said, "disk=threads reason=\"io_uring is forbidden here"));
    free(said);
    assert_int_equal(daemon_world_put(world, world->channel, 1), HEARTH_OK);
    assert_int_equal(daemon_world_get(world, world->channel, 1), HEARTH_OK);
}

static void it_does_not_start_when_told_to_use_io_uring(void **state)
{
    struct daemon_world *world = *state;
    struct settings settings = world->settings;
    struct storaged *second;
    settings.disk = DISK_URING;
    assert_int_equal(
        storaged_start(&settings, env_system(), &second, &world->err), HEARTH_UNIMPLEMENTED);
    assert_non_null(strstr(world->err.message, "io_uring is forbidden here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_why_and_serves_by_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(
            it_does_not_start_when_told_to_use_io_uring, setup, teardown),
    };
    forbid_io_uring();
    return cmocka_run_group_tests_name("storaged, io_uring forbidden", tests, NULL, NULL);
}
