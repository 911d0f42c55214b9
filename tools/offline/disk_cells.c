#include "tools/offline/disk_cells.h"

#include "client/shard_tag.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct meta_segment *segment;
    struct ec_stripes stripes;
    struct shard_tagger *tagger;
    struct ec_codec *codec;
    struct disk_shard *shards[META_SLOTS_MAX];
    struct ec_slots have; /* every cell so far is true */
    struct fsck_slot *out;
    size_t cells_size; /* of one slot's, all stripes */
    uint8_t *cells;    /* n times that, as read; a stripe's are EC_CELL_SIZE_MAX apart */
    uint8_t *rebuilt;  /* n of the largest size: of one stripe */
};

static void give_up(struct check *check, unsigned slot, const struct hearth_err *err)
{
    check->out[slot].code = err->code;
    check->out[slot].err = *err;
    ec_slots_remove(&check->have, slot);
}

static uint8_t *cell_at(const struct check *check, unsigned slot, unsigned stripe)
{
    return check->cells + slot * check->cells_size + (size_t)stripe * EC_CELL_SIZE_MAX;
}

/* ---- one shard, from its first byte to its last ---- */

/* The stripe's cell and tag, taken from what was read, into cells. */
static bool take_cell(struct check *check, unsigned slot, unsigned stripe, struct view *read)
{
    const size_t size = ec_stripes_cell_size(&check->stripes, stripe);
    struct hearth_err err;
    if (read->size < size + EC_CELL_TAG_SIZE ||
        !shard_tag_fits(
            check->tagger, slot, stripe, view_of(read->bytes, size), read->bytes + size)) {
        hearth_fail(&err, HEARTH_CHECKSUM, "the cell of stripe %u does not fit its tag", stripe);
        give_up(check, slot, &err);
        return false;
    }
    memcpy(cell_at(check, slot, stripe), read->bytes, size);
    *read = view_of(read->bytes + size + EC_CELL_TAG_SIZE, read->size - size - EC_CELL_TAG_SIZE);
    return true;
}

/* The slot is no longer had when one of its cells is not true. */
static void read_shard(struct check *check, unsigned slot)
{
    const unsigned count = check->stripes.stripe_count;
    for (unsigned first = 0; first < count; first += VOLUME_READ_CELLS_MAX) {
        const unsigned end =
            first + VOLUME_READ_CELLS_MAX < count ? first + VOLUME_READ_CELLS_MAX : count;
        struct view cells;
        struct hearth_err err;
        if (disk_shard_read(check->shards[slot], first, end - first, &cells, &err) != HEARTH_OK) {
            give_up(check, slot, &err);
            return;
        }
        for (unsigned stripe = first; stripe < end; stripe++) {
            if (!take_cell(check, slot, stripe, &cells)) {
                return;
            }
        }
    }
}

/* ---- the code ---- */

/* k of the cells give the others. */
static enum hearth_code check_code(struct check *check, unsigned stripe, struct hearth_err *err)
{
    size_t size = ec_stripes_cell_size(&check->stripes, stripe);
    uint8_t *cells[META_SLOTS_MAX] = {0};
    struct ec_slots sources = {{0}};
    struct ec_slots others = {{0}};
    if (ec_slots_count(check->have) <= check->segment->k) {
        return HEARTH_OK; /* there is none to be compared */
    }
    for (unsigned slot = 0; slot < check->segment->n; slot++) {
        /* From the other end in every second stripe: each shard is a source and a result. */
        unsigned at = stripe % 2 == 0 ? slot : check->segment->n - 1u - slot;
        if (!ec_slots_has(check->have, at)) {
            continue;
        }
        bool is_source = ec_slots_count(sources) < check->segment->k;
        ec_slots_add(is_source ? &sources : &others, at);
        cells[at] =
            is_source ? cell_at(check, at, stripe) : check->rebuilt + (size_t)at * EC_CELL_SIZE_MAX;
    }
    if (ec_codec_rebuild(check->codec, size, cells, sources, others, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned slot = ec_slots_next(others, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(others, slot + 1)) {
        if (memcmp(cells[slot], cell_at(check, slot, stripe), size) != 0) {
            struct hearth_err wrong;
            hearth_fail(&wrong, HEARTH_CHECKSUM, "stripe %u is not what others say", stripe);
            give_up(check, slot, &wrong);
        }
    }
    return HEARTH_OK;
}

static enum hearth_code check_stripes(struct check *check, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (unsigned slot = ec_slots_next(check->have, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(check->have, slot + 1)) {
        read_shard(check, slot);
    }
    for (unsigned stripe = 0; stripe < check->stripes.stripe_count && code == HEARTH_OK; stripe++) {
        code = check_code(check, stripe, err);
    }
    return code;
}

static enum hearth_code prepare(struct check *check, struct hearth_err *err)
{
    const struct meta_segment *segment = check->segment;
    struct verify_key key;
    static_assert(sizeof(key.bytes) == sizeof(segment->vk), "the same key");
    memcpy(key.bytes, segment->vk, sizeof(key.bytes));
    if (ec_stripes_init(&check->stripes, segment->k, segment->length, err) != HEARTH_OK) {
        return err->code;
    }
    check->cells_size = (size_t)check->stripes.stripe_count * EC_CELL_SIZE_MAX;
    check->tagger = shard_tagger_create(&key);
    check->cells = malloc(segment->n * check->cells_size + 1);
    check->rebuilt = malloc((size_t)segment->n * EC_CELL_SIZE_MAX);
    if (check->cells == NULL || check->rebuilt == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "shards of %u slots", segment->n);
    }
    return ec_codec_create((unsigned)segment->codec, segment->k, segment->n, &check->codec, err);
}

static void open_shard(
    struct check *check, unsigned slot, struct disk_node *node, const uint8_t id[SHARD_ID_SIZE])
{
    struct hearth_err err;
    if (disk_shard_open(node, id, &check->shards[slot], &err) != HEARTH_OK) {
        check->out[slot].code = err.code;
        check->out[slot].err = err;
        return;
    }
    const struct volume_shard_info *info = disk_shard_info(check->shards[slot]);
    if (info->slot != slot || info->cell_count != check->stripes.stripe_count) {
        hearth_fail(
            &err, HEARTH_CHECKSUM, "it is %u cells of slot %u", info->cell_count, info->slot);
        give_up(check, slot, &err);
        return;
    }
    ec_slots_add(&check->have, slot);
}

static void open_shards(struct check *check, disk_finder_fn *find, void *context)
{
    for (unsigned slot = 0; slot < check->segment->n; slot++) {
        uint8_t id[SHARD_ID_SIZE];
        struct disk_node *node = check->segment->holders[slot].node == 0
            ? NULL
            : find(context, check->segment, slot, id);
        if (node != NULL) {
            open_shard(check, slot, node, id);
        }
    }
}

static void release(struct check *check)
{
    for (unsigned slot = 0; slot < META_SLOTS_MAX; slot++) {
        disk_shard_close(check->shards[slot]);
    }
    free(check->cells);
    free(check->rebuilt);
    shard_tagger_destroy(check->tagger);
    ec_codec_destroy(check->codec);
}

enum hearth_code disk_cells_check(const struct meta_segment *segment, disk_finder_fn *find,
    void *context, struct fsck_slot *out, struct hearth_err *err)
{
    struct check check = {.segment = segment, .out = out};
    enum hearth_code code = prepare(&check, err);
    if (code == HEARTH_OK) {
        open_shards(&check, find, context);
        code = check_stripes(&check, err);
    }
    release(&check);
    return code;
}
