#include "client/client_join.h"

#include "client/hearth.h"
#include "client/root_key.h"
#include "common/file.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0644,
    ARENA_MAX = 1 << 20,
};

/* What the steps hand on to each other; texts live in the arena. */
struct work {
    const struct client_join *join;
    struct arena arena;
    const char *folder;
    struct client_config config; /* as it will be written, if it is written */
    struct client_config paths;  /* the same with paths that can be opened from here */
    bool config_is_there;
    struct identity_files files;
    struct invite invite;
    struct pki_key *key;
    bool key_is_new;
    struct root_key root_key;
    struct wire_enrol_reply reply;
};

struct identity_files client_identity_files(
    const struct client_config *config, enum peer_class class)
{
    assert(class == PEER_CLIENT || class == PEER_GATEWAY || class == PEER_ADMIN);
    bool is_admin = class == PEER_ADMIN;
    return (struct identity_files){
        .class = class,
        .key = is_admin ? config->admin_key : config->key,
        .certificate = is_admin ? config->admin_certificate : config->certificate,
        .ca = config->ca,
        .enrolment = &config->enrolment,
    };
}

/* An operator has no data of his own. */
static bool has_root_key(const struct work *work)
{
    return work->join->class != PEER_ADMIN;
}

/* ---- what is there ---- */

static enum hearth_code find_folder(struct work *work, struct hearth_err *err)
{
    const char *path = work->join->config_path;
    const char *slash = strrchr(path, '/');
    struct view folder = slash == NULL ? view_text(".")
        : slash == path                ? view_text("/")
                                       : view_of(path, (size_t)(slash - path));
    work->folder = arena_text(&work->arena, folder);
    if (work->folder == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "join");
    }
    return file_make_directories(work->folder, FOLDER_MODE, err);
}

/* A default is a name beside the configuration. */
static enum hearth_code beside(struct work *work, const char **path, struct hearth_err *err)
{
    char text[PATH_MAX];
    int length = snprintf(text, sizeof(text), "%s/%s", work->folder, *path);
    if (length >= (int)sizeof(text)) {
        return hearth_fail(err, HEARTH_INVALID, "%s: the path is too long", work->folder);
    }
    *path = arena_text(&work->arena, view_text(text));
    return *path != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "join");
}

