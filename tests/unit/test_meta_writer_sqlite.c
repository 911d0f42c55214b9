/*
 * The disk is full at every write of the log: the change is refused at once, in words, and nothing
 * of it is there, neither now nor after a start.  Asked again when there is room, it is done.
 *
 * SQLite is given the file system of the machine with a log that takes so many writes and no more.
 */
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <sqlite3.h>

static struct {
    sqlite3_vfs *real;
    sqlite3_vfs vfs; /* `real`, but for the log */
    const sqlite3_io_methods *real_methods;
    sqlite3_io_methods methods;
    bool is_limited;
    unsigned writes_left;
    bool was_full;
} disk;

static int write_log(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    if (disk.is_limited && disk.writes_left == 0) {
        disk.was_full = true;
        return SQLITE_FULL;
    }
    disk.writes_left -= disk.is_limited;
    return disk.real_methods->xWrite(file, bytes, size, offset);
}

static int open_file(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    (void)vfs;
    int result = disk.real->xOpen(disk.real, name, file, flags, flags_out);
    if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        disk.real_methods = file->pMethods;
        disk.methods = *file->pMethods;
        disk.methods.xWrite = write_log;
        file->pMethods = &disk.methods;
    }
    return result;
}

static int setup(void **state)
{
    static struct test_meta meta;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "a log that fills up";
    disk.vfs.xOpen = open_file;
    assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
    test_meta_init(&meta, 1, 8);
    *state = &meta;
    return 0;
}

static int teardown(void **state)
{
    test_meta_fini(*state);
    sqlite3_vfs_unregister(&disk.vfs);
    return 0;
}

static void nothing_is_there(struct test_meta *meta)
{
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "key", &object), HEARTH_NOT_FOUND);
}

/* false: it was done, the log takes as much as it needs. */
static bool is_refused_with(struct test_meta *meta, const struct meta_put *put, unsigned writes)
{
    struct meta_object_info info;
    disk.is_limited = true;
    disk.was_full = false;
    disk.writes_left = writes;
    enum hearth_code code = meta_put_inline(meta->store, put, &info, &meta->err);
    disk.is_limited = false;
    assert_int_equal(code, disk.was_full ? HEARTH_NO_SPACE : HEARTH_OK);
    if (code == HEARTH_NO_SPACE) {
        nothing_is_there(meta);
        test_meta_reopen(meta); /* what is in the log is read again */
        nothing_is_there(meta);
    }
    return disk.was_full;
}

static void a_full_disk_commits_nothing_and_says_so(void **state)
{
    struct test_meta *meta = *state;
    struct meta_put put = test_meta_put(meta, "key", 5000);
    unsigned writes = 0;
    while (is_refused_with(meta, &put, writes)) {
        writes++;
    }
    assert_true(writes > 4); /* of pages, each after its header */
    struct meta_object object;
    assert_int_equal(test_meta_find(meta, "key", &object), HEARTH_OK);
    test_meta_reopen(meta);
    assert_int_equal(test_meta_find(meta, "key", &object), HEARTH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_commits_nothing_and_says_so, setup, teardown),
    };
    return cmocka_run_group_tests_name("meta_writer_sqlite", tests, NULL, NULL);
}
