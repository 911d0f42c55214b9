#include "storaged/reload.h"

#include "common/log.h"

static void log_change(
    void *context, const struct config_param *param, const char *before, const char *after)
{
    (void)context;
    log_write(param->live ? LOG_SETTING_CHANGED : LOG_SETTING_WAITS,
        "section=%s name=%s from=\"%s\" to=\"%s\"", param->section, param->name, before, after);
}

void reload_settings(struct storaged *storaged, const char *path, struct settings *in_force)
{
    struct arena arena;
    struct settings read;
    struct hearth_err err;
    arena_init(&arena, 0);
    if (config_load(&storaged_settings_table, path, &arena, &read, &err) == HEARTH_OK) {
        config_compare(&storaged_settings_table, in_force, &read, log_change, NULL);
        in_force->capacity_bytes = read.capacity_bytes;
        in_force->upload = read.upload;
        in_force->download = read.download;
        storaged_set_limits(storaged, in_force);
        log_write(LOG_SETTINGS_READ, "file=%s", path);
    } else {
        log_write(LOG_SETTINGS_REFUSED, "file=%s reason=\"%s\"", path, err.message);
    }
    arena_fini(&arena);
}
