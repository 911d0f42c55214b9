/*
 * local_sink: a download is there whole or not at all, and no key escapes its directory.
 * Runs in a temporary directory of its own.
 */
#include "tests/lib/test.h"
#include "tools/local_sink.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char folder[64]; /* holds outside and inside/ */
    int inside_fd;
};

static int remove_tree(const char *path)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    return system(command);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct hearth_err err;
    snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/hearth-test-sink-XXXXXX");
    char *made = mkdtemp(fixture.folder);
    assert_non_null(made);
    assert_int_equal(chdir(fixture.folder), 0);
    assert_ok(local_folder_open("inside", &fixture.inside_fd, &err), &err);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->inside_fd);
    assert_int_equal(chdir("/"), 0);
    return remove_tree(fixture->folder);
}

static unsigned entry_count(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count - 2; /* . and .. */
}

static void assert_content(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t got = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[got] = '\0';
    assert_string_equal(text, expected);
}

static enum hearth_code write_beneath(
    const struct fixture *fixture, struct view name, const char *content, struct hearth_err *err)
{
    struct local_sink sink;
    if (local_sink_open_beneath(fixture->inside_fd, name, &sink, err) != HEARTH_OK ||
        local_sink_write(&sink, view_text(content), err) != HEARTH_OK) {
        return err->code;
    }
    return local_sink_finish(&sink, err);
}

static void a_file_appears_only_when_it_is_whole(void **state)
{
    (void)state;
    struct hearth_err err;
    struct local_sink sink;
    assert_ok(local_sink_open_path("inside/a", &sink, &err), &err);
    assert_ok(local_sink_write(&sink, view_text("half"), &err), &err);
    assert_int_equal(access("inside/a", F_OK), -1);
    assert_ok(local_sink_write(&sink, view_text(" and half"), &err), &err);
    assert_ok(local_sink_finish(&sink, &err), &err);
    assert_content("inside/a", "half and half");
    assert_int_equal(entry_count("inside"), 1);
}

static void what_is_abandoned_leaves_nothing_and_keeps_the_old(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(write_beneath(fixture, view_text("a"), "old", &err), &err);
    struct local_sink sink;
    assert_ok(local_sink_open_path("inside/a", &sink, &err), &err);
    assert_ok(local_sink_write(&sink, view_text("new"), &err), &err);
    local_sink_abandon(&sink);
    assert_content("inside/a", "old");
    assert_int_equal(entry_count("inside"), 1);
}

static void a_replaced_file_keeps_its_mode(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(write_beneath(fixture, view_text("secret"), "old", &err), &err);
    assert_int_equal(chmod("inside/secret", 0600), 0);
    assert_ok(write_beneath(fixture, view_text("secret"), "new", &err), &err);
    struct stat status;
    assert_int_equal(stat("inside/secret", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void names_make_their_directories(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(write_beneath(fixture, view_text("x/y/z"), "deep", &err), &err);
    assert_ok(write_beneath(fixture, view_text("x/y/..z."), "dots", &err), &err);
    assert_content("inside/x/y/z", "deep");
    assert_content("inside/x/y/..z.", "dots");
}

static void names_that_would_escape_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        size_t size;
    } bad[] = {{"../outside", 10}, {"a/../../outside", 15}, {"/etc/hearth", 11}, {"..", 2},
        {".", 1}, {"a/.", 3}, {"a//b", 4}, {"a/", 2}, {"/", 1}, {"", 0}, {"a\nb", 3},
        {"a\x1b[2J", 5}, {"a\0b", 3}, {"a\x7f", 2}};
    struct hearth_err err;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct local_sink sink;
        struct view name = view_of(bad[i].name, bad[i].size);
        assert_int_equal(
            local_sink_open_beneath(fixture->inside_fd, name, &sink, &err), HEARTH_INVALID);
        assert_non_null(strstr(err.message, "cannot be a file name"));
    }
    assert_int_equal(entry_count("."), 1);
    assert_int_equal(entry_count("inside"), 0);
}

static void a_component_has_255_bytes_at_most(void **state)
{
    struct fixture *fixture = *state;
    char name[256];
    memset(name, 'n', sizeof(name));
    struct hearth_err err;
    assert_ok(write_beneath(fixture, view_of(name, 255), "long", &err), &err);
    assert_int_equal(local_name_check(view_of(name, 256), &err), HEARTH_INVALID);
}

