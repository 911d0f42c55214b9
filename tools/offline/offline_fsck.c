#include "tools/offline/offline_fsck.h"

#include "common/cleanup.h"
#include "coordinator/cluster.h"
#include "coordinator/rescue/fsck_copy.h"
#include "coordinator/rescue/fsck_wire.h"
#include "coordinator/settings.h"
#include "tools/offline/disk_cells.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORAGED_CONFIG "hearth-storaged.conf"

enum { NODES_MAX = 4096 };

struct member {
    uint32_t number;
    struct disk_node *disk;
};

struct offline {
    const struct offline_fsck *options;
    struct arena arena;
    struct settings settings;
    struct cluster *cluster;
    struct fsck_copy copy;
    struct fsck_meta *meta;
    struct env env;
    struct loop *loop;
    struct member members[NODES_MAX];
    unsigned count;
};

/* ---- nodes ---- */

/* NULL: it is not here. */
static struct disk_node *disk_of(const struct offline *offline, uint32_t number)
{
    for (unsigned i = 0; i < offline->count; i++) {
        if (offline->members[i].number == number) {
            return offline->members[i].disk;
        }
    }
    return NULL;
}

/* 0: no node of this cluster. */
static uint32_t number_of(const struct offline *offline, const uint8_t id[META_PRINCIPAL_SIZE])
{
    const struct meta_node_list *nodes = fsck_meta_nodes(offline->meta);
    for (size_t i = 0; i < nodes->count; i++) {
        if (memcmp(nodes->nodes[i].id.bytes, id, META_PRINCIPAL_SIZE) == 0) {
            return nodes->nodes[i].number;
        }
    }
    return 0;
}

static enum hearth_code add_node(
    struct offline *offline, const char *config, struct hearth_err *err)
{
    struct disk_node *disk;
    if (offline->count == NODES_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "more than %d nodes", NODES_MAX);
    }
    if (disk_node_open(config, offline->loop, &disk, err) != HEARTH_OK) {
        return err->code;
    }
    uint32_t number = number_of(offline, disk_node_id(disk));
    if (number == 0 || disk_of(offline, number) != NULL) {
        disk_node_close(disk);
        return hearth_fail(err, HEARTH_INVALID, "%s: no node of this cluster, or twice", config);
    }
    offline->members[offline->count++] = (struct member){.number = number, .disk = disk};
    return HEARTH_OK;
}

/* The configuration of the daemon whose home this is. False: it is no such home. */
static bool find_config(const char *folder, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, STORAGED_CONFIG) < PATH_MAX &&
        access(path, F_OK) == 0;
}

static enum hearth_code add_folders_in(
    struct offline *offline, const char *folder, struct hearth_err *err)
{
    unsigned before = offline->count;
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", folder);
    }
    enum hearth_code code = HEARTH_OK;
    for (struct dirent *entry; code == HEARTH_OK && (entry = readdir(entries)) != NULL;) {
        char path[PATH_MAX];
        char config[PATH_MAX];
        if (entry->d_name[0] != '.' &&
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < (int)sizeof(path) &&
            find_config(path, config)) {
            code = add_node(offline, config, err);
        }
    }
    closedir(entries);
    return code == HEARTH_OK && offline->count == before
        ? hearth_fail(err, HEARTH_NOT_FOUND, "%s: no %s is there, nor in a folder of it", folder,
              STORAGED_CONFIG)
        : code;
}

static enum hearth_code open_nodes(struct offline *offline, struct hearth_err *err)
{
    const struct program_list *nodes = offline->options->nodes;
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < nodes->count && code == HEARTH_OK; i++) {
        const char *folder = nodes->items[i].value;
        char config[PATH_MAX];
        code = find_config(folder, config) ? add_node(offline, config, err)
                                           : add_folders_in(offline, folder, err);
    }
    return code;
}

/* ---- the fleet, as a check sees it ---- */

struct listing {
    node_inventory_page_fn *page;
    void *context;
};

static bool take_page(void *context, const struct volume_list *list)
{
    const struct listing *listing = context;
    struct wire_shard_entry entries[VOLUME_LIST_MAX];
    for (unsigned i = 0; i < list->count; i++) {
        const struct volume_entry *entry = &list->entries[i];
        entries[i] =
            (struct wire_shard_entry){.shard_id = view_of(entry->id.bytes, sizeof(entry->id.bytes)),
                .locator = view_of(entry->locator.bytes, sizeof(entry->locator.bytes)),
                .length = entry->length,
                .state = entry->trashed ? WIRE_SHARD_TRASH : WIRE_SHARD_LIVE,
                .stored_unix_ms = entry->stored_unix_ms};
    }
    const struct wire_shard_page page = {.shards = entries,
        .shards_count = list->count,
        .damaged = list->damaged,
        .is_last = list->at_end};
    return listing->page(listing->context, &page);
}

