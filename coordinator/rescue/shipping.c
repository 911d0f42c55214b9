#include "coordinator/rescue/shipping.h"

#include "common/cleanup.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_changes.h"
#include "coordinator/meta/meta_object.h"
#include "coordinator/meta/meta_shipment.h"
#include "coordinator/rescue/shipment.h"
#include "coordinator/rescue/shipped_base.h"
#include "coordinator/rescue/shipping_retire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* In the directory of the metadata, until it is shipped. */
#define SNAPSHOT_FILE "shipment.partial"

enum {
    /* Changes may outgrow the snapshot they follow on by this before there is a new one. */
    CHANGES_LEAST = 64 << 20,
};

struct shipping {
    struct coordinator *coordinator;
    struct repair_session *session;
    struct shipment_keys keys;

    /* The duty's thread. */
    uint64_t base;  /* 0: the next is a snapshot */
    uint64_t drawn; /* the highest number so far, also of what failed */
    uint64_t snapshot_at_ms;
    bool has_begun;                /* a chain of its own, or the one of before the start */
    struct shipment_cargo changes; /* cut, not shipped yet */
    uint64_t cut_at_ms;

    struct {
        pthread_mutex_t mutex;
        struct shipping_state state;
    } shared;
};

struct shipping *shipping_create(struct coordinator *coordinator, struct repair_session *session)
{
    struct shipping *shipping = calloc(1, sizeof(*shipping));
    if (shipping != NULL) {
        shipping->coordinator = coordinator;
        shipping->session = session;
        shipping->changes.fd = -1;
        shipment_keys_init(&shipping->keys, coordinator->cluster->master);
        pthread_mutex_init(&shipping->shared.mutex, NULL);
        shipping->shared.state.started_ms = meta_now_ms(coordinator->store);
    }
    return shipping;
}

static void drop_changes(struct shipping *shipping)
{
    if (shipping->changes.fd >= 0) {
        close(shipping->changes.fd);
    }
    shipping->changes = (struct shipment_cargo){.fd = -1};
}

void shipping_destroy(struct shipping *shipping)
{
    if (shipping == NULL) {
        return;
    }
    drop_changes(shipping);
    shipment_keys_fini(&shipping->keys);
    pthread_mutex_destroy(&shipping->shared.mutex);
    free(shipping);
}

void shipping_state(struct shipping *shipping, struct shipping_state *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&shipping->shared.mutex);
    *out = shipping->shared.state;
}

/* ---- one shipment ---- */

/* Higher than any before, also those of a coordinator whose copy we are: its time is recorded. */
static uint64_t draw_number(struct shipping *shipping)
{
    uint64_t now = meta_now_ms(shipping->coordinator->store);
    shipping->drawn = now > shipping->drawn ? now : shipping->drawn + 1;
    return shipping->drawn;
}

static enum hearth_code ship(struct shipping *shipping, struct duty *duty, enum shipment_kind kind,
    const struct shipment_cargo *cargo, struct shipment_sent *out, struct hearth_err *err)
{
    struct shipping_state state;
    shipping_state(shipping, &state);
    const struct shipment_order order = {.coordinator = shipping->coordinator,
        .session = shipping->session,
        .keys = &shipping->keys,
        .kind = kind,
        .number = draw_number(shipping),
        .base = shipping->base,
        .previous = state.newest,
        .cargo = cargo};
    return shipment_send_blocking(&order, duty, out, err);
}

/* ---- snapshots ---- */

static enum hearth_code copy_path(
    const struct shipping *shipping, char path[PATH_MAX], struct hearth_err *err)
{
    const char *directory = shipping->coordinator->settings->metadata;
    return snprintf(path, PATH_MAX, "%s/" SNAPSHOT_FILE, directory) < PATH_MAX
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "path of " SNAPSHOT_FILE " is too long");
}

/* The copy, open. */
static enum hearth_code take_snapshot(
    struct shipping *shipping, struct shipment_cargo *cargo, struct hearth_err *err)
{
    char path[PATH_MAX];
    struct stat status;
    if (copy_path(shipping, path, err) != HEARTH_OK) {
        return err->code;
    }
    unlink(path); /* of a process that was killed, or a shipment that failed */
    if (meta_snapshot(shipping->coordinator->store, path, err) != HEARTH_OK) {
        return err->code;
    }
    cargo->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (cargo->fd < 0 || fstat(cargo->fd, &status) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", path);
    }
    cargo->size = (uint64_t)status.st_size;
    (void)FAILPOINT(COORDINATOR_SHIP_COPIED);
    return HEARTH_OK;
}

