#include "storaged/disk_threads.h"

#include "common/cleanup.h"
#include "storaged/disk_directory.h"
#include "storaged/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { THREADS_DEFAULT = 4, THREADS_MAX = 16 };

struct disk_threads {
    struct disk disk; /* first: the seam's functions get a pointer to it */

    /* Set once, before the threads start. */
    struct loop *loop;
    struct disk_direct *direct;
    int directory_fd;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];

    /* Any thread, holding .mutex; nothing else is locked meanwhile. */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct disk_io *oldest;
        struct disk_io *newest;
        bool stopping;
    } shared;
};

/* ---- one request, in the thread that may block; each returns 0 or errno ---- */

static int adopt_fd(struct disk_io *io, int fd)
{
    struct disk_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        close(fd);
        return ENOMEM;
    }
    file->fd = fd;
    file->direct_fd = -1;
    io->file = file;
    return 0;
}

static int create_file(const struct disk_threads *self, struct disk_io *io)
{
    int fd = openat(self->directory_fd, io->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? errno : adopt_fd(io, fd);
}

static int open_fd(const struct disk_threads *self, const struct disk_io *io, bool *cached)
{
    int flags = O_RDWR | O_CLOEXEC;
    *cached = false;
    int fd = openat(self->directory_fd, io->name, flags | (io->direct ? O_DIRECT : 0));
    if (fd < 0 && errno == EINVAL && io->direct) {
        *cached = true;
        fd = openat(self->directory_fd, io->name, flags);
    }
    return fd;
}

static int open_file(const struct disk_threads *self, struct disk_io *io)
{
    bool cached;
    int fd = open_fd(self, io, &cached);
    struct stat facts;
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &facts) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    int error = adopt_fd(io, fd);
    if (error == 0) {
        io->file->cached = cached;
        io->size = (uint64_t)facts.st_size;
    }
    return error;
}

