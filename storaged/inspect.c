#include "storaged/inspect.h"

#include "storaged/disk_readonly.h"
#include "storaged/volume_inspect.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * With --json every line is one object that begins with what it is about; all texts in it are our
 * own words, hex or "-", so nothing in them needs escaping.
 */
struct inspect_options {
    bool json;
};

struct inspect {
    const char *directory;
    bool json;
    struct loop *loop;
    struct disk *disk;
    struct volume_inspection inspection;
};

/* ---- lines ---- */

static void print_damage(void *context, const struct volume_event *event)
{
    const struct inspect *inspect = context;
    struct shard_id_text shard = {"-"};
    const char *reason = event->reason == NULL ? "" : event->reason;
    if (event->shard != NULL) {
        shard = shard_id_text(event->shard);
    }
    printf(inspect->json ? "{\"damage\": \"%s\", \"log\": %" PRIu32 ", \"offset\": %" PRIu64
                           ", \"bytes\": %" PRIu64 ", \"shard\": \"%s\"}\n"
                         : "damage: %s: log %" PRIu32 " at %" PRIu64 ", %" PRIu64
                           " bytes, shard %s\n",
        reason, event->log, event->offset, event->size, shard.chars);
}

static const char *state_of_copy(enum hearth_code code)
{
    return code == HEARTH_OK ? "good" : code == HEARTH_NOT_FOUND ? "missing" : "damaged";
}

static void print_volume(const struct inspect *inspect)
{
    const struct volume_inspection *inspection = &inspect->inspection;
    char uuid[2 * VOLUME_UUID_SIZE + 1];
    char node[2 * VOLUME_NODE_ID_SIZE + 1];
    hex_encode(inspection->superblock.uuid, VOLUME_UUID_SIZE, uuid);
    hex_encode(inspection->superblock.node_id, VOLUME_NODE_ID_SIZE, node);
    printf(inspect->json ? "{\"volume\": \"%s\", \"node\": \"%s\", \"starts\": %" PRIu64
                           ", \"superblocks\": [\"%s\", \"%s\"], \"index_rebuilt\": %s}\n"
                         : "volume %s of node %s, started %" PRIu64
                           " times\nsuperblocks: %s, %s; index rebuilt from the logs: %s\n",
        uuid, node, inspection->superblock.start_counter, state_of_copy(inspection->superblocks[0]),
        state_of_copy(inspection->superblocks[1]), inspection->is_index_rebuilt ? "true" : "false");
}

static void print_log_json(const char *name, const struct inspected_log *log)
{
    printf("{%s, \"bytes\": %" PRIu64 ", \"live\": %" PRIu64 ", \"live_bytes\": %" PRIu64
           ", \"trashed\": %" PRIu64 ", \"trash_bytes\": %" PRIu64 ", \"barred\": %" PRIu64
           ", \"dead_bytes\": %" PRIu64 ", \"damage\": %" PRIu64 "}\n",
        name, log->bytes, log->live, log->live_bytes, log->trashed, log->trash_bytes, log->barred,
        log->dead_bytes, log->damage);
}

static void print_log_text(const char *name, const struct inspected_log *log)
{
    printf("%-12s %14" PRIu64 " bytes: %" PRIu64 " live (%" PRIu64 "), %" PRIu64 " trash (%" PRIu64
           "), %" PRIu64 " barred, %" PRIu64 " dead bytes, %" PRIu64 " damaged\n",
        name, log->bytes, log->live, log->live_bytes, log->trashed, log->trash_bytes, log->barred,
        log->dead_bytes, log->damage);
}

static void print_logs(const struct inspect *inspect)
{
    const struct volume_inspection *inspection = &inspect->inspection;
    for (uint32_t i = 0; i < inspection->log_count; i++) {
        char name[DISK_NAME_SIZE];
        char field[DISK_NAME_SIZE + 16];
        log_name(inspection->logs[i].number, name);
        snprintf(field, sizeof(field), "\"log\": \"%s\"", name);
        if (inspect->json) {
            print_log_json(field, &inspection->logs[i]);
        } else {
            print_log_text(name, &inspection->logs[i]);
        }
    }
    if (inspect->json) {
        print_log_json("\"total\": true", &inspection->total);
    } else {
        print_log_text("all", &inspection->total);
    }
}

/* ---- the verb ---- */

static enum hearth_code check_nobody_has_it(const struct inspect *inspect, struct hearth_err *err)
{
    return disk_readonly_is_locked(inspect->disk, "lock")
        ? hearth_fail(err, HEARTH_BUSY, "a daemon has the volume open: stop it first")
        : HEARTH_OK;
}

static enum hearth_code judge(const struct inspect *inspect, struct hearth_err *err)
{
    const struct volume_inspection *inspection = &inspect->inspection;
    unsigned copies_gone = 0;
    for (unsigned i = 0; i < VOLUME_SUPERBLOCKS; i++) {
        copies_gone += inspection->superblocks[i] != HEARTH_OK;
    }
    if (inspection->total.damage + copies_gone > 0) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "%" PRIu64 " places are damaged, and %u of 2 superblocks", inspection->total.damage,
            copies_gone);
    }
    return HEARTH_OK;
}

static enum hearth_code inspect_volume(struct inspect *inspect, struct hearth_err *err)
{
    inspect->inspection = (struct volume_inspection){
        .disk = inspect->disk, .loop = inspect->loop, .on_event = print_damage, .context = inspect};
    if (check_nobody_has_it(inspect, err) != HEARTH_OK ||
        volume_inspect_blocking(&inspect->inspection, err) != HEARTH_OK) {
        return err->code;
    }
    print_volume(inspect);
    print_logs(inspect);
    return check_nobody_has_it(inspect, err) == HEARTH_OK ? judge(inspect, err) : err->code;
}

static enum program_exit run_inspect(const struct program_call *call, struct hearth_err *err)
{
    const struct inspect_options *options = call->options;
    struct inspect inspect = {.directory = call->arguments[0], .json = options->json};
    enum hearth_code code = loop_create(env_system(), &inspect.loop, err);
    if (code == HEARTH_OK) {
        code = disk_readonly_create(inspect.directory, inspect.loop, &inspect.disk, err);
    }
    if (code == HEARTH_OK) {
        code = inspect_volume(&inspect, err);
    }
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "inspect %s", inspect.directory);
    }
    volume_inspection_fini(&inspect.inspection);
    disk_destroy(inspect.disk);
    loop_destroy(inspect.loop);
    return program_result(code);
}

static const struct program_option options[] = {
    {"json", 0, NULL, false, offsetof(struct inspect_options, json), "one object per line"},
};

const struct program_verb inspect_verb = {
    .name = "inspect",
    .arguments = "DIR",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .options_size = sizeof(struct inspect_options),
    .help = "reads a volume that no daemon has open, and says what in it is damaged",
    .run = run_inspect,
};
