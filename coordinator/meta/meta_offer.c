/*
 * Placements offered: at opening, one by one, and for repair (meta_segment.h).
 */
#include "coordinator/meta/meta_segment.h"

#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- one offer ---- */

static enum hearth_code check_node(struct meta_tx *tx, uint32_t node, struct hearth_err *err)
{
    struct meta_domain domain;
    if (!meta_node_domain_in(tx, node, &domain) || domain.state != META_NODE_ACTIVE) {
        return hearth_fail(err, HEARTH_NOT_READY, "node %u takes no shards: choose again", node);
    }
    return HEARTH_OK;
}

/* due_ms: 0 while the intent decides, see schema.sql. */
static void insert_offer(struct meta_tx *tx, const struct meta_id *segment,
    const struct meta_offer *offer, uint64_t expires_ms, uint64_t due_ms)
{
    struct sql *sql = sql_use(tx, SQL_OFFER_INSERT);
    sql_set_id(sql, ":segment", segment);
    sql_set_u64(sql, ":slot", offer->slot);
    sql_set_u64(sql, ":p", offer->p);
    sql_set_u64(sql, ":node", offer->node);
    sql_set_u64(sql, ":expires", expires_ms);
    sql_set_u64(sql, ":due", due_ms);
    sql_run(sql);
}

static void set_last_p(
    struct meta_tx *tx, enum statement statement, const struct meta_id *segment, uint16_t last_p)
{
    struct sql *sql = sql_use(tx, statement);
    sql_set_id(sql, ":segment", segment);
    sql_set_u64(sql, ":last_p", last_p);
    sql_run(sql);
}

static void start_offers(
    struct meta_offers *out, const struct meta_tx *tx, uint32_t profile, uint16_t k, uint16_t n)
{
    out->profile = profile;
    out->k = k;
    out->n = n;
    out->count = 0;
    out->expires_ms = tx->now_ms + tx->order_ms;
}

/* ---- open ---- */

struct open_call {
    const struct meta_segment_open *request;
    struct meta_offers offers;
};

/* The newest offer of each slot: what went before it has failed its client. */
static void read_newest_offers(
    struct meta_tx *tx, const struct meta_id *segment, struct meta_offers *out)
{
    struct sql *sql = sql_use(tx, SQL_OFFER_LIST);
    sql_set_id(sql, ":segment", segment);
    while (sql_step(sql)) {
        struct meta_offer offer = {.slot = (uint16_t)sql_u64(sql), .p = (uint16_t)sql_u64(sql)};
        offer.node = (uint32_t)sql_u64(sql);
        if (out->count == 0 || out->offers[out->count - 1].slot != offer.slot) {
            out->count++;
        }
        assert(out->count <= META_SLOTS_MAX);
        out->offers[out->count - 1] = offer;
    }
}

static enum hearth_code open_again(struct meta_tx *tx, struct open_call *call,
    const struct meta_opened *opened, struct hearth_err *err)
{
    const struct meta_segment_open *request = call->request;
    if (!meta_id_equal(opened->intent, request->intent) || opened->sealed ||
        memcmp(opened->vk, request->vk, sizeof(opened->vk)) != 0) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment id is in use");
    }
    struct sql *renew = sql_use(tx, SQL_OFFER_RENEW);
    sql_set_id(renew, ":segment", &request->segment);
    sql_set_u64(renew, ":expires", call->offers.expires_ms);
    sql_run(renew);
    call->offers.w = opened->w;
    read_newest_offers(tx, &request->segment, &call->offers);
    return HEARTH_OK;
}

static void insert_opened(struct meta_tx *tx, const struct meta_segment_open *request)
{
    struct sql *sql = sql_use(tx, SQL_OPENED_INSERT);
    sql_set_id(sql, ":segment", &request->segment);
    sql_set_id(sql, ":intent", &request->intent);
    sql_set_blob(sql, ":vk", view_of(request->vk, sizeof(request->vk)));
    sql_set_u64(sql, ":k", request->k);
    sql_set_u64(sql, ":n", request->n);
    sql_set_u64(sql, ":w", request->w);
    sql_set_u64(sql, ":last_p", 1);
    sql_run(sql);
}

