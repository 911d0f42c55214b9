#include "coordinator/rescue/restore.h"

#include "common/cleanup.h"
#include "common/failpoint.h"
#include "common/file.h"
#include "coordinator/cluster.h"
#include "coordinator/meta/meta_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

enum { COPY_CHUNK = 1 << 20 };

struct restore {
    const struct settings *settings;
    const char *file;
    bool replaces;
    FILE *out;
    char database[PATH_MAX];
    char restored[PATH_MAX];
    char aside[PATH_MAX];
};

/* The same lock that the running coordinator holds. */
static enum hearth_code take_lock(const char *folder, int *fd, struct hearth_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/meta.lock", folder);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", path);
    }
    return flock(*fd, LOCK_EX | LOCK_NB) == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_BUSY, "%s is in use: stop the coordinator first", folder);
}

static enum hearth_code copy_bytes(
    int from, int to, uint8_t *chunk, const char *path, struct hearth_err *err)
{
    for (;;) {
        ssize_t got = read(from, chunk, COPY_CHUNK);
        if (got == 0) {
            return fsync(to) == 0 ? HEARTH_OK
                                  : hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", path);
        }
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read the backup");
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, chunk + done, (size_t)(got - done));
            if (put < 0) {
                return hearth_fail_sys(err, HEARTH_IO, errno, "write %s", path);
            }
            done += put;
        }
    }
}

static enum hearth_code copy_file(const struct restore *restore, struct hearth_err *err)
{
    CLOSES_FD int from = open(restore->file, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return hearth_fail_sys(
            err, errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO, errno, "open %s", restore->file);
    }
    CLOSES_FD int to = open(restore->restored, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FREES uint8_t *chunk = malloc(COPY_CHUNK);
    if (to < 0 || chunk == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "create %s", restore->restored);
    }
    return copy_bytes(from, to, chunk, restore->restored, err);
}

static enum hearth_code sync_folder(const struct restore *restore, struct hearth_err *err)
{
    CLOSES_FD int fd = open(restore->settings->metadata, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0
        ? HEARTH_OK
        : hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", restore->settings->metadata);
}

/* What of it could not be settled: it must not be played into what takes its place. */
static enum hearth_code move_log(const struct restore *restore, struct hearth_err *err)
{
    char from[PATH_MAX + 8];
    char to[PATH_MAX + 8];
    snprintf(from, sizeof(from), "%s-shm", restore->database);
    unlink(from);
    snprintf(from, sizeof(from), "%s-wal", restore->database);
    snprintf(to, sizeof(to), "%s-wal", restore->aside);
    return rename(from, to) == 0 || errno == ENOENT
        ? HEARTH_OK
        : hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", from);
}

/* Under another name beside its own, so that one of the two is always meta.db. */
static enum hearth_code put_aside(struct restore *restore, struct hearth_err *err)
{
    if (access(restore->database, F_OK) != 0) {
        return HEARTH_OK;
    }
    if (meta_backup_settle(restore->database, err) != HEARTH_OK) {
        fprintf(restore->out, "damaged:    what was there: %s\n", err->message);
    }
    if (move_log(restore, err) != HEARTH_OK) {
        return err->code;
    }
    if (link(restore->database, restore->aside) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "link %s", restore->aside);
    }
    fprintf(restore->out, "aside:      %s\n", restore->aside);
    return sync_folder(restore, err);
}

static enum hearth_code put_in_place(struct restore *restore, struct hearth_err *err)
{
    if (put_aside(restore, err) != HEARTH_OK) {
        return err->code;
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_ASIDE);
    if (rename(restore->restored, restore->database) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", restore->restored);
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_NAMED);
    return sync_folder(restore, err);
}

static enum hearth_code restore_locked(
    struct restore *restore, const uint8_t cluster[PKI_CLUSTER_SIZE], struct hearth_err *err)
{
    if (access(restore->database, F_OK) == 0 && !restore->replaces) {
        return hearth_fail(
            err, HEARTH_EXISTS, "%s is there; --replace puts it aside", restore->database);
    }
    enum hearth_code code = copy_file(restore, err);
    (void)FAILPOINT(COORDINATOR_RESTORE_COPIED);
    if (code == HEARTH_OK) {
        code = meta_backup_adopt(restore->restored, cluster, err);
        (void)FAILPOINT(COORDINATOR_RESTORE_CHECKED);
    }
    if (code != HEARTH_OK) {
        unlink(restore->restored);
        return code;
    }
    return put_in_place(restore, err);
}

static bool make_paths(struct restore *restore, struct env *env)
{
    const char *folder = restore->settings->metadata;
    snprintf(restore->database, PATH_MAX, "%s/meta.db", folder);
    snprintf(restore->restored, PATH_MAX, "%s/restored.db", folder);
    return snprintf(restore->aside, PATH_MAX, "%s/replaced-%ju.db", folder,
               (uintmax_t)env_unix_ms(env)) < PATH_MAX;
}

enum hearth_code coordinator_restore(const struct settings *settings, const char *file,
    bool replaces, struct env *env, FILE *out, struct hearth_err *err)
{
    struct restore restore = {.settings = settings, .file = file, .replaces = replaces, .out = out};
    struct cluster *cluster;
    CLOSES_FD int lock_fd = -1;
    if (!make_paths(&restore, env)) {
        return hearth_fail(err, HEARTH_INVALID, "the path of the metadata is too long");
    }
    if (cluster_open(settings->directory, env, &cluster, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = file_make_directories(settings->metadata, 0700, err);
    if (code == HEARTH_OK) {
        code = take_lock(settings->metadata, &lock_fd, err);
    }
    if (code == HEARTH_OK) {
        code = restore_locked(&restore, cluster->id, err);
    }
    cluster_close(cluster);
    if (code == HEARTH_OK) {
        fprintf(out,
            "restored:   %s\nNothing is deleted at nodes until `hearth-admin gc release`; "
            "`hearth-admin"
            " fsck` lists the\nshards of what was stored since.\n",
            restore.database);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "restore %s", file);
}
