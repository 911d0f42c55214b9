/*
 * access_log: a request is one line, whatever bytes its key has; a file that was renamed is
 * followed by a new one.
 */
#include "gateway/access_log.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char folder[32];
    char path[64];
    struct access_log *log;
    struct hearth_err err;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    strcpy(world->folder, "/tmp/access-log-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/log", world->folder);
    assert_ok(access_log_open(world->path, &world->log, &world->err), &world->err);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    access_log_close(world->log);
    unlink(world->path);
    rmdir(world->folder);
    free(world);
    return 0;
}

static void write_line_of(struct access_log *log, const char *bucket, struct view key)
{
    static const struct http_head head = {.method = "GET", .target = "/", .peer = "192.0.2.7"};
    const struct request request = {
        .head = &head, .id = "00112233445566778899aabbccddeeff", .bucket = bucket, .key = key};
    const struct access_line line = {
        .now_unix_ms = UINT64_C(1795867200042),
        .request = &request,
        .tenant = "ann",
        .operation = "GetObject",
        .status = 404,
        .error = "NoSuchKey",
        .received = 1,
        .sent = 2,
        .duration_us = 12345,
    };
    access_log_write(log, &line);
}

static void write_line(struct access_log *log, struct view key)
{
    write_line_of(log, "photos", key);
}

static void read_file(const char *path, char text[16384])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, 16383, file)] = '\0';
    fclose(file);
}

static void a_request_is_a_line(void **state)
{
    struct world *world = *state;
    char text[16384];
    struct stat status;
    write_line(world->log, view_of("a b\n\xff\"%c", 8));
    read_file(world->path, text);
    assert_string_equal(text,
        "2026-11-28T12:00:00.042Z req=00112233445566778899aabbccddeeff peer=192.0.2.7 tenant=ann"
        " operation=GetObject bucket=photos key=a%20b%0A%FF%22%25c status=404 error=NoSuchKey"
        " received=1 sent=2 ms=12.3\n");
    assert_int_equal(stat(world->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

/* Nobody can push what became of his request out of the line. */
static void a_name_that_is_none_leaves_room_for_the_rest(void **state)
{
    struct world *world = *state;
    char text[16384];
    char bucket[32 << 10];
    char key[HEARTH_KEY_MAX];
    memset(bucket, '\n', sizeof(bucket));
    bucket[sizeof(bucket) - 1] = '\0';
    memset(key, '\n', sizeof(key));
    write_line_of(world->log, bucket, view_of(key, sizeof(key)));
    read_file(world->path, text);
    assert_non_null(strstr(text, " status=404 error=NoSuchKey received=1 sent=2 ms=12.3\n"));
}

static void the_longest_key_fits(void **state)
{
    struct world *world = *state;
    char text[16384];
    char key[HEARTH_KEY_MAX];
    memset(key, '\n', sizeof(key));
    write_line(world->log, view_of(key, sizeof(key)));
    read_file(world->path, text);
    assert_non_null(strstr(text, "%0A status=404 error=NoSuchKey received=1 sent=2 ms=12.3\n"));
}

static void a_renamed_file_is_followed_by_a_new_one(void **state)
{
    struct world *world = *state;
    char old[80];
    char text[16384];
    snprintf(old, sizeof(old), "%s.1", world->path);
    write_line(world->log, view_text("first"));
    assert_int_equal(rename(world->path, old), 0);
    assert_ok(access_log_reopen(world->log, &world->err), &world->err);
    write_line(world->log, view_text("second"));
    read_file(old, text);
    assert_non_null(strstr(text, "key=first"));
    assert_null(strstr(text, "key=second"));
    read_file(world->path, text);
    assert_non_null(strstr(text, "key=second"));
    unlink(old);
}

static void no_path_is_no_log(void **state)
{
    struct world *world = *state;
    struct access_log *none;
    assert_ok(access_log_open("", &none, &world->err), &world->err);
    write_line(none, view_text("k"));
    assert_ok(access_log_reopen(none, &world->err), &world->err);
    access_log_close(none);
    assert_int_equal(access_log_open("/nowhere/at/all", &none, &world->err), HEARTH_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_a_line),
        TEST(the_longest_key_fits),
        TEST(a_name_that_is_none_leaves_room_for_the_rest),
        TEST(a_renamed_file_is_followed_by_a_new_one),
        TEST(no_path_is_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
