/*
 * local_remove: what is named goes, and nothing that is reached through a link or was not listed.
 */
#include "tests/lib/test.h"
#include "tools/local_remove.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char folder[64];
    int fd;
};

/* tree/a, tree/d/e/b, tree/d/c, outside/f, tree/link -> outside */
static int set_up(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/hearth-test-remove-XXXXXX");
    char *made = mkdtemp(fixture.folder);
    assert_non_null(made);
    assert_int_equal(chdir(fixture.folder), 0);
    assert_int_equal(system("mkdir -p tree/d/e outside && touch tree/a tree/d/e/b tree/d/c "
                            "outside/f && ln -s ../outside tree/link"),
        0);
    fixture.fd = open("tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture.fd >= 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    close(fixture->fd);
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof(command), "rm -r '%s'", fixture->folder);
    return system(command);
}

static enum hearth_code remove_name(void **state, const char *name)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    return local_remove_beneath(fixture->fd, view_text(name), &err);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void a_file_goes_and_so_do_directories_it_leaves_empty(void **state)
{
    assert_int_equal(remove_name(state, "d/e/b"), HEARTH_OK);
    assert_false(exists("tree/d/e"));
    assert_true(exists("tree/d/c"));
    assert_int_equal(remove_name(state, "d/c"), HEARTH_OK);
    assert_false(exists("tree/d"));
    assert_int_equal(remove_name(state, "a"), HEARTH_OK);
    assert_true(exists("tree"));
}

static void what_is_not_there_is_gone_already(void **state)
{
    assert_int_equal(remove_name(state, "none"), HEARTH_OK);
    assert_int_equal(remove_name(state, "none/at/all"), HEARTH_OK);
}

static void nothing_goes_through_a_link(void **state)
{
    assert_int_equal(remove_name(state, "link/f"), HEARTH_IO);
    assert_true(exists("outside/f"));
    assert_int_equal(remove_name(state, "link"), HEARTH_IO);
    assert_true(exists("tree/link/f"));
}

static void a_directory_is_no_file(void **state)
{
    assert_int_equal(remove_name(state, "d"), HEARTH_IO);
    assert_int_equal(remove_name(state, "a/b"), HEARTH_IO);
    assert_true(exists("tree/d/e/b") && exists("tree/a"));
}

static void only_empty_directories_are_tidied_away(void **state)
{
    (void)state;
    assert_int_equal(system("mkdir -p tree/empty/deeper && rm tree/d/e/b"), 0);
    local_remove_empty_folders("tree");
    assert_false(exists("tree/empty") || exists("tree/d/e"));
    assert_true(exists("tree/d/c") && exists("outside/f"));
    local_remove_empty_folders("none");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_file_goes_and_so_do_directories_it_leaves_empty),
        CASE(what_is_not_there_is_gone_already),
        CASE(nothing_goes_through_a_link),
        CASE(a_directory_is_no_file),
        CASE(only_empty_directories_are_tidied_away),
    };
    return cmocka_run_group_tests_name("local_remove", tests, NULL, NULL);
}
