#include "coordinator/rescue/fsck_meta.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "coordinator/cluster.h"
#include "coordinator/rescue/fsck_references.h"
#include "coordinator/rescue/shipment_name.h"
#include "coordinator/shard_name.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct fsck_meta {
    struct shard_name_keys names;
    struct shipment_keys shipments;
    struct meta_store *store;
    struct arena arena;
    struct meta_node_list nodes;
    sqlite3 *db; /* reads only */
};

/* ---- a life ---- */

static enum hearth_code open_store(
    struct fsck_meta *meta, struct env *env, const char *folder, struct hearth_err *err)
{
    char path[PATH_MAX];
    const struct meta_store_options options = {
        .directory = folder,
        .env = env,
        .names = &meta->names,
    };
    if (meta_store_open(&options, &meta->store, err) != HEARTH_OK) {
        return err->code;
    }
    snprintf(path, sizeof(path), "%s/meta.db", folder);
    if (sqlite3_open_v2(path, &meta->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return hearth_fail(err, HEARTH_IO, "open %s: %s", path, sqlite3_errmsg(meta->db));
    }
    return meta_node_list(meta->store, &meta->arena, &meta->nodes, err);
}

enum hearth_code fsck_meta_open(const struct cluster *cluster, struct env *env, const char *folder,
    struct fsck_meta **out, struct hearth_err *err)
{
    struct fsck_meta *meta = calloc(1, sizeof(*meta));
    assert(meta != NULL);
    arena_init(&meta->arena, 0);
    shard_name_keys_init(&meta->names, cluster->master);
    shipment_keys_init(&meta->shipments, cluster->master);
    if (open_store(meta, env, folder, err) != HEARTH_OK) {
        fsck_meta_close(meta);
        return hearth_err_prefix(err, "open the copy of the metadata");
    }
    *out = meta;
    return HEARTH_OK;
}

void fsck_meta_close(struct fsck_meta *meta)
{
    if (meta == NULL) {
        return;
    }
    sqlite3_close(meta->db);
    meta_store_close(meta->store);
    shard_name_keys_fini(&meta->names);
    shipment_keys_fini(&meta->shipments);
    arena_fini(&meta->arena);
    free(meta);
}

const struct meta_node_list *fsck_meta_nodes(const struct fsck_meta *meta)
{
    return &meta->nodes;
}

const struct meta_node *fsck_meta_node(const struct fsck_meta *meta, uint32_t number)
{
    for (size_t i = 0; i < meta->nodes.count; i++) {
        if (meta->nodes.nodes[i].number == number) {
            return &meta->nodes.nodes[i];
        }
    }
    return NULL;
}

enum hearth_code fsck_meta_settings(
    struct fsck_meta *meta, struct meta_settings *out, struct hearth_err *err)
{
    return meta_settings_get(meta->store, out, err);
}

enum hearth_code fsck_meta_sweep(
    struct fsck_meta *meta, fsck_segment_fn *check, void *context, struct hearth_err *err)
{
    FREES struct meta_segment *segments = calloc(META_SWEEP_MAX, sizeof(*segments));
    assert(segments != NULL);
    struct meta_id after = {{0}};
    size_t count;
    do {
        if (meta_sweep(meta->store, after, segments, META_SWEEP_MAX, &count, err) != HEARTH_OK) {
            return hearth_err_prefix(err, "sweep");
        }
        for (size_t i = 0; i < count; i++) {
            check(context, &segments[i]);
            after = segments[i].id;
        }
    } while (count == META_SWEEP_MAX);
    return HEARTH_OK;
}

/* ---- rows ---- */

sqlite3_stmt *fsck_meta_prepare(struct fsck_meta *meta, const char *text)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(meta->db, text, -1, &statement, NULL);
    if (rc != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(meta->db));
    }
    assert(rc == SQLITE_OK);
    return statement;
}

void fsck_meta_finish(sqlite3_stmt *statement, struct fsck_report *report)
{
    sqlite3 *db = sqlite3_db_handle(statement);
    if (sqlite3_finalize(statement) != SQLITE_OK) {
        fsck_problem(report, "the database cannot be read to its end: %s", sqlite3_errmsg(db));
    }
}

