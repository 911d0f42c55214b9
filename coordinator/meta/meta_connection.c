#include "coordinator/meta/meta_connection.h"

#include "common/cleanup.h"
#include "coordinator/meta/meta_list_seek.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

enum {
    BUSY_TIMEOUT_MS = 1000, /* readers may hold up a checkpoint, and the other way round */
    PROGRESS_STEPS = 1000,  /* virtual machine steps between looks at a read's deadline */
};

static const char *const statement_texts[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = text,
    STATEMENT_TABLE(X)
#undef X
};

static const char *const control_texts[CONTROL_COUNT] = {
    [CONTROL_BEGIN_READ] = "BEGIN",
    [CONTROL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [CONTROL_COMMIT] = "COMMIT",
    [CONTROL_ROLLBACK] = "ROLLBACK",
    [CONTROL_SAVE] = "SAVEPOINT closure",
    [CONTROL_KEEP] = "RELEASE closure",
    [CONTROL_UNDO] = "ROLLBACK TO closure",
};

/* ---- errors ---- */

static enum hearth_code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL: return HEARTH_NO_SPACE;
    case SQLITE_NOMEM: return HEARTH_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT: return HEARTH_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return HEARTH_CHECKSUM;
    case SQLITE_CONSTRAINT: return HEARTH_CONFLICT;
    case SQLITE_TOOBIG: return HEARTH_INVALID;
    default: return HEARTH_IO;
    }
}

enum hearth_code meta_connection_fail(
    struct meta_connection *connection, const char *what, struct hearth_err *err)
{
    return hearth_fail(err, code_of(sqlite3_errcode(connection->db)), "metadata: %s: %s (%d)", what,
        sqlite3_errmsg(connection->db), sqlite3_extended_errcode(connection->db));
}

static void fail_tx(struct sql *sql)
{
    struct meta_tx *tx = sql->tx;
    if (!meta_tx_failed(tx)) {
        meta_connection_fail(tx->connection, sqlite3_sql(sql->statement), &tx->failure);
    }
}

void sql_fail_damaged(struct meta_tx *tx, const char *what)
{
    if (!meta_tx_failed(tx)) {
        hearth_fail(&tx->failure, HEARTH_CHECKSUM, "metadata: %s does not make sense", what);
    }
}

/* ---- statements ---- */

static void reset(struct sql *sql)
{
    sqlite3_reset(sql->statement);
    sqlite3_clear_bindings(sql->statement);
    sql->tx = NULL;
    sql->bound = 0;
}

/* A statement that cannot be prepared is our bug, unless memory or the disk is the reason. */
static void prepare(struct sql *sql, struct meta_tx *tx, enum statement statement)
{
    sqlite3 *db = tx->connection->db;
    int result = sqlite3_prepare_v3(
        db, statement_texts[statement], -1, SQLITE_PREPARE_PERSISTENT, &sql->statement, NULL);
    assert(result != SQLITE_ERROR);
    if (result != SQLITE_OK && !meta_tx_failed(tx)) {
        meta_connection_fail(tx->connection, statement_texts[statement], &tx->failure);
    }
}

struct sql *sql_use(struct meta_tx *tx, enum statement statement)
{
    struct sql *sql = &tx->connection->statements[statement];
    if (sql->statement == NULL) {
        prepare(sql, tx, statement);
    } else {
        reset(sql);
    }
    sql->tx = tx;
    return sql;
}

/* 0: the statement could not be prepared, the transaction has failed. */
static int find_parameter(struct sql *sql, const char *name)
{
    assert(sql->tx != NULL);
    if (sql->statement == NULL) {
        return 0;
    }
    int index = sqlite3_bind_parameter_index(sql->statement, name);
    assert(index > 0 && index <= 64);
    sql->bound |= UINT64_C(1) << (index - 1);
    return index;
}

void sql_set_blob(struct sql *sql, const char *name, struct view value)
{
    int index = find_parameter(sql, name);
    const void *bytes = value.size > 0 ? (const void *)value.bytes : ""; /* NULL would bind NULL */
    if (index > 0 &&
        sqlite3_bind_blob64(sql->statement, index, bytes, value.size, SQLITE_STATIC) != SQLITE_OK) {
        fail_tx(sql);
    }
}

void sql_set_i64(struct sql *sql, const char *name, int64_t value)
{
    int index = find_parameter(sql, name);
    if (index > 0 && sqlite3_bind_int64(sql->statement, index, value) != SQLITE_OK) {
        fail_tx(sql);
    }
}

void sql_set_u64(struct sql *sql, const char *name, uint64_t value)
{
    assert(value <= INT64_MAX);
    sql_set_i64(sql, name, (int64_t)value);
}

static bool all_bound(const struct sql *sql)
{
    return __builtin_popcountll(sql->bound) == sqlite3_bind_parameter_count(sql->statement);
}

bool sql_step(struct sql *sql)
{
    assert(sql->tx != NULL);
    if (meta_tx_failed(sql->tx)) {
        return false;
    }
    assert(all_bound(sql));
    sql->column = 0;
    int result = sqlite3_step(sql->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        fail_tx(sql);
    }
    return result == SQLITE_ROW;
}

uint64_t sql_run(struct sql *sql)
{
    bool row = sql_step(sql);
    assert(!row);
    return meta_tx_failed(sql->tx) ? 0 : (uint64_t)sqlite3_changes64(sql->tx->connection->db);
}

/* ---- columns ---- */

/* False: the value is of another type than every writer of ours has put there. */
static bool is_column(struct sql *sql, int type)
{
    assert(sql->column < sqlite3_column_count(sql->statement));
    if (sqlite3_column_type(sql->statement, sql->column) == type) {
        return true;
    }
    sql_fail_damaged(sql->tx, sqlite3_column_name(sql->statement, sql->column));
    return false;
}

