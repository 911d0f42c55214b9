#include "coordinator/cluster.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/file.h"
#include "coordinator/rescue/kit.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MASTER_FILE_MAX = 256 };

/* The CA outlives every plan; members' certificates are short, and it is they that are renewed. */
#define CA_LIFETIME_S (UINT64_C(30) * 365 * 24 * 60 * 60)

static const char master_head[] = "hearth-master-key 1 ";

struct cluster_paths {
    char ca_key[PATH_MAX];
    char ca_certificate[PATH_MAX];
    char key[PATH_MAX];
    char master[PATH_MAX];
};

static enum hearth_code join(
    char path[PATH_MAX], const char *directory, const char *name, struct hearth_err *err)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    if (length < 0 || length >= PATH_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "path of %s in %.64s... is too long", name, directory);
    }
    return HEARTH_OK;
}

static enum hearth_code paths_of(
    const char *directory, struct cluster_paths *paths, struct hearth_err *err)
{
    enum hearth_code code = join(paths->ca_key, directory, "ca.key", err);
    if (code == HEARTH_OK) {
        code = join(paths->ca_certificate, directory, "ca.crt", err);
    }
    if (code == HEARTH_OK) {
        code = join(paths->key, directory, "coordinator.key", err);
    }
    return code == HEARTH_OK ? join(paths->master, directory, "master.key", err) : code;
}

/* ---- making one ---- */

static enum hearth_code create_key(const char *path, struct pki_key **out, struct hearth_err *err)
{
    enum hearth_code code = pki_key_create(out, err);
    if (code == HEARTH_OK) {
        code = pki_key_save(*out, path, err);
    }
    return code;
}

static enum hearth_code create_ca(
    const struct cluster_paths *paths, struct env *env, struct hearth_err *err)
{
    struct pki_key *key = NULL;
    enum hearth_code code = create_key(paths->ca_key, &key, err);
    if (code == HEARTH_OK) {
        uint8_t id[PKI_CLUSTER_SIZE];
        env_random(env, id, sizeof(id));
        FREES char *pem = pki_ca_certificate(env, key, id, CA_LIFETIME_S);
        code = file_write_atomically(paths->ca_certificate, view_text(pem), 0644, err);
    }
    pki_key_destroy(key);
    return code;
}

static enum hearth_code write_master(
    const char *path, const uint8_t master[CRYPTO_KEY_SIZE], struct hearth_err *err)
{
    char hex[2 * CRYPTO_KEY_SIZE + 1];
    char text[MASTER_FILE_MAX];
    hex_encode(master, CRYPTO_KEY_SIZE, hex);
    snprintf(text, sizeof(text), "%s%s\n", master_head, hex);
    enum hearth_code code = file_write_atomically(path, view_text(text), 0600, err);
    crypto_wipe(hex, sizeof(hex));
    crypto_wipe(text, sizeof(text));
    return code;
}

static enum hearth_code create_master(const char *path, struct env *env, struct hearth_err *err)
{
    uint8_t master[CRYPTO_KEY_SIZE];
    env_random(env, master, sizeof(master));
    enum hearth_code code = write_master(path, master, err);
    crypto_wipe(master, sizeof(master));
    return code;
}

static bool is_any_there(const struct cluster_paths *paths)
{
    return access(paths->ca_key, F_OK) == 0 || access(paths->ca_certificate, F_OK) == 0 ||
        access(paths->key, F_OK) == 0 || access(paths->master, F_OK) == 0;
}

enum hearth_code cluster_create(const char *directory, struct env *env, struct hearth_err *err)
{
    struct cluster_paths paths;
    enum hearth_code code = paths_of(directory, &paths, err);
    if (code != HEARTH_OK) {
        return code;
    }
    if (is_any_there(&paths)) {
        return hearth_fail(err, HEARTH_EXISTS, "there is a cluster in %s already", directory);
    }
    code = file_make_directories(directory, 0700, err);
    if (code == HEARTH_OK) {
        code = create_ca(&paths, env, err);
    }
    struct pki_key *key = NULL;
    if (code == HEARTH_OK) {
        code = create_key(paths.key, &key, err);
        pki_key_destroy(key);
    }
    return code == HEARTH_OK ? create_master(paths.master, env, err) : code;
}

