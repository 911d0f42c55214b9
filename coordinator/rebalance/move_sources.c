#include "coordinator/rebalance/move_sources.h"

#include "common/codec.h"
#include "common/log.h"
#include "coordinator/service/segment_orders.h"

static bool is_silent(struct coordinator *coordinator, uint32_t node)
{
    uint64_t silent_ms;
    return node_table_health(coordinator->nodes, node, &silent_ms) > NODE_SUSPECT;
}

static void add(struct coordinator *coordinator, const struct meta_segment *segment,
    const struct wire_segment_info *info, bool silent, struct move_sources *out)
{
    for (size_t i = 0; i < info->holders_count; i++) {
        const struct wire_placement *holder = &info->holders[i];
        const uint32_t node = segment->holders[holder->slot].node;
        if (holder->order.size > 0 && is_silent(coordinator, node) == silent) {
            out->sources[out->count++] = (struct repair_source){.slot = holder->slot,
                .node = node,
                .door = {.node = holder->node, .order = holder->order}};
        }
    }
}

enum hearth_code move_sources_find(struct coordinator *coordinator,
    const struct meta_segment *segment, struct ec_slots failed, struct view session_id,
    struct arena *arena, struct move_sources *out, struct hearth_err *err)
{
    struct segment_reading reading = {
        .session_id = session_id, .failed = failed, .want = segment->n};
    struct wire_segment_info info;
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (ec_slots_has(segment->damaged, slot)) {
            ec_slots_add(&reading.failed, slot);
        }
    }
    enum hearth_code code = segment_to_wire(coordinator, segment, &reading, arena, &info, err);
    out->count = 0;
    if (code == HEARTH_OK) {
        add(coordinator, segment, &info, false, out);
        add(coordinator, segment, &info, true, out);
    }
    return code;
}

void move_accuse(struct coordinator *coordinator, const struct meta_id *segment, unsigned slot,
    uint32_t node, const char *why)
{
    char text[2 * META_ID_SIZE + 1];
    node_table_accused(coordinator->nodes, node);
    hex_encode(segment->bytes, META_ID_SIZE, text);
    log_write(LOG_SHARD_REPORTED, "node=%u segment=%s slot=%u by=move detail=\"%s\"", node, text,
        slot, why);
}
