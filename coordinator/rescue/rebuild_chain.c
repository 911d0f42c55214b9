#include "coordinator/rescue/rebuild_chain.h"

#include "common/cleanup.h"
#include "common/failpoint.h"
#include "common/file.h"
#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_changes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define REBUILT_FILE "rebuilt.db"

/* By then what is rebuilt has shipped a snapshot of its own. */
enum { STRAYS_KEPT_MS = 24 * 60 * 60 * 1000 };

/* Shipments of changes between two snapshots: a day of one a minute, and room. */
enum { LINKS_MAX = 100000 };

struct walk {
    const struct rebuild_chain *chain;
    uint64_t links[LINKS_MAX]; /* numbers of changes, newest first; their files are there */
    unsigned link_count;
    uint64_t snapshot; /* 0: not reached */
};

static void path_of(const struct walk *walk, const char *name, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", walk->chain->directory, name);
    assert(length < PATH_MAX);
}

static void changes_path(const struct walk *walk, uint64_t number, char path[PATH_MAX])
{
    char name[40];
    snprintf(name, sizeof(name), "changes-%" PRIu64, number);
    path_of(walk, name, path);
}

/* ---- one shipment into its file ---- */

static enum hearth_code write_part(
    int fd, const struct rebuild_bytes *part, const char *path, struct hearth_err *err)
{
    size_t written = 0;
    while (written < part->bytes.size) {
        ssize_t rc = pwrite(fd, part->bytes.bytes + written, part->bytes.size - written,
            (off_t)(part->head.offset + written));
        if (rc <= 0) {
            return hearth_fail_sys(err, HEARTH_IO, errno, "write %s", path);
        }
        written += (size_t)rc;
    }
    return HEARTH_OK;
}

static enum hearth_code read_part(const struct walk *walk, const struct rebuild_run *shipment,
    uint16_t number, struct rebuild_bytes *out, struct hearth_err *err)
{
    struct rebuild_run part = rebuild_part(shipment, number);
    if (part.count == 0) {
        return hearth_fail(err, HEARTH_SHARDS_LOST, "part %u of shipment %" PRIu64 ": not a shard",
            number, shipment->shards[0].name.number);
    }
    return rebuild_read_blocking(walk->chain->reader, &part, out, err);
}

/* Every part says the same of the whole. */
static bool is_same_shipment(const struct shipment_head *a, const struct shipment_head *b)
{
    return a->kind == b->kind && a->parts == b->parts && a->base == b->base &&
        a->previous == b->previous && a->total == b->total;
}

static enum hearth_code write_parts(const struct walk *walk, const struct rebuild_run *shipment,
    struct rebuild_bytes *first, const char *path, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "create %s", path);
    }
    enum hearth_code code = write_part(fd, first, path, err);
    for (uint16_t i = 1; i < first->head.parts && code == HEARTH_OK; i++) {
        struct rebuild_bytes part = {.plain = NULL};
        code = read_part(walk, shipment, i, &part, err);
        if (code == HEARTH_OK && !is_same_shipment(&part.head, &first->head)) {
            code = hearth_fail(err, HEARTH_CHECKSUM, "part %u is of another shipment", i);
        }
        if (code == HEARTH_OK) {
            code = write_part(fd, &part, path, err);
        }
        free(part.plain);
    }
    if (code == HEARTH_OK && fsync(fd) != 0) {
        code = hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", path);
    }
    return code;
}

static enum hearth_code read_shipment(struct walk *walk, const struct rebuild_run *shipment,
    struct shipment_head *head, struct hearth_err *err)
{
    char path[PATH_MAX];
    struct rebuild_bytes first = {.plain = NULL};
    if (read_part(walk, shipment, 0, &first, err) != HEARTH_OK) {
        return err->code;
    }
    *head = first.head;
    if (head->kind == SHIPMENT_SNAPSHOT) {
        path_of(walk, REBUILT_FILE "-journal", path);
        unlink(path); /* of an attempt that was killed: it must not be played back into this one */
        path_of(walk, REBUILT_FILE, path);
    } else {
        changes_path(walk, head->number, path);
    }
    enum hearth_code code = write_parts(walk, shipment, &first, path, err);
    free(first.plain);
    (void)FAILPOINT(COORDINATOR_REBUILD_READ);
    return code;
}