static int lock_file(const struct disk_threads *self, struct disk_io *io)
{
    int fd = openat(self->directory_fd, io->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    return adopt_fd(io, fd);
}

static int answer_size(struct disk_io *io, ssize_t size)
{
    if (size < 0) {
        return errno;
    }
    io->size = (uint64_t)size;
    return 0;
}

/* Whether it was done, and answered, round the page cache. */
static bool transfer_directly(const struct disk_threads *self, struct disk_io *io)
{
    struct direct_transfer at;
    if (disk_direct_begin(self->direct, io, &at) != DIRECT_NOW) {
        return false;
    }
    ssize_t size = io->request == DISK_WRITE ? pwrite(at.fd, at.bytes, at.size, (off_t)at.offset)
                                             : pread(at.fd, at.bytes, at.size, (off_t)at.offset);
    return disk_direct_end(self->direct, io, size < 0 ? -errno : size);
}

static int read_file(const struct disk_threads *self, struct disk_io *io)
{
    if (transfer_directly(self, io)) {
        return io->error;
    }
    if (io->file->cached) {
        posix_fadvise(io->file->fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    return answer_size(io, preadv(io->file->fd, io->iov, (int)io->iov_count, (off_t)io->offset));
}

static int write_file(const struct disk_threads *self, struct disk_io *io)
{
    if (transfer_directly(self, io)) {
        return io->error;
    }
    return answer_size(io, pwritev(io->file->fd, io->iov, (int)io->iov_count, (off_t)io->offset));
}

static int allocate(const struct disk_io *io)
{
    if (fallocate(io->file->fd, 0, (off_t)io->offset, (off_t)io->size) == 0) {
        return 0;
    }
    if (errno != EOPNOTSUPP) {
        return errno;
    }
    return ftruncate(io->file->fd, (off_t)(io->offset + io->size)) == 0 ? 0 : errno;
}

static int errno_of(int rc)
{
    return rc == 0 ? 0 : errno;
}

static int perform(const struct disk_threads *self, struct disk_io *io)
{
    int directory = self->directory_fd;
    switch (io->request) {
    case DISK_CREATE: return create_file(self, io);
    case DISK_OPEN: return open_file(self, io);
    case DISK_LOCK: return lock_file(self, io);
    case DISK_READ: return read_file(self, io);
    case DISK_WRITE: return write_file(self, io);
    case DISK_SYNC: return errno_of(fdatasync(io->file->fd));
    case DISK_ALLOCATE: return allocate(io);
    case DISK_RENAME: return errno_of(renameat(directory, io->name, directory, io->new_name));
    case DISK_UNLINK: return errno_of(unlinkat(directory, io->name, 0));
    case DISK_SYNC_DIR: return errno_of(fsync(directory));
    }
    abort();
}

/* ---- the pool ---- */

/* NULL: the disk is being destroyed. */
static struct disk_io *take_oldest(struct disk_threads *self)
{
    UNLOCKS pthread_mutex_t *held = lock(&self->shared.mutex);
    while (self->shared.oldest == NULL && !self->shared.stopping) {
        pthread_cond_wait(&self->shared.changed, held);
    }
    struct disk_io *io = self->shared.oldest;
    if (io != NULL) {
        self->shared.oldest = io->owned_by_disk.next;
    }
    return io;
}

static void *run_thread(void *context)
{
    struct disk_threads *self = context;
    struct disk_io *io;
    while ((io = take_oldest(self)) != NULL) {
        io->error = perform(self, io);
        loop_post(self->loop, &io->owned_by_disk.task);
    }
    return NULL;
}

static void answer(struct task *task)
{
    struct disk_io *io =
        (struct disk_io *)((char *)task - offsetof(struct disk_io, owned_by_disk.task));
    io->done(io);
}

static void threads_submit(struct disk *disk, struct disk_io *io)
{
    struct disk_threads *self = (struct disk_threads *)disk;
    io->owned_by_disk.task.run = answer;
    io->owned_by_disk.next = NULL;
    UNLOCKS pthread_mutex_t *held = lock(&self->shared.mutex);
    if (self->shared.oldest == NULL) {
        self->shared.oldest = io;
    } else {
        self->shared.newest->owned_by_disk.next = io;
    }
    self->shared.newest = io;
    pthread_cond_signal(&self->shared.changed);
}

static void threads_run_blocking(struct disk *disk, struct disk_io *io)
{
    io->error = perform((struct disk_threads *)disk, io);
}

static void threads_close(struct disk *disk, struct disk_file *file)
{
    disk_direct_forget(((struct disk_threads *)disk)->direct, file);
    close(file->fd);
    free(file);
}

static int threads_list_blocking(
    struct disk *disk, void (*found)(void *context, const char *name), void *context)
{
    return disk_directory_list(((struct disk_threads *)disk)->directory_fd, found, context);
}

/* ---- a life ---- */

static void stop_threads(struct disk_threads *self)
{
    {
        UNLOCKS pthread_mutex_t *held = lock(&self->shared.mutex);
        assert(self->shared.oldest == NULL);
        self->shared.stopping = true;
        pthread_cond_broadcast(&self->shared.changed);
    }
    for (unsigned i = 0; i < self->thread_count; i++) {
        int rc = pthread_join(self->threads[i], NULL);
        assert(rc == 0);
    }
}

static void threads_destroy(struct disk *disk)
{
    struct disk_threads *self = (struct disk_threads *)disk;
    stop_threads(self);
    pthread_cond_destroy(&self->shared.changed);
    pthread_mutex_destroy(&self->shared.mutex);
    disk_direct_destroy(self->direct);
    close(self->directory_fd);
    free(self);
}

struct disk_direct *disk_threads_direct(struct disk *disk)
{
    return ((struct disk_threads *)disk)->direct;
}

static const struct disk_ops threads_ops = {
    .submit = threads_submit,
    .run_blocking = threads_run_blocking,
    .close = threads_close,
    .list_blocking = threads_list_blocking,
    .destroy = threads_destroy,
};

/* The name of a directory made here must survive a power cut, or all in it is lost with it. */
static int sync_parent(const char *directory)
{
    FREES char *parent = NULL;
    if (asprintf(&parent, "%s/..", directory) < 0) {
        return ENOMEM;
    }
    CLOSES_FD int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : errno_of(fsync(fd));
}

static enum hearth_code open_directory(const char *directory, int *out, struct hearth_err *err)
{
    if (mkdir(directory, 0700) == 0) {
        int error = sync_parent(directory);
        if (error != 0) {
            return hearth_fail_sys(err, HEARTH_IO, error, "volume %s: sync its parent", directory);
        }
    } else if (errno != EEXIST) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "volume %s: make directory", directory);
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "volume %s: open directory", directory);
    }
    *out = fd;
    return HEARTH_OK;
}

static enum hearth_code start_threads(
    struct disk_threads *self, unsigned count, struct hearth_err *err)
{
    for (self->thread_count = 0; self->thread_count < count; self->thread_count++) {
        pthread_t *thread = &self->threads[self->thread_count];
        int rc = pthread_create(thread, NULL, run_thread, self);
        if (rc != 0) {
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start a thread of a disk");
        }
    }
    return HEARTH_OK;
}

enum hearth_code disk_threads_create(
    const struct disk_threads_options *options, struct disk **out, struct hearth_err *err)
{
    unsigned count = options->threads > 0 ? options->threads : THREADS_DEFAULT;
    assert(count <= THREADS_MAX);
    struct disk_threads *self = calloc(1, sizeof(*self));
    struct disk_direct *direct = disk_direct_create();
    if (self == NULL || direct == NULL) {
        disk_direct_destroy(direct);
        free(self);
        return hearth_fail(err, HEARTH_NO_MEMORY, "volume %s: open", options->directory);
    }
    self->direct = direct;
    self->disk.ops = &threads_ops;
    self->loop = options->loop;
    enum hearth_code code = open_directory(options->directory, &self->directory_fd, err);
    if (code != HEARTH_OK) {
        disk_direct_destroy(direct);
        free(self);
        return code;
    }
    pthread_mutex_init(&self->shared.mutex, NULL);
    pthread_cond_init(&self->shared.changed, NULL);
    code = start_threads(self, count, err);
    if (code != HEARTH_OK) {
        threads_destroy(&self->disk);
        return code;
    }
    *out = &self->disk;
    return HEARTH_OK;
}
