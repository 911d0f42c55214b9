/*
 * hearth-admin audit status, audit run, audit evidence, audit verify: do the nodes have what they
 * took?
 */
#include "client/client_config.h"
#include "common/codec.h"
#include "common/env.h"
#include "common/file.h"
#include "proto/wire_audit.h"
#include "tools/admin_option.h"
#include "tools/admin_wait.h"
#include "tools/evidence_check.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/node_find.h"
#include "tools/option.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { CELLS_DEFAULT = 20, CELLS_MAX = 10000, ID_TEXT_SIZE = 2 * 20 + 1 };

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

/* Who is meant by --node; number 0: each of them. */
struct chosen {
    uint32_t number;
    uint8_t id[20];
    struct view node_id; /* empty, or those bytes */
};

/* Copied: answers are forgotten while one waits. */
static enum hearth_code choose(
    struct admin *admin, const char *name, struct chosen *out, struct hearth_err *err)
{
    const struct wire_node_info *node = NULL;
    *out = (struct chosen){.number = 0};
    if (name == NULL) {
        return HEARTH_OK;
    }
    if (node_find(admin, name, &node, err) != HEARTH_OK) {
        return err->code;
    }
    assert(node->node_id.size == sizeof(out->id)); /* as its message says */
    out->number = node->number;
    memcpy(out->id, node->node_id.bytes, sizeof(out->id));
    out->node_id = view_of(out->id, sizeof(out->id));
    return HEARTH_OK;
}

static bool is_chosen(const struct wire_audit_node *node, const struct chosen *chosen)
{
    return chosen->number == 0 || node->number == chosen->number;
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
    printf("%-6s %-20s %-9s %6s %8s %6s %9s %6s  %s\n", "NODE", "OWNER", "STATE", "SCORE", "PASSES",
        "FAILS", "CONTAINED", "A WEEK", "LAST");
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
    printf("%-6" PRIu32 " %-20s %-9s %6.3f %8" PRIu64 " %6" PRIu64 " %9" PRIu32 " %6" PRIu64
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

static void print_nodes(
    const struct wire_audit_reply *reply, const struct chosen *chosen, bool json)
{
    if (!json) {
        print_heading();
    }
    for (size_t i = 0; i < reply->nodes_count; i++) {
        if (!is_chosen(&reply->nodes[i], chosen)) {
            continue;
        }
        if (json) {
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
    struct chosen chosen;
    struct wire_audit_reply reply;
    if (choose(admin, options->node, &chosen, err) != HEARTH_OK ||
        ask(admin, 0, (struct view){0}, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    print_nodes(&reply, &chosen, options->json);
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
    OPTION_JSON(audit_options),
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

static uint64_t count_requested(const struct wire_audit_reply *reply, const struct chosen *chosen)
{
    uint64_t count = 0;
    for (size_t i = 0; i < reply->nodes_count; i++) {
        count += is_chosen(&reply->nodes[i], chosen) ? reply->nodes[i].requested : 0;
    }
    return count;
}

/* Until all that was asked for has been asked; who does not answer is not waited for. */
static enum hearth_code wait_for(struct admin *admin, const struct chosen *chosen,
    struct wire_audit_reply *reply, struct hearth_err *err)
{
    uint64_t left;
    while ((left = count_requested(reply, chosen)) > 0) {
        admin_wait_show("%" PRIu64 " cells to be asked for", left);
        if (admin_wait(admin, "the audits go on", err) != HEARTH_OK ||
            ask(admin, 0, (struct view){0}, reply, err) != HEARTH_OK) {
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
    struct chosen chosen;
    unsigned cells = CELLS_DEFAULT;
    if (admin_option_number(admin, "cells", options->cells, 1, CELLS_MAX, &cells, err) !=
            HEARTH_OK ||
        choose(admin, options->node, &chosen, err) != HEARTH_OK ||
        ask(admin, cells, chosen.node_id, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = wait_for(admin, &chosen, &reply, err);
    admin_wait_end();
    if (code == HEARTH_OK) {
        print_nodes(&reply, &chosen, options->json);
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
    OPTION_JSON(audit_options),
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
    struct chosen chosen = {.number = 0};
    enum hearth_code code = load_ca_pin(call, admin_arena(admin), pin, err);
    if (code == HEARTH_OK) {
        code = choose(admin, options->node, &chosen, err);
        request.node_id = chosen.node_id;
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
        .help = "only against this one: its number, or 8 or more digits of its id"},
    {.name = "out",
        .value = "DIR",
        .offset = offsetof(struct audit_options, out),
        .help = "keep each record as a file there, for audit verify"},
    OPTION_JSON(audit_options),
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

static void print_proven(const char *path, const struct evidence *evidence, bool json)
{
    char node[ID_TEXT_SIZE];
    hex_encode(evidence->node_id, sizeof(evidence->node_id), node);
    if (!json) {
        printf("%s: proves against node %" PRIu32 " (%s): %s\n", path, evidence->node, node,
            evidence_fault_text(evidence->fault));
        return;
    }
    json_t *line = json_line_object();
    json_line_text(line, "file", path);
    json_line_number(line, "node", evidence->node);
    json_line_text(line, "node_id", node);
    json_line_text(line, "fault", evidence_fault_text(evidence->fault));
    json_line_print(line);
}

static enum hearth_code verify_file(const char *path, const uint8_t pin[PKI_PIN_SIZE], bool json,
    struct arena *arena, struct hearth_err *err)
{
    struct view record;
    struct evidence evidence;
    if (file_read_whole(path, EVIDENCE_SIZE_MAX, arena, &record, err) != HEARTH_OK ||
        evidence_check(record, pin, &evidence, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    print_proven(path, &evidence, json);
    return HEARTH_OK;
}

static enum program_exit run_verify(const struct program_call *call, struct hearth_err *err)
{
    const struct audit_options *options = call->options;
    struct arena arena;
    uint8_t pin[PKI_PIN_SIZE];
    arena_init(&arena, 0);
    enum hearth_code code = load_ca_pin(call, &arena, pin, err);
    for (int i = 0; i < call->argument_count && code == HEARTH_OK; i++) {
        code = verify_file(call->arguments[i], pin, options->json, &arena, err);
    }
    arena_fini(&arena);
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "audit verify");
        return PROGRAM_FAILED;
    }
    return PROGRAM_DONE;
}

static const struct program_option verify_params[] = {
    OPTION_JSON(audit_options),
};

const struct program_verb hearth_admin_verb_audit_verify = {
    .name = "audit verify",
    .arguments = "FILE...",
    .arguments_min = 1,
    .arguments_max = -1,
    .options = verify_params,
    .option_count = sizeof(verify_params) / sizeof(verify_params[0]),
    .options_size = sizeof(struct audit_options),
    .needs_config = true,
    .help = "does this evidence prove what it says?  Asks nobody; needs the CA's certificate alone",
    .run = run_verify,
};
