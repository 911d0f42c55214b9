#include "coordinator/meta/meta_audit.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_rebalance_row.h"

#include <assert.h>

/* ---- scores ---- */

static const double MILLION = 1e6;

static double read_share(struct sql *sql)
{
    return (double)sql_u64(sql) / MILLION;
}

static void read_score(struct sql *sql, struct audit_score *score)
{
    score->pass = read_share(sql);
    score->fail = read_share(sql);
    score->answer = read_share(sql);
    score->trouble = read_share(sql);
    score->withheld = read_share(sql);
    for (unsigned i = 0; i < AUDIT_OUTCOMES; i++) {
        score->counts[i] = sql_u64(sql);
    }
    score->streak = sql_u64(sql);
    score->suspensions = sql_u64(sql);
    score->suspended_ms = sql_u64(sql);
    score->last_ms = sql_u64(sql);
}

static void score_get_in(struct meta_tx *tx, uint32_t node, struct audit_score *score)
{
    struct sql *sql = sql_use(tx, SQL_AUDIT_NODE_GET);
    sql_set_u64(sql, ":node", node);
    if (sql_step(sql)) {
        read_score(sql, score);
    } else {
        audit_score_init(score);
    }
}

static void score_put_in(struct meta_tx *tx, uint32_t node, const struct audit_score *score)
{
    static const char *const names[AUDIT_OUTCOMES] = {
        ":nones", ":passes", ":fails", ":offlines", ":containments", ":unknowns"};
    struct sql *sql = sql_use(tx, SQL_AUDIT_NODE_PUT);
    sql_set_u64(sql, ":node", node);
    sql_set_u64(sql, ":pass", (uint64_t)(score->pass * MILLION));
    sql_set_u64(sql, ":fail", (uint64_t)(score->fail * MILLION));
    sql_set_u64(sql, ":answer", (uint64_t)(score->answer * MILLION));
    sql_set_u64(sql, ":trouble", (uint64_t)(score->trouble * MILLION));
    sql_set_u64(sql, ":withheld", (uint64_t)(score->withheld * MILLION));
    for (unsigned i = 0; i < AUDIT_OUTCOMES; i++) {
        sql_set_u64(sql, names[i], score->counts[i]);
    }
    sql_set_u64(sql, ":streak", score->streak);
    sql_set_u64(sql, ":suspensions", score->suspensions);
    sql_set_u64(sql, ":suspended", score->suspended_ms);
    sql_set_u64(sql, ":last", score->last_ms);
    sql_run(sql);
}

struct nodes_call {
    struct arena *arena;
    struct meta_audit_node *nodes;
    size_t count;
};

static enum hearth_code nodes_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct nodes_call *call = arg;
    size_t max = (size_t)sql_value(sql_use(tx, SQL_AUDIT_NODE_COUNT));
    call->nodes = meta_take(tx, call->arena, max, sizeof(*call->nodes));
    call->count = 0;
    struct sql *sql = sql_use(tx, SQL_AUDIT_NODE_LIST);
    while (call->nodes != NULL && call->count < max && sql_step(sql)) {
        struct meta_audit_node *node = &call->nodes[call->count++];
        node->node = (uint32_t)sql_u64(sql);
        read_score(sql, &node->score);
        node->contained = (unsigned)sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_audit_nodes_get(struct meta_store *store, struct arena *arena,
    struct meta_audit_nodes *out, struct hearth_err *err)
{
    struct nodes_call call = {.arena = arena};
    enum hearth_code code = meta_read(store, nodes_get, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_audit_nodes){.nodes = call.nodes, .count = call.count};
    }
    return code;
}

/* ---- contained cells ---- */

static void set_cell(struct sql *sql, const struct meta_audit_cell *cell)
{
    sql_set_u64(sql, ":node", cell->node);
    sql_set_id(sql, ":segment", &cell->segment);
    sql_set_u64(sql, ":slot", cell->slot);
    sql_set_u64(sql, ":first", cell->first);
}

static unsigned count_contained_in(struct meta_tx *tx, uint32_t node)
{
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_COUNT);
    sql_set_u64(sql, ":node", node);
    return (unsigned)sql_value(sql);
}

static uint64_t contained_since_in(struct meta_tx *tx, uint32_t node)
{
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_SINCE);
    sql_set_u64(sql, ":node", node);
    return (uint64_t)sql_value(sql);
}

/* Unless it began there and went on for longer. */
static void let_go_in(struct meta_tx *tx, const struct meta_audit_cell *cell)
{
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_DELETE);
    set_cell(sql, cell);
    sql_set_u64(sql, ":count", cell->count);
    sql_run(sql);
}

static void go_on_in(struct meta_tx *tx, const struct meta_audit_result *result)
{
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_UPDATE);
    set_cell(sql, &result->cell);
    sql_set_u64(sql, ":strikes", result->strikes);
    sql_set_u64(sql, ":due", result->due_ms);
    sql_set_blob(sql, ":log", result->log);
    sql_run(sql);
}

