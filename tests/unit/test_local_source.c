/*
 * local_source: a file that does not hold still while it is read is an error, not a blend.
 */
#include "tests/lib/test.h"
#include "tools/local_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char path[64];
    struct local_source source;
};

static void append(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A file of ten bytes, opened as a source. */
static int set_up(void **state)
{
    static struct fixture fixture;
    struct hearth_err err;
    snprintf(fixture.path, sizeof(fixture.path), "/tmp/hearth-test-source-XXXXXX");
    int fd = mkstemp(fixture.path);
    assert_true(fd >= 0);
    close(fd);
    append(fixture.path, "0123456789");
    assert_ok(local_source_open(fixture.path, NULL, &fixture.source, &err), &err);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    local_source_close(&fixture->source);
    unlink(fixture->path);
    return 0;
}

/* Reads on, four bytes at a time, until the end or a failure. */
static enum hearth_code read_rest(struct local_source *source, struct hearth_err *err)
{
    char bytes[4];
    size_t got = 1;
    while (got > 0) {
        if (local_source_read(source, bytes, sizeof(bytes), &got, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static void read_four(struct fixture *fixture)
{
    struct hearth_err err;
    char bytes[4];
    size_t got;
    assert_ok(local_source_read(&fixture->source, bytes, sizeof(bytes), &got, &err), &err);
    assert_int_equal(got, 4);
}

static void a_still_file_is_read_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_int_equal(local_source_size(&fixture->source), 10);
    assert_ok(read_rest(&fixture->source, &err), &err);
    assert_int_equal(fixture->source.done, 10);
}

static void a_file_that_grows_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    read_four(fixture);
    append(fixture->path, "more than a read of four");
    assert_int_equal(read_rest(&fixture->source, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "the file grew from 10 bytes while it was read");
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    read_four(fixture);
    assert_int_equal(truncate(fixture->path, 6), 0);
    assert_int_equal(read_rest(&fixture->source, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "the file shrank from 10 bytes while it was read");
}

static void a_file_that_is_changed_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    read_four(fixture);
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 12345}};
    assert_int_equal(utimensat(AT_FDCWD, fixture->path, times, 0), 0);
    assert_int_equal(read_rest(&fixture->source, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "the file was changed while it was read");
}

static void a_file_that_vanishes_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    read_four(fixture);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(read_rest(&fixture->source, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "the file was deleted while it was read");
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct hearth_err err;
    struct local_source source;
    assert_int_equal(local_source_open("/none/such", NULL, &source, &err), HEARTH_NOT_FOUND);
    assert_string_equal(err.message, "read /none/such: No such file or directory");
    assert_int_equal(local_source_open("/", NULL, &source, &err), HEARTH_INVALID);
    assert_string_equal(err.message, "read /: it is a directory (-r copies one)");
}

static void a_silent_pipe_does_not_outwait_an_interrupt(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    atomic_bool cancel = true;
    struct local_source source = {.fd = ends[0], .cancel = &cancel};
    char byte;
    size_t got;
    struct hearth_err err;
    assert_int_equal(local_source_read(&source, &byte, 1, &got, &err), HEARTH_CANCELLED);
    close(ends[0]);
    close(ends[1]);
}

static enum hearth_code remove_it(struct fixture *fixture)
{
    struct hearth_err err;
    return local_source_remove(&fixture->source, fixture->path, &err);
}

static void what_was_read_and_is_still_so_can_be_removed(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(read_rest(&fixture->source, &err), &err);
    assert_ok(local_source_check_path(&fixture->source, fixture->path, &err), &err);
    assert_int_equal(remove_it(fixture), HEARTH_OK);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    assert_int_equal(remove_it(fixture), HEARTH_CONFLICT);
}

static void what_was_changed_after_it_was_read_stays(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(read_rest(&fixture->source, &err), &err);
    append(fixture->path, "more");
    assert_int_equal(remove_it(fixture), HEARTH_CONFLICT);
    assert_int_equal(
        local_source_check_path(&fixture->source, fixture->path, &err), HEARTH_CONFLICT);
    assert_int_equal(access(fixture->path, F_OK), 0);
}

/* The same bytes and times, and yet not what was read. */
static void another_file_in_its_place_stays(void **state)
{
    struct fixture *fixture = *state;
    char other[80];
    snprintf(other, sizeof(other), "%s.other", fixture->path);
    append(other, "0123456789");
    const struct timespec times[] = {
        fixture->source.before.st_mtim, fixture->source.before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
    assert_int_equal(rename(other, fixture->path), 0);
    assert_int_equal(remove_it(fixture), HEARTH_CONFLICT);
    assert_int_equal(access(fixture->path, F_OK), 0);
}

static void only_a_regular_file_is_moved(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    char link[80];
    snprintf(link, sizeof(link), "%s.link", fixture->path);
    assert_int_equal(symlink(fixture->path, link), 0);
    assert_ok(local_source_check_removable(fixture->path, &err), &err);
    assert_int_equal(local_source_check_removable(link, &err), HEARTH_INVALID);
    assert_int_equal(local_source_check_removable("/tmp", &err), HEARTH_INVALID);
    assert_ok(local_source_check_removable("/tmp/hearth-test-none", &err), &err);
    assert_int_equal(local_source_remove(&fixture->source, link, &err), HEARTH_CONFLICT);
    assert_int_equal(unlink(link), 0);
}

static void a_file_can_be_read_again_from_its_beginning(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    assert_ok(read_rest(&fixture->source, &err), &err);
    local_source_rewind(&fixture->source);
    assert_ok(read_rest(&fixture->source, &err), &err);
    append(fixture->path, "more");
    local_source_rewind(&fixture->source);
    assert_int_equal(read_rest(&fixture->source, &err), HEARTH_INVALID);
}

static void the_md5_of_a_file_is_its_etag(void **state)
{
    struct fixture *fixture = *state;
    struct hearth_err err;
    char text[LOCAL_MD5_TEXT_SIZE];
    assert_ok(local_source_md5(fixture->path, NULL, text, &err), &err);
    assert_string_equal(text, "781e5e245d69b566979b86e28d23f2c7");
    atomic_bool cancel = true;
    assert_int_equal(local_source_md5(fixture->path, &cancel, text, &err), HEARTH_CANCELLED);
    assert_int_equal(local_source_md5("/none", NULL, text, &err), HEARTH_NOT_FOUND);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_still_file_is_read_to_its_end),
        CASE(a_file_that_grows_is_an_error),
        CASE(a_file_that_shrinks_is_an_error),
        CASE(a_file_that_is_changed_is_an_error),
        CASE(a_file_that_vanishes_is_an_error),
        CASE(what_was_read_and_is_still_so_can_be_removed),
        CASE(what_was_changed_after_it_was_read_stays),
        CASE(another_file_in_its_place_stays),
        CASE(only_a_regular_file_is_moved),
        CASE(a_file_can_be_read_again_from_its_beginning),
        CASE(the_md5_of_a_file_is_its_etag),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(a_silent_pipe_does_not_outwait_an_interrupt),
    };
    return cmocka_run_group_tests_name("local_source", tests, NULL, NULL);
}
