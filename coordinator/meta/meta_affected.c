#include "coordinator/meta/meta_affected.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_sql.h"

struct affected_call {
    const struct meta_affected_query *query;
    struct arena *arena;
    struct meta_affected_page *out;
};

/* False: none of its segments is wanted. */
static bool find_wanted(
    const struct meta_affected_query *query, struct view extents, struct meta_id *segment)
{
    size_t count;
    if (!meta_extents_count(extents, &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct meta_extent extent = meta_extents_at(extents, i);
        if (query->is_wanted(query->context, extent.segment)) {
            *segment = extent.segment;
            return true;
        }
    }
    return false;
}

static void look_at(struct affected_call *call, struct sql *sql)
{
    struct meta_affected_page *out = call->out;
    struct meta_affected_object object;
    sql_id(sql, &out->last.bucket);
    out->last.key = arena_copy(call->arena, sql_blob(sql));
    sql_bytes(sql, out->last.version.bytes, sizeof(out->last.version.bytes));
    const struct view name = sql_blob(sql);
    const struct view extents = sql_blob(sql);
    out->looked_at++;
    if (find_wanted(call->query, extents, &object.segment)) {
        object.bucket = arena_copy(call->arena, name);
        object.key = out->last.key;
        object.version = out->last.version;
        out->objects[out->count++] = object;
    }
}

static enum hearth_code look(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct affected_call *call = arg;
    const struct meta_affected_cursor *after = &call->query->after;
    struct sql *sql = sql_use(tx, SQL_VERSION_WALK);
    sql_set_id(sql, ":bucket", &after->bucket);
    sql_set_blob(sql, ":key", after->key);
    sql_set_blob(sql, ":version", view_of(after->version.bytes, sizeof(after->version.bytes)));
    sql_set_u64(sql, ":max", META_AFFECTED_PAGE);
    call->out->count = call->out->looked_at = 0;
    call->out->last = *after;
    while (call->out->looked_at < META_AFFECTED_PAGE && sql_step(sql)) {
        look_at(call, sql);
        if (call->out->last.key.bytes == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "names of objects");
        }
    }
    return HEARTH_OK;
}

enum hearth_code meta_affected(struct meta_store *store, const struct meta_affected_query *query,
    struct arena *arena, struct meta_affected_page *out, struct hearth_err *err)
{
    struct affected_call call = {.query = query, .arena = arena, .out = out};
    return meta_read(store, look, &call, err);
}