static void keep_or_remove_copy(struct shipping *shipping, bool is_shipped, uint64_t number)
{
    char path[PATH_MAX];
    struct hearth_err err;
    if (copy_path(shipping, path, &err) != HEARTH_OK) {
        return;
    }
    if (is_shipped &&
        shipped_base_keep(shipping->coordinator->settings->metadata, path, number, &err) !=
            HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=shipping error=\"%s\"", err.message);
    }
    unlink(path);
}

static void note_shipped(struct shipping *shipping, enum shipment_kind kind, uint64_t number,
    uint64_t at_ms, uint64_t bytes)
{
    (void)FAILPOINT(COORDINATOR_SHIP_COMMITTED);
    log_write(LOG_METADATA_SHIPPED, "shipment=%ju kind=%s bytes=%ju", (uintmax_t)number,
        kind == SHIPMENT_SNAPSHOT ? "snapshot" : "changes", (uintmax_t)bytes);
    UNLOCKS pthread_mutex_t *held = lock(&shipping->shared.mutex);
    struct shipping_state *state = &shipping->shared.state;
    state->newest = number;
    state->newest_at_ms = at_ms;
    if (kind == SHIPMENT_SNAPSHOT) {
        state->snapshot_bytes = bytes;
        state->changes_bytes = 0;
    } else {
        state->changes_bytes += bytes;
    }
}

static enum hearth_code ship_copy(struct shipping *shipping, struct duty *duty,
    const struct shipment_cargo *cargo, uint64_t taken_ms, struct hearth_err *err)
{
    struct shipment_sent shipped;
    enum hearth_code code = ship(shipping, duty, SHIPMENT_SNAPSHOT, cargo, &shipped, err);
    keep_or_remove_copy(shipping, code == HEARTH_OK, shipped.number);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "snapshot");
    }
    shipping->base = shipped.number;
    shipping->snapshot_at_ms = taken_ms;
    shipping->has_begun = true;
    note_shipped(shipping, SHIPMENT_SNAPSHOT, shipped.number, taken_ms, cargo->size);
    return shipping_retire_old(shipping->coordinator, shipped.bucket, err);
}

/* ---- changes ---- */

static enum hearth_code keep_changes(
    struct shipping *shipping, const uint8_t *bytes, size_t size, struct hearth_err *err)
{
    shipping->changes.fd = memfd_create("hearth-shipment", MFD_CLOEXEC);
    size_t written = 0;
    while (shipping->changes.fd >= 0 && written < size) {
        ssize_t rc = write(shipping->changes.fd, bytes + written, size - written);
        if (rc <= 0) {
            break;
        }
        written += (size_t)rc;
    }
    if (written < size) {
        hearth_fail_sys(err, HEARTH_NO_MEMORY, errno, "keep %zu bytes of changes", size);
        drop_changes(shipping);
        return err->code;
    }
    shipping->changes.size = size;
    return HEARTH_OK;
}

/* Nothing new is cut before what was cut has gone. */
static enum hearth_code cut_changes(struct shipping *shipping, struct hearth_err *err)
{
    if (shipping->changes.fd >= 0) {
        return HEARTH_OK;
    }
    size_t size = 0;
    FREES uint8_t *bytes = NULL;
    shipping->cut_at_ms = meta_now_ms(shipping->coordinator->store);
    enum hearth_code code = meta_changes_since(shipping->coordinator->store, &bytes, &size, err);
    return code == HEARTH_OK && size > 0 ? keep_changes(shipping, bytes, size, err) : code;
}

static enum hearth_code ship_changes(
    struct shipping *shipping, struct duty *duty, struct hearth_err *err)
{
    struct shipment_sent shipped;
    if (cut_changes(shipping, err) != HEARTH_OK) {
        shipping->base = 0; /* what is lost of the chain is in the next snapshot */
        return hearth_err_prefix(err, "changes");
    }
    if (shipping->changes.fd < 0) {
        return HEARTH_OK;
    }
    if (ship(shipping, duty, SHIPMENT_CHANGES, &shipping->changes, &shipped, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "changes");
    }
    note_shipped(
        shipping, SHIPMENT_CHANGES, shipped.number, shipping->cut_at_ms, shipping->changes.size);
    drop_changes(shipping);
    return HEARTH_OK;
}

/* ---- after a start ---- */

/* Each of its segments is at as many nodes as acknowledged it. */
static bool is_held(const struct meta_object *object)
{
    bool held = object->segment_count > 0 && object->next_cursor == 0;
    for (size_t i = 0; i < object->segment_count && held; i++) {
        const struct meta_segment *segment = &object->segments[i];
        const struct profile *profile = profile_by_number(segment->profile);
        unsigned holders = 0;
        for (unsigned slot = 0; slot < segment->n; slot++) {
            holders += segment->holders[slot].node != 0;
        }
        held = profile != NULL && holders >= profile->w && segment->dying_ms == 0;
    }
    return held;
}

