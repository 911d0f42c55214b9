#include "gateway/tenants.h"

#include "client/client_join.h"
#include "common/cleanup.h"
#include "common/crypto.h"
#include "common/file.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define CONFIG_NAME    "hearth.conf"
#define JOINING_PREFIX ".joining-"

enum { FOLDER_MODE = 0700 };

struct tenants {
    /* Set once. */
    char *folder;
    struct tenants_options options;
    struct hearth_memory *memory;

    pthread_mutex_t mutex;
    unsigned count; /* only grows */
    struct {
        char *name;
        struct hearth *hearth;
    } items[TENANTS_MAX];
};

/* ---- opening ---- */

static void say(void *context, const char *text)
{
    log_write(LOG_TRANSFER_NOTICED, "tenant=%s %s", (const char *)context, text);
}

static bool is_open(struct tenants *tenants, const char *name)
{
    UNLOCKS pthread_mutex_t *held = lock(&tenants->mutex);
    for (unsigned i = 0; i < tenants->count; i++) {
        if (strcmp(tenants->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* TAKES both. */
static bool add(struct tenants *tenants, char *name, struct hearth *hearth)
{
    UNLOCKS pthread_mutex_t *held = lock(&tenants->mutex);
    if (tenants->count == TENANTS_MAX) {
        return false;
    }
    tenants->items[tenants->count].name = name;
    tenants->items[tenants->count++].hearth = hearth;
    return true;
}

static void open_one(struct tenants *tenants, const char *folder_name)
{
    struct hearth_err err;
    struct hearth *hearth;
    char path[PATH_MAX];
    char *name = strdup(folder_name);
    snprintf(path, sizeof(path), "%s/%s/" CONFIG_NAME, tenants->folder, folder_name);
    const struct hearth_options options = {
        .config_path = path,
        .memory = tenants->memory,
        .memory_max = tenants->options.tenant_memory_max,
        .transfer_memory_max = tenants->options.transfer_memory_max,
        .notice = say,
        .notice_context = name,
    };
    if (name == NULL || hearth_open(&options, &hearth, &err) != HEARTH_OK) {
        log_write(LOG_TENANT_NOT_OPENED, "tenant=%s why=%s", folder_name,
            name == NULL ? "out of memory" : err.message);
        free(name);
    } else if (!add(tenants, name, hearth)) {
        log_write(
            LOG_TENANT_NOT_OPENED, "tenant=%s why=%d are served already", folder_name, TENANTS_MAX);
        hearth_close(hearth);
        free(name);
    } else {
        log_write(LOG_TENANT_OPENED, "tenant=%s", folder_name);
    }
}

/* A folder that somebody is just joining, or "." and "..", begins with a dot. */
static void open_new(struct tenants *tenants)
{
    DIR *folder = opendir(tenants->folder);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && !is_open(tenants, entry->d_name)) {
            open_one(tenants, entry->d_name);
        }
    }
    closedir(folder);
}

enum hearth_code tenants_open(
    const struct tenants_options *options, struct tenants **out, struct hearth_err *err)
{
    struct tenants *tenants = calloc(1, sizeof(*tenants));
    if (tenants == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open tenants");
    }
    tenants->options = *options;
    pthread_mutex_init(&tenants->mutex, NULL);
    tenants->folder = strdup(options->folder);
    tenants->memory = hearth_memory_create(options->memory_max);
    if (tenants->folder == NULL || tenants->memory == NULL) {
        tenants_close(tenants);
        return hearth_fail(err, HEARTH_NO_MEMORY, "open tenants");
    }
    open_new(tenants);
    *out = tenants;
    return HEARTH_OK;
}

void tenants_close(struct tenants *tenants)
{
    if (tenants == NULL) {
        return;
    }
    for (unsigned i = 0; i < tenants->count; i++) {
        hearth_close(tenants->items[i].hearth);
        free(tenants->items[i].name);
    }
    pthread_mutex_destroy(&tenants->mutex);
    hearth_memory_destroy(tenants->memory);
    free(tenants->folder);
    free(tenants);
}

void tenants_reload(struct tenants *tenants)
{
    open_new(tenants);
}

/* ---- finding ---- */

unsigned tenants_all(void *context, struct hearth **out, unsigned max)
{
    struct tenants *tenants = context;
    UNLOCKS pthread_mutex_t *held = lock(&tenants->mutex);
    unsigned count = tenants->count < max ? tenants->count : max;
    for (unsigned i = 0; i < count; i++) {
        out[i] = tenants->items[i].hearth;
    }
    return count;
}

const char *tenants_name(struct tenants *tenants, const struct hearth *hearth)
{
    UNLOCKS pthread_mutex_t *held = lock(&tenants->mutex);
    for (unsigned i = 0; i < tenants->count; i++) {
        if (tenants->items[i].hearth == hearth) {
            return tenants->items[i].name;
        }
    }
    return NULL;
}

/* ---- joining ---- */

/* Named for the invitation, so that one that was interrupted goes on with the same key. */
static void joining_folder(const char *folder, const char *invite, char path[PATH_MAX])
{
    enum { SHOWN = 8 };
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char text[2 * SHOWN + 1];
    crypto_sha256(view_text(invite), digest);
    for (size_t i = 0; i < SHOWN; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    snprintf(path, PATH_MAX, "%s/" JOINING_PREFIX "%s", folder, text);
}

/* What the coordinator calls it; it becomes the name of a folder, so it may not be a path. */
static enum hearth_code read_name(const char *config_path, char **out, struct hearth_err *err)
{
    struct client_config config;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = config_load(&client_config_table, config_path, &arena, &config, err);
    if (code == HEARTH_OK &&
        (config.tenant[0] == '\0' || config.tenant[0] == '.' ||
            strchr(config.tenant, '/') != NULL)) {
        code = hearth_fail(err, HEARTH_INVALID, "\"%s\" cannot be a tenant's name", config.tenant);
    }
    if (code == HEARTH_OK && (*out = strdup(config.tenant)) == NULL) {
        code = hearth_fail(err, HEARTH_NO_MEMORY, "join");
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code settle(
    const char *folder, const char *from, const char *name, struct hearth_err *err)
{
    char to[PATH_MAX];
    snprintf(to, sizeof(to), "%s/%s", folder, name);
    if (rename(from, to) != 0) {
        int why = errno;
        return why == ENOTEMPTY || why == EEXIST
            ? hearth_fail(err, HEARTH_EXISTS, "%s is served already", name)
            : hearth_fail_sys(err, HEARTH_IO, why, "rename %s to %s", from, to);
    }
    return HEARTH_OK;
}

enum hearth_code tenants_join(const char *folder, const char *invite, const char *root_key_path,
    char **out_name, struct hearth_err *err)
{
    char joining[PATH_MAX];
    char config_path[PATH_MAX + sizeof(CONFIG_NAME)];
    joining_folder(folder, invite, joining);
    snprintf(config_path, sizeof(config_path), "%s/" CONFIG_NAME, joining);
    const struct client_join join = {
        .env = env_system(),
        .invite = invite,
        .config_path = config_path,
        .class = PEER_GATEWAY,
        .root_key_path = root_key_path,
        .replace = access(config_path, F_OK) == 0,
    };
    if (file_make_directories(folder, FOLDER_MODE, err) != HEARTH_OK ||
        client_join(&join, err) != HEARTH_OK ||
        read_name(config_path, out_name, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = settle(folder, joining, *out_name, err);
    if (code != HEARTH_OK) {
        free(*out_name);
    }
    return code;
}
