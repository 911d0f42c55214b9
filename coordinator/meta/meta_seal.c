/*
 * What receipts do to segments: sealed, filled up, repaired (meta_segment.h).
 */
#include "coordinator/meta/meta_segment.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_weigh.h"

#include <assert.h>

static enum hearth_code check_receipt_count(size_t count, struct hearth_err *err)
{
    return count <= META_SLOTS_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "%zu receipts, at most %d", count, META_SLOTS_MAX);
}

/* ---- seal ---- */

void meta_sealed_result(const struct meta_segment *segment, struct meta_seal_result *out)
{
    out->generation = segment->generation;
    out->holders = meta_count_holders(segment->holders, segment->n);
    out->bad_count = 0;
}

/* Sealed before: the same length again is a retry. */
static enum hearth_code seal_again(struct meta_tx *tx, const struct meta_seal *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    struct meta_segment segment;
    if (!meta_segment_in(tx, &request->segment, &segment)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the segment is gone");
    }
    if (segment.length != request->length) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment is sealed with another length");
    }
    meta_sealed_result(&segment, out);
    return HEARTH_OK;
}

static void insert_segment(struct meta_tx *tx, const struct meta_seal *request,
    const struct meta_intent_row *intent, const struct meta_opened *opened,
    const struct meta_holder *holders)
{
    uint8_t bytes[META_HOLDERS_SIZE_MAX];
    size_t size = meta_holders_encode(holders, opened->n, bytes);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_INSERT);
    sql_set_id(sql, ":segment", &request->segment);
    sql_set_id(sql, ":bucket", &intent->bucket);
    sql_set_u64(sql, ":profile", intent->profile);
    sql_set_u64(sql, ":codec", META_CODEC_RS_CAUCHY);
    sql_set_u64(sql, ":k", opened->k);
    sql_set_u64(sql, ":n", opened->n);
    sql_set_u64(sql, ":length", request->length);
    sql_set_blob(sql, ":vk", view_of(opened->vk, sizeof(opened->vk)));
    sql_set_u64(sql, ":last_p", opened->last_p);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_blob(sql, ":holders", view_of(bytes, size));
    sql_set_blob(sql, ":none", view_of(bytes, 0));
    sql_run(sql);
}

/* The offers that are left may still become holders until they are due. */
static void end_opening(struct meta_tx *tx, const struct meta_id *segment)
{
    struct sql *due = sql_use(tx, SQL_OFFER_SET_DUE);
    sql_set_id(due, ":segment", segment);
    sql_set_u64(due, ":skew", meta_skew_ms(tx));
    sql_run(due);
    struct sql *sealed = sql_use(tx, SQL_OPENED_SEALED);
    sql_set_id(sealed, ":segment", segment);
    sql_run(sealed);
}

