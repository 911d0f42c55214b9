#include "tests/sim/sim_disk_state.h"

#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t sim_random_below(uint64_t *state, uint64_t bound)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static void *allocate_zeroed(size_t size)
{
    void *memory = calloc(1, size);
    assert(memory != NULL);
    return memory;
}

/* ---- images, names, effects ---- */

void sim_image_grow(struct sim_image *image, uint64_t size)
{
    if (size <= image->size) {
        return;
    }
    if (size > image->capacity) {
        size_t capacity = image->capacity == 0 ? size : size * 2; /* most never grow */
        image->bytes = realloc(image->bytes, capacity);
        assert(image->bytes != NULL);
        memset(image->bytes + image->capacity, 0, capacity - image->capacity);
        image->capacity = capacity;
    }
    image->size = size;
}

void sim_image_write(struct sim_image *image, uint64_t offset, const void *bytes, size_t size)
{
    if (size > 0) {
        sim_image_grow(image, offset + size);
        memcpy(image->bytes + offset, bytes, size);
    }
}

struct sim_inode *sim_inode_create(struct sim_disk *sim)
{
    assert(sim->inode_count < SIM_INODES_MAX);
    struct sim_inode *inode = allocate_zeroed(sizeof(*inode));
    inode->number = sim->inode_count;
    sim->inodes[sim->inode_count++] = inode;
    return inode;
}

static unsigned find_name(const struct sim_names *names, const char *name)
{
    unsigned i = 0;
    while (i < names->count && strcmp(names->entries[i].name, name) != 0) {
        i++;
    }
    return i;
}

struct sim_inode *sim_names_find(const struct sim_names *names, const char *name)
{
    unsigned i = find_name(names, name);
    return i < names->count ? names->entries[i].inode : NULL;
}

void sim_names_put(struct sim_names *names, const char *name, struct sim_inode *inode)
{
    unsigned i = find_name(names, name);
    assert(i < SIM_FILES_MAX);
    strcpy(names->entries[i].name, name);
    names->entries[i].inode = inode;
    names->count += i == names->count;
}

void sim_names_remove(struct sim_names *names, const char *name)
{
    unsigned i = find_name(names, name);
    if (i < names->count) {
        names->entries[i] = names->entries[--names->count];
    }
}

void sim_effect_name(const struct sim_effect *effect, struct sim_names *names)
{
    struct sim_inode *inode = sim_names_find(names, effect->name);
    if (effect->kind == EFFECT_LINK) {
        sim_names_put(names, effect->name, effect->inode);
    } else if (effect->kind == EFFECT_UNLINK) {
        sim_names_remove(names, effect->name);
    } else if (effect->kind == EFFECT_RENAME && inode != NULL) {
        sim_names_remove(names, effect->name);
        sim_names_put(names, effect->new_name, inode);
    }
}

void sim_effect_make_durable(const struct sim_effect *effect, struct sim_names *names)
{
    if (effect->kind == EFFECT_WRITE) {
        sim_image_write(&effect->inode->durable, effect->offset, effect->bytes, effect->size);
    } else if (effect->kind == EFFECT_SIZE) {
        sim_image_grow(&effect->inode->durable, effect->offset);
    } else {
        sim_effect_name(effect, names);
    }
}

struct sim_effect *sim_effect_add(struct sim_disk *sim, enum sim_effect_kind kind)
{
    struct sim_effect *effect = allocate_zeroed(sizeof(*effect));
    effect->kind = kind;
    effect->answered_at = UINT64_MAX;
    if (sim->oldest_effect == NULL) {
        sim->oldest_effect = effect;
    } else {
        sim->newest_effect->next = effect;
    }
    sim->newest_effect = effect;
    return effect;
}

static struct sim_effect *add_name_effect(
    struct sim_disk *sim, enum sim_effect_kind kind, const char *name, const char *new_name)
{
    struct sim_effect *effect = sim_effect_add(sim, kind);
    assert(strlen(name) < DISK_NAME_SIZE && strlen(new_name) < DISK_NAME_SIZE);
    strcpy(effect->name, name);
    strcpy(effect->new_name, new_name);
    return effect;
}

static void free_effect(struct sim_effect *effect)
{
    free(effect->bytes);
    free(effect);
}

/* ---- taking a request: it has its effect at once, and is answered later ---- */

static const struct sim_fault *find_fault(const struct sim_disk *sim, enum disk_request request)
{
    uint64_t number = sim->requests[request];
    for (unsigned i = 0; i < sim->fault_count; i++) {
        const struct sim_fault *fault = &sim->faults[i];
        if (fault->request == request && number >= fault->nth &&
            number - fault->nth < fault->count) {
            return fault;
        }
    }
    return NULL;
}

