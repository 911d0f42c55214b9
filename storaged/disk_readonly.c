#include "storaged/disk_readonly.h"

#include "common/cleanup.h"
#include "storaged/disk_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

struct disk_file {
    int fd;
};

struct disk_readonly {
    struct disk disk; /* first: the seam's functions get a pointer to it */
    struct loop *loop;
    int directory_fd;
};

static int open_file(const struct disk_readonly *self, struct disk_io *io)
{
    CLOSES_FD int fd = openat(self->directory_fd, io->name, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        return errno;
    }
    if (!S_ISREG(facts.st_mode)) {
        return EINVAL;
    }
    struct disk_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return ENOMEM;
    }
    file->fd = fd;
    fd = -1;
    io->file = file;
    io->size = (uint64_t)facts.st_size;
    return 0;
}

static int read_file(struct disk_io *io)
{
    ssize_t size = preadv(io->file->fd, io->iov, (int)io->iov_count, (off_t)io->offset);
    if (size < 0) {
        return errno;
    }
    io->size = (uint64_t)size;
    return 0;
}

static void run_blocking(struct disk *disk, struct disk_io *io)
{
    const struct disk_readonly *self = (const struct disk_readonly *)disk;
    switch (io->request) {
    case DISK_OPEN: io->error = open_file(self, io); break;
    case DISK_READ: io->error = read_file(io); break;
    case DISK_SYNC:
    case DISK_SYNC_DIR: io->error = 0; break;
    case DISK_CREATE:
    case DISK_LOCK:
    case DISK_WRITE:
    case DISK_ALLOCATE:
    case DISK_RENAME:
    case DISK_UNLINK: io->error = EROFS; break;
    }
}

static void answer(struct task *task)
{
    struct disk_io *io =
        (struct disk_io *)((char *)task - offsetof(struct disk_io, owned_by_disk.task));
    io->done(io);
}

static void submit(struct disk *disk, struct disk_io *io)
{
    run_blocking(disk, io);
    io->owned_by_disk.task.run = answer;
    loop_post(((struct disk_readonly *)disk)->loop, &io->owned_by_disk.task);
}

static void close_file(struct disk *disk, struct disk_file *file)
{
    (void)disk;
    close(file->fd);
    free(file);
}

static int list_blocking(
    struct disk *disk, void (*found)(void *context, const char *name), void *context)
{
    return disk_directory_list(((struct disk_readonly *)disk)->directory_fd, found, context);
}

static void destroy(struct disk *disk)
{
    struct disk_readonly *self = (struct disk_readonly *)disk;
    close(self->directory_fd);
    free(self);
}

static const struct disk_ops readonly_ops = {
    .submit = submit,
    .run_blocking = run_blocking,
    .close = close_file,
    .list_blocking = list_blocking,
    .destroy = destroy,
};

enum hearth_code disk_readonly_create(
    const char *directory, struct loop *loop, struct disk **out, struct hearth_err *err)
{
    struct disk_readonly *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open %s", directory);
    }
    self->disk.ops = &readonly_ops;
    self->loop = loop;
    self->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->directory_fd < 0) {
        int error = errno;
        free(self);
        return hearth_fail_sys(
            err, error == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO, error, "open %s", directory);
    }
    *out = &self->disk;
    return HEARTH_OK;
}

bool disk_readonly_is_locked(struct disk *disk, const char *name)
{
    const struct disk_readonly *self = (const struct disk_readonly *)disk;
    CLOSES_FD int fd = openat(self->directory_fd, name, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}