static enum hearth_code open_new(struct meta_tx *tx, struct open_call *call, struct hearth_err *err)
{
    const struct meta_segment_open *request = call->request;
    struct meta_segment sealed;
    if (meta_segment_in(tx, &request->segment, &sealed)) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment id is in use");
    }
    insert_opened(tx, request);
    for (size_t i = 0; i < request->offer_count; i++) {
        struct meta_offer offer = request->offers[i];
        if (check_node(tx, offer.node, err) != HEARTH_OK) {
            return err->code;
        }
        offer.p = 1;
        insert_offer(tx, &request->segment, &offer, call->offers.expires_ms, 0);
        call->offers.offers[call->offers.count++] = offer;
    }
    call->offers.w = request->w;
    return HEARTH_OK;
}

static enum hearth_code open_segment(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct open_call *call = arg;
    const struct meta_segment_open *request = call->request;
    struct meta_intent_row intent;
    struct meta_opened opened;
    if (meta_intent_open_in(tx, &request->intent, &intent, err) != HEARTH_OK) {
        return err->code;
    }
    start_offers(&call->offers, tx, intent.profile, request->k, request->n);
    return meta_opened_in(tx, &request->segment, &opened) ? open_again(tx, call, &opened, err)
                                                          : open_new(tx, call, err);
}

static void assert_offers(const struct meta_offer *offers, size_t count, uint16_t n)
{
    bool seen[META_SLOTS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        assert(offers[i].slot < n && !seen[offers[i].slot]);
        assert(offers[i].node > 0);
        seen[offers[i].slot] = true;
    }
}

enum hearth_code meta_segment_open(struct meta_store *store,
    const struct meta_segment_open *request, struct meta_offers *out, struct hearth_err *err)
{
    assert(request->k >= 1 && request->k <= request->w && request->w <= request->n);
    assert(request->n <= META_SLOTS_MAX);
    assert(request->offer_count >= request->w && request->offer_count <= request->n);
    assert_offers(request->offers, request->offer_count, request->n);
    struct open_call call = {.request = request};
    enum hearth_code code = meta_run(store, open_segment, &call, err);
    if (code == HEARTH_OK) {
        *out = call.offers;
    }
    return code;
}

/* ---- one more placement of a slot ---- */

struct slot_call {
    const struct meta_offer_slot *request;
    struct meta_offers offers;
};

static enum hearth_code check_slot_offers(
    struct meta_tx *tx, const struct meta_offer_slot *request, struct hearth_err *err)
{
    struct sql *count = sql_use(tx, SQL_OFFER_COUNT_OF_SLOT);
    sql_set_id(count, ":segment", &request->segment);
    sql_set_u64(count, ":slot", request->slot);
    if (sql_value(count) >= META_OFFERS_PER_SLOT_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "slot %u has %d offers that have not expired",
            request->slot, META_OFFERS_PER_SLOT_MAX);
    }
    return check_node(tx, request->node, err);
}

/* Where the segment stands: which p comes next, and when the offer ends by itself. */
struct offering {
    enum statement set_last_p;
    uint16_t n;
    uint16_t last_p;
    uint64_t due_ms;
};

static enum hearth_code check_unsealed(struct meta_tx *tx, const struct meta_offer_slot *request,
    const struct meta_opened *opened, struct offering *out, struct hearth_err *err)
{
    struct meta_intent_row intent;
    *out = (struct offering){SQL_OPENED_SET_LAST_P, opened->n, opened->last_p, 0};
    return meta_intent_open_in(tx, &request->intent, &intent, err);
}

static enum hearth_code check_sealed(struct meta_tx *tx, const struct meta_offer_slot *request,
    struct offering *out, struct hearth_err *err)
{
    struct meta_segment segment;
    if (!meta_segment_in(tx, &request->segment, &segment) || segment.dying_ms > 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the segment is gone");
    }
    if (request->slot < segment.n && segment.holders[request->slot].node > 0) {
        return hearth_fail(err, HEARTH_EXISTS, "slot %u is filled", request->slot);
    }
    *out = (struct offering){
        SQL_SEGMENT_SET_LAST_P, segment.n, segment.last_p, tx->now_ms + meta_read_grace_ms(tx)};
    return HEARTH_OK;
}

