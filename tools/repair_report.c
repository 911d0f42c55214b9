#include "tools/repair_report.h"

#include "common/codec.h"
#include "tools/chance.h"
#include "tools/format.h"

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
    json_line_flag(line, "counted", repair->counted);
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

enum { BUCKETS_SHOWN = 3 }; /* to a person: more are in the JSON */

static void add_id(json_t *object, const char *name, struct view id)
{
    char text[ID_TEXT_SIZE] = "";
    if (2 * id.size < sizeof(text)) {
        hex_encode(id.bytes, id.size, text);
    }
    json_line_text(object, name, text);
}

/* Without the name of what it is of. */
static json_t *add_durability(json_t *object, const struct wire_durability_info *info)
{
    json_line_number(object, "segments", info->segments);
    chance_json(object, "lost_within_a_year", info->lost_digits);
    chance_json(object, "worst_lost_within_a_year", info->worst_lost_digits);
    chance_json(object, "unreadable_now", info->unreadable_digits);
    chance_json(object, "worst_unreadable_now", info->worst_unreadable_digits);
    json_line_number(object, "lost_digits_micro", info->lost_digits);
    json_line_number(object, "worst_lost_digits_micro", info->worst_lost_digits);
    json_line_number(object, "unreadable_digits_micro", info->unreadable_digits);
    json_line_number(object, "held_permille", info->held_permille);
    add_id(object, "worst_segment", info->worst_segment);
    return object;
}

json_t *repair_report_profiles_json(const struct wire_status_reply *status)
{
    json_t *profiles = json_line_array();
    for (size_t i = 0; i < status->profiles_count; i++) {
        json_t *object = json_line_object();
        json_line_bytes(object, "profile", status->profiles[i].profile);
        json_line_append(profiles, add_durability(object, &status->profiles[i]));
    }
    return profiles;
}

json_t *repair_report_buckets_json(const struct wire_status_reply *status)
{
    json_t *buckets = json_line_array();
    for (size_t i = 0; i < status->bucket_durability_count; i++) {
        const struct wire_durability_info *info = &status->bucket_durability[i];
        json_t *object = json_line_object();
        json_line_bytes(object, "bucket", info->bucket);
        add_id(object, "bucket_id", info->bucket_id);
        json_line_append(buckets, add_durability(object, info));
    }
    return buckets;
}

static void print_durability(FILE *out, struct view name, const struct wire_durability_info *info)
{
    char lost[CHANCE_SIZE];
    char worst[CHANCE_SIZE];
    char unreadable[CHANCE_SIZE];
    fprintf(out,
        "durability  %.*s: a segment is lost within a year %s (the worst %s), cannot be read"
        " now %s\n",
        VIEW_ARGS(name), chance_text(info->lost_digits, lost),
        chance_text(info->worst_lost_digits, worst),
        chance_text(info->unreadable_digits, unreadable));
}

/* The buckets in most danger, where there is more than one to choose from. */
static void print_buckets(FILE *out, const struct wire_status_reply *status)
{
    size_t count = status->bucket_durability_count;
    for (size_t i = 0; count > 1 && i < count && i < BUCKETS_SHOWN; i++) {
        const struct wire_durability_info *info = &status->bucket_durability[i];
        char text[FORMAT_NAME_SIZE + sizeof("s3://")] = "a bucket that is gone";
        if (info->bucket.size > 0) {
            char name[FORMAT_NAME_SIZE];
            snprintf(text, sizeof(text), "s3://%s", format_name(info->bucket, name));
        }
        print_durability(out, view_text(text), info);
    }
}

void repair_report_durability(FILE *out, const struct wire_status_reply *status)
{
    for (size_t i = 0; i < status->profiles_count; i++) {
        print_durability(out, status->profiles[i].profile, &status->profiles[i]);
    }
    if (status->profiles_count > 1) {
        print_durability(out, view_text("all together"), status->durability);
    }
    print_buckets(out, status);
}
