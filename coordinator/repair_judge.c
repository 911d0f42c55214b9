#include "coordinator/repair_judge.h"

/* As far as waiting for the node goes. */
static bool is_there(
    struct meta_holder holder, const struct fleet_node *node, const struct profile *profile)
{
    return holder.node != 0 && node->health != NODE_GONE &&
        node->silent_ms < UINT64_C(1000) * profile->lost_after_s;
}

/* Lazily at r; up to fill once the segment's first while is over. */
static bool is_due(const struct meta_segment *segment, const struct profile *profile, unsigned held,
    uint64_t now_ms)
{
    uint64_t fill_ms = segment->sealed_ms + UINT64_C(1000) * profile->fill_after_s;
    return held <= profile->r || (held < profile->fill && now_ms >= fill_ms);
}

void repair_judge(const struct meta_segment *segment, const struct profile *profile,
    const struct fleet_view *fleet, uint64_t now_ms, struct repair_judgement *out)
{
    struct ec_slots last_resort = {{0}};
    *out = (struct repair_judgement){.is_due = false};
    for (unsigned slot = 0; slot < segment->n; slot++) {
        const struct fleet_node *node = fleet_view_node(fleet, segment->holders[slot].node);
        bool has_it = is_there(segment->holders[slot], node, profile);
        bool is_good =
            has_it && node->state != META_NODE_SUSPENDED && !ec_slots_has(segment->damaged, slot);
        ec_slots_add(is_good ? &out->held : &out->missing, slot);
        if (has_it && fleet_node_answers(node)) {
            ec_slots_add(is_good ? &out->reachable : &last_resort, slot);
        }
    }
    if (ec_slots_count(out->reachable) < segment->k) {
        out->reachable = ec_slots_plus(out->reachable, last_resort);
    }
    unsigned held = ec_slots_count(out->held);
    out->urgency = held > segment->k ? held - segment->k : 0;
    out->is_due = ec_slots_count(out->missing) > 0 &&
        ec_slots_count(out->reachable) >= segment->k && is_due(segment, profile, held, now_ms);
}