/* Every default is a name beside the configuration. */
static enum hearth_code use_defaults(struct work *work, struct hearth_err *err)
{
    struct client_config *paths = &work->paths;
    const char **names[] = {&paths->ca, &paths->key, &paths->certificate, &paths->root_key,
        &paths->admin_key, &paths->admin_certificate};
    config_defaults(&client_config_table, &work->arena, &work->config);
    *paths = work->config;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (beside(work, names[i], err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code read_config(struct work *work, struct hearth_err *err)
{
    enum hearth_code code = config_load(
        &client_config_table, work->join->config_path, &work->arena, &work->config, err);
    work->config_is_there = code == HEARTH_OK && !work->join->replace;
    work->paths = work->config;
    if (code == HEARTH_NOT_FOUND || work->join->replace) {
        code = use_defaults(work, err);
    }
    work->files = client_identity_files(&work->paths, work->join->class);
    work->config.class =
        work->join->class == PEER_GATEWAY ? CLIENT_CLASS_GATEWAY : CLIENT_CLASS_CLIENT;
    return code;
}

static enum hearth_code check_not_joined(const struct work *work, struct hearth_err *err)
{
    if (!work->join->replace && access(work->files.certificate, F_OK) == 0) {
        return hearth_fail(
            err, HEARTH_EXISTS, "%s: joined a cluster already", work->join->config_path);
    }
    return HEARTH_OK;
}

/* A configuration serves one cluster. */
static enum hearth_code check_cluster(struct work *work, struct hearth_err *err)
{
    struct view pem;
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    if (!work->config_is_there) {
        return HEARTH_OK;
    }
    if (file_read_whole(work->files.ca, PKI_PEM_MAX, &work->arena, &pem, err) != HEARTH_OK ||
        pki_ca_read(pem, cluster, pin, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", work->join->config_path);
    }
    if (memcmp(pin, work->invite.ca_pin, sizeof(pin)) != 0) {
        return hearth_fail(err, HEARTH_CONFLICT, "%s is for another cluster than the invitation",
            work->join->config_path);
    }
    return HEARTH_OK;
}

/* ---- the invitation ---- */

static enum hearth_code read_invite(struct work *work, struct hearth_err *err)
{
    return identity_read_invite(work->join->invite, work->join->class, &work->arena, &work->invite,
        &work->config.enrolment, err);
}

/* ---- joining ---- */

static enum hearth_code make_key(struct work *work, struct hearth_err *err)
{
    enum hearth_code code = pki_key_load(work->files.key, &work->key, err);
    if (code != HEARTH_NOT_FOUND) {
        return code;
    }
    if (pki_key_create(&work->key, err) != HEARTH_OK ||
        pki_key_save(work->key, work->files.key, err) != HEARTH_OK) {
        return err->code;
    }
    work->key_is_new = true;
    return HEARTH_OK;
}

static enum hearth_code enrol(struct work *work, struct hearth_err *err)
{
    const struct identity_enrolment enrolment = {
        .env = work->join->env,
        .key = work->key,
        .ca_pin = work->invite.ca_pin,
        .token = view_of(work->invite.token, INVITE_TOKEN_SIZE),
        .addresses = &work->config.enrolment,
    };
    struct wire_enrol_reply *reply = &work->reply;
    if (identity_enrol(&enrolment, &work->arena, reply, err) != HEARTH_OK) {
        return err->code;
    }
    if (has_root_key(work)) {
        work->config.tenant = arena_text(&work->arena, reply->tenant_name);
    }
    if (work->config.tenant == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "join");
    }
    return identity_read_addresses(reply->coordinators, reply->coordinators_count, &work->arena,
        &work->config.coordinators, err);
}

/* What opens the data: given, kept, or drawn. */
static enum hearth_code find_root_key(struct work *work, struct hearth_err *err)
{
    const struct client_join *join = work->join;
    bool is_there = access(work->paths.root_key, F_OK) == 0;
    if (is_there && !join->replace) {
        return hearth_fail(err, HEARTH_EXISTS,
            "%s: there is a root key already; --replace keeps it", work->paths.root_key);
    }
    if (join->root_key_path != NULL) {
        return root_key_read(join->root_key_path, &work->root_key, err);
    }
    if (is_there) {
        return root_key_read(work->paths.root_key, &work->root_key, err);
    }
    root_key_draw(join->env, &work->root_key);
    return HEARTH_OK;
}

static enum hearth_code write_root_key(const struct work *work, struct hearth_err *err)
{
    struct root_key present;
    enum hearth_code code = root_key_read(work->paths.root_key, &present, err);
    if (code == HEARTH_NOT_FOUND) {
        return root_key_write(work->paths.root_key, &work->root_key, err);
    }
    bool is_same = code == HEARTH_OK && crypto_equal(&present, &work->root_key, sizeof(present));
    crypto_wipe(&present, sizeof(present));
    if (code == HEARTH_OK && !is_same) {
        return hearth_fail(err, HEARTH_EXISTS,
            "%s holds another root key, which is never overwritten", work->paths.root_key);
    }
    return code;
}

static enum hearth_code write_config(struct work *work, struct hearth_err *err)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "write %s", work->join->config_path);
    }
    fputs("# Made by init; hearth --help explains every parameter.\n", memory);
    config_print(&client_config_table, &work->config, CONFIG_CHANGED, memory);
    fclose(memory);
    enum hearth_code code =
        file_write_atomically(work->join->config_path, view_of(text, size), FILE_MODE, err);
    free(text);
    return code;
}

static enum hearth_code write_files(struct work *work, struct hearth_err *err)
{
    if (has_root_key(work) && write_root_key(work, err) != HEARTH_OK) {
        return err->code;
    }
    if (file_write_atomically(work->files.ca, work->reply.ca_certificate, FILE_MODE, err) !=
            HEARTH_OK ||
        file_write_atomically(work->files.certificate, work->reply.certificate, FILE_MODE, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return work->config_is_there ? HEARTH_OK : write_config(work, err);
}

static enum hearth_code run(struct work *work, struct hearth_err *err)
{
    if (find_folder(work, err) != HEARTH_OK || read_config(work, err) != HEARTH_OK ||
        check_not_joined(work, err) != HEARTH_OK || read_invite(work, err) != HEARTH_OK ||
        check_cluster(work, err) != HEARTH_OK ||
        (has_root_key(work) && find_root_key(work, err) != HEARTH_OK) ||
        make_key(work, err) != HEARTH_OK || enrol(work, err) != HEARTH_OK) {
        return err->code;
    }
    return write_files(work, err);
}

/* A refused invitation was not spent on our key; a lost answer may have been one of welcome. */
static bool was_refused(enum hearth_code code)
{
    return hearth_code_reaction(code) == HEARTH_REACT_FIX_CALL;
}

enum hearth_code client_join(const struct client_join *join, struct hearth_err *err)
{
    struct work work = {.join = join};
    arena_init(&work.arena, ARENA_MAX);
    enum hearth_code code = run(&work, err);
    if (was_refused(code) && work.key_is_new) {
        unlink(work.files.key);
    }
    crypto_wipe(&work.root_key, sizeof(work.root_key));
    pki_key_destroy(work.key);
    arena_fini(&work.arena);
    return code;
}

enum hearth_code hearth_init_client(
    const struct hearth_init_options *options, struct hearth_err *err)
{
    return client_join(
        &(struct client_join){
            .env = env_system(),
            .invite = options->invite,
            .config_path = options->config_path,
            .class = PEER_CLIENT,
            .root_key_path = options->root_key_path,
            .replace = options->replace,
        },
        err);
}