static enum hearth_code seal_new(struct meta_tx *tx, const struct meta_seal *request,
    const struct meta_opened *opened, struct meta_seal_result *out, struct hearth_err *err)
{
    struct meta_intent_row intent;
    if (meta_intent_open_in(tx, &request->intent, &intent, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_weighing weighing = {
        .tx = tx,
        .segment = request->segment,
        .n = opened->n,
        .shard_length = request->shard_length,
        .result = out,
    };
    unsigned good = meta_weigh_all(&weighing, request->receipts, request->receipt_count);
    if (good < opened->w) {
        return hearth_fail(err, HEARTH_SHARDS_LOST, "seal: %u good receipts of %zu, %u are needed",
            good, request->receipt_count, opened->w);
    }
    insert_segment(tx, request, &intent, opened, weighing.holders);
    end_opening(tx, &request->segment);
    out->generation = 1;
    out->holders = (uint16_t)good;
    return HEARTH_OK;
}

enum hearth_code meta_seal_in(struct meta_tx *tx, const struct meta_seal *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    struct meta_opened opened;
    if (!meta_opened_in(tx, &request->segment, &opened) ||
        !meta_id_equal(opened.intent, request->intent)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the upload has no such segment");
    }
    if (request->length == 0 || request->length > META_SEGMENT_SIZE_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "a segment has 1 to %d bytes", META_SEGMENT_SIZE_MAX);
    }
    if (check_receipt_count(request->receipt_count, err) != HEARTH_OK) {
        return err->code;
    }
    return opened.sealed ? seal_again(tx, request, out, err)
                         : seal_new(tx, request, &opened, out, err);
}

struct seal_call {
    const struct meta_seal *request;
    struct meta_seal_result *out;
};

/* By itself, for more follows: what nobody announced stops when the bucket is full. */
static enum hearth_code seal(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct seal_call *call = arg;
    const struct meta_seal *request = call->request;
    struct meta_opened opened;
    bool was_sealed = meta_opened_in(tx, &request->segment, &opened) && opened.sealed;
    enum hearth_code code = meta_seal_in(tx, request, call->out, err);
    return code != HEARTH_OK || was_sealed
        ? code
        : meta_intent_grow_in(tx, &request->intent, request->length, err);
}

enum hearth_code meta_seal(struct meta_store *store, const struct meta_seal *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    out->bad_count = 0;
    struct seal_call call = {.request = request, .out = out};
    return meta_run(store, seal, &call, err);
}

/* ---- holders of a sealed segment ---- */

/* D6: nobody else has changed the holders since they were read, or nothing happens. */
static enum hearth_code swap_holders(struct meta_tx *tx, const struct meta_segment *segment,
    const struct meta_weighing *weighing, struct hearth_err *err)
{
    uint8_t bytes[META_HOLDERS_SIZE_MAX];
    uint8_t damaged[META_SLOTS_SIZE_MAX];
    uint8_t passed[META_SLOTS_SIZE_MAX];
    size_t size = meta_holders_encode(weighing->holders, segment->n, bytes);
    size_t damaged_size = meta_slots_encode(weighing->damaged, segment->n, damaged);
    size_t passed_size = meta_slots_encode(weighing->passed, segment->n, passed);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_SET_HOLDERS);
    sql_set_blob(sql, ":damaged", view_of(damaged, damaged_size));
    sql_set_blob(sql, ":passed", view_of(passed, passed_size));
    sql_set_id(sql, ":segment", &segment->id);
    sql_set_u64(sql, ":generation", segment->generation);
    sql_set_blob(sql, ":holders", view_of(bytes, size));
    if (sql_run(sql) != 1) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment's holders have changed");
    }
    weighing->result->generation = segment->generation + 1;
    weighing->result->holders = meta_count_holders(weighing->holders, segment->n);
    return HEARTH_OK;
}

static enum hearth_code read_alive(
    struct meta_tx *tx, const struct meta_id *id, struct meta_segment *out, struct hearth_err *err)
{
    return meta_segment_in(tx, id, out) && out->dying_ms == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "the segment is not sealed, or gone");
}

struct add_call {
    const struct meta_add_holders *request;
    struct meta_seal_result *out;
};

