/*
 * upload_state: what is saved is loaded, for the same file only; whatever else lies there is no
 * state.
 */
#include "common/cleanup.h"
#include "common/file.h"
#include "tests/lib/test.h"
#include "tools/upload_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static struct arena arena;
static char folder[64];

static const struct upload_state good = {
    .mark = {.size = 1000, .time_ns = 2, .inode = 3, .device = 4},
    .safe_bytes = 500,
    .sealed = {(const uint8_t *)"sealed", 6},
};

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    stpcpy(folder, "/tmp/hearth-test-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : setenv("XDG_STATE_HOME", folder, 1);
}

static int end(void **state)
{
    (void)state;
    char command[128];
    arena_fini(&arena);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static char *path_of(const char *source, const char *bucket, const char *key)
{
    return upload_state_path("/dev/null", source, bucket, view_text(key), &arena);
}

static bool loads(const char *path, const struct upload_mark *mark)
{
    struct upload_state state = {0};
    bool loaded = upload_state_load(path, mark, &arena, &state);
    assert_int_equal(state.sealed.size > 0, loaded);
    return loaded;
}

static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct hearth_err err;
    struct upload_state loaded;
    char *path = path_of("/etc/hosts", "b", "k");
    assert_ok(upload_state_save(path, &good, &err), &err);
    assert_true(upload_state_load(path, &good.mark, &arena, &loaded));
    assert_int_equal(loaded.safe_bytes, 500);
    assert_true(view_equal(loaded.sealed, good.sealed));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    upload_state_remove(path);
    assert_false(loads(path, &good.mark));
    upload_state_remove(path);
}

static void another_file_under_the_same_path_has_no_state(void **state)
{
    (void)state;
    struct hearth_err err;
    char *path = path_of("/etc/hosts", "b", "k");
    assert_ok(upload_state_save(path, &good, &err), &err);
    for (unsigned i = 0; i < 4; i++) {
        struct upload_mark other = good.mark;
        ((uint64_t *)&other)[i]++;
        assert_false(loads(path, &other));
    }
    assert_true(loads(path, &good.mark));
}

static void each_source_and_destination_has_its_own(void **state)
{
    (void)state;
    const char *path = path_of("/etc/hosts", "b", "k");
    assert_string_equal(path, path_of("/etc/../etc/hosts", "b", "k"));
    assert_string_not_equal(path, path_of("/etc/hostname", "b", "k"));
    assert_string_not_equal(path, path_of("/etc/hosts", "b", "k2"));
    assert_string_not_equal(path_of("/etc/hosts", "bk", ""), path_of("/etc/hosts", "b", "k"));
    assert_string_not_equal(
        path, upload_state_path("/dev/zero", "/etc/hosts", "b", view_text("k"), &arena));
}

static void damage_at_any_byte_is_seen_or_harmless(void **state)
{
    (void)state;
    struct hearth_err err;
    struct upload_state decoded;
    struct view bytes = upload_state_encode(&good, &arena);
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_equal(
            upload_state_decode(view_of(bytes.bytes, size), &decoded, &err), HEARTH_CHECKSUM);
    }
    struct view longer = view_of(arena_copy(&arena, bytes).bytes, bytes.size);
    uint8_t *changed = (uint8_t *)(uintptr_t)longer.bytes;
    for (size_t at = 0; at < bytes.size; at++) {
        changed[at] ^= 0xff;
        if (upload_state_decode(longer, &decoded, &err) == HEARTH_OK) {
            assert_true(
                decoded.safe_bytes < decoded.mark.size); /* and the library judges the rest */
            assert_int_equal(decoded.sealed.size, good.sealed.size);
        }
        changed[at] ^= 0xff;
    }
    changed[14] = 9;
    assert_int_equal(upload_state_decode(longer, &decoded, &err), HEARTH_UNKNOWN_FORMAT);
}

static void other_things_in_its_place_are_no_state(void **state)
{
    (void)state;
    struct hearth_err err;
    char *path = path_of("/etc/hosts", "b", "k");
    assert_ok(upload_state_save(path, &good, &err), &err);
    assert_ok(file_write_atomically(path, view_text(""), 0600, &err), &err);
    assert_false(loads(path, &good.mark));
    assert_ok(file_write_atomically(path, view_text("hearth upload\n"), 0600, &err), &err);
    assert_false(loads(path, &good.mark));
    upload_state_remove(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(loads(path, &good.mark));
}

static void what_is_two_days_old_is_cleared_out(void **state)
{
    (void)state;
    struct hearth_err err;
    char *old = path_of("/etc/hosts", "b", "old");
    char *young = path_of("/etc/hosts", "b", "young");
    assert_ok(upload_state_save(old, &good, &err), &err);
    assert_ok(upload_state_save(young, &good, &err), &err);
    struct timespec day = {.tv_sec = time(NULL) - 49 * 3600};
    assert_int_equal(utimensat(AT_FDCWD, old, (struct timespec[]){day, day}, 0), 0);
    assert_ok(upload_state_save(path_of("/etc/hosts", "b", "new"), &good, &err), &err);
    assert_false(loads(old, &good.mark));
    assert_true(loads(young, &good.mark));
}

static void without_a_home_there_is_no_place(void **state)
{
    (void)state;
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home-of-nobody", 1);
    assert_non_null(
        strstr(path_of("/etc/hosts", "b", "k"), "/home-of-nobody/.local/state/hearth/"));
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_non_null(
        strstr(path_of("/etc/hosts", "b", "k"), "/home-of-nobody/.local/state/hearth/"));
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_null(path_of("/etc/hosts", "b", "k"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, begin, end),
        cmocka_unit_test_setup_teardown(another_file_under_the_same_path_has_no_state, begin, end),
        cmocka_unit_test_setup_teardown(each_source_and_destination_has_its_own, begin, end),
        cmocka_unit_test_setup_teardown(damage_at_any_byte_is_seen_or_harmless, begin, end),
        cmocka_unit_test_setup_teardown(other_things_in_its_place_are_no_state, begin, end),
        cmocka_unit_test_setup_teardown(what_is_two_days_old_is_cleared_out, begin, end),
        cmocka_unit_test_setup_teardown(without_a_home_there_is_no_place, begin, end),
    };
    return cmocka_run_group_tests_name("upload_state", tests, NULL, NULL);
}
