#include "proto/status_fields.h"

#include <assert.h>
#include <string.h>

#define SIZE_OF(type, member) sizeof(((const struct type *)NULL)->member)

#define WHOLE(member, json, metric, unit, help)                                                    \
    {                                                                                              \
        "", json, metric, false, unit, help, 0, offsetof(struct wire_status_reply, member),        \
            SIZE_OF(wire_status_reply, member)                                                     \
    }
#define WHOLE_TOTAL(member, json, metric, help)                                                    \
    {                                                                                              \
        "", json, metric, true, STATUS_COUNT, help, 0, offsetof(struct wire_status_reply, member), \
            SIZE_OF(wire_status_reply, member)                                                     \
    }
#define PART(part, info, member, json, metric, unit, help)                                         \
    {                                                                                              \
#part, json, metric, false, unit, help, offsetof(struct wire_status_reply, part),          \
            offsetof(struct wire_##info, member), SIZE_OF(wire_##info, member)                     \
    }

const struct status_field status_fields[] = {
    WHOLE(now_unix_ms, "now", "hearth_time_seconds", STATUS_UNIX_MS, "The coordinator's clock."),
    WHOLE(colocation_allowed, "colocation_allowed", "hearth_colocation_allowed", STATUS_FLAG,
        "Whether shards of a segment may share an owner or a network."),

    /* What customers have. */
    WHOLE(buckets, "buckets", "hearth_buckets", STATUS_COUNT, "Buckets of all tenants."),
    WHOLE(objects, "objects", "hearth_objects", STATUS_COUNT, "Objects of all buckets."),
    WHOLE(bytes, "bytes", "hearth_object_bytes", STATUS_COUNT,
        "Bytes of all objects, as customers count them."),

    /* What nodes have. */
    WHOLE(capacity, "capacity", "hearth_capacity_bytes", STATUS_COUNT,
        "What nodes that are expected back have room for."),
    WHOLE(usable, "usable", "hearth_usable_bytes", STATUS_COUNT,
        "That, as customers count bytes, in buckets that name no profile."),
    WHOLE(used, "used", "hearth_used_bytes", STATUS_COUNT, "What shards take on nodes."),
    WHOLE(trash, "trash", "hearth_trash_bytes", STATUS_COUNT,
        "What is given up and kept for a while longer."),
    WHOLE(free, "free", "hearth_free_bytes", STATUS_COUNT, "What nodes have free."),

    /* How whole it is. */
    WHOLE(segments, "segments", "hearth_segments", STATUS_COUNT, "Segments on nodes."),
    WHOLE(segments_below_n, "segments_below_n", "hearth_segments_below_n", STATUS_COUNT,
        "Segments with fewer shards than they should have."),
    WHOLE(segments_below_r, "segments_below_r", "hearth_segments_below_r", STATUS_COUNT,
        "Segments that must be repaired now."),
    WHOLE(segments_unreadable, "segments_unreadable", "hearth_segments_unreadable", STATUS_COUNT,
        "Segments of which too few shards can be reached now."),

    /* What the duties do. */
    WHOLE(repair_queue, "repair_queue", "hearth_repair_queue_segments", STATUS_COUNT,
        "Segments due for repair."),
    WHOLE(repair_waiting, "repair_waiting", "hearth_repair_waiting_segments", STATUS_COUNT,
        "Of these: repair has failed, and waits."),
    WHOLE(repair_without_place, "repair_without_place", "hearth_repair_without_place_segments",
        STATUS_COUNT, "Of these: no node may take a shard now."),
    WHOLE_TOTAL(
        repaired_total, "repaired_total", "hearth_repaired_shards_total", "Shards rebuilt."),
    WHOLE(garbage_held, "garbage_held", "hearth_garbage_held", STATUS_FLAG,
        "Whether nothing is trashed, since the metadata came from a backup."),
    WHOLE(garbage_withheld, "garbage_withheld", "hearth_garbage_withheld_shards", STATUS_COUNT,
        "Shards named dead, more than their nodes let go in a day."),
    WHOLE(garbage_withheld_bytes, "garbage_withheld_bytes", "hearth_garbage_withheld_bytes",
        STATUS_COUNT, "What those shards take, as far as it is known."),
    WHOLE(garbage_day, "garbage_day_bytes", "hearth_garbage_day_bytes", STATUS_COUNT,
        "What the nodes that withhold some let go in a day."),
    WHOLE(garbage_withholding, "garbage_withholding", "hearth_garbage_withholding_nodes",
        STATUS_COUNT, "Nodes that have reached what they let go in a day."),
    WHOLE(intents_open, "intents_open", "hearth_intents_open", STATUS_COUNT, "Uploads under way."),
    WHOLE(bodies_doomed, "bodies_doomed", "hearth_bodies_doomed", STATUS_COUNT,
        "Bodies of versions that are gone, to be taken apart."),
    WHOLE(shards_dead, "shards_dead", "hearth_shards_dead", STATUS_COUNT,
        "Shards that nodes have not trashed yet."),
    WHOLE(sweep_finished_unix_ms, "sweep_finished", "hearth_sweep_finished_timestamp_seconds",
        STATUS_UNIX_MS, "When the last pass over all segments ended."),
    PART(sweep, sweep_info, pass, "pass", "hearth_sweep_pass", STATUS_COUNT,
        "Number of the last pass over all segments that ended."),
    PART(sweep, sweep_info, segments, "segments", "hearth_sweep_segments", STATUS_COUNT,
        "Segments that the last pass read."),
    PART(sweep, sweep_info, busy_ms, "busy_ms", "hearth_sweep_busy_seconds", STATUS_MS,
        "Time that the last pass was at work."),
    PART(sweep, sweep_info, running_permille, "running_permille", "hearth_sweep_running_ratio",
        STATUS_PERMILLE, "How far the pass is that runs."),
    PART(repair, repair_info, counted, "counted", "hearth_segments_counted", STATUS_FLAG,
        "Whether a whole pass has counted segments since the coordinator started."),
    PART(repair, repair_info, lost, "lost", "hearth_repair_lost_segments", STATUS_COUNT,
        "Unreadable segments of which too few shards are held: lost, unless nodes come back."),
    PART(repair, repair_info, bytes, "bytes", "hearth_repair_due_bytes", STATUS_COUNT,
        "What has to be read and written for what is due."),
    PART(repair, repair_info, queued, "queued", "hearth_repair_queued_segments", STATUS_COUNT,
        "Segments that wait for a worker of repair."),
    PART(repair, repair_info, running, "running", "hearth_repair_running", STATUS_COUNT,
        "Segments that are being repaired."),
    PART(repair, repair_info, bytes_per_s, "bytes_per_s", "hearth_repair_bytes_per_second",
        STATUS_COUNT, "What repair read and wrote, over the last minute."),
    PART(durability, durability_info, lost_digits, "lost_digits_micro",
        "hearth_durability_digits_micro", STATUS_COUNT,
        "-log10 of the chance that a segment is lost within a year, on average, in millionths."),
    PART(durability, durability_info, worst_lost_digits, "worst_lost_digits_micro",
        "hearth_durability_worst_digits_micro", STATUS_COUNT, "The same of the worst segment."),
    PART(durability, durability_info, unreadable_digits, "unreadable_digits_micro",
        "hearth_availability_digits_micro", STATUS_COUNT,
        "-log10 of the chance that a segment cannot be read now, on average, in millionths."),

    PART(moves, status_moves, plans, "plans", "hearth_move_plans", STATUS_COUNT,
        "Plans that move shards, or are paused."),
    PART(moves, status_moves, paused, "paused", "hearth_move_plans_paused", STATUS_COUNT,
        "Of these: paused."),
    PART(moves, status_moves, bytes_left, "bytes_left", "hearth_move_left_bytes", STATUS_COUNT,
        "To be moved by them."),
    PART(moves, status_moves, bytes_per_s, "bytes_per_s", "hearth_move_bytes_per_second",
        STATUS_COUNT, "How fast those that run have moved since they do."),
    PART(moves, status_moves, stuck, "stuck", "hearth_move_stuck_shards", STATUS_COUNT,
        "Shards that should move and have nowhere to go."),

    PART(audits, status_audits, passed, "passed", "hearth_audits_passed_last_day", STATUS_COUNT,
        "Audits in 24 hours in which all that was asked for came, and was right."),
    PART(audits, status_audits, failed, "failed", "hearth_audits_failed_last_day", STATUS_COUNT,
        "Audits in 24 hours that proved that something is not there."),
    PART(audits, status_audits, offline, "offline", "hearth_audits_offline_last_day", STATUS_COUNT,
        "Audits in 24 hours that met nobody."),
    PART(audits, status_audits, contained, "contained", "hearth_audits_contained_last_day",
        STATUS_COUNT, "Audits in 24 hours without an answer, asked again."),
    PART(audits, status_audits, unknown, "unknown", "hearth_audits_unknown_last_day", STATUS_COUNT,
        "Audits in 24 hours that say nothing."),
    PART(audits, status_audits, never, "never", "hearth_audits_never_shards", STATUS_COUNT,
        "Shards that no audit has seen yet."),
    PART(audits, status_audits, overdue, "overdue", "hearth_audits_overdue_shards", STATUS_COUNT,
        "Of these: stored more than 72 hours ago."),
};
const unsigned status_field_count = sizeof(status_fields) / sizeof(status_fields[0]);

static uint64_t number_at(const void *at, size_t size)
{
    uint64_t number = 0;
    uint32_t half;
    if (size == sizeof(number)) {
        memcpy(&number, at, sizeof(number));
        return number;
    }
    if (size == sizeof(bool)) {
        return *(const bool *)at;
    }
    assert(size == sizeof(half));
    memcpy(&half, at, sizeof(half));
    return half;
}

bool status_field_value(
    const struct status_field *field, const struct wire_status_reply *status, uint64_t *out)
{
    const char *base = (const char *)status;
    if (*field->part != '\0') {
        memcpy(&base, base + field->part_offset, sizeof(base));
    }
    if (base == NULL) {
        return false;
    }
    *out = number_at(base + field->offset, field->size);
    return true;
}
