#include "coordinator/meta/meta_settings.h"

#include "coordinator/meta/meta_inside.h"

void meta_settings_in(struct meta_tx *tx, struct meta_settings *out)
{
    struct sql *sql = sql_use(tx, SQL_CLUSTER_GET);
    if (sql_step(sql)) {
        sql_id(sql, &out->cluster);
        out->recovery_epoch = sql_u64(sql);
        out->garbage_held = sql_u64(sql) != 0;
        sql_u64(sql); /* clock */
        sql_u64(sql); /* is_backup */
        out->backup_ms = sql_u64(sql);
        out->restored_ms = sql_u64(sql);
        out->given_up_ms = sql_u64(sql);
        out->release_until_ms = sql_u64(sql);
    }
}

static enum hearth_code cluster_set(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_id *cluster = arg;
    struct meta_settings settings = {0};
    meta_settings_in(tx, &settings);
    if (meta_id_equal(settings.cluster, *cluster)) {
        return HEARTH_OK;
    }
    if (!meta_id_is_zero(settings.cluster)) {
        return hearth_fail(
            err, HEARTH_EXISTS, "set cluster id: the database is of another cluster");
    }
    struct sql *sql = sql_use(tx, SQL_CLUSTER_SET_ID);
    sql_set_id(sql, ":cluster", cluster);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_cluster_set(
    struct meta_store *store, struct meta_id cluster, struct hearth_err *err)
{
    return meta_run(store, cluster_set, &cluster, err);
}

static enum hearth_code settings_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    meta_settings_in(tx, arg);
    return HEARTH_OK;
}

enum hearth_code meta_settings_get(
    struct meta_store *store, struct meta_settings *out, struct hearth_err *err)
{
    return meta_read(store, settings_get, out, err);
}

static enum hearth_code garbage_unhold(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)arg;
    (void)err;
    struct sql *sql = sql_use(tx, SQL_CLUSTER_UNHOLD);
    sql_set_u64(sql, ":given_up", tx->now_ms);
    sql_run(sql);
    struct sql *release = sql_use(tx, SQL_CLUSTER_RELEASE);
    sql_set_u64(release, ":until", tx->now_ms + META_RELEASE_MS);
    sql_run(release);
    return HEARTH_OK;
}

enum hearth_code meta_garbage_unhold(struct meta_store *store, struct hearth_err *err)
{
    return meta_run(store, garbage_unhold, NULL, err);
}

static uint64_t count_up_to_max(struct meta_tx *tx, enum statement statement)
{
    struct sql *sql = sql_use(tx, statement);
    sql_set_u64(sql, ":max", META_COUNT_MAX);
    return sql_value(sql);
}

static enum hearth_code counts_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_counts *out = arg;
    out->buckets = sql_value(sql_use(tx, SQL_COUNT_BUCKETS));
    struct sql *usage = sql_use(tx, SQL_COUNT_USAGE);
    if (sql_step(usage)) {
        out->objects = sql_u64(usage);
        out->bytes = sql_u64(usage);
    }
    out->intents_open = count_up_to_max(tx, SQL_COUNT_INTENTS_OPEN);
    out->bodies_doomed = count_up_to_max(tx, SQL_COUNT_DOOMED);
    out->shards_dead = count_up_to_max(tx, SQL_COUNT_DEAD);
    return HEARTH_OK;
}

enum hearth_code meta_counts_get(
    struct meta_store *store, struct meta_counts *out, struct hearth_err *err)
{
    return meta_read(store, counts_get, out, err);
}
