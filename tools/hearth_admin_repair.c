/*
 * hearth-admin repair status, repair run: what is to be made anew, how it goes, and all of it now.
 */
#include "common/codec.h"
#include "common/env.h"
#include "proto/wire_repair.h"
#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"
#include "tools/repair_report.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_TEXT_SIZE = 2 * 16 + 1 };

struct repair_options {
    bool lost;
    bool wait;
    bool json;
};

/* ---- for people ---- */

static void print_queue(const struct wire_repair_info *repair)
{
    char bytes[FORMAT_BYTES_SIZE];
    char rate[FORMAT_BYTES_SIZE];
    char text[FORMAT_DURATION_SIZE];
    if (repair->due == 0) {
        printf("nothing is due\n");
        return;
    }
    printf("due       %" PRIu64 " segments", repair->due);
    if (repair->bytes > 0) {
        printf(", %s to read and write", format_bytes(repair->bytes, bytes));
    }
    if (repair->bytes > 0 && repair->bytes_per_s > 0) {
        printf(", %s/s, %s to go", format_bytes(repair->bytes_per_s, rate),
            format_duration(repair_report_eta_ms(repair), text));
    }
    printf("\n");
    if (repair->oldest_unix_ms > 0 && repair->now_unix_ms > repair->oldest_unix_ms) {
        printf("oldest    found %s ago\n",
            format_duration(repair->now_unix_ms - repair->oldest_unix_ms, text));
    }
    if (repair->waiting > 0) {
        printf("waiting   %" PRIu64 " failed, and will be tried again\n", repair->waiting);
    }
    if (repair->without_place > 0) {
        printf("stuck     %" PRIu64 " have no node that may take a shard: add nodes\n",
            repair->without_place);
    }
}

static void print_people(const struct wire_repair_info *repair)
{
    char bytes[FORMAT_BYTES_SIZE];
    if (!repair->counted) {
        printf("segments  not counted yet: no pass has ended since the start\n");
    } else {
        printf("segments  %" PRIu64 ", %" PRIu64 " below n, %" PRIu64
               " at their trigger or below\n",
            repair->segments, repair->below_n, repair->below_trigger);
    }
    if (repair->unreadable > 0) {
        printf("UNREADABLE %" PRIu64 ", of which %" PRIu64
               " are lost unless nodes come back (repair status --lost names the objects)\n",
            repair->unreadable, repair->lost);
    }
    print_queue(repair);
    if (repair->asked_unix_ms > 0) {
        printf("asked     everything is being brought to n (repair run)\n");
    }
    printf("running   %" PRIu64 "; since the start %" PRIu64 " shards of %" PRIu64
           " segments made anew, %s moved, %" PRIu64 " tries failed\n",
        repair->running, repair->repaired_shards, repair->repaired_segments,
        format_bytes(repair->repaired_bytes, bytes), repair->failed);
}

static void print_repair(const struct wire_repair_info *repair, bool json)
{
    if (json) {
        json_line_print(repair_report_json(repair));
    } else {
        print_people(repair);
    }
}

/* ---- lost ---- */

static void print_object(const struct wire_lost_object *object, bool json)
{
    char name[FORMAT_NAME_SIZE];
    char id[ID_TEXT_SIZE];
    hex_encode(object->segment_id.bytes, object->segment_id.size, id);
    if (json) {
        json_t *line = json_line_object();
        json_line_bytes(line, "bucket", object->bucket);
        json_line_bytes(line, "key", object->key);
        json_line_text(line, "segment", id);
        json_line_flag(line, "lost", object->is_lost);
        json_line_print(line);
        return;
    }
    printf("%s  s3://%.*s/%s  segment %s\n", object->is_lost ? "lost      " : "unreadable",
        VIEW_ARGS(object->bucket), format_name(object->key, name), id);
}

