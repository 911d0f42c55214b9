#include "storaged/disk_uring.h"

#include "common/cleanup.h"
#include "storaged/disk_file.h"
#include "storaged/disk_threads.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

enum { REFUSED_WAIT_NS = 1000000 };

struct disk_uring {
    struct disk disk; /* first: the seam's functions get a pointer to it */
    struct loop_waiter waiter;

    /* Set once, before the loop has a thread. */
    struct disk_uring_options options;
    struct disk *threads;       /* opens, closes, and does what is not for the ring */
    struct disk_direct *direct; /* the threads' */
    int wake_fd;                /* readable: somebody woke the loop */
    bool has_ring;

    /* The loop thread only. */
    struct {
        struct io_uring ring;
        struct disk_io *oldest; /* not taken by the kernel yet; the first `prepared` of them */
        struct disk_io *newest; /*     are in the ring already */
        struct disk_io *next_to_prepare;
        unsigned prepared;
        unsigned in_flight; /* taken and not answered */
        unsigned refusals;  /* in a row */
        bool is_given_up;
    } on_loop;
};

/* ---- the queue before the ring ---- */

static void queue_add(struct disk_uring *self, struct disk_io *io)
{
    io->owned_by_disk.next = NULL;
    if (self->on_loop.oldest == NULL) {
        self->on_loop.oldest = io;
    } else {
        self->on_loop.newest->owned_by_disk.next = io;
    }
    self->on_loop.newest = io;
    if (self->on_loop.next_to_prepare == NULL) {
        self->on_loop.next_to_prepare = io;
    }
}

static struct disk_io *queue_take(struct disk_uring *self)
{
    struct disk_io *io = self->on_loop.oldest;
    if (io != NULL) {
        self->on_loop.oldest = io->owned_by_disk.next;
    }
    return io;
}

/* ---- to the kernel ---- */

static void prepare_direct(
    struct io_uring_sqe *sqe, const struct disk_io *io, const struct direct_transfer *at)
{
    if (io->request == DISK_WRITE) {
        io_uring_prep_write(sqe, at->fd, at->bytes, (unsigned)at->size, at->offset);
    } else {
        io_uring_prep_read(sqe, at->fd, at->bytes, (unsigned)at->size, at->offset);
    }
}

static void prepare_cached(struct io_uring_sqe *sqe, const struct disk_io *io)
{
    int fd = io->file->fd;
    if (io->request == DISK_SYNC) {
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    } else if (io->request == DISK_READ) {
        io_uring_prep_readv(sqe, fd, io->iov, io->iov_count, io->offset);
    } else {
        assert(io->request == DISK_WRITE);
        io_uring_prep_writev(sqe, fd, io->iov, io->iov_count, io->offset);
    }
}

/*
 * Returns false when it is to wait for an answer.  A read waits for a slot, which something in
 * flight holds; a write would wait for another log's.
 */
static bool prepare(struct disk_uring *self, struct disk_io *io)
{
    struct direct_transfer at;
    enum direct_way way =
        io->request == DISK_SYNC ? DIRECT_NOT : disk_direct_begin(self->direct, io, &at);
    bool is_answer_due = self->on_loop.prepared + self->on_loop.in_flight > 0;
    if (way == DIRECT_LATER && io->request == DISK_READ && is_answer_due) {
        return false;
    }
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->on_loop.ring);
    assert(sqe != NULL); /* what is prepared and in flight fits */
    if (way == DIRECT_NOW) {
        prepare_direct(sqe, io, &at);
    } else {
        prepare_cached(sqe, io);
    }
    io_uring_sqe_set_data(sqe, io);
    return true;
}

static void prepare_queued(struct disk_uring *self)
{
    while (self->on_loop.next_to_prepare != NULL &&
        self->on_loop.prepared + self->on_loop.in_flight < self->options.entries &&
        prepare(self, self->on_loop.next_to_prepare)) {
        self->on_loop.next_to_prepare = self->on_loop.next_to_prepare->owned_by_disk.next;
        self->on_loop.prepared++;
    }
}

/* What is prepared stays in the ring, which is never submitted again. */
static void give_up(struct disk_uring *self, int error)
{
    struct disk_io *io;
    self->on_loop.is_given_up = true;
    self->on_loop.next_to_prepare = NULL;
    self->on_loop.prepared = 0;
    while ((io = queue_take(self)) != NULL) {
        if (io->owned_by_disk.slot != NULL) {
            disk_direct_end(self->direct, io, 0);
        }
        disk_submit(self->threads, io);
    }
    if (self->options.on_given_up != NULL) {
        self->options.on_given_up(self->options.context, error);
    }
}

static void was_taken(struct disk_uring *self, unsigned count)
{
    assert(count <= self->on_loop.prepared);
    self->on_loop.refusals = 0;
    self->on_loop.prepared -= count;
    self->on_loop.in_flight += count;
    while (count-- > 0) {
        queue_take(self);
    }
}

