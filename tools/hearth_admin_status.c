/*
 * hearth-admin status: is everything well?  One sentence, then the figures behind it.
 */
#include "common/codec.h"
#include "common/env.h"
#include "tools/admin.h"
#include "tools/cluster_health.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
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

static void print_space(const struct wire_status_reply *status)
{
    uint64_t capacity = 0;
    uint64_t used = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        capacity += status->nodes[i].capacity;
        used += status->nodes[i].used;
    }
    char used_text[FORMAT_BYTES_SIZE];
    char capacity_text[FORMAT_BYTES_SIZE];
    printf("space       %s of %s used on the nodes\n", format_bytes(used, used_text),
        format_bytes(capacity, capacity_text));
}

static void print_sweep(const struct wire_status_reply *status)
{
    char since[FORMAT_DURATION_SIZE];
    char took[FORMAT_DURATION_SIZE];
    printf("repair      %" PRIu64 " to do (%" PRIu64 " failed and wait, %" PRIu64
           " have nowhere to go), %" PRIu64 " shards done",
        status->repair_queue, status->repair_waiting, status->repair_without_place,
        status->repaired_total);
    if (status->sweep_finished_unix_ms == 0) {
        printf("; no sweep has finished yet\n");
        return;
    }
    printf("; last sweep %s ago, it took %s\n",
        format_duration(status->now_unix_ms - status->sweep_finished_unix_ms, since),
        format_duration(status->sweep_finished_unix_ms - status->sweep_started_unix_ms, took));
}

static void print_people(const struct wire_status_reply *status)
{
    char sentence[CLUSTER_SENTENCE_SIZE];
    char bytes[FORMAT_BYTES_SIZE];
    char text[FORMAT_NAME_SIZE];
    printf("%s\n", cluster_health_sentence(status, sentence));
    if (status->human.size > 0) {
        printf("ATTENTION   %s\n", format_name(status->human, text));
    }
    if (status->colocation_allowed) {
        printf("ATTENTION   colocation is allowed: shards of one segment may share an owner or a\n"
               "            network, and be lost together. For development only.\n");
    }
    printf("\n");
    print_nodes(status);
    print_space(status);
    printf("stored      %" PRIu64 " objects in %" PRIu64 " buckets, %s\n", status->objects,
        status->buckets, format_bytes(status->bytes, bytes));
    printf("segments    %" PRIu64 ": %" PRIu64 " below n, %" PRIu64 " below r, %" PRIu64
           " unreadable now\n",
        status->segments, status->segments_below_n, status->segments_below_r,
        status->segments_unreadable);
    print_sweep(status);
    printf("reclaiming  %" PRIu64 " uploads open, %" PRIu64 " bodies doomed, %" PRIu64
           " shards to trash\n",
        status->intents_open, status->bodies_doomed, status->shards_dead);
}

/* ---- for programs ---- */

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
    json_line_flag(line, "colocation_allowed", status->colocation_allowed);
    json_line_number(line, "nodes", cluster_count_nodes(status, ""));
    json_line_number(line, "nodes_alive", cluster_count_nodes(status, "alive"));
    json_line_number(line, "buckets", status->buckets);
    json_line_number(line, "objects", status->objects);
    json_line_number(line, "bytes", status->bytes);
    json_line_number(line, "segments", status->segments);
    json_line_number(line, "segments_below_n", status->segments_below_n);
    json_line_number(line, "segments_below_r", status->segments_below_r);
    json_line_number(line, "segments_unreadable", status->segments_unreadable);
    json_line_number(line, "repair_queue", status->repair_queue);
    json_line_number(line, "repair_waiting", status->repair_waiting);
    json_line_number(line, "repair_without_place", status->repair_without_place);
    json_line_number(line, "repaired_total", status->repaired_total);
    json_line_number(line, "intents_open", status->intents_open);
    json_line_number(line, "bodies_doomed", status->bodies_doomed);
    json_line_number(line, "shards_dead", status->shards_dead);
    json_line_time(line, "now", status->now_unix_ms);
    json_line_time(line, "sweep_finished", status->sweep_finished_unix_ms);
    json_line_set(line, "sweep", sweep_report_json(status->sweep, status->now_unix_ms));
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
