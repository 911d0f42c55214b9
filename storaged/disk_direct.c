#include "storaged/disk_direct.h"

#include "common/cleanup.h"
#include "storaged/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SLOTS = 1 + DIRECT_READS_MAX, /* the first is for writes */
    FILES_MAX = SLOTS,            /* with a second descriptor: one for each slot */
    HUGE_PAGE_SIZE = 2 << 20,
};

static_assert((int)DIRECT_WRITE_MAX <= (int)HUGE_PAGE_SIZE, "the first huge page");
static_assert((int)DIRECT_READ_MAX * (int)DIRECT_READS_MAX <= (int)HUGE_PAGE_SIZE, "the second");

struct direct_slot {
    uint8_t *bytes;         /* set once */
    struct disk_file *file; /* NULL: free */
    uint64_t offset;        /* of its transfer */
};

struct disk_direct {
    uint8_t *buffer; /* set once: two huge pages */

    /* Any thread, holding .mutex. */
    struct {
        pthread_mutex_t mutex;
        struct direct_slot slots[SLOTS];
        struct disk_file *files[FILES_MAX]; /* that have a second descriptor; NULL: none */
        unsigned next;                      /* of them to be asked for its descriptor */
    } shared;
};

struct disk_direct *disk_direct_create(void)
{
    struct disk_direct *direct = calloc(1, sizeof(*direct));
    void *buffer = NULL;
    if (direct == NULL || posix_memalign(&buffer, HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE) != 0) {
        free(direct);
        return NULL;
    }
    /* One page to look up instead of 512: a transfer costs half. Without it nothing breaks. */
    madvise(buffer, 2 * HUGE_PAGE_SIZE, MADV_HUGEPAGE);
    direct->buffer = buffer;
    direct->shared.slots[0].bytes = buffer;
    for (unsigned i = 1; i < SLOTS; i++) {
        direct->shared.slots[i].bytes =
            direct->buffer + HUGE_PAGE_SIZE + (size_t)(i - 1) * DIRECT_READ_MAX;
    }
    pthread_mutex_init(&direct->shared.mutex, NULL);
    return direct;
}

void disk_direct_destroy(struct disk_direct *direct)
{
    if (direct != NULL) {
        pthread_mutex_destroy(&direct->shared.mutex);
        free(direct->buffer);
        free(direct);
    }
}

/* ---- the second descriptor ---- */

static bool is_in_use(const struct disk_direct *direct, const struct disk_file *file)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (direct->shared.slots[i].file == file) {
            return true;
        }
    }
    return false;
}

static void close_second(struct disk_file *file)
{
    close(file->direct_fd);
    file->direct_fd = -1;
}

/* A slot is free, so one of the files at least is not in use. */
static struct disk_file **make_place(struct disk_direct *direct)
{
    struct disk_file **place;
    do {
        place = &direct->shared.files[direct->shared.next];
        direct->shared.next = (direct->shared.next + 1) % FILES_MAX;
    } while (*place != NULL && is_in_use(direct, *place));
    if (*place != NULL) {
        close_second(*place);
        *place = NULL;
    }
    return place;
}

static bool open_second(struct disk_direct *direct, struct disk_file *file)
{
    struct disk_file **place = make_place(direct);
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    file->direct_fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    file->is_direct_refused = file->direct_fd < 0;
    if (!file->is_direct_refused) {
        *place = file;
    }
    return !file->is_direct_refused;
}

void disk_direct_forget(struct disk_direct *direct, struct disk_file *file)
{
    UNLOCKS pthread_mutex_t *held = lock(&direct->shared.mutex);
    assert(!is_in_use(direct, file));
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (direct->shared.files[i] == file) {
            direct->shared.files[i] = NULL;
            close_second(file);
        }
    }
}

/* ---- one transfer ---- */

static size_t total_size(const struct disk_io *io)
{
    size_t size = 0;
    for (unsigned i = 0; i < io->iov_count; i++) {
        size += io->iov[i].iov_len;
    }
    return size;
}

