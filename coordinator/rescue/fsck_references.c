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

static struct meta_id id_column(sqlite3_stmt *row, int index)
{
    struct meta_id id = {{0}};
    struct view bytes = column(row, index);
    memcpy(id.bytes, bytes.bytes, bytes.size == sizeof(id.bytes) ? bytes.size : 0);
    return id;
}

/* One mention of a segment by a body; many of them, sorted, beside the segments in order. */
struct mention {
    struct meta_id segment;
    struct meta_id bucket; /* the body's */
    uint64_t end;
    bool is_doomed;
};

struct mentions {
    struct mention *items;
    size_t count;
    size_t capacity;
    size_t next;           /* during the sweep */
    struct meta_id bucket; /* of the body whose extents are mentioned */
    bool is_doomed;        /* likewise */
    sqlite3_stmt *shares;  /* all, in the order of mentions; during the sweep */
    bool has_share;        /* `shares` is at a row */
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
        .bucket = mentions->bucket,
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
        "SELECT v.key, v.size, v.extent_count, b.extents, b.body IS NULL, v.bucket"
        " FROM object_version v"
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
        mentions->bucket = id_column(row, 5);
        uint64_t length = mention_all(mentions, column(row, 3), 0);
        if (column(row, 3).size != meta_extents_size((size_t)extents) ||
            (extents > 0 && length != size)) {
            fsck_problem(report, "%.*s: extents hold %" PRIu64 " bytes, the version says %" PRIu64,
                VIEW_ARGS(key), length, size);
        }
    }
    fsck_meta_finish(row, report);
}

static void read_doomed(
    struct fsck_meta *meta, struct mentions *mentions, struct fsck_report *report)
{
    mentions->is_doomed = true;
    sqlite3_stmt *row = fsck_meta_prepare(meta,
        "SELECT d.extents_reaped, b.extents, b.body IS NULL, d.bucket FROM doomed d"
        " LEFT JOIN body b ON b.body = d.body");
    while (sqlite3_step(row) == SQLITE_ROW) {
        mentions->bucket = id_column(row, 3);
        if (sqlite3_column_int(row, 2) != 0) {
            fsck_problem(report, "a doomed body is not there");
        } else {
            mention_all(mentions, column(row, 1), (size_t)sqlite3_column_int64(row, 0));
        }
    }
    fsck_meta_finish(row, report);
    mentions->is_doomed = false;
}

static void read_parts(
    struct fsck_meta *meta, struct mentions *mentions, struct fsck_report *report)
{
    sqlite3_stmt *row = fsck_meta_prepare(meta,
        "SELECT p.part, p.size, b.extents, b.body IS NULL, u.bucket, u.upload IS NULL FROM part p"
        " LEFT JOIN body b ON b.body = p.body LEFT JOIN upload u ON u.upload = p.upload");
    while (sqlite3_step(row) == SQLITE_ROW) {
        mentions->bucket = id_column(row, 4);
        if (sqlite3_column_int(row, 5) != 0) {
            fsck_problem(report, "part %d: its upload is not there", sqlite3_column_int(row, 0));
        } else if (sqlite3_column_int(row, 3) != 0) {
            fsck_problem(report, "a part's body is not there");
        } else if (mention_all(mentions, column(row, 2), 0) !=
            (uint64_t)sqlite3_column_int64(row, 1)) {
            fsck_problem(
                report, "part %d: its extents are not its size", sqlite3_column_int(row, 0));
        }
    }
    fsck_meta_finish(row, report);
}

/* By segment, then bucket. */
static int by_segment(const void *a, const void *b)
{
    const struct mention *one = a;
    const struct mention *other = b;
    int order = memcmp(one->segment.bytes, other->segment.bytes, META_ID_SIZE);
    return order != 0 ? order : memcmp(one->bucket.bytes, other->bucket.bytes, META_ID_SIZE);
}

static void report_missing(struct mentions *mentions, const struct mention *item)
{
    char text[2 * META_ID_SIZE + 1];
    hex_encode(item->segment.bytes, META_ID_SIZE, text);
    fsck_problem(mentions->report, "segment %s: a body names it, and it is not there", text);
}

/* ---- shares ---- */

static void next_share(struct mentions *mentions)
{
    mentions->has_share = sqlite3_step(mentions->shares) == SQLITE_ROW;
}

static void report_share(struct mentions *mentions, struct meta_id segment, struct meta_id bucket,
    uint64_t said, uint64_t counted)
{
    char segment_text[2 * META_ID_SIZE + 1];
    char bucket_text[2 * META_ID_SIZE + 1];
    hex_encode(segment.bytes, META_ID_SIZE, segment_text);
    hex_encode(bucket.bytes, META_ID_SIZE, bucket_text);
    fsck_problem(mentions->report,
        "segment %s: shares of bucket %s say %" PRIu64 ", its bodies %" PRIu64, segment_text,
        bucket_text, said, counted);
}

