/*
 * Tags of a version that is there (meta_object.h).
 */
#include "coordinator/meta/meta_object.h"

#include "coordinator/meta/meta_inside.h"

struct tags_call {
    struct meta_id bucket;
    struct view key;
    const struct meta_version *version;
    struct view tags;
};

static enum hearth_code set_tags(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct tags_call *call = arg;
    struct meta_version_row row;
    bool found = call->version == NULL
        ? meta_newest_in(tx, &call->bucket, call->key, &row)
        : meta_version_in(tx, &call->bucket, call->key, call->version, false, &row);
    if (!found) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no such key or version");
    }
    const struct meta_version *version = &row.info.version;
    struct sql *sql = sql_use(tx, SQL_VERSION_SET_TAGS);
    sql_set_id(sql, ":bucket", &call->bucket);
    sql_set_blob(sql, ":key", call->key);
    sql_set_blob(sql, ":version", view_of(version->bytes, sizeof(version->bytes)));
    sql_set_blob(sql, ":tags", call->tags);
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_tags_set(struct meta_store *store, struct meta_id bucket, struct view key,
    const struct meta_version *version, struct view tags, struct hearth_err *err)
{
    if (tags.size > META_TAGS_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%zu bytes of tags, at most %d", tags.size, META_TAGS_MAX);
    }
    struct tags_call call = {.bucket = bucket, .key = key, .version = version, .tags = tags};
    return meta_run(store, set_tags, &call, err);
}
