#include "coordinator/service/estimate_service.h"

#include "coordinator/estimate/estimate_watch.h"
#include "coordinator/meta/meta_bucket.h"
#include "proto/wire_repair.h"

#include <math.h>

uint64_t estimate_service_digits(double chance)
{
    double digits = chance > 0 ? -1e6 * log10(chance) : WIRE_DIGITS_MAX;
    digits = digits > 0 ? digits : 0;
    return digits < WIRE_DIGITS_MAX ? (uint64_t)digits : WIRE_DIGITS_MAX;
}

/* ---- of an object's segments ---- */

static enum wire_holder_state state_of(const struct estimate_chances *chances, unsigned slot)
{
    bool is_held = ec_slots_has(chances->held, slot);
    if (ec_slots_has(chances->reachable, slot)) {
        return is_held ? WIRE_HOLDER_REACHABLE : WIRE_HOLDER_DOUBTFUL;
    }
    return is_held ? WIRE_HOLDER_SILENT : WIRE_HOLDER_MISSING;
}

/* Of each holder in the order of the wire, which is that of `info`. */
static bool add_holders(const struct meta_segment *segment, const struct fleet_view *fleet,
    const struct estimate_chances *chances, const struct wire_segment_info *info,
    struct arena *arena, struct wire_segment_estimate *out)
{
    const size_t count = info->holders_count;
    uint32_t *uptimes = arena_take_array(arena, count, sizeof(*uptimes));
    uint32_t *states = arena_take_array(arena, count, sizeof(*states));
    if (uptimes == NULL || states == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned slot = info->holders[i].slot;
        uptimes[i] = (uint32_t)(fleet_view_node(fleet, segment->holders[slot].node)->uptime * 1e6);
        states[i] = state_of(chances, slot);
    }
    out->uptime_ppm = uptimes;
    out->states = states;
    out->uptime_ppm_count = out->states_count = count;
    return true;
}

static bool add_estimate(struct coordinator *coordinator, const struct meta_segment *segment,
    const struct fleet_view *fleet, struct arena *arena, struct wire_segment_info *info)
{
    const uint64_t now = meta_now_ms(coordinator->store);
    struct estimate_chances chances;
    struct wire_segment_estimate *out = arena_take(arena, sizeof(*out));
    if (out == NULL || repair_is_left_alone(segment) || meta_segment_is_doomed(segment)) {
        return out != NULL;
    }
    estimate_chances(coordinator->estimate, segment, fleet, now, &chances);
    *out = (struct wire_segment_estimate){
        .held = ec_slots_count(chances.held),
        .reachable = ec_slots_count(chances.reachable),
        .trigger = estimate_trigger(coordinator->estimate, segment, fleet, now),
        .unreadable_digits = estimate_service_digits(chances.unreadable),
        .lost_digits = estimate_service_digits(chances.lost),
        .reason = chances.reason,
    };
    info->estimate = out;
    return add_holders(segment, fleet, &chances, info, arena, out);
}

enum hearth_code estimate_service_segments(struct coordinator *coordinator,
    const struct meta_object *object, struct arena *arena, struct wire_lookup_reply *out,
    struct hearth_err *err)
{
    const struct fleet_view *fleet;
    enum hearth_code code = fleet_view_take(coordinator->nodes, &fleet, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct wire_segment_info *infos = (struct wire_segment_info *)(uintptr_t)out->segments;
    for (size_t i = 0; code == HEARTH_OK && i < object->segment_count; i++) {
        if (!add_estimate(coordinator, &object->segments[i], fleet, arena, &infos[i])) {
            code = hearth_fail(err, HEARTH_NO_MEMORY, "estimate of a segment");
        }
    }
    fleet_view_release(fleet);
    return code;
}

/* ---- of all together ---- */

/* Without segments nothing can be lost. */
static struct wire_durability_info sum_to_wire(
    struct view profile, const struct estimate_sum *sum, struct arena *arena)
{
    if (sum->segments == 0) {
        return (struct wire_durability_info){.profile = profile,
            .lost_digits = WIRE_DIGITS_MAX,
            .worst_lost_digits = WIRE_DIGITS_MAX,
            .unreadable_digits = WIRE_DIGITS_MAX,
            .worst_unreadable_digits = WIRE_DIGITS_MAX,
            .held_permille = 1000};
    }
    return (struct wire_durability_info){
        .profile = profile,
        .segments = sum->segments,
        .lost_digits = estimate_service_digits(sum->lost / (double)sum->segments),
        .worst_lost_digits = estimate_service_digits(sum->worst_lost),
        .worst_segment = service_copy(arena, sum->worst.bytes, sizeof(sum->worst.bytes)),
        .unreadable_digits = estimate_service_digits(sum->unreadable / (double)sum->segments),
        .worst_unreadable_digits = estimate_service_digits(sum->worst_unreadable),
        .held_permille = sum->held * 1000 / sum->slots,
    };
}

static enum hearth_code describe_bucket(struct coordinator *coordinator,
    const struct estimate_bucket *bucket, struct arena *arena, struct wire_durability_info *out,
    struct hearth_err *err)
{
    struct view name = view_text("");
    enum hearth_code code = meta_bucket_name(coordinator->store, bucket->bucket, arena, &name, err);
    if (code != HEARTH_OK && code != HEARTH_NOT_FOUND) {
        return hearth_err_prefix(err, "name of a bucket");
    }
    *out = sum_to_wire(view_text(""), &bucket->sum, arena);
    out->bucket = name;
    out->bucket_id = service_copy(arena, bucket->bucket.bytes, sizeof(bucket->bucket.bytes));
    return HEARTH_OK;
}

static enum hearth_code add_buckets(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct estimate_bucket worst[WIRE_STATUS_BUCKETS_MAX];
    size_t count = estimate_watch_buckets(coordinator->durability, worst, WIRE_STATUS_BUCKETS_MAX);
    struct wire_durability_info *infos = arena_take_array(arena, count, sizeof(*infos));
    if (infos == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "durability of buckets");
    }
    out->bucket_durability = infos;
    out->bucket_durability_count = count;
    enum hearth_code code = HEARTH_OK;
    for (size_t i = 0; i < count && code == HEARTH_OK; i++) {
        code = describe_bucket(coordinator, &worst[i], arena, &infos[i], err);
    }
    return code;
}

enum hearth_code estimate_service_durability(struct coordinator *coordinator, struct arena *arena,
    struct wire_status_reply *out, struct hearth_err *err)
{
    struct estimate_sum sums[REPAIR_PROFILES_MAX];
    struct estimate_sum total = {.segments = 0};
    struct wire_durability_info *profiles =
        arena_take_array(arena, profile_count + 1u, sizeof(*profiles));
    if (profiles == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "durability of profiles");
    }
    estimate_watch_get(coordinator->durability, sums);
    out->profiles = profiles;
    out->profiles_count = 0;
    for (unsigned i = 0; i < profile_count; i++) {
        if (sums[i].segments > 0) {
            profiles[out->profiles_count++] =
                sum_to_wire(view_text(profile_table[i].name), &sums[i], arena);
            estimate_sum_join(&total, &sums[i]);
        }
    }
    profiles[out->profiles_count] = sum_to_wire(view_text(""), &total, arena);
    out->durability = &profiles[out->profiles_count];
    return add_buckets(coordinator, arena, out, err);
}
