#include "coordinator/meta/meta_garbage.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/shard_name.h"

#include <assert.h>

/* An expired invitation still says "expired" for this long, then "no such invitation". */
#define INVITE_KEEP_MS (UINT64_C(30) * 24 * 60 * 60 * 1000)

/* ---- intents ---- */

/* The next intent that is due in this state. False: none. */
static bool next_intent(
    struct meta_tx *tx, enum meta_intent_state state, bool settled, struct meta_id *out)
{
    struct sql *sql = sql_use(tx, SQL_INTENT_DUE);
    sql_set_u64(sql, ":state", state);
    sql_set_u64(sql, ":settled", settled);
    sql_set_u64(sql, ":now", tx->now_ms);
    if (!sql_step(sql)) {
        return false;
    }
    sql_id(sql, out);
    return true;
}

static enum hearth_code expire(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    struct meta_id intent;
    struct meta_intent_row row;
    report->intents_aborted = 0;
    while (report->intents_aborted < META_GARBAGE_BATCH &&
        next_intent(tx, META_INTENT_OPEN, false, &intent) && meta_intent_in(tx, &intent, &row)) {
        meta_intent_end_in(tx, &row, META_INTENT_ABORTED);
        report->intents_aborted++;
    }
    return HEARTH_OK;
}

/* Sealed and in no body: dying. Never sealed: its offers end by themselves from now on. */
static void settle_segment(struct meta_tx *tx, const struct meta_id *segment, bool sealed,
    struct meta_garbage_report *report)
{
    if (sealed) {
        struct sql *abandon = sql_use(tx, SQL_SEGMENT_ABANDON);
        sql_set_id(abandon, ":segment", segment);
        sql_set_u64(abandon, ":now", tx->now_ms);
        report->segments_dying += sql_run(abandon);
    } else {
        struct sql *due = sql_use(tx, SQL_OFFER_SET_DUE);
        sql_set_id(due, ":segment", segment);
        sql_set_u64(due, ":skew", meta_skew_ms(tx));
        sql_run(due);
    }
    struct sql *forget = sql_use(tx, SQL_OPENED_DELETE);
    sql_set_id(forget, ":segment", segment);
    sql_run(forget);
}

struct opened_batch {
    struct meta_id segments[META_GARBAGE_BATCH];
    bool sealed[META_GARBAGE_BATCH];
    size_t count;
};

static void read_opened(
    struct meta_tx *tx, const struct meta_id *intent, struct opened_batch *batch)
{
    batch->count = 0;
    struct sql *sql = sql_use(tx, SQL_OPENED_OF_INTENT);
    sql_set_id(sql, ":intent", intent);
    sql_set_u64(sql, ":max", META_GARBAGE_BATCH);
    while (batch->count < META_GARBAGE_BATCH && sql_step(sql)) {
        sql_id(sql, &batch->segments[batch->count]);
        batch->sealed[batch->count++] = sql_u64(sql) != 0;
    }
}

/* Returns how many segments it had; fewer than a batch: the intent is settled. */
static size_t settle_intent(
    struct meta_tx *tx, const struct meta_id *intent, struct meta_garbage_report *report)
{
    struct opened_batch batch;
    read_opened(tx, intent, &batch);
    for (size_t i = 0; i < batch.count; i++) {
        settle_segment(tx, &batch.segments[i], batch.sealed[i], report);
    }
    if (batch.count < META_GARBAGE_BATCH) {
        struct sql *settled = sql_use(tx, SQL_INTENT_SETTLED);
        sql_set_id(settled, ":intent", intent);
        sql_set_u64(settled, ":forget_at", tx->now_ms + META_OUTCOME_UPLOAD_MS);
        sql_run(settled);
    }
    return batch.count;
}

static enum hearth_code settle(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    struct meta_id intent;
    report->segments_dying = 0;
    report->intents_settled = 0;
    size_t work = 0;
    while (work < META_GARBAGE_BATCH && !meta_garbage_is_held_in(tx) &&
        (next_intent(tx, META_INTENT_COMMITTED, false, &intent) ||
            next_intent(tx, META_INTENT_ABORTED, false, &intent))) {
        work += 1 + settle_intent(tx, &intent, report);
        report->intents_settled++;
    }
    return HEARTH_OK;
}

/* ---- offers nobody can take up any more ---- */

struct offer_batch {
    struct meta_id segments[META_GARBAGE_BATCH];
    uint16_t slots[META_GARBAGE_BATCH];
    struct meta_holder placements[META_GARBAGE_BATCH];
    size_t count;
};

static void read_offers(struct meta_tx *tx, struct offer_batch *batch)
{
    batch->count = 0;
    struct sql *sql = sql_use(tx, SQL_OFFER_DUE);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_u64(sql, ":max", META_GARBAGE_BATCH);
    while (batch->count < META_GARBAGE_BATCH && sql_step(sql)) {
        size_t i = batch->count++;
        sql_id(sql, &batch->segments[i]);
        batch->slots[i] = (uint16_t)sql_u64(sql);
        batch->placements[i].p = (uint16_t)sql_u64(sql);
        batch->placements[i].node = (uint32_t)sql_u64(sql);
    }
}

