#include "coordinator/meta/meta_node.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_peek.h"

#include <assert.h>

/* ---- reading ---- */

struct list_call {
    struct arena *arena;
    uint32_t first, last; /* numbers */
    struct meta_node *nodes;
    size_t count;
    size_t capacity;
};

static void read_report(
    struct meta_tx *tx, struct arena *arena, struct sql *sql, struct meta_node_report *out)
{
    sql_id(sql, &out->volume);
    out->start_count = sql_u64(sql);
    out->sequence = sql_u64(sql);
    out->capacity = sql_u64(sql);
    out->used = sql_u64(sql);
    out->trash = sql_u64(sql);
    out->free = sql_u64(sql);
    out->shards = sql_u64(sql);
    out->read_only = sql_u64(sql) != 0;
    out->software = meta_keep(tx, arena, sql_blob(sql));
}

static void read_node(
    struct meta_tx *tx, struct arena *arena, struct sql *sql, struct meta_node *out)
{
    out->number = (uint32_t)sql_u64(sql);
    sql_bytes(sql, out->id.bytes, sizeof(out->id.bytes));
    out->owner = (uint32_t)sql_u64(sql);
    out->owner_name = meta_keep(tx, arena, sql_blob(sql));
    sql_bytes(sql, out->network.bytes, sizeof(out->network.bytes));
    out->place = meta_keep(tx, arena, sql_blob(sql));
    out->state = (enum meta_node_state)sql_u64(sql);
    out->enrolled_ms = sql_u64(sql);
    out->last_seen_ms = sql_u64(sql);
    read_report(tx, arena, sql, &out->report);
    out->uplink_bits = sql_u64(sql);
}

/* Rows of both tables come by node number, so they are merged in one pass. */
static void read_endpoints(struct meta_tx *tx, struct list_call *call)
{
    size_t at = 0;
    struct sql *sql = sql_use(tx, SQL_ENDPOINT_LIST);
    sql_set_u64(sql, ":first", call->first);
    sql_set_u64(sql, ":last", call->last);
    while (sql_step(sql)) {
        uint64_t number = sql_u64(sql);
        while (at < call->count && call->nodes[at].number < number) {
            at++;
        }
        if (at == call->count || call->nodes[at].number != number ||
            call->nodes[at].endpoint_count == META_ENDPOINTS_MAX) {
            sql_fail_damaged(tx, "endpoint");
            return;
        }
        struct meta_endpoint *out = &call->nodes[at].endpoints[call->nodes[at].endpoint_count++];
        out->kind = (enum meta_endpoint_kind)sql_u64(sql);
        out->host = meta_keep(tx, call->arena, sql_blob(sql));
        out->port = (uint16_t)sql_u64(sql);
        out->verified_ms = sql_u64(sql);
    }
}

/* Nodes are numbered from 1 without gaps, so their count is known before they are read. */
static enum hearth_code list_nodes(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    uint64_t next = sql_value(sql_use(tx, SQL_NODE_NEXT));
    uint64_t last = call->last < next ? call->last : next - 1;
    call->count = 0;
    call->capacity = call->first <= last ? last - call->first + 1 : 0;
    call->nodes = meta_take(tx, call->arena, call->capacity, sizeof(*call->nodes));
    struct sql *sql = sql_use(tx, SQL_NODE_LIST);
    sql_set_u64(sql, ":first", call->first);
    sql_set_u64(sql, ":last", call->last);
    while (call->nodes != NULL && sql_step(sql)) {
        if (call->count == call->capacity) {
            sql_fail_damaged(tx, "node number");
            return HEARTH_OK;
        }
        read_node(tx, call->arena, sql, &call->nodes[call->count++]);
    }
    read_endpoints(tx, call);
    return HEARTH_OK;
}

enum hearth_code meta_node_list(struct meta_store *store, struct arena *arena,
    struct meta_node_list *out, struct hearth_err *err)
{
    struct list_call call = {.arena = arena, .first = 1, .last = META_NODES_MAX};
    enum hearth_code code = meta_read(store, list_nodes, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_node_list){.nodes = call.nodes, .count = call.count};
    }
    return code;
}

enum hearth_code meta_node_peek(const char *directory, struct env *env, struct arena *arena,
    struct meta_node_list *out, struct hearth_err *err)
{
    struct list_call call = {.arena = arena, .first = 1, .last = META_NODES_MAX};
    enum hearth_code code = meta_peek(directory, env, list_nodes, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_node_list){.nodes = call.nodes, .count = call.count};
    }
    return code;
}

struct get_call {
    struct meta_principal id;
    struct list_call list;
};

static enum hearth_code get_node(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct get_call *call = arg;
    enum meta_node_state state;
    uint32_t number = meta_node_number_in(tx, call->id, &state);
    if (number == 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such node");
    }
    call->list.first = call->list.last = number;
    return list_nodes(tx, &call->list, err);
}

enum hearth_code meta_node_get(struct meta_store *store, struct meta_principal id,
    struct arena *arena, struct meta_node *out, struct hearth_err *err)
{
    struct get_call call = {.id = id, .list = {.arena = arena}};
    enum hearth_code code = meta_read(store, get_node, &call, err);
    if (code == HEARTH_OK) {
        *out = call.list.nodes[0];
    }
    return code;
}

uint32_t meta_node_number_in(
    struct meta_tx *tx, struct meta_principal id, enum meta_node_state *state)
{
    struct sql *sql = sql_use(tx, SQL_NODE_BY_ID);
    sql_set_blob(sql, ":id", view_of(id.bytes, sizeof(id.bytes)));
    if (!sql_step(sql)) {
        return 0;
    }
    uint32_t number = (uint32_t)sql_u64(sql);
    *state = (enum meta_node_state)sql_u64(sql);
    return number;
}

