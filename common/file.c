#include "common/file.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* "a/b/c" -> "a/b"; "c" -> "."; "/c" -> "/". */
static void directory_of(const char *path, char directory[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        strcpy(directory, ".");
        return;
    }
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(directory, path, length);
    directory[length] = '\0';
}

/* Names made or renamed in it survive a power cut from here on. */
static enum hearth_code sync_directory_of(const char *path, struct hearth_err *err)
{
    char directory[PATH_MAX];
    directory_of(path, directory);
    CLOSES_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open directory %s", directory);
    }
    if (fsync(fd) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "sync directory %s", directory);
    }
    return HEARTH_OK;
}

static enum hearth_code write_all(
    int fd, const char *path, struct view bytes, struct hearth_err *err)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = write(fd, bytes.bytes + done, bytes.size - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "write %s", path);
        }
        done += (size_t)put;
    }
    return HEARTH_OK;
}

static enum hearth_code fill_and_sync(
    int fd, const char *path, struct view bytes, mode_t mode, struct hearth_err *err)
{
    if (fchmod(fd, mode) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "set mode of %s", path);
    }
    if (write_all(fd, path, bytes, err) != HEARTH_OK) {
        return err->code;
    }
    if (fsync(fd) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", path);
    }
    return HEARTH_OK;
}

/* Checked once here, so that directory_of and the temporary name always fit. */
static enum hearth_code check_length(const char *path, struct hearth_err *err)
{
    return strlen(path) < PATH_MAX - sizeof(".XXXXXX")
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "path is longer than the system allows");
}

/* A durable file beside the path that only needs to get its name; gone again on failure. */
static enum hearth_code write_temporary(const char *path, struct view bytes, mode_t mode,
    char temporary[PATH_MAX], struct hearth_err *err)
{
    if (check_length(path, err) != HEARTH_OK) {
        return err->code;
    }
    snprintf(temporary, PATH_MAX, "%s.XXXXXX", path);
    CLOSES_FD int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "make a temporary file beside %s", path);
    }
    if (fill_and_sync(fd, path, bytes, mode, err) != HEARTH_OK) {
        unlink(temporary);
        return err->code;
    }
    return HEARTH_OK;
}

enum hearth_code file_write_atomically(
    const char *path, struct view bytes, mode_t mode, struct hearth_err *err)
{
    char temporary[PATH_MAX];
    if (write_temporary(path, bytes, mode, temporary, err) != HEARTH_OK) {
        return err->code;
    }
    if (rename(temporary, path) != 0) {
        hearth_fail_sys(err, HEARTH_IO, errno, "put %s in place", path);
        unlink(temporary);
        return err->code;
    }
    return sync_directory_of(path, err);
}

enum hearth_code file_create_atomically(
    const char *path, struct view bytes, mode_t mode, struct hearth_err *err)
{
    char temporary[PATH_MAX];
    if (write_temporary(path, bytes, mode, temporary, err) != HEARTH_OK) {
        return err->code;
    }
    int rc = link(temporary, path); /* unlike rename, refuses to replace */
    int link_errno = errno;
    unlink(temporary);
    if (rc != 0) {
        enum hearth_code code = link_errno == EEXIST ? HEARTH_EXISTS : HEARTH_IO;
        return hearth_fail_sys(err, code, link_errno, "put %s in place", path);
    }
    return sync_directory_of(path, err);
}

static enum hearth_code read_all(
    int fd, const char *path, uint8_t *bytes, size_t size, struct hearth_err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read %s", path);
        }
        if (got == 0) {
            return hearth_fail(err, HEARTH_IO, "read %s: it shrank while being read", path);
        }
        done += (size_t)got;
    }
    return HEARTH_OK;
}

enum hearth_code file_read_whole(const char *path, size_t size_max, struct arena *arena,
    struct view *out, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum hearth_code code = errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO;
        return hearth_fail_sys(err, code, errno, "open %s", path);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "look at %s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return hearth_fail(err, HEARTH_INVALID, "read %s: not a regular file", path);
    }
    if ((uint64_t)status.st_size > size_max) {
        return hearth_fail(err, HEARTH_INVALID, "read %s: %lld bytes, at most %zu expected", path,
            (long long)status.st_size, size_max);
    }
    size_t size = (size_t)status.st_size;
    uint8_t *bytes = arena_take(arena, size + 1);
    if (bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "read %s", path);
    }
    if (read_all(fd, path, bytes, size, err) != HEARTH_OK) {
        return err->code;
    }
    *out = view_of(bytes, size);
    return HEARTH_OK;
}

static enum hearth_code make_directory(const char *path, mode_t mode, struct hearth_err *err)
{
    if (mkdir(path, mode) == 0) {
        return sync_directory_of(path, err);
    }
    struct stat status;
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return HEARTH_OK;
    }
    return hearth_fail_sys(err, HEARTH_IO, errno, "make directory %s", path);
}

enum hearth_code file_make_directories(const char *path, mode_t mode, struct hearth_err *err)
{
    if (check_length(path, err) != HEARTH_OK) {
        return err->code;
    }
    char prefix[PATH_MAX];
    strcpy(prefix, path);
    for (char *at = prefix + 1; *at != '\0'; at++) {
        if (*at != '/' || at[-1] == '/') {
            continue;
        }
        *at = '\0';
        if (make_directory(prefix, mode, err) != HEARTH_OK) {
            return err->code;
        }
        *at = '/';
    }
    return make_directory(prefix, mode, err);
}