static bool is_there(
    struct fsck_meta *meta, const char *text, struct view blob, const int64_t *numbers, int count)
{
    sqlite3_stmt *statement = fsck_meta_prepare(meta, text);
    sqlite3_bind_blob(statement, 1, blob.bytes, (int)blob.size, SQLITE_STATIC);
    for (int i = 0; i < count; i++) {
        sqlite3_bind_int64(statement, 2 + i, numbers[i]);
    }
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

/* ---- who names a shard ---- */

void fsck_meta_shard_id(const struct fsck_meta *meta, const struct meta_segment *segment,
    unsigned slot, uint8_t id[META_ID_SIZE])
{
    struct shard_name name;
    struct shard_place place = {.slot = (uint16_t)slot, .p = segment->holders[slot].p};
    memcpy(place.segment, segment->id.bytes, sizeof(place.segment));
    shard_name_make(&meta->names, &place, &name);
    memcpy(id, name.id, sizeof(name.id));
}

bool fsck_meta_place(const struct fsck_meta *meta, const struct shard_name *name,
    struct meta_id *segment, uint16_t *slot)
{
    struct shard_place place;
    if (!shard_name_open(&meta->names, name, &place)) {
        return false;
    }
    memcpy(segment->bytes, place.segment, sizeof(segment->bytes));
    *slot = place.slot;
    return true;
}

static bool is_holder(struct fsck_meta *meta, uint32_t node, const struct shard_place *place)
{
    struct meta_segment segment;
    struct meta_id id;
    struct hearth_err err;
    memcpy(id.bytes, place->segment, sizeof(id.bytes));
    return meta_segment_get(meta->store, id, &segment, &err) == HEARTH_OK &&
        place->slot < segment.n && segment.holders[place->slot].node == node &&
        segment.holders[place->slot].p == place->p;
}

enum fsck_naming fsck_meta_who_names(
    struct fsck_meta *meta, uint32_t node, const uint8_t id[META_ID_SIZE], struct view locator)
{
    struct shard_name name;
    struct shard_place place;
    assert(locator.size == sizeof(name.locator));
    memcpy(name.id, id, sizeof(name.id));
    memcpy(name.locator, locator.bytes, sizeof(name.locator));
    if (!shard_name_open(&meta->names, &name, &place)) {
        return FSCK_NAME_FORGED;
    }
    if (is_holder(meta, node, &place)) {
        return FSCK_NAMED_HOLDER;
    }
    if (is_there(meta,
            "SELECT 1 FROM offer WHERE segment = ?1 AND slot = ?2 AND p = ?3 AND node = ?4",
            view_of(place.segment, sizeof(place.segment)),
            (const int64_t[]){place.slot, place.p, node}, 3)) {
        return FSCK_NAMED_OFFER;
    }
    if (is_there(meta, "SELECT 1 FROM dead_shard WHERE shard = ?1 AND node = ?2",
            view_of(id, META_ID_SIZE), (const int64_t[]){node}, 1)) {
        return FSCK_NAMED_DEAD;
    }
    struct shipment_name shipment;
    return shipment_name_open(&meta->shipments, place.segment, &shipment) ? FSCK_NAMED_SHIPMENT
                                                                          : FSCK_NAMED_NOWHERE;
}

/* ---- metadata against itself ---- */

/* Each row of the statement is a problem; its first column says which. */
static void check_rows(
    struct fsck_meta *meta, const char *what, const char *text, struct fsck_report *report)
{
    sqlite3_stmt *row = fsck_meta_prepare(meta, text);
    while (sqlite3_step(row) == SQLITE_ROW) {
        fsck_problem(report, "%s: %s", what, (const char *)sqlite3_column_text(row, 0));
    }
    fsck_meta_finish(row, report);
}

enum hearth_code fsck_meta_check(
    struct fsck_meta *meta, struct fsck_report *report, struct hearth_err *err)
{
    check_rows(meta, "database",
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", report);
    check_rows(meta, "a body that neither a version nor doom names",
        "SELECT hex(body) FROM body WHERE body NOT IN (SELECT body FROM object_version)"
        " AND body NOT IN (SELECT body FROM doomed) AND body NOT IN (SELECT body FROM part)",
        report);
    check_rows(meta, "usage of a bucket is off by objects, bytes",
        "SELECT SUM(objects) || ', ' || SUM(bytes) FROM (SELECT bucket, objects, bytes FROM usage"
        " UNION ALL SELECT bucket, -1, -size FROM object_version"
        " UNION ALL SELECT u.bucket, 0, -p.size FROM part p JOIN upload u ON u.upload = p.upload"
        " WHERE u.state = 1) GROUP BY bucket"
        " HAVING SUM(objects) <> 0 OR SUM(bytes) <> 0",
        report);
    check_rows(meta, "what uploads under way reserve of a bucket is off by objects, bytes",
        "SELECT SUM(objects) || ', ' || SUM(bytes) FROM (SELECT bucket, reserved_objects AS "
        "objects,"
        " reserved_bytes AS bytes FROM usage"
        " UNION ALL SELECT bucket, -reserved_objects, -reserved_bytes FROM intent WHERE state = 1"
        " UNION ALL SELECT bucket, -reserved_objects, 0 FROM upload WHERE state = 1)"
        " WHERE bucket IN (SELECT bucket FROM bucket) GROUP BY bucket"
        " HAVING SUM(objects) <> 0 OR SUM(bytes) <> 0",
        report);
    check_rows(meta, "objects in a bucket that is not there",
        "SELECT DISTINCT hex(bucket) FROM object_version WHERE bucket NOT IN"
        " (SELECT bucket FROM bucket)",
        report);
    return fsck_references_check(meta, report, err);
}
