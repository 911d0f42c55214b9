/*
 * meta_sql.h - statements inside a transaction: bind by name, step, read columns in order.
 *
 *   struct sql *sql = sql_use(tx, SQL_BUCKET_BY_NAME);
 *   sql_set_blob(sql, ":name", name);
 *   if (!sql_step(sql)) {
 *       return hearth_fail(err, HEARTH_NOT_FOUND, ...);
 *   }
 *   sql_id(sql, &bucket);
 *   tenant = sql_u64(sql);
 *
 * A statement that fails is remembered by the transaction: it and all that follow yield no rows
 * and zeros, and the closure's result becomes that failure, whatever it returns.  So closures
 * check what they found, not whether SQL worked.  (One exception: what a loop over rows counts
 * must not leave the transaction before meta_tx_failed() was looked at; nothing here does.)
 *
 * A statement is used by one caller at a time: using it again begins anew.  What columns return is
 * borrowed until the statement's next step or use.
 *
 * Only files whose name begins with meta_ include this.
 */
#ifndef HEARTH_COORDINATOR_META_META_SQL_H
#define HEARTH_COORDINATOR_META_META_SQL_H

#include "coordinator/meta/meta_store.h"
#include "coordinator/meta/statements.h"

struct meta_connection;
struct sql;

/* One transaction as its closures see it. */
struct meta_tx {
    struct meta_connection *connection;
    uint64_t now_ms; /* the coordinator's time, the same for the whole transaction */
    struct env *env;
    const struct shard_name_keys *names;
    bool allow_colocation;
    uint64_t keep_deleted_ms;
    uint64_t order_ms;         /* life of an order */
    bool changes_access;       /* set by closures that change grants or buckets */
    struct hearth_err failure; /* of the first statement that failed; code 0: none */
};

static inline bool meta_tx_failed(const struct meta_tx *tx)
{
    return tx->failure.code != HEARTH_OK;
}

/* A node may be this late in noticing that an order expired. */
static inline uint64_t meta_skew_ms(const struct meta_tx *tx)
{
    return tx->order_ms / 10;
}

/* After the last lookup that could name it, a shard stays this long. */
static inline uint64_t meta_read_grace_ms(const struct meta_tx *tx)
{
    return tx->order_ms + meta_skew_ms(tx);
}

struct sql *sql_use(struct meta_tx *tx, enum statement statement);

/* Values are borrowed until the statement's last step. */
void sql_set_blob(struct sql *sql, const char *name, struct view value);
void sql_set_u64(struct sql *sql, const char *name, uint64_t value); /* < 2^63 */
void sql_set_i64(struct sql *sql, const char *name, int64_t value);

static inline void sql_set_id(struct sql *sql, const char *name, const struct meta_id *id)
{
    sql_set_blob(sql, name, meta_id_view(id));
}

/* True: the next row. False: no more, or the transaction failed. */
bool sql_step(struct sql *sql);

/* A statement without rows: how many it changed. */
uint64_t sql_run(struct sql *sql);

/* The next column of the row. */
uint64_t sql_u64(struct sql *sql);
struct view sql_blob(struct sql *sql);
/* Exactly `size` bytes; otherwise the transaction fails, as from a damaged database. */
void sql_bytes(struct sql *sql, void *out, size_t size);

static inline void sql_id(struct sql *sql, struct meta_id *out)
{
    sql_bytes(sql, out->bytes, sizeof(out->bytes));
}

/* "SELECT COUNT(*)" and its like: the first column of the only row. */
static inline uint64_t sql_value(struct sql *sql)
{
    return sql_step(sql) ? sql_u64(sql) : 0;
}

/* A row that does not make sense: the transaction fails with HEARTH_CHECKSUM. */
void sql_fail_damaged(struct meta_tx *tx, const char *what);

#endif /* HEARTH_COORDINATOR_META_META_SQL_H */
