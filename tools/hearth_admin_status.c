/*
 * hearth-admin status: is everything well?  One sentence, then the figures behind it.
 */
#include "common/codec.h"
#include "common/env.h"
#include "proto/cluster_health.h"
#include "proto/status_fields.h"
#include "tools/admin.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/repair_report.h"
#include "tools/sweep_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MS = 250,
    TIMEOUT_DEFAULT_MS = 10 * 60 * 1000,
    CLUSTER_TEXT_SIZE = 2 * 16 + 1,
};

struct status_options {
    bool wait_full;
    bool json;
    const char *timeout;
};

/* ---- for people ---- */

static void print_nodes(const struct wire_status_reply *status)
{
    static const char *const states[] = {
        "alive", "draining", "suspect", "suspended", "offline", "lost", "gone"};
    const char *separator = "";
    printf("nodes       ");
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        size_t count = cluster_count_nodes(status, states[i]);
        if (count > 0) {
            printf("%s%zu %s", separator, count, states[i]);
            separator = ", ";
        }
    }
    printf("%s\n", *separator == '\0' ? "none yet: hearth-admin node invite" : "");
}

static unsigned percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part * 100 / (double)whole + 0.5);
}

static void print_space(const struct wire_status_reply *status)
{
    char capacity[FORMAT_BYTES_SIZE];
    char usable[FORMAT_BYTES_SIZE];
    char used[FORMAT_BYTES_SIZE];
    char trash[FORMAT_BYTES_SIZE];
    char free[FORMAT_BYTES_SIZE];
    printf("space       %s used (%u %%), %s trash, %s free; %s in all, usable %s\n",
        format_bytes(status->used, used), percent(status->used, status->capacity),
        format_bytes(status->trash, trash), format_bytes(status->free, free),
        format_bytes(status->capacity, capacity), format_bytes(status->usable, usable));
}

static void print_stored(const struct wire_status_reply *status)
{
    char bytes[FORMAT_BYTES_SIZE];
    printf("stored      %" PRIu64 " objects in %" PRIu64 " buckets, %s\n", status->objects,
        status->buckets, format_bytes(status->bytes, bytes));
}

static void print_segments(const struct wire_status_reply *status)
{
    printf("segments    %" PRIu64 ": %" PRIu64 " below n, %" PRIu64 " below r, %" PRIu64
           " unreadable now\n",
        status->segments, status->segments_below_n, status->segments_below_r,
        status->segments_unreadable);
}

/* "; 1.2 GiB left, 8 min" */
static void print_left(uint64_t bytes, uint64_t bytes_per_s)
{
    char left[FORMAT_BYTES_SIZE];
    char rate[FORMAT_BYTES_SIZE];
    char eta[FORMAT_DURATION_SIZE];
    if (bytes == 0) {
        return;
    }
    printf("; %s left", format_bytes(bytes, left));
    if (bytes_per_s > 0) {
        printf(" at %s/s: %s", format_bytes(bytes_per_s, rate),
            format_duration(bytes / bytes_per_s * 1000, eta));
    }
}

static void print_repair(const struct wire_status_reply *status)
{
    printf("repair      %" PRIu64 " to do", status->repair_queue);
    if (status->repair_queue > 0) {
        printf(" (%" PRIu64 " failed and wait, %" PRIu64 " have nowhere to go)",
            status->repair_waiting, status->repair_without_place);
    }
    printf(", %" PRIu64 " shards done\n", status->repaired_total);
}

static void print_moves(const struct wire_status_reply *status)
{
    const struct wire_status_moves *moves = status->moves;
    if (moves->plans == 0) {
        printf("moves       no plan runs\n");
        return;
    }
    printf("moves       %" PRIu64 " plan%s", moves->plans, moves->plans == 1 ? "" : "s");
    if (moves->paused > 0) {
        printf(", %" PRIu64 " of them paused", moves->paused);
    }
    print_left(moves->bytes_left, moves->bytes_per_s);
    printf("\n");
}

static void print_audits(const struct wire_status_reply *status)
{
    const struct wire_status_audits *audits = status->audits;
    printf("audits      last day: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64
           " met nobody, %" PRIu64 " without answer\n",
        audits->passed, audits->failed, audits->offline, audits->contained + audits->unknown);
}

static void print_sweep(const struct wire_status_reply *status)
{
    char text[SWEEP_REPORT_SIZE];
    printf("sweep       %s\n", sweep_report_text(status->sweep, status->now_unix_ms, text));
}

static void print_garbage(const struct wire_status_reply *status)
{
    printf("garbage     %" PRIu64 " uploads open, %" PRIu64 " bodies doomed, %" PRIu64
           " shards to trash%s",
        status->intents_open, status->bodies_doomed, status->shards_dead,
        status->garbage_held ? "; held" : "");
    if (status->garbage_withheld > 0) {
        printf("; %" PRIu64 " withheld for a day", status->garbage_withheld);
    }
    printf("\n");
}

/* A line each. */
static void print_attention(struct view lines)
{
    char text[FORMAT_NAME_SIZE];
    while (lines.size > 0) {
        const uint8_t *end = memchr(lines.bytes, '\n', lines.size);
        size_t size = end == NULL ? lines.size : (size_t)(end - lines.bytes);
        size_t skipped = end == NULL ? size : size + 1;
        printf("ATTENTION   %s\n", format_name(view_of(lines.bytes, size), text));
        lines = view_of(lines.bytes + skipped, lines.size - skipped);
    }
}