uint64_t sim_disk_used(const struct sim_disk *sim)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < sim->current.count; i++) {
        used += sim->current.entries[i].inode->current.size;
    }
    return used;
}

static bool has_room(const struct sim_disk *sim, const struct sim_inode *inode, uint64_t end)
{
    uint64_t growth = end > inode->current.size ? end - inode->current.size : 0;
    uint64_t used = sim_disk_used(sim);
    return growth == 0 || (used <= sim->capacity && growth <= sim->capacity - used);
}

static void gather(const struct disk_io *io, uint8_t *bytes, size_t size)
{
    for (unsigned i = 0; i < io->iov_count && size > 0; i++) {
        size_t part = io->iov[i].iov_len < size ? io->iov[i].iov_len : size;
        memcpy(bytes, io->iov[i].iov_base, part);
        bytes += part;
        size -= part;
    }
}

static size_t iov_size(const struct disk_io *io)
{
    size_t size = 0;
    for (unsigned i = 0; i < io->iov_count; i++) {
        size += io->iov[i].iov_len;
    }
    return size;
}

static void take_write(
    struct sim_disk *sim, struct sim_pending *pending, const struct sim_fault *fault)
{
    struct disk_io *io = pending->io;
    size_t size = iov_size(io);
    assert(io->iov_count <= DISK_IOV_MAX && !io->file->direct);
    if (!has_room(sim, io->file->inode, io->offset + size)) {
        pending->error = ENOSPC;
        return;
    }
    io->size = size;
    if (fault != NULL && fault->kind == SIM_SHORT) {
        io->size = size = size / 2;
    }
    bool misplaced = fault != NULL && fault->kind == SIM_MISPLACED;
    uint8_t *bytes = allocate_zeroed(size + 1);
    gather(io, bytes, size);
    sim_image_write(&io->file->inode->current, misplaced ? fault->offset : io->offset, bytes, size);
    if (fault != NULL && fault->kind == SIM_DROPPED) {
        free(bytes);
        return;
    }
    pending->effect = sim_effect_add(sim, EFFECT_WRITE);
    pending->effect->inode = io->file->inode;
    pending->effect->offset = misplaced ? fault->offset : io->offset;
    pending->effect->bytes = bytes;
    pending->effect->size = size;
}

static void take_allocate(struct sim_disk *sim, struct sim_pending *pending)
{
    struct disk_io *io = pending->io;
    if (!has_room(sim, io->file->inode, io->offset + io->size)) {
        pending->error = ENOSPC;
        return;
    }
    sim_image_grow(&io->file->inode->current, io->offset + io->size);
    pending->effect = sim_effect_add(sim, EFFECT_SIZE);
    pending->effect->inode = io->file->inode;
    pending->effect->offset = io->offset + io->size;
}

static void adopt(struct disk_io *io, struct sim_inode *inode)
{
    struct disk_file *file = allocate_zeroed(sizeof(*file));
    file->inode = inode;
    file->direct = io->direct;
    io->file = file;
    io->size = inode->current.size;
}

static void take_create(struct sim_disk *sim, struct sim_pending *pending)
{
    struct disk_io *io = pending->io;
    if (sim_names_find(&sim->current, io->name) != NULL) {
        pending->error = EEXIST;
        return;
    }
    struct sim_inode *inode = sim_inode_create(sim);
    pending->effect = add_name_effect(sim, EFFECT_LINK, io->name, "");
    pending->effect->inode = inode;
    sim_effect_name(pending->effect, &sim->current);
    adopt(io, inode);
}

static void take_open(struct sim_disk *sim, struct sim_pending *pending)
{
    struct sim_inode *inode = sim_names_find(&sim->current, pending->io->name);
    if (inode == NULL) {
        pending->error = ENOENT;
        return;
    }
    adopt(pending->io, inode);
}

static void take_lock(struct sim_disk *sim, struct sim_pending *pending)
{
    if (sim->locked) {
        pending->error = EWOULDBLOCK;
        return;
    }
    struct sim_inode *inode = sim_names_find(&sim->current, pending->io->name);
    if (inode == NULL) {
        take_create(sim, pending);
    } else {
        adopt(pending->io, inode);
    }
    pending->io->file->is_lock = true;
    sim->locked = true;
}

static void take_name_change(struct sim_disk *sim, struct sim_pending *pending)
{
    struct disk_io *io = pending->io;
    if (sim_names_find(&sim->current, io->name) == NULL) {
        pending->error = ENOENT;
        return;
    }
    bool rename = io->request == DISK_RENAME;
    pending->effect = add_name_effect(
        sim, rename ? EFFECT_RENAME : EFFECT_UNLINK, io->name, rename ? io->new_name : "");
    sim_effect_name(pending->effect, &sim->current);
}

