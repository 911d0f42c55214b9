#include "coordinator/rebalance/rebalance_plan.h"

#include <assert.h>

/* Shares are compared in parts of so many. */
enum { WHOLE = 10000 };

/* Bytes times bytes. */
__extension__ typedef unsigned __int128 wide;

const char *rebalance_kind_text(enum rebalance_kind kind)
{
    switch (kind) {
#define X(name, value, text)                                                                       \
    case REBALANCE_##name: return text;
        REBALANCE_KIND_TABLE(X)
#undef X
    }
    return "unknown";
}

struct rebalance_node *rebalance_node_find(const struct rebalance_plan *plan, uint32_t number)
{
    size_t low = 0;
    size_t high = plan->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->nodes[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < plan->count && plan->nodes[low].number == number ? &plan->nodes[low] : NULL;
}

/* ---- shares ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* share / whole of `bytes`, without overflow. */
static uint64_t part_of(uint64_t bytes, uint64_t share, uint64_t whole)
{
    return whole == 0 ? 0 : (uint64_t)((wide)bytes * share / whole);
}

uint64_t rebalance_weight(const struct rebalance_node *node)
{
    if (node->uplink_bits == 0) {
        return node->capacity;
    }
    return least(node->capacity, part_of(REBALANCE_BYTES_PER_MBIT, node->uplink_bits, 1000000));
}

uint64_t rebalance_line_ms(uint64_t uplink_bits, uint64_t bytes)
{
    return part_of(bytes, 8 * 1000, uplink_bits > 0 ? uplink_bits : REBALANCE_UPLINK_BITS);
}

/* What it could hold if everything went there. */
static uint64_t most_of(const struct rebalance_plan *plan, const struct rebalance_node *node)
{
    uint64_t room = node->held + node->free;
    return plan->slot_bytes == 0 ? room : least(room, plan->slot_bytes);
}

static bool takes(const struct rebalance_node *node)
{
    return node->takes_shards && !node->leaves;
}

/* Each gets its share by weight; who has no room for it gets what fits, and the others the rest. */
static void share_out(struct rebalance_plan *plan, uint64_t bytes)
{
    bool is_settled = false;
    uint64_t left = bytes;
    for (size_t i = 0; i < plan->count; i++) {
        plan->nodes[i].target = UINT64_MAX; /* not settled */
    }
    while (!is_settled) {
        uint64_t weights = 0;
        for (size_t i = 0; i < plan->count; i++) {
            weights += takes(&plan->nodes[i]) && plan->nodes[i].target == UINT64_MAX
                ? plan->nodes[i].weight
                : 0;
        }
        is_settled = true;
        uint64_t settled = 0;
        for (size_t i = 0; i < plan->count; i++) {
            struct rebalance_node *node = &plan->nodes[i];
            if (takes(node) && node->target == UINT64_MAX &&
                part_of(left, node->weight, weights) > most_of(plan, node)) {
                node->target = most_of(plan, node);
                settled += node->target;
                is_settled = false;
            }
        }
        left -= settled;
        for (size_t i = 0; i < plan->count && is_settled; i++) {
            struct rebalance_node *node = &plan->nodes[i];
            if (node->target == UINT64_MAX) {
                node->target = takes(node) ? part_of(left, node->weight, weights) : 0;
            }
        }
    }
}

/* ---- what is given and taken ---- */

static uint64_t given_down_to(const struct rebalance_node *node, unsigned level)
{
    return takes(node) ? above(node->held, part_of(node->target, level, WHOLE)) : 0;
}

static uint64_t taken_up_to(const struct rebalance_node *node, unsigned level)
{
    return takes(node) ? above(part_of(node->target, level, WHOLE), node->held) : 0;
}

typedef uint64_t level_fn(const struct rebalance_node *node, unsigned level);

static uint64_t sum_at(const struct rebalance_plan *plan, level_fn *fn, unsigned level)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < plan->count; i++) {
        sum += fn(&plan->nodes[i], level);
    }
    return sum;
}

