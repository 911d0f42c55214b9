/*
 * hearth-admin gc status, gc run, gc release: what is on its way out and what waits, why and where;
 * looking anew; letting go.
 */
#include "common/codec.h"
#include "proto/wire_garbage.h"
#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_SIZE = 20 };

struct status_options {
    bool json;
};

struct run_options {
    bool wait;
    bool json;
};

/* ---- status ---- */

static json_t *node_json(const struct wire_garbage_node *node)
{
    char id[2 * ID_SIZE + 1];
    hex_encode(node->node_id.bytes, ID_SIZE, id);
    json_t *object = json_line_object();
    json_line_number(object, "number", node->number);
    json_line_text(object, "node_id", id);
    json_line_bytes(object, "state", node->state);
    json_line_number(object, "shards_dead", node->shards_dead);
    json_line_number(object, "dead_bytes", node->dead_bytes);
    json_line_number(object, "withheld", node->withheld);
    json_line_number(object, "day_bytes", node->day);
    json_line_number(object, "trash_bytes", node->trash);
    json_line_flag(object, "reconciled", node->reconciled_unix_ms > 0);
    if (node->reconciled_unix_ms > 0) {
        json_line_time(object, "reconciled_at", node->reconciled_unix_ms);
        json_line_number(object, "listed", node->listed);
        json_line_number(object, "unwanted", node->unwanted);
        json_line_number(object, "ahead", node->ahead);
        json_line_number(object, "missing", node->missing);
        json_line_number(object, "wanted_in_trash", node->wanted_in_trash);
    }
    if (node->purge_until_unix_ms > 0) {
        json_line_time(object, "purges_until", node->purge_until_unix_ms);
    }
    return object;
}

static void print_json(const struct wire_garbage_status_reply *status)
{
    json_t *line = json_line_object();
    json_t *nodes = json_line_array();
    json_line_flag(line, "held", status->held);
    json_line_number(line, "recovery_epoch", status->recovery_epoch);
    json_line_number(line, "kept_objects", status->kept_objects);
    json_line_number(line, "kept_bytes", status->kept_bytes);
    json_line_number(line, "intents_open", status->intents_open);
    json_line_number(line, "bodies_doomed", status->bodies_doomed);
    json_line_number(line, "shards_dead", status->shards_dead);
    for (size_t i = 0; i < status->nodes_count; i++) {
        json_line_append(nodes, node_json(&status->nodes[i]));
    }
    json_line_set(line, "nodes", nodes);
    json_line_print(line);
}

static void print_held(const struct wire_garbage_status_reply *status)
{
    char backup[FORMAT_TIME_SIZE];
    uint64_t ahead = 0;
    size_t reconciled = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        ahead += status->nodes[i].ahead;
        reconciled += status->nodes[i].reconciled_unix_ms > 0;
    }
    printf("Held since a backup that ends at %s was restored: nothing is trashed or purged.\n"
           "%zu of %zu nodes are reconciled; they have %" PRIu64 " shards from after the backup.\n"
           "It goes on by itself when all are and there is none; gc release gives them up.\n",
        format_time(status->backup_unix_ms, backup), reconciled, status->nodes_count, ahead);
}

static void print_node(const struct wire_garbage_node *node)
{
    char trash[FORMAT_BYTES_SIZE];
    char when[FORMAT_TIME_SIZE] = "not yet";
    if (node->reconciled_unix_ms > 0) {
        format_time(node->reconciled_unix_ms, when);
    }
    printf("%-6" PRIu32 " %-9.*s %9" PRIu64 " %9s  %-19s %8" PRIu64 " %6" PRIu64 " %7" PRIu64
           " %8" PRIu64 "%s\n",
        node->number, VIEW_ARGS(node->state), node->shards_dead, format_bytes(node->trash, trash),
        when, node->unwanted, node->ahead, node->missing, node->wanted_in_trash,
        node->purge_until_unix_ms == 0 ? "  purges nothing" : "");
}

/* One sentence for all nodes that are at their cap. */
static void print_withheld(const struct wire_garbage_status_reply *status)
{
    uint64_t shards = 0;
    uint64_t bytes = 0;
    uint64_t day = 0;
    unsigned nodes = 0;
    char text[2][FORMAT_BYTES_SIZE];
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_garbage_node *node = &status->nodes[i];
        if (node->withheld > 0) {
            nodes++;
            shards += node->shards_dead;
            bytes += node->dead_bytes;
            day += node->day;
        }
    }
    if (nodes > 0) {
        printf("%u nodes withhold %" PRIu64
               " shards, %s: they let go %s a day, 5 %% of a node or 64 GiB.\n"
               "The rest follows tomorrow; gc release lets it go at once.\n",
            nodes, shards, format_bytes(bytes, text[0]), format_bytes(day, text[1]));
    }
}

