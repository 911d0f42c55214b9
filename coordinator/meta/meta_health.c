#include "coordinator/meta/meta_health.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- reading ---- */

struct list_call {
    struct arena *arena;
    struct meta_health *rows;
    size_t count;
};

static enum hearth_code list(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    uint64_t capacity = sql_value(sql_use(tx, SQL_HEALTH_COUNT));
    call->count = 0;
    call->rows = meta_take(tx, call->arena, capacity, sizeof(*call->rows));
    struct sql *sql = sql_use(tx, SQL_HEALTH_LIST);
    while (call->rows != NULL && call->count < capacity && sql_step(sql)) {
        struct meta_health *row = &call->rows[call->count++];
        row->number = (uint32_t)sql_u64(sql);
        row->fence = (enum meta_fence)sql_u64(sql);
        row->fenced_ms = sql_u64(sql);
        row->losses = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_health_list(struct meta_store *store, struct arena *arena,
    struct meta_health_list *out, struct hearth_err *err)
{
    struct list_call call = {.arena = arena};
    enum hearth_code code = meta_read(store, list, &call, err);
    if (code == HEARTH_OK) {
        *out = (struct meta_health_list){.rows = call.rows, .count = call.count};
    }
    return code;
}

/* ---- lost and found ---- */

struct lost_call {
    uint32_t number;
    enum meta_fence fence;
};

void meta_health_lose_in(
    struct meta_tx *tx, uint32_t number, enum meta_fence fence, enum meta_node_state before)
{
    struct sql *sql = sql_use(tx, SQL_HEALTH_LOST);
    sql_set_u64(sql, ":node", number);
    sql_set_u64(sql, ":fence", fence);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":before", before);
    sql_set_blob(sql, ":none", view_of(NULL, 0));
    sql_run(sql);
}

/* It is lost already. */
static void set_fence(struct meta_tx *tx, uint32_t number, enum meta_fence fence)
{
    struct sql *sql = sql_use(tx, SQL_HEALTH_SET_FENCE);
    sql_set_u64(sql, ":node", number);
    sql_set_u64(sql, ":fence", fence);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
}

static enum hearth_code lose(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct lost_call *call = arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, call->number, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %u", call->number);
    }
    if (domain.state == META_NODE_GONE) {
        return hearth_fail(err, HEARTH_DENIED, "node %u is gone for ever", call->number);
    }
    if (domain.state == META_NODE_LOST) {
        set_fence(tx, call->number, call->fence);
    } else {
        meta_health_lose_in(tx, call->number, call->fence, domain.state);
    }
    meta_node_set_state_in(tx, call->number, META_NODE_LOST);
    return HEARTH_OK;
}

enum hearth_code meta_health_lost(
    struct meta_store *store, uint32_t number, enum meta_fence fence, struct hearth_err *err)
{
    struct lost_call call = {.number = number, .fence = fence};
    return meta_run(store, lose, &call, err);
}

/* Nothing is known of how it was: somebody set the state alone. */
static enum meta_node_state state_before(struct meta_tx *tx, uint32_t number)
{
    struct sql *sql = sql_use(tx, SQL_HEALTH_BEFORE);
    sql_set_u64(sql, ":node", number);
    uint64_t state = sql_value(sql);
    return state == 0 ? META_NODE_ACTIVE : (enum meta_node_state)state;
}

static enum hearth_code find(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    uint32_t number = *(const uint32_t *)arg;
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, number, &domain)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no node %u", number);
    }
    if (domain.state != META_NODE_LOST) {
        return HEARTH_OK;
    }
    meta_node_set_state_in(tx, number, state_before(tx, number));
    struct sql *sql = sql_use(tx, SQL_HEALTH_FOUND);
    sql_set_u64(sql, ":node", number);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_health_found(
    struct meta_store *store, uint32_t number, struct hearth_err *err)
{
    return meta_run(store, find, &number, err);
}

/* ---- presence ---- */

struct put_call {
    const struct meta_presence *rows;
    size_t count;
};

static enum hearth_code put_presence(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct put_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        struct sql *sql = sql_use(tx, SQL_PRESENCE_PUT);
        sql_set_u64(sql, ":node", call->rows[i].number);
        sql_set_blob(sql, ":presence", call->rows[i].bytes);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_presence_put(struct meta_store *store, const struct meta_presence *rows,
    size_t count, struct hearth_err *err)
{
    assert(count <= META_PRESENCE_MAX);
    struct put_call call = {.rows = rows, .count = count};
    return meta_run(store, put_presence, &call, err);
}

struct next_call {
    uint32_t after;
    struct arena *arena;
    struct meta_presence *rows;
    size_t count;
};

static enum hearth_code next_presence(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct next_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_PRESENCE_NEXT);
    sql_set_u64(sql, ":after", call->after);
    sql_set_u64(sql, ":max", META_PRESENCE_MAX);
    call->count = 0;
    while (call->count < META_PRESENCE_MAX && sql_step(sql)) {
        struct meta_presence *row = &call->rows[call->count++];
        row->number = (uint32_t)sql_u64(sql);
        row->bytes = meta_keep(tx, call->arena, sql_blob(sql));
    }
    return HEARTH_OK;
}

enum hearth_code meta_presence_next(struct meta_store *store, uint32_t after, struct arena *arena,
    struct meta_presence rows[META_PRESENCE_MAX], size_t *count, struct hearth_err *err)
{
    struct next_call call = {.after = after, .arena = arena, .rows = rows};
    enum hearth_code code = meta_read(store, next_presence, &call, err);
    if (code == HEARTH_OK) {
        *count = call.count;
    }
    return code;
}
