#include "tools/offline/disk_node.h"

#include "common/pki_key.h"
#include "storaged/disk_threads.h"
#include "storaged/volume_home.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct disk_node {
    struct arena arena;
    struct settings settings; /* as the daemon's */
    struct volume_home home;
    struct loop *loop;
    uint8_t id[PKI_ID_SIZE];
    struct disk *disk;
    struct volume *volume; /* NULL: it is not there */
    char *damages[DISK_DAMAGES_MAX + 1];
    unsigned damage_count;
};

/* ---- waiting ---- */

/* Zeroed `done` of a wait, so that an answer is seen. */
static void has_answered(struct volume_wait *wait)
{
    wait->done = NULL;
}

static enum hearth_code wait_for(
    struct loop *loop, const struct volume_wait *wait, struct hearth_err *err)
{
    while (wait->done != NULL) {
        if (!loop_run_once(loop)) {
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    *err = wait->err;
    return err->code;
}

/* ---- the node ---- */

__attribute__((format(printf, 2, 3))) static void add_damage(
    struct disk_node *node, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    if (node->damage_count < DISK_DAMAGES_MAX &&
        vasprintf(&node->damages[node->damage_count], fmt, values) < 0) {
        node->damages[node->damage_count] = NULL;
    }
    va_end(values);
    node->damage_count++;
}

static void hear_of_damage(void *context, const struct volume_event *event)
{
    struct disk_node *node = context;
    if (event->kind == VOLUME_INDEX_REBUILT) {
        return; /* it is only a cache */
    }
    struct shard_id_text shard = {"-"};
    if (event->shard != NULL) {
        shard = shard_id_text(event->shard);
    }
    add_damage(node, "%s: log %08x: shard %s: %s", node->settings.volume, event->log, shard.chars,
        event->reason == NULL ? "damaged" : event->reason);
}

static enum hearth_code load_id(struct disk_node *node, struct hearth_err *err)
{
    struct pki_key *key;
    if (pki_key_load(node->settings.key, &key, err) != HEARTH_OK) {
        return err->code;
    }
    pki_key_id(key, node->id);
    pki_key_destroy(key);
    return HEARTH_OK;
}

/* HEARTH_NOT_FOUND: there is none, and none is made. */
static enum hearth_code open_volume(struct disk_node *node, struct hearth_err *err)
{
    const char *directory = node->settings.volume;
    const struct disk_threads_options disk_options = {
        .directory = directory, .loop = node->loop, .threads = 1};
    if (access(directory, F_OK) != 0) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "%s is not there", directory);
    }
    if (disk_threads_create(&disk_options, &node->disk, err) != HEARTH_OK) {
        return err->code;
    }
    struct volume_options options = {
        .disk = node->disk,
        .loop = node->loop,
        .must_exist = true,
        .on_event = hear_of_damage,
        .on_event_context = node,
    };
    memcpy(options.node_id, node->id, sizeof(options.node_id));
    enum hearth_code code = volume_open_blocking(&options, &node->volume, err);
    return code == HEARTH_OK && node->home.is_known
        ? volume_home_settle(&node->home, node->volume, err)
        : code;
}

/* A node that was never started has none; else its disk is lost, or only not mounted. */
static enum hearth_code open_what_there_is(struct disk_node *node, struct hearth_err *err)
{
    enum hearth_code code = open_volume(node, err);
    if (code != HEARTH_NOT_FOUND) {
        return code;
    }
    if (node->home.is_known) {
        add_damage(node, "%s names a volume, and none is at %s: is its disk mounted?",
            node->home.id_path, node->settings.volume);
    }
    return HEARTH_OK;
}

enum hearth_code disk_node_open(
    const char *config, struct loop *loop, struct disk_node **out, struct hearth_err *err)
{
    struct disk_node *node = calloc(1, sizeof(*node));
    assert(node != NULL);
    arena_init(&node->arena, 0);
    node->loop = loop;
    if (config_load(&storaged_settings_table, config, &node->arena, &node->settings, err) !=
            HEARTH_OK ||
        load_id(node, err) != HEARTH_OK ||
        volume_home_load(&node->home, &node->settings, err) != HEARTH_OK ||
        open_what_there_is(node, err) != HEARTH_OK) {
        disk_node_close(node);
        return hearth_err_prefix(err, "open the node of %s", config);
    }
    *out = node;
    return HEARTH_OK;
}

