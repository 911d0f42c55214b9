/*
 * What an operator does to plans and to the nodes they drain (meta_rebalance.h).
 */
#include "coordinator/meta/meta_rebalance_row.h"

#include <inttypes.h>

/* A plan is worked out from what is stored: tomorrow it is another. */
#define STALE_MS (UINT64_C(24) * 60 * 60 * 1000)

/* ---- rows ---- */

static void set_text(struct sql *sql, const char *name, const char *text)
{
    sql_set_blob(sql, name, view_text(text));
}

void meta_rebalance_put_in(struct meta_tx *tx, const struct meta_rebalance *plan)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_PUT);
    sql_set_u64(sql, ":plan", plan->number);
#define X(name) sql_set_u64(sql, ":" #name, plan->name);
    META_REBALANCE_NUMBERS(X)
#undef X
    sql_set_id(sql, ":cursor", &plan->cursor);
    set_text(sql, ":subject", plan->subject);
    set_text(sql, ":admin", plan->admin);
    set_text(sql, ":reason", plan->reason);
    sql_run(sql);
}

static void read_text(struct sql *sql, char text[META_REBALANCE_TEXT_MAX + 1])
{
    struct view bytes = sql_blob(sql);
    size_t size = bytes.size < META_REBALANCE_TEXT_MAX ? bytes.size : META_REBALANCE_TEXT_MAX;
    if (size > 0) {
        memcpy(text, bytes.bytes, size);
    }
    text[size] = '\0';
}

bool meta_rebalance_read_in(struct meta_tx *tx, struct sql *sql, struct meta_rebalance *out)
{
    (void)tx;
    if (!sql_step(sql)) {
        return false;
    }
    out->number = sql_u64(sql);
#define X(name) out->name = sql_u64(sql);
    META_REBALANCE_NUMBERS(X)
#undef X
    sql_id(sql, &out->cursor);
    read_text(sql, out->subject);
    read_text(sql, out->admin);
    read_text(sql, out->reason);
    return true;
}

enum hearth_code meta_rebalance_in(
    struct meta_tx *tx, uint64_t number, struct meta_rebalance *out, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_GET);
    sql_set_u64(sql, ":plan", number);
    return meta_rebalance_read_in(tx, sql, out)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "no plan %" PRIu64, number);
}

void meta_rebalance_share_put_in(
    struct meta_tx *tx, uint64_t plan, const struct meta_rebalance_share *share)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_SHARE_PUT);
    sql_set_u64(sql, ":plan", plan);
    sql_set_u64(sql, ":node", share->node);
    sql_set_u64(sql, ":leaves", share->leaves);
    sql_set_u64(sql, ":held", share->held);
    sql_set_u64(sql, ":target", share->target);
    sql_set_u64(sql, ":give", share->give);
    sql_set_u64(sql, ":take", share->take);
    sql_run(sql);
}

uint64_t meta_rebalance_draining_in(struct meta_tx *tx, uint32_t node)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_OF_LEAVER);
    sql_set_u64(sql, ":node", node);
    return sql_value(sql);
}

enum meta_node_state meta_rebalance_state_of_returned_in(struct meta_tx *tx, uint32_t node)
{
    struct meta_rebalance plan;
    struct hearth_err err;
    const uint64_t number = meta_rebalance_draining_in(tx, node);
    const bool leaves = number != 0 && meta_rebalance_in(tx, number, &plan, &err) == HEARTH_OK &&
        plan.started_ms != 0;
    return leaves ? META_NODE_DRAINING : META_NODE_ACTIVE;
}

/* ---- nodes of a plan ---- */

/* Of the nodes that leave by the plan those in one state are brought to another. */
static void turn_leavers(
    struct meta_tx *tx, uint64_t plan, enum meta_node_state from, enum meta_node_state to)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_TURN_LEAVERS);
    sql_set_u64(sql, ":plan", plan);
    sql_set_u64(sql, ":from", from);
    sql_set_u64(sql, ":to", to);
    sql_run(sql);
}

/* ---- commands ---- */

/* Budgets by space are made for a fleet in which nothing else moves. */
static enum hearth_code check_alone(
    struct meta_tx *tx, const struct meta_rebalance *plan, struct hearth_err *err)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_RUNNING);
    sql_set_u64(sql, ":plan", plan->number);
    while (sql_step(sql)) {
        uint64_t other = sql_u64(sql);
        uint64_t kind = sql_u64(sql);
        if (plan->kind == REBALANCE_SPACE || kind == REBALANCE_SPACE) {
            return hearth_fail(err, HEARTH_CONFLICT,
                "plan %" PRIu64 " (%s) runs now: pause or cancel it first", other,
                rebalance_kind_text((enum rebalance_kind)kind));
        }
    }
    return HEARTH_OK;
}