/* The highest level down to which givers give at least that. */
static unsigned giving_level(const struct rebalance_plan *plan, uint64_t bytes)
{
    unsigned low = 0;
    unsigned high = WHOLE + WHOLE * REBALANCE_BAND_PERCENT / 100;
    while (low < high) {
        unsigned middle = low + (high - low + 1) / 2;
        if (sum_at(plan, given_down_to, middle) >= bytes) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* The lowest level up to which takers take at least that. */
static unsigned taking_level(const struct rebalance_plan *plan, uint64_t bytes)
{
    unsigned low = WHOLE - WHOLE * REBALANCE_BAND_PERCENT / 100;
    unsigned high = 2 * WHOLE;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (sum_at(plan, taken_up_to, middle) >= bytes) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool is_even(const struct rebalance_plan *plan)
{
    const unsigned slack = WHOLE * REBALANCE_EVEN_PERCENT / 100;
    return sum_at(plan, given_down_to, WHOLE + slack) == 0 &&
        sum_at(plan, taken_up_to, WHOLE - slack) == 0;
}

/* As little as brings all into the band: more than needed on one side is matched on the other. */
static void set_budgets(struct rebalance_plan *plan)
{
    const unsigned band = WHOLE * REBALANCE_BAND_PERCENT / 100;
    if (is_even(plan)) {
        return;
    }
    uint64_t too_much = sum_at(plan, given_down_to, WHOLE + band);
    uint64_t too_little = sum_at(plan, taken_up_to, WHOLE - band);
    uint64_t bytes = too_much > too_little ? too_much : too_little;
    unsigned giving = giving_level(plan, bytes);
    unsigned taking = taking_level(plan, bytes);
    for (size_t i = 0; i < plan->count; i++) {
        struct rebalance_node *node = &plan->nodes[i];
        node->give = given_down_to(node, giving);
        node->take = taken_up_to(node, taking);
    }
}

void rebalance_targets(struct rebalance_plan *plan)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct rebalance_node *node = &plan->nodes[i];
        assert(i == 0 || plan->nodes[i - 1].number < node->number);
        node->weight = rebalance_weight(node);
        node->give = node->leaves ? node->held : 0;
        node->take = 0;
        bytes += takes(node) || node->leaves ? node->held : 0;
    }
    share_out(plan, bytes);
    if (plan->kind == REBALANCE_SPACE) {
        set_budgets(plan);
    }
}

struct rebalance_spread rebalance_spread_of(const struct rebalance_plan *plan)
{
    struct rebalance_spread spread = {.least = UINT32_MAX, .most = 0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct rebalance_node *node = &plan->nodes[i];
        if (takes(node) && node->target > 0) {
            unsigned percent = (unsigned)part_of(node->held, 100, node->target);
            spread.least = percent < spread.least ? percent : spread.least;
            spread.most = percent > spread.most ? percent : spread.most;
        }
    }
    return spread.most == 0 ? (struct rebalance_spread){100, 100} : spread;
}

/* ---- one segment ---- */

/* What is known of each slot's holder; NULL: nobody, or a node that is not in the fleet. */
struct slots {
    const struct rebalance_segment *segment;
    struct rebalance_node *nodes[META_SLOTS_MAX];
    bool is_settled[META_SLOTS_MAX]; /* it moved, or cannot */
};

static bool shares_domain(const struct rebalance_plan *plan, const struct rebalance_node *a,
    const struct rebalance_node *b)
{
    return a->number == b->number ||
        (!plan->allow_colocation &&
            (a->owner == b->owner || memcmp(&a->network, &b->network, sizeof(a->network)) == 0));
}

static void find_holders(
    const struct rebalance_plan *plan, const struct rebalance_segment *segment, struct slots *out)
{
    *out = (struct slots){.segment = segment};
    for (unsigned slot = 0; slot < segment->n; slot++) {
        out->nodes[slot] =
            segment->holders[slot] == 0 ? NULL : rebalance_node_find(plan, segment->holders[slot]);
    }
}

/* Any other slot's holder is in the way. */
static bool is_in_the_way(const struct rebalance_plan *plan, const struct slots *slots,
    unsigned slot, const struct rebalance_node *node)
{
    for (unsigned other = 0; other < slots->segment->n; other++) {
        if (other != slot && slots->nodes[other] != NULL &&
            shares_domain(plan, slots->nodes[other], node)) {
            return true;
        }
    }
    return false;
}

static bool has_twin_before(
    const struct rebalance_plan *plan, const struct slots *slots, unsigned slot)
{
    for (unsigned other = 0; other < slot; other++) {
        if (slots->nodes[other] != NULL &&
            shares_domain(plan, slots->nodes[other], slots->nodes[slot])) {
            return true;
        }
    }
    return false;
}

unsigned rebalance_violations(
    const struct rebalance_plan *plan, const struct rebalance_segment *segment)
{
    struct slots slots;
    unsigned count = 0;
    find_holders(plan, segment, &slots);
    for (unsigned slot = 0; slot < segment->n; slot++) {
        count += slots.nodes[slot] != NULL && has_twin_before(plan, &slots, slot);
    }
    return count;
}

static bool should_move(const struct rebalance_plan *plan, const struct slots *slots, unsigned slot)
{
    const struct rebalance_node *node = slots->nodes[slot];
    if (node == NULL || slots->is_settled[slot]) {
        return false;
    }
    switch (plan->kind) {
    case REBALANCE_LEAVING: return node->leaves;
    case REBALANCE_DOMAINS: return has_twin_before(plan, slots, slot);
    case REBALANCE_RECODE: return false;
    case REBALANCE_SPACE: break;
    }
    return node->give > slots->segment->size / 2;
}

/* a / b > c / d */
static bool is_larger(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (wide)a * d > (wide)c * b;
}

/* Of those that should move the one whose node has most to give for its size. */
static int next_slot(const struct rebalance_plan *plan, const struct slots *slots)
{
    int best = -1;
    for (unsigned slot = 0; slot < slots->segment->n; slot++) {
        if (should_move(plan, slots, slot) &&
            (best < 0 ||
                is_larger(slots->nodes[slot]->give, slots->nodes[slot]->weight,
                    slots->nodes[best]->give, slots->nodes[best]->weight))) {
            best = (int)slot;
        }
    }
    return best;
}

static bool has_room(
    const struct rebalance_plan *plan, const struct rebalance_node *node, uint64_t size)
{
    return takes(node) && node->weight > 0 && node->free >= size &&
        (plan->kind != REBALANCE_SPACE || node->take > size / 2);
}

/* By space: who lacks most for its size.  Else who is emptiest for its size. */
static bool is_better(const struct rebalance_plan *plan, const struct rebalance_node *a,
    const struct rebalance_node *b)
{
    return plan->kind == REBALANCE_SPACE ? is_larger(a->take, a->weight, b->take, b->weight)
                                         : is_larger(b->held, b->weight, a->held, a->weight);
}

static struct rebalance_node *place_for(
    const struct rebalance_plan *plan, const struct slots *slots, unsigned slot)
{
    struct rebalance_node *best = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        struct rebalance_node *node = &plan->nodes[i];
        if (has_room(plan, node, slots->segment->size) &&
            (best == NULL || is_better(plan, node, best)) &&
            !is_in_the_way(plan, slots, slot, node) && node != slots->nodes[slot]) {
            best = node;
        }
    }
    return best;
}

