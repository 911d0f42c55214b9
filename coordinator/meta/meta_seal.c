/*
 * What receipts do to segments: sealed, filled up, repaired (meta_segment.h).
 */
#include "coordinator/meta/meta_segment.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- which receipts are good ---- */

/* A segment's slots while receipts are weighed one by one. */
struct weighing {
    struct meta_tx *tx;
    struct meta_id segment;
    uint16_t n;
    uint64_t shard_length;
    bool orders_must_live; /* a receipt for an expired order comes too late */
    bool replaces;         /* a filled slot may be taken over, once */
    struct meta_holder holders[META_SLOTS_MAX];
    struct ec_slots damaged;
    struct ec_slots passed;
    bool taken[META_SLOTS_MAX]; /* by a receipt of this call */
    struct meta_domain domains[META_SLOTS_MAX];
    size_t domain_count;
    struct meta_seal_result *result;
};

/*
 * Holders that stay: nobody new may share owner or network with them.  Slots named by a receipt do
 * not count, so that an owner can move from one of them to another; when the new holder of such a
 * slot turns out bad the old one stays, whoever it shares with (D7).
 */
static void add_domains_that_stay(
    struct weighing *weighing, const struct meta_receipt *receipts, size_t count)
{
    bool named[META_SLOTS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        if (receipts[i].slot < weighing->n) {
            named[receipts[i].slot] = weighing->replaces;
        }
    }
    for (unsigned slot = 0; slot < weighing->n; slot++) {
        struct meta_domain *domain = &weighing->domains[weighing->domain_count];
        if (weighing->holders[slot].node > 0 && !named[slot] &&
            meta_node_domain_in(weighing->tx, weighing->holders[slot].node, domain)) {
            weighing->domain_count++;
        }
    }
}

static bool shares_domain(const struct weighing *weighing, const struct meta_domain *domain)
{
    for (size_t i = 0; i < weighing->domain_count; i++) {
        const struct meta_domain *other = &weighing->domains[i];
        if (other->node == domain->node) {
            return true;
        }
        if (!weighing->tx->allow_colocation &&
            (other->owner == domain->owner ||
                memcmp(&other->network, &domain->network, sizeof(domain->network)) == 0)) {
            return true;
        }
    }
    return false;
}

/* The offer the receipt answers, or what is wrong with it. */
static struct meta_bad_slot check_offer(
    const struct weighing *weighing, const struct meta_receipt *receipt)
{
    struct meta_bad_slot bad = {.slot = receipt->slot};
    struct sql *sql = sql_use(weighing->tx, SQL_OFFER_GET);
    sql_set_id(sql, ":segment", &weighing->segment);
    sql_set_u64(sql, ":slot", receipt->slot);
    sql_set_u64(sql, ":p", receipt->p);
    if (!sql_step(sql)) {
        bad.code = HEARTH_NOT_FOUND;
        bad.reason = "this placement was not offered, or has ended";
        return bad;
    }
    uint64_t node = sql_u64(sql);
    uint64_t expires_ms = sql_u64(sql);
    if (node != receipt->node) {
        bad.code = HEARTH_DENIED;
        bad.reason = "this placement was offered to another node";
    } else if (weighing->orders_must_live && weighing->tx->now_ms > expires_ms) {
        bad.code = HEARTH_EXPIRED;
        bad.reason = "its order has expired";
    }
    return bad;
}

/* code HEARTH_OK: the receipt is good, *domain is its node's. */
static struct meta_bad_slot weigh(
    const struct weighing *weighing, const struct meta_receipt *receipt, struct meta_domain *domain)
{
    struct meta_bad_slot bad = {.slot = receipt->slot};
    if (receipt->slot >= weighing->n) {
        bad.code = HEARTH_INVALID;
        bad.reason = "there is no such slot";
    } else if (receipt->shard_length != weighing->shard_length) {
        bad.code = HEARTH_CHECKSUM;
        bad.reason = "the shard has the wrong length";
    } else if (weighing->taken[receipt->slot] ||
        (!weighing->replaces && weighing->holders[receipt->slot].node > 0)) {
        bad.code = HEARTH_EXISTS;
        bad.reason = "the slot is filled already";
    } else {
        bad = check_offer(weighing, receipt);
    }
    if (bad.code == HEARTH_OK &&
        (!meta_node_domain_in(weighing->tx, receipt->node, domain) ||
            shares_domain(weighing, domain))) {
        bad.code = HEARTH_CONFLICT;
        bad.reason = "its owner or network holds another slot";
    }
    return bad;
}

