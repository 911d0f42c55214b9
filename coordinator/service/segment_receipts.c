#include "coordinator/service/segment_receipts.h"

#include "coordinator/service/segment_orders.h"

static void add_bad(
    struct segment_receipts *receipts, uint32_t slot, enum hearth_code code, struct view reason)
{
    receipts->bad[receipts->bad_count++] =
        (struct wire_bad_slot){.slot = slot, .code = (uint32_t)code, .reason = reason};
}

static enum hearth_code check_receipt(struct coordinator *coordinator, struct meta_id segment,
    const struct wire_slot_receipt *in, struct meta_receipt *out, struct hearth_err *err)
{
    struct shard_place place = {.slot = (uint16_t)in->slot, .p = (uint16_t)in->number};
    memcpy(place.segment, segment.bytes, sizeof(place.segment));
    struct receipt receipt;
    enum hearth_code code = order_receipt_check(
        &coordinator->issuer, in->receipt, &place, meta_now_ms(coordinator->store), &receipt, err);
    if (code != HEARTH_OK) {
        return code;
    }
    *out = (struct meta_receipt){.slot = place.slot, .p = place.p, .shard_length = receipt.size};
    if (!node_table_find(coordinator->nodes, receipt.node_id, &out->node)) {
        return hearth_fail(err, HEARTH_DENIED, "receipt of an unknown node");
    }
    return HEARTH_OK;
}

enum hearth_code segment_receipts_check(struct coordinator *coordinator,
    const struct segment_shown *shown, struct arena *arena, struct segment_receipts *out,
    struct hearth_err *err)
{
    *out = (struct segment_receipts){
        .good = arena_take_array(arena, shown->count, sizeof(*out->good)),
        .bad = arena_take_array(arena, shown->count + META_SLOTS_MAX, sizeof(*out->bad)),
    };
    if (out->good == NULL || out->bad == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu receipts", shown->count);
    }
    for (size_t i = 0; i < shown->count; i++) {
        struct hearth_err why;
        enum hearth_code code = check_receipt(
            coordinator, shown->segment, &shown->receipts[i], &out->good[out->good_count], &why);
        if (code == HEARTH_OK) {
            out->good_count++;
        } else {
            add_bad(out, shown->receipts[i].slot, code, arena_copy(arena, view_text(why.message)));
        }
    }
    return segment_shard_size(shown->k, shown->length, &out->shard_length, err);
}

void segment_receipts_reply(struct segment_receipts *receipts,
    const struct meta_seal_result *result, struct wire_seal_segment_reply *out)
{
    for (size_t i = 0; i < result->bad_count; i++) {
        add_bad(
            receipts, result->bad[i].slot, result->bad[i].code, view_text(result->bad[i].reason));
    }
    *out = (struct wire_seal_segment_reply){
        .generation = result->generation,
        .holders = result->holders,
        .bad_slots = receipts->bad,
        .bad_slots_count = receipts->bad_count,
    };
}
