#include "storaged/volume_state.h"

#include "common/failpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 * Both copies are rewritten in place at each start, the worse one first: whatever moment the power
 * fails at, one copy is whole, and a full disk cannot keep a volume from opening.
 */

enum { COPIES = VOLUME_SUPERBLOCKS };

/* Features this program can handle. */
static const uint64_t incompatible_known = 0;

static const char *const names[COPIES] = {"superblock.0", "superblock.1"};

struct copy {
    struct disk_file *file; /* NULL: there is none */
    enum hearth_code code;  /* HEARTH_OK: `superblock` is good */
    struct superblock superblock;
};

static enum hearth_code run(struct volume *volume, struct disk_io *io, struct hearth_err *err,
    const char *what, const char *name)
{
    disk_run_blocking(volume->disk, io);
    if (io->error != 0) {
        return hearth_fail_sys(err, HEARTH_IO, io->error, "%s %s", what, name);
    }
    return HEARTH_OK;
}

static enum hearth_code read_copy(
    struct volume *volume, const char *name, struct copy *copy, struct hearth_err *err)
{
    struct disk_io open = {.request = DISK_OPEN, .name = name};
    disk_run_blocking(volume->disk, &open);
    if (open.error == ENOENT) {
        copy->code = HEARTH_NOT_FOUND;
        return HEARTH_OK;
    }
    if (open.error != 0) {
        return hearth_fail_sys(err, HEARTH_IO, open.error, "open %s", name);
    }
    copy->file = open.file;
    uint8_t bytes[SUPERBLOCK_SIZE];
    struct iovec part = {bytes, sizeof(bytes)};
    struct disk_io read = {.request = DISK_READ, .file = copy->file, .iov = &part, .iov_count = 1};
    disk_run_blocking(volume->disk, &read);
    struct hearth_err why;
    copy->code = read.error != 0
        ? HEARTH_IO
        : superblock_decode(view_of(bytes, (size_t)read.size), &copy->superblock, &why);
    if (copy->code == HEARTH_UNKNOWN_FORMAT) {
        *err = why;
        return HEARTH_UNKNOWN_FORMAT;
    }
    return HEARTH_OK;
}

/* Whether b is the better copy. */
static bool is_better(const struct copy *a, const struct copy *b)
{
    return b->code == HEARTH_OK &&
        (a->code != HEARTH_OK || b->superblock.start_counter > a->superblock.start_counter);
}

static enum hearth_code check_owner(const struct volume *volume, struct hearth_err *err)
{
    const struct superblock *superblock = &volume->superblock;
    if ((superblock->incompatible & ~incompatible_known) != 0) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "the volume uses features %" PRIx64 ", which this program does not know",
            superblock->incompatible & ~incompatible_known);
    }
    if (memcmp(superblock->node_id, volume->options.node_id, VOLUME_NODE_ID_SIZE) != 0) {
        char owner[2 * VOLUME_NODE_ID_SIZE + 1];
        char us[2 * VOLUME_NODE_ID_SIZE + 1];
        hex_encode(superblock->node_id, VOLUME_NODE_ID_SIZE, owner);
        hex_encode(volume->options.node_id, VOLUME_NODE_ID_SIZE, us);
        return hearth_fail(
            err, HEARTH_DENIED, "the volume belongs to node %s, this is node %s", owner, us);
    }
    return HEARTH_OK;
}

static void make_superblock(struct volume *volume)
{
    struct env *env = loop_env(volume->loop);
    struct superblock *superblock = &volume->superblock;
    *superblock = (struct superblock){.created_unix_ms = env_unix_ms(env)};
    memcpy(superblock->node_id, volume->options.node_id, VOLUME_NODE_ID_SIZE);
    env_random(env, superblock->uuid, VOLUME_UUID_SIZE);
    env_random(env, &superblock->salt, sizeof(superblock->salt));
}

/* false: neither copy can be read. */
static bool take_best(struct volume *volume, const struct copy copies[COPIES])
{
    const struct copy *best = is_better(&copies[0], &copies[1]) ? &copies[1] : &copies[0];
    if (best->code == HEARTH_OK) {
        volume->superblock = best->superblock;
    }
    return best->code == HEARTH_OK;
}

