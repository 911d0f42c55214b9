#include "tools/status_report.h"

#include "common/codec.h"
#include "proto/cluster_health.h"
#include "proto/status_fields.h"
#include "tools/format.h"
#include "tools/repair_report.h"
#include "tools/sweep_report.h"

#include <inttypes.h>
#include <string.h>

enum { CLUSTER_TEXT_SIZE = 2 * 16 + 1 };

/* In the order in which a person looks at them. */
static const char *const node_states[] = {
    "alive", "draining", "suspect", "suspended", "offline", "lost", "gone"};
enum { NODE_STATE_COUNT = sizeof(node_states) / sizeof(node_states[0]) };

/* ---- for people ---- */

static void print_nodes(FILE *out, const struct wire_status_reply *status)
{
    const char *separator = "";
    fputs("nodes       ", out);
    for (size_t i = 0; i < NODE_STATE_COUNT; i++) {
        size_t count = cluster_count_nodes(status, node_states[i]);
        if (count > 0) {
            fprintf(out, "%s%zu %s", separator, count, node_states[i]);
            separator = ", ";
        }
    }
    fprintf(out, "%s\n", *separator == '\0' ? "none yet: hearth-admin node invite" : "");
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part * 100 / (double)whole + 0.5);
}

static void print_space(FILE *out, const struct wire_status_reply *status)
{
    char capacity[FORMAT_BYTES_SIZE];
    char usable[FORMAT_BYTES_SIZE];
    char used[FORMAT_BYTES_SIZE];
    char trash[FORMAT_BYTES_SIZE];
    char free[FORMAT_BYTES_SIZE];
    fprintf(out, "space       %s used (%u %%), %s of it trash, %s free; %s in all, usable %s\n",
        format_bytes(status->used, used), percent(status->used, status->capacity),
        format_bytes(status->trash, trash), format_bytes(status->free, free),
        format_bytes(status->capacity, capacity), format_bytes(status->usable, usable));
}

static void print_stored(FILE *out, const struct wire_status_reply *status)
{
    char bytes[FORMAT_BYTES_SIZE];
    fprintf(out, "stored      %" PRIu64 " object%s in %" PRIu64 " bucket%s, %s\n", status->objects,
        format_plural(status->objects), status->buckets, format_plural(status->buckets),
        format_bytes(status->bytes, bytes));
}

static void print_segments(FILE *out, const struct wire_status_reply *status)
{
    const struct wire_repair_info *repair = status->repair;
    if (repair != NULL && !repair->counted) {
        fputs("segments    not counted yet\n", out);
        return;
    }
    fprintf(out,
        "segments    %" PRIu64 ": %" PRIu64 " below n, %" PRIu64 " below r, %" PRIu64
        " unreadable now",
        status->segments, status->segments_below_n, status->segments_below_r,
        status->segments_unreadable);
    if (repair != NULL && repair->lost > 0) {
        fprintf(out, " (%" PRIu64 " lost, unless nodes come back)", repair->lost);
    }
    fputs("\n", out);
}

/* "; 1.2 GiB left at 4.0 MiB/s: 8 min 10 s" */
static void print_left(FILE *out, uint64_t bytes, uint64_t bytes_per_s)
{
    char left[FORMAT_BYTES_SIZE];
    char rate[FORMAT_BYTES_SIZE];
    char eta[FORMAT_DURATION_SIZE];
    if (bytes == 0) {
        return;
    }
    fprintf(out, "; %s left", format_bytes(bytes, left));
    if (bytes_per_s > 0) {
        fprintf(out, " at %s/s: %s", format_bytes(bytes_per_s, rate),
            format_duration(bytes * 1000 / bytes_per_s, eta));
    }
}

/* ", 3 failed"; nothing of nothing. */
static void print_some(FILE *out, uint64_t count, const char *what)
{
    if (count > 0) {
        fprintf(out, ", %" PRIu64 " %s", count, what);
    }
}

static void print_repair(FILE *out, const struct wire_status_reply *status)
{
    fprintf(out, "repair      %" PRIu64 " to do", status->repair_queue);
    if (status->repair != NULL) {
        print_some(out, status->repair->queued, "in the queue");
        print_some(out, status->repair->running, "under way");
    }
    print_some(out, status->repair_waiting, "failed and wait");
    print_some(out, status->repair_without_place, "have nowhere to go");
    if (status->repair != NULL) {
        print_left(out, status->repair->bytes, status->repair->bytes_per_s);
    }
    fprintf(out, "; %" PRIu64 " shard%s done since the start\n", status->repaired_total,
        format_plural(status->repaired_total));
}

static void print_moves(FILE *out, const struct wire_status_reply *status)
{
    const struct wire_status_moves *moves = status->moves;
    if (moves->plans == 0) {
        fputs("moves       no plan runs\n", out);
        return;
    }
    fprintf(out, "moves       %" PRIu64 " plan%s", moves->plans, format_plural(moves->plans));
    print_some(out, moves->paused, "of them paused");
    print_some(out, moves->stuck, "shards have nowhere to go");
    print_left(out, moves->bytes_left, moves->bytes_per_s);
    fputs("\n", out);
}

static void print_audits(FILE *out, const struct wire_status_reply *status)
{
    const struct wire_status_audits *audits = status->audits;
    fprintf(out,
        "audits      last day: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64
        " contained, %" PRIu64 " offline, %" PRIu64 " unknown",
        audits->passed, audits->failed, audits->contained, audits->offline, audits->unknown);
    if (audits->never > 0) {
        fprintf(out, "; %" PRIu64 " shard%s never asked for", audits->never,
            format_plural(audits->never));
    }
    print_some(out, audits->overdue, "of them too late");
    fputs("\n", out);
}