static enum hearth_code make_offer(struct meta_tx *tx, struct slot_call *call,
    const struct offering *offering, struct hearth_err *err)
{
    const struct meta_offer_slot *request = call->request;
    if (request->slot >= offering->n) {
        return hearth_fail(err, HEARTH_INVALID, "no slot %u", request->slot);
    }
    if (offering->last_p == META_PLACEMENT_MAX) {
        return hearth_fail(err, HEARTH_NO_SPACE, "the segment has used all its placements");
    }
    struct meta_offer offer = {
        .slot = request->slot, .p = (uint16_t)(offering->last_p + 1), .node = request->node};
    set_last_p(tx, offering->set_last_p, &request->segment, offer.p);
    insert_offer(tx, &request->segment, &offer, call->offers.expires_ms, offering->due_ms);
    call->offers.offers[call->offers.count++] = offer;
    return HEARTH_OK;
}

static enum hearth_code offer_slot(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct slot_call *call = arg;
    const struct meta_offer_slot *request = call->request;
    struct meta_intent_row intent;
    struct meta_opened opened;
    struct offering offering = {0};
    if (!meta_opened_in(tx, &request->segment, &opened) ||
        !meta_id_equal(opened.intent, request->intent) ||
        !meta_intent_in(tx, &request->intent, &intent)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the upload has no such segment");
    }
    enum hearth_code code = opened.sealed ? check_sealed(tx, request, &offering, err)
                                          : check_unsealed(tx, request, &opened, &offering, err);
    if (code != HEARTH_OK || check_slot_offers(tx, request, err) != HEARTH_OK) {
        return err->code;
    }
    start_offers(&call->offers, tx, intent.profile, opened.k, opened.n);
    call->offers.w = opened.w;
    return make_offer(tx, call, &offering, err);
}

enum hearth_code meta_offer_slot(struct meta_store *store, const struct meta_offer_slot *request,
    struct meta_offers *out, struct hearth_err *err)
{
    struct slot_call call = {.request = request};
    enum hearth_code code = meta_run(store, offer_slot, &call, err);
    if (code == HEARTH_OK) {
        *out = call.offers;
    }
    return code;
}

/* ---- offers for repair ---- */

struct repair_call {
    const struct meta_repair_offer *request;
    struct meta_offers offers;
};

static enum hearth_code repair_offer(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct repair_call *call = arg;
    const struct meta_repair_offer *request = call->request;
    struct meta_segment segment;
    if (!meta_segment_in(tx, &request->segment, &segment) || segment.dying_ms > 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the segment is gone");
    }
    if (segment.generation != request->generation) {
        return hearth_fail(err, HEARTH_CONFLICT, "the segment's holders have changed");
    }
    if (segment.last_p == META_PLACEMENT_MAX) {
        return hearth_fail(err, HEARTH_NO_SPACE, "the segment has used all its placements");
    }
    if (request->recode_n > 0 && meta_is_being_written_in(tx, &segment.id)) {
        return hearth_fail(err, HEARTH_BUSY, "an upload writes it");
    }
    const uint16_t n = request->recode_n > 0 ? request->recode_n : segment.n;
    assert_offers(request->offers, request->offer_count, n);
    start_offers(&call->offers, tx, segment.profile, segment.k, n);
    uint16_t p = (uint16_t)(segment.last_p + 1);
    set_last_p(tx, SQL_SEGMENT_SET_LAST_P, &request->segment, p);
    for (size_t i = 0; i < request->offer_count; i++) {
        struct meta_offer offer = request->offers[i];
        if (check_node(tx, offer.node, err) != HEARTH_OK) {
            return err->code;
        }
        offer.p = p;
        insert_offer(tx, &request->segment, &offer, call->offers.expires_ms,
            call->offers.expires_ms + meta_skew_ms(tx));
        call->offers.offers[call->offers.count++] = offer;
    }
    return HEARTH_OK;
}

enum hearth_code meta_repair_offer(struct meta_store *store,
    const struct meta_repair_offer *request, struct meta_offers *out, struct hearth_err *err)
{
    assert(request->offer_count >= 1 && request->offer_count <= META_SLOTS_MAX);
    struct repair_call call = {.request = request};
    enum hearth_code code = meta_run(store, repair_offer, &call, err);
    if (code == HEARTH_OK) {
        *out = call.offers;
    }
    return code;
}
