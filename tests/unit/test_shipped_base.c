/*
 * shipped_base: what was shipped is found again after a start, as it was, or not at all.
 */
#include "coordinator/rescue/shipped_base.h"

#include "tests/lib/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct hearth_err err;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    strcpy(at->directory, "/tmp/hearth-base-XXXXXX");
    assert_non_null(mkdtemp(at->directory));
    *state = at;
    return 0;
}

/* Files in the directory; they are removed if wanted. */
static unsigned files(const struct fixture *at, bool removes)
{
    unsigned count = 0;
    DIR *entries = opendir(at->directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", at->directory, entry->d_name);
        if (entry->d_name[0] != '.') {
            count++;
            assert_int_equal(removes ? unlink(path) : 0, 0);
        }
    }
    closedir(entries);
    return count;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    files(at, true);
    rmdir(at->directory);
    free(at);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void keep(struct fixture *at, uint64_t number, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/shipment.partial", at->directory);
    write_file(path, text);
    assert_ok(shipped_base_keep(at->directory, path, number, &at->err), &at->err);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_was_shipped_is_found_again(void **state)
{
    struct fixture *at = *state;
    struct shipped_base base;
    assert_false(shipped_base_find(at->directory, &base));
    keep(at, UINT64_C(0x18fedcba9876), "a snapshot");
    assert_true(shipped_base_find(at->directory, &base));
    assert_true(base.number == UINT64_C(0x18fedcba9876));
    assert_int_equal(base.size, strlen("a snapshot"));
    assert_int_equal(access(base.path, R_OK), 0);
}

static void only_the_last_is_kept(void **state)
{
    struct fixture *at = *state;
    struct shipped_base base;
    keep(at, 5, "older");
    keep(at, 7, "newer");
    assert_int_equal(files(at, false), 1);
    assert_true(shipped_base_find(at->directory, &base));
    assert_int_equal(base.number, 7);
}

/* Changes from it would not follow on what the nodes have. */
static void what_is_not_as_it_was_shipped_is_not_found(void **state)
{
    struct fixture *at = *state;
    struct shipped_base base;
    keep(at, 5, "a snapshot");
    assert_true(shipped_base_find(at->directory, &base));
    write_file(base.path, "a snapshoT");
    assert_false(shipped_base_find(at->directory, &base));
}

static void other_files_are_none(void **state)
{
    struct fixture *at = *state;
    static const char *const names[] = {"meta.db", "shipped-", "shipped-000000000005-.db",
        "shipped-000000000005-00112233445566778899aabbccddeeff.db.old",
        "shipped-x-00112233445566778899aabbccddeeff.db"};
    struct shipped_base base;
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", at->directory, names[i]);
        write_file(path, "");
    }
    assert_false(shipped_base_find(at->directory, &base));
    keep(at, 5, "a snapshot");
    assert_int_equal(files(at, false), 6);
    assert_true(shipped_base_find(at->directory, &base));
    assert_int_equal(base.number, 5);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_was_shipped_is_found_again),
        claim(only_the_last_is_kept),
        claim(what_is_not_as_it_was_shipped_is_not_found),
        claim(other_files_are_none),
    };
    return cmocka_run_group_tests_name("shipped_base", tests, NULL, NULL);
}
