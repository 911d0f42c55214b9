/*
 * meta_changes: a snapshot and the changes cut after it are the database, row by row, whatever was
 * done in between; what does not follow on is refused; what was not gathered is said.
 */
#include "coordinator/meta/meta_changes.h"

#include "coordinator/meta/meta_rebuilt.h"
#include "coordinator/meta/meta_settings.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CUTS_MAX = 8 };

struct fixture {
    struct test_meta meta;
    char copy[128];
    struct {
        uint8_t *bytes;
        size_t size;
    } cuts[CUTS_MAX];
    unsigned count;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    test_meta_init(&at->meta, 1, 8);
    snprintf(at->copy, sizeof(at->copy), "%s/copy", at->meta.directory);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < at->count; i++) {
        free(at->cuts[i].bytes);
    }
    unlink(at->copy);
    test_meta_fini(&at->meta);
    free(at);
    return 0;
}

static void snapshot(struct fixture *at)
{
    assert_ok(meta_snapshot(at->meta.store, at->copy, &at->meta.err), &at->meta.err);
}

static void cut(struct fixture *at)
{
    assert_true(at->count < CUTS_MAX);
    assert_ok(meta_changes_since(at->meta.store, &at->cuts[at->count].bytes,
                  &at->cuts[at->count].size, &at->meta.err),
        &at->meta.err);
    at->count++;
}