static void set_state(
    struct meta_tx *tx, struct meta_rebalance *plan, enum meta_rebalance_state state)
{
    plan->state = state;
    plan->changed_ms = tx->now_ms;
    meta_rebalance_put_in(tx, plan);
}

/* A drain may always begin: a plan by space passes over nodes that take no shards. */
enum hearth_code meta_rebalance_start_in(
    struct meta_tx *tx, struct meta_rebalance *plan, struct hearth_err *err)
{
    if (plan->kind != REBALANCE_LEAVING && check_alone(tx, plan, err) != HEARTH_OK) {
        return err->code;
    }
    if (plan->kind == REBALANCE_LEAVING) {
        turn_leavers(tx, plan->number, META_NODE_ACTIVE, META_NODE_DRAINING);
    }
    plan->started_ms = tx->now_ms;
    plan->pass = 1;
    set_state(tx, plan, META_REBALANCE_RUNNING);
    return HEARTH_OK;
}

struct command_call {
    uint64_t number;
    enum meta_rebalance_command command;
    uint64_t fleet;
};

static enum hearth_code wrong_state(
    const struct meta_rebalance *plan, const char *verb, struct hearth_err *err)
{
    if (plan->state == META_REBALANCE_FAILED) {
        return hearth_fail(err, HEARTH_CONFLICT, "plan %" PRIu64 " cannot be carried out: %s",
            plan->number, plan->reason);
    }
    return hearth_fail(err, HEARTH_CONFLICT, "plan %" PRIu64 " is %s%s: it cannot be %s",
        plan->number, meta_rebalance_state_text((enum meta_rebalance_state)plan->state),
        plan->state == META_REBALANCE_RUNNING ? " already" : "", verb);
}

static enum hearth_code apply_plan(struct meta_tx *tx, struct meta_rebalance *plan,
    const struct command_call *call, struct hearth_err *err)
{
    if (plan->state != META_REBALANCE_PLANNED) {
        return wrong_state(plan, "applied", err);
    }
    if (plan->fleet != call->fleet || tx->now_ms > plan->created_ms + STALE_MS) {
        return hearth_fail(err, HEARTH_CONFLICT, "plan %" PRIu64 " is stale: %s; make a new one",
            plan->number,
            plan->fleet != call->fleet ? "the nodes are not what they were when it was made"
                                       : "it is older than a day");
    }
    return meta_rebalance_start_in(tx, plan, err);
}

static enum hearth_code pause_plan(
    struct meta_tx *tx, struct meta_rebalance *plan, struct hearth_err *err)
{
    if (plan->state != META_REBALANCE_RUNNING) {
        return wrong_state(plan, "paused", err);
    }
    set_state(tx, plan, META_REBALANCE_PAUSED);
    return HEARTH_OK;
}

static enum hearth_code resume_plan(
    struct meta_tx *tx, struct meta_rebalance *plan, struct hearth_err *err)
{
    if (plan->state != META_REBALANCE_PAUSED) {
        return wrong_state(plan, "resumed", err);
    }
    if (check_alone(tx, plan, err) != HEARTH_OK) {
        return err->code;
    }
    set_state(tx, plan, META_REBALANCE_RUNNING);
    return HEARTH_OK;
}

static enum hearth_code cancel_plan(
    struct meta_tx *tx, struct meta_rebalance *plan, struct hearth_err *err)
{
    switch ((enum meta_rebalance_state)plan->state) {
    case META_REBALANCE_RUNNING:
    case META_REBALANCE_PAUSED:
        if (plan->kind == REBALANCE_LEAVING) {
            turn_leavers(tx, plan->number, META_NODE_DRAINING, META_NODE_ACTIVE);
        }
        break;
    case META_REBALANCE_READING:
    case META_REBALANCE_PLANNED: break;
    case META_REBALANCE_DONE:
    case META_REBALANCE_CANCELLED:
    case META_REBALANCE_FAILED: return wrong_state(plan, "cancelled", err);
    }
    set_state(tx, plan, META_REBALANCE_CANCELLED);
    return HEARTH_OK;
}

