#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/shard_name.h"
#include "erasure/ec_stripe.h"

#include <assert.h>

bool meta_garbage_is_held_in(struct meta_tx *tx)
{
    struct sql *sql = sql_use(tx, SQL_CLUSTER_GET);
    if (!sql_step(sql)) {
        return true;
    }
    sql_blob(sql); /* cluster */
    sql_u64(sql);  /* recovery_epoch */
    return sql_u64(sql) != 0;
}

/* ---- naming ---- */

struct meta_id meta_shard_id_in(
    const struct meta_tx *tx, const struct meta_id *segment, uint16_t slot, uint16_t p)
{
    struct shard_place place = {.slot = slot, .p = p};
    struct shard_name name;
    struct meta_id id;
    memcpy(place.segment, segment->bytes, sizeof(place.segment));
    shard_name_make(tx->names, &place, &name);
    memcpy(id.bytes, name.id, sizeof(id.bytes));
    return id;
}

void meta_dead_insert_in(struct meta_tx *tx, const struct meta_dead *dead)
{
    struct meta_id id = meta_shard_id_in(tx, dead->segment, dead->slot, dead->placement.p);
    struct sql *sql = sql_use(tx, SQL_DEAD_INSERT);
    sql_set_u64(sql, ":node", dead->placement.node);
    sql_set_id(sql, ":shard", &id);
    sql_set_u64(sql, ":not_before", dead->not_before_ms);
    sql_set_u64(sql, ":bytes", dead->bytes);
    sql_run(sql);
}

size_t meta_dead_insert_all_in(
    struct meta_tx *tx, const struct meta_segment *segment, uint64_t not_before_ms)
{
    struct meta_dead dead = {.segment = &segment->id,
        .not_before_ms = not_before_ms,
        .bytes = meta_shard_bytes(segment)};
    size_t count = 0;
    for (; dead.slot < segment->n; dead.slot++) {
        dead.placement = segment->holders[dead.slot];
        if (dead.placement.node > 0) {
            meta_dead_insert_in(tx, &dead);
            count++;
        }
    }
    return count;
}

uint64_t meta_shard_bytes(const struct meta_segment *segment)
{
    struct ec_stripes stripes;
    struct hearth_err err;
    return ec_stripes_init(&stripes, segment->k, segment->length, &err) == HEARTH_OK
        ? ec_stripes_tagged_shard_size(&stripes)
        : 0;
}

/* ---- telling their nodes ---- */

struct dead_call {
    uint32_t node;
    struct meta_id after;
    struct meta_id *ids;
    size_t max;
    size_t count;
};

static enum hearth_code dead_next(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct dead_call *call = arg;
    call->count = 0;
    if (meta_garbage_is_held_in(tx)) {
        return HEARTH_OK;
    }
    struct sql *sql = sql_use(tx, SQL_DEAD_NEXT);
    sql_set_u64(sql, ":node", call->node);
    sql_set_id(sql, ":after", &call->after);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":max", call->max);
    while (call->count < call->max && sql_step(sql)) {
        sql_id(sql, &call->ids[call->count++]);
    }
    return HEARTH_OK;
}

enum hearth_code meta_dead_next(struct meta_store *store, uint32_t node, struct meta_id after,
    struct meta_id *ids, size_t max, size_t *count, struct hearth_err *err)
{
    assert(max <= META_DEAD_BATCH_MAX);
    struct dead_call call = {.node = node, .after = after, .ids = ids, .max = max};
    enum hearth_code code = meta_read(store, dead_next, &call, err);
    if (code == HEARTH_OK) {
        *count = call.count;
    }
    return code;
}

struct sum_call {
    const uint32_t *nodes;
    size_t count;
    struct meta_dead_sum *sums;
};

static enum hearth_code dead_sum(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct sum_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        struct sql *sql = sql_use(tx, SQL_DEAD_SUM_OF_NODE);
        sql_set_u64(sql, ":node", call->nodes[i]);
        sql_set_u64(sql, ":max", META_DEAD_COUNT_MAX);
        call->sums[i].shards = sql_value(sql);
        call->sums[i].bytes = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_dead_sum(struct meta_store *store, const uint32_t *nodes, size_t count,
    struct meta_dead_sum *sums, struct hearth_err *err)
{
    struct sum_call call = {.nodes = nodes, .count = count, .sums = sums};
    return meta_read(store, dead_sum, &call, err);
}

struct end_call {
    uint32_t node;
    const struct meta_id *ids;
    size_t count;
};

static enum hearth_code dead_end(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct end_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        struct sql *sql = sql_use(tx, SQL_DEAD_END);
        sql_set_u64(sql, ":node", call->node);
        sql_set_id(sql, ":shard", &call->ids[i]);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_dead_end(struct meta_store *store, uint32_t node, const struct meta_id *ids,
    size_t count, struct hearth_err *err)
{
    assert(count <= META_DEAD_BATCH_MAX);
    struct end_call call = {.node = node, .ids = ids, .count = count};
    return meta_run(store, dead_end, &call, err);
}
