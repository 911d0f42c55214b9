#include "coordinator/service/segment_orders.h"

#include "erasure/ec_stripe.h"

enum hearth_code segment_shard_size(
    unsigned k, uint64_t plain_size, uint64_t *out, struct hearth_err *err)
{
    struct ec_stripes stripes;
    enum hearth_code code = ec_stripes_init(&stripes, k, plain_size, err);
    if (code == HEARTH_OK) {
        *out = ec_stripes_tagged_shard_size(&stripes);
    }
    return code;
}

/*
 * One slot at one node; `request` says all of the order but the node.  Without a session there is
 * no order, only the place.
 */
static enum hearth_code place(struct coordinator *coordinator, uint32_t node,
    struct order_request *request, struct arena *arena, struct wire_placement *out,
    struct hearth_err *err)
{
    struct wire_node_address *address = arena_take(arena, sizeof(*address));
    uint8_t *bytes = arena_take(arena, ORDER_SIZE);
    if (address == NULL || bytes == NULL ||
        !node_table_address(coordinator->nodes, node, arena, address)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "placement at node %u", node);
    }
    *out = (struct wire_placement){.slot = request->slot, .number = request->p, .node = address};
    if (request->session_id.size == PKI_ID_SIZE) {
        memcpy(request->node_id, address->node_id.bytes, sizeof(request->node_id));
        order_issue(&coordinator->issuer, request, bytes);
        out->order = view_of(bytes, ORDER_SIZE);
    }
    return HEARTH_OK;
}

enum hearth_code segment_offers_to_wire(struct coordinator *coordinator,
    const struct segment_putting *putting, const struct meta_offers *offers, struct arena *arena,
    const struct wire_placement **out, struct hearth_err *err)
{
    struct wire_placement *placements = arena_take_array(arena, offers->count, sizeof(*placements));
    if (placements == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu placements", offers->count);
    }
    struct order_request request = {
        .action = ORDER_PUT,
        .segment = putting->segment,
        .size_max = putting->size_max,
        .session_id = putting->session_id,
        .created_unix_ms = meta_now_ms(coordinator->store),
        .expires_unix_ms = offers->expires_ms,
    };
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < offers->count && code == HEARTH_OK; i++) {
        request.slot = offers->offers[i].slot;
        request.p = offers->offers[i].p;
        code = place(coordinator, offers->offers[i].node, &request, arena, &placements[i], err);
    }
    *out = placements;
    return code;
}

/* Lower is asked first: data slots of nodes that answer, then parity, then who may come back. */
static unsigned reading_rank(enum node_health health, unsigned slot, unsigned k)
{
    return 2 * (unsigned)health + (slot >= k);
}

/* Marks the holders that get an order: the `want` best ranked, failed slots never. */
static void choose_readers(struct coordinator *coordinator, const struct meta_segment *segment,
    struct ec_slots failed, unsigned want, bool chosen[META_SLOTS_MAX])
{
    for (unsigned rank = 0; rank < 2 * NODE_GONE && want > 0; rank++) {
        for (unsigned slot = 0; slot < segment->n && want > 0; slot++) {
            uint64_t silent;
            uint32_t node = segment->holders[slot].node;
            if (node != 0 && !chosen[slot] && !ec_slots_has(failed, slot) &&
                reading_rank(node_table_health(coordinator->nodes, node, &silent), slot,
                    segment->k) == rank) {
                chosen[slot] = true;
                want--;
            }
        }
    }
}

enum hearth_code segment_to_wire(struct coordinator *coordinator,
    const struct meta_segment *segment, const struct segment_reading *reading, struct arena *arena,
    struct wire_segment_info *out, struct hearth_err *err)
{
    struct wire_placement *holders = arena_take_array(arena, segment->n, sizeof(*holders));
    if (holders == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "describe segment");
    }
    bool chosen[META_SLOTS_MAX] = {false};
    if (reading->session_id.size == PKI_ID_SIZE) {
        choose_readers(coordinator, segment, reading->failed, reading->want, chosen);
    }
    *out = (struct wire_segment_info){
        .segment_id = arena_copy(arena, meta_id_view(&segment->id)),
        .length = segment->length,
        .codec = (uint32_t)segment->codec,
        .k = segment->k,
        .n = segment->n,
        .vk = arena_copy(arena, view_of(segment->vk, sizeof(segment->vk))),
        .generation = segment->generation,
        .holders = holders,
    };
    uint64_t now = meta_now_ms(coordinator->store);
    enum hearth_code code = HEARTH_OK;
    for (uint16_t slot = 0; slot < segment->n && code == HEARTH_OK; slot++) {
        if (segment->holders[slot].node == 0) {
            continue;
        }
        struct order_request request = {
            .action = ORDER_GET,
            .segment = segment->id,
            .slot = slot,
            .p = segment->holders[slot].p,
            .session_id = chosen[slot] ? reading->session_id : (struct view){0},
            .created_unix_ms = now,
            .expires_unix_ms = now + meta_order_ms(coordinator->store),
        };
        code = place(coordinator, segment->holders[slot].node, &request, arena,
            &holders[out->holders_count++], err);
    }
    return code;
}

enum hearth_code segment_placement_to_wire(struct coordinator *coordinator,
    const struct segment_placement *placement, struct view session_id, struct arena *arena,
    struct wire_placement *out, struct hearth_err *err)
{
    uint64_t now = meta_now_ms(coordinator->store);
    struct order_request request = {
        .action = ORDER_GET,
        .segment = placement->segment,
        .slot = placement->slot,
        .p = placement->holder.p,
        .session_id = session_id,
        .created_unix_ms = now,
        .expires_unix_ms = now + meta_order_ms(coordinator->store),
    };
    return place(coordinator, placement->holder.node, &request, arena, out, err);
}