static void delete_offer(
    struct meta_tx *tx, const struct meta_id *segment, uint16_t slot, uint16_t p)
{
    struct sql *sql = sql_use(tx, SQL_OFFER_DELETE);
    sql_set_id(sql, ":segment", segment);
    sql_set_u64(sql, ":slot", slot);
    sql_set_u64(sql, ":p", p);
    sql_run(sql);
}

/* 0: an upload's that was not sealed. */
static uint64_t bytes_of_offer(struct meta_tx *tx, const struct meta_id *segment)
{
    struct meta_segment sealed;
    return meta_segment_in(tx, segment, &sealed) ? meta_shard_bytes(&sealed) : 0;
}

static enum hearth_code end_offers(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    struct offer_batch batch = {.count = 0};
    if (!meta_garbage_is_held_in(tx)) {
        read_offers(tx, &batch);
    }
    for (size_t i = 0; i < batch.count; i++) {
        const struct meta_dead dead = {.segment = &batch.segments[i],
            .slot = batch.slots[i],
            .placement = batch.placements[i],
            .not_before_ms = tx->now_ms,
            .bytes = bytes_of_offer(tx, &batch.segments[i])};
        meta_dead_insert_in(tx, &dead);
        delete_offer(tx, &batch.segments[i], batch.slots[i], batch.placements[i].p);
    }
    report->shards_dead = batch.count;
    return HEARTH_OK;
}

/* ---- doomed bodies ---- */

static void drop_share(
    struct meta_tx *tx, const struct meta_id *segment, const struct meta_id *bucket)
{
    static const enum statement statements[] = {SQL_SHARE_DROP, SQL_SHARE_FORGET};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_id(sql, ":segment", segment);
        sql_set_id(sql, ":bucket", bucket);
        sql_run(sql);
    }
}

/* bucket: of the body that named it. */
static void drop_reference(struct meta_tx *tx, const struct meta_id *segment,
    const struct meta_id *bucket, bool is_marked, struct meta_garbage_report *report)
{
    struct meta_id own;
    struct sql *sql = sql_use(tx, SQL_SEGMENT_UNREF);
    sql_set_id(sql, ":segment", segment);
    sql_set_u64(sql, ":doomed", is_marked);
    sql_set_u64(sql, ":now", tx->now_ms);
    if (!sql_step(sql)) {
        sql_fail_damaged(tx, "reference to a segment");
        return;
    }
    report->segments_dying += sql_u64(sql) == 0;
    sql_id(sql, &own);
    if (!meta_id_equal(own, *bucket)) {
        drop_share(tx, segment, bucket);
    }
}

static void forget_body(struct meta_tx *tx, const struct meta_id *body)
{
    static const enum statement statements[] = {SQL_BODY_DELETE, SQL_DOOMED_DELETE};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_id(sql, ":body", body);
        sql_run(sql);
    }
}

/* A row of `doomed` that is due. */
struct due_body {
    struct meta_id body;
    struct meta_id bucket;
    size_t reaped; /* extents */
};

/* Extents [reaped, ...) of a body, at most META_REAP_EXTENTS. Returns where it stopped. */
static size_t reap_extents(struct meta_tx *tx, const struct due_body *due, bool *is_last,
    struct meta_garbage_report *report)
{
    const size_t reaped = due->reaped;
    struct sql *sql = sql_use(tx, SQL_BODY_EXTENTS);
    sql_set_id(sql, ":body", &due->body);
    size_t count = 0;
    struct view extents = {0};
    if (sql_step(sql)) {
        sql_u64(sql); /* bucket key version */
        extents = sql_blob(sql);
    }
    if (!meta_extents_count(extents, &count) || reaped > count) {
        sql_fail_damaged(tx, "extents");
        return reaped;
    }
    size_t end = count - reaped > META_REAP_EXTENTS ? reaped + META_REAP_EXTENTS : count;
    for (size_t i = reaped; i < end; i++) {
        struct meta_extent extent = meta_extents_at(extents, i);
        drop_reference(tx, &extent.segment, &due->bucket, meta_dooms_segments(count), report);
    }
    *is_last = end == count;
    return end;
}

/* False: no body is due. */
static bool reap_next(struct meta_tx *tx, struct meta_garbage_report *report)
{
    struct sql *next = sql_use(tx, SQL_DOOMED_DUE);
    sql_set_u64(next, ":now", tx->now_ms);
    if (!sql_step(next)) {
        return false;
    }
    struct due_body due;
    sql_id(next, &due.body);
    sql_id(next, &due.bucket);
    due.reaped = sql_u64(next);
    bool is_last = false;
    size_t end = reap_extents(tx, &due, &is_last, report);
    report->extents_reaped += end - due.reaped;
    if (is_last) {
        forget_body(tx, &due.body);
        report->bodies_reaped++;
    } else {
        struct sql *advance = sql_use(tx, SQL_DOOMED_ADVANCE);
        sql_set_id(advance, ":body", &due.body);
        sql_set_u64(advance, ":extents_reaped", end);
        sql_run(advance);
    }
    return true;
}