static void carry(struct rebalance_node *from, struct rebalance_node *to, uint64_t size)
{
    from->held = above(from->held, size);
    from->give = above(from->give, size);
    from->free += size;
    to->held += size;
    to->take = above(to->take, size);
    to->free = above(to->free, size);
}

void rebalance_pick(struct rebalance_plan *plan, const struct rebalance_segment *segment,
    struct rebalance_picked *out)
{
    struct slots slots;
    out->count = 0;
    out->stuck = 0;
    out->is_limited = false;
    find_holders(plan, segment, &slots);
    for (int slot = next_slot(plan, &slots); slot >= 0; slot = next_slot(plan, &slots)) {
        if (plan->bytes_max > 0 && plan->bytes_picked + segment->size > plan->bytes_max) {
            out->is_limited = true;
            return;
        }
        struct rebalance_node *to = place_for(plan, &slots, (unsigned)slot);
        slots.is_settled[slot] = true;
        if (to == NULL) {
            out->stuck++;
            continue;
        }
        out->moves[out->count++] = (struct rebalance_move){
            .slot = (uint16_t)slot, .from = slots.nodes[slot]->number, .to = to->number};
        carry(slots.nodes[slot], to, segment->size);
        slots.nodes[slot] = to;
        plan->bytes_picked += segment->size;
    }
}

void rebalance_undo(struct rebalance_plan *plan, const struct rebalance_move *move, uint64_t size)
{
    struct rebalance_node *from = rebalance_node_find(plan, move->from);
    struct rebalance_node *to = rebalance_node_find(plan, move->to);
    assert(from != NULL && to != NULL);
    from->held += size;
    from->give += size;
    from->free = above(from->free, size);
    to->held = above(to->held, size);
    to->take += size;
    to->free += size;
    plan->bytes_picked = above(plan->bytes_picked, size);
}
