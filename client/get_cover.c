#include "client/get_cover.h"

#include <stdlib.h>

enum {
    MS = 1000000, /* nanoseconds */
    /* What reading other slots and decoding must gain, besides half of the time. */
    DETOUR_MS = 10,
};

struct ec_slots get_cover_needed(const struct get_cover *cover, unsigned stripe)
{
    return ec_stripes_slots_of(cover->shape, stripe, cover->sealed);
}

/* Slots whose cell is there or will come; counting lanes that are late, or not. */
static struct ec_slots covered_slots(const struct get_cover *cover, unsigned stripe, bool with_late)
{
    struct ec_slots covered = get_window_have(cover->window, stripe);
    for (unsigned i = 0; i < cover->lane_count; i++) {
        const struct get_lane *lane = &cover->lanes[i];
        if (get_lane_covers(lane, lane->slot, stripe) && (with_late || !lane->is_late)) {
            ec_slots_add(&covered, lane->slot);
        }
    }
    return covered;
}

static bool is_enough(const struct get_cover *cover, unsigned stripe, struct ec_slots covered)
{
    return ec_slots_empty(ec_slots_minus(get_cover_needed(cover, stripe), covered)) ||
        ec_slots_count(covered) >= cover->shape->data_count;
}

static struct get_lane *free_lane(const struct get_cover *cover)
{
    for (unsigned i = 0; i < cover->lane_count; i++) {
        if (cover->lanes[i].state == GET_LANE_FREE) {
            return &cover->lanes[i];
        }
    }
    return NULL;
}

/* From this stripe on for as long as the slot is needed itself (direct), or needed to make up
 * k cells, and no lane brings it. */
static unsigned run_end(
    const struct get_cover *cover, unsigned stripe, unsigned slot, bool is_direct)
{
    unsigned end = stripe + 1;
    for (; end < cover->end; end++) {
        if (ec_slots_has(covered_slots(cover, end, true), slot)) {
            break;
        }
        bool is_wanted = is_direct ? ec_slots_has(get_cover_needed(cover, end), slot)
                                   : !is_enough(cover, end, covered_slots(cover, end, false));
        if (!is_wanted) {
            break;
        }
    }
    return end;
}

/* ---- who is expected to be quick ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_promising(const struct get_holder *holder)
{
    return holder->is_usable && holder->standing == NODE_GOOD;
}

static uint64_t expected_ns(const struct get_cover *cover, const struct get_holder *holder)
{
    return holder->expected_ns != UINT64_MAX ? holder->expected_ns : cover->usual_ns;
}

/* The median of what is known. */
static uint64_t find_usual(const struct get_cover *cover)
{
    uint64_t known[EC_SLOTS_MAX];
    unsigned count = 0;
    for (unsigned slot = 0; slot < cover->slot_count; slot++) {
        if (is_promising(&cover->holders[slot]) && cover->holders[slot].expected_ns != UINT64_MAX) {
            known[count++] = cover->holders[slot].expected_ns;
        }
    }
    qsort(known, count, sizeof(known[0]), compare);
    return count > 0 ? known[count / 2] : 0;
}

/* Twice what the slowest of the k quickest takes. */
static uint64_t find_too_long(const struct get_cover *cover)
{
    uint64_t expected[EC_SLOTS_MAX];
    unsigned count = 0;
    for (unsigned slot = 0; slot < cover->slot_count; slot++) {
        if (is_promising(&cover->holders[slot])) {
            expected[count++] = expected_ns(cover, &cover->holders[slot]);
        }
    }
    unsigned k = cover->shape->data_count;
    qsort(expected, count, sizeof(expected[0]), compare);
    return count >= k ? 2 * expected[k - 1] + DETOUR_MS * (uint64_t)MS : UINT64_MAX;
}

/* ---- lanes ---- */

static bool open_lane(struct get_cover *cover, unsigned stripe, unsigned slot, bool is_direct)
{
    struct get_lane *lane = free_lane(cover);
    if (lane != NULL) {
        get_lane_open(
            lane, cover->holders[slot].placement, stripe, run_end(cover, stripe, slot, is_direct));
    }
    return lane != NULL;
}