static void submit_queued(struct disk_uring *self)
{
    prepare_queued(self);
    if (self->on_loop.prepared == 0) {
        return;
    }
    int taken = self->options.kernel->submit(self->options.kernel, &self->on_loop.ring);
    if (taken > 0) {
        was_taken(self, (unsigned)taken);
    } else if (++self->on_loop.refusals == DISK_URING_REFUSALS_MAX) {
        give_up(self, -taken);
    }
}

/* ---- from the kernel ---- */

static void answer(struct task *task)
{
    struct disk_io *io =
        (struct disk_io *)((char *)task - offsetof(struct disk_io, owned_by_disk.task));
    io->done(io);
}

/*
 * "Not without waiting" and "interrupted" did nothing, so a thread may do it again: files have no
 * such answers, and the writer of a log takes any error for the end of it.  Never a sync, whose
 * second answer would be about less than the first.
 */
static bool did_nothing(const struct disk_io *io, int result)
{
    return io->request != DISK_SYNC && (result == -EAGAIN || result == -EINTR);
}

/* Fills in what it says; false: a thread is to do it. */
static bool take_answer(struct disk_uring *self, struct disk_io *io, int result)
{
    bool is_direct = io->owned_by_disk.slot != NULL;
    if (is_direct && !disk_direct_end(self->direct, io, result)) {
        return false;
    }
    if (did_nothing(io, result)) {
        return false;
    }
    if (!is_direct) {
        io->error = result < 0 ? -result : 0;
        io->size = result >= 0 && io->request != DISK_SYNC ? (uint64_t)result : io->size;
    }
    return true;
}

static void was_answered(struct disk_uring *self, struct disk_io *io, int result)
{
    self->on_loop.in_flight--;
    if (take_answer(self, io, self->options.kernel->result(self->options.kernel, io, result))) {
        io->owned_by_disk.task.run = answer;
        loop_post(self->options.loop, &io->owned_by_disk.task);
    } else {
        disk_submit(self->threads, io);
    }
}

/* ---- the loop sleeps here ---- */

static struct disk_uring *of_waiter(struct loop_waiter *waiter)
{
    return (struct disk_uring *)((char *)waiter - offsetof(struct disk_uring, waiter));
}

static void uring_collect(struct loop_waiter *waiter)
{
    struct disk_uring *self = of_waiter(waiter);
    struct io_uring_cqe *cqe;
    submit_queued(self);
    while (io_uring_peek_cqe(&self->on_loop.ring, &cqe) == 0) {
        struct disk_io *io = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&self->on_loop.ring, cqe);
        was_answered(self, io, result);
    }
}

static void poll_for(struct disk_uring *self, uint64_t timeout_ns)
{
    struct pollfd polls[] = {{.fd = self->on_loop.ring.ring_fd, .events = POLLIN},
        {.fd = self->wake_fd, .events = POLLIN}};
    const struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    int ready = ppoll(polls, 2, timeout_ns == UINT64_MAX ? NULL : &timeout, NULL);
    assert(ready >= 0 || errno == EINTR);
    eventfd_t count;
    if (ready > 0 && (polls[1].revents & POLLIN) != 0) {
        eventfd_read(self->wake_fd, &count);
    }
}

static void uring_wait(struct loop_waiter *waiter, uint64_t timeout_ns)
{
    struct disk_uring *self = of_waiter(waiter);
    submit_queued(self);
    if (io_uring_cq_ready(&self->on_loop.ring) > 0) {
        return; /* the page cache had it */
    }
    if (self->on_loop.prepared > 0 && timeout_ns > REFUSED_WAIT_NS) {
        timeout_ns = REFUSED_WAIT_NS;
    }
    poll_for(self, timeout_ns);
}

static void uring_wake(struct loop_waiter *waiter)
{
    eventfd_write(of_waiter(waiter)->wake_fd, 1);
}

/* ---- the seam ---- */

static bool is_for_the_ring(const struct disk_uring *self, const struct disk_io *io)
{
    if (self->on_loop.is_given_up) {
        return false;
    }
    return io->request == DISK_WRITE || io->request == DISK_SYNC ||
        (io->request == DISK_READ && !io->file->cached);
}

static void uring_submit(struct disk *disk, struct disk_io *io)
{
    struct disk_uring *self = (struct disk_uring *)disk;
    io->owned_by_disk.slot = NULL;
    if (is_for_the_ring(self, io)) {
        queue_add(self, io);
    } else {
        disk_submit(self->threads, io);
    }
}

static void uring_run_blocking(struct disk *disk, struct disk_io *io)
{
    disk_run_blocking(((struct disk_uring *)disk)->threads, io);
}

