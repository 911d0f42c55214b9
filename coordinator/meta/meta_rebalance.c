#include "coordinator/meta/meta_rebalance.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_rebalance_row.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

const char *meta_rebalance_state_text(enum meta_rebalance_state state)
{
    switch (state) {
#define X(name, value, text)                                                                       \
    case META_REBALANCE_##name: return text;
        META_REBALANCE_STATE_TABLE(X)
#undef X
    }
    return "unknown";
}

/* ---- made ---- */

struct create_call {
    struct meta_rebalance *plan;
    const uint32_t *leaving;
    size_t leaving_count;
};

static enum hearth_code check_leaving(
    struct meta_tx *tx, const struct create_call *call, struct hearth_err *err)
{
    for (size_t i = 0; i < call->leaving_count; i++) {
        uint64_t other = meta_rebalance_draining_in(tx, call->leaving[i]);
        if (other != 0) {
            return hearth_fail(err, HEARTH_CONFLICT,
                "node %" PRIu32 " is drained by plan %" PRIu64 " already", call->leaving[i], other);
        }
    }
    return HEARTH_OK;
}

/* Of those that have ended the oldest are forgotten. */
static void forget_old(struct meta_tx *tx, uint64_t number)
{
    if (number <= META_REBALANCE_KEPT_MAX) {
        return;
    }
    static const enum statement statements[] = {SQL_REBALANCE_FORGET_SHARES, SQL_REBALANCE_FORGET};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_u64(sql, ":before", number - META_REBALANCE_KEPT_MAX);
        sql_run(sql);
    }
}

static enum hearth_code create(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct create_call *call = arg;
    struct meta_rebalance *plan = call->plan;
    if (sql_value(sql_use(tx, SQL_REBALANCE_COUNT_OPEN)) >= META_REBALANCE_OPEN_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "%d plans are open: cancel or finish one first",
            META_REBALANCE_OPEN_MAX);
    }
    if (check_leaving(tx, call, err) != HEARTH_OK) {
        return err->code;
    }
    plan->number = sql_value(sql_use(tx, SQL_REBALANCE_LAST)) + 1;
    plan->state = META_REBALANCE_READING;
    plan->created_ms = plan->changed_ms = tx->now_ms;
    meta_rebalance_put_in(tx, plan);
    for (size_t i = 0; i < call->leaving_count; i++) {
        const struct meta_rebalance_share share = {.node = call->leaving[i], .leaves = true};
        meta_rebalance_share_put_in(tx, plan->number, &share);
    }
    forget_old(tx, plan->number);
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_create(struct meta_store *store, struct meta_rebalance *plan,
    const uint32_t *leaving, size_t leaving_count, struct hearth_err *err)
{
    struct create_call call = {plan, leaving, leaving_count};
    return meta_run(store, create, &call, err);
}

/* ---- read ---- */

struct get_call {
    uint64_t number;
    struct meta_rebalance *out;
};

static enum hearth_code get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct get_call *call = arg;
    return meta_rebalance_in(tx, call->number, call->out, err);
}

enum hearth_code meta_rebalance_get(
    struct meta_store *store, uint64_t number, struct meta_rebalance *out, struct hearth_err *err)
{
    struct get_call call = {number, out};
    return meta_read(store, get, &call, err);
}

struct list_call {
    struct arena *arena;
    struct meta_rebalance *plans;
    size_t count;
};

static enum hearth_code list(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    call->count = 0;
    call->plans = meta_take(
        tx, call->arena, META_REBALANCE_KEPT_MAX + META_REBALANCE_OPEN_MAX, sizeof(*call->plans));
    struct sql *sql = sql_use(tx, SQL_REBALANCE_LIST);
    while (call->plans != NULL && call->count < META_REBALANCE_KEPT_MAX + META_REBALANCE_OPEN_MAX &&
        meta_rebalance_read_in(tx, sql, &call->plans[call->count])) {
        call->count++;
    }
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_list(struct meta_store *store, struct arena *arena,
    struct meta_rebalance_list *out, struct hearth_err *err)
{
    struct list_call call = {.arena = arena};
    enum hearth_code code = meta_read(store, list, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_rebalance_list){.plans = call.plans, .count = call.count};
    }
    return code;
}

struct shares_call {
    uint64_t number;
    struct arena *arena;
    struct meta_rebalance_share *shares;
    size_t count;
};

