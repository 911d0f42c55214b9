#include "coordinator/rescue/restore_place.h"

#include "common/cleanup.h"
#include "common/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { SUFFIX_SIZE = sizeof("-journal") };

enum hearth_code restore_place_lock(const char *folder, int *fd, struct hearth_err *err)
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

enum hearth_code restore_place_init(
    struct restore_place *place, const char *folder, struct env *env, struct hearth_err *err)
{
    place->folder = folder;
    snprintf(place->database, PATH_MAX, "%s/meta.db", folder);
    snprintf(place->restored, PATH_MAX, "%s/restored.db", folder);
    return snprintf(place->aside, PATH_MAX, "%s/replaced-%ju.db", folder,
               (uintmax_t)env_unix_ms(env)) < PATH_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "the path of the metadata is too long");
}

/* ---- staging ---- */

/* With its logs, or SQLite would play those of a killed restore into the next. */
void restore_place_discard(const struct restore_place *place)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[PATH_MAX + SUFFIX_SIZE];
        snprintf(path, sizeof(path), "%s%s", place->restored, suffixes[i]);
        unlink(path);
    }
}

enum hearth_code restore_place_open(struct restore_place *place, int *out, struct hearth_err *err)
{
    restore_place_discard(place);
    *out = open(place->restored, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *out >= 0 ? HEARTH_OK
                     : hearth_fail_sys(err, HEARTH_IO, errno, "create %s", place->restored);
}

enum hearth_code restore_place_write(
    const struct restore_place *place, int fd, struct view bytes, struct hearth_err *err)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = write(fd, bytes.bytes + done, bytes.size - done);
        if (put < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "write %s", place->restored);
        }
        done += (size_t)put;
    }
    return HEARTH_OK;
}

enum hearth_code restore_place_check(struct restore_place *place, int fd, const uint8_t *cluster,
    uint64_t epoch, struct meta_backup_facts *out, struct hearth_err *err)
{
    if (fsync(fd) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", place->restored);
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_COPIED);
    if (meta_backup_adopt(place->restored, cluster, epoch, out, err) != HEARTH_OK) {
        return err->code;
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_CHECKED);
    return HEARTH_OK;
}

/* ---- in its place ---- */

static enum hearth_code sync_folder(const struct restore_place *place, struct hearth_err *err)
{
    CLOSES_FD int fd = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0
        ? HEARTH_OK
        : hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", place->folder);
}

/* What of it could not be settled: it must not be played into what takes its place. */
static enum hearth_code move_log(const struct restore_place *place, struct hearth_err *err)
{
    char from[PATH_MAX + SUFFIX_SIZE];
    char to[PATH_MAX + SUFFIX_SIZE];
    snprintf(from, sizeof(from), "%s-shm", place->database);
    unlink(from);
    snprintf(from, sizeof(from), "%s-wal", place->database);
    snprintf(to, sizeof(to), "%s-wal", place->aside);
    return rename(from, to) == 0 || errno == ENOENT
        ? HEARTH_OK
        : hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", from);
}

/* Under another name beside its own, so that one of the two is always meta.db. */
static enum hearth_code put_aside(
    struct restore_place *place, bool *is_aside, struct hearth_err *damage, struct hearth_err *err)
{
    *is_aside = access(place->database, F_OK) == 0;
    damage->message[0] = '\0';
    if (!*is_aside) {
        return HEARTH_OK;
    }
    (void)meta_backup_settle(place->database, damage);
    if (move_log(place, err) != HEARTH_OK) {
        return err->code;
    }
    if (link(place->database, place->aside) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "link %s", place->aside);
    }
    return sync_folder(place, err);
}

enum hearth_code restore_place_take(
    struct restore_place *place, bool *is_aside, struct hearth_err *damage, struct hearth_err *err)
{
    if (put_aside(place, is_aside, damage, err) != HEARTH_OK) {
        return err->code;
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_ASIDE);
    if (rename(place->restored, place->database) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", place->restored);
    }
    (void)FAILPOINT(COORDINATOR_RESTORE_NAMED);
    return sync_folder(place, err);
}
