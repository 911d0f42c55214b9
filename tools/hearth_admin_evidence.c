/*
 * hearth-admin audit evidence, audit verify: why nodes were convicted, and whether that is proven.
 */
#include "client/client_config.h"
#include "common/codec.h"
#include "common/file.h"
#include "proto/wire_audit.h"
#include "tools/admin.h"
#include "tools/evidence_check.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/node_find.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

enum { NODE_ID_TEXT_SIZE = 2 * 20 + 1, RECORD_ID_TEXT_SIZE = 2 * 16 + 1, PATH_TEXT_SIZE = 512 };

struct evidence_options {
    bool json;
    const char *node;
    const char *out;
};

/* ---- evidence ---- */

static enum hearth_code keep_record(const struct wire_evidence_info *info, const char *directory,
    char path[PATH_TEXT_SIZE], struct hearth_err *err)
{
    char id[RECORD_ID_TEXT_SIZE];
    hex_encode(info->id.bytes, info->id.size, id);
    snprintf(path, PATH_TEXT_SIZE, "%s/node-%" PRIu32 "-%s.evidence", directory, info->node, id);
    return file_write_atomically(path, info->record, 0600, err);
}

static void print_evidence(const struct wire_evidence_info *info, const struct evidence *evidence,
    bool json, const char *path)
{
    char id[RECORD_ID_TEXT_SIZE];
    char segment[RECORD_ID_TEXT_SIZE];
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
    const struct evidence_options *options, const uint8_t pin[PKI_PIN_SIZE], struct hearth_err *err)
{
    for (size_t i = 0; i < reply->evidence_count; i++) {
        struct evidence evidence;
        char path[PATH_TEXT_SIZE] = "";
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
    const struct evidence_options *options = call->options;
    struct wire_audit_evidence_request request = {.skip = 0};
    struct wire_audit_evidence_reply reply = {.is_all = false};
    uint8_t pin[PKI_PIN_SIZE];
    struct node_choice choice = {.number = 0};
    enum hearth_code code = load_ca_pin(call, admin_arena(admin), pin, err);
    if (code == HEARTH_OK) {
        code = node_choose(admin, options->node, &choice, err);
        request.node_id = choice.node_id;
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
        .offset = offsetof(struct evidence_options, node),
        .help = "only against this one: its number, or 8 or more digits of its id"},
    {.name = "out",
        .value = "DIR",
        .offset = offsetof(struct evidence_options, out),
        .help = "keep each record as a file there, for audit verify"},
    OPTION_JSON(evidence_options),
};

const struct program_verb hearth_admin_verb_audit_evidence = {
    .name = "audit evidence",
    .options = evidence_params,
    .option_count = sizeof(evidence_params) / sizeof(evidence_params[0]),
    .options_size = sizeof(struct evidence_options),
    .needs_config = true,
    .help = "why nodes were convicted",
    .run = run_evidence,
};

/* ---- verify ---- */

static void print_proven(const char *path, const struct evidence *evidence, bool json)
{
    char node[NODE_ID_TEXT_SIZE];
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
    const struct evidence_options *options = call->options;
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
    OPTION_JSON(evidence_options),
};

const struct program_verb hearth_admin_verb_audit_verify = {
    .name = "audit verify",
    .arguments = "FILE...",
    .arguments_min = 1,
    .arguments_max = -1,
    .options = verify_params,
    .option_count = sizeof(verify_params) / sizeof(verify_params[0]),
    .options_size = sizeof(struct evidence_options),
    .needs_config = true,
    .help = "does this evidence prove what it says?  Asks nobody; needs the CA's certificate alone",
    .run = run_verify,
};