/* ---- the chain ---- */

static void forget_links(struct walk *walk)
{
    char path[PATH_MAX];
    for (unsigned i = 0; i < walk->link_count; i++) {
        changes_path(walk, walk->links[i], path);
        unlink(path);
    }
    walk->link_count = 0;
}

/* Back from `tip` to its snapshot.  *broken: the one that could not be read. */
static enum hearth_code walk_back(
    struct walk *walk, struct rebuild_run tip, uint64_t *broken, struct hearth_err *err)
{
    struct rebuild_run shipment = tip;
    uint64_t number = tip.shards[0].name.number;
    for (;;) {
        struct shipment_head head;
        *broken = number;
        if (shipment.count == 0) {
            return hearth_fail(
                err, HEARTH_SHARDS_LOST, "shipment %" PRIu64 ": nobody has a shard of it", number);
        }
        if (read_shipment(walk, &shipment, &head, err) != HEARTH_OK) {
            return err->code;
        }
        if (head.kind == SHIPMENT_SNAPSHOT) {
            walk->snapshot = number;
            return HEARTH_OK;
        }
        if (walk->link_count == LINKS_MAX) {
            return hearth_fail(err, HEARTH_INVALID, "a chain of more than %d shipments", LINKS_MAX);
        }
        walk->links[walk->link_count++] = number;
        number = head.previous;
        shipment = rebuild_numbered(walk->chain->found, number);
    }
}

/* A shipment that is passed over was whole once: its seal says so, or one that follows on it. */
static void note_passed(struct rebuild_result *out, const struct rebuild_run *tip, uint64_t broken)
{
    uint64_t number = tip->shards[0].name.number;
    if (out->newest_whole == 0 && (broken != number || rebuild_is_sealed(tip))) {
        out->newest_whole = number;
    }
}

/* The newest whole one. */
static enum hearth_code find_chain(
    struct walk *walk, struct rebuild_result *out, struct hearth_err *err)
{
    const struct rebuild_chain *chain = walk->chain;
    struct rebuild_run tip = rebuild_before(chain->found, UINT64_MAX);
    out->newest_known = tip.count > 0 ? tip.shards[0].name.number : 0;
    while (tip.count > 0) {
        uint64_t broken;
        enum hearth_code code = walk_back(walk, tip, &broken, err);
        if (code == HEARTH_OK) {
            out->newest_used = tip.shards[0].name.number;
            out->newest_whole = out->newest_whole == 0 ? out->newest_used : out->newest_whole;
            out->snapshot = walk->snapshot;
            out->changes = walk->link_count;
            return HEARTH_OK;
        }
        if (code == HEARTH_IO || code == HEARTH_NO_SPACE || code == HEARTH_NO_MEMORY) {
            return code; /* ours, not the nodes' */
        }
        note_passed(out, &tip, broken);
        chain->unreadable(chain->context, broken, err->message);
        forget_links(walk);
        tip = rebuild_before(chain->found, broken);
    }
    return hearth_fail(err, HEARTH_NOT_FOUND,
        out->newest_known == 0 ? "no node that answers has a shipment"
                               : "no snapshot with what follows on it can be read");
}

/* ---- the database ---- */

