#include "coordinator/repair/repair_judge.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- rules ---- */

void repair_rules_init(struct repair_rules *rules, unsigned nines)
{
    assert(profile_count <= REPAIR_PROFILES_MAX);
    *rules = (struct repair_rules){.everything = false};
    for (unsigned i = 0; i < profile_count; i++) {
        durability_goal_init(&rules->goals[i], &profile_table[i], nines);
    }
}

const struct durability_goal *repair_rules_goal(
    const struct repair_rules *rules, const struct profile *profile)
{
    return &rules->goals[profile - profile_table];
}

bool repair_is_left_alone(const struct meta_segment *segment)
{
    return segment->dying_ms != 0 || profile_by_number(segment->profile) == NULL;
}

/* ---- what there is ---- */

/* What one judgement works with. */
struct look {
    const struct repair_rules *rules;
    const struct meta_segment *segment;
    const struct profile *profile;
    const struct fleet_view *fleet;
    uint64_t now_ms;
    struct ec_slots heard; /* held, by nodes that spoke within REPAIR_UNHEARD_MS */
    bool has_empty;        /* a slot that nobody ever had */
};

/* As far as waiting for the node goes: who answers is there, however rare its heartbeats are. */
static bool is_there(
    struct meta_holder holder, const struct fleet_node *node, const struct profile *profile)
{
    return holder.node != 0 && node->health != NODE_GONE &&
        (fleet_node_answers(node) || node->silent_ms < UINT64_C(1000) * profile->lost_after_s);
}

static void look_at_slot(
    struct look *look, unsigned slot, struct ec_slots *last_resort, struct repair_judgement *out)
{
    const struct meta_segment *segment = look->segment;
    const struct fleet_node *node = fleet_view_node(look->fleet, segment->holders[slot].node);
    bool has_it = is_there(segment->holders[slot], node, look->profile);
    bool is_good =
        has_it && node->state != META_NODE_SUSPENDED && !ec_slots_has(segment->damaged, slot);
    ec_slots_add(is_good ? &out->held : &out->missing, slot);
    if (has_it && fleet_node_answers(node)) {
        ec_slots_add(is_good ? &out->reachable : last_resort, slot);
    }
    if (is_good && node->silent_ms < REPAIR_UNHEARD_MS) {
        ec_slots_add(&look->heard, slot);
    }
    look->has_empty = look->has_empty || segment->holders[slot].node == 0;
}

static void look_at_slots(struct look *look, struct repair_judgement *out)
{
    struct ec_slots last_resort = {{0}};
    for (unsigned slot = 0; slot < look->segment->n; slot++) {
        look_at_slot(look, slot, &last_resort, out);
    }
    if (ec_slots_count(out->reachable) < look->segment->k) {
        out->reachable = ec_slots_plus(out->reachable, last_resort);
    }
}

unsigned repair_holders(const struct meta_segment *segment, const struct fleet_view *fleet,
    struct ec_slots slots, struct durability_holder holders[META_SLOTS_MAX])
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (ec_slots_has(slots, slot)) {
            const struct fleet_node *node = fleet_view_node(fleet, segment->holders[slot].node);
            holders[count] =
                (struct durability_holder){.uptime = node->uptime, .hazard = node->hazard};
            memcpy(holders[count++].swing, node->swing, sizeof(node->swing));
        }
    }
    return count;
}

/* ---- what to do about it ---- */

static bool are_few_heard(const struct look *look)
{
    const struct profile *profile = look->profile;
    unsigned least = profile->k + PROFILE_ONLINE_SPARE;
    return ec_slots_count(look->heard) < (least < profile->r ? least : profile->r);
}

/* Lazy profiles fill up what was never there; those that do not wait keep everything there. */
static bool wants_filling(const struct look *look, unsigned held)
{
    const struct profile *profile = look->profile;
    uint64_t fill_ms = look->segment->sealed_ms + UINT64_C(1000) * profile->fill_after_s;
    return held < profile->fill && look->now_ms >= fill_ms &&
        (profile->fill_after_s == 0 || look->has_empty);
}

/* One loss more and it could not be undeleted; anything less is not worth the bytes. */
static bool is_last_chance(const struct look *look, unsigned held)
{
    return held <= look->profile->k;
}

static enum repair_reason find_reason(
    const struct look *look, const struct durability_holder *holders, unsigned held)
{
    if (meta_segment_is_doomed(look->segment)) {
        return is_last_chance(look, held) ? REPAIR_FEW_HELD : REPAIR_NOTHING;
    }
    if (durability_is_due(repair_rules_goal(look->rules, look->profile), holders, held)) {
        return REPAIR_FEW_HELD;
    }
    if (are_few_heard(look)) {
        return REPAIR_FEW_HEARD;
    }
    if (wants_filling(look, held)) {
        return REPAIR_FILL;
    }
    return look->rules->everything ? REPAIR_ASKED : REPAIR_NOTHING;
}

/* Ten times the digits of the chance that it is lost before a repair would be done; what is deleted
 * comes after all that is not. */
static unsigned urgency_of(
    const struct look *look, const struct durability_holder *holders, unsigned held)
{
    if (meta_segment_is_doomed(look->segment)) {
        return REPAIR_URGENCY_FILL - 1;
    }
    const struct durability_goal *goal = repair_rules_goal(look->rules, look->profile);
    double lost = durability_lost_in(look->segment->k, holders, held, goal->window_years);
    double digits = lost > 0 ? -10 * log10(lost) : REPAIR_URGENCY_FILL - 1;
    return digits < REPAIR_URGENCY_FILL - 1 ? (unsigned)digits : REPAIR_URGENCY_FILL - 1;
}

/* Who was not heard is not counted on either way once that is why. */
static void decide(const struct look *look, struct repair_judgement *out)
{
    struct durability_holder holders[META_SLOTS_MAX];
    unsigned held = repair_holders(look->segment, look->fleet, out->held, holders);
    out->reason = find_reason(look, holders, held);
    if (out->reason == REPAIR_FEW_HEARD) {
        out->missing = ec_slots_minus(ec_slots_first(look->segment->n), look->heard);
        held = repair_holders(look->segment, look->fleet, look->heard, holders);
    }
    out->is_due = out->reason != REPAIR_NOTHING && ec_slots_count(out->missing) > 0 &&
        ec_slots_count(out->reachable) >= look->segment->k;
    if (out->is_due) {
        bool is_at_leisure = out->reason == REPAIR_FILL || out->reason == REPAIR_ASKED;
        out->urgency = urgency_of(look, holders, held) + (is_at_leisure ? REPAIR_URGENCY_FILL : 0);
    }
}

void repair_judge(const struct repair_rules *rules, const struct meta_segment *segment,
    const struct fleet_view *fleet, uint64_t now_ms, struct repair_judgement *out)
{
    struct look look = {
        .rules = rules,
        .segment = segment,
        .profile = profile_by_number(segment->profile),
        .fleet = fleet,
        .now_ms = now_ms,
    };
    *out = (struct repair_judgement){.is_due = false};
    look_at_slots(&look, out);
    if (ec_slots_count(out->missing) > 0 || are_few_heard(&look)) {
        decide(&look, out);
    }
}
