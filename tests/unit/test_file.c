/*
 * file: whole files come back as written, and a path never holds half of one.
 */
#include "common/file.h"
#include "tests/lib/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char folder[64];
    struct arena arena;
    struct hearth_err err;
};

static int fixture_setup(void **state)
{
    static struct fixture fixture;
    strcpy(fixture.folder, "/tmp/hearth-test-file-XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    arena_init(&fixture.arena, 0);
    *state = &fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
    return system(command);
}

static const char *in_folder(struct fixture *fixture, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    return arena_text(&fixture->arena, view_text(path));
}

static unsigned count_entries(const char *folder)
{
    unsigned count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void a_written_file_reads_back_with_its_mode(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_folder(fixture, "key");
    struct view bytes = view_of("one\0two", 7);
    assert_ok(file_write_atomically(path, bytes, 0600, &fixture->err), &fixture->err);

    struct view out;
    assert_ok(file_read_whole(path, 7, &fixture->arena, &out, &fixture->err), &fixture->err);
    assert_true(view_equal(out, bytes));
    assert_int_equal(out.bytes[7], 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_failed_write_leaves_the_old_content_and_no_temporary_file(void **state)
{
    struct fixture *fixture = *state;
    const char *folder = in_folder(fixture, "taken");
    const char *inside = in_folder(fixture, "taken/inside");
    assert_ok(file_make_directories(inside, 0700, &fixture->err), &fixture->err);

    /* a rename over a directory that is not empty fails, after everything else went well */
    assert_int_equal(file_write_atomically(folder, view_text("x"), 0600, &fixture->err), HEARTH_IO);
    assert_int_equal(count_entries(fixture->folder), 1);
    assert_int_equal(count_entries(folder), 1);
}

static void creating_never_replaces_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_folder(fixture, "key");
    struct view out;
    assert_ok(file_create_atomically(path, view_text("first"), 0600, &fixture->err), &fixture->err);
    assert_int_equal(
        file_create_atomically(path, view_text("second"), 0600, &fixture->err), HEARTH_EXISTS);
    assert_ok(file_read_whole(path, 9, &fixture->arena, &out, &fixture->err), &fixture->err);
    assert_true(view_equal(out, view_text("first")));
    assert_int_equal(count_entries(fixture->folder), 1);
}

static void reading_says_what_is_wrong_with_the_path(void **state)
{
    struct fixture *fixture = *state;
    struct view out;
    const char *path = in_folder(fixture, "large");
    assert_int_equal(
        file_read_whole(path, 9, &fixture->arena, &out, &fixture->err), HEARTH_NOT_FOUND);

    assert_ok(
        file_write_atomically(path, view_text("0123456789"), 0644, &fixture->err), &fixture->err);
    assert_int_equal(
        file_read_whole(path, 9, &fixture->arena, &out, &fixture->err), HEARTH_INVALID);
    assert_non_null(strstr(fixture->err.message, "10 bytes, at most 9 expected"));
    assert_int_equal(
        file_read_whole(fixture->folder, 9, &fixture->arena, &out, &fixture->err), HEARTH_INVALID);
}

static void directories_are_made_with_their_parents_and_again(void **state)
{
    struct fixture *fixture = *state;
    const char *path = in_folder(fixture, "a//b/c/");
    assert_ok(file_make_directories(path, 0700, &fixture->err), &fixture->err);
    assert_ok(file_make_directories(path, 0700, &fixture->err), &fixture->err);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISDIR(status.st_mode));

    assert_ok(
        file_write_atomically(in_folder(fixture, "a/file"), view_text(""), 0600, &fixture->err),
        &fixture->err);
    assert_int_equal(
        file_make_directories(in_folder(fixture, "a/file/b"), 0700, &fixture->err), HEARTH_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        CASE(a_written_file_reads_back_with_its_mode),
        CASE(a_failed_write_leaves_the_old_content_and_no_temporary_file),
        CASE(creating_never_replaces_what_is_there),
        CASE(reading_says_what_is_wrong_with_the_path),
        CASE(directories_are_made_with_their_parents_and_again),
#undef CASE
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
