#include "coordinator/repair_judge.h"

static bool is_held(
    struct meta_holder holder, const struct repair_node *node, const struct profile *profile)
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
    const struct repair_node nodes[META_SLOTS_MAX], uint64_t now_ms, struct repair_judgement *out)
{
    *out = (struct repair_judgement){.is_due = false};
    for (unsigned slot = 0; slot < segment->n; slot++) {
        const struct repair_node *node = &nodes[slot];
        if (!is_held(segment->holders[slot], node, profile)) {
            ec_slots_add(&out->missing, slot);
            continue;
        }
        ec_slots_add(&out->held, slot);
        if (node->health == NODE_ALIVE || node->health == NODE_SUSPECT) {
            ec_slots_add(&out->reachable, slot);
        }
    }
    unsigned held = ec_slots_count(out->held);
    out->urgency = held > segment->k ? held - segment->k : 0;
    out->is_due = ec_slots_count(out->missing) > 0 &&
        ec_slots_count(out->reachable) >= segment->k && is_due(segment, profile, held, now_ms);
}