static enum hearth_code add_holders(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct add_call *call = arg;
    const struct meta_add_holders *request = call->request;
    struct meta_segment segment;
    if (check_receipt_count(request->receipt_count, err) != HEARTH_OK ||
        read_alive(tx, &request->segment, &segment, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_weighing weighing = {
        .tx = tx,
        .segment = segment.id,
        .n = segment.n,
        .shard_length = request->shard_length,
        .orders_must_live = true,
        .result = call->out,
    };
    memcpy(weighing.holders, segment.holders, sizeof(weighing.holders));
    weighing.damaged = segment.damaged;
    weighing.passed = segment.passed;
    if (meta_weigh_all(&weighing, request->receipts, request->receipt_count) > 0) {
        return swap_holders(tx, &segment, &weighing, err);
    }
    call->out->generation = segment.generation;
    call->out->holders = meta_count_holders(segment.holders, segment.n);
    return HEARTH_OK;
}

enum hearth_code meta_add_holders(struct meta_store *store, const struct meta_add_holders *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    out->bad_count = 0;
    struct add_call call = {.request = request, .out = out};
    return meta_run(store, add_holders, &call, err);
}

enum hearth_code meta_repair_apply_in(struct meta_tx *tx, const struct meta_repair_apply *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    struct meta_segment segment;
    out->bad_count = 0;
    if (check_receipt_count(request->receipt_count, err) != HEARTH_OK ||
        read_alive(tx, &request->segment, &segment, err) != HEARTH_OK) {
        return err->code;
    }
    if (segment.generation != request->generation) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment's holders have changed");
    }
    struct meta_weighing weighing = {
        .tx = tx,
        .segment = segment.id,
        .n = segment.n,
        .shard_length = request->shard_length,
        .orders_must_live = true,
        .replaces = true,
        .result = out,
    };
    memcpy(weighing.holders, segment.holders, sizeof(weighing.holders));
    weighing.damaged = segment.damaged;
    weighing.passed = segment.passed;
    if (meta_weigh_all(&weighing, request->receipts, request->receipt_count) == 0) {
        return hearth_fail(err, HEARTH_SHARDS_LOST, "repair: no good receipt");
    }
    return swap_holders(tx, &segment, &weighing, err);
}

struct apply_call {
    const struct meta_repair_apply *request;
    struct meta_seal_result *out;
};

static enum hearth_code repair_apply(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct apply_call *call = arg;
    return meta_repair_apply_in(tx, call->request, call->out, err);
}

enum hearth_code meta_repair_apply(struct meta_store *store,
    const struct meta_repair_apply *request, struct meta_seal_result *out, struct hearth_err *err)
{
    out->bad_count = 0;
    struct apply_call call = {.request = request, .out = out};
    return meta_run(store, repair_apply, &call, err);
}

/* ---- another code ---- */

/* What had the old code's shards, or may be writing them: its upload, which has committed, offers
 * no slot any more, and what was offered gets no holder. */
static void end_old_code(struct meta_tx *tx, const struct meta_segment *segment)
{
    meta_dead_insert_all_in(tx, segment, tx->now_ms + meta_read_grace_ms(tx));
    static const enum statement statements[] = {SQL_OFFER_END, SQL_OPENED_DELETE};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct sql *sql = sql_use(tx, statements[i]);
        sql_set_id(sql, ":segment", &segment->id);
        sql_run(sql);
    }
}

static enum hearth_code swap_code(struct meta_tx *tx, const struct meta_recode_apply *request,
    const struct meta_weighing *weighing, struct hearth_err *err)
{
    uint8_t bytes[META_HOLDERS_SIZE_MAX];
    size_t size = meta_holders_encode(weighing->holders, request->n, bytes);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_RECODE);
    sql_set_u64(sql, ":profile", request->profile);
    sql_set_u64(sql, ":codec", META_CODEC_RS_CAUCHY);
    sql_set_u64(sql, ":k", request->k);
    sql_set_u64(sql, ":n", request->n);
    sql_set_blob(sql, ":vk", view_of(request->vk, sizeof(request->vk)));
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_blob(sql, ":holders", view_of(bytes, size));
    sql_set_blob(sql, ":none", view_of(bytes, 0));
    sql_set_id(sql, ":segment", &request->segment);
    sql_set_u64(sql, ":generation", request->generation);
    if (sql_run(sql) != 1) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment's holders have changed");
    }
    weighing->result->generation = request->generation + 1;
    weighing->result->holders = meta_count_holders(weighing->holders, request->n);
    return HEARTH_OK;
}

static enum hearth_code check_recodable(struct meta_tx *tx, const struct meta_recode_apply *request,
    struct meta_segment *out, struct hearth_err *err)
{
    if (check_receipt_count(request->receipt_count, err) != HEARTH_OK ||
        read_alive(tx, &request->segment, out, err) != HEARTH_OK) {
        return err->code;
    }
    if (out->generation != request->generation) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment's holders have changed");
    }
    return meta_is_being_written_in(tx, &request->segment)
        ? hearth_fail(err, HEARTH_BUSY, "an upload writes it")
        : HEARTH_OK;
}

enum hearth_code meta_recode_apply_in(struct meta_tx *tx, const struct meta_recode_apply *request,
    struct meta_seal_result *out, struct hearth_err *err)
{
    struct meta_segment segment;
    out->bad_count = 0;
    if (check_recodable(tx, request, &segment, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_weighing weighing = {
        .tx = tx,
        .segment = segment.id,
        .n = request->n,
        .shard_length = request->shard_length,
        .orders_must_live = true,
        .result = out,
    };
    unsigned good = meta_weigh_all(&weighing, request->receipts, request->receipt_count);
    if (good < request->w) {
        return hearth_fail(err, HEARTH_SHARDS_LOST,
            "another code: %u good receipts of %zu, %u are needed", good, request->receipt_count,
            request->w);
    }
    end_old_code(tx, &segment);
    return swap_code(tx, request, &weighing, err);
}