/* The cursor outlives the answer it came with. */
static enum hearth_code list_lost(struct admin *admin, bool json, struct hearth_err *err)
{
    uint8_t cursor[WIRE_LOST_CURSOR_MAX];
    struct wire_repair_lost_request request = {.cursor = view_of(cursor, 0)};
    struct wire_repair_lost_reply reply;
    do {
        arena_fini(admin_arena(admin));
        if (admin_ask(admin, RPC_REPAIR_LOST, &request, &reply, err) != HEARTH_OK) {
            return err->code;
        }
        for (size_t i = 0; i < reply.objects_count; i++) {
            print_object(&reply.objects[i], json);
        }
        memcpy(cursor, reply.next_cursor.bytes, reply.next_cursor.size);
        request.cursor.size = reply.next_cursor.size;
    } while (request.cursor.size > 0 && !atomic_load(admin_cancel(admin)));
    return HEARTH_OK;
}

/* ---- status ---- */

static enum hearth_code show(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct repair_options *options = call->options;
    struct wire_repair_info repair;
    if (options->lost) {
        return list_lost(admin, options->json, err);
    }
    enum hearth_code code =
        admin_ask(admin, RPC_REPAIR_STATUS, &(struct wire_empty){0}, &repair, err);
    if (code == HEARTH_OK) {
        print_repair(&repair, options->json);
    }
    return code;
}

static enum program_exit run_status(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, show, err);
}

static const struct program_option status_params[] = {
    {.name = "lost",
        .offset = offsetof(struct repair_options, lost),
        .help = "the objects that cannot be read now, one a line; reads all of the metadata"},
    OPTION_JSON(repair_options),
};

const struct program_verb hearth_admin_verb_repair_status = {
    .name = "repair status",
    .options = status_params,
    .option_count = sizeof(status_params) / sizeof(status_params[0]),
    .options_size = sizeof(struct repair_options),
    .needs_config = true,
    .help = "what is to be made anew: queue, rate, time to go, and what cannot be",
    .run = run_status,
};

/* ---- run ---- */

static void show_progress(const struct wire_repair_info *repair)
{
    char bytes[FORMAT_BYTES_SIZE];
    char rate[FORMAT_BYTES_SIZE];
    char text[FORMAT_DURATION_SIZE];
    admin_wait_show("%" PRIu64 " segments to go, %s, %s/s, ETA %s", repair->due,
        format_bytes(repair->bytes, bytes), format_bytes(repair->bytes_per_s, rate),
        format_duration(repair_report_eta_ms(repair), text));
}

static enum hearth_code wait_for_end(
    struct admin *admin, struct wire_repair_info *repair, struct hearth_err *err)
{
    while (repair->asked_unix_ms > 0) {
        show_progress(repair);
        if (admin_wait(admin, "repair goes on", err) != HEARTH_OK ||
            admin_ask(admin, RPC_REPAIR_STATUS, &(struct wire_empty){0}, repair, err) !=
                HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code start(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct repair_options *options = call->options;
    struct wire_repair_info repair;
    enum hearth_code code = admin_ask(admin, RPC_REPAIR_RUN, &(struct wire_empty){0}, &repair, err);
    if (code == HEARTH_OK && options->wait) {
        code = wait_for_end(admin, &repair, err);
        admin_wait_end();
    }
    if (code == HEARTH_OK) {
        print_repair(&repair, options->json);
    }
    return code;
}

static enum program_exit run_run(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, start, err);
}

static const struct program_option run_params[] = {
    {.name = "wait",
        .offset = offsetof(struct repair_options, wait),
        .help = "until nothing that has a place to go is below n"},
    OPTION_JSON(repair_options),
};

const struct program_verb hearth_admin_verb_repair_run = {
    .name = "repair run",
    .options = run_params,
    .option_count = sizeof(run_params) / sizeof(run_params[0]),
    .options_size = sizeof(struct repair_options),
    .needs_config = true,
    .help = "bring every segment to n now, instead of when its holders make it necessary",
    .run = run_run,
};
