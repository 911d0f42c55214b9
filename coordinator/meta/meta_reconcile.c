#include "coordinator/meta/meta_reconcile.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_settings.h"

#include <assert.h>

/* ---- one shard ---- */

/* What there is to know of the cluster while judging. */
struct judge {
    struct meta_tx *tx;
    uint32_t node;
    bool is_held;
    struct meta_settings settings;
};

bool meta_is_ahead(const struct meta_settings *settings, uint64_t stored_ms)
{
    return settings->backup_ms != 0 && stored_ms + META_AHEAD_MARGIN_MS >= settings->backup_ms &&
        stored_ms <= settings->restored_ms + META_CLOCK_BEHIND_MS_MAX &&
        stored_ms > settings->given_up_ms;
}

static bool is_offered(const struct judge *judge, const struct meta_listed_shard *shard)
{
    struct sql *sql = sql_use(judge->tx, SQL_OFFER_GET);
    sql_set_id(sql, ":segment", &shard->segment);
    sql_set_u64(sql, ":slot", shard->slot);
    sql_set_u64(sql, ":p", shard->p);
    return sql_step(sql);
}

static bool is_named(const struct judge *judge, const struct meta_listed_shard *shard)
{
    struct meta_id id = meta_shard_id_in(judge->tx, &shard->segment, shard->slot, shard->p);
    struct sql *sql = sql_use(judge->tx, SQL_DEAD_NAMED);
    sql_set_u64(sql, ":node", judge->node);
    sql_set_id(sql, ":shard", &id);
    return sql_step(sql);
}

static bool is_holder(const struct judge *judge, const struct meta_segment *segment,
    const struct meta_listed_shard *shard)
{
    return shard->slot < segment->n && segment->holders[shard->slot].node == judge->node &&
        segment->holders[shard->slot].p == shard->p;
}

/* A name is used once: after a restore a node may have one that the backup did not offer yet. */
static void note_used(const struct judge *judge, const struct meta_listed_shard *shard,
    uint16_t last_p, enum statement set_last_p)
{
    if (shard->p > last_p && !meta_tx_failed(judge->tx)) {
        struct sql *sql = sql_use(judge->tx, set_last_p);
        sql_set_id(sql, ":segment", &shard->segment);
        sql_set_u64(sql, ":last_p", shard->p);
        sql_run(sql);
    }
}

/* Of a shard that no layout and no offer names. */
static enum meta_shard_verdict judge_stray(
    const struct judge *judge, const struct meta_listed_shard *shard)
{
    struct meta_opened opened;
    bool is_opened = meta_opened_in(judge->tx, &shard->segment, &opened);
    if (is_opened) {
        note_used(judge, shard, opened.last_p, SQL_OPENED_SET_LAST_P);
    }
    if (is_named(judge, shard)) {
        return META_SHARD_NAMED;
    }
    if (meta_is_ahead(&judge->settings, shard->stored_ms)) {
        return META_SHARD_AHEAD;
    }
    return is_opened ? META_SHARD_PENDING : META_SHARD_UNWANTED;
}

static enum meta_shard_verdict judge_shard(
    const struct judge *judge, const struct meta_listed_shard *shard)
{
    struct meta_segment segment;
    bool is_known = meta_segment_in(judge->tx, &shard->segment, &segment);
    if (is_known) {
        note_used(judge, shard, segment.last_p, SQL_SEGMENT_SET_LAST_P);
    }
    if (is_known && is_holder(judge, &segment, shard)) {
        return segment.dying_ms == 0 ? META_SHARD_WANTED : META_SHARD_PENDING;
    }
    if (is_offered(judge, shard)) {
        bool may_be_lost = judge->is_held && meta_is_ahead(&judge->settings, shard->stored_ms);
        return may_be_lost ? META_SHARD_AHEAD : META_SHARD_PENDING;
    }
    /* A sealed segment is not opened any more: its intent has no say in it. */
    if (is_known) {
        return is_named(judge, shard)                           ? META_SHARD_NAMED
            : meta_is_ahead(&judge->settings, shard->stored_ms) ? META_SHARD_AHEAD
                                                                : META_SHARD_UNWANTED;
    }
    return judge_stray(judge, shard);
}

/* ---- many ---- */

struct judge_call {
    uint32_t node;
    struct meta_listed_shard *shards;
    size_t count;
};

static enum hearth_code judge_all(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct judge_call *call = arg;
    struct judge judge = {.tx = tx, .node = call->node};
    meta_settings_in(tx, &judge.settings);
    judge.is_held = judge.settings.garbage_held;
    for (size_t i = 0; i < call->count; i++) {
        struct meta_listed_shard *shard = &call->shards[i];
        shard->verdict = judge_shard(&judge, shard);
        if (shard->verdict == META_SHARD_UNWANTED && !shard->is_trash && !judge.is_held &&
            !meta_tx_failed(tx)) {
            const struct meta_dead dead = {.segment = &shard->segment,
                .slot = shard->slot,
                .placement = {.node = call->node, .p = shard->p},
                .not_before_ms = tx->now_ms,
                .bytes = shard->length};
            meta_dead_insert_in(tx, &dead);
        }
    }
    return HEARTH_OK;
}