static void uring_close(struct disk *disk, struct disk_file *file)
{
    disk_close(((struct disk_uring *)disk)->threads, file);
}

static int uring_list_blocking(
    struct disk *disk, void (*found)(void *context, const char *name), void *context)
{
    return disk_list_blocking(((struct disk_uring *)disk)->threads, found, context);
}

static void uring_destroy(struct disk *disk)
{
    struct disk_uring *self = (struct disk_uring *)disk;
    assert(self->on_loop.oldest == NULL && self->on_loop.in_flight == 0);
    if (self->has_ring) {
        loop_set_waiter(self->options.loop, NULL);
        io_uring_queue_exit(&self->on_loop.ring);
    }
    cleanup_close_fd(&self->wake_fd);
    disk_destroy(self->threads);
    free(self);
}

static const struct disk_ops uring_ops = {
    .submit = uring_submit,
    .run_blocking = uring_run_blocking,
    .close = uring_close,
    .list_blocking = uring_list_blocking,
    .destroy = uring_destroy,
};

/* ---- the real kernel ---- */

static int check_ring(struct io_uring *ring)
{
    static const int wanted[] = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC};
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool is_able = probe != NULL && (ring->features & IORING_FEAT_NODROP) != 0;
    for (unsigned i = 0; is_able && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        is_able = io_uring_opcode_supported(probe, wanted[i]);
    }
    io_uring_free_probe(probe);
    return is_able ? 0 : -EOPNOTSUPP;
}

static int real_setup(struct disk_uring_kernel *kernel, unsigned entries, struct io_uring *ring)
{
    (void)kernel;
    /* The loop comes to the kernel often enough: no interrupt need bring it there (Linux 5.19). */
    int result = io_uring_queue_init(entries, ring, IORING_SETUP_COOP_TASKRUN);
    if (result == -EINVAL) {
        result = io_uring_queue_init(entries, ring, 0);
    }
    if (result != 0) {
        return result;
    }
    result = check_ring(ring);
    if (result != 0) {
        io_uring_queue_exit(ring);
    }
    return result;
}

static int real_submit(struct disk_uring_kernel *kernel, struct io_uring *ring)
{
    (void)kernel;
    return io_uring_submit(ring);
}

static int real_result(struct disk_uring_kernel *kernel, const struct disk_io *io, int result)
{
    (void)kernel;
    (void)io;
    return result;
}

struct disk_uring_kernel *disk_uring_kernel_real(void)
{
    static struct disk_uring_kernel real = {
        .setup = real_setup, .submit = real_submit, .result = real_result};
    return &real;
}

/* ---- a life ---- */

/* What an administrator can do about it. */
static const char *explain_refusal(int error)
{
    switch (error) {
    case ENOSYS: return "this kernel has no io_uring";
    case EPERM:
    case EACCES: return "io_uring is forbidden here (kernel.io_uring_disabled, seccomp)";
    case ENOMEM: return "no memory for io_uring (RLIMIT_MEMLOCK on old kernels)";
    case EMFILE:
    case ENFILE: return "no descriptor left for io_uring";
    case EOPNOTSUPP: return "this kernel's io_uring is too old";
    default: return "the kernel refuses io_uring";
    }
}

static enum hearth_code open_ring(struct disk_uring *self, struct hearth_err *err)
{
    struct disk_uring_kernel *kernel = self->options.kernel;
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = self->wake_fd < 0
        ? errno
        : -kernel->setup(kernel, self->options.entries, &self->on_loop.ring);
    if (error != 0) {
        return hearth_fail_sys(err, HEARTH_UNIMPLEMENTED, error, "%s", explain_refusal(error));
    }
    self->has_ring = true;
    loop_set_waiter(self->options.loop, &self->waiter);
    return HEARTH_OK;
}

enum hearth_code disk_uring_create(
    const struct disk_uring_options *options, struct disk **out, struct hearth_err *err)
{
    struct disk_uring *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "volume %s: open", options->directory);
    }
    self->disk.ops = &uring_ops;
    self->waiter = (struct loop_waiter){uring_collect, uring_wait, uring_wake};
    self->options = *options;
    self->wake_fd = -1;
    if (options->kernel == NULL) {
        self->options.kernel = disk_uring_kernel_real();
    }
    if (options->entries == 0) {
        self->options.entries = DISK_URING_ENTRIES;
    }
    const struct disk_threads_options threads = {
        .directory = options->directory, .loop = options->loop, .threads = 1};
    if (open_ring(self, err) != HEARTH_OK ||
        disk_threads_create(&threads, &self->threads, err) != HEARTH_OK) {
        uring_destroy(&self->disk);
        return err->code;
    }
    self->direct = disk_threads_direct(self->threads);
    *out = &self->disk;
    return HEARTH_OK;
}
