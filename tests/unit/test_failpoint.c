/*
 * failpoint: the named place acts on the named pass, once, and no other place does.
 */
#include "common/failpoint.h"

#include "common/cleanup.h"
#include "tests/lib/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HEARTH_FAILPOINTS

static void an_armed_place_fails_once_on_its_nth_pass(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_ok(failpoint_arm("storaged.put.opened:3=error", &err), &err);
    for (int pass = 1; pass <= 6; pass++) {
        assert_int_equal(FAILPOINT(STORAGED_PUT_OPENED), pass == 3);
    }
    assert_ok(failpoint_arm("storaged.put.opened=error", &err), &err);
    assert_true(FAILPOINT(STORAGED_PUT_OPENED));
    assert_ok(failpoint_arm(NULL, &err), &err);
    assert_false(FAILPOINT(STORAGED_PUT_OPENED));
}

static void what_acts_is_recorded_and_nothing_else(void **state)
{
    (void)state;
    struct hearth_err err;
    char path[] = "/tmp/hearth-test-failpoint-XXXXXX";
    char text[128] = "";
    CLOSES_FD int fd = mkstemp(path);
    assert_true(fd >= 0);
    failpoint_record(path);
    assert_ok(failpoint_arm("storaged.put.opened:2=error", &err), &err);
    (void)FAILPOINT(STORAGED_PUT_CELL);
    (void)FAILPOINT(STORAGED_PUT_OPENED);
    assert_int_equal(read(fd, text, sizeof(text)), 0);
    (void)FAILPOINT(STORAGED_PUT_OPENED);
    (void)FAILPOINT(STORAGED_PUT_OPENED);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "storaged.put.opened\n");
    failpoint_record(NULL);
    remove(path);
}

static void kill_ends_the_process_at_once(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct hearth_err err;
        failpoint_arm("storaged.put.opened:2=kill", &err);
        (void)FAILPOINT(STORAGED_PUT_OPENED);
        (void)FAILPOINT(STORAGED_PUT_OPENED);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_wrong_specification_is_refused_and_arms_nothing(void **state)
{
    static const char *const specs[] = {"", "=kill", "nowhere=kill", "storaged.put.opened",
        "storaged.put.opened=", "storaged.put.opened=explode", "storaged.put.opened:0=kill",
        "storaged.put.opened:=kill", "storaged.put.opened:1x=kill", "storaged.put.opene=kill"};
    (void)state;
    for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct hearth_err err;
        assert_int_equal(failpoint_arm(specs[i], &err), HEARTH_INVALID);
        assert_false(FAILPOINT(STORAGED_PUT_OPENED));
    }
}

#else

static void a_build_without_failpoints_refuses_to_arm_them(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_ok(failpoint_arm(NULL, &err), &err);
    assert_int_equal(failpoint_arm("storaged.put.opened=kill", &err), HEARTH_INVALID);
    assert_false(FAILPOINT(STORAGED_PUT_OPENED));
}

#endif

static void the_list_names_each_place(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    failpoint_list(memory);
    fclose(memory);
#define X(name, place, step) assert_non_null(strstr(text, place));
    FAILPOINT_TABLE(X)
#undef X
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HEARTH_FAILPOINTS
        cmocka_unit_test(an_armed_place_fails_once_on_its_nth_pass),
        cmocka_unit_test(what_acts_is_recorded_and_nothing_else),
        cmocka_unit_test(kill_ends_the_process_at_once),
        cmocka_unit_test(a_wrong_specification_is_refused_and_arms_nothing),
#else
        cmocka_unit_test(a_build_without_failpoints_refuses_to_arm_them),
#endif
        cmocka_unit_test(the_list_names_each_place),
    };
    return cmocka_run_group_tests_name("failpoint", tests, NULL, NULL);
}
