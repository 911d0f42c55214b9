#include "tools/repair_report.h"

#include "common/codec.h"
#include "tools/chance.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_TEXT_SIZE = 2 * 16 + 1 };

uint64_t repair_report_eta_ms(const struct wire_repair_info *repair)
{
    return repair->bytes_per_s > 0 ? repair->bytes * 1000 / repair->bytes_per_s : 0;
}

json_t *repair_report_json(const struct wire_repair_info *repair)
{
    json_t *line = json_line_object();
    json_line_number(line, "segments", repair->segments);
    json_line_number(line, "below_n", repair->below_n);
    json_line_number(line, "below_trigger", repair->below_trigger);
    json_line_number(line, "unreadable", repair->unreadable);
    json_line_number(line, "lost", repair->lost);
    json_line_number(line, "due", repair->due);
    json_line_number(line, "waiting", repair->waiting);
    json_line_number(line, "without_place", repair->without_place);
    json_line_number(line, "bytes", repair->bytes);
    json_line_number(line, "queued", repair->queued);
    if (repair->oldest_unix_ms > 0) {
        json_line_time(line, "oldest", repair->oldest_unix_ms);
    }
    json_line_number(line, "running", repair->running);
    json_line_number(line, "bytes_per_s", repair->bytes_per_s);
    if (repair->bytes_per_s > 0) {
        json_line_number(line, "eta_s", repair_report_eta_ms(repair) / 1000);
    }
    json_line_flag(line, "asked", repair->asked_unix_ms > 0);
    json_line_number(line, "repaired_shards", repair->repaired_shards);
    json_line_number(line, "repaired_segments", repair->repaired_segments);
    json_line_number(line, "repaired_bytes", repair->repaired_bytes);
    json_line_number(line, "failed", repair->failed);
    return line;
}

/* ---- durability ---- */

static json_t *durability_json(const struct wire_durability_info *info)
{
    char id[ID_TEXT_SIZE] = "";
    json_t *object = json_line_object();
    json_line_bytes(object, "profile", info->profile);
    json_line_number(object, "segments", info->segments);
    chance_json(object, "lost_within_a_year", info->lost_digits);
    chance_json(object, "worst_lost_within_a_year", info->worst_lost_digits);
    chance_json(object, "unreadable_now", info->unreadable_digits);
    chance_json(object, "worst_unreadable_now", info->worst_unreadable_digits);
    json_line_number(object, "held_permille", info->held_permille);
    if (2 * info->worst_segment.size < sizeof(id)) {
        hex_encode(info->worst_segment.bytes, info->worst_segment.size, id);
    }
    json_line_text(object, "worst_segment", id);
    return object;
}

json_t *repair_report_durability_json(const struct wire_status_reply *status)
{
    json_t *profiles = json_line_array();
    for (size_t i = 0; i < status->profiles_count; i++) {
        json_line_append(profiles, durability_json(&status->profiles[i]));
    }
    return profiles;
}

void repair_report_durability(const struct wire_status_reply *status)
{
    char lost[CHANCE_SIZE];
    char worst[CHANCE_SIZE];
    char unreadable[CHANCE_SIZE];
    for (size_t i = 0; i < status->profiles_count; i++) {
        const struct wire_durability_info *info = &status->profiles[i];
        printf("durability  %.*s: a segment is lost within a year %s (the worst %s), cannot be read"
               " now %s\n",
            VIEW_ARGS(info->profile), chance_text(info->lost_digits, lost),
            chance_text(info->worst_lost_digits, worst),
            chance_text(info->unreadable_digits, unreadable));
    }
}
