/*
 * Segments as they are (meta_segment.h): for other operations, for choosing nodes, for the sweep.
 */
#include "coordinator/meta/meta_segment.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- rows ---- */

bool meta_opened_in(struct meta_tx *tx, const struct meta_id *segment, struct meta_opened *out)
{
    struct sql *sql = sql_use(tx, SQL_OPENED_GET);
    sql_set_id(sql, ":segment", segment);
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, &out->intent);
    sql_bytes(sql, out->vk, sizeof(out->vk));
    out->k = (uint16_t)sql_u64(sql);
    out->n = (uint16_t)sql_u64(sql);
    out->w = (uint16_t)sql_u64(sql);
    out->last_p = (uint16_t)sql_u64(sql);
    out->sealed = sql_u64(sql) != 0;
    return true;
}

bool meta_is_being_written_in(struct meta_tx *tx, const struct meta_id *segment)
{
    struct meta_opened opened;
    struct meta_intent_row intent;
    return meta_opened_in(tx, segment, &opened) && meta_intent_in(tx, &opened.intent, &intent) &&
        intent.state == META_INTENT_OPEN;
}

/* True: *out is the next row. */
static bool read_segment(struct meta_tx *tx, struct sql *sql, struct meta_segment *out)
{
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, &out->id);
    sql_id(sql, &out->bucket);
    out->profile = (uint32_t)sql_u64(sql);
    out->codec = (enum meta_codec)sql_u64(sql);
    out->k = (uint16_t)sql_u64(sql);
    out->n = (uint16_t)sql_u64(sql);
    out->length = (uint32_t)sql_u64(sql);
    sql_bytes(sql, out->vk, sizeof(out->vk));
    out->generation = sql_u64(sql);
    out->refs = sql_u64(sql);
    out->doomed_refs = sql_u64(sql);
    out->sealed_ms = sql_u64(sql);
    out->dying_ms = sql_u64(sql);
    struct view holders = sql_blob(sql);
    struct view damaged = sql_blob(sql);
    struct view passed = sql_blob(sql);
    out->last_p = (uint16_t)sql_u64(sql);
    if (out->n > META_SLOTS_MAX || !meta_holders_decode(holders, out->holders, out->n) ||
        !meta_slots_decode(damaged, out->n, &out->damaged) ||
        !meta_slots_decode(passed, out->n, &out->passed)) {
        sql_fail_damaged(tx, "segment");
        return false;
    }
    return true;
}

bool meta_segment_in(struct meta_tx *tx, const struct meta_id *segment, struct meta_segment *out)
{
    struct sql *sql = sql_use(tx, SQL_SEGMENT_GET);
    sql_set_id(sql, ":segment", segment);
    return read_segment(tx, sql, out);
}

/* ---- reading ---- */

struct nodes_call {
    struct meta_id segment;
    struct meta_segment_nodes nodes;
};

static void add_node(struct meta_segment_nodes *nodes, uint32_t node)
{
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->nodes[i] == node) {
            return;
        }
    }
    if (node > 0 && nodes->count < sizeof(nodes->nodes) / sizeof(nodes->nodes[0])) {
        nodes->nodes[nodes->count++] = node;
    }
}

static enum hearth_code segment_nodes(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct nodes_call *call = arg;
    struct meta_segment segment;
    struct meta_opened opened;
    struct meta_intent_row intent;
    call->nodes = (struct meta_segment_nodes){.count = 0};
    if (meta_segment_in(tx, &call->segment, &segment)) {
        call->nodes.profile = segment.profile;
        for (unsigned slot = 0; slot < segment.n; slot++) {
            add_node(&call->nodes, segment.holders[slot].node);
        }
    } else if (meta_opened_in(tx, &call->segment, &opened) &&
        meta_intent_in(tx, &opened.intent, &intent)) {
        call->nodes.profile = intent.profile;
    } else {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such segment");
    }
    struct sql *sql = sql_use(tx, SQL_OFFER_LIST);
    sql_set_id(sql, ":segment", &call->segment);
    while (sql_step(sql)) {
        sql_u64(sql); /* slot */
        sql_u64(sql); /* p */
        add_node(&call->nodes, (uint32_t)sql_u64(sql));
    }
    return HEARTH_OK;
}

enum hearth_code meta_segment_nodes(struct meta_store *store, struct meta_id segment,
    struct meta_segment_nodes *out, struct hearth_err *err)
{
    struct nodes_call call = {.segment = segment};
    enum hearth_code code = meta_read(store, segment_nodes, &call, err);
    if (code == HEARTH_OK) {
        *out = call.nodes;
    }
    return code;
}

struct segment_call {
    struct meta_id id;
    struct meta_segment segment;
};

static enum hearth_code segment_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct segment_call *call = arg;
    return meta_segment_in(tx, &call->id, &call->segment)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "no such segment");
}

enum hearth_code meta_segment_get(struct meta_store *store, struct meta_id segment,
    struct meta_segment *out, struct hearth_err *err)
{
    struct segment_call call = {.id = segment};
    enum hearth_code code = meta_read(store, segment_get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.segment;
    }
    return code;
}

struct sweep_call {
    struct meta_id after;
    struct meta_segment *segments;
    size_t max;
    size_t count;
};

static enum hearth_code sweep(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct sweep_call *call = arg;
    call->count = 0;
    struct sql *sql = sql_use(tx, SQL_SEGMENT_SWEEP);
    sql_set_id(sql, ":after", &call->after);
    sql_set_u64(sql, ":max", call->max);
    while (call->count < call->max && read_segment(tx, sql, &call->segments[call->count])) {
        call->count++;
    }
    return HEARTH_OK;
}

enum hearth_code meta_sweep(struct meta_store *store, struct meta_id after,
    struct meta_segment *segments, size_t max, size_t *count, struct hearth_err *err)
{
    assert(max >= 1 && max <= META_SWEEP_MAX);
    struct sweep_call call = {.after = after, .segments = segments, .max = max};
    enum hearth_code code = meta_read(store, sweep, &call, err);
    if (code == HEARTH_OK) {
        *count = call.count;
    }
    return code;
}

struct shares_call {
    struct meta_id after;
    struct meta_id last;
    struct meta_share *shares;
    size_t count;
};

static enum hearth_code sweep_shares(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct shares_call *call = arg;
    call->count = 0;
    struct sql *sql = sql_use(tx, SQL_SHARE_SWEEP);
    sql_set_id(sql, ":after", &call->after);
    sql_set_id(sql, ":last", &call->last);
    sql_set_u64(sql, ":max", META_SHARES_MAX);
    while (call->count < META_SHARES_MAX && sql_step(sql)) {
        struct meta_share *share = &call->shares[call->count++];
        sql_id(sql, &share->segment);
        sql_id(sql, &share->bucket);
        share->refs = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_sweep_shares(struct meta_store *store, struct meta_id after,
    struct meta_id last, struct meta_share shares[META_SHARES_MAX], size_t *count,
    struct hearth_err *err)
{
    struct shares_call call = {.after = after, .last = last, .shares = shares};
    enum hearth_code code = meta_read(store, sweep_shares, &call, err);
    if (code == HEARTH_OK) {
        *count = call.count;
    }
    return code;
}