static void check_request(const struct disk_io *io)
{
    if (io->request == DISK_SYNC) {
        assert(!io->file->sync_failed); /* a failed sync is never repeated */
    }
    if (io->request == DISK_READ && io->file->direct) {
        assert(io->offset % DISK_PAGE_SIZE == 0 && iov_size(io) % DISK_PAGE_SIZE == 0);
        assert((uintptr_t)io->iov[0].iov_base % DISK_PAGE_SIZE == 0);
    }
}

static void take(struct sim_disk *sim, struct sim_pending *pending, const struct sim_fault *fault)
{
    struct disk_io *io = pending->io;
    bool fails = fault != NULL && fault->kind == SIM_FAIL;
    check_request(io);
    if (fails && io->request != DISK_WRITE) {
        pending->error = fault->error;
        return;
    }
    switch (io->request) {
    case DISK_CREATE: take_create(sim, pending); break;
    case DISK_OPEN: take_open(sim, pending); break;
    case DISK_LOCK: take_lock(sim, pending); break;
    case DISK_READ: pending->halve = fault != NULL && fault->kind == SIM_SHORT; break;
    case DISK_WRITE: take_write(sim, pending, fault); break;
    case DISK_ALLOCATE: take_allocate(sim, pending); break;
    case DISK_RENAME:
    case DISK_UNLINK: take_name_change(sim, pending); break;
    case DISK_SYNC:
    case DISK_SYNC_DIR: break;
    }
    if (fails) {
        pending->error = fault->error;
    }
}

/* ---- answering ---- */

static bool is_covered(
    const struct sim_effect *effect, const struct disk_io *sync, uint64_t submitted_at)
{
    bool names = effect->kind != EFFECT_WRITE && effect->kind != EFFECT_SIZE;
    bool concerned =
        sync->request == DISK_SYNC_DIR ? names : !names && effect->inode == sync->file->inode;
    return concerned && effect->answered_at < submitted_at;
}

/* Durable, or with an error lost. */
static void settle_covered(struct sim_disk *sim, const struct sim_pending *sync)
{
    struct sim_effect **link = &sim->oldest_effect;
    sim->newest_effect = NULL;
    while (*link != NULL) {
        struct sim_effect *effect = *link;
        if (!is_covered(effect, sync->io, sync->submitted_at)) {
            sim->newest_effect = effect;
            link = &effect->next;
            continue;
        }
        if (sync->error == 0) {
            sim_effect_make_durable(effect, &sim->durable);
        }
        *link = effect->next;
        free_effect(effect);
    }
}

/* [offset, offset + size) of the file as the device will have it: what was lost is not there. */
static void read_device(const struct sim_disk *sim, const struct sim_inode *inode, uint64_t offset,
    uint8_t *out, size_t size)
{
    const struct sim_image *durable = &inode->durable;
    size_t there = offset < durable->size ? durable->size - offset : 0;
    memset(out, 0, size);
    if (there > 0) {
        memcpy(out, durable->bytes + offset, there < size ? there : size);
    }
    for (const struct sim_effect *at = sim->oldest_effect; at != NULL; at = at->next) {
        uint64_t start = at->offset > offset ? at->offset : offset;
        uint64_t end =
            at->offset + at->size < offset + size ? at->offset + at->size : offset + size;
        if (at->kind == EFFECT_WRITE && at->inode == inode && start < end) {
            memcpy(out + (start - offset), at->bytes + (start - at->offset), end - start);
        }
    }
}

static void answer_read(const struct sim_disk *sim, const struct sim_pending *pending)
{
    struct disk_io *io = pending->io;
    const struct sim_inode *inode = io->file->inode;
    size_t size = pending->halve ? iov_size(io) / 2 : iov_size(io);
    uint64_t at = io->offset;
    uint64_t end = at + size < inode->current.size ? at + size : inode->current.size;
    io->size = at < end ? end - at : 0;
    for (unsigned i = 0; i < io->iov_count && at < end; i++) {
        size_t part = io->iov[i].iov_len < end - at ? io->iov[i].iov_len : end - at;
        if (io->file->direct) {
            read_device(sim, inode, at, io->iov[i].iov_base, part);
        } else {
            memcpy(io->iov[i].iov_base, inode->current.bytes + at, part);
        }
        at += part;
    }
}

static void answer(struct sim_disk *sim, struct sim_pending *pending)
{
    struct disk_io *io = pending->io;
    if (io->request == DISK_SYNC || io->request == DISK_SYNC_DIR) {
        settle_covered(sim, pending);
    }
    if (io->request == DISK_SYNC && pending->error != 0) {
        io->file->sync_failed = true;
    }
    if (io->request == DISK_READ && pending->error == 0) {
        answer_read(sim, pending);
    }
    if (pending->effect != NULL) {
        pending->effect->answered_at = sim->moment++;
    }
    io->error = pending->error;
}