void disk_node_close(struct disk_node *node)
{
    if (node == NULL) {
        return;
    }
    volume_destroy(node->volume);
    disk_destroy(node->disk);
    for (unsigned i = 0; i <= DISK_DAMAGES_MAX; i++) {
        free(node->damages[i]);
    }
    arena_fini(&node->arena);
    free(node);
}

const uint8_t *disk_node_id(const struct disk_node *node)
{
    return node->id;
}

const char *disk_node_damage(struct disk_node *node, unsigned index)
{
    if (index == DISK_DAMAGES_MAX && node->damage_count > index && node->damages[index] == NULL &&
        asprintf(&node->damages[index], "%s: %u more like these", node->settings.volume,
            node->damage_count - index) < 0) {
        node->damages[index] = NULL;
    }
    return index <= DISK_DAMAGES_MAX ? node->damages[index] : NULL;
}

static enum hearth_code check_volume(const struct disk_node *node, struct hearth_err *err)
{
    return node->volume != NULL
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_UNREACHABLE, "%s holds no volume", node->settings.volume);
}

/* ---- one shard ---- */

struct disk_shard {
    struct disk_node *node;
    struct volume_get *get;
    struct volume_wait opened;
    struct volume_read read;
};

enum hearth_code disk_shard_open(struct disk_node *node, const uint8_t id[SHARD_ID_SIZE],
    struct disk_shard **out, struct hearth_err *err)
{
    struct shard_id shard_id;
    if (check_volume(node, err) != HEARTH_OK) {
        return err->code;
    }
    struct disk_shard *shard = calloc(1, sizeof(*shard));
    assert(shard != NULL);
    memcpy(shard_id.bytes, id, sizeof(shard_id.bytes));
    shard->node = node;
    shard->opened.done = has_answered;
    shard->get = volume_get_open(node->volume, &shard_id, &shard->opened);
    if (wait_for(node->loop, &shard->opened, err) != HEARTH_OK) {
        free(shard); /* the get is gone */
        return err->code;
    }
    *out = shard;
    return HEARTH_OK;
}

const struct volume_shard_info *disk_shard_info(const struct disk_shard *shard)
{
    return volume_get_info(shard->get);
}

enum hearth_code disk_shard_read(struct disk_shard *shard, unsigned first, unsigned count,
    struct view *out, struct hearth_err *err)
{
    buf_unref(shard->read.cells);
    shard->read = (struct volume_read){.wait.done = has_answered};
    volume_get_read(shard->get, first, count, &shard->read);
    if (wait_for(shard->node->loop, &shard->read.wait, err) != HEARTH_OK) {
        shard->read.cells = NULL;
        return err->code;
    }
    *out = buf_view(shard->read.cells);
    return HEARTH_OK;
}

void disk_shard_close(struct disk_shard *shard)
{
    if (shard == NULL) {
        return;
    }
    buf_unref(shard->read.cells);
    volume_get_close(shard->get);
    free(shard);
}

/* ---- all of them ---- */

enum hearth_code disk_node_walk(
    struct disk_node *node, disk_page_fn *page, void *context, struct hearth_err *err)
{
    struct volume_list list = {0};
    bool goes_on = true;
    if (check_volume(node, err) != HEARTH_OK) {
        return err->code;
    }
    while (goes_on && !list.at_end) {
        list.wait = (struct volume_wait){.done = has_answered};
        volume_list_next(node->volume, &list);
        if (wait_for(node->loop, &list.wait, err) != HEARTH_OK) {
            return hearth_err_prefix(err, "walk %s", node->settings.volume);
        }
        goes_on = page(context, &list);
    }
    return HEARTH_OK;
}
