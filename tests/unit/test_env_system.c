/*
 * env_system: without entropy a process ends instead of drawing weak ids.  A child is denied the
 * system call by a seccomp filter.
 */
#include "common/env.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 32, DREW = 7 };

/* From now on getrandom() fails with `error`; 0: it works. */
static void refuse_entropy(int error)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(steps) / sizeof(steps[0]), .filter = steps};
    if (error != 0) {
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    }
}

/* How a process ended that drew from a system that answers so. */
static int status_of_drawing(int error)
{
    uint8_t bytes[SIZE];
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(SIGABRT, SIG_DFL);
        refuse_entropy(error);
        env_random(env_system(), bytes, sizeof(bytes));
        _exit(DREW);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void without_entropy_the_process_ends_instead_of_guessing(void **state)
{
    (void)state;
    const int errors[] = {ENOSYS, EAGAIN, EFAULT, EPERM};
    assert_int_equal(WEXITSTATUS(status_of_drawing(0)), DREW);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int status = status_of_drawing(errors[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

static void what_is_drawn_is_new_to_the_last_byte(void **state)
{
    (void)state;
    uint8_t first[SIZE], second[SIZE];
    env_random(env_system(), first, sizeof(first));
    env_random(env_system(), second, sizeof(second));
    for (size_t i = 0; i < SIZE; i += 8) {
        assert_memory_not_equal(first + i, second + i, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_entropy_the_process_ends_instead_of_guessing),
        cmocka_unit_test(what_is_drawn_is_new_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
