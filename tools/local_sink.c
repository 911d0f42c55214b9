#include "tools/local_sink.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/env.h"
#include "tools/format.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define TEMP_BEGIN ".hearth-"
#define TEMP_END   ".part"

/* ---- names ---- */

static const char *component_fault(struct view component)
{
    if (component.size == 0) {
        return "has an empty component";
    }
    if (view_equal(component, view_text(".")) || view_equal(component, view_text(".."))) {
        return "has a component . or ..";
    }
    if (component.size > LOCAL_NAME_MAX) {
        return "has a component of more than 255 bytes";
    }
    for (size_t i = 0; i < component.size; i++) {
        if (component.bytes[i] < ' ' || component.bytes[i] == 0x7f) {
            return "has a control character";
        }
    }
    return NULL;
}

/* The part before the first slash; *rest is what follows it. */
static struct view split_component(struct view name, struct view *rest)
{
    const uint8_t *slash = memchr(name.bytes, '/', name.size);
    size_t size = slash == NULL ? name.size : (size_t)(slash - name.bytes);
    size_t used = slash == NULL ? size : size + 1;
    *rest = view_of(name.bytes + used, name.size - used);
    return view_of(name.bytes, size);
}

enum hearth_code local_name_check(struct view name, struct hearth_err *err)
{
    const char *fault = NULL;
    struct view rest = name;
    bool more = true;
    while (more && fault == NULL) {
        struct view before = rest;
        struct view component = split_component(before, &rest);
        fault = component_fault(component);
        more = component.size < before.size;
    }
    if (fault != NULL) {
        char text[FORMAT_NAME_SIZE];
        return hearth_fail(err, HEARTH_INVALID, "\"%.200s\" cannot be a file name: it %s",
            format_name(name, text), fault);
    }
    return HEARTH_OK;
}

bool local_sink_is_temporary(const char *name)
{
    uint64_t chance;
    size_t length = strlen(name);
    size_t digits = 2 * sizeof(chance);
    return length == strlen(TEMP_BEGIN) + digits + strlen(TEMP_END) &&
        strncmp(name, TEMP_BEGIN, strlen(TEMP_BEGIN)) == 0 &&
        strcmp(name + length - strlen(TEMP_END), TEMP_END) == 0 &&
        hex_decode(view_of(name + strlen(TEMP_BEGIN), digits), &chance, sizeof(chance));
}

/* ---- opening ---- */

static enum hearth_code code_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT: return HEARTH_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return HEARTH_DENIED;
    case ENOSPC:
    case EDQUOT: return HEARTH_NO_SPACE;
    default: return HEARTH_IO;
    }
}

void local_sink_open_stdout(struct local_sink *out)
{
    *out = (struct local_sink){.fd = STDOUT_FILENO, .folder_fd = -1};
}

/* Takes folder_fd.  An existing file's mode is kept: a secret stays one. */
static enum hearth_code open_temporary(
    int folder_fd TAKES, struct local_sink *out, struct hearth_err *err)
{
    uint64_t chance;
    char digits[2 * sizeof(chance) + 1];
    env_random(env_system(), &chance, sizeof(chance));
    hex_encode(&chance, sizeof(chance), digits);
    snprintf(out->temp_name, sizeof(out->temp_name), TEMP_BEGIN "%s" TEMP_END, digits);

    struct stat before;
    bool exists = fstatat(folder_fd, out->name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && S_ISDIR(before.st_mode)) {
        close(folder_fd);
        return hearth_fail(err, HEARTH_EXISTS, "write %s: it is a directory", out->name);
    }
    out->folder_fd = folder_fd;
    out->fd = openat(folder_fd, out->temp_name,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)0666);
    if (out->fd < 0) {
        int failure = errno;
        close(folder_fd);
        return hearth_fail_sys(
            err, code_of_errno(failure), failure, "write %s: make a file there", out->name);
    }
    if (exists && S_ISREG(before.st_mode)) {
        fchmod(out->fd, before.st_mode & 0777);
    }
    return HEARTH_OK;
}

static enum hearth_code open_direct(
    const char *path, struct local_sink *out, struct hearth_err *err)
{
    out->folder_fd = -1;
    out->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (out->fd < 0) {
        return hearth_fail_sys(err, code_of_errno(errno), errno, "write %s", path);
    }
    return HEARTH_OK;
}