static enum hearth_code apply(struct fixture *at, unsigned nth)
{
    return meta_changes_apply(
        at->copy, view_of(at->cuts[nth].bytes, at->cuts[nth].size), &at->meta.err);
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

/* Rows that are in one and not in the other, of all tables; that one is a copy does not count. */
static unsigned differences(struct fixture *at)
{
    char path[128];
    char text[600];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/meta.db", at->meta.directory);
    sqlite3 *db = open_database(path);
    snprintf(text, sizeof(text), "ATTACH '%s' AS copy", at->copy);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *tables;
    sqlite3_prepare_v2(db,
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'cluster_state'", -1,
        &tables, NULL);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        sqlite3_stmt *rows;
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        snprintf(text, sizeof(text),
            "SELECT (SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM copy.%s)) +"
            " (SELECT count(*) FROM (SELECT * FROM copy.%s EXCEPT SELECT * FROM main.%s))",
            name, name, name, name);
        assert_int_equal(sqlite3_prepare_v2(db, text, -1, &rows, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
        count += (unsigned)sqlite3_column_int(rows, 0);
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    return count;
}

/* Of every kind of change: rows that come, change, go, and come and go between two cuts. */
static void do_things(struct fixture *at, unsigned round)
{
    struct meta_id segment;
    char key[32];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "key-%u", (7 * round + i) % 40);
        test_meta_put_now(&at->meta, key, 10 + i);
        snprintf(key, sizeof(key), "large-%u-%u", round, i);
        test_meta_upload(&at->meta, key, &segment);
        if (i % 2 == 0) {
            bool existed;
            struct meta_delete request = {
                .bucket = at->meta.bucket, .key = view_text(key), .token = test_meta_id(&at->meta)};
            assert_ok(
                meta_delete(at->meta.store, &request, &existed, &at->meta.err), &at->meta.err);
        }
    }
    test_env_step_ms(&at->meta.env, 3600 * 1000);
    test_meta_collect(&at->meta);
}

static void a_snapshot_and_its_changes_are_the_database(void **state)
{
    struct fixture *at = *state;
    do_things(at, 0);
    snapshot(at);
    assert_int_equal(differences(at), 0);
    for (unsigned round = 1; round <= 3; round++) {
        do_things(at, round);
        cut(at);
        assert_int_not_equal(differences(at), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(apply(at, i), &at->meta.err);
    }
    assert_int_equal(differences(at), 0);
}

static void newer_copy(struct fixture *at, char path[160])
{
    snprintf(path, 160, "%s.newer", at->copy);
    assert_ok(meta_snapshot(at->meta.store, path, &at->meta.err), &at->meta.err);
}

/* As after a start: nothing was gathered, and the copy that was shipped is still there. */
static void the_changes_between_two_copies_make_the_newer_of_the_older(void **state)
{
    struct fixture *at = *state;
    char newer[160];
    do_things(at, 0);
    snapshot(at);
    do_things(at, 1);
    do_things(at, 2);
    newer_copy(at, newer);
    assert_ok(
        meta_changes_between(at->copy, newer, &at->cuts[0].bytes, &at->cuts[0].size, &at->meta.err),
        &at->meta.err);
    at->count = 1;
    do_things(at, 3);
    cut(at); /* what follows on the newer copy */
    assert_ok(apply(at, 0), &at->meta.err);
    assert_ok(apply(at, 1), &at->meta.err);
    assert_int_equal(differences(at), 0);
    unlink(newer);
}

static void add_table(const char *path, const char *name)
{
    char text[64];
    sqlite3 *db = open_database(path);
    snprintf(text, sizeof(text), "CREATE TABLE %s (a BIGINT PRIMARY KEY)", name);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void what_cannot_be_compared_is_no_change(void **state)
{
    struct fixture *at = *state;
    char newer[160];
    uint8_t *bytes;
    size_t size;
    snapshot(at);
    newer_copy(at, newer);
    add_table(at->copy, "less");
    assert_int_equal(
        meta_changes_between(at->copy, newer, &bytes, &size, &at->meta.err), HEARTH_NOT_READY);
    add_table(newer, "more");
    assert_int_equal(
        meta_changes_between(at->copy, newer, &bytes, &size, &at->meta.err), HEARTH_NOT_READY);
    assert_int_equal(
        meta_changes_between("/nowhere/at/all", newer, &bytes, &size, &at->meta.err), HEARTH_IO);
    unlink(newer);
}

static void a_copy_with_changes_is_a_backup_that_opens(void **state)
{
    struct fixture *at = *state;
    struct meta_settings settings;
    struct meta_object found;
    snapshot(at);
    test_meta_put_now(&at->meta, "after", 10);
    cut(at);
    assert_ok(apply(at, 0), &at->meta.err);
    struct meta_node_list nodes;
    assert_ok(
        meta_node_list(at->meta.store, &at->meta.arena, &nodes, &at->meta.err), &at->meta.err);
    const struct meta_stray strays[] = {{.node = nodes.nodes[2].id, .shard = {{7}}},
        {.node = {{0xee}}, .shard = {{8}}}}; /* the last of a node nobody knows */
    const uint64_t later = meta_now_ms(at->meta.store) + 5000;
    const struct meta_rebuilt rebuilt = {
        .clock_ms = later, .strays = strays, .stray_count = 2, .strays_not_before_ms = later + 1};
    assert_ok(meta_rebuilt_finish(at->copy, &rebuilt, &at->meta.err), &at->meta.err);
    test_meta_restore(&at->meta, at->copy);
    assert_int_equal(test_meta_find(&at->meta, "after", &found), HEARTH_OK);
    assert_ok(meta_settings_get(at->meta.store, &settings, &at->meta.err), &at->meta.err);
    assert_int_equal(settings.recovery_epoch, 1);
    assert_true(settings.garbage_held);
    assert_true(meta_now_ms(at->meta.store) >= later);

    struct meta_id dead;
    assert_ok(meta_garbage_unhold(at->meta.store, &at->meta.err), &at->meta.err);
    assert_int_equal(test_meta_dead(&at->meta, 3, &dead, 1), 0); /* not yet */
    test_env_step_ms(&at->meta.env, 10000);
    assert_int_equal(test_meta_dead(&at->meta, 3, &dead, 1), 1);
    assert_int_equal(dead.bytes[0], 7);
}

static void nothing_changed_is_no_bytes(void **state)
{
    struct fixture *at = *state;
    snapshot(at);
    cut(at);
    assert_int_equal(at->cuts[0].size, 0);
}

static void changes_without_a_snapshot_are_not_ready(void **state)
{
    struct fixture *at = *state;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(
        meta_changes_since(at->meta.store, &bytes, &size, &at->meta.err), HEARTH_NOT_READY);
    snapshot(at);
    test_meta_reopen(&at->meta); /* what was gathered went with the process */
    assert_int_equal(
        meta_changes_since(at->meta.store, &bytes, &size, &at->meta.err), HEARTH_NOT_READY);
}

/* A link of the chain is left out, or applied twice, or is not what was cut. */
static void changes_that_do_not_follow_are_refused_and_change_nothing(void **state)
{
    struct fixture *at = *state;
    test_meta_put_now(&at->meta, "a", 10);
    snapshot(at);
    test_meta_put_now(&at->meta, "b", 10);
    cut(at);
    test_meta_put_now(&at->meta, "b", 20);
    test_meta_put_now(&at->meta, "c", 20);
    cut(at);
    assert_int_equal(apply(at, 1), HEARTH_CHECKSUM);
    assert_ok(apply(at, 0), &at->meta.err);
    assert_int_equal(apply(at, 0), HEARTH_CHECKSUM);
    at->cuts[1].size /= 2;
    assert_int_equal(apply(at, 1), HEARTH_CHECKSUM);
}

/* A transaction whose commit is unknown is in the changes when it is in the database. */
static bool fails_after(void *context, enum meta_step step)
{
    (void)context;
    return step == META_STEP_COMMITTED;
}

static bool fails_before(void *context, enum meta_step step)
{
    (void)context;
    return step == META_STEP_CLOSURES_DONE;
}

static void what_was_not_committed_is_in_no_changes(void **state)
{
    struct fixture *at = *state;
    struct meta_object_info info;
    snapshot(at);
    struct meta_put put = test_meta_put(&at->meta, "committed", 10);
    at->meta.fails_at = fails_after;
    assert_int_equal(meta_put_inline(at->meta.store, &put, &info, &at->meta.err), HEARTH_UNKNOWN);
    put = test_meta_put(&at->meta, "undone", 10);
    at->meta.fails_at = fails_before;
    assert_int_equal(meta_put_inline(at->meta.store, &put, &info, &at->meta.err), HEARTH_UNKNOWN);
    at->meta.fails_at = NULL;
    cut(at);
    assert_ok(apply(at, 0), &at->meta.err);
    assert_int_equal(differences(at), 0);
    test_meta_restore(&at->meta, at->copy);
    struct meta_object found;
    assert_int_equal(test_meta_find(&at->meta, "committed", &found), HEARTH_OK);
    assert_int_equal(test_meta_find(&at->meta, "undone", &found), HEARTH_NOT_FOUND);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_snapshot_and_its_changes_are_the_database),
        claim(the_changes_between_two_copies_make_the_newer_of_the_older),
        claim(what_cannot_be_compared_is_no_change),
        claim(a_copy_with_changes_is_a_backup_that_opens),
        claim(nothing_changed_is_no_bytes),
        claim(changes_without_a_snapshot_are_not_ready),
        claim(changes_that_do_not_follow_are_refused_and_change_nothing),
        claim(what_was_not_committed_is_in_no_changes),
    };
    return cmocka_run_group_tests_name("meta_changes", tests, NULL, NULL);
}