/* Rows before this pair, which ascend as mentions do, are of nobody. */
static void pass_shares_before(
    struct mentions *mentions, struct meta_id segment, struct meta_id bucket)
{
    while (mentions->has_share) {
        struct mention row = {
            .segment = id_column(mentions->shares, 0), .bucket = id_column(mentions->shares, 1)};
        const struct mention here = {.segment = segment, .bucket = bucket};
        if (by_segment(&row, &here) >= 0) {
            return;
        }
        report_share(mentions, row.segment, row.bucket,
            (uint64_t)sqlite3_column_int64(mentions->shares, 2), 0);
        next_share(mentions);
    }
}

/* So many extents of a bucket, not the segment's own, name the segment. */
static void check_share(
    struct mentions *mentions, struct meta_id segment, struct meta_id bucket, uint64_t counted)
{
    uint64_t said = 0;
    pass_shares_before(mentions, segment, bucket);
    if (mentions->has_share && meta_id_equal(id_column(mentions->shares, 0), segment) &&
        meta_id_equal(id_column(mentions->shares, 1), bucket)) {
        said = (uint64_t)sqlite3_column_int64(mentions->shares, 2);
        next_share(mentions);
    }
    if (said != counted) {
        report_share(mentions, segment, bucket, said, counted);
    }
}

/* Of mentions [first, next), which are the segment's. */
static void check_shares(
    struct mentions *mentions, const struct meta_segment *segment, size_t first)
{
    while (first < mentions->next) {
        const struct meta_id bucket = mentions->items[first].bucket;
        uint64_t counted = 0;
        for (; first < mentions->next && meta_id_equal(mentions->items[first].bucket, bucket);
             first++) {
            counted++;
        }
        if (!meta_id_equal(bucket, segment->bucket)) {
            check_share(mentions, segment->id, bucket, counted);
        }
    }
}

/* ---- segments ---- */

static void check_counts(
    struct fsck_report *report, const struct meta_segment *segment, uint64_t refs, uint64_t doomed)
{
    char text[2 * META_ID_SIZE + 1];
    hex_encode(segment->id.bytes, META_ID_SIZE, text);
    if (refs != segment->refs) {
        fsck_problem(
            report, "segment %s: refs say %" PRIu64 ", bodies %" PRIu64, text, segment->refs, refs);
    }
    if (segment->doomed_refs > doomed) { /* it would not be repaired; fewer is a matter of time */
        fsck_problem(report, "segment %s: doomed refs say %" PRIu64 ", doomed bodies %" PRIu64,
            text, segment->doomed_refs, doomed);
    }
    if (segment->dying_ms != 0 && refs != 0) {
        fsck_problem(report, "segment %s: is dying, and %" PRIu64 " extents name it", text, refs);
    }
}

static void check_end(
    struct fsck_report *report, const struct meta_segment *segment, const struct mention *item)
{
    char text[2 * META_ID_SIZE + 1];
    if (item->end > segment->length) {
        hex_encode(segment->id.bytes, META_ID_SIZE, text);
        fsck_problem(report, "segment %s: an extent ends at %" PRIu64 " of %" PRIu32, text,
            item->end, segment->length);
    }
}

/* Mentions of segments before this one are of none that is there. */
static void pass_mentions_before(struct mentions *mentions, struct meta_id segment)
{
    for (; mentions->next < mentions->count; mentions->next++) {
        const struct mention *item = &mentions->items[mentions->next];
        if (memcmp(item->segment.bytes, segment.bytes, META_ID_SIZE) >= 0) {
            return;
        }
        report_missing(mentions, item);
    }
}

/* Segments and mentions ascend together. */
static void check_mentions(void *context, const struct meta_segment *segment)
{
    struct mentions *mentions = context;
    uint64_t doomed = 0;
    pass_mentions_before(mentions, segment->id);
    size_t first = mentions->next;
    for (; mentions->next < mentions->count; mentions->next++) {
        const struct mention *item = &mentions->items[mentions->next];
        if (!meta_id_equal(item->segment, segment->id)) {
            break;
        }
        doomed += item->is_doomed;
        check_end(mentions->report, segment, item);
    }
    check_counts(mentions->report, segment, mentions->next - first, doomed);
    check_shares(mentions, segment, first);
}

static enum hearth_code check_sorted(
    struct fsck_meta *meta, struct mentions *mentions, struct hearth_err *err)
{
    struct meta_id last;
    memset(last.bytes, 0xff, sizeof(last.bytes));
    mentions->shares = fsck_meta_prepare(
        meta, "SELECT segment, bucket, refs FROM segment_share ORDER BY segment, bucket");
    next_share(mentions);
    enum hearth_code code = fsck_meta_sweep(meta, check_mentions, mentions, err);
    if (code == HEARTH_OK) {
        pass_mentions_before(mentions, last);
        pass_shares_before(mentions, last, last);
    }
    fsck_meta_finish(mentions->shares, mentions->report);
    return code;
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
    enum hearth_code code = check_sorted(meta, &mentions, err);
    free(mentions.items);
    return code;
}