/* The sentence, what somebody has to do, then one line a matter. */
static void print_people(const struct wire_status_reply *status)
{
    char sentence[CLUSTER_SENTENCE_SIZE];
    printf("%s\n", cluster_health_sentence(status, sentence));
    print_attention(status->human);
    printf("\n");
    print_space(status);
    print_nodes(status);
    print_stored(status);
    print_segments(status);
    print_repair(status);
    repair_report_durability(status);
    print_moves(status);
    print_audits(status);
    print_sweep(status);
    print_garbage(status);
}

/* ---- for programs ---- */

static void add_field(
    json_t *line, const struct wire_status_reply *status, const struct status_field *field)
{
    uint64_t value;
    if (!status_field_value(field, status, &value)) {
        return;
    }
    if (field->unit == STATUS_UNIX_MS && value == 0) {
        json_line_set(line, field->name, json_null());
    } else if (field->unit == STATUS_UNIX_MS) {
        json_line_time(line, field->name, value);
    } else if (field->unit == STATUS_FLAG) {
        json_line_flag(line, field->name, value != 0);
    } else {
        json_line_number(line, field->name, value);
    }
}

static void add_part(json_t *line, const struct wire_status_reply *status, const char *part)
{
    json_t *object = *part == '\0' ? line : json_line_object();
    for (unsigned i = 0; i < status_field_count; i++) {
        if (strcmp(status_fields[i].part, part) == 0) {
            add_field(object, status, &status_fields[i]);
        }
    }
    if (object != line) {
        json_line_set(line, part, object);
    }
}

/* The sweep is said as its own verb says it. */
static void add_numbers(json_t *line, const struct wire_status_reply *status)
{
    add_part(line, status, "");
    json_line_set(line, "sweep", sweep_report_json(status->sweep, status->now_unix_ms));
    if (status->repair != NULL) {
        json_line_set(line, "repair", repair_report_json(status->repair));
    }
    json_line_set(line, "durability", repair_report_durability_json(status));
    json_line_set(line, "buckets_in_danger", repair_report_buckets_json(status));
    add_part(line, status, "moves");
    add_part(line, status, "audits");
}

static void print_json(const struct wire_status_reply *status)
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
    add_numbers(line, status);
    json_line_print(line);
}

/* ---- asking, and waiting ---- */

static enum hearth_code ask_status(
    struct admin *admin, struct wire_status_reply *status, struct hearth_err *err)
{
    return admin_ask(admin, RPC_STATUS, &(struct wire_empty){0}, status, err);
}

/* What a sweep found that began before we asked says nothing about now. */
static bool is_full(const struct wire_status_reply *status, uint64_t asked_unix_ms)
{
    return status->sweep_started_unix_ms >= asked_unix_ms && status->segments_below_n == 0;
}

static void show_waiting(const struct wire_status_reply *status)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr,
            "\rwaiting: %" PRIu64 " of %" PRIu64 " segments below n, %" PRIu64 " repaired\033[K",
            status->segments_below_n, status->segments, status->repaired_total);
    }
}

static enum hearth_code wait_full(struct admin *admin, uint64_t timeout_ms,
    struct wire_status_reply *status, struct hearth_err *err)
{
    struct env *env = env_system();
    uint64_t start_ns = env_now_ns(env);
    if (ask_status(admin, status, err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t asked_unix_ms = status->now_unix_ms; /* the coordinator's clock, like the sweep's */
    while (!is_full(status, asked_unix_ms)) {
        if (env_now_ns(env) - start_ns > timeout_ms * 1000000) {
            char text[FORMAT_DURATION_SIZE];
            return hearth_fail(err, HEARTH_DEADLINE,
                "after %s, %" PRIu64 " of %" PRIu64 " segments are still below n",
                format_duration(timeout_ms, text), status->segments_below_n, status->segments);
        }
        if (atomic_load(admin_cancel(admin))) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        show_waiting(status);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
        arena_fini(admin_arena(admin)); /* the answer before this one */
        if (ask_status(admin, status, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct status_options *options = call->options;
    struct wire_status_reply status;
    uint64_t timeout_ms = TIMEOUT_DEFAULT_MS;
    if (options->timeout != NULL &&
        config_parse_duration(options->timeout, &timeout_ms, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "--timeout");
    }
    enum hearth_code code = options->wait_full ? wait_full(admin, timeout_ms, &status, err)
                                               : ask_status(admin, &status, err);
    if (options->wait_full && isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    if (options->json) {
        print_json(&status);
    } else {
        print_people(&status);
    }
    return HEARTH_OK;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

static const struct program_option status_params[] = {
    {.name = "wait-full",
        .offset = offsetof(struct status_options, wait_full),
        .help = "wait until no segment is below n"},
    {.name = "timeout",
        .value = "DURATION",
        .offset = offsetof(struct status_options, timeout),
        .help = "with --wait-full: give up after so long, exit 1 (default 10min)"},
    {.name = "json",
        .offset = offsetof(struct status_options, json),
        .help = "one JSON object on one line"},
};

const struct program_verb hearth_admin_verb_status = {
    .name = "status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct status_options),
    .needs_config = true,
    .help = "is everything well?",
    .run = run_status,
};
