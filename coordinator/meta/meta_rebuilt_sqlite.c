#include "coordinator/meta/meta_rebuilt.h"

#include "coordinator/meta/meta_backup.h"
#include "coordinator/meta/meta_node.h"

#include <sqlite3.h>
#include <string.h>

static bool run(sqlite3 *db, sqlite3_stmt *statement)
{
    bool is_done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return is_done && sqlite3_errcode(db) == SQLITE_OK;
}

/* Nodes the metadata does not know have none of its shards either. */
static bool name_strays(sqlite3 *db, const struct meta_rebuilt *rebuilt)
{
    static const char text[] = "INSERT INTO dead_shard (node, shard, not_before_ms, bytes)"
                               " SELECT node, ?2, ?3, 0 FROM node WHERE id = ?1"
                               " ON CONFLICT (node, shard) DO NOTHING";
    sqlite3_stmt *insert = NULL;
    bool good = sqlite3_prepare_v2(db, text, -1, &insert, NULL) == SQLITE_OK;
    for (size_t i = 0; i < rebuilt->stray_count && good; i++) {
        const struct meta_stray *stray = &rebuilt->strays[i];
        sqlite3_bind_blob(insert, 1, stray->node.bytes, sizeof(stray->node.bytes), SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, stray->shard.bytes, sizeof(stray->shard.bytes), SQLITE_STATIC);
        sqlite3_bind_int64(insert, 3, (int64_t)rebuilt->strays_not_before_ms);
        good = run(db, insert);
    }
    sqlite3_finalize(insert);
    return good;
}

static bool mark(sqlite3 *db, uint64_t clock_ms)
{
    static const char text[] = "UPDATE cluster_state SET clock_ms = MAX(clock_ms, ?1),"
                               " is_backup = 1, " META_BACKUP_MS_NOW " WHERE one = 1";
    sqlite3_stmt *update = NULL;
    bool good = sqlite3_prepare_v2(db, text, -1, &update, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(update, 1, (int64_t)clock_ms) == SQLITE_OK && run(db, update) &&
        sqlite3_changes(db) == 1;
    sqlite3_finalize(update);
    return good;
}

enum hearth_code meta_rebuilt_finish(
    const char *path, const struct meta_rebuilt *rebuilt, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    bool good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
        mark(db, rebuilt->clock_ms) && name_strays(db, rebuilt) &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!good) {
        hearth_fail(err, HEARTH_CHECKSUM, "finish %s: %s", path, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return good ? HEARTH_OK : err->code;
}

static bool has_answered(const struct meta_rebuilt_asked *asked, sqlite3_stmt *row)
{
    for (size_t i = 0; i < asked->answered_count; i++) {
        const struct meta_principal *id = &asked->answered[i];
        if (sqlite3_column_bytes(row, 0) == sizeof(id->bytes) &&
            memcmp(sqlite3_column_blob(row, 0), id->bytes, sizeof(id->bytes)) == 0) {
            return true;
        }
    }
    return false;
}

/* SQLITE_DONE, or what went wrong. */
static int count_known(
    sqlite3 *db, const struct meta_rebuilt_asked *asked, struct meta_rebuilt_fleet *out)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT id FROM node WHERE state <> ?1 AND state <> ?2", -1, &row, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int(row, 1, META_NODE_LOST);
        sqlite3_bind_int(row, 2, META_NODE_GONE);
        while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
            out->nodes++;
            out->silent += !has_answered(asked, row);
        }
    }
    sqlite3_finalize(row);
    return rc;
}

/* Likewise. Whoever joined later and answers has shown what it holds. */
static int count_newcomers(
    sqlite3 *db, const struct meta_rebuilt_asked *asked, struct meta_rebuilt_fleet *out)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM node WHERE id = ?1", -1, &row, NULL);
    rc = rc == SQLITE_OK ? SQLITE_DONE : rc;
    for (size_t i = 0; i < asked->silent_count && rc == SQLITE_DONE; i++) {
        const struct meta_principal *id = &asked->silent[i];
        sqlite3_bind_blob(row, 1, id->bytes, sizeof(id->bytes), SQLITE_STATIC);
        rc = sqlite3_step(row);
        out->nodes += rc == SQLITE_DONE;
        out->silent += rc == SQLITE_DONE;
        rc = rc == SQLITE_ROW ? SQLITE_DONE : rc;
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return rc;
}

enum hearth_code meta_rebuilt_fleet(const char *path, const struct meta_rebuilt_asked *asked,
    struct meta_rebuilt_fleet *out, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    *out = (struct meta_rebuilt_fleet){.nodes = 0};
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK) {
        rc = count_known(db, asked, out);
    }
    if (rc == SQLITE_DONE) {
        rc = count_newcomers(db, asked, out);
    }
    if (rc != SQLITE_DONE) {
        hearth_fail(err, HEARTH_CHECKSUM, "nodes of %s: %s", path, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return rc == SQLITE_DONE ? HEARTH_OK : err->code;
}
