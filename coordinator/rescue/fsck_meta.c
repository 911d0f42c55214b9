#include "coordinator/rescue/fsck_meta.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "coordinator/cluster.h"
#include "coordinator/meta/meta_blob.h"
#include "coordinator/rescue/shipment_name.h"
#include "coordinator/shard_name.h"

#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
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

static sqlite3_stmt *prepare(struct fsck_meta *meta, const char *text)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(meta->db, text, -1, &statement, NULL);
    if (rc != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(meta->db));
    }
    assert(rc == SQLITE_OK);
    return statement;
}

static struct view column(sqlite3_stmt *row, int index)
{
    return view_of(sqlite3_column_blob(row, index), (size_t)sqlite3_column_bytes(row, index));
}

static bool is_there(
    struct fsck_meta *meta, const char *text, struct view blob, const int64_t *numbers, int count)
{
    sqlite3_stmt *statement = prepare(meta, text);
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

/* One mention of a segment by a body; many of them, sorted, beside the segments in order. */
struct mention {
    struct meta_id segment;
    uint64_t end;
    bool is_doomed;
};

struct mentions {
    struct mention *items;
    size_t count;
    size_t capacity;
    size_t next;    /* during the sweep */
    bool is_doomed; /* the body whose extents are mentioned */
    struct fsck_report *report;
};

static void mention(struct mentions *mentions, struct meta_extent extent)
{
    if (mentions->count == mentions->capacity) {
        mentions->capacity = mentions->capacity == 0 ? 1024 : 2 * mentions->capacity;
        mentions->items = realloc(mentions->items, mentions->capacity * sizeof(mentions->items[0]));
        assert(mentions->items != NULL);
    }
    mentions->items[mentions->count++] = (struct mention){.segment = extent.segment,
        .end = (uint64_t)extent.offset + extent.length,
        .is_doomed = mentions->is_doomed};
}

/* Extents from `first` on; their length together. */
static uint64_t mention_all(struct mentions *mentions, struct view extents, size_t first)
{
    uint64_t length = 0;
    size_t count;
    if (!meta_extents_count(extents, &count)) {
        fsck_problem(mentions->report, "a body's extents cannot be read");
        return 0;
    }
    for (size_t i = first; i < count; i++) {
        struct meta_extent extent = meta_extents_at(extents, i);
        mention(mentions, extent);
        length += extent.length;
    }
    return length;
}

static void read_versions(
    struct fsck_meta *meta, struct mentions *mentions, struct fsck_report *report)
{
    sqlite3_stmt *row = prepare(meta,
        "SELECT v.key, v.size, v.extent_count, b.extents, b.body IS NULL FROM object_version v"
        " LEFT JOIN body b ON b.body = v.body");
    while (sqlite3_step(row) == SQLITE_ROW) {
        struct view key = column(row, 0);
        uint64_t size = (uint64_t)sqlite3_column_int64(row, 1);
        int64_t extents = sqlite3_column_int64(row, 2);
        report->objects++;
        report->bytes += size;
        if (sqlite3_column_int(row, 4) != 0) {
            fsck_problem(report, "%.*s: a version without its body", VIEW_ARGS(key));
            continue;
        }
        uint64_t length = mention_all(mentions, column(row, 3), 0);
        if (column(row, 3).size != meta_extents_size((size_t)extents) ||
            (extents > 0 && length != size)) {
            fsck_problem(report, "%.*s: extents hold %" PRIu64 " bytes, the version says %" PRIu64,
                VIEW_ARGS(key), length, size);
        }
    }
    sqlite3_finalize(row);
}

static void read_doomed(
    struct fsck_meta *meta, struct mentions *mentions, struct fsck_report *report)
{
    mentions->is_doomed = true;
    sqlite3_stmt *row = prepare(meta,
        "SELECT d.extents_reaped, b.extents, b.body IS NULL FROM doomed d"
        " LEFT JOIN body b ON b.body = d.body");
    while (sqlite3_step(row) == SQLITE_ROW) {
        if (sqlite3_column_int(row, 2) != 0) {
            fsck_problem(report, "a doomed body is not there");
        } else {
            mention_all(mentions, column(row, 1), (size_t)sqlite3_column_int64(row, 0));
        }
    }
    sqlite3_finalize(row);
    mentions->is_doomed = false;
}

static void read_parts(
    struct fsck_meta *meta, struct mentions *mentions, struct fsck_report *report)
{
    sqlite3_stmt *row = prepare(meta,
        "SELECT p.part, p.size, b.extents, b.body IS NULL FROM part p"
        " LEFT JOIN body b ON b.body = p.body");
    while (sqlite3_step(row) == SQLITE_ROW) {
        if (sqlite3_column_int(row, 3) != 0) {
            fsck_problem(report, "a part's body is not there");
        } else if (mention_all(mentions, column(row, 2), 0) !=
            (uint64_t)sqlite3_column_int64(row, 1)) {
            fsck_problem(
                report, "part %d: its extents are not its size", sqlite3_column_int(row, 0));
        }
    }
    sqlite3_finalize(row);
}

static int by_segment(const void *a, const void *b)
{
    return memcmp(((const struct mention *)a)->segment.bytes,
        ((const struct mention *)b)->segment.bytes, META_ID_SIZE);
}

static void report_missing(struct mentions *mentions, const struct mention *item)
{
    char text[2 * META_ID_SIZE + 1];
    hex_encode(item->segment.bytes, META_ID_SIZE, text);
    fsck_problem(mentions->report, "segment %s: a body names it, and it is not there", text);
}

/* Segments and mentions ascend together. */
static void check_mentions(void *context, const struct meta_segment *segment)
{
    struct mentions *mentions = context;
    char text[2 * META_ID_SIZE + 1];
    uint64_t refs = 0;
    uint64_t doomed = 0;
    hex_encode(segment->id.bytes, META_ID_SIZE, text);
    for (; mentions->next < mentions->count; mentions->next++) {
        const struct mention *item = &mentions->items[mentions->next];
        int order = memcmp(item->segment.bytes, segment->id.bytes, META_ID_SIZE);
        if (order > 0) {
            break;
        }
        if (order < 0) {
            report_missing(mentions, item);
            continue;
        }
        refs++;
        doomed += item->is_doomed;
        if (item->end > segment->length) {
            fsck_problem(mentions->report, "segment %s: an extent ends at %" PRIu64 " of %" PRIu32,
                text, item->end, segment->length);
        }
    }
    if (refs != segment->refs) {
        fsck_problem(mentions->report, "segment %s: refs say %" PRIu64 ", bodies %" PRIu64, text,
            segment->refs, refs);
    }
    if (segment->doomed_refs > doomed) { /* it would not be repaired; fewer is a matter of time */
        fsck_problem(mentions->report,
            "segment %s: doomed refs say %" PRIu64 ", doomed bodies %" PRIu64, text,
            segment->doomed_refs, doomed);
    }
    if (segment->dying_ms != 0 && refs != 0) {
        fsck_problem(
            mentions->report, "segment %s: is dying, and %" PRIu64 " extents name it", text, refs);
    }
}

static enum hearth_code check_references(
    struct fsck_meta *meta, struct fsck_report *report, struct hearth_err *err)
{
    struct mentions mentions = {.report = report};
    read_versions(meta, &mentions, report);
    read_doomed(meta, &mentions, report);
    read_parts(meta, &mentions, report);
    if (mentions.count > 0) {
        qsort(mentions.items, mentions.count, sizeof(mentions.items[0]), by_segment);
    }
    enum hearth_code code = fsck_meta_sweep(meta, check_mentions, &mentions, err);
    for (; code == HEARTH_OK && mentions.next < mentions.count; mentions.next++) {
        report_missing(&mentions, &mentions.items[mentions.next]);
    }
    free(mentions.items);
    return code;
}

/* Each row of the statement is a problem; its first column says which. */
static void check_rows(
    struct fsck_meta *meta, const char *what, const char *text, struct fsck_report *report)
{
    sqlite3_stmt *row = prepare(meta, text);
    while (sqlite3_step(row) == SQLITE_ROW) {
        fsck_problem(report, "%s: %s", what, (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
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
    return check_references(meta, report, err);
}
