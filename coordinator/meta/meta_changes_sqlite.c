/* Sessions are declared only for who says that the library was built with them, as Debian's is. */
#define SQLITE_ENABLE_SESSION
#define SQLITE_ENABLE_PREUPDATE_HOOK

#include "coordinator/meta/meta_changes.h"

#include "coordinator/meta/meta_connection.h"

#include <limits.h>
#include <stdlib.h>

enum hearth_code meta_changes_start(
    struct meta_changes *changes, struct meta_connection *writer, struct hearth_err *err)
{
    meta_changes_stop(changes);
    if (sqlite3session_create(writer->db, "main", &changes->session) != SQLITE_OK ||
        sqlite3session_attach(changes->session, NULL) != SQLITE_OK) {
        meta_changes_stop(changes);
        return meta_connection_fail(writer, "gather changes", err);
    }
    return HEARTH_OK;
}

void meta_changes_watch(struct meta_changes *changes)
{
    if (changes->session != NULL &&
        sqlite3session_memory_used(changes->session) > META_CHANGES_BYTES_MAX) {
        meta_changes_stop(changes);
    }
}

/* Patches hold no old values: that each follows on the one before is for their numbers to say. */
static enum hearth_code copy_patches(struct meta_changes *changes, struct meta_connection *writer,
    uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    int count = 0;
    void *patches = NULL;
    if (sqlite3session_patchset(changes->session, &count, &patches) != SQLITE_OK) {
        return meta_connection_fail(writer, "cut changes", err);
    }
    *size = (size_t)count;
    *bytes = malloc(*size + 1);
    if (*bytes != NULL) {
        memcpy(*bytes, count > 0 ? patches : "", *size);
    }
    sqlite3_free(patches);
    return *bytes != NULL ? HEARTH_OK
                          : hearth_fail(err, HEARTH_NO_MEMORY, "changes: %d bytes", count);
}

enum hearth_code meta_changes_cut(struct meta_changes *changes, struct meta_connection *writer,
    uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    if (changes->session == NULL) {
        return hearth_fail(err, HEARTH_NOT_READY, "changes were not gathered: a copy comes first");
    }
    if (copy_patches(changes, writer, bytes, size, err) != HEARTH_OK) {
        meta_changes_stop(changes);
        return err->code;
    }
    if (meta_changes_start(changes, writer, err) != HEARTH_OK) {
        free(*bytes);
        return err->code;
    }
    return HEARTH_OK;
}

void meta_changes_stop(struct meta_changes *changes)
{
    if (changes->session != NULL) {
        sqlite3session_delete(changes->session);
        changes->session = NULL;
    }
}

/* ---- between two copies ---- */

enum { LOOK_EACH_STEPS = 10000 }; /* of SQLite's machine */

struct between {
    sqlite3 *db; /* newer; the older one is attached */
    sqlite3_session *session;
};

/* Non-zero: it has become too much. */
static int look_at_memory(void *context)
{
    const struct between *between = context;
    return sqlite3session_memory_used(between->session) > META_CHANGES_BYTES_MAX;
}

/* True: the question has no rows. */
static bool has_none(sqlite3 *db, const char *question)
{
    sqlite3_stmt *row = NULL;
    bool none = sqlite3_prepare_v2(db, question, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_DONE;
    sqlite3_finalize(row);
    return none;
}

static bool is_same_schema(sqlite3 *db)
{
    return has_none(db,
               "SELECT type, name, sql FROM main.sqlite_schema EXCEPT"
               " SELECT type, name, sql FROM older.sqlite_schema") &&
        has_none(db,
            "SELECT type, name, sql FROM older.sqlite_schema EXCEPT"
            " SELECT type, name, sql FROM main.sqlite_schema");
}

static int open_both(struct between *between, const char *older, const char *newer)
{
    int result = sqlite3_open_v2(newer, &between->db, SQLITE_OPEN_READWRITE, NULL);
    char *attach = sqlite3_mprintf("ATTACH DATABASE %Q AS older", older);
    if (result == SQLITE_OK) {
        result =
            attach == NULL ? SQLITE_NOMEM : sqlite3_exec(between->db, attach, NULL, NULL, NULL);
    }
    sqlite3_free(attach);
    if (result == SQLITE_OK && !is_same_schema(between->db)) {
        result = SQLITE_SCHEMA;
    }
    if (result == SQLITE_OK) {
        result = sqlite3session_create(between->db, "main", &between->session);
    }
    return result == SQLITE_OK ? sqlite3session_attach(between->session, NULL) : result;
}

static int diff_tables(struct between *between)
{
    sqlite3_stmt *table = NULL;
    int result = sqlite3_prepare_v2(between->db,
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", -1,
        &table, NULL);
    sqlite3_progress_handler(between->db, LOOK_EACH_STEPS, look_at_memory, between);
    while (result == SQLITE_OK && (result = sqlite3_step(table)) == SQLITE_ROW) {
        result = sqlite3session_diff(
            between->session, "older", (const char *)sqlite3_column_text(table, 0), NULL);
    }
    sqlite3_finalize(table);
    return result;
}

/* A patch set, with malloc. */
static int take_patches(struct between *between, uint8_t **bytes, size_t *size)
{
    int count = 0;
    void *patches = NULL;
    int result = sqlite3session_patchset(between->session, &count, &patches);
    if (result == SQLITE_OK && (*bytes = malloc((size_t)count + 1)) != NULL) {
        memcpy(*bytes, count > 0 ? patches : "", (size_t)count);
        *size = (size_t)count;
    } else {
        result = result == SQLITE_OK ? SQLITE_NOMEM : result;
    }
    sqlite3_free(patches);
    return result;
}

enum hearth_code meta_changes_between(
    const char *older, const char *newer, uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    struct between between = {.db = NULL};
    int result = open_both(&between, older, newer);
    if (result == SQLITE_OK && (result = diff_tables(&between)) == SQLITE_DONE) {
        result = take_patches(&between, bytes, size);
    }
    if (between.session != NULL) {
        sqlite3session_delete(between.session);
    }
    sqlite3_close(between.db);
    if (result == SQLITE_INTERRUPT || result == SQLITE_SCHEMA) {
        return hearth_fail(err, HEARTH_NOT_READY, "changes from %s to %s: %s", older, newer,
            result == SQLITE_SCHEMA ? "another schema" : "too many");
    }
    return result == SQLITE_OK ? HEARTH_OK
                               : hearth_fail(err, HEARTH_IO, "changes from %s to %s: %s", older,
                                     newer, sqlite3_errstr(result));
}

/* ---- applying ---- */

static int refuse(void *context, int reason, sqlite3_changeset_iter *change)
{
    (void)context;
    (void)reason;
    (void)change;
    return SQLITE_CHANGESET_ABORT;
}

enum hearth_code meta_changes_apply(const char *path, struct view changes, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (result == SQLITE_OK && changes.size > INT_MAX) {
        result = SQLITE_TOOBIG;
    }
    if (result == SQLITE_OK) {
        result = sqlite3changeset_apply(
            db, (int)changes.size, (void *)(uintptr_t)changes.bytes, NULL, refuse, NULL);
    }
    sqlite3_close(db);
    return result == SQLITE_OK ? HEARTH_OK
                               : hearth_fail(err, HEARTH_CHECKSUM, "apply changes to %s: %s", path,
                                     sqlite3_errstr(result));
}