static void print_sweep(FILE *out, const struct wire_status_reply *status)
{
    char text[SWEEP_REPORT_SIZE];
    fprintf(out, "sweep       %s\n", sweep_report_text(status->sweep, status->now_unix_ms, text));
}

static void print_garbage(FILE *out, const struct wire_status_reply *status)
{
    fprintf(out,
        "garbage     %" PRIu64 " upload%s open, %" PRIu64 " bod%s doomed, %" PRIu64
        " shard%s to trash%s",
        status->intents_open, format_plural(status->intents_open), status->bodies_doomed,
        status->bodies_doomed == 1 ? "y" : "ies", status->shards_dead,
        format_plural(status->shards_dead), status->garbage_held ? "; held" : "");
    if (status->garbage_withheld > 0) {
        char bytes[2][FORMAT_BYTES_SIZE];
        fprintf(out, "; %" PRIu64 " (%s) withheld by %" PRIu64 " node%s at %s a day",
            status->garbage_withheld, format_bytes(status->garbage_withheld_bytes, bytes[0]),
            status->garbage_withholding, format_plural(status->garbage_withholding),
            format_bytes(status->garbage_day, bytes[1]));
    }
    fputs("\n", out);
}

/* A line each. */
static void print_attention(FILE *out, struct view lines)
{
    char text[FORMAT_NAME_SIZE];
    while (lines.size > 0) {
        const uint8_t *end = memchr(lines.bytes, '\n', lines.size);
        size_t size = end == NULL ? lines.size : (size_t)(end - lines.bytes);
        size_t skipped = end == NULL ? size : size + 1;
        fprintf(out, "ATTENTION   %s\n", format_name(view_of(lines.bytes, size), text));
        lines = view_of(lines.bytes + skipped, lines.size - skipped);
    }
}

void status_report_print(FILE *out, const struct wire_status_reply *status)
{
    char sentence[CLUSTER_SENTENCE_SIZE];
    fprintf(out, "%s\n", cluster_health_sentence(status, sentence));
    print_attention(out, status->human);
    fputs("\n", out);
    print_space(out, status);
    print_nodes(out, status);
    print_stored(out, status);
    print_segments(out, status);
    print_repair(out, status);
    repair_report_durability(out, status);
    print_moves(out, status);
    print_audits(out, status);
    print_sweep(out, status);
    print_garbage(out, status);
}

/* ---- for programs ---- */

static void add_field(
    json_t *line, const struct wire_status_reply *status, const struct status_field *field)
{
    uint64_t value;
    if (!status_field_value(field, status, &value)) {
        return;
    }
    if (field->unit == STATUS_UNIX_MS) {
        json_line_time(line, field->name, value);
    } else if (field->unit == STATUS_FLAG) {
        json_line_flag(line, field->name, value != 0);
    } else {
        json_line_number(line, field->name, value);
    }
}

static json_t *add_part(json_t *object, const struct wire_status_reply *status, const char *part)
{
    for (unsigned i = 0; i < status_field_count; i++) {
        if (strcmp(status_fields[i].part, part) == 0) {
            add_field(object, status, &status_fields[i]);
        }
    }
    return object;
}

static json_t *states_json(const struct wire_status_reply *status)
{
    json_t *object = json_line_object();
    for (size_t i = 0; i < NODE_STATE_COUNT; i++) {
        json_line_number(object, node_states[i], cluster_count_nodes(status, node_states[i]));
    }
    return object;
}

static json_t *durability_json(const struct wire_status_reply *status)
{
    json_t *object = add_part(json_line_object(), status, "durability");
    json_line_set(object, "profiles", repair_report_profiles_json(status));
    return object;
}

/* Sweep and repair are said as their own verbs say them. */
static void add_numbers(json_t *line, const struct wire_status_reply *status)
{
    add_part(line, status, "");
    json_line_set(line, "sweep", sweep_report_json(status->sweep, status->now_unix_ms));
    if (status->repair != NULL) {
        json_line_set(line, "repair", repair_report_json(status->repair));
    }
    json_line_set(line, "durability", durability_json(status));
    json_line_set(line, "buckets_in_danger", repair_report_buckets_json(status));
    json_line_set(line, "moves", add_part(json_line_object(), status, "moves"));
    json_line_set(line, "audits", add_part(json_line_object(), status, "audits"));
}

json_t *status_report_json(const struct wire_status_reply *status)
{
    char cluster[CLUSTER_TEXT_SIZE] = "";
    char sentence[CLUSTER_SENTENCE_SIZE];
    if (2 * status->cluster_id.size < sizeof(cluster)) {
        hex_encode(status->cluster_id.bytes, status->cluster_id.size, cluster);
    }
    json_t *line = json_line_object();
    json_line_text(line, "cluster", cluster);
    json_line_text(line, "health", cluster_health_text(cluster_health_of(status)));
    json_line_text(line, "sentence", cluster_health_sentence(status, sentence));
    json_line_bytes(line, "attention", status->human);
    json_line_number(line, "nodes", cluster_count_nodes(status, ""));
    json_line_number(line, "nodes_alive", cluster_count_nodes(status, "alive"));
    json_line_set(line, "nodes_by_state", states_json(status));
    add_numbers(line, status);
    return line;
}
