#include "coordinator/meta/meta_undelete.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_list_seek.h"
#include "coordinator/meta/meta_settings.h"

#include <assert.h>

/* A row of DOOMED_KEPT or DOOMED_LIST; texts are borrowed. */
struct kept_row {
    struct meta_version_row version;
    uint64_t deleted_ms;
    uint64_t until_ms;
    struct view tags;
    struct view key;
};

static bool read_kept(struct sql *sql, struct kept_row *out)
{
    if (!meta_version_read_in(sql, &out->version)) {
        return false;
    }
    out->deleted_ms = sql_u64(sql);
    out->until_ms = sql_u64(sql);
    out->tags = sql_blob(sql);
    out->key = sql_blob(sql);
    return true;
}

static struct view version_view(const struct meta_version *version)
{
    return view_of(version->bytes, sizeof(version->bytes));
}

static enum hearth_code find_bucket(
    struct meta_tx *tx, struct view name, struct meta_id *out, struct hearth_err *err)
{
    struct meta_bucket bucket;
    if (!meta_bucket_named_in(tx, name, &bucket)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such bucket");
    }
    *out = bucket.id;
    return HEARTH_OK;
}

/* ---- one ---- */

struct undelete_call {
    const struct meta_undelete *request;
    struct meta_object_info info;
};

static enum hearth_code find_kept(struct meta_tx *tx, const struct meta_undelete *request,
    const struct meta_id *bucket, struct kept_row *out, struct hearth_err *err)
{
    static const struct meta_version first = {{0}};
    const struct meta_version *version = request->version == NULL ? &first : request->version;
    struct sql *sql = sql_use(tx, SQL_DOOMED_KEPT);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", request->key);
    sql_set_blob(sql, ":version", version_view(version));
    sql_set_u64(sql, ":now", tx->now_ms);
    if (!read_kept(sql, out) ||
        (request->version != NULL &&
            memcmp(out->version.info.version.bytes, version->bytes, sizeof(version->bytes)) != 0)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "nothing deleted is kept under this key%s",
            request->version == NULL ? "" : " and version");
    }
    return HEARTH_OK;
}

static enum hearth_code undelete(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct undelete_call *call = arg;
    const struct meta_undelete *request = call->request;
    struct meta_id bucket;
    struct meta_bucket_row bucket_row;
    struct kept_row kept;
    struct meta_version_row row;
    if (find_bucket(tx, request->bucket, &bucket, err) != HEARTH_OK ||
        meta_bucket_in(tx, &bucket, &bucket_row, err) != HEARTH_OK ||
        find_kept(tx, request, &bucket, &kept, err) != HEARTH_OK) {
        return err->code;
    }
    const struct meta_version_row *newest =
        meta_newest_in(tx, &bucket, request->key, &row) ? &row : NULL;
    if (newest != NULL && !request->replaces) {
        return hearth_fail(err, HEARTH_EXISTS, "the key has an object; it can be replaced");
    }
    struct meta_growth growth = {.adds = kept.version.info.size};
    meta_growth_replaces(&growth, newest);
    if (meta_quota_check_in(tx, &bucket, &bucket_row, &growth, err) != HEARTH_OK) {
        return err->code;
    }
    meta_revive_in(tx, &bucket, request->key, newest, &kept.version, kept.tags, &call->info);
    return HEARTH_OK;
}

enum hearth_code meta_undelete(struct meta_store *store, const struct meta_undelete *request,
    struct meta_object_info *out, struct hearth_err *err)
{
    struct undelete_call call = {.request = request};
    enum hearth_code code = meta_run(store, undelete, &call, err);
    if (code == HEARTH_OK) {
        *out = call.info;
    }
    return code;
}

/* ---- how much ---- */

struct count_call {
    uint64_t objects;
    uint64_t bytes;
};

static enum hearth_code count_deleted(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct count_call *call = arg;
    struct sql *sql = sql_use(tx, SQL_DOOMED_COUNT_KEPT);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":max", META_COUNT_MAX);
    if (sql_step(sql)) {
        call->objects = sql_u64(sql);
        call->bytes = sql_u64(sql);
    }
    return HEARTH_OK;
}

enum hearth_code meta_deleted_count(
    struct meta_store *store, uint64_t *objects, uint64_t *bytes, struct hearth_err *err)
{
    struct count_call call = {.objects = 0};
    enum hearth_code code = meta_read(store, count_deleted, &call, err);
    if (code == HEARTH_OK) {
        *objects = call.objects;
        *bytes = call.bytes;
    }
    return code;
}

/* ---- many ---- */

struct list_call {
    const struct meta_deleted_list *request;
    struct arena *arena;
    struct meta_deleted_page page;
};

/* Past the version all of one key have: none is greater. */
static const struct meta_version last_version = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct meta_version no_version = {{0}};

static struct sql *use_list(struct meta_tx *tx, const struct meta_deleted_list *request,
    const struct meta_id *bucket, uint8_t end[META_KEY_MAX + 1])
{
    size_t end_size = meta_successor(request->prefix, end);
    if (end_size == 0) { /* no bytes come after the prefix: end after the longest key */
        memset(end, 0xff, META_KEY_MAX + 1);
        end_size = META_KEY_MAX + 1;
    }
    bool begins = request->after_key.size == 0;
    const struct meta_version *after =
        request->after_version != NULL ? request->after_version : &last_version;
    struct sql *sql = sql_use(tx, SQL_DOOMED_LIST);
    sql_set_id(sql, ":bucket", bucket);
    sql_set_blob(sql, ":key", begins ? request->prefix : request->after_key);
    sql_set_blob(sql, ":version", version_view(begins ? &no_version : after));
    sql_set_blob(sql, ":end", view_of(end, end_size));
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":max", request->max);
    return sql;
}

static enum hearth_code list_deleted(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct list_call *call = arg;
    const struct meta_deleted_list *request = call->request;
    struct meta_id bucket;
    uint8_t end[META_KEY_MAX + 1];
    struct kept_row row;
    call->page.count = 0;
    if (find_bucket(tx, request->bucket, &bucket, err) != HEARTH_OK) {
        return err->code;
    }
    call->page.entries = meta_take(tx, call->arena, request->max, sizeof(*call->page.entries));
    struct sql *sql = use_list(tx, request, &bucket, end);
    while (call->page.entries != NULL && call->page.count < request->max && read_kept(sql, &row)) {
        call->page.entries[call->page.count++] = (struct meta_deleted){
            .key = meta_keep(tx, call->arena, row.key),
            .info = row.version.info,
            .deleted_ms = row.deleted_ms,
            .until_ms = row.until_ms,
        };
    }
    return HEARTH_OK;
}

enum hearth_code meta_deleted_list(struct meta_store *store,
    const struct meta_deleted_list *request, struct arena *arena, struct meta_deleted_page *out,
    struct hearth_err *err)
{
    assert(request->max > 0 && request->max <= META_DELETED_MAX);
    struct list_call call = {.request = request, .arena = arena};
    enum hearth_code code = meta_read(store, list_deleted, &call, err);
    if (code == HEARTH_OK) {
        *out = call.page;
    }
    return code;
}
