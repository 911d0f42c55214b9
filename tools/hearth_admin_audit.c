/*
 * hearth-admin audit status, audit run, audit evidence, audit verify: do the nodes have what they
 * took?
 */
#include "client/client_config.h"
#include "common/codec.h"
#include "common/env.h"
#include "common/file.h"
#include "proto/wire_audit.h"
#include "tools/admin.h"
#include "tools/evidence_check.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 250, CELLS_DEFAULT = 20, CELLS_MAX = 10000, ID_TEXT_SIZE = 2 * 20 + 1 };

struct audit_options {
    bool json;
    const char *node;
    const char *cells;
    const char *out;
};

static const char *id_text(const struct wire_audit_node *node, char text[ID_TEXT_SIZE])
{
    text[0] = '\0';
    if (2 * node->node_id.size < ID_TEXT_SIZE) {
        hex_encode(node->node_id.bytes, node->node_id.size, text);
    }
    return text;
}

/* By its number, or the beginning of its id. */
static bool is_named(const struct wire_audit_node *node, const char *name)
{
    char id[ID_TEXT_SIZE];
    char number[16];
    snprintf(number, sizeof(number), "%" PRIu32, node->number);
    return name == NULL || strcmp(number, name) == 0 ||
        (strlen(name) >= 8 && strncmp(id_text(node, id), name, strlen(name)) == 0);
}

static enum hearth_code ask(struct admin *admin, unsigned cells, struct view node_id,
    struct wire_audit_reply *reply, struct hearth_err *err)
{
    const struct wire_audit_request request = {.cells = cells, .node_id = node_id};
    return admin_ask(admin, RPC_AUDITS, &request, reply, err);
}

/* ---- status ---- */

static json_t *node_json(const struct wire_audit_node *node)
{
    char id[ID_TEXT_SIZE];
    json_t *line = json_line_object();
    json_line_number(line, "number", node->number);
    json_line_text(line, "id", id_text(node, id));
    json_line_bytes(line, "owner", node->owner);
    json_line_bytes(line, "state", node->state);
    json_line_set(line, "score", json_real(node->score_ppm / 1e6));
    json_line_set(line, "trouble_score", json_real(node->trouble_ppm / 1e6));
    json_line_number(line, "passes", node->passes);
    json_line_number(line, "fails", node->fails);
    json_line_number(line, "contained", node->contained);
    json_line_number(line, "offline", node->offline);
    json_line_number(line, "unknown", node->unknown);
    json_line_number(line, "contained_now", node->contained_now);
    json_line_number(line, "streak", node->streak);
    json_line_number(line, "streak_needed", node->streak_needed);
    json_line_set(line, "per_week", json_real((double)node->per_week_milli / 1000));
    json_line_number(line, "requested", node->requested);
    if (node->suspended_unix_ms > 0) {
        json_line_time(line, "suspended", node->suspended_unix_ms);
    }
    if (node->last_unix_ms > 0) {
        json_line_time(line, "last", node->last_unix_ms);
    }
    return line;
}

static void print_heading(void)
{
    printf("%5s %-20s %-10s %6s %8s %6s %9s %6s  %s\n", "node", "owner", "state", "score", "passes",
        "fails", "contained", "a week", "last");
}

static void print_node(const struct wire_audit_node *node)
{
    char owner[FORMAT_NAME_SIZE];
    char state[FORMAT_NAME_SIZE];
    char last[FORMAT_DURATION_SIZE] = "never";
    uint64_t now_unix_ms = env_unix_ms(env_system());
    if (node->last_unix_ms > 0) {
        format_duration(
            now_unix_ms > node->last_unix_ms ? now_unix_ms - node->last_unix_ms : 0, last);
    }
    printf("%5" PRIu32 " %-20s %-10s %6.3f %8" PRIu64 " %6" PRIu64 " %9" PRIu32 " %6" PRIu64
           "  %s%s\n",
        node->number, format_name(node->owner, owner), format_name(node->state, state),
        node->score_ppm / 1e6, node->passes, node->fails, node->contained_now,
        node->per_week_milli / 1000, last, node->last_unix_ms > 0 ? " ago" : "");
}

