#include "coordinator/rescue/fsck_references.h"

#include "common/codec.h"
#include "coordinator/meta/meta_blob.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct view column(sqlite3_stmt *row, int index)
{
    return view_of(sqlite3_column_blob(row, index), (size_t)sqlite3_column_bytes(row, index));
}

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
    sqlite3_stmt *row = fsck_meta_prepare(meta,
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
    sqlite3_stmt *row = fsck_meta_prepare(meta,
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
    sqlite3_stmt *row = fsck_meta_prepare(meta,
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

enum hearth_code fsck_references_check(
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