/* Data cells that are needed come from their own nodes, if these can be trusted to be quick. */
static void open_direct(struct get_cover *cover, unsigned stripe)
{
    struct ec_slots taken = covered_slots(cover, stripe, true);
    struct ec_slots missing = ec_slots_minus(get_cover_needed(cover, stripe), taken);
    for (unsigned slot = ec_slots_next(missing, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(missing, slot + 1)) {
        const struct get_holder *holder = &cover->holders[slot];
        if (is_promising(holder) && expected_ns(cover, holder) <= cover->too_long_ns) {
            open_lane(cover, stripe, slot, true);
        }
    }
}

/* Better standing first; of the same, who is quicker, a detour counted for what must be decoded. */
static bool is_better(
    const struct get_cover *cover, struct ec_slots needed, unsigned slot, unsigned than)
{
    const struct get_holder *one = &cover->holders[slot];
    const struct get_holder *other = &cover->holders[than];
    if (one->standing != other->standing) {
        return one->standing < other->standing;
    }
    uint64_t detour_ns = DETOUR_MS * (uint64_t)MS;
    return expected_ns(cover, one) + (ec_slots_has(needed, slot) ? 0 : detour_ns) <
        expected_ns(cover, other) + (ec_slots_has(needed, than) ? 0 : detour_ns);
}

/* The best slot to ask besides those that are taken; EC_SLOTS_MAX: there is none. */
static unsigned best_slot(
    const struct get_cover *cover, struct ec_slots taken, struct ec_slots needed)
{
    unsigned best = EC_SLOTS_MAX;
    for (unsigned slot = 0; slot < cover->slot_count; slot++) {
        if (cover->holders[slot].is_usable && !ec_slots_has(taken, slot) &&
            (best == EC_SLOTS_MAX || is_better(cover, needed, slot, best))) {
            best = slot;
        }
    }
    return best;
}

static enum get_cover_result cover_stripe(struct get_cover *cover, unsigned stripe)
{
    if (is_enough(cover, stripe, covered_slots(cover, stripe, false))) {
        return GET_COVERED;
    }
    open_direct(cover, stripe);
    struct ec_slots covered = covered_slots(cover, stripe, false);
    while (!is_enough(cover, stripe, covered)) {
        struct ec_slots taken = covered_slots(cover, stripe, true);
        unsigned slot = best_slot(cover, taken, get_cover_needed(cover, stripe));
        if (slot == EC_SLOTS_MAX || !open_lane(cover, stripe, slot, false)) {
            return is_enough(cover, stripe, taken) ? GET_COVERED_LATE : GET_SHORT;
        }
        covered = covered_slots(cover, stripe, false);
    }
    return GET_COVERED;
}

enum get_cover_result get_cover_make(struct get_cover *cover)
{
    enum get_cover_result result = GET_COVERED;
    cover->usual_ns = find_usual(cover);
    cover->too_long_ns = find_too_long(cover);
    for (unsigned stripe = cover->window->base; stripe < cover->end; stripe++) {
        enum get_cover_result one = cover_stripe(cover, stripe);
        result = one > result ? one : result;
    }
    return result;
}

/* From the second oldest stripe on, every needed cell comes from its own node again. */
static bool is_direct_again(const struct get_cover *cover)
{
    for (unsigned stripe = cover->window->base; stripe < cover->end; stripe++) {
        struct ec_slots covered = covered_slots(cover, stripe, false);
        if (!ec_slots_empty(ec_slots_minus(get_cover_needed(cover, stripe), covered))) {
            return false;
        }
    }
    return true;
}

void get_cover_prune(struct get_cover *cover)
{
    if (!is_direct_again(cover)) {
        return;
    }
    for (unsigned i = 0; i < cover->lane_count; i++) {
        struct get_lane *lane = &cover->lanes[i];
        if (lane->state == GET_LANE_RUNNING && lane->next < lane->end &&
            !ec_slots_has(get_cover_needed(cover, lane->next), lane->slot)) {
            get_lane_drop(lane);
        }
    }
}
