#include "storaged/node_init.h"

#include "common/file.h"
#include "proto/identity.h"
#include "proto/invite.h"
#include "storaged/settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0644 };

/* What the steps hand on to each other; texts live in the arena. */
struct work {
    const struct node_init *init;
    struct env *env;
    struct arena arena;
    struct settings settings; /* as they will be written */
    struct invite invite;
    struct pki_key *key;
    struct wire_enrol_reply reply;
};

static void path_of(const struct work *work, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", work->init->dir, name);
}

static enum hearth_code check_folder(const struct work *work, struct hearth_err *err)
{
    char path[PATH_MAX];
    if (strlen(work->init->dir) > PATH_MAX - sizeof("/" SETTINGS_FILE ".XXXXXX")) {
        return hearth_fail(err, HEARTH_INVALID, "--dir: the path is too long");
    }
    path_of(work, SETTINGS_FILE, path);
    if (access(path, F_OK) == 0) {
        return hearth_fail(err, HEARTH_EXISTS, "%s: there is a node already", path);
    }
    return HEARTH_OK;
}

/* ---- the command line ---- */

static enum hearth_code parse_one(const char *option, const char *text, struct work *work,
    struct config_addresses *out, struct hearth_err *err)
{
    if (text == NULL) {
        return HEARTH_OK;
    }
    if (config_parse_address(text, &work->arena, &out->items[0], err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", option);
    }
    out->count = 1;
    return HEARTH_OK;
}

static enum hearth_code read_arguments(struct work *work, struct hearth_err *err)
{
    const struct node_init *init = work->init;
    struct settings *settings = &work->settings;
    config_defaults(&storaged_settings_table, &work->arena, settings);
    settings->capacity_bytes = init->capacity_bytes;
    if (parse_one("--listen", init->listen, work, &settings->listen, err) != HEARTH_OK ||
        parse_one("--advertise", init->advertise, work, &settings->advertise, err) != HEARTH_OK) {
        return err->code;
    }
    return identity_read_invite(
        init->invite, PEER_NODE, &work->arena, &work->invite, &settings->enrolment, err);
}

/* ---- the folder ---- */

/* The key of an interrupted init is used again: its invitation may have been spent on it. */
static enum hearth_code make_key(struct work *work, struct hearth_err *err)
{
    char path[PATH_MAX];
    path_of(work, SETTINGS_KEY, path);
    enum hearth_code code = pki_key_load(path, &work->key, err);
    if (code != HEARTH_NOT_FOUND) {
        return code;
    }
    if (pki_key_create(&work->key, err) != HEARTH_OK) {
        return err->code;
    }
    return pki_key_save(work->key, path, err);
}

static enum hearth_code enrol(struct work *work, struct hearth_err *err)
{
    const struct identity_enrolment enrolment = {
        .env = work->env,
        .key = work->key,
        .ca_pin = work->invite.ca_pin,
        .token = view_of(work->invite.token, INVITE_TOKEN_SIZE),
        .addresses = &work->settings.enrolment,
    };
    struct wire_enrol_reply *reply = &work->reply;
    if (identity_enrol(&enrolment, &work->arena, reply, err) != HEARTH_OK) {
        return err->code;
    }
    return identity_read_addresses(reply->coordinators, reply->coordinators_count, &work->arena,
        &work->settings.coordinators, err);
}

static enum hearth_code write_file(
    const struct work *work, const char *name, struct view bytes, struct hearth_err *err)
{
    char path[PATH_MAX];
    path_of(work, name, path);
    return file_write_atomically(path, bytes, FILE_MODE, err);
}

static enum hearth_code write_settings(const struct work *work, struct hearth_err *err)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "write %s", SETTINGS_FILE);
    }
    fputs("# Made by hearth-storaged init; hearth-storaged --help explains every parameter.\n",
        memory);
    config_print(&storaged_settings_table, &work->settings, CONFIG_CHANGED, memory);
    fclose(memory);
    enum hearth_code code = write_file(work, SETTINGS_FILE, view_of(text, size), err);
    free(text);
    return code;
}

static enum hearth_code make_folder(struct work *work, struct hearth_err *err)
{
    char volume[PATH_MAX];
    path_of(work, SETTINGS_VOLUME, volume);
    if (file_make_directories(volume, FOLDER_MODE, err) != HEARTH_OK ||
        make_key(work, err) != HEARTH_OK || enrol(work, err) != HEARTH_OK ||
        write_file(work, SETTINGS_CA, work->reply.ca_certificate, err) != HEARTH_OK ||
        write_file(work, SETTINGS_CERTIFICATE, work->reply.certificate, err) != HEARTH_OK) {
        return err->code;
    }
    return write_settings(work, err);
}

enum hearth_code node_init_blocking(
    const struct node_init *init, struct env *env, struct hearth_err *err)
{
    struct work work = {.init = init, .env = env};
    arena_init(&work.arena, 0);
    enum hearth_code code = check_folder(&work, err);
    if (code == HEARTH_OK) {
        code = read_arguments(&work, err);
    }
    if (code == HEARTH_OK) {
        code = make_folder(&work, err);
    }
    pki_key_destroy(work.key);
    arena_fini(&work.arena);
    return code;
}