enum hearth_code meta_reconcile_judge(struct meta_store *store, uint32_t node,
    struct meta_listed_shard *shards, size_t count, struct hearth_err *err)
{
    assert(count <= META_RECONCILE_MAX);
    struct judge_call call = {.node = node, .shards = shards, .count = count};
    return meta_run(store, judge_all, &call, err);
}

/* ---- what came of it ---- */

struct put_call {
    const struct meta_reconciled *done;
    const uint32_t *nodes;
    size_t count;
    bool released;
};

static void write_row(struct meta_tx *tx, const struct meta_reconciled *row)
{
    struct sql *sql = sql_use(tx, SQL_RECONCILED_PUT);
    sql_set_u64(sql, ":node", row->node);
    sql_set_u64(sql, ":epoch", row->epoch);
    sql_set_u64(sql, ":as_of", row->as_of_ms);
    sql_set_u64(sql, ":shards", row->shards);
    sql_set_u64(sql, ":unwanted", row->unwanted);
    sql_set_u64(sql, ":ahead", row->ahead);
    sql_set_u64(sql, ":missing", row->missing);
    sql_set_u64(sql, ":wanted_in_trash", row->wanted_in_trash);
    sql_run(sql);
}

static bool read_row(struct sql *sql, struct meta_reconciled *out)
{
    if (!sql_step(sql)) {
        return false;
    }
    out->node = (uint32_t)sql_u64(sql);
    out->epoch = sql_u64(sql);
    out->as_of_ms = sql_u64(sql);
    out->shards = sql_u64(sql);
    out->unwanted = sql_u64(sql);
    out->ahead = sql_u64(sql);
    out->missing = sql_u64(sql);
    out->wanted_in_trash = sql_u64(sql);
    return true;
}

static bool nothing_is_ahead(struct meta_tx *tx, uint64_t epoch, const struct put_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        struct meta_reconciled row;
        struct sql *sql = sql_use(tx, SQL_RECONCILED_GET);
        sql_set_u64(sql, ":node", call->nodes[i]);
        if (!read_row(sql, &row) || row.epoch != epoch || row.ahead > 0) {
            return false;
        }
    }
    return true;
}

static enum hearth_code put(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct put_call *call = arg;
    struct meta_settings settings = {.recovery_epoch = 0};
    meta_settings_in(tx, &settings);
    write_row(tx, call->done);
    call->released = settings.garbage_held && call->count > 0 &&
        nothing_is_ahead(tx, settings.recovery_epoch, call);
    if (call->released) {
        struct sql *sql = sql_use(tx, SQL_CLUSTER_UNHOLD);
        sql_set_u64(sql, ":given_up", settings.given_up_ms);
        sql_run(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_reconciled_put(struct meta_store *store, const struct meta_reconciled *done,
    const uint32_t *nodes, size_t count, bool *released, struct hearth_err *err)
{
    struct put_call call = {.done = done, .nodes = nodes, .count = count};
    enum hearth_code code = meta_run(store, put, &call, err);
    if (code == HEARTH_OK) {
        *released = call.released;
    }
    return code;
}

/* ---- the second confirmation ---- */

#define TRASH_KEPT_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)

struct purge_call {
    uint32_t node;
    uint64_t until_ms;
};

static enum hearth_code purge_until(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct purge_call *call = arg;
    struct meta_settings settings = {.garbage_held = true};
    struct meta_reconciled row;
    meta_settings_in(tx, &settings);
    struct sql *sql = sql_use(tx, SQL_RECONCILED_GET);
    sql_set_u64(sql, ":node", call->node);
    bool is_confirmed = read_row(sql, &row) && !settings.garbage_held &&
        row.epoch == settings.recovery_epoch && row.wanted_in_trash == 0;
    call->until_ms = is_confirmed && tx->now_ms > TRASH_KEPT_MS ? tx->now_ms - TRASH_KEPT_MS : 0;
    return HEARTH_OK;
}

enum hearth_code meta_purge_until(
    struct meta_store *store, uint32_t node, uint64_t *unix_ms, struct hearth_err *err)
{
    struct purge_call call = {.node = node};
    enum hearth_code code = meta_read(store, purge_until, &call, err);
    if (code == HEARTH_OK) {
        *unix_ms = call.until_ms;
    }
    return code;
}

/* ---- all rows ---- */

enum { ROWS_MAX = 8192 }; /* nodes there may be */

struct list_call {
    struct arena *arena;
    struct meta_reconciled_list list;
};

static enum hearth_code list_rows(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct list_call *call = arg;
    struct meta_reconciled *rows = meta_take(tx, call->arena, ROWS_MAX, sizeof(*rows));
    call->list = (struct meta_reconciled_list){.rows = rows};
    struct sql *sql = sql_use(tx, SQL_RECONCILED_LIST);
    while (rows != NULL && call->list.count < ROWS_MAX && read_row(sql, &rows[call->list.count])) {
        call->list.count++;
    }
    return HEARTH_OK;
}

enum hearth_code meta_reconciled_list(struct meta_store *store, struct arena *arena,
    struct meta_reconciled_list *out, struct hearth_err *err)
{
    struct list_call call = {.arena = arena};
    enum hearth_code code = meta_read(store, list_rows, &call, err);
    if (code == HEARTH_OK) {
        *out = call.list;
    }
    return code;
}
