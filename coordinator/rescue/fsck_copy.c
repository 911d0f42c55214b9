#include "coordinator/rescue/fsck_copy.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "coordinator/rescue/restore_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define COPY_FOLDER "fsck.partial" /* in the directory of the metadata */

enum { PATH_SIZE = PATH_MAX + 32, CHUNK = 1 << 30 };

void fsck_copy_remove(const struct fsck_copy *copy)
{
    static const char *const names[] = {
        "meta.db", "meta.db-wal", "meta.db-shm", "meta.lock", "meta.db.tmp", "meta.db-journal"};
    char path[PATH_SIZE];
    if (copy->folder[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", copy->folder, names[i]);
        unlink(path);
    }
    rmdir(copy->folder);
}

/* The folder, empty. */
static enum hearth_code prepare(
    struct fsck_copy *copy, const char *metadata, struct hearth_err *err)
{
    int length = snprintf(copy->folder, sizeof(copy->folder), "%s/" COPY_FOLDER, metadata);
    if (length >= PATH_MAX) {
        copy->folder[0] = '\0';
        return hearth_fail(err, HEARTH_INVALID, "path of " COPY_FOLDER " is too long");
    }
    fsck_copy_remove(copy); /* of a process that was killed */
    return file_make_directories(copy->folder, 0700, err);
}

enum hearth_code fsck_copy_live(
    struct fsck_copy *copy, const char *metadata, struct meta_store *store, struct hearth_err *err)
{
    char path[PATH_SIZE];
    if (prepare(copy, metadata, err) != HEARTH_OK) {
        return err->code;
    }
    snprintf(path, sizeof(path), "%s/meta.db", copy->folder);
    return meta_backup(store, path, err);
}

/* ---- of one that does not run ---- */

static enum hearth_code copy_bytes(int from, const char *path, struct hearth_err *err)
{
    CLOSES_FD int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t sent = to < 0 ? -1 : 1;
    while (sent > 0) {
        sent = sendfile(to, from, NULL, CHUNK);
    }
    return sent == 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, errno, "write %s", path);
}

static enum hearth_code copy_file(
    const struct fsck_copy *copy, const char *metadata, const char *name, struct hearth_err *err)
{
    char from_path[PATH_SIZE];
    char to_path[PATH_SIZE];
    snprintf(from_path, sizeof(from_path), "%s/%s", metadata, name);
    snprintf(to_path, sizeof(to_path), "%s/%s", copy->folder, name);
    CLOSES_FD int from = open(from_path, O_RDONLY | O_CLOEXEC);
    return from >= 0 ? copy_bytes(from, to_path, err)
                     : hearth_fail_sys(err, errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO, errno,
                           "open %s", from_path);
}

/* A coordinator that was killed leaves what it wrote last beside the database. */
enum hearth_code fsck_copy_stopped(
    struct fsck_copy *copy, const char *metadata, struct hearth_err *err)
{
    CLOSES_FD int lock_fd = -1;
    if (restore_place_lock(metadata, &lock_fd, err) != HEARTH_OK ||
        prepare(copy, metadata, err) != HEARTH_OK ||
        copy_file(copy, metadata, "meta.db", err) != HEARTH_OK) {
        return err->code;
    }
    return copy_file(copy, metadata, "meta.db-wal", err) == HEARTH_NOT_FOUND ? HEARTH_OK
                                                                             : err->code;
}
