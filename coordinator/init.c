#include "coordinator/init.h"

#include "common/file.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/rescue/kit.h"
#include "coordinator/service/invitation.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { INVITE_VALID_S = 7 * 24 * 60 * 60 };

static enum hearth_code set_address(const char *text, struct arena *arena,
    struct config_addresses *addresses, struct hearth_err *err)
{
    if (text == NULL) {
        return HEARTH_OK;
    }
    addresses->count = 1;
    return config_parse_address(text, arena, &addresses->items[0], err);
}

static bool is_any(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* "All addresses" cannot be dialled: invitations and members get a name instead. */
static enum hearth_code advertise(const char *host, const struct config_addresses *listen,
    struct arena *arena, struct config_addresses *addresses, struct hearth_err *err)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (host == NULL && !is_any(listen->items[0].host)) {
        return HEARTH_OK;
    }
    if (host == NULL && gethostname(name, sizeof(name) - 1) == 0) {
        host = arena_text(arena, view_text(name));
    }
    if (host == NULL || host[0] == '\0') {
        return hearth_fail(err, HEARTH_INVALID, "this machine has no name; give --advertise HOST");
    }
    addresses->count = 1;
    addresses->items[0] = (struct config_address){.host = host, .port = listen->items[0].port};
    return HEARTH_OK;
}

/* Within its limits before anything is made: the file would be refused afterwards. */
static enum hearth_code set_heartbeat(
    const char *text, struct settings *settings, struct hearth_err *err)
{
    enum hearth_code code = config_parse_duration(text, &settings->heartbeat_ms, err);
    if (code == HEARTH_OK &&
        (settings->heartbeat_ms < SETTINGS_HEARTBEAT_MIN_MS ||
            settings->heartbeat_ms > SETTINGS_HEARTBEAT_MAX_MS)) {
        return hearth_fail(err, HEARTH_INVALID, "heartbeat %s: between %d ms and %d min", text,
            SETTINGS_HEARTBEAT_MIN_MS, SETTINGS_HEARTBEAT_MAX_MS / 60000);
    }
    return code;
}

/* The defaults with what the command line says instead. */
enum hearth_code init_settings(const struct init_options *options, struct arena *arena,
    struct settings *settings, struct hearth_err *err)
{
    config_defaults(&settings_table, arena, settings);
    settings->allow_colocation = options->allow_colocation;
    if (options->profile != NULL) {
        settings->profile = options->profile;
    }
    if (profile_by_name(view_text(settings->profile)) == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "no profile is called \"%s\"", settings->profile);
    }
    enum hearth_code code = set_address(options->listen, arena, &settings->listen, err);
    if (code == HEARTH_OK) {
        code = set_address(options->enrol, arena, &settings->enrolment, err);
    }
    if (code == HEARTH_OK) {
        code = advertise(options->advertise, &settings->listen, arena, &settings->advertise, err);
    }
    if (code == HEARTH_OK) {
        code = advertise(
            options->advertise, &settings->enrolment, arena, &settings->advertise_enrolment, err);
    }
    if (code == HEARTH_OK && options->heartbeat != NULL) {
        code = set_heartbeat(options->heartbeat, settings, err);
    }
    return code;
}

enum hearth_code init_write_settings(
    const char *path, const struct settings *settings, struct hearth_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "configuration");
    }
    config_print(&settings_table, settings, CONFIG_ALL, memory);
    fclose(memory);
    enum hearth_code code = file_write_atomically(path, view_of(text, size), 0644, err);
    free(text);
    return code;
}

static enum hearth_code make_metadata(struct coordinator *coordinator, struct hearth_err *err)
{
    struct meta_id cluster;
    memcpy(cluster.bytes, coordinator->cluster->id, sizeof(cluster.bytes));
    return meta_cluster_set(coordinator->store, cluster, err);
}

/* No node has joined yet: `hearth-coordinator kit` prints it with some. */
static void print_kit(const struct cluster *cluster, FILE *out)
{
    struct kit kit;
    char *ca_key = cluster_kit(cluster, &kit);
    kit_print(&kit, out);
    kit_wipe(&kit);
    pki_pem_destroy(ca_key);
}

static enum hearth_code first_invitation(
    struct coordinator *coordinator, struct arena *arena, FILE *out, struct hearth_err *err)
{
    struct invitation invitation = {.kind = PEER_ADMIN, .valid_s = INVITE_VALID_S};
    const char *word;
    uint64_t expires;
    enum hearth_code code = invitation_make(coordinator, &invitation, arena, &word, &expires, err);
    if (code == HEARTH_OK) {
        fprintf(out, "admin-invite: %s\n\n", word);
        print_kit(coordinator->cluster, out);
    }
    return code;
}

/* Keys and configuration are there; `settings` has the paths as the daemon will see them. */
static enum hearth_code fill_cluster(const struct settings *settings, struct env *env,
    struct arena *arena, FILE *out, struct hearth_err *err)
{
    enum hearth_code code = file_make_directories(settings->metadata, 0700, err);
    struct coordinator *coordinator = NULL;
    if (code == HEARTH_OK) {
        code = coordinator_create(settings, env, &coordinator, err);
    }
    if (code == HEARTH_OK) {
        code = make_metadata(coordinator, err);
    }
    if (code == HEARTH_OK) {
        code = first_invitation(coordinator, arena, out, err);
    }
    coordinator_close(coordinator);
    return code;
}

enum hearth_code coordinator_init(
    const struct init_options *options, struct env *env, FILE *out, struct hearth_err *err)
{
    struct arena arena;
    struct settings settings;
    char path[PATH_MAX];
    arena_init(&arena, 0);
    int length = snprintf(path, sizeof(path), "%s/%s", options->dir, SETTINGS_FILE);
    enum hearth_code code = length < (int)sizeof(path)
        ? init_settings(options, &arena, &settings, err)
        : hearth_fail(err, HEARTH_INVALID, "path of %s is too long", SETTINGS_FILE);
    if (code == HEARTH_OK && access(path, F_OK) == 0) {
        code = hearth_fail(err, HEARTH_EXISTS, "%s is there already", path);
    }
    if (code == HEARTH_OK) {
        code = cluster_create(options->dir, env, err);
    }
    if (code == HEARTH_OK) {
        code = init_write_settings(path, &settings, err);
    }
    if (code == HEARTH_OK) {
        code = config_load(&settings_table, path, &arena, &settings, err);
    }
    if (code == HEARTH_OK) {
        code = fill_cluster(&settings, env, &arena, out, err);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "init %s", options->dir);
}