static void contain_in(struct meta_tx *tx, const struct meta_audit_result *result)
{
    if (count_contained_in(tx, result->cell.node) >= META_AUDIT_CONTAINED_MAX) {
        return;
    }
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_INSERT);
    set_cell(sql, &result->cell);
    sql_set_u64(sql, ":p", result->cell.p);
    sql_set_u64(sql, ":count", result->cell.count);
    sql_set_u64(sql, ":strikes", result->strikes);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":due", result->due_ms);
    sql_set_blob(sql, ":log", result->log);
    sql_run(sql);
}

struct shards_call {
    uint32_t node;
    struct meta_audit_cell *out;
    size_t count;
};

static enum hearth_code contained_shards(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct shards_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_SHARDS);
    sql_set_u64(sql, ":node", call->node);
    call->count = 0;
    while (call->count < META_AUDIT_CONTAINED_MAX && sql_step(sql)) {
        struct meta_audit_cell *cell = &call->out[call->count++];
        sql_id(sql, &cell->segment);
        cell->slot = (uint16_t)sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_audit_contained_shards(struct meta_store *store, uint32_t node,
    struct meta_audit_cell *out, size_t *count, struct hearth_err *err)
{
    struct shards_call call = {.node = node, .out = out};
    enum hearth_code code = meta_read(store, contained_shards, &call, err);
    *count = code == HEARTH_OK ? call.count : 0;
    return code;
}

struct due_call {
    uint32_t node;
    uint64_t now_ms;
    struct arena *arena;
    struct meta_audit_contained *out;
    size_t max;
    size_t count;
};

static void read_contained(
    struct meta_tx *tx, struct sql *sql, struct arena *arena, struct meta_audit_contained *out)
{
    out->cell.node = (uint32_t)sql_u64(sql);
    sql_id(sql, &out->cell.segment);
    out->cell.slot = (uint16_t)sql_u64(sql);
    out->cell.p = (uint16_t)sql_u64(sql);
    out->cell.first = (uint32_t)sql_u64(sql);
    out->cell.count = (uint32_t)sql_u64(sql);
    out->strikes = (unsigned)sql_u64(sql);
    out->since_ms = sql_u64(sql);
    out->due_ms = sql_u64(sql);
    out->log = meta_keep(tx, arena, sql_blob(sql));
}

static enum hearth_code due_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct due_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_AUDIT_CONTAINED_DUE);
    sql_set_u64(sql, ":now", call->now_ms);
    sql_set_u64(sql, ":max", call->max);
    sql_set_u64(sql, ":node", call->node);
    call->count = 0;
    while (call->count < call->max && sql_step(sql)) {
        read_contained(tx, sql, call->arena, &call->out[call->count++]);
    }
    return HEARTH_OK;
}

enum hearth_code meta_audit_due(struct meta_store *store, uint32_t node, uint64_t now_ms,
    struct arena *arena, struct meta_audit_contained *out, size_t max, size_t *count,
    struct hearth_err *err)
{
    struct due_call call = {.node = node, .now_ms = now_ms, .arena = arena, .out = out, .max = max};
    enum hearth_code code = meta_read(store, due_get, &call, err);
    *count = code == HEARTH_OK ? call.count : 0;
    return code;
}

/* ---- evidence ---- */

static void keep_evidence_in(struct meta_tx *tx, const struct meta_audit_result *result)
{
    struct meta_id id;
    env_random(tx->env, id.bytes, sizeof(id.bytes));
    struct sql *sql = sql_use(tx, SQL_AUDIT_EVIDENCE_INSERT);
    sql_set_u64(sql, ":node", result->cell.node);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_id(sql, ":id", &id);
    sql_set_u64(sql, ":fault", result->verdict.fault);
    sql_set_blob(sql, ":record", result->evidence);
    sql_run(sql);
    struct sql *trim = sql_use(tx, SQL_AUDIT_EVIDENCE_TRIM);
    sql_set_u64(trim, ":node", result->cell.node);
    sql_set_u64(trim, ":max", META_AUDIT_EVIDENCE_MAX);
    sql_run(trim);
}

struct evidence_call {
    uint32_t node;
    uint32_t skip;
    struct arena *arena;
    struct meta_audit_evidence *out;
    size_t max;
    size_t count;
};

static enum hearth_code evidence_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct evidence_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_AUDIT_EVIDENCE_LIST);
    sql_set_u64(sql, ":first", call->node);
    sql_set_u64(sql, ":last", call->node == 0 ? META_NODES_MAX : call->node);
    sql_set_u64(sql, ":max", call->max);
    sql_set_u64(sql, ":skip", call->skip);
    call->count = 0;
    while (call->count < call->max && sql_step(sql)) {
        struct meta_audit_evidence *one = &call->out[call->count++];
        one->node = (uint32_t)sql_u64(sql);
        one->judged_ms = sql_u64(sql);
        sql_id(sql, &one->id);
        one->fault = (enum audit_fault)sql_u64(sql);
        one->record = meta_keep(tx, call->arena, sql_blob(sql));
    }
    return HEARTH_OK;
}

