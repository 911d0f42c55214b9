/*
 * Segments on their way in: placement, orders, receipts.
 */
#include "common/failpoint.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/segment_receipts.h"
#include "coordinator/service/service.h"

#include "erasure/ec_stripe.h"

#include <assert.h>

enum { CHOICES_MAX = 3 }; /* a chosen node may have stopped taking shards since */

/* ---- open ---- */

static enum hearth_code choose_holders(struct coordinator *coordinator,
    const struct wire_open_segment_request *in, const struct profile *profile, uint64_t size_max,
    struct arena *arena, struct place_choice *out, struct hearth_err *err)
{
    struct place_fleet fleet;
    enum hearth_code code = node_table_fleet(coordinator->nodes, arena, &fleet, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct place_query query = {
        .want = profile->n,
        .least = profile->w,
        .free_bytes_min = size_max,
        .allow_colocation = coordinator->settings->allow_colocation,
    };
    return place_sets_choose(
        coordinator->sets, in->session_id.bytes, &fleet, &query, size_max * profile->k, out, err);
}

/* A segment opened before keeps its offers, so there is nothing to choose; whether it is this
 * upload's is for the metadata to say. */
static bool find_earlier(struct coordinator *coordinator, struct meta_id segment,
    const struct profile *profile, struct place_choice *out)
{
    struct meta_segment_nodes nodes;
    struct hearth_err err;
    if (meta_segment_nodes(coordinator->store, segment, &nodes, &err) != HEARTH_OK ||
        nodes.count < profile->w) {
        return false;
    }
    out->count = nodes.count < profile->n ? (unsigned)nodes.count : profile->n;
    memcpy(out->nodes, nodes.nodes, out->count * sizeof(out->nodes[0]));
    return true;
}

static enum hearth_code open_once(struct coordinator *coordinator,
    const struct wire_open_segment_request *in, const struct profile *profile, uint64_t size_max,
    struct arena *arena, struct meta_offers *out, struct hearth_err *err)
{
    struct place_choice choice;
    enum hearth_code code = HEARTH_OK;
    if (!find_earlier(coordinator, service_id(in->segment_id), profile, &choice)) {
        code = choose_holders(coordinator, in, profile, size_max, arena, &choice, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_offer offers[META_SLOTS_MAX];
    assert(choice.count <= META_SLOTS_MAX);
    for (uint16_t slot = 0; slot < choice.count; slot++) {
        offers[slot] = (struct meta_offer){.slot = slot, .node = choice.nodes[slot]};
    }
    struct meta_segment_open request = {
        .intent = service_id(in->intent_id),
        .segment = service_id(in->segment_id),
        .k = profile->k,
        .n = profile->n,
        .w = profile->w,
        .offers = offers,
        .offer_count = choice.count,
    };
    memcpy(request.vk, in->vk.bytes, sizeof(request.vk));
    (void)FAILPOINT(COORDINATOR_OPEN_ASKED);
    code = meta_segment_open(coordinator->store, &request, out, err);
    (void)FAILPOINT(COORDINATOR_OPEN_DURABLE);
    return code;
}

static enum hearth_code open_choosing(struct coordinator *coordinator,
    const struct wire_open_segment_request *in, const struct profile *profile, uint64_t size_max,
    struct arena *arena, struct meta_offers *out, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_NOT_READY;
    for (unsigned i = 0; code == HEARTH_NOT_READY && i < CHOICES_MAX; i++) {
        code = open_once(coordinator, in, profile, size_max, arena, out, err);
    }
    return code;
}

static enum hearth_code open_segment(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_open_segment_request *in = request;
    struct wire_open_segment_reply *out = response;

    struct meta_intent intent;
    enum hearth_code code = service_intent(coordinator, context, in->intent_id, &intent, err);
    if (code == HEARTH_OK) {
        code = service_check_session(in->session_id, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    const struct profile *profile = profile_by_number(intent.profile);
    assert(profile != NULL);
    uint64_t size_max;
    uint64_t length = in->length_max == 0 ? EC_SEGMENT_PLAIN_MAX : in->length_max;
    code = segment_shard_size(profile->k, length, &size_max, err);

    struct meta_offers offers;
    if (code == HEARTH_OK) {
        code = open_choosing(coordinator, in, profile, size_max, context->arena, &offers, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    *out = (struct wire_open_segment_reply){
        .k = offers.k,
        .n = offers.n,
        .w = offers.w,
        .placements_count = offers.count,
        .orders_expire_unix_ms = offers.expires_ms,
    };
    struct segment_putting putting = {
        .segment = service_id(in->segment_id), .size_max = size_max, .session_id = in->session_id};
    return segment_offers_to_wire(
        coordinator, &putting, &offers, context->arena, &out->placements, err);
}

/* ---- one more offer ---- */

/* Node numbers that must not be chosen: those with an offer, and those that failed the caller. */
static size_t excluded_nodes(struct coordinator *coordinator,
    const struct wire_offer_slot_request *in, const struct meta_segment_nodes *nodes,
    uint32_t *excluded)
{
    size_t count = nodes->count;
    memcpy(excluded, nodes->nodes, count * sizeof(*excluded));
    for (size_t i = 0; i < in->failed_node_ids_count; i++) {
        if (node_table_find(coordinator->nodes, in->failed_node_ids[i].bytes, &excluded[count])) {
            count++;
        }
    }
    return count;
}

static enum hearth_code choose_spare(struct coordinator *coordinator,
    const struct wire_offer_slot_request *in, const struct meta_segment_nodes *nodes,
    uint64_t size_max, struct arena *arena, uint32_t *out, struct hearth_err *err)
{
    struct place_fleet fleet;
    uint32_t excluded[META_SLOTS_MAX * 3];
    enum hearth_code code = node_table_fleet(coordinator->nodes, arena, &fleet, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct place_query query = {
        .want = 1,
        .least = 1,
        .free_bytes_min = size_max,
        .excluded = excluded,
        .excluded_count = excluded_nodes(coordinator, in, nodes, excluded),
        .allow_colocation = coordinator->settings->allow_colocation,
    };
    struct place_choice choice;
    code = place_choose(&fleet, &query, coordinator->env, &choice, err);
    if (code == HEARTH_OK) {
        *out = choice.nodes[0];
    }
    return code;
}

static enum hearth_code offer_slot(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_offer_slot_request *in = request;

    struct meta_intent intent;
    struct meta_segment_nodes nodes;
    enum hearth_code code = service_intent(coordinator, context, in->intent_id, &intent, err);
    if (code == HEARTH_OK) {
        code = service_check_session(in->session_id, err);
    }
    if (code == HEARTH_OK) {
        code = meta_segment_nodes(coordinator->store, service_id(in->segment_id), &nodes, err);
    }
    uint64_t size_max;
    const struct profile *profile = NULL;
    if (code == HEARTH_OK) {
        profile = profile_by_number(nodes.profile);
        assert(profile != NULL);
        code = segment_shard_size(profile->k, EC_SEGMENT_PLAIN_MAX, &size_max, err);
    }
    struct meta_offer_slot offer = {.intent = service_id(in->intent_id),
        .segment = service_id(in->segment_id),
        .slot = (uint16_t)in->slot};
    if (code == HEARTH_OK) {
        code = choose_spare(coordinator, in, &nodes, size_max, context->arena, &offer.node, err);
    }
    struct meta_offers offers;
    if (code == HEARTH_OK) {
        code = meta_offer_slot(coordinator->store, &offer, &offers, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct segment_putting putting = {
        .segment = offer.segment, .size_max = size_max, .session_id = in->session_id};
    const struct wire_placement *placements;
    code = segment_offers_to_wire(coordinator, &putting, &offers, context->arena, &placements, err);
    if (code == HEARTH_OK) {
        *(struct wire_placement *)response = placements[0];
    }
    return code;
}

/* ---- receipts ---- */

static enum hearth_code seal_segment(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_seal_segment_request *in = request;
    struct meta_intent intent;
    struct segment_receipts receipts;
    struct meta_seal seal;
    enum hearth_code code = service_intent(coordinator, context, in->intent_id, &intent, err);
    if (code == HEARTH_OK) {
        code = service_seal(coordinator, in, &intent, context->arena, &receipts, &seal, err);
    }
    struct meta_seal_result result;
    if (code == HEARTH_OK) {
        (void)FAILPOINT(COORDINATOR_SEAL_ASKED);
        code = meta_seal(coordinator->store, &seal, &result, err);
        (void)FAILPOINT(COORDINATOR_SEAL_DURABLE);
    }
    if (code == HEARTH_OK) {
        segment_receipts_reply(&receipts, &result, response);
    }
    return code;
}

/*
 * No row leads from a segment to its tenant for as long as receipts may come, and none is needed:
 * what the node of an offered placement says it holds is true whoever shows it.  Who has no such
 * word is told nothing of the segment.
 */
static enum hearth_code add_holders(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_add_holders_request *in = request;
    struct meta_id tenant;
    struct meta_segment segment;
    enum hearth_code code = service_tenant(coordinator, context, SERVICE_WRITES, &tenant, err);
    if (code == HEARTH_OK) {
        code = meta_segment_get(coordinator->store, service_id(in->segment_id), &segment, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct segment_shown shown = {
        .segment = segment.id,
        .length = segment.length,
        .k = segment.k,
        .receipts = in->receipts,
        .count = in->receipts_count,
    };
    struct segment_receipts receipts;
    code = segment_receipts_check(coordinator, &shown, context->arena, &receipts, err);
    if (code == HEARTH_OK && receipts.good_count == 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "add holders: not a receipt of this segment");
    }
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_add_holders add = {
        .segment = segment.id,
        .shard_length = receipts.shard_length,
        .receipts = receipts.good,
        .receipt_count = receipts.good_count,
    };
    struct meta_seal_result result;
    code = meta_add_holders(coordinator->store, &add, &result, err);
    if (code == HEARTH_OK) {
        segment_receipts_reply(&receipts, &result, response);
    }
    return code;
}

const struct rpc_handler segment_handlers[] = {
    {.method = RPC_OPEN_SEGMENT, .unary = open_segment},
    {.method = RPC_OFFER_SLOT, .unary = offer_slot},
    {.method = RPC_SEAL_SEGMENT, .unary = seal_segment},
    {.method = RPC_ADD_HOLDERS, .unary = add_holders},
};
const unsigned segment_handler_count = sizeof(segment_handlers) / sizeof(segment_handlers[0]);
