#include "coordinator/rescue/shipment_put.h"

#include "client/segment_image.h"
#include "common/cleanup.h"
#include "coordinator/repair/repair_write.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/segment_receipts.h"

#include <assert.h>
#include <errno.h>

enum {
    STALL_MS = 5000, /* a holder without progress for this long is given up */
    LEAST_MS = 30 * 1000,
    BYTES_PER_MS = 256, /* the slowest uplink that is waited for: a quarter of a MiB a second */
    PLAIN_MAX = SHIPMENT_PART_MAX + (64 << 10), /* head and padding included; whole units */
};

/* One part with what it needs. */
struct put {
    const struct shipment_part *part;
    struct arena arena;
    uint64_t deadline_ns;
    struct meta_id segment;
    struct verify_key vk;
    size_t plain_size;
    uint64_t shard_size;
    size_t filled; /* bytes of the plaintext that are in the image */
    uint8_t head[SHIPMENT_HEAD_SIZE];

    struct cell_pool pool;
    struct seal_writer *seal;
    struct segment_image *image;
    struct shard_inbox *inbox;
    struct repair_write write;
    struct repair_target targets[META_SLOTS_MAX];
};

/* ---- where to ---- */

static enum hearth_code choose(struct put *put, struct place_choice *choice, struct hearth_err *err)
{
    struct coordinator *coordinator = put->part->coordinator;
    struct place_fleet fleet;
    const struct place_query query = {
        .want = put->part->profile->n,
        .least = put->part->profile->w,
        .free_bytes_min = put->shard_size,
        .allow_colocation = coordinator->settings->allow_colocation,
    };
    if (node_table_fleet(coordinator->nodes, &put->arena, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    return place_choose(&fleet, &query, coordinator->env, choice, err);
}

static enum hearth_code open_segment(
    struct put *put, struct meta_offers *offers, struct hearth_err *err)
{
    const struct profile *profile = put->part->profile;
    struct place_choice choice;
    struct meta_offer wanted[META_SLOTS_MAX];
    if (choose(put, &choice, err) != HEARTH_OK) {
        return err->code;
    }
    for (uint16_t slot = 0; slot < choice.count; slot++) {
        wanted[slot] = (struct meta_offer){.slot = slot, .node = choice.nodes[slot]};
    }
    struct meta_segment_open request = {
        .intent = put->part->intent,
        .segment = put->segment,
        .k = profile->k,
        .n = profile->n,
        .w = profile->w,
        .offers = wanted,
        .offer_count = choice.count,
    };
    static_assert(sizeof(request.vk) == sizeof(put->vk.bytes), "the same key");
    memcpy(request.vk, put->vk.bytes, sizeof(request.vk));
    return meta_segment_open(put->part->coordinator->store, &request, offers, err);
}

static enum hearth_code plan_targets(struct put *put, struct hearth_err *err)
{
    struct meta_offers offers;
    const struct wire_placement *placements;
    const struct segment_putting putting = {
        .segment = put->segment, .size_max = put->shard_size, .session_id = put->part->session_id};
    if (open_segment(put, &offers, err) != HEARTH_OK ||
        segment_offers_to_wire(put->part->coordinator, &putting, &offers, &put->arena, &placements,
            err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < offers.count; i++) {
        put->targets[put->write.target_count++] = (struct repair_target){
            .slot = placements[i].slot,
            .p = placements[i].number,
            .node = offers.offers[i].node,
            .door = {.node = placements[i].node, .order = placements[i].order},
        };
    }
    return HEARTH_OK;
}

/* ---- the plaintext ---- */

/* `size` bytes of the shipment; the file is ours, so it has them. */
static enum hearth_code read_bytes(
    const struct put *put, uint8_t *out, size_t size, uint64_t offset, struct hearth_err *err)
{
    while (size > 0) {
        ssize_t got = pread(put->part->fd, out, size, (off_t)offset);
        if (got <= 0) {
            return hearth_fail_sys(err, HEARTH_IO, got < 0 ? errno : 0, "read the shipment");
        }
        out += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return HEARTH_OK;
}

/* Head, bytes of the file, zeros: what of them lies in [filled, filled + size). */
static enum hearth_code fill(struct put *put, uint8_t *out, size_t size, struct hearth_err *err)
{
    const struct shipment_head *head = &put->part->head;
    size_t at = put->filled;
    const size_t end = at + size;
    const size_t bytes_end = SHIPMENT_HEAD_SIZE + (size_t)head->size;
    memset(out, 0, size);
    if (at == 0) {
        assert(size >= SHIPMENT_HEAD_SIZE);
        memcpy(out, put->head, SHIPMENT_HEAD_SIZE);
        out += SHIPMENT_HEAD_SIZE;
        at = SHIPMENT_HEAD_SIZE;
    }
    put->filled = end;
    size_t wanted = end < bytes_end ? end : bytes_end;
    return at < wanted
        ? read_bytes(put, out, wanted - at, head->offset + at - SHIPMENT_HEAD_SIZE, err)
        : HEARTH_OK;
}

/* One unit more; the last one ends the image. */
static enum hearth_code fill_unit(struct put *put, struct hearth_err *err)
{
    size_t left = put->plain_size - put->filled;
    size_t size = left < EC_UNIT_PLAIN_SIZE ? left : EC_UNIT_PLAIN_SIZE;
    uint8_t *unit = segment_image_unit(put->image);
    if (unit == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "unit of a shipment");
    }
    if (fill(put, unit, size, err) != HEARTH_OK ||
        segment_image_seal(put->image, size, err) != HEARTH_OK) {
        return err->code;
    }
    return put->filled == put->plain_size ? segment_image_end(put->image, err) : HEARTH_OK;
}

/* ---- on its way ---- */

static bool is_late(const struct put *put)
{
    return env_now_ns(put->part->coordinator->env) >= put->deadline_ns;
}

/* Handles what came; false: nothing did for STALL_MS, or until the deadline. */
static bool pump(struct put *put)
{
    struct env *env = put->part->coordinator->env;
    uint64_t until = env_now_ns(env) + UINT64_C(1000000) * STALL_MS;
    until = until < put->deadline_ns ? until : put->deadline_ns;
    struct shard_event event;
    bool any = false;
    while (!any && env_now_ns(env) < until) {
        shard_net_wait(put->part->net, put->inbox, until);
        while (shard_inbox_take(put->inbox, &event)) {
            repair_write_event(&put->write, &event);
            any = true;
        }
    }
    return any;
}

/* Fewer than w can still succeed. */
static enum hearth_code check_going(const struct put *put, struct hearth_err *err)
{
    if (is_late(put)) {
        return hearth_fail(err, HEARTH_DEADLINE, "not stored in time");
    }
    unsigned going = repair_write_going(&put->write);
    return going >= put->part->profile->w
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_SHARDS_LOST, "%u of %u nodes take their shard, %u are needed",
              going, put->write.target_count, put->part->profile->w);
}

static enum hearth_code await_room(struct put *put, struct hearth_err *err)
{
    while (!repair_write_has_room(&put->write) && !is_late(put)) {
        if (!pump(put)) {
            repair_write_stalled(&put->write);
        }
    }
    return check_going(put, err);
}

static enum hearth_code send_stripe(struct put *put, unsigned stripe, struct hearth_err *err)
{
    if (await_room(put, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned i = 0; i < put->write.target_count; i++) {
        struct slice cell = segment_image_cell(put->image, stripe, put->targets[i].slot);
        if (cell.owner == NULL) {
            return hearth_fail(err, HEARTH_NO_MEMORY, "cell of a shipment");
        }
        repair_write_cell(&put->write, i, cell);
    }
    segment_image_release(put->image, stripe + 1);
    return HEARTH_OK;
}

static enum hearth_code send_all(struct put *put, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    unsigned sent = 0;
    while (code == HEARTH_OK && put->filled < put->plain_size) {
        code = fill_unit(put, err);
        for (; code == HEARTH_OK && sent < segment_image_stripes(put->image); sent++) {
            code = send_stripe(put, sent, err);
        }
    }
    if (code != HEARTH_OK) {
        return code;
    }
    repair_write_finish(&put->write, sent);
    while (repair_write_going(&put->write) > 0 && !is_late(put)) {
        if (!pump(put)) {
            repair_write_stalled(&put->write);
        }
    }
    return HEARTH_OK;
}

/* ---- its row ---- */

static enum hearth_code seal_segment(struct put *put, struct hearth_err *err)
{
    struct wire_slot_receipt shown[META_SLOTS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < put->write.target_count; i++) {
        const struct repair_target *target = &put->targets[i];
        if (target->is_stored) {
            shown[count++] = (struct wire_slot_receipt){.slot = target->slot,
                .number = target->p,
                .receipt = view_of(target->receipt, sizeof(target->receipt))};
        }
    }
    const struct segment_shown what = {.segment = put->segment,
        .length = put->plain_size,
        .k = put->part->profile->k,
        .receipts = shown,
        .count = count};
    struct segment_receipts receipts;
    struct coordinator *coordinator = put->part->coordinator;
    if (segment_receipts_check(coordinator, &what, &put->arena, &receipts, err) != HEARTH_OK) {
        return err->code;
    }
    const struct meta_seal seal = {.intent = put->part->intent,
        .segment = put->segment,
        .length = (uint32_t)put->plain_size,
        .shard_length = receipts.shard_length,
        .receipts = receipts.good,
        .receipt_count = receipts.good_count};
    struct meta_seal_result result;
    return meta_seal(coordinator->store, &seal, &result, err);
}

/* ---- all of it ---- */

static enum hearth_code prepare(
    struct put *put, const struct shipment_part *part, struct hearth_err *err)
{
    const struct profile *profile = part->profile;
    put->part = part;
    put->plain_size =
        shipment_padded_size(profile->k, SHIPMENT_HEAD_SIZE + (size_t)part->head.size);
    put->deadline_ns = env_now_ns(part->coordinator->env) +
        UINT64_C(1000000) * (LEAST_MS + put->plain_size / BYTES_PER_MS);
    shipment_head_encode(&part->head, put->head);
    shipment_name_make(part->keys, &part->name, put->segment.bytes);
    shipment_verify_key(part->keys, put->segment.bytes, &put->vk);
    arena_init(&put->arena, 0);
    cell_pool_init(&put->pool, 4 * segment_image_stripe_bytes(profile->n));
    put->seal = seal_writer_create_named(&part->keys->seal, put->segment.bytes);
    put->inbox = shard_inbox_create(part->coordinator->env);
    if (put->inbox == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inbox of a shipment");
    }
    const struct segment_image_options options = {.data_count = profile->k,
        .slot_count = profile->n,
        .pool = &put->pool,
        .seal = put->seal,
        .verify_key = &put->vk,
        .plain_max = PLAIN_MAX};
    if (segment_shard_size(profile->k, put->plain_size, &put->shard_size, err) != HEARTH_OK ||
        segment_image_create(&options, &put->image, err) != HEARTH_OK) {
        return err->code;
    }
    put->write = (struct repair_write){.net = part->net,
        .inbox = put->inbox,
        .shard_size = put->shard_size,
        .targets = put->targets};
    return HEARTH_OK;
}

static void release(struct put *put)
{
    repair_write_stop(&put->write);
    segment_image_destroy(put->image);
    shard_inbox_unref(put->inbox);
    seal_writer_destroy(put->seal);
    cell_pool_fini(&put->pool);
    arena_fini(&put->arena);
    crypto_wipe(&put->vk, sizeof(put->vk));
    free(put);
}

enum hearth_code shipment_put_blocking(
    const struct shipment_part *part, struct meta_extent *out, struct hearth_err *err)
{
    struct put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "part of a shipment");
    }
    enum hearth_code code = prepare(put, part, err);
    if (code == HEARTH_OK) {
        code = plan_targets(put, err);
    }
    if (code == HEARTH_OK) {
        repair_write_start(&put->write);
        code = send_all(put, err);
    }
    if (code == HEARTH_OK) {
        code = seal_segment(put, err);
    }
    if (code == HEARTH_OK) {
        *out = (struct meta_extent){.segment = put->segment, .length = (uint32_t)put->plain_size};
    }
    release(put);
    return code == HEARTH_OK ? code
                             : hearth_err_prefix(err, "part %u of shipment %ju", part->name.part,
                                   (uintmax_t)part->name.number);
}