static enum hearth_code list(void *context, uint32_t node, node_inventory_page_fn *page,
    void *page_context, struct hearth_err *err)
{
    struct listing listing = {.page = page, .context = page_context};
    struct disk_node *disk = disk_of(context, node);
    return disk != NULL ? disk_node_walk(disk, take_page, &listing, err)
                        : hearth_fail(err, HEARTH_UNREACHABLE, "node %u is not here", node);
}

static struct disk_node *find(
    void *context, const struct meta_segment *segment, unsigned slot, uint8_t id[SHARD_ID_SIZE])
{
    const struct offline *offline = context;
    fsck_meta_shard_id(offline->meta, segment, slot, id);
    return disk_of(offline, segment->holders[slot].node);
}

static enum hearth_code check_cells(void *context, const struct meta_segment *segment,
    struct fsck_slot *out, struct hearth_err *err)
{
    return disk_cells_check(segment, find, context, out, err);
}

static void tell_damage(void *context, fsck_damage_fn *tell, void *tell_context)
{
    const struct offline *offline = context;
    for (unsigned i = 0; i < offline->count; i++) {
        const struct member *member = &offline->members[i];
        const char *text;
        for (unsigned at = 0; (text = disk_node_damage(member->disk, at)) != NULL; at++) {
            tell(tell_context, member->number, text);
        }
    }
}

/* ---- telling ---- */

static enum hearth_code take(
    const struct offline *offline, const struct wire_fsck_message *message, struct hearth_err *err)
{
    return offline->options->take(offline->options->context, message, err);
}

static enum hearth_code take_finding(
    void *context, const struct fsck_finding *finding, struct hearth_err *err)
{
    const struct wire_fsck_finding row = fsck_wire_finding(finding);
    return take(context, &(struct wire_fsck_message){.finding = &row}, err);
}

static enum hearth_code take_space(
    void *context, const struct fsck_space *space, struct hearth_err *err)
{
    const struct wire_fsck_space row = fsck_wire_space(space);
    return take(context, &(struct wire_fsck_message){.space = &row}, err);
}

static bool is_over(void *context)
{
    (void)context;
    return false; /* whoever does not want to wait ends the program */
}

/* ---- all of it ---- */

static uint64_t at_the_beginning(struct env *env)
{
    (void)env;
    return 0;
}

static enum hearth_code open_all(struct offline *offline, struct hearth_err *err)
{
    offline->env = *env_system();
    offline->env.now_monotonic_ns = at_the_beginning;
    if (config_load(&settings_table, offline->options->config, &offline->arena, &offline->settings,
            err) != HEARTH_OK ||
        cluster_open(offline->settings.directory, env_system(), &offline->cluster, err) !=
            HEARTH_OK ||
        fsck_copy_stopped(&offline->copy, offline->settings.metadata, err) != HEARTH_OK ||
        fsck_meta_open(offline->cluster, env_system(), offline->copy.folder, &offline->meta, err) !=
            HEARTH_OK ||
        loop_create(&offline->env, &offline->loop, err) != HEARTH_OK) {
        return err->code;
    }
    return open_nodes(offline, err);
}

static void close_all(struct offline *offline)
{
    for (unsigned i = 0; i < offline->count; i++) {
        disk_node_close(offline->members[i].disk);
    }
    loop_destroy(offline->loop);
    fsck_meta_close(offline->meta);
    fsck_copy_remove(&offline->copy);
    cluster_close(offline->cluster);
    arena_fini(&offline->arena);
    free(offline);
}

static enum hearth_code check(struct offline *offline, struct hearth_err *err)
{
    const struct fsck_fleet fleet = {
        .list = list, .check_cells = check_cells, .tell_damage = tell_damage, .context = offline};
    struct fsck_options options = {.meta = offline->meta,
        .copied_ms = FSCK_NOTHING_RUNS,
        .fleet = offline->options->nodes->count > 0 ? &fleet : NULL,
        .allows_colocation = offline->settings.allow_colocation,
        .is_deep = offline->options->is_deep,
        .found = take_finding,
        .space = take_space,
        .is_over = is_over,
        .context = offline};
    struct fsck_counts counts;
    struct wire_fsck_count rows[WIRE_FSCK_COUNTS_MAX];
    if (fsck_meta_settings(offline->meta, &options.settings, err) != HEARTH_OK ||
        fsck_run_blocking(&options, &counts, err) != HEARTH_OK) {
        return err->code;
    }
    const struct wire_fsck_message message = {
        .counts = rows, .counts_count = fsck_wire_counts(&counts, rows)};
    return take(offline, &message, err);
}

enum hearth_code offline_fsck_run(const struct offline_fsck *options, struct hearth_err *err)
{
    struct offline *offline = calloc(1, sizeof(*offline));
    if (offline == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "check");
    }
    offline->options = options;
    arena_init(&offline->arena, 0);
    enum hearth_code code = open_all(offline, err);
    if (code == HEARTH_OK) {
        code = check(offline, err);
    }
    close_all(offline);
    return code;
}
