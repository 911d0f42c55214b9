#include "coordinator/meta/meta_repair.h"

#include "coordinator/meta/meta_sql.h"

#include <assert.h>

/* ---- the queue ---- */

struct save_call {
    const struct meta_repair_row *rows;
    size_t count;
};

static enum hearth_code save(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct save_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        const struct meta_repair_row *row = &call->rows[i];
        struct sql *sql = sql_use(tx, SQL_REPAIR_SAVE);
        sql_set_id(sql, ":segment", &row->segment);
        sql_set_u64(sql, ":urgency", row->urgency);
        sql_set_u64(sql, ":bytes", row->bytes);
        sql_set_u64(sql, ":queued", row->queued_ms);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_repair_save(struct meta_store *store, const struct meta_repair_row *rows,
    size_t count, struct hearth_err *err)
{
    assert(count <= META_REPAIR_BATCH);
    struct save_call call = {.rows = rows, .count = count};
    return meta_run(store, save, &call, err);
}

struct end_call {
    const struct meta_id *segments;
    size_t count;
};

static enum hearth_code end(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct end_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        struct sql *sql = sql_use(tx, SQL_REPAIR_END);
        sql_set_id(sql, ":segment", &call->segments[i]);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_repair_end(
    struct meta_store *store, const struct meta_id *segments, size_t count, struct hearth_err *err)
{
    assert(count <= META_REPAIR_BATCH);
    struct end_call call = {.segments = segments, .count = count};
    return meta_run(store, end, &call, err);
}

struct load_call {
    struct meta_repair_row *rows;
    size_t max;
    size_t count;
};

static enum hearth_code load(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct load_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_REPAIR_LOAD);
    sql_set_u64(sql, ":max", call->max);
    call->count = 0;
    while (call->count < call->max && sql_step(sql)) {
        struct meta_repair_row *row = &call->rows[call->count++];
        sql_id(sql, &row->segment);
        row->urgency = sql_u64(sql);
        row->bytes = sql_u64(sql);
        row->queued_ms = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_repair_load(struct meta_store *store, struct meta_repair_row *rows,
    size_t max, size_t *count, struct hearth_err *err)
{
    struct load_call call = {.rows = rows, .max = max};
    enum hearth_code code = meta_read(store, load, &call, err);
    if (code == HEARTH_OK) {
        *count = call.count;
    }
    return code;
}

/* ---- what was asked ---- */

static enum hearth_code set_asked(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct sql *sql = sql_use(tx, SQL_REPAIR_SET_ASKED);
    sql_set_u64(sql, ":asked", *(const uint64_t *)arg);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_repair_set_asked(
    struct meta_store *store, uint64_t since_ms, struct hearth_err *err)
{
    return meta_run(store, set_asked, &since_ms, err);
}

static enum hearth_code get_asked(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct sql *sql = sql_use(tx, SQL_REPAIR_GET_ASKED);
    *(uint64_t *)arg = sql_step(sql) ? sql_u64(sql) : 0;
    return HEARTH_OK;
}

enum hearth_code meta_repair_get_asked(
    struct meta_store *store, uint64_t *since_ms, struct hearth_err *err)
{
    return meta_read(store, get_asked, since_ms, err);
}