static void accept(struct sim_disk *sim, struct sim_pending *pending, struct disk_io *io)
{
    const struct sim_fault *fault = find_fault(sim, io->request);
    *pending = (struct sim_pending){.io = io, .submitted_at = sim->moment++};
    take(sim, pending, fault);
    sim->requests[io->request]++;
    bool only_looks = io->request == DISK_READ || io->request == DISK_OPEN;
    if (sim->hook != NULL && !only_looks) {
        sim->hook(sim->hook_context, sim);
    }
}

/* ---- the seam ---- */

static void run_done(struct task *task)
{
    struct disk_io *io =
        (struct disk_io *)((char *)task - offsetof(struct disk_io, owned_by_disk.task));
    io->done(io);
}

static void sim_submit(struct disk *disk, struct disk_io *io)
{
    struct sim_disk *sim = (struct sim_disk *)disk;
    struct sim_pending *pending = allocate_zeroed(sizeof(*pending));
    struct sim_pending **link = &sim->oldest_pending;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    accept(sim, pending, io);
    *link = pending;
    sim->pending_count++;
}

bool sim_disk_step(struct sim_disk *sim)
{
    if (sim->pending_count == 0) {
        return false;
    }
    uint64_t skip =
        sim->random_state == 0 ? 0 : sim_random_below(&sim->random_state, sim->pending_count);
    struct sim_pending **link = &sim->oldest_pending;
    while (skip-- > 0) {
        link = &(*link)->next;
    }
    struct sim_pending *pending = *link;
    *link = pending->next;
    sim->pending_count--;
    answer(sim, pending);
    pending->io->owned_by_disk.task.run = run_done;
    loop_post(sim->loop, &pending->io->owned_by_disk.task);
    free(pending);
    return true;
}

static void sim_run_blocking(struct disk *disk, struct disk_io *io)
{
    struct sim_disk *sim = (struct sim_disk *)disk;
    struct sim_pending pending;
    accept(sim, &pending, io);
    answer(sim, &pending);
}

static void sim_close(struct disk *disk, struct disk_file *file)
{
    struct sim_disk *sim = (struct sim_disk *)disk;
    if (file->is_lock) {
        sim->locked = false;
    }
    free(file);
}

static int sim_list_blocking(
    struct disk *disk, void (*found)(void *context, const char *name), void *context)
{
    const struct sim_disk *sim = (const struct sim_disk *)disk;
    for (unsigned i = 0; i < sim->current.count; i++) {
        found(context, sim->current.entries[i].name);
    }
    return 0;
}

static void sim_destroy(struct disk *disk)
{
    struct sim_disk *sim = (struct sim_disk *)disk;
    while (sim->oldest_pending != NULL) {
        struct sim_pending *pending = sim->oldest_pending;
        sim->oldest_pending = pending->next;
        free(pending);
    }
    while (sim->oldest_effect != NULL) {
        struct sim_effect *effect = sim->oldest_effect;
        sim->oldest_effect = effect->next;
        free_effect(effect);
    }
    for (unsigned i = 0; i < sim->inode_count; i++) {
        free(sim->inodes[i]->current.bytes);
        free(sim->inodes[i]->durable.bytes);
        free(sim->inodes[i]);
    }
    free(sim->held);
    free(sim);
}

static const struct disk_ops sim_ops = {
    .submit = sim_submit,
    .run_blocking = sim_run_blocking,
    .close = sim_close,
    .list_blocking = sim_list_blocking,
    .destroy = sim_destroy,
};

/* ---- what a test does with it ---- */

struct sim_disk *sim_disk_create(struct loop *loop, uint64_t seed)
{
    struct sim_disk *sim = allocate_zeroed(sizeof(*sim));
    sim->disk.ops = &sim_ops;
    sim->loop = loop;
    sim->random_state = seed;
    sim->capacity = UINT64_MAX;
    return sim;
}

struct disk *sim_disk_seam(struct sim_disk *sim)
{
    return &sim->disk;
}

void sim_disk_set_hook(
    struct sim_disk *sim, void (*hook)(void *context, struct sim_disk *sim), void *context)
{
    sim->hook = hook;
    sim->hook_context = context;
}

void sim_disk_add_fault(struct sim_disk *sim, const struct sim_fault *fault)
{
    assert(sim->fault_count < SIM_FAULTS_MAX);
    sim->faults[sim->fault_count++] = *fault;
}

void sim_disk_heal(struct sim_disk *sim)
{
    sim->fault_count = 0;
}

uint64_t sim_disk_requests(const struct sim_disk *sim, enum disk_request request)
{
    return sim->requests[request];
}

void sim_disk_set_capacity(struct sim_disk *sim, uint64_t bytes)
{
    sim->capacity = bytes;
}
