/*
 * hearth-admin audit status, audit run: do the nodes have what they took?
 */
#include "common/codec.h"
#include "common/env.h"
#include "proto/wire_audit.h"
#include "tools/admin_option.h"
#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/node_find.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

enum { CELLS_DEFAULT = 20, CELLS_MAX = 10000, ID_TEXT_SIZE = 2 * 20 + 1 };

struct audit_options {
    bool json;
    const char *node;
    const char *cells;
};

static const char *id_text(const struct wire_audit_node *node, char text[ID_TEXT_SIZE])
{
    text[0] = '\0';
    if (2 * node->node_id.size < ID_TEXT_SIZE) {
        hex_encode(node->node_id.bytes, node->node_id.size, text);
    }
    return text;
}

static bool is_chosen(const struct wire_audit_node *node, const struct node_choice *choice)
{
    return choice->number == 0 || node->number == choice->number;
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
    const struct wire_audit_reply *reply, const struct node_choice *choice, bool json)
{
    if (!json) {
        print_heading();
    }
    for (size_t i = 0; i < reply->nodes_count; i++) {
        if (!is_chosen(&reply->nodes[i], choice)) {
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
    struct node_choice choice;
    struct wire_audit_reply reply;
    if (node_choose(admin, options->node, &choice, err) != HEARTH_OK ||
        ask(admin, 0, (struct view){0}, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    print_nodes(&reply, &choice, options->json);
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

static uint64_t count_requested(
    const struct wire_audit_reply *reply, const struct node_choice *choice)
{
    uint64_t count = 0;
    for (size_t i = 0; i < reply->nodes_count; i++) {
        count += is_chosen(&reply->nodes[i], choice) ? reply->nodes[i].requested : 0;
    }
    return count;
}

/* Until all that was asked for has been asked; who does not answer is not waited for. */
static enum hearth_code wait_for(struct admin *admin, const struct node_choice *choice,
    struct wire_audit_reply *reply, struct hearth_err *err)
{
    uint64_t left;
    while ((left = count_requested(reply, choice)) > 0) {
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
    struct node_choice choice;
    unsigned cells = CELLS_DEFAULT;
    if (admin_option_number(admin, "cells", options->cells, 1, CELLS_MAX, &cells, err) !=
            HEARTH_OK ||
        node_choose(admin, options->node, &choice, err) != HEARTH_OK ||
        ask(admin, cells, choice.node_id, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = wait_for(admin, &choice, &reply, err);
    admin_wait_end();
    if (code == HEARTH_OK) {
        print_nodes(&reply, &choice, options->json);
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