/* ---- opening one ---- */

static enum hearth_code check_private(const char *path, struct hearth_err *err)
{
    struct stat stat_;
    if (stat(path, &stat_) == 0 && (stat_.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "%s may be read by others (mode %03o); make it 0600",
            path, stat_.st_mode & 0777u);
    }
    return HEARTH_OK;
}

static enum hearth_code read_master(
    const char *path, uint8_t master[CRYPTO_KEY_SIZE], struct hearth_err *err)
{
    enum hearth_code code = check_private(path, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct arena arena;
    struct view text;
    arena_init(&arena, 0);
    code = file_read_whole(path, MASTER_FILE_MAX, &arena, &text, err);
    size_t head = sizeof(master_head) - 1;
    if (code == HEARTH_OK &&
        (text.size != head + 2 * CRYPTO_KEY_SIZE + 1 ||
            memcmp(text.bytes, master_head, head) != 0 ||
            !hex_decode(
                view_of(text.bytes + head, 2 * CRYPTO_KEY_SIZE), master, CRYPTO_KEY_SIZE))) {
        code = hearth_fail(err, HEARTH_INVALID, "%s is not a master key", path);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code read_ca(
    struct cluster *cluster, const struct cluster_paths *paths, struct hearth_err *err)
{
    struct arena arena;
    struct view pem;
    arena_init(&arena, 0);
    enum hearth_code code = file_read_whole(paths->ca_certificate, PKI_PEM_MAX, &arena, &pem, err);
    if (code == HEARTH_OK) {
        code = pki_ca_read(pem, cluster->id, cluster->ca_pin, err);
    }
    if (code == HEARTH_OK) {
        cluster->ca_pem = strndup((const char *)pem.bytes, pem.size);
        assert(cluster->ca_pem != NULL);
        code = pki_key_load(paths->ca_key, &cluster->ca_key, err);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code load(struct cluster *cluster, const struct cluster_paths *paths,
    struct env *env, struct hearth_err *err)
{
    enum hearth_code code = read_ca(cluster, paths, err);
    if (code == HEARTH_OK) {
        code = read_master(paths->master, cluster->master, err);
    }
    if (code == HEARTH_OK) {
        code = pki_key_load(paths->key, &cluster->key, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    /* As long as the CA: its key lies in the same directory, so a shorter one protects nothing. */
    struct pki_subject subject = {
        .key = cluster->key, .class = PEER_COORDINATOR, .lifetime_s = CA_LIFETIME_S};
    return pki_issue(
        env, cluster->ca_key, cluster->ca_pem, &subject, &cluster->certificate_pem, err);
}

enum hearth_code cluster_open(
    const char *directory, struct env *env, struct cluster **out, struct hearth_err *err)
{
    struct cluster_paths paths;
    enum hearth_code code = paths_of(directory, &paths, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    if (cluster == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open cluster %s", directory);
    }
    code = load(cluster, &paths, env, err);
    if (code != HEARTH_OK) {
        cluster_close(cluster);
        return hearth_err_prefix(err, "open cluster %s", directory);
    }
    *out = cluster;
    return HEARTH_OK;
}

void cluster_close(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    pki_key_destroy(cluster->ca_key);
    pki_key_destroy(cluster->key);
    free(cluster->ca_pem);
    free(cluster->certificate_pem);
    crypto_wipe(cluster, sizeof(*cluster));
    free(cluster);
}

/* ---- the recovery kit ---- */

char *cluster_kit(const struct cluster *cluster, struct kit *out)
{
    char *ca_key = pki_key_pem(cluster->ca_key);
    *out = (struct kit){
        .ca_key_pem = view_text(ca_key),
        .ca_pem = view_text(cluster->ca_pem),
    };
    memcpy(out->cluster, cluster->id, sizeof(out->cluster));
    memcpy(out->master, cluster->master, sizeof(out->master));
    return ca_key;
}

/* The certificate of the kit is of this cluster, and its key that of the certificate. */
static enum hearth_code check_kit(
    const struct kit *kit, struct pki_key **key, struct hearth_err *err)
{
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t pin[PKI_PIN_SIZE];
    uint8_t key_pin[PKI_PIN_SIZE];
    if (pki_ca_read(kit->ca_pem, cluster, pin, err) != HEARTH_OK ||
        pki_key_from_pem(kit->ca_key_pem, key, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "recovery kit");
    }
    pki_key_pin(*key, key_pin);
    if (memcmp(cluster, kit->cluster, sizeof(cluster)) == 0 &&
        memcmp(pin, key_pin, sizeof(pin)) == 0) {
        return HEARTH_OK;
    }
    pki_key_destroy(*key);
    return hearth_fail(err, HEARTH_INVALID, "recovery kit: its keys are of different clusters");
}

/* What an attempt that was ended has left counts, when it is of the same cluster. */
static enum hearth_code check_same(const struct cluster_paths *paths, const struct kit *kit,
    const struct pki_key *ca_key, struct hearth_err *err)
{
    uint8_t master[CRYPTO_KEY_SIZE];
    uint8_t pins[2][PKI_PIN_SIZE];
    struct pki_key *there = NULL;
    bool is_same = true;
    if (access(paths->ca_key, F_OK) == 0) {
        if (pki_key_load(paths->ca_key, &there, err) != HEARTH_OK) {
            return err->code;
        }
        pki_key_pin(there, pins[0]);
        pki_key_pin(ca_key, pins[1]);
        is_same = memcmp(pins[0], pins[1], PKI_PIN_SIZE) == 0;
        pki_key_destroy(there);
    }
    if (is_same && access(paths->master, F_OK) == 0) {
        if (read_master(paths->master, master, err) != HEARTH_OK) {
            return err->code;
        }
        is_same = memcmp(master, kit->master, sizeof(master)) == 0;
        crypto_wipe(master, sizeof(master));
    }
    return is_same ? HEARTH_OK : hearth_fail(err, HEARTH_EXISTS, "another cluster is there");
}

static enum hearth_code restore_files(const struct cluster_paths *paths, const struct kit *kit,
    const struct pki_key *ca_key, struct hearth_err *err)
{
    struct pki_key *key = NULL;
    enum hearth_code code =
        access(paths->ca_key, F_OK) == 0 ? HEARTH_OK : pki_key_save(ca_key, paths->ca_key, err);
    if (code == HEARTH_OK) {
        code = file_write_atomically(paths->ca_certificate, kit->ca_pem, 0644, err);
    }
    if (code == HEARTH_OK && access(paths->key, F_OK) != 0) {
        code = create_key(paths->key, &key, err);
        pki_key_destroy(key);
    }
    return code == HEARTH_OK ? write_master(paths->master, kit->master, err) : code;
}

enum hearth_code cluster_restore(
    const char *directory, const struct kit *kit, struct hearth_err *err)
{
    struct cluster_paths paths;
    struct pki_key *ca_key;
    if (paths_of(directory, &paths, err) != HEARTH_OK ||
        check_kit(kit, &ca_key, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = file_make_directories(directory, 0700, err);
    if (code == HEARTH_OK) {
        code = check_same(&paths, kit, ca_key, err);
    }
    if (code == HEARTH_OK) {
        code = restore_files(&paths, kit, ca_key, err);
    }
    pki_key_destroy(ca_key);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "restore keys in %s", directory);
}
