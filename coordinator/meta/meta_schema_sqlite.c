/*
 * The schema and its migrations, applied in order, each in a transaction of its own.
 */
#include "coordinator/meta/meta_connection.h"

#include "common/cleanup.h"
#include "coordinator/schema_sql.h"

#include <assert.h>
#include <stdio.h>

/* numbers ascend; a released one never changes */
static const struct {
    unsigned version;
    const char *text;
} migrations[] = {
    {5, schema_sql},
};

enum { MIGRATION_COUNT = sizeof(migrations) / sizeof(migrations[0]) };

/* The words behind "-- sqlite: " are for us: what is a comment to others becomes part of the text.
 */
static void uncomment_ours(char *text)
{
    static const char marker[] = "-- sqlite: ";
    for (char *at = strstr(text, marker); at != NULL; at = strstr(at, marker)) {
        memset(at, ' ', sizeof(marker) - 1);
    }
}

static enum hearth_code query_number(
    struct meta_connection *connection, const char *text, unsigned *out, struct hearth_err *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(connection->db, text, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        meta_connection_fail(connection, text, err);
        sqlite3_finalize(statement);
        return err->code;
    }
    *out = (unsigned)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return HEARTH_OK;
}

/* 0: nothing there yet. */
static enum hearth_code read_version(
    struct meta_connection *connection, unsigned *out, struct hearth_err *err)
{
    unsigned tables;
    enum hearth_code code = query_number(connection,
        "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'", &tables, err);
    if (code != HEARTH_OK || tables == 0) {
        *out = 0;
        return code;
    }
    return query_number(connection, "SELECT MAX(version) FROM schema_version", out, err);
}

static enum hearth_code apply(
    struct meta_connection *connection, size_t migration, struct hearth_err *err)
{
    char record[80];
    snprintf(record, sizeof(record), "INSERT INTO schema_version (version) VALUES (%u); COMMIT",
        migrations[migration].version);
    FREES char *text = strdup(migrations[migration].text);
    if (text == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata: schema");
    }
    uncomment_ours(text);
    if (meta_connection_exec(connection, "BEGIN IMMEDIATE", err) != HEARTH_OK) {
        return err->code;
    }
    if (sqlite3_exec(connection->db, text, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(connection->db, record, NULL, NULL, NULL) != SQLITE_OK) {
        meta_connection_fail(connection, "migrate the schema", err);
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
        return err->code;
    }
    return HEARTH_OK;
}

enum hearth_code meta_schema_check(unsigned version, struct hearth_err *err)
{
    if (version > 0 && version < migrations[0].version) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "metadata: schema version %u was never released, this program begins with %u", version,
            migrations[0].version);
    }
    unsigned newest = migrations[MIGRATION_COUNT - 1].version;
    if (version > newest) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "metadata: schema version %u, this program knows up to %u", version, newest);
    }
    return HEARTH_OK;
}

enum hearth_code meta_schema_migrate(struct meta_connection *connection, struct hearth_err *err)
{
    unsigned version;
    if (read_version(connection, &version, err) != HEARTH_OK ||
        meta_schema_check(version, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < MIGRATION_COUNT; i++) {
        if (migrations[i].version > version && apply(connection, i, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}
