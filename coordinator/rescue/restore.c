#include "coordinator/rescue/restore.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "coordinator/cluster.h"
#include "coordinator/rescue/restore_place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { COPY_CHUNK = 1 << 20 };

/* ---- a coordinator that does not run ---- */

static enum hearth_code copy_bytes(
    const struct restore_place *place, int from, int to, uint8_t *chunk, struct hearth_err *err)
{
    for (;;) {
        ssize_t got = read(from, chunk, COPY_CHUNK);
        if (got < 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "read the backup");
        }
        if (got == 0) {
            return HEARTH_OK;
        }
        if (restore_place_write(place, to, view_of(chunk, (size_t)got), err) != HEARTH_OK) {
            return err->code;
        }
    }
}

/* Copied, and found to be what it should be. */
static enum hearth_code stage(struct restore_place *place, const char *file,
    const uint8_t cluster[PKI_CLUSTER_SIZE], struct hearth_err *err)
{
    struct meta_backup_facts facts;
    CLOSES_FD int to = -1;
    CLOSES_FD int from = open(file, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return hearth_fail_sys(
            err, errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO, errno, "open %s", file);
    }
    FREES uint8_t *chunk = malloc(COPY_CHUNK);
    if (chunk == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "chunk");
    }
    const uint64_t epoch =
        access(place->database, F_OK) == 0 ? meta_backup_epoch(place->database) : 0;
    if (restore_place_open(place, &to, err) != HEARTH_OK ||
        copy_bytes(place, from, to, chunk, err) != HEARTH_OK) {
        return err->code;
    }
    return restore_place_check(place, to, cluster, epoch, &facts, err);
}

static enum hearth_code put_in_place(struct restore_place *place, FILE *out, struct hearth_err *err)
{
    bool is_aside;
    struct hearth_err damage;
    enum hearth_code code = restore_place_take(place, &is_aside, &damage, err);
    if (damage.message[0] != '\0') {
        fprintf(out, "damaged:    what was there: %s\n", damage.message);
    }
    if (code == HEARTH_OK && is_aside) {
        fprintf(out, "aside:      %s\n", place->aside);
    }
    return code;
}

static enum hearth_code restore_locked(struct restore_place *place, const char *file, bool replaces,
    const uint8_t cluster[PKI_CLUSTER_SIZE], struct hearth_err *err)
{
    if (access(place->database, F_OK) == 0 && !replaces) {
        return hearth_fail(
            err, HEARTH_EXISTS, "%s is there; --replace puts it aside", place->database);
    }
    enum hearth_code code = stage(place, file, cluster, err);
    if (code != HEARTH_OK) {
        restore_place_discard(place);
    }
    return code;
}

enum hearth_code coordinator_restore(const struct settings *settings, const char *file,
    bool replaces, struct env *env, FILE *out, struct hearth_err *err)
{
    struct restore_place place;
    struct cluster *cluster;
    CLOSES_FD int lock_fd = -1;
    if (restore_place_init(&place, settings->metadata, env, err) != HEARTH_OK ||
        cluster_open(settings->directory, env, &cluster, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = file_make_directories(settings->metadata, 0700, err);
    if (code == HEARTH_OK) {
        code = restore_place_lock(settings->metadata, &lock_fd, err);
    }
    if (code == HEARTH_OK) {
        code = restore_locked(&place, file, replaces, cluster->id, err);
    }
    if (code == HEARTH_OK) {
        code = put_in_place(&place, out, err);
    }
    cluster_close(cluster);
    if (code == HEARTH_OK) {
        fprintf(out,
            "restored:   %s\nNothing is deleted at nodes until `hearth-admin gc release`; "
            "`hearth-admin"
            " fsck` lists the\nshards of what was stored since.\n",
            place.database);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "restore %s", file);
}

/* ---- one that runs ---- */

enum hearth_code restore_order_open(struct restore_order *order, struct hearth_err *err)
{
    *order = (struct restore_order){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return order->fd >= 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, errno, "eventfd");
}

void restore_order_close(struct restore_order *order)
{
    if (order->fd >= 0) {
        close(order->fd);
    }
}

void restore_order_give(struct restore_order *order, const struct restore_place *place)
{
    const uint64_t one = 1;
    order->place = *place;
    order->is_given = true;
    ssize_t put = write(order->fd, &one, sizeof(one));
    assert(put == (ssize_t)sizeof(one));
}

enum hearth_code restore_order_carry_out(struct restore_order *order, struct hearth_err *err)
{
    bool is_aside;
    struct hearth_err damage;
    uint64_t count;
    CLOSES_FD int lock_fd = -1;
    assert(order->is_given);
    order->is_given = false;
    ssize_t got = read(order->fd, &count, sizeof(count));
    assert(got == (ssize_t)sizeof(count));
    if (restore_place_lock(order->place.folder, &lock_fd, err) != HEARTH_OK ||
        restore_place_take(&order->place, &is_aside, &damage, err) != HEARTH_OK) {
        restore_place_discard(&order->place);
        return err->code;
    }
    return HEARTH_OK;
}