static void print_text(const struct wire_garbage_status_reply *status)
{
    char bytes[FORMAT_BYTES_SIZE];
    if (status->held) {
        print_held(status);
    }
    print_withheld(status);
    printf("%" PRIu64 " deleted objects can be undeleted (%s); %" PRIu64 " uploads open, %" PRIu64
           " bodies doomed, %" PRIu64 " shards named dead\n\n",
        status->kept_objects, format_bytes(status->kept_bytes, bytes), status->intents_open,
        status->bodies_doomed, status->shards_dead);
    printf("%-6s %-9s %9s %9s  %-19s %8s %6s %7s %8s\n", "NODE", "STATE", "DEAD", "TRASH",
        "RECONCILED", "UNWANTED", "AHEAD", "MISSING", "IN TRASH");
    for (size_t i = 0; i < status->nodes_count; i++) {
        print_node(&status->nodes[i]);
    }
}

static void print_status(const struct wire_garbage_status_reply *status, bool json)
{
    if (json) {
        print_json(status);
    } else {
        print_text(status);
    }
}

static enum hearth_code ask_status(
    struct admin *admin, struct wire_garbage_status_reply *status, struct hearth_err *err)
{
    return admin_ask(admin, RPC_GARBAGE_STATUS, &(struct wire_empty){0}, status, err);
}

static enum hearth_code show_status(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct status_options *options = call->options;
    struct wire_garbage_status_reply status;
    if (ask_status(admin, &status, err) == HEARTH_OK) {
        print_status(&status, options->json);
        return HEARTH_OK;
    }
    return err->code;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show_status, err);
}

static const struct program_option status_params[] = {
    OPTION_JSON(status_options),
};

const struct program_verb hearth_admin_verb_gc_status = {
    .name = "gc status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct status_options),
    .needs_config = true,
    .help = "what was deleted, what is on its way to the trash, what waits, why and where",
    .run = run_status,
};

/* ---- run ---- */

/* Those that cannot be asked now are not waited for; a suspect may answer at any moment. */
static bool is_away(struct view state)
{
    return view_equal(state, view_text("offline")) || view_equal(state, view_text("lost")) ||
        view_equal(state, view_text("gone"));
}

static size_t count_left(const struct wire_garbage_status_reply *status, uint64_t asked_unix_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_garbage_node *node = &status->nodes[i];
        count += !is_away(node->state) && node->reconciled_unix_ms < asked_unix_ms;
    }
    return count;
}

static enum hearth_code wait_for(
    struct admin *admin, const struct run_options *options, uint64_t asked, struct hearth_err *err)
{
    struct wire_garbage_status_reply status;
    while (ask_status(admin, &status, err) == HEARTH_OK) {
        if (count_left(&status, asked) == 0) {
            admin_wait_end();
            print_status(&status, options->json);
            return HEARTH_OK;
        }
        admin_wait_show(
            "%zu of %zu nodes to be reconciled", count_left(&status, asked), status.nodes_count);
        if (admin_wait(admin, "the reconciliation goes on", err) != HEARTH_OK) {
            return err->code;
        }
    }
    return err->code;
}

static enum hearth_code run_now(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct run_options *options = call->options;
    struct wire_garbage_run_reply reply;
    if (admin_ask(admin, RPC_GARBAGE_RUN, &(struct wire_empty){0}, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->wait) {
        return wait_for(admin, options, reply.asked_unix_ms, err);
    }
    if (options->json) {
        json_t *line = json_line_object();
        json_line_time(line, "asked", reply.asked_unix_ms);
        json_line_print(line);
    } else {
        printf("every node that answers is reconciled now; gc status shows how far\n");
    }
    return HEARTH_OK;
}

static enum program_exit run_run(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, run_now, err);
}

static const struct program_option run_params[] = {
    {.name = "wait",
        .offset = offsetof(struct run_options, wait),
        .help = "until all nodes but those that are offline have been reconciled"},
    OPTION_JSON(run_options),
};

const struct program_verb hearth_admin_verb_gc_run = {
    .name = "gc run",
    .options = run_params,
    .option_count = sizeof(run_params) / sizeof(run_params[0]),
    .options_size = sizeof(struct run_options),
    .needs_config = true,
    .help = "hold what nodes say they have against the layout, now",
    .run = run_run,
};

/* ---- release ---- */

static enum hearth_code release(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    struct wire_empty reply;
    enum hearth_code code =
        admin_ask(admin, RPC_GARBAGE_RELEASE, &(struct wire_empty){0}, &reply, err);
    return code == HEARTH_OK ? show_status(admin, call, err) : code;
}

static enum program_exit run_release(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, release, err);
}

const struct program_verb hearth_admin_verb_gc_release = {
    .name = "gc release",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct status_options),
    .needs_config = true,
    .help = "give up what a restored backup cannot know, and for a day let nodes trash more",
    .run = run_release,
};
