/*
 * hearth-admin fsck: is everything that the metadata says true at the nodes, and nothing more
 * there?
 */
#include "common/codec.h"
#include "proto/wire_fsck.h"
#include "tools/admin_receive.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/offline/offline_fsck.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_SIZE = 16, EXIT_UNCHECKED = 3 };

struct fsck_options {
    const char *offline; /* NULL: the coordinator that runs is asked */
    struct program_list nodes;
    bool deep;
    bool json;
    bool space;
};

struct printing {
    const struct fsck_options *options;
    bool has_counts;
    uint64_t problems;
    uint64_t unchecked;
    unsigned spaces; /* printed: under a heading */
};

/* "": none. */
static const char *id_text(struct view id, char text[2 * ID_SIZE + 1])
{
    text[0] = '\0';
    if (id.size == ID_SIZE) {
        hex_encode(id.bytes, id.size, text);
    }
    return text;
}

static void print_finding(const struct wire_fsck_finding *finding, bool json)
{
    char segment[2 * ID_SIZE + 1];
    char shard[2 * ID_SIZE + 1];
    id_text(finding->segment_id, segment);
    id_text(finding->shard_id, shard);
    if (json) {
        json_t *line = json_line_object();
        json_line_bytes(line, "finding", finding->kind);
        json_line_number(line, "node", finding->node);
        json_line_text(line, "segment", segment);
        json_line_number(line, "slot", finding->slot);
        json_line_text(line, "shard", shard);
        json_line_bytes(line, "text", finding->text);
        json_line_print(line);
        return;
    }
    printf("%.*s: ", VIEW_ARGS(finding->kind));
    if (segment[0] != '\0') {
        printf("segment %s slot %" PRIu32 " ", segment, finding->slot);
    }
    if (finding->node != 0) {
        printf("at node %" PRIu32 "%s%s", finding->node, shard[0] == '\0' ? "" : ": shard ", shard);
    }
    printf(
        "%s%.*s\n", segment[0] != '\0' || finding->node != 0 ? ": " : "", VIEW_ARGS(finding->text));
}

/* In bytes: a difference of one shard is to be seen. */
static void print_space(struct printing *printing, const struct wire_fsck_space *space)
{
    if (printing->options->json) {
        json_t *line = json_line_object();
        json_line_number(line, "space_of_node", space->node);
        json_line_flag(line, "reached", space->is_reached);
        json_line_number(line, "reported_bytes", space->reported_bytes);
        json_line_number(line, "listed_bytes", space->listed_bytes);
        json_line_number(line, "named_bytes", space->named_bytes);
        json_line_number(line, "listed_shards", space->listed_shards);
        json_line_number(line, "named_shards", space->named_shards);
        json_line_number(line, "trash_bytes", space->trash_bytes);
        json_line_print(line);
        return;
    }
    if (printing->spaces++ == 0) {
        printf("%-6s %14s %7s %14s %7s %14s %14s\n", "NODE", "LISTED BYTES", "SHARDS",
            "NAMED BYTES", "SHARDS", "TRASH", "USED");
    }
    if (!space->is_reached) {
        printf("%-6" PRIu32 " does not answer\n", space->node);
        return;
    }
    printf("%-6" PRIu32 " %14" PRIu64 " %7" PRIu64 " %14" PRIu64 " %7" PRIu64 " %14" PRIu64
           " %14" PRIu64 "\n",
        space->node, space->listed_bytes, space->listed_shards, space->named_bytes,
        space->named_shards, space->trash_bytes, space->reported_bytes);
}

static uint64_t count_named(const struct wire_fsck_message *message, const char *name)
{
    for (size_t i = 0; i < message->counts_count; i++) {
        if (view_equal(message->counts[i].name, view_text(name))) {
            return message->counts[i].value;
        }
    }
    return 0;
}

static void print_json_counts(const struct wire_fsck_message *message)
{
    json_t *line = json_line_object();
    for (size_t i = 0; i < message->counts_count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", VIEW_ARGS(message->counts[i].name));
        json_line_number(line, name, message->counts[i].value);
    }
    json_line_print(line);
}

static void print_counts(const struct wire_fsck_message *message, const struct printing *printing)
{
    printf("%s: %" PRIu64 " objects, %" PRIu64 " segments, %" PRIu64 " shards",
        printing->problems > 0        ? "NOT CLEAN"
            : printing->unchecked > 0 ? "no problem found, and not all of it checked"
                                      : "clean",
        count_named(message, "objects"), count_named(message, "segments"),
        count_named(message, "shards"));
    if (printing->options->deep) {
        printf(" (%" PRIu64 " read, every cell)", count_named(message, "verified"));
    }
    printf(" at %" PRIu64 " of %" PRIu64 " nodes; %" PRIu64 " in flight, %" PRIu64
           " not checked, %" PRIu64 " being deleted and not looked at, %" PRIu64 " problems",
        count_named(message, "nodes_reached"), count_named(message, "nodes"),
        count_named(message, "in_flight"), printing->unchecked, count_named(message, "doomed"),
        printing->problems);
    const uint64_t ahead = count_named(message, "ahead");
    if (ahead > 0) {
        printf(", of which %" PRIu64 " are shards that the restored backup cannot know", ahead);
    }
    printf("\n");
}

