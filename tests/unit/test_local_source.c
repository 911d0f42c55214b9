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

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_still_file_is_read_to_its_end),
        CASE(a_file_that_grows_is_an_error),
        CASE(a_file_that_shrinks_is_an_error),
        CASE(a_file_that_is_changed_is_an_error),
        CASE(a_file_that_vanishes_is_an_error),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(a_silent_pipe_does_not_outwait_an_interrupt),
    };
    return cmocka_run_group_tests_name("local_source", tests, NULL, NULL);
}