static enum hearth_code choose(
    struct volume *volume, const struct copy copies[COPIES], bool has_logs, struct hearth_err *err)
{
    if (take_best(volume, copies)) {
        return check_owner(volume, err);
    }
    if (has_logs) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "there are logs, but neither superblock.0 nor superblock.1 can be read");
    }
    if (volume->options.must_exist) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "the directory holds no volume");
    }
    make_superblock(volume);
    return HEARTH_OK;
}

static enum hearth_code write_copy(
    struct volume *volume, const char *name, struct copy *copy, struct hearth_err *err)
{
    if (copy->file == NULL) {
        struct disk_io create = {.request = DISK_CREATE, .name = name};
        if (run(volume, &create, err, "create", name) != HEARTH_OK) {
            return err->code;
        }
        copy->file = create.file;
    }
    uint8_t page[FORMAT_PAGE_SIZE] = {0};
    superblock_encode(&volume->superblock, page);
    struct iovec part = {page, sizeof(page)};
    struct disk_io write = {
        .request = DISK_WRITE, .file = copy->file, .iov = &part, .iov_count = 1};
    struct disk_io sync = {.request = DISK_SYNC, .file = copy->file};
    if (run(volume, &write, err, "write", name) != HEARTH_OK ||
        run(volume, &sync, err, "sync", name) != HEARTH_OK) {
        return err->code;
    }
    return write.size == sizeof(page) ? HEARTH_OK
                                      : hearth_fail(err, HEARTH_IO, "write %s: short", name);
}

static enum hearth_code read_copies(
    struct volume *volume, struct copy copies[COPIES], struct hearth_err *err)
{
    for (unsigned i = 0; i < COPIES; i++) {
        if (read_copy(volume, names[i], &copies[i], err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code open_copies(
    struct volume *volume, struct copy copies[COPIES], bool has_logs, struct hearth_err *err)
{
    if (read_copies(volume, copies, err) != HEARTH_OK) {
        return err->code;
    }
    if (choose(volume, copies, has_logs, err) != HEARTH_OK) {
        return err->code;
    }
    volume->superblock.start_counter++;
    unsigned worse = is_better(&copies[0], &copies[1]) ? 0 : 1;
    struct disk_io names_sync = {.request = DISK_SYNC_DIR};
    if (write_copy(volume, names[worse], &copies[worse], err) != HEARTH_OK ||
        run(volume, &names_sync, err, "sync", "the directory") != HEARTH_OK) {
        return err->code;
    }
    (void)FAILPOINT(STORAGED_SUPERBLOCK_WRITTEN);
    if (write_copy(volume, names[1 - worse], &copies[1 - worse], err) != HEARTH_OK) {
        return err->code;
    }
    return run(volume, &names_sync, err, "sync", "the directory");
}

static void close_copies(struct volume *volume, const struct copy copies[COPIES])
{
    for (unsigned i = 0; i < COPIES; i++) {
        disk_close(volume->disk, copies[i].file);
    }
}

enum hearth_code volume_superblock_open(
    struct volume *volume, bool has_logs, struct hearth_err *err)
{
    struct copy copies[COPIES] = {0};
    enum hearth_code code = open_copies(volume, copies, has_logs, err);
    close_copies(volume, copies);
    return code;
}

enum hearth_code volume_superblock_look(
    struct volume *volume, enum hearth_code states[VOLUME_SUPERBLOCKS], struct hearth_err *err)
{
    struct copy copies[COPIES] = {0};
    enum hearth_code code = read_copies(volume, copies, err);
    close_copies(volume, copies);
    for (unsigned i = 0; i < COPIES; i++) {
        states[i] = copies[i].code;
    }
    if (code == HEARTH_OK && !take_best(volume, copies)) {
        return hearth_fail(err, HEARTH_CHECKSUM,
            "neither superblock.0 nor superblock.1 can be read: this is no volume, or a broken "
            "one");
    }
    return code;
}