static enum hearth_code take(void *context, const void *received, struct hearth_err *err)
{
    (void)err;
    struct printing *printing = context;
    const struct wire_fsck_message *message = received;
    bool json = printing->options->json;
    if (message->finding != NULL) {
        print_finding(message->finding, json);
    }
    if (message->space != NULL && printing->options->space) {
        print_space(printing, message->space);
    }
    if (message->counts_count > 0) {
        printing->has_counts = true;
        printing->problems = count_named(message, "problems");
        printing->unchecked = count_named(message, "unchecked");
        if (json) {
            print_json_counts(message);
        } else {
            print_counts(message, printing);
        }
    }
    fflush(stdout);
    return HEARTH_OK;
}

/* How it ended is in the exit code, too, which admin_run() has no words for. */
static enum hearth_code judge(const struct printing *printing, struct hearth_err *err)
{
    if (!printing->has_counts) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "the coordinator left before the end");
    }
    if (printing->problems > 0) {
        return hearth_fail(err, HEARTH_CHECKSUM, "%" PRIu64 " problems", printing->problems);
    }
    return printing->unchecked == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_READY, "%" PRIu64 " shards could not be checked",
              printing->unchecked);
}

static enum hearth_code check(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    struct printing printing = {.options = call->options};
    struct wire_fsck_message room;
    const struct wire_fsck_request request = {.is_deep = printing.options->deep};
    enum hearth_code code = admin_receive(admin, RPC_FSCK, &request, &room, take, &printing, err);
    return code == HEARTH_OK ? judge(&printing, err) : code;
}

static enum program_exit check_offline(const struct fsck_options *options, struct hearth_err *err)
{
    struct printing printing = {.options = options};
    const struct offline_fsck offline = {.config = options->offline,
        .nodes = &options->nodes,
        .is_deep = options->deep,
        .take = take,
        .context = &printing};
    enum hearth_code code = offline_fsck_run(&offline, err);
    code = code == HEARTH_OK ? judge(&printing, err) : code;
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "fsck %s", options->offline);
    }
    return program_result(code);
}

static enum program_exit run_fsck(const struct program_call *call, struct hearth_err *err)
{
    const struct fsck_options *options = call->options;
    if (options->offline == NULL && call->config_path == NULL) {
        return program_usage(err, "--config FILE or --offline FILE is missing");
    }
    if (options->offline == NULL && options->nodes.count > 0) {
        return program_usage(err, "--nodes is for --offline");
    }
    enum program_exit result =
        options->offline != NULL ? check_offline(options, err) : admin_run(call, check, err);
    bool is_unclean = result == PROGRAM_FAILED && err->code == HEARTH_CHECKSUM;
    return result == PROGRAM_FAILED && !is_unclean ? (enum program_exit)EXIT_UNCHECKED : result;
}

static const struct program_option fsck_params[] = {
    {.name = "offline",
        .value = "FILE",
        .offset = offsetof(struct fsck_options, offline),
        .help = "nothing runs: the coordinator's configuration file, on this machine"},
    {.name = "nodes",
        .value = "DIR",
        .offset = offsetof(struct fsck_options, nodes) + PROGRAM_LIST,
        .help = "with --offline: a node's folder, or one of such folders; may be repeated"},
    {.name = "deep",
        .offset = offsetof(struct fsck_options, deep),
        .help = "read every cell of every shard and compare it with its tag"},
    {.name = "space",
        .offset = offsetof(struct fsck_options, space),
        .help = "what each node lists, what the metadata names there, what it uses on its disk"},
    OPTION_JSON(fsck_options),
};

const struct program_verb hearth_admin_verb_fsck = {
    .name = "fsck",
    .options = fsck_params,
    .option_count = sizeof(fsck_params) / sizeof(fsck_params[0]),
    .options_size = sizeof(struct fsck_options),
    .help = "compare the metadata with itself and with what every node holds",
    .notes =
        "Needs --config FILE, or --offline FILE while the coordinator does not run: then with the\n"
        "volumes of --nodes, which do not run either, or with the metadata alone.\n"
        "Exit code 0: clean, 1: problems were found, 3: not everything could be checked.\n",
    .run = run_fsck,
};