/* It was committed, and is still all there: also after a restore, or when it was deleted. */
static bool is_whole(const struct shipping *shipping, uint64_t number)
{
    struct meta_store *store = shipping->coordinator->store;
    struct arena arena;
    struct meta_bucket bucket;
    struct meta_object object;
    struct hearth_err err;
    char key[SHIPMENT_KEY_MAX];
    arena_init(&arena, 0);
    shipment_write_key(key, number, SHIPMENT_SNAPSHOT);
    bool whole = meta_bucket_get(store, view_text(META_SHIPMENT_BUCKET), &arena, &bucket, &err) ==
            HEARTH_OK &&
        meta_lookup(store, &(struct meta_lookup){.bucket = bucket.id, .key = view_text(key)},
            &arena, &object, &err) == HEARTH_OK &&
        is_held(&object);
    arena_fini(&arena);
    return whole;
}

/* What makes the copy of now of the one that was shipped before the start is what is shipped. */
static enum hearth_code follow_on(
    struct shipping *shipping, const struct shipped_base *base, struct hearth_err *err)
{
    char path[PATH_MAX];
    size_t size = 0;
    FREES uint8_t *bytes = NULL;
    if (copy_path(shipping, path, err) != HEARTH_OK ||
        meta_changes_between(base->path, path, &bytes, &size, err) != HEARTH_OK ||
        (size > 0 && keep_changes(shipping, bytes, size, err) != HEARTH_OK)) {
        return err->code;
    }
    shipping->base = base->number;
    shipping->snapshot_at_ms = base->number;
    shipping->has_begun = true;
    UNLOCKS pthread_mutex_t *held = lock(&shipping->shared.mutex);
    shipping->shared.state.newest = base->number;
    shipping->shared.state.snapshot_bytes = base->size;
    return HEARTH_OK;
}

/* False: there is no recent snapshot at the nodes, or too much has changed. */
static bool resume(struct shipping *shipping, uint64_t copied_ms)
{
    const struct settings *settings = shipping->coordinator->settings;
    struct shipped_base base;
    struct hearth_err err;
    if (shipping->has_begun || !shipped_base_find(settings->metadata, &base) ||
        base.number + settings->snapshot_interval_ms <= copied_ms ||
        !is_whole(shipping, base.number) || follow_on(shipping, &base, &err) != HEARTH_OK) {
        return false;
    }
    shipping->cut_at_ms = copied_ms;
    keep_or_remove_copy(shipping, false, 0);
    return true;
}

static enum hearth_code ship_snapshot(
    struct shipping *shipping, struct duty *duty, struct hearth_err *err)
{
    struct shipment_cargo cargo = {.fd = -1};
    shipping->base = 0;
    drop_changes(shipping);
    uint64_t now = meta_now_ms(shipping->coordinator->store);
    enum hearth_code code = take_snapshot(shipping, &cargo, err);
    if (code != HEARTH_OK) {
        hearth_err_prefix(err, "snapshot");
    } else {
        code = resume(shipping, now) ? ship_changes(shipping, duty, err)
                                     : ship_copy(shipping, duty, &cargo, now, err);
    }
    if (cargo.fd >= 0) {
        close(cargo.fd);
    }
    return code;
}

/* ---- a round ---- */

static bool is_snapshot_due(struct shipping *shipping)
{
    struct shipping_state state;
    shipping_state(shipping, &state);
    return shipping->base == 0 ||
        meta_now_ms(shipping->coordinator->store) >=
        shipping->snapshot_at_ms + shipping->coordinator->settings->snapshot_interval_ms ||
        state.changes_bytes > state.snapshot_bytes + CHANGES_LEAST;
}

static void note_round(struct shipping *shipping, enum hearth_code code)
{
    UNLOCKS pthread_mutex_t *held = lock(&shipping->shared.mutex);
    shipping->shared.state.failed = code == HEARTH_OK ? 0 : shipping->shared.state.failed + 1;
}

void shipping_round(struct duty *duty, void *context)
{
    struct shipping *shipping = context;
    struct hearth_err err = {.code = HEARTH_OK};
    enum hearth_code code = is_snapshot_due(shipping) ? ship_snapshot(shipping, duty, &err)
                                                      : ship_changes(shipping, duty, &err);
    note_round(shipping, code);
    if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=shipping error=\"%s\"", err.message);
    }
}
