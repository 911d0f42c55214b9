#include "tools/local_source.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/crypto.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

enum {
    CANCEL_LOOK_MS = 100, /* a pipe may be silent for hours; Ctrl-C is not to wait for it */
    MD5_READ_SIZE = 256 * 1024,
};

enum hearth_code local_source_open(
    const char *path, const atomic_bool *cancel, struct local_source *out, struct hearth_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum hearth_code code = errno == ENOENT ? HEARTH_NOT_FOUND
            : errno == EACCES                   ? HEARTH_DENIED
                                                : HEARTH_IO;
        return hearth_fail_sys(err, code, errno, "read %s", path);
    }
    struct local_source source = {.fd = fd, .cancel = cancel};
    int rc = fstat(fd, &source.before);
    assert(rc == 0); /* it is our descriptor and our struct */
    if (S_ISDIR(source.before.st_mode)) {
        close(fd);
        return hearth_fail(err, HEARTH_INVALID, "read %s: it is a directory (-r copies one)", path);
    }
    source.is_regular = S_ISREG(source.before.st_mode);
    *out = source;
    return HEARTH_OK;
}

void local_source_open_stdin(const atomic_bool *cancel, struct local_source *out)
{
    *out = (struct local_source){.fd = STDIN_FILENO, .cancel = cancel};
}

enum hearth_code local_source_check_removable(const char *path, struct hearth_err *err)
{
    struct stat status;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return hearth_fail(err, HEARTH_INVALID, "only a regular file can be moved%s",
            S_ISLNK(status.st_mode)       ? ", not a symbolic link"
                : S_ISDIR(status.st_mode) ? " (-r moves a directory)"
                                          : "");
    }
    return HEARTH_OK;
}

uint64_t local_source_size(const struct local_source *source)
{
    return source->is_regular ? (uint64_t)source->before.st_size : 0;
}

void local_source_rewind(struct local_source *source)
{
    assert(source->is_regular);
    off_t at = lseek(source->fd, 0, SEEK_SET);
    assert(at == 0);
    source->done = 0;
}

/* Returns when reading will not block, or when there is something else to say. */
static enum hearth_code wait_until_readable(struct local_source *source, struct hearth_err *err)
{
    struct pollfd wait = {.fd = source->fd, .events = POLLIN};
    for (;;) {
        if (source->cancel != NULL && atomic_load(source->cancel)) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        int rc = poll(&wait, 1, CANCEL_LOOK_MS);
        if (rc > 0) {
            return HEARTH_OK;
        }
        if (rc < 0 && errno != EINTR) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "wait for the source");
        }
    }
}

static bool has_same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum hearth_code check_unchanged(const struct local_source *source, struct hearth_err *err)
{
    struct stat now;
    int rc = fstat(source->fd, &now);
    assert(rc == 0);
    const struct stat *before = &source->before;
    uint64_t size = (uint64_t)before->st_size;
    if (source->done != size || now.st_size != before->st_size) {
        return hearth_fail(err, HEARTH_INVALID,
            "the file %s from %" PRIu64 " bytes while it was read",
            source->done > size || now.st_size > before->st_size ? "grew" : "shrank", size);
    }
    if (!has_same_time(&now, before)) {
        return hearth_fail(err, HEARTH_INVALID, "the file was changed while it was read");
    }
    if (before->st_nlink > 0 && now.st_nlink == 0) {
        return hearth_fail(err, HEARTH_INVALID, "the file was deleted while it was read");
    }
    return HEARTH_OK;
}

enum hearth_code local_source_read(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct local_source *source = context;
    if (!source->is_regular && wait_until_readable(source, err) != HEARTH_OK) {
        return err->code;
    }
    ssize_t got;
    do {
        got = read(source->fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return hearth_fail_sys(
            err, HEARTH_IO, errno, "read the source after %" PRIu64 " bytes", source->done);
    }
    source->done += (uint64_t)got;
    bool is_over = got == 0 || source->done > local_source_size(source);
    if (source->is_regular && is_over && check_unchanged(source, err) != HEARTH_OK) {
        return err->code;
    }
    *out_got = (size_t)got;
    return HEARTH_OK;
}

/* ---- after it was stored ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
        has_same_time(a, b);
}

static enum hearth_code fail_changed(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_CONFLICT,
        "what is stored is whole, but the file was changed after it was read");
}

enum hearth_code local_source_check_path(
    const struct local_source *source, const char *path, struct hearth_err *err)
{
    struct stat now;
    return stat(path, &now) == 0 && is_same_file(&now, &source->before) ? HEARTH_OK
                                                                        : fail_changed(err);
}

enum hearth_code local_source_remove(
    const struct local_source *source, const char *path, struct hearth_err *err)
{
    struct stat now;
    if (lstat(path, &now) != 0 || !is_same_file(&now, &source->before)) {
        return fail_changed(err);
    }
    return unlink(path) == 0
        ? HEARTH_OK
        : hearth_fail_sys(err, HEARTH_IO, errno, "it is stored, but remove %s", path);
}

static enum hearth_code hash_all(
    struct local_source *source, struct crypto_hash *hash, struct hearth_err *err)
{
    FREES uint8_t *bytes = malloc(MD5_READ_SIZE);
    assert(bytes != NULL);
    for (size_t got = 1; got > 0;) {
        if (source->cancel != NULL && atomic_load(source->cancel)) {
            return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
        }
        if (local_source_read(source, bytes, MD5_READ_SIZE, &got, err) != HEARTH_OK) {
            return err->code;
        }
        crypto_hash_update(hash, view_of(bytes, got));
    }
    return HEARTH_OK;
}

enum hearth_code local_source_md5(const char *path, const atomic_bool *cancel,
    char text[LOCAL_MD5_TEXT_SIZE], struct hearth_err *err)
{
    struct local_source source;
    if (local_source_open(path, cancel, &source, err) != HEARTH_OK) {
        return err->code;
    }
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    enum hearth_code code = hash_all(&source, hash, err);
    uint8_t md5[CRYPTO_MD5_SIZE];
    crypto_hash_final(hash, md5);
    hex_encode(md5, sizeof(md5), text);
    crypto_hash_destroy(hash);
    local_source_close(&source);
    return code;
}

void local_source_close(struct local_source *source)
{
    if (source->fd != STDIN_FILENO) {
        close(source->fd);
    }
}