enum hearth_code meta_audit_evidence_get(struct meta_store *store, uint32_t node, uint32_t skip,
    struct arena *arena, struct meta_audit_evidence *out, size_t max, size_t *count,
    struct hearth_err *err)
{
    struct evidence_call call = {
        .node = node, .skip = skip, .arena = arena, .out = out, .max = max};
    enum hearth_code code = meta_read(store, evidence_get, &call, err);
    *count = code == HEARTH_OK ? call.count : 0;
    return code;
}

/* ---- results ---- */

/* The placement still has its slot, and somebody wants it. */
static bool is_in_place(const struct meta_segment *segment, const struct meta_audit_cell *cell)
{
    return segment->dying_ms == 0 && !meta_segment_is_doomed(segment) && cell->slot < segment->n &&
        segment->holders[cell->slot].node == cell->node &&
        segment->holders[cell->slot].p == cell->p && !ec_slots_has(segment->damaged, cell->slot);
}

static void mark_passed_in(struct meta_tx *tx, const struct meta_segment *segment, unsigned slot)
{
    if (ec_slots_has(segment->passed, slot)) {
        return;
    }
    uint8_t bytes[META_SLOTS_SIZE_MAX];
    struct ec_slots passed = segment->passed;
    ec_slots_add(&passed, slot);
    size_t size = meta_slots_encode(passed, segment->n, bytes);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_SET_PASSED);
    sql_set_id(sql, ":segment", &segment->id);
    sql_set_blob(sql, ":passed", view_of(bytes, size));
    sql_run(sql);
}

/* Only an active node is suspended, and only a suspended one comes back: what an operator decided
 * meanwhile stands. */
static void move_state_in(
    struct meta_tx *tx, struct meta_audit_result *result, struct audit_score *score)
{
    struct meta_domain domain;
    uint32_t node = result->cell.node;
    if (!meta_node_domain_in(tx, node, &domain)) {
        return;
    }
    if (score->suspended_ms != 0 && domain.state == META_NODE_ACTIVE) {
        audit_score_return(score);
    }
    if (domain.state == META_NODE_ACTIVE &&
        audit_score_falls(score, contained_since_in(tx, node), tx->now_ms)) {
        audit_score_suspend(score, tx->now_ms);
        meta_node_set_state_in(tx, node, META_NODE_SUSPENDED);
        result->has_fallen = true;
    } else if (domain.state == META_NODE_SUSPENDED &&
        audit_score_rises(score, count_contained_in(tx, node), tx->now_ms)) {
        audit_score_return(score);
        meta_node_set_state_in(tx, node, meta_rebalance_state_of_returned_in(tx, node));
        result->has_risen = true;
    }
}

static void apply_shard_in(
    struct meta_tx *tx, struct meta_audit_result *result, const struct meta_segment *segment)
{
    const struct audit_verdict *verdict = &result->verdict;
    if (verdict->is_contained && result->is_recheck) {
        go_on_in(tx, result);
    } else if (verdict->is_contained) {
        contain_in(tx, result);
    } else {
        let_go_in(tx, &result->cell);
    }
    if (verdict->outcome == AUDIT_PASS) {
        mark_passed_in(tx, segment, result->cell.slot);
    }
    if (verdict->is_damaged) {
        meta_damage_mark_in(tx, segment, result->cell.slot);
        result->is_damaged = true;
    }
    if (verdict->outcome == AUDIT_FAIL) {
        keep_evidence_in(tx, result);
    }
}

static void record_one_in(struct meta_tx *tx, struct meta_audit_result *result)
{
    struct meta_segment segment;
    struct audit_score score;
    result->is_dropped = !meta_segment_in(tx, &result->cell.segment, &segment) ||
        !is_in_place(&segment, &result->cell);
    result->is_damaged = result->has_fallen = result->has_risen = false;
    if (result->is_dropped) {
        let_go_in(tx, &result->cell);
        return;
    }
    apply_shard_in(tx, result, &segment);
    if (result->is_control && result->verdict.outcome == AUDIT_PASS) {
        return; /* drawn from what is not contained: no fair sample of what the node has */
    }
    score_get_in(tx, result->cell.node, &score);
    const struct audit_note note = {.outcome = result->verdict.outcome,
        .fault = result->verdict.fault,
        .is_again = result->is_recheck};
    audit_score_add(&score, &note, tx->now_ms);
    move_state_in(tx, result, &score);
    score_put_in(tx, result->cell.node, &score);
}

struct record_call {
    struct meta_audit_result *results;
    size_t count;
};

static enum hearth_code record(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct record_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        record_one_in(tx, &call->results[i]);
    }
    return HEARTH_OK;
}

enum hearth_code meta_audit_record(struct meta_store *store, struct meta_audit_result *results,
    size_t count, struct hearth_err *err)
{
    assert(count <= META_AUDIT_BATCH_MAX);
    struct record_call call = {.results = results, .count = count};
    return meta_run(store, record, &call, err);
}