static enum hearth_code apply_link(struct walk *walk, uint64_t number, struct hearth_err *err)
{
    char changes[PATH_MAX];
    char database[PATH_MAX];
    struct arena arena;
    struct view bytes;
    changes_path(walk, number, changes);
    path_of(walk, REBUILT_FILE, database);
    arena_init(&arena, 0);
    enum hearth_code code =
        file_read_whole(changes, (size_t)16 * META_CHANGES_BYTES_MAX, &arena, &bytes, err);
    if (code == HEARTH_OK) {
        code = meta_changes_apply(database, bytes, err);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code sync_path(const char *path, int flags, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, flags | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? HEARTH_OK
                                     : hearth_fail_sys(err, HEARTH_IO, errno, "sync %s", path);
}

/* The newest shipment is not in the metadata that it carries; nor is anything newer. */
static enum hearth_code finish(struct walk *walk, const struct rebuild_result *result,
    const char *path, struct hearth_err *err)
{
    const struct rebuild_found *found = walk->chain->found;
    struct meta_stray *strays = calloc(found->count, sizeof(*strays));
    if (strays == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "shards of the newest shipment");
    }
    struct meta_rebuilt rebuilt = {.clock_ms = result->newest_known + 1,
        .strays = strays,
        .strays_not_before_ms = env_unix_ms(walk->chain->reader->env) + STRAYS_KEPT_MS};
    for (size_t i = 0; i < found->count && found->shards[i].name.number >= result->newest_used;
         i++) {
        const struct rebuild_shard *shard = &found->shards[i];
        struct meta_stray *stray = &strays[rebuilt.stray_count++];
        memcpy(stray->node.bytes, walk->chain->reader->nodes[shard->node].node_id.bytes,
            sizeof(stray->node.bytes));
        memcpy(stray->shard.bytes, shard->id, sizeof(stray->shard.bytes));
    }
    enum hearth_code code = meta_rebuilt_finish(path, &rebuilt, err);
    free(strays);
    return code;
}

/* So many nodes acknowledge a shipment like this one. */
static unsigned acknowledging(const struct shipment_name *name)
{
    for (unsigned i = 0; i < profile_count; i++) {
        if (profile_table[i].k == name->k && profile_table[i].n == name->n) {
            return profile_table[i].w;
        }
    }
    return name->k;
}

/* Fewer nodes do not answer than hold a seal: had anything newer been shipped, it would be seen. */
static enum hearth_code check_fresh(const struct walk *walk, const struct rebuild_result *result,
    const char *path, struct hearth_err *err)
{
    const struct rebuild_chain *chain = walk->chain;
    struct rebuild_run used = rebuild_numbered(chain->found, result->newest_used);
    struct meta_rebuilt_fleet fleet;
    if (chain->accepts_older) {
        return HEARTH_OK;
    }
    if (meta_rebuilt_fleet(path, &chain->asked, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    return fleet.silent < acknowledging(&used.shards[0].name)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_SHARDS_LOST,
              "%zu of %zu nodes do not answer: what is newer may be with them alone", fleet.silent,
              fleet.nodes);
}

static enum hearth_code make_database(
    struct walk *walk, const struct rebuild_result *result, struct hearth_err *err)
{
    char rebuilt[PATH_MAX];
    char database[PATH_MAX];
    path_of(walk, REBUILT_FILE, rebuilt);
    path_of(walk, "meta.db", database);
    for (unsigned i = walk->link_count; i > 0; i--) {
        if (apply_link(walk, walk->links[i - 1], err) != HEARTH_OK) {
            return hearth_err_prefix(err, "shipment %" PRIu64, walk->links[i - 1]);
        }
    }
    if (check_fresh(walk, result, rebuilt, err) != HEARTH_OK ||
        finish(walk, result, rebuilt, err) != HEARTH_OK ||
        sync_path(rebuilt, O_RDWR, err) != HEARTH_OK) {
        return err->code;
    }
    (void)FAILPOINT(COORDINATOR_REBUILD_APPLIED);
    if (rename(rebuilt, database) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", rebuilt);
    }
    enum hearth_code code = sync_path(walk->chain->directory, O_RDONLY | O_DIRECTORY, err);
    (void)FAILPOINT(COORDINATOR_REBUILD_NAMED);
    return code;
}

enum hearth_code rebuild_chain_blocking(
    const struct rebuild_chain *chain, struct rebuild_result *out, struct hearth_err *err)
{
    *out = (struct rebuild_result){.newest_used = 0};
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a chain of shipments");
    }
    walk->chain = chain;
    enum hearth_code code = find_chain(walk, out, err);
    if (code == HEARTH_OK && out->newest_used < out->newest_whole && !chain->accepts_older) {
        code = hearth_fail(err, HEARTH_SHARDS_LOST,
            "shipment %" PRIu64 " was whole, and %" PRIu64 " is the newest that can be read",
            out->newest_whole, out->newest_used);
    }
    if (code == HEARTH_OK) {
        code = make_database(walk, out, err);
    }
    forget_links(walk);
    free(walk);
    return code;
}
