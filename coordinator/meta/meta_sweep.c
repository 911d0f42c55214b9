#include "coordinator/meta/meta_sweep.h"

#include "coordinator/meta/meta_sql.h"

#include <assert.h>

enum { BITS = 4, SHIFT = 8 - BITS };
static_assert(META_SWEEP_RANGES == 1 << BITS, "a range is what the first bits of an id name");

struct meta_id meta_sweep_last(unsigned range)
{
    struct meta_id last;
    assert(range < META_SWEEP_RANGES);
    memset(last.bytes, 0xff, sizeof(last.bytes));
    last.bytes[0] = (uint8_t)((range + 1) << SHIFT) - 1;
    return last;
}

static struct meta_id first_after(unsigned range)
{
    return range == 0 ? (struct meta_id){{0}} : meta_sweep_last(range - 1);
}

struct begin_call {
    struct meta_id holder;
    uint64_t lease_ms;
    struct meta_sweep_pass pass;
};

/* Every range free and at its beginning. */
static void start_pass(struct meta_tx *tx, uint64_t number)
{
    struct sql *pass = sql_use(tx, SQL_SWEEP_SET_PASS);
    sql_set_u64(pass, ":pass", number);
    sql_set_u64(pass, ":now", tx->now_ms);
    sql_run(pass);
    for (unsigned range = 0; range < META_SWEEP_RANGES; range++) {
        struct meta_id after = first_after(range);
        struct sql *sql = sql_use(tx, SQL_SWEEP_SET_RANGE);
        sql_set_u64(sql, ":range", range);
        sql_set_id(sql, ":after", &after);
        sql_set_id(sql, ":nobody", &(struct meta_id){{0}});
        sql_run(sql);
    }
}

/* False: there is no pass yet. */
static bool read_pass(struct meta_tx *tx, struct meta_sweep_pass *out)
{
    struct sql *sql = sql_use(tx, SQL_SWEEP_GET_PASS);
    if (!sql_step(sql)) {
        return false;
    }
    out->number = sql_u64(sql);
    out->started_ms = sql_u64(sql);
    return true;
}

static enum hearth_code number(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_sweep_pass pass = {.number = 0};
    read_pass(tx, &pass);
    *(uint64_t *)arg = pass.number;
    return HEARTH_OK;
}

enum hearth_code meta_sweep_number(struct meta_store *store, uint64_t *out, struct hearth_err *err)
{
    return meta_read(store, number, out, err);
}

/* One row of sweep_range. */
struct range_row {
    struct meta_sweep_range range;
    struct meta_id holder;
    uint64_t leased_until_ms;
};

static unsigned read_ranges(struct meta_tx *tx, struct range_row rows[META_SWEEP_RANGES])
{
    unsigned count = 0;
    struct sql *sql = sql_use(tx, SQL_SWEEP_LIST_RANGES);
    while (count < META_SWEEP_RANGES && sql_step(sql)) {
        struct range_row *row = &rows[count++];
        row->range.number = (unsigned)sql_u64(sql);
        sql_id(sql, &row->range.after);
        row->range.is_done = sql_u64(sql) != 0;
        sql_id(sql, &row->holder);
        row->leased_until_ms = sql_u64(sql);
    }
    return count;
}

static bool all_done(const struct range_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!rows[i].range.is_done) {
            return false;
        }
    }
    return true;
}

static bool was_touched(const struct meta_sweep_range *range)
{
    return range->is_done || !meta_id_equal(range->after, first_after(range->number));
}

static void write_range(struct meta_tx *tx, const struct meta_sweep_range *range,
    const struct meta_id *holder, uint64_t until_ms)
{
    struct sql *sql = sql_use(tx, SQL_SWEEP_NOTE_RANGE);
    sql_set_u64(sql, ":range", range->number);
    sql_set_id(sql, ":after", &range->after);
    sql_set_u64(sql, ":done", range->is_done);
    sql_set_id(sql, ":holder", holder);
    sql_set_u64(sql, ":until", until_ms);
    sql_run(sql);
}

static void lease(struct meta_tx *tx, struct begin_call *call, const struct range_row *row)
{
    struct meta_sweep_pass *pass = &call->pass;
    bool is_free = row->leased_until_ms <= tx->now_ms || meta_id_equal(row->holder, call->holder);
    pass->is_resumed = pass->is_resumed || was_touched(&row->range);
    if (!row->range.is_done && is_free) {
        write_range(tx, &row->range, &call->holder, tx->now_ms + call->lease_ms);
        pass->ranges[pass->range_count++] = row->range;
    }
}

static enum hearth_code begin(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct begin_call *call = arg;
    struct range_row rows[META_SWEEP_RANGES];
    call->pass = (struct meta_sweep_pass){.number = 0};
    bool is_there = read_pass(tx, &call->pass);
    unsigned count = read_ranges(tx, rows);
    if (!is_there || all_done(rows, count)) {
        start_pass(tx, call->pass.number + 1);
        read_pass(tx, &call->pass);
        count = read_ranges(tx, rows);
    }
    for (unsigned i = 0; i < count; i++) {
        lease(tx, call, &rows[i]);
    }
    return call->pass.range_count > 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_BUSY, "all that is left of the sweep is leased to others");
}

enum hearth_code meta_sweep_begin(struct meta_store *store, struct meta_id holder,
    uint64_t lease_ms, struct meta_sweep_pass *out, struct hearth_err *err)
{
    struct begin_call call = {.holder = holder, .lease_ms = lease_ms};
    enum hearth_code code = meta_run(store, begin, &call, err);
    if (code == HEARTH_OK) {
        *out = call.pass;
    }
    return code;
}

struct note_call {
    struct meta_id holder;
    uint64_t lease_ms;
    const struct meta_sweep_pass *pass;
};

static const struct range_row *find_row(
    const struct range_row *rows, unsigned count, unsigned number)
{
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].range.number == number) {
            return &rows[i];
        }
    }
    return NULL;
}

static enum hearth_code note(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct note_call *call = arg;
    struct meta_sweep_pass now = {.number = 0};
    struct range_row rows[META_SWEEP_RANGES];
    read_pass(tx, &now);
    unsigned count = read_ranges(tx, rows);
    for (unsigned i = 0; i < call->pass->range_count; i++) {
        const struct meta_sweep_range *range = &call->pass->ranges[i];
        const struct range_row *row = find_row(rows, count, range->number);
        if (row == NULL || now.number != call->pass->number ||
            !meta_id_equal(row->holder, call->holder)) {
            return hearth_fail(
                err, HEARTH_CONFLICT, "range %u of the sweep is not ours any more", range->number);
        }
        write_range(tx, range, &call->holder, tx->now_ms + call->lease_ms);
    }
    return HEARTH_OK;
}

enum hearth_code meta_sweep_note(struct meta_store *store, struct meta_id holder, uint64_t lease_ms,
    const struct meta_sweep_pass *pass, struct hearth_err *err)
{
    struct note_call call = {.holder = holder, .lease_ms = lease_ms, .pass = pass};
    return meta_run(store, note, &call, err);
}