static uint64_t round_down(uint64_t offset)
{
    return offset / DISK_PAGE_SIZE * DISK_PAGE_SIZE;
}

/* Which whole pages the request is about; false: it is not for us. */
static bool plan(const struct disk_io *io, struct direct_transfer *transfer)
{
    size_t size = total_size(io);
    uint64_t begin = round_down(io->offset);
    uint64_t end = round_down(io->offset + size + DISK_PAGE_SIZE - 1);
    *transfer = (struct direct_transfer){.size = (size_t)(end - begin), .offset = begin};
    if (io->request == DISK_WRITE) {
        return size > 0 && transfer->size == size && size <= DIRECT_WRITE_MAX;
    }
    return io->request == DISK_READ && size >= DIRECT_READ_MIN && transfer->size <= DIRECT_READ_MAX;
}

static enum direct_way take_slot(
    struct disk_direct *direct, struct disk_io *io, struct direct_transfer *transfer)
{
    bool writes = io->request == DISK_WRITE;
    UNLOCKS pthread_mutex_t *held = lock(&direct->shared.mutex);
    if (io->file->is_direct_refused) {
        return DIRECT_NOT;
    }
    struct direct_slot *slot = &direct->shared.slots[writes ? 0 : 1];
    const struct direct_slot *end = &direct->shared.slots[writes ? 1 : SLOTS];
    while (slot < end && slot->file != NULL) {
        slot++;
    }
    if (slot == end) {
        return DIRECT_LATER;
    }
    if (io->file->direct_fd < 0 && !open_second(direct, io->file)) {
        return DIRECT_NOT;
    }
    slot->file = io->file;
    slot->offset = transfer->offset;
    io->owned_by_disk.slot = slot;
    transfer->fd = io->file->direct_fd;
    transfer->bytes = slot->bytes;
    return DIRECT_NOW;
}

static void gather(const struct disk_io *io, uint8_t *bytes)
{
    for (unsigned i = 0; i < io->iov_count; i++) {
        memcpy(bytes, io->iov[i].iov_base, io->iov[i].iov_len);
        bytes += io->iov[i].iov_len;
    }
}

/* Returns how many of the bytes were asked for. */
static size_t scatter(const struct disk_io *io, const uint8_t *bytes, size_t size)
{
    size_t done = 0;
    for (unsigned i = 0; i < io->iov_count && done < size; i++) {
        size_t left = size - done;
        size_t part = io->iov[i].iov_len < left ? io->iov[i].iov_len : left;
        memcpy(io->iov[i].iov_base, bytes + done, part);
        done += part;
    }
    return done;
}

enum direct_way disk_direct_begin(
    struct disk_direct *direct, struct disk_io *io, struct direct_transfer *transfer)
{
    io->owned_by_disk.slot = NULL;
    if (!plan(io, transfer)) {
        return DIRECT_NOT;
    }
    enum direct_way way = take_slot(direct, io, transfer);
    if (way == DIRECT_NOW && io->request == DISK_WRITE) {
        gather(io, transfer->bytes);
    }
    return way;
}

static void answer(struct disk_io *io, const struct direct_slot *slot, ssize_t result)
{
    io->error = result < 0 ? (int)-result : 0;
    if (result >= 0 && io->request == DISK_WRITE) {
        io->size = (uint64_t)result;
    } else if (result >= 0) {
        size_t skipped = (size_t)(io->offset - slot->offset);
        size_t size = (size_t)result > skipped ? (size_t)result - skipped : 0;
        io->size = scatter(io, slot->bytes + skipped, size);
    }
}

bool disk_direct_end(struct disk_direct *direct, struct disk_io *io, ssize_t result)
{
    struct direct_slot *slot = io->owned_by_disk.slot;
    if (result != -EINVAL) {
        answer(io, slot, result);
    }
    io->owned_by_disk.slot = NULL;
    UNLOCKS pthread_mutex_t *held = lock(&direct->shared.mutex);
    io->file->is_direct_refused = io->file->is_direct_refused || result == -EINVAL;
    slot->file = NULL;
    return result != -EINVAL;
}