enum hearth_code local_sink_open_path(
    const char *path, struct local_sink *out, struct hearth_err *err)
{
    *out = (struct local_sink){.fd = -1, .folder_fd = -1};
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        return open_direct(path, out, err);
    }
    FREES char *resolved = realpath(path, NULL); /* a link is followed: its target is replaced */
    FREES char *for_folder = strdup(resolved != NULL ? resolved : path);
    FREES char *for_name = strdup(resolved != NULL ? resolved : path);
    if (for_folder == NULL || for_name == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "write %s", path);
    }
    const char *name = basename(for_name);
    if (strlen(name) > LOCAL_NAME_MAX) {
        return hearth_fail_sys(err, HEARTH_INVALID, ENAMETOOLONG, "write %s", path);
    }
    memcpy(out->name, name, strlen(name) + 1);
    int folder_fd = open(dirname(for_folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        return hearth_fail_sys(
            err, code_of_errno(errno), errno, "write %s: open its directory", path);
    }
    return open_temporary(folder_fd, out, err);
}

enum hearth_code local_folder_open(const char *path, int *out_fd, struct hearth_err *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return hearth_fail_sys(err, code_of_errno(errno), errno, "make directory %s", path);
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return hearth_fail_sys(err, code_of_errno(errno), errno, "open directory %s", path);
    }
    *out_fd = fd;
    return HEARTH_OK;
}

/* Closes folder_fd; its child directory, made if it is missing, or -1 with errno. */
static int descend(int folder_fd TAKES, const char *name)
{
    int fd = -1;
    if (mkdirat(folder_fd, name, 0777) == 0 || errno == EEXIST) {
        fd = openat(folder_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    int failure = errno;
    close(folder_fd);
    errno = failure;
    return fd;
}

enum hearth_code local_sink_open_beneath(
    int folder_fd, struct view name, struct local_sink *out, struct hearth_err *err)
{
    *out = (struct local_sink){.fd = -1, .folder_fd = -1};
    if (local_name_check(name, err) != HEARTH_OK) {
        return err->code;
    }
    int at = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    for (struct view rest = name; at >= 0;) {
        struct view component = split_component(rest, &rest);
        memcpy(out->name, component.bytes, component.size);
        out->name[component.size] = '\0';
        if (rest.size == 0) {
            return open_temporary(at, out, err);
        }
        at = descend(at, out->name);
    }
    return hearth_fail_sys(err, code_of_errno(errno), errno, "open directory %s%s", out->name,
        errno == ENOTDIR ? " (a file or a symbolic link)" : "");
}

/* ---- writing ---- */

enum hearth_code local_sink_write(void *context, struct view bytes, struct hearth_err *err)
{
    struct local_sink *sink = context;
    while (bytes.size > 0) {
        ssize_t put = write(sink->fd, bytes.bytes, bytes.size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return hearth_fail_sys(err, code_of_errno(errno), errno, "write %s after %llu bytes",
                sink->folder_fd < 0 ? "to the output" : sink->name,
                (unsigned long long)sink->written);
        }
        bytes = view_of(bytes.bytes + put, bytes.size - (size_t)put);
        sink->written += (uint64_t)put;
    }
    return HEARTH_OK;
}

static void close_both(struct local_sink *sink)
{
    if (sink->fd >= 0 && sink->fd != STDOUT_FILENO) {
        close(sink->fd);
    }
    if (sink->folder_fd >= 0) {
        close(sink->folder_fd);
    }
    sink->fd = sink->folder_fd = -1;
}

void local_sink_abandon(struct local_sink *sink)
{
    if (sink->folder_fd >= 0 && sink->fd >= 0) {
        unlinkat(sink->folder_fd, sink->temp_name, 0);
    }
    close_both(sink);
}

/* A descriptor that only names a place cannot be synced itself. */
static int sync_folder(int folder_fd)
{
    CLOSES_FD int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

/* Closes the file. 0, or -1 with errno. */
static int put_in_place(struct local_sink *sink)
{
    if (sink->time_unix_ms > 0) {
        struct timespec time = {
            .tv_sec = (time_t)(sink->time_unix_ms / 1000),
            .tv_nsec = (long)(sink->time_unix_ms % 1000) * 1000000,
        };
        (void)futimens(sink->fd, (struct timespec[]){time, time}); /* not every system keeps it */
    }
    int rc = sink->is_durable ? fsync(sink->fd) : 0;
    /* Some file systems tell of a full disk only now. */
    rc = close(sink->fd) == 0 ? rc : -1;
    sink->fd = -1;
    if (rc == 0) {
        rc = renameat(sink->folder_fd, sink->temp_name, sink->folder_fd, sink->name);
    }
    return rc == 0 && sink->is_durable ? sync_folder(sink->folder_fd) : rc;
}

enum hearth_code local_sink_finish(struct local_sink *sink, struct hearth_err *err)
{
    if (sink->folder_fd < 0) {
        close_both(sink);
        return HEARTH_OK;
    }
    int rc = put_in_place(sink);
    if (rc != 0) {
        hearth_fail_sys(
            err, code_of_errno(errno), errno, "write %s: put it in its place", sink->name);
        unlinkat(sink->folder_fd, sink->temp_name, 0);
    }
    close_both(sink);
    return rc == 0 ? HEARTH_OK : err->code;
}