static enum hearth_code command(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct command_call *call = arg;
    struct meta_rebalance plan;
    if (meta_rebalance_in(tx, call->number, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    switch (call->command) {
    case META_REBALANCE_APPLY: return apply_plan(tx, &plan, call, err);
    case META_REBALANCE_PAUSE: return pause_plan(tx, &plan, err);
    case META_REBALANCE_RESUME: return resume_plan(tx, &plan, err);
    case META_REBALANCE_CANCEL: break;
    }
    return cancel_plan(tx, &plan, err);
}

enum hearth_code meta_rebalance_command(struct meta_store *store, uint64_t number,
    enum meta_rebalance_command what, uint64_t fleet, struct hearth_err *err)
{
    struct command_call call = {number, what, fleet};
    return meta_run(store, command, &call, err);
}

/* ---- one node ---- */

static uint64_t count_leavers(struct meta_tx *tx, uint64_t plan)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_COUNT_LEAVERS);
    sql_set_u64(sql, ":plan", plan);
    return sql_value(sql);
}

/* The plan goes on with the others, or ends when it was the only one. */
static enum hearth_code stop_leaving(
    struct meta_tx *tx, uint64_t number, uint32_t node, struct hearth_err *err)
{
    struct meta_rebalance plan;
    struct sql *sql = sql_use(tx, SQL_REBALANCE_STAY);
    sql_set_u64(sql, ":plan", number);
    sql_set_u64(sql, ":node", node);
    sql_run(sql);
    if (count_leavers(tx, number) > 0) {
        return HEARTH_OK;
    }
    if (meta_rebalance_in(tx, number, &plan, err) != HEARTH_OK) {
        return err->code;
    }
    set_state(tx, &plan, META_REBALANCE_CANCELLED);
    return HEARTH_OK;
}

static enum hearth_code undrain(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const uint32_t node = *(const uint32_t *)arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, node, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %" PRIu32, node);
    }
    uint64_t plan = meta_rebalance_draining_in(tx, node);
    if (plan == 0 && domain.state != META_NODE_DRAINING) {
        return hearth_fail(err, HEARTH_CONFLICT, "node %" PRIu32 " is not draining", node);
    }
    if (domain.state == META_NODE_DRAINING) {
        meta_node_set_state_in(tx, node, META_NODE_ACTIVE);
    }
    return plan == 0 ? HEARTH_OK : stop_leaving(tx, plan, node, err);
}

enum hearth_code meta_node_undrain(
    struct meta_store *store, uint32_t number, struct hearth_err *err)
{
    return meta_run(store, undrain, &number, err);
}

struct remove_call {
    uint32_t node;
    bool by_force;
};

/* Drained to the end: the newest plan by which it leaves is done and left nothing, and it takes no
 * shards since. */
static bool is_drained(struct meta_tx *tx, uint32_t node, const struct meta_domain *domain)
{
    struct sql *sql = sql_use(tx, SQL_REBALANCE_DRAINED);
    sql_set_u64(sql, ":node", node);
    return domain->state == META_NODE_DRAINING && sql_step(sql) &&
        sql_u64(sql) == META_REBALANCE_DONE && sql_u64(sql) == 0;
}

struct drained_call {
    uint32_t node;
    bool is_drained;
};

static enum hearth_code look_whether_drained(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct drained_call *call = arg;
    struct meta_domain domain;
    call->is_drained =
        meta_node_domain_in(tx, call->node, &domain) && is_drained(tx, call->node, &domain);
    return HEARTH_OK;
}

enum hearth_code meta_node_is_drained(
    struct meta_store *store, uint32_t number, bool *out, struct hearth_err *err)
{
    struct drained_call call = {.node = number};
    enum hearth_code code = meta_read(store, look_whether_drained, &call, err);
    *out = code == HEARTH_OK && call.is_drained;
    return code;
}

static enum hearth_code remove_node(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct remove_call *call = arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, call->node, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %" PRIu32, call->node);
    }
    if (domain.state == META_NODE_GONE) {
        return hearth_fail(err, HEARTH_CONFLICT, "node %" PRIu32 " is gone already", call->node);
    }
    if (!call->by_force && !is_drained(tx, call->node, &domain)) {
        return hearth_fail(err, HEARTH_CONFLICT,
            "node %" PRIu32
            " may still hold data: drain it to the end first (node drain), or have what"
            " it holds made anew from the others (--force)",
            call->node);
    }
    if (domain.state != META_NODE_LOST && !is_drained(tx, call->node, &domain)) {
        meta_health_lose_in(tx, call->node, META_FENCE_NONE, domain.state);
    }
    uint64_t plan = meta_rebalance_draining_in(tx, call->node);
    meta_node_set_state_in(tx, call->node, META_NODE_GONE);
    return plan == 0 ? HEARTH_OK : stop_leaving(tx, plan, call->node, err);
}

enum hearth_code meta_node_remove(
    struct meta_store *store, uint32_t number, bool by_force, struct hearth_err *err)
{
    struct remove_call call = {number, by_force};
    return meta_run(store, remove_node, &call, err);
}