static void delete_offer(struct weighing *weighing, const struct meta_receipt *receipt)
{
    struct sql *sql = sql_use(weighing->tx, SQL_OFFER_DELETE);
    sql_set_id(sql, ":segment", &weighing->segment);
    sql_set_u64(sql, ":slot", receipt->slot);
    sql_set_u64(sql, ":p", receipt->p);
    sql_run(sql);
}

/* From offer to holder. What held the slot before becomes a dead shard when no reader can have an
 * order for it any more. */
static void take(
    struct weighing *weighing, const struct meta_receipt *receipt, const struct meta_domain *domain)
{
    struct meta_holder *holder = &weighing->holders[receipt->slot];
    if (holder->node > 0) {
        const struct meta_dead before = {.segment = &weighing->segment,
            .slot = receipt->slot,
            .placement = *holder,
            .not_before_ms = weighing->tx->now_ms + meta_read_grace_ms(weighing->tx),
            .bytes = weighing->shard_length};
        meta_dead_insert_in(weighing->tx, &before);
    }
    delete_offer(weighing, receipt);
    *holder = (struct meta_holder){.node = receipt->node, .p = receipt->p};
    ec_slots_remove(&weighing->damaged, receipt->slot);
    ec_slots_remove(&weighing->passed, receipt->slot);
    weighing->taken[receipt->slot] = true;
    weighing->domains[weighing->domain_count++] = *domain;
}

/* Returns how many were good. */
static unsigned weigh_all(
    struct weighing *weighing, const struct meta_receipt *receipts, size_t count)
{
    unsigned good = 0;
    struct meta_seal_result *result = weighing->result;
    result->bad_count = 0;
    add_domains_that_stay(weighing, receipts, count);
    for (size_t i = 0; i < count; i++) {
        struct meta_domain domain;
        struct meta_bad_slot bad = weigh(weighing, &receipts[i], &domain);
        if (bad.code == HEARTH_OK) {
            take(weighing, &receipts[i], &domain);
            good++;
        } else {
            result->bad[result->bad_count++] = bad;
        }
    }
    return good;
}

static uint16_t count_holders(const struct meta_holder *holders, uint16_t n)
{
    uint16_t count = 0;
    for (unsigned slot = 0; slot < n; slot++) {
        count = (uint16_t)(count + (holders[slot].node > 0));
    }
    return count;
}

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
    out->holders = count_holders(segment->holders, segment->n);
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
    struct weighing weighing = {
        .tx = tx,
        .segment = request->segment,
        .n = opened->n,
        .shard_length = request->shard_length,
        .result = out,
    };
    unsigned good = weigh_all(&weighing, request->receipts, request->receipt_count);
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
    const struct weighing *weighing, struct hearth_err *err)
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
    weighing->result->holders = count_holders(weighing->holders, segment->n);
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
    struct weighing weighing = {
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
    if (weigh_all(&weighing, request->receipts, request->receipt_count) > 0) {
        return swap_holders(tx, &segment, &weighing, err);
    }
    call->out->generation = segment.generation;
    call->out->holders = count_holders(segment.holders, segment.n);
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
    struct weighing weighing = {
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
    if (weigh_all(&weighing, request->receipts, request->receipt_count) == 0) {
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
    const struct weighing *weighing, struct hearth_err *err)
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
    weighing->result->holders = count_holders(weighing->holders, request->n);
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
    struct weighing weighing = {
        .tx = tx,
        .segment = segment.id,
        .n = request->n,
        .shard_length = request->shard_length,
        .orders_must_live = true,
        .result = out,
    };
    unsigned good = weigh_all(&weighing, request->receipts, request->receipt_count);
    if (good < request->w) {
        return hearth_fail(err, HEARTH_SHARDS_LOST,
            "another code: %u good receipts of %zu, %u are needed", good, request->receipt_count,
            request->w);
    }
    end_old_code(tx, &segment);
    return swap_code(tx, request, &weighing, err);
}