static uint64_t count_shares(struct meta_tx *tx, uint64_t number)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_COUNT_SHARES);
    sql_set_u64(sql, ":plan", number);
    return sql_value(sql);
}

static enum hearth_code shares(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct shares_call *call = arg;
    const uint64_t most = count_shares(tx, call->number);
    call->count = 0;
    call->shares = meta_take(tx, call->arena, most, sizeof(*call->shares));
    struct sql *sql = sql_use(tx, SQL_REBALANCE_SHARES);
    sql_set_u64(sql, ":plan", call->number);
    while (call->shares != NULL && call->count < most && sql_step(sql)) {
        struct meta_rebalance_share *share = &call->shares[call->count++];
        share->node = (uint32_t)sql_u64(sql);
        share->leaves = sql_u64(sql) != 0;
        share->held = sql_u64(sql);
        share->target = sql_u64(sql);
        share->give = sql_u64(sql);
        share->take = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_shares(struct meta_store *store, uint64_t number,
    struct arena *arena, struct meta_rebalance_shares *out, struct hearth_err *err)
{
    struct shares_call call = {.number = number, .arena = arena};
    enum hearth_code code = meta_read(store, shares, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_rebalance_shares){.shares = call.shares, .count = call.count};
    }
    return code;
}

struct leaving_call {
    uint64_t number;
    struct meta_leaving leaving;
};

static enum hearth_code leaving(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct leaving_call *call = arg;
    struct sql *offers = sql_use(tx, SQL_REBALANCE_OFFERS);
    sql_set_u64(offers, ":plan", call->number);
    call->leaving.offers = sql_value(offers);
    struct sql *orders = sql_use(tx, SQL_REBALANCE_LAST_ORDER);
    sql_set_u64(orders, ":plan", call->number);
    sql_set_u64(orders, ":now", tx->now_ms);
    call->leaving.last_order_ms = sql_value(orders);
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_leaving(
    struct meta_store *store, uint64_t number, struct meta_leaving *out, struct hearth_err *err)
{
    struct leaving_call call = {.number = number};
    enum hearth_code code = meta_read(store, leaving, &call, err);
    if (code == HEARTH_OK) {
        *out = call.leaving;
    }
    return code;
}

/* ---- by the duty ---- */

struct planned_call {
    const struct meta_rebalance *plan;
    const struct meta_rebalance_share *shares;
    size_t count;
};

static enum hearth_code planned(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct planned_call *call = arg;
    struct meta_rebalance now;
    struct meta_rebalance plan = *call->plan;
    if (meta_rebalance_in(tx, plan.number, &now, err) != HEARTH_OK) {
        return err->code;
    }
    if (now.state != META_REBALANCE_READING) {
        return hearth_fail(err, HEARTH_CANCELLED, "plan %" PRIu64 " is %s", plan.number,
            meta_rebalance_state_text((enum meta_rebalance_state)now.state));
    }
    for (size_t i = 0; i < call->count; i++) {
        meta_rebalance_share_put_in(tx, plan.number, &call->shares[i]);
    }
    plan.state = META_REBALANCE_PLANNED;
    plan.changed_ms = tx->now_ms;
    meta_rebalance_put_in(tx, &plan);
    return plan.starts != 0 ? meta_rebalance_start_in(tx, &plan, err) : HEARTH_OK;
}

enum hearth_code meta_rebalance_planned(struct meta_store *store, const struct meta_rebalance *plan,
    const struct meta_rebalance_share *shares, size_t count, struct hearth_err *err)
{
    struct planned_call call = {plan, shares, count};
    return meta_run(store, planned, &call, err);
}

struct end_call {
    uint64_t number;
    enum meta_rebalance_state state;
    const char *reason;
};

static enum hearth_code end_plan(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct end_call *call = arg;
    struct meta_rebalance plan;
    if (meta_rebalance_in(tx, call->number, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    if (plan.state != META_REBALANCE_READING && plan.state != META_REBALANCE_RUNNING) {
        return hearth_fail(err, HEARTH_CANCELLED, "plan %" PRIu64 " is %s", plan.number,
            meta_rebalance_state_text((enum meta_rebalance_state)plan.state));
    }
    plan.state = call->state;
    plan.changed_ms = tx->now_ms;
    snprintf(plan.reason, sizeof(plan.reason), "%s", call->reason);
    meta_rebalance_put_in(tx, &plan);
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_end(struct meta_store *store, uint64_t number,
    enum meta_rebalance_state state, const char *reason, struct hearth_err *err)
{
    assert(state == META_REBALANCE_DONE || state == META_REBALANCE_FAILED);
    struct end_call call = {number, state, reason};
    return meta_run(store, end_plan, &call, err);
}

static enum hearth_code progress(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_rebalance *plan = arg;
    struct meta_rebalance now;
    if (meta_rebalance_in(tx, plan->number, &now, err) != HEARTH_OK) {
        return err->code;
    }
    if (now.state != META_REBALANCE_RUNNING) {
        return hearth_fail(err, HEARTH_CANCELLED, "plan %" PRIu64 " is %s", plan->number,
            meta_rebalance_state_text((enum meta_rebalance_state)now.state));
    }
    now.cursor = plan->cursor;
    now.pass = plan->pass;
    now.pass_moves = plan->pass_moves;
    now.pass_left = plan->pass_left;
    memcpy(now.reason, plan->reason, sizeof(now.reason));
    meta_rebalance_put_in(tx, &now);
    return HEARTH_OK;
}

enum hearth_code meta_rebalance_progress(
    struct meta_store *store, const struct meta_rebalance *plan, struct hearth_err *err)
{
    struct meta_rebalance copy = *plan;
    return meta_run(store, progress, &copy, err);
}

/* ---- one shard ---- */

static void charge(
    struct meta_tx *tx, uint64_t plan, uint32_t node, enum statement statement, uint64_t size)
{
    struct sql *sql = sql_use(tx, statement);
    sql_set_u64(sql, ":plan", plan);
    sql_set_u64(sql, ":node", node);
    sql_set_u64(sql, ":size", size);
    sql_run(sql);
}

/* A shard may be handed over, and counted, by the plan. */
static enum hearth_code read_going(
    struct meta_tx *tx, uint64_t number, struct meta_rebalance *out, struct hearth_err *err)
{
    if (meta_rebalance_in(tx, number, out, err) != HEARTH_OK) {
        return err->code;
    }
    return out->state == META_REBALANCE_RUNNING || out->state == META_REBALANCE_PAUSED
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CANCELLED, "plan %" PRIu64 " is %s", number,
              meta_rebalance_state_text((enum meta_rebalance_state)out->state));
}

static void count_done(struct meta_tx *tx, struct meta_rebalance *plan, uint64_t bytes)
{
    plan->moves_done++;
    plan->bytes_done += bytes;
    meta_rebalance_put_in(tx, plan);
}

static enum hearth_code move_shard(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_shard_move *move = arg;
    struct meta_rebalance plan;
    struct meta_seal_result result;
    if (read_going(tx, move->plan, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    if (meta_repair_apply_in(tx, &move->apply, &result, err) != HEARTH_OK) {
        return result.bad_count == 0
            ? err->code
            : hearth_fail(err, result.bad[0].code, "%s", result.bad[0].reason);
    }
    charge(tx, plan.number, move->from, SQL_REBALANCE_GAVE, move->apply.shard_length);
    charge(tx, plan.number, move->to, SQL_REBALANCE_TOOK, move->apply.shard_length);
    count_done(tx, &plan, move->apply.shard_length);
    return HEARTH_OK;
}

enum hearth_code meta_shard_move(
    struct meta_store *store, const struct meta_shard_move *move, struct hearth_err *err)
{
    assert(move->apply.receipt_count == 1);
    struct meta_shard_move copy = *move;
    return meta_run(store, move_shard, &copy, err);
}

/* ---- one segment ---- */

static enum hearth_code recode_segment(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_segment_recode *request = arg;
    struct meta_rebalance plan;
    struct meta_seal_result result;
    if (read_going(tx, request->plan, &plan, err) != HEARTH_OK ||
        meta_recode_apply_in(tx, &request->apply, &result, err) != HEARTH_OK) {
        return err->code;
    }
    count_done(tx, &plan, request->bytes);
    return HEARTH_OK;
}

enum hearth_code meta_segment_recode(
    struct meta_store *store, const struct meta_segment_recode *request, struct hearth_err *err)
{
    struct meta_segment_recode copy = *request;
    return meta_run(store, recode_segment, &copy, err);
}