uint64_t sql_u64(struct sql *sql)
{
    int64_t value = 0;
    if (is_column(sql, SQLITE_INTEGER)) {
        value = sqlite3_column_int64(sql->statement, sql->column);
    }
    if (value < 0) {
        sql_fail_damaged(sql->tx, sqlite3_column_name(sql->statement, sql->column));
        value = 0;
    }
    sql->column++;
    return (uint64_t)value;
}

struct view sql_blob(struct sql *sql)
{
    struct view value = {0};
    if (is_column(sql, SQLITE_BLOB)) {
        value.bytes = sqlite3_column_blob(sql->statement, sql->column);
        value.size = (size_t)sqlite3_column_bytes(sql->statement, sql->column);
    }
    sql->column++;
    return value;
}

void sql_bytes(struct sql *sql, void *out, size_t size)
{
    struct view value = sql_blob(sql);
    if (value.size == size) {
        memcpy(out, value.bytes, size);
    } else {
        memset(out, 0, size);
        sql_fail_damaged(sql->tx, sqlite3_column_name(sql->statement, sql->column - 1));
    }
}

/* ---- the connection ---- */

static int on_progress(void *context)
{
    struct meta_connection *connection = context;
    return connection->deadline_ns > 0 && env_now_ns(connection->env) > connection->deadline_ns;
}

static int on_wal_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct meta_connection *)context)->wal_pages = pages;
    return SQLITE_OK;
}

/*
 * Only the writer checkpoints; mmap is off because an i/o error would be a SIGBUS.  The writer's
 * cache holds the inner pages of many million keys and no more: below 1 GiB of database SQLite
 * looks at every page of it after a commit that split one (its page of a thousand locks, which
 * comes after all others, is borrowed for that and raises the highest number), 64 MiB took 13 % of
 * the writer's time.
 */
static const char *const pragmas[] = {
    [META_CONNECTION_WRITER] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0;"
                               "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
                               "PRAGMA trusted_schema = OFF",
    [META_CONNECTION_READER] = "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0;"
                               "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
                               "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON",
};

/* The WAL gets the mode of the database. */
static enum hearth_code create_private(const char *path, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, errno, "metadata: open %s", path);
}

enum hearth_code meta_connection_open(struct meta_connection *connection, const char *path,
    enum meta_connection_kind kind, struct env *env, struct hearth_err *err)
{
    *connection = (struct meta_connection){.env = env};
    if (kind == META_CONNECTION_WRITER && create_private(path, err) != HEARTH_OK) {
        return err->code;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &connection->db, flags, NULL) != SQLITE_OK) {
        hearth_fail(err, HEARTH_IO, "metadata: open %s: %s", path, sqlite3_errmsg(connection->db));
        goto undo_open;
    }
    sqlite3_busy_timeout(connection->db, BUSY_TIMEOUT_MS);
    sqlite3_progress_handler(connection->db, PROGRESS_STEPS, on_progress, connection);
    if (meta_list_seek_register(connection->db) != SQLITE_OK) {
        meta_connection_fail(connection, "register list_seek", err);
        goto undo_open;
    }
    if (meta_connection_exec(connection, pragmas[kind], err) != HEARTH_OK) {
        goto undo_open;
    }
    sqlite3_wal_hook(connection->db, on_wal_commit, connection);
    return HEARTH_OK;

undo_open:
    meta_connection_close(connection);
    return err->code;
}

void meta_connection_close(struct meta_connection *connection)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(connection->statements[i].statement);
        connection->statements[i].statement = NULL;
    }
    for (size_t i = 0; i < CONTROL_COUNT; i++) {
        sqlite3_finalize(connection->controls[i]);
        connection->controls[i] = NULL;
    }
    int result = sqlite3_close(connection->db);
    assert(result == SQLITE_OK);
    connection->db = NULL;
}

enum hearth_code meta_connection_control(
    struct meta_connection *connection, enum control control, struct hearth_err *err)
{
    sqlite3_stmt **statement = &connection->controls[control];
    if (*statement == NULL &&
        sqlite3_prepare_v3(connection->db, control_texts[control], -1, SQLITE_PREPARE_PERSISTENT,
            statement, NULL) != SQLITE_OK) {
        return meta_connection_fail(connection, control_texts[control], err);
    }
    if (sqlite3_step(*statement) != SQLITE_DONE) {
        meta_connection_fail(connection, control_texts[control], err);
        sqlite3_reset(*statement);
        return err->code;
    }
    sqlite3_reset(*statement);
    return HEARTH_OK;
}

enum hearth_code meta_connection_exec(
    struct meta_connection *connection, const char *text, struct hearth_err *err)
{
    if (sqlite3_exec(connection->db, text, NULL, NULL, NULL) != SQLITE_OK) {
        return meta_connection_fail(connection, text, err);
    }
    return HEARTH_OK;
}

bool meta_connection_in_transaction(const struct meta_connection *connection)
{
    return sqlite3_get_autocommit(connection->db) == 0;
}

enum hearth_code meta_connection_call(struct meta_connection *connection, struct meta_tx *tx,
    meta_fn *fn, void *arg, struct hearth_err *err)
{
    tx->failure.code = HEARTH_OK;
    enum hearth_code code = fn(tx, arg, err);
    for (size_t i = 0; i < SQL_COUNT; i++) {
        if (connection->statements[i].tx != NULL) {
            reset(&connection->statements[i]);
        }
    }
    if (meta_tx_failed(tx)) {
        *err = tx->failure;
        code = err->code;
    }
    return code;
}
