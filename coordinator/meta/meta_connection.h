/*
 * meta_connection.h - one connection to the SQLite database, with its prepared statements.
 *
 * Included by the SQLite half of the store alone.  A connection is used by one thread at a time.
 */
#ifndef HEARTH_COORDINATOR_META_META_CONNECTION_H
#define HEARTH_COORDINATOR_META_META_CONNECTION_H

#include "coordinator/meta/meta_sql.h"

#include <sqlite3.h>

struct sql {
    sqlite3_stmt *statement; /* prepared at first use */
    struct meta_tx *tx;      /* of this use; NULL: not in use */
    int column;              /* next to read */
    uint64_t bound;          /* bit i: parameter i + 1 */
};

/* What opens and closes transactions; prepared like the rest. */
enum control {
    CONTROL_BEGIN_READ,
    CONTROL_BEGIN_WRITE,
    CONTROL_COMMIT,
    CONTROL_ROLLBACK,
    CONTROL_SAVE,
    CONTROL_KEEP,
    CONTROL_UNDO, /* back to the savepoint, which stays */
    CONTROL_COUNT,
};

struct meta_connection {
    sqlite3 *db;
    struct env *env;
    uint64_t deadline_ns; /* monotonic, of the running read; 0: none */
    int wal_pages;        /* after the last commit; the writer's */
    struct sql statements[SQL_COUNT];
    sqlite3_stmt *controls[CONTROL_COUNT];
};

enum meta_connection_kind { META_CONNECTION_WRITER, META_CONNECTION_READER };

enum hearth_code meta_connection_open(struct meta_connection *connection, const char *path,
    enum meta_connection_kind kind, struct env *env, struct hearth_err *err);

/* Accepts one that was never opened but is zeroed. */
void meta_connection_close(struct meta_connection *connection);

enum hearth_code meta_connection_control(
    struct meta_connection *connection, enum control control, struct hearth_err *err);

/* Runs SQL that is in no table: PRAGMA, schema. */
enum hearth_code meta_connection_exec(
    struct meta_connection *connection, const char *text, struct hearth_err *err);

/* fn inside what the caller has begun; its statements are reset when this returns.  A statement
 * that failed decides the result. */
enum hearth_code meta_connection_call(struct meta_connection *connection, struct meta_tx *tx,
    meta_fn *fn, void *arg, struct hearth_err *err);

/* False: an error has made SQLite roll back the whole transaction by itself. */
bool meta_connection_in_transaction(const struct meta_connection *connection);

/* What an SQLite result means to us. */
enum hearth_code meta_connection_fail(
    struct meta_connection *connection, const char *what, struct hearth_err *err);

/* Brings the schema to the newest version. HEARTH_UNKNOWN_FORMAT: it is newer than we are. */
enum hearth_code meta_schema_migrate(struct meta_connection *connection, struct hearth_err *err);

/* HEARTH_UNKNOWN_FORMAT: a database of this version cannot be opened here. */
enum hearth_code meta_schema_check(unsigned version, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_CONNECTION_H */