static enum hearth_code reap(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    report->segments_dying = 0;
    report->bodies_reaped = 0;
    report->extents_reaped = 0;
    bool goes_on = !meta_garbage_is_held_in(tx);
    while (goes_on && report->bodies_reaped < META_REAP_BODIES && report->extents_reaped == 0) {
        goes_on = reap_next(tx, report) && !meta_tx_failed(tx);
    }
    return HEARTH_OK;
}

/* ---- dying segments ---- */

static void bury_segment(
    struct meta_tx *tx, const struct meta_id *id, struct meta_garbage_report *report)
{
    struct meta_segment segment;
    if (!meta_segment_in(tx, id, &segment)) {
        sql_fail_damaged(tx, "dying segment");
        return;
    }
    assert(segment.refs == 0 && segment.dying_ms > 0);
    report->shards_dead += meta_dead_insert_all_in(tx, &segment, tx->now_ms);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_DELETE);
    sql_set_id(sql, ":segment", id);
    sql_run(sql);
    report->segments_buried++;
}

static enum hearth_code bury(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    struct meta_id segments[META_GARBAGE_BATCH];
    size_t count = 0;
    report->segments_buried = 0;
    report->shards_dead = 0;
    if (meta_garbage_is_held_in(tx) || tx->now_ms < meta_read_grace_ms(tx)) {
        return HEARTH_OK;
    }
    struct sql *sql = sql_use(tx, SQL_SEGMENT_DYING);
    sql_set_u64(sql, ":before", tx->now_ms - meta_read_grace_ms(tx));
    sql_set_u64(sql, ":max", META_GARBAGE_BATCH);
    while (count < META_GARBAGE_BATCH && sql_step(sql)) {
        sql_id(sql, &segments[count++]);
    }
    for (size_t i = 0; i < count; i++) {
        bury_segment(tx, &segments[i], report);
    }
    return HEARTH_OK;
}

/* ---- rows that served their time ---- */

static uint64_t forget_before(struct meta_tx *tx, enum statement statement, uint64_t before_ms)
{
    struct sql *sql = sql_use(tx, statement);
    sql_set_u64(sql, ":before", before_ms);
    sql_set_u64(sql, ":max", META_FORGET_BATCH);
    return sql_run(sql);
}

static uint64_t forget_intents(struct meta_tx *tx)
{
    uint64_t count = 0;
    struct meta_id intent;
    while (count < META_FORGET_BATCH &&
        (next_intent(tx, META_INTENT_COMMITTED, true, &intent) ||
            next_intent(tx, META_INTENT_ABORTED, true, &intent))) {
        struct sql *sql = sql_use(tx, SQL_INTENT_DELETE);
        sql_set_id(sql, ":intent", &intent);
        sql_run(sql);
        count++;
    }
    return count;
}

static enum hearth_code forget(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct meta_garbage_report *report = arg;
    report->rows_forgotten = forget_before(tx, SQL_OUTCOME_FORGET, tx->now_ms);
    if (tx->now_ms > INVITE_KEEP_MS) {
        report->rows_forgotten += forget_before(tx, SQL_INVITE_FORGET, tx->now_ms - INVITE_KEEP_MS);
    }
    report->rows_forgotten += forget_intents(tx);
    return HEARTH_OK;
}

/* ---- one round ---- */

static void add_report(struct meta_garbage_report *sum, const struct meta_garbage_report *step)
{
    sum->intents_aborted += step->intents_aborted;
    sum->intents_settled += step->intents_settled;
    sum->bodies_reaped += step->bodies_reaped;
    sum->extents_reaped += step->extents_reaped;
    sum->segments_dying += step->segments_dying;
    sum->segments_buried += step->segments_buried;
    sum->shards_dead += step->shards_dead;
    sum->uploads_ended += step->uploads_ended;
    sum->parts_doomed += step->parts_doomed;
    sum->rows_forgotten += step->rows_forgotten;
}

static bool did_nothing(const struct meta_garbage_report *report)
{
    return report->intents_aborted + report->intents_settled + report->bodies_reaped +
        report->extents_reaped + report->segments_dying + report->segments_buried +
        report->shards_dead + report->uploads_ended + report->parts_doomed +
        report->rows_forgotten ==

        0;
}

enum hearth_code meta_garbage_step(
    struct meta_store *store, struct meta_garbage_report *out, struct hearth_err *err)
{
    static meta_fn *const duties[] = {
        expire, settle, end_offers, meta_uploads_collect, reap, bury, forget};
    struct meta_garbage_report sum = {0};
    for (size_t i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
        struct meta_garbage_report step = {0};
        enum hearth_code code = meta_run(store, duties[i], &step, err);
        if (code != HEARTH_OK) {
            return code;
        }
        add_report(&sum, &step);
    }
    sum.idle = did_nothing(&sum);
    *out = sum;
    return HEARTH_OK;
}