bool meta_node_domain_in(struct meta_tx *tx, uint32_t number, struct meta_domain *out)
{
    struct sql *sql = sql_use(tx, SQL_NODE_DOMAIN);
    sql_set_u64(sql, ":node", number);
    if (!sql_step(sql)) {
        return false;
    }
    out->node = number;
    out->owner = (uint32_t)sql_u64(sql);
    sql_bytes(sql, out->network.bytes, sizeof(out->network.bytes));
    out->state = (enum meta_node_state)sql_u64(sql);
    return true;
}

/* ---- changing ---- */

struct seen_call {
    const struct meta_node_seen *seen;
    size_t count;
};

static enum hearth_code nodes_seen(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct seen_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        const struct meta_node_report *report = &call->seen[i].report;
        struct sql *sql = sql_use(tx, SQL_NODE_SEEN);
        sql_set_u64(sql, ":node", call->seen[i].number);
        sql_set_u64(sql, ":last_seen", call->seen[i].last_seen_ms);
        sql_set_id(sql, ":volume", &report->volume);
        sql_set_u64(sql, ":start_count", report->start_count);
        sql_set_u64(sql, ":sequence", report->sequence);
        sql_set_u64(sql, ":capacity", report->capacity);
        sql_set_u64(sql, ":used", report->used);
        sql_set_u64(sql, ":trash", report->trash);
        sql_set_u64(sql, ":free", report->free);
        sql_set_u64(sql, ":shards", report->shards);
        sql_set_u64(sql, ":read_only", report->read_only);
        sql_set_blob(sql, ":software", report->software);
        sql_run(sql);
    }
    return HEARTH_OK;
}

/* Numbers come from nodes, which may say anything; the database has 63 bits for them. */
static bool is_sane(const struct meta_node_seen *seen)
{
    const struct meta_node_report *report = &seen->report;
    uint64_t all = seen->last_seen_ms | report->start_count | report->sequence | report->capacity |
        report->used | report->trash | report->free | report->shards;
    return all <= INT64_MAX && report->software.size <= META_NAME_MAX;
}

enum hearth_code meta_node_seen(struct meta_store *store, const struct meta_node_seen *seen,
    size_t count, struct hearth_err *err)
{
    assert(count <= META_SEEN_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!is_sane(&seen[i])) {
            return hearth_fail(
                err, HEARTH_INVALID, "heartbeat of node %u: numbers out of range", seen[i].number);
        }
    }
    struct seen_call call = {.seen = seen, .count = count};
    return meta_run(store, nodes_seen, &call, err);
}

void meta_node_set_state_in(struct meta_tx *tx, uint32_t number, enum meta_node_state state)
{
    struct sql *sql = sql_use(tx, SQL_NODE_SET_STATE);
    sql_set_u64(sql, ":node", number);
    sql_set_u64(sql, ":state", state);
    sql_run(sql);
}

struct state_call {
    uint32_t number;
    enum meta_node_state state;
};

static enum hearth_code set_state(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct state_call *call = arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, call->number, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %u", call->number);
    }
    if (domain.state == META_NODE_GONE && call->state != META_NODE_GONE) {
        return hearth_fail(err, HEARTH_DENIED, "node %u is gone for ever", call->number);
    }
    meta_node_set_state_in(tx, call->number, call->state);
    return HEARTH_OK;
}

enum hearth_code meta_node_set_state(
    struct meta_store *store, uint32_t number, enum meta_node_state state, struct hearth_err *err)
{
    struct state_call call = {.number = number, .state = state};
    return meta_run(store, set_state, &call, err);
}

struct uplink_call {
    uint32_t number;
    uint64_t bits;
};

static enum hearth_code set_uplink(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct uplink_call *call = arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, call->number, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %u", call->number);
    }
    struct sql *sql = sql_use(tx, SQL_NODE_SET_UPLINK);
    sql_set_u64(sql, ":node", call->number);
    sql_set_u64(sql, ":uplink", call->bits);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_check_uplink(uint64_t bits, struct hearth_err *err)
{
    return bits <= META_UPLINK_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "an uplink of more than 1 Tbit/s");
}

enum hearth_code meta_node_set_uplink(
    struct meta_store *store, uint32_t number, uint64_t uplink_bits, struct hearth_err *err)
{
    if (meta_check_uplink(uplink_bits, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "node %u", number);
    }
    struct uplink_call call = {.number = number, .bits = uplink_bits};
    return meta_run(store, set_uplink, &call, err);
}

struct endpoints_call {
    uint32_t number;
    const struct meta_endpoint *endpoints;
    size_t count;
};

static enum hearth_code set_endpoints(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct endpoints_call *call = arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, call->number, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %u", call->number);
    }
    struct sql *clear = sql_use(tx, SQL_ENDPOINT_CLEAR);
    sql_set_u64(clear, ":node", call->number);
    sql_run(clear);
    for (size_t i = 0; i < call->count; i++) {
        struct sql *sql = sql_use(tx, SQL_ENDPOINT_INSERT);
        sql_set_u64(sql, ":node", call->number);
        sql_set_u64(sql, ":position", i);
        sql_set_u64(sql, ":kind", call->endpoints[i].kind);
        sql_set_blob(sql, ":host", call->endpoints[i].host);
        sql_set_u64(sql, ":port", call->endpoints[i].port);
        sql_set_u64(sql, ":verified", call->endpoints[i].verified_ms);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_node_set_endpoints(struct meta_store *store, uint32_t number,
    const struct meta_endpoint *endpoints, size_t count, struct hearth_err *err)
{
    assert(count <= META_ENDPOINTS_MAX);
    struct endpoints_call call = {.number = number, .endpoints = endpoints, .count = count};
    return meta_run(store, set_endpoints, &call, err);
}