static void print_day(const struct wire_audit_reply *reply)
{
    printf("last 24 h: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " contained, %" PRIu64
           " offline, %" PRIu64 " unknown; %" PRIu64 " shards never asked for, %" PRIu64
           " of them too late\n",
        reply->passes_day, reply->fails_day, reply->contained_day, reply->offline_day,
        reply->unknown_day, reply->first_waiting, reply->first_overdue);
}

static void print_nodes(const struct wire_audit_reply *reply, const struct audit_options *options)
{
    if (!options->json) {
        print_heading();
    }
    for (size_t i = 0; i < reply->nodes_count; i++) {
        if (!is_named(&reply->nodes[i], options->node)) {
            continue;
        }
        if (options->json) {
            json_line_print(node_json(&reply->nodes[i]));
        } else {
            print_node(&reply->nodes[i]);
        }
    }
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct audit_options *options = call->options;
    struct wire_audit_reply reply;
    if (ask(admin, 0, (struct view){0}, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    print_nodes(&reply, options);
    if (!options->json) {
        print_day(&reply);
    }
    return HEARTH_OK;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

static const struct program_option status_params[] = {
    {.name = "node",
        .value = "NODE",
        .offset = offsetof(struct audit_options, node),
        .help = "only this one: its number, or 8 or more digits of its id"},
    {.name = "json",
        .offset = offsetof(struct audit_options, json),
        .help = "one JSON object per line"},
};

const struct program_verb hearth_admin_verb_audit_status = {
    .name = "audit status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct audit_options),
    .needs_config = true,
    .help = "what audits have brought of each node",
    .run = run_status,
};

/* ---- run ---- */

/* The id of the one that is named, copied; empty: each. */
static enum hearth_code find_id(
    struct admin *admin, const char *name, uint8_t id[20], struct view *out, struct hearth_err *err)
{
    struct wire_audit_reply reply;
    *out = (struct view){0};
    enum hearth_code code = ask(admin, 0, (struct view){0}, &reply, err);
    for (size_t i = 0; code == HEARTH_OK && name != NULL && i < reply.nodes_count; i++) {
        if (is_named(&reply.nodes[i], name) && out->size > 0) {
            return hearth_fail(err, HEARTH_INVALID, "node %s: more than one begins so", name);
        }
        if (is_named(&reply.nodes[i], name)) {
            memcpy(id, reply.nodes[i].node_id.bytes, 20);
            *out = view_of(id, 20);
        }
    }
    return code == HEARTH_OK && name != NULL && out->size == 0
        ? hearth_fail(err, HEARTH_NOT_FOUND, "node %s: no such node", name)
        : code;
}

static uint64_t count_requested(const struct wire_audit_reply *reply, const char *name)
{
    uint64_t count = 0;
    for (size_t i = 0; i < reply->nodes_count; i++) {
        count += is_named(&reply->nodes[i], name) ? reply->nodes[i].requested : 0;
    }
    return count;
}

/* Until all that was asked for has been asked; who does not answer is not waited for. */
static enum hearth_code wait_for(struct admin *admin, const struct audit_options *options,
    struct wire_audit_reply *reply, struct hearth_err *err)
{
    uint64_t left;
    while ((left = count_requested(reply, options->node)) > 0) {
        if (atomic_load(admin_cancel(admin))) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted; the audits go on");
        }
        if (isatty(STDERR_FILENO)) {
            fprintf(stderr, "\r%" PRIu64 " cells to be asked for\033[K", left);
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
        arena_fini(admin_arena(admin)); /* the answer before this one */
        if (ask(admin, 0, (struct view){0}, reply, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code run_cells(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct audit_options *options = call->options;
    struct wire_audit_reply reply;
    uint8_t id[20];
    struct view node_id;
    unsigned cells = CELLS_DEFAULT;
    if (options->cells != NULL &&
        option_number("cells", options->cells, 1, CELLS_MAX, &cells, err) != PROGRAM_DONE) {
        return err->code;
    }
    if (find_id(admin, options->node, id, &node_id, err) != HEARTH_OK ||
        ask(admin, cells, node_id, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = wait_for(admin, options, &reply, err);
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
    if (code == HEARTH_OK) {
        print_nodes(&reply, options);
    }
    return code;
}

static enum program_exit run_run(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, run_cells, err);
}

static const struct program_option run_params[] = {
    {.name = "node",
        .value = "NODE",
        .offset = offsetof(struct audit_options, node),
        .help = "only this one: its number, or 8 or more digits of its id"},
    {.name = "cells",
        .value = "M",
        .offset = offsetof(struct audit_options, cells),
        .help = "so many of each node that answers (default 20)"},
    {.name = "json",
        .offset = offsetof(struct audit_options, json),
        .help = "one JSON object per line"},
};

const struct program_verb hearth_admin_verb_audit_run = {
    .name = "audit run",
    .options = run_params,
    .option_count = sizeof(run_params) / sizeof(run_params[0]),
    .options_size = sizeof(struct audit_options),
    .needs_config = true,
    .help =
        "ask for cells now, wait until all were asked for, and say what is thought of the nodes",
    .run = run_run,
};

/* ---- evidence ---- */

static enum hearth_code keep_record(const struct wire_evidence_info *info, const char *directory,
    char path[512], struct hearth_err *err)
{
    char id[2 * 16 + 1];
    hex_encode(info->id.bytes, info->id.size, id);
    snprintf(path, 512, "%s/node-%" PRIu32 "-%s.evidence", directory, info->node, id);
    return file_write_atomically(path, info->record, 0600, err);
}

static void print_evidence(const struct wire_evidence_info *info, const struct evidence *evidence,
    bool json, const char *path)
{
    char id[2 * 16 + 1];
    char segment[2 * 16 + 1];
    hex_encode(info->id.bytes, info->id.size, id);
    hex_encode(evidence->segment, sizeof(evidence->segment), segment);
    if (!json) {
        printf("node %" PRIu32 ": %s, segment %s slot %u, %zu questions, %u of %u witnesses  %s\n",
            info->node, evidence_fault_text(evidence->fault), segment, evidence->slot,
            evidence->try_count, evidence->witnesses_true, evidence->witnesses_asked, path);
        return;
    }
    json_t *line = json_line_object();
    json_line_text(line, "id", id);
    json_line_number(line, "node", info->node);
    json_line_time(line, "judged", info->judged_unix_ms);
    json_line_text(line, "fault", evidence_fault_text(evidence->fault));
    json_line_text(line, "segment", segment);
    json_line_number(line, "slot", evidence->slot);
    json_line_number(line, "questions", evidence->try_count);
    json_line_number(line, "witnesses", evidence->witnesses_true);
    json_line_text(line, "file", path);
    json_line_print(line);
}

/* The certificate of the cluster's CA, which the configuration names. */
static enum hearth_code load_ca_pin(const struct program_call *call, struct arena *arena,
    uint8_t pin[PKI_PIN_SIZE], struct hearth_err *err)
{
    struct client_config config;
    struct view pem;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    if (config_load(&client_config_table, call->config_path, arena, &config, err) != HEARTH_OK ||
        file_read_whole(config.ca, PKI_PEM_MAX, arena, &pem, err) != HEARTH_OK) {
        return err->code;
    }
    return pki_ca_read(pem, cluster, pin, err);
}

static enum hearth_code show_page(const struct wire_audit_evidence_reply *reply,
    const struct audit_options *options, const uint8_t pin[PKI_PIN_SIZE], struct hearth_err *err)
{
    for (size_t i = 0; i < reply->evidence_count; i++) {
        struct evidence evidence;
        char path[512] = "";
        if (evidence_decode(reply->evidence[i].record, pin, &evidence, err) != HEARTH_OK ||
            (options->out != NULL &&
                keep_record(&reply->evidence[i], options->out, path, err) != HEARTH_OK)) {
            return err->code;
        }
        print_evidence(&reply->evidence[i], &evidence, options->json, path);
    }
    return HEARTH_OK;
}

static enum hearth_code list_evidence(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct audit_options *options = call->options;
    struct wire_audit_evidence_request request = {.skip = 0};
    struct wire_audit_evidence_reply reply = {.is_all = false};
    uint8_t pin[PKI_PIN_SIZE];
    uint8_t id[20];
    enum hearth_code code = load_ca_pin(call, admin_arena(admin), pin, err);
    if (code == HEARTH_OK) {
        code = find_id(admin, options->node, id, &request.node_id, err);
    }
    while (code == HEARTH_OK && !reply.is_all) {
        arena_fini(admin_arena(admin)); /* the page before this one */
        code = admin_ask(admin, RPC_AUDIT_EVIDENCE, &request, &reply, err);
        if (code == HEARTH_OK) {
            code = show_page(&reply, options, pin, err);
            request.skip += (uint32_t)reply.evidence_count;
        }
    }
    return code;
}

static enum program_exit run_evidence(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, list_evidence, err);
}

static const struct program_option evidence_params[] = {
    {.name = "node",
        .value = "NODE",
        .offset = offsetof(struct audit_options, node),
        .help = "only against this one"},
    {.name = "out",
        .value = "DIR",
        .offset = offsetof(struct audit_options, out),
        .help = "keep each record as a file there, for audit verify"},
    {.name = "json",
        .offset = offsetof(struct audit_options, json),
        .help = "one JSON object per line"},
};

const struct program_verb hearth_admin_verb_audit_evidence = {
    .name = "audit evidence",
    .options = evidence_params,
    .option_count = sizeof(evidence_params) / sizeof(evidence_params[0]),
    .options_size = sizeof(struct audit_options),
    .needs_config = true,
    .help = "why nodes were convicted",
    .run = run_evidence,
};

/* ---- verify ---- */

static enum hearth_code verify_file(
    const char *path, const uint8_t pin[PKI_PIN_SIZE], struct arena *arena, struct hearth_err *err)
{
    struct view record;
    struct evidence evidence;
    char node[ID_TEXT_SIZE];
    if (file_read_whole(path, EVIDENCE_SIZE_MAX, arena, &record, err) != HEARTH_OK ||
        evidence_check(record, pin, &evidence, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    hex_encode(evidence.node_id, sizeof(evidence.node_id), node);
    printf("%s: proves against node %" PRIu32 " (%s): %s\n", path, evidence.node, node,
        evidence_fault_text(evidence.fault));
    return HEARTH_OK;
}

static enum program_exit run_verify(const struct program_call *call, struct hearth_err *err)
{
    struct arena arena;
    uint8_t pin[PKI_PIN_SIZE];
    arena_init(&arena, 0);
    enum hearth_code code = load_ca_pin(call, &arena, pin, err);
    for (int i = 0; i < call->argument_count && code == HEARTH_OK; i++) {
        code = verify_file(call->arguments[i], pin, &arena, err);
    }
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "audit verify");
        return PROGRAM_FAILED;
    }
    return PROGRAM_DONE;
}

const struct program_verb hearth_admin_verb_audit_verify = {
    .name = "audit verify",
    .arguments = "FILE...",
    .arguments_min = 1,
    .arguments_max = -1,
    .needs_config = true,
    .help = "does this evidence prove what it says?  Asks nobody; needs the CA's certificate alone",
    .run = run_verify,
};