static void a_link_is_no_way_out(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_int_equal(mkdir("outside", 0777), 0);
    assert_int_equal(symlink("../outside", "inside/way"), 0);
    assert_int_not_equal(write_beneath(fixture, view_text("way/a"), "x", &err), HEARTH_OK);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_int_equal(entry_count("outside"), 0);

    /* A link in the place of the file itself is replaced, not written through. */
    assert_int_equal(symlink("../outside/b", "inside/b"), 0);
    assert_ok(write_beneath(fixture, view_text("b"), "x", &err), &err);
    assert_int_equal(entry_count("outside"), 0);
    assert_content("inside/b", "x");
}

static void a_file_in_the_way_of_a_directory_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(write_beneath(fixture, view_text("a"), "file", &err), &err);
    assert_int_not_equal(write_beneath(fixture, view_text("a/b"), "x", &err), HEARTH_OK);
    assert_int_equal(mkdir("inside/d", 0777), 0);
    assert_int_equal(write_beneath(fixture, view_text("d"), "x", &err), HEARTH_EXISTS);
}

static void a_typed_link_is_followed(void **state)
{
    (void)state;
    struct hearth_err err;
    assert_int_equal(symlink("inside/target", "link"), 0);
    FILE *file = fopen("inside/target", "w");
    assert_non_null(file);
    fclose(file);
    struct local_sink sink;
    assert_ok(local_sink_open_path("link", &sink, &err), &err);
    assert_ok(local_sink_write(&sink, view_text("through"), &err), &err);
    assert_ok(local_sink_finish(&sink, &err), &err);
    assert_content("inside/target", "through");
}

static void a_missing_directory_and_a_full_disk_say_so(void **state)
{
    (void)state;
    struct hearth_err err;
    struct local_sink sink;
    assert_int_equal(local_sink_open_path("none/a", &sink, &err), HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "write none/a: open its directory: No such file or directory");
    assert_ok(local_sink_open_path("/dev/full", &sink, &err), &err);
    assert_int_equal(local_sink_write(&sink, view_text("x"), &err), HEARTH_NO_SPACE);
    assert_non_null(strstr(err.message, "No space left on device"));
    local_sink_abandon(&sink);
    assert_int_equal(access("/dev/full", F_OK), 0);
}

static void a_file_has_the_time_it_is_given(void **state)
{
    const struct fixture *fixture = *state;
    struct local_sink sink;
    struct hearth_err err;
    struct stat status;
    assert_ok(local_sink_open_beneath(fixture->inside_fd, view_text("dated"), &sink, &err), &err);
    sink.time_unix_ms = 1234567890123;
    sink.is_durable = true;
    assert_ok(local_sink_write(&sink, view_text("x"), &err), &err);
    assert_ok(local_sink_finish(&sink, &err), &err);
    assert_int_equal(stat("inside/dated", &status), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1234567890);
    assert_int_equal(status.st_mtim.tv_nsec, 123000000);
}

static void unfinished_files_are_known_by_their_names(void **state)
{
    const struct fixture *fixture = *state;
    struct local_sink sink;
    struct hearth_err err;
    assert_ok(local_sink_open_beneath(fixture->inside_fd, view_text("x"), &sink, &err), &err);
    assert_true(local_sink_is_file(&sink));
    assert_true(local_sink_is_temporary(sink.temp_name));
    local_sink_abandon(&sink);
    assert_false(local_sink_is_temporary("x"));
    assert_false(local_sink_is_temporary(".hearth-.part"));
    assert_false(local_sink_is_temporary(".hearth-0123456789abcdeg.part"));
    assert_false(local_sink_is_temporary(".hearth-0123456789abcdef.part2"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_file_appears_only_when_it_is_whole),
        CASE(what_is_abandoned_leaves_nothing_and_keeps_the_old),
        CASE(a_replaced_file_keeps_its_mode),
        CASE(names_make_their_directories),
        CASE(names_that_would_escape_are_refused),
        CASE(a_component_has_255_bytes_at_most),
        CASE(a_link_is_no_way_out),
        CASE(a_file_in_the_way_of_a_directory_is_an_error),
        CASE(a_typed_link_is_followed),
        CASE(a_missing_directory_and_a_full_disk_say_so),
        CASE(a_file_has_the_time_it_is_given),
        CASE(unfinished_files_are_known_by_their_names),
    };
    return cmocka_run_group_tests_name("local_sink", tests, NULL, NULL);
}
