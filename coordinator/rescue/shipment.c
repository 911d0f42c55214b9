#include "coordinator/rescue/shipment.h"

#include "common/failpoint.h"
#include "coordinator/meta/meta_object.h"
#include "coordinator/meta/meta_shipment.h"
#include "coordinator/rescue/shipment_put.h"

#include <stdio.h>
#include <string.h>

enum {
    BUCKET_KEY_VERSION = 1, /* there is none: what is shipped is sealed by the backup key */
};

/* ---- how wide ---- */

/* The fleet has a node for every slot, and as many to spare as the profile asks for. */
static bool carries(const struct coordinator *coordinator, const struct place_fleet *fleet,
    const struct profile *profile)
{
    struct place_choice choice;
    struct hearth_err err;
    size_t taking = 0;
    const struct place_query query = {.want = profile->n,
        .least = profile->n,
        .allow_colocation = coordinator->settings->allow_colocation};
    for (size_t i = 0; i < fleet->count; i++) {
        taking += fleet->nodes[i].takes_shards;
    }
    return taking >= profile->nodes_min &&
        place_choose(fleet, &query, coordinator->env, &choice, &err) == HEARTH_OK;
}

/* The widest; that of the cluster when none is carried whole. */
static const struct profile *choose_profile(
    struct coordinator *coordinator, const struct place_fleet *fleet)
{
    const struct profile *widest = NULL;
    for (unsigned i = 0; i < profile_count; i++) {
        const struct profile *profile = &profile_table[i];
        if ((widest == NULL || profile->n > widest->n) && carries(coordinator, fleet, profile)) {
            widest = profile;
        }
    }
    return widest != NULL ? widest : coordinator->profile;
}

/* ---- one shipment ---- */

/* What is known of one while it is on its way; lives in the arena. */
struct shipment {
    const struct shipment_order *order;
    struct arena arena;
    const struct profile *profile;
    struct meta_intent intent;
    uint16_t parts;
    struct meta_extent *extents; /* of the parts, and of the seal */
};

void shipment_write_key(char key[SHIPMENT_KEY_MAX], uint64_t number, enum shipment_kind kind)
{
    snprintf(key, SHIPMENT_KEY_MAX, "%012jx-%s", (uintmax_t)number,
        kind == SHIPMENT_SNAPSHOT ? "snapshot" : "changes");
}

static enum hearth_code begin(struct shipment *shipment, struct hearth_err *err)
{
    struct coordinator *coordinator = shipment->order->coordinator;
    struct place_fleet fleet;
    char key[SHIPMENT_KEY_MAX];
    shipment_write_key(key, shipment->order->number, shipment->order->kind);
    struct meta_begin request = {.key = view_text(key)};
    shipment->parts = shipment_parts_of(shipment->order->cargo->size);
    shipment->extents =
        arena_take_array(&shipment->arena, shipment->parts + 1u, sizeof(*shipment->extents));
    if (shipment->parts == 0 || shipment->extents == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a shipment of %ju bytes",
            (uintmax_t)shipment->order->cargo->size);
    }
    if (node_table_fleet(coordinator->nodes, &shipment->arena, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    shipment->profile = choose_profile(coordinator, &fleet);
    env_random(coordinator->env, request.token.bytes, sizeof(request.token.bytes));
    return meta_shipment_bucket(
               coordinator->store, shipment->profile->number, &request.bucket, err) == HEARTH_OK
        ? meta_begin(coordinator->store, &request, &shipment->intent, err)
        : err->code;
}

/* All parts are at enough nodes. */
static enum hearth_code put_seal(
    struct shipment *shipment, struct shipment_part *part, struct hearth_err *err)
{
    part->name.part = part->head.part = SHIPMENT_SEAL;
    part->head.size = 0;
    (void)FAILPOINT(COORDINATOR_SHIP_PARTS);
    return shipment_put_blocking(part, &shipment->extents[shipment->parts], err);
}

static enum hearth_code put_parts(
    struct shipment *shipment, struct duty *duty, struct hearth_err *err)
{
    const struct shipment_order *order = shipment->order;
    uint8_t salt[3];
    env_random(order->coordinator->env, salt, sizeof(salt));
    struct shipment_part part = {
        .coordinator = order->coordinator,
        .net = order->session->net,
        .session_id = view_of(order->session->id, sizeof(order->session->id)),
        .keys = order->keys,
        .profile = shipment->profile,
        .intent = shipment->intent.id,
        .name = {.number = order->number,
            .k = (uint8_t)shipment->profile->k,
            .n = (uint8_t)shipment->profile->n,
            .salt = (uint32_t)(salt[0] | salt[1] << 8 | salt[2] << 16)},
        .head = {.kind = order->kind,
            .parts = shipment->parts,
            .number = order->number,
            .base = order->kind == SHIPMENT_SNAPSHOT ? order->number : order->base,
            .previous = order->kind == SHIPMENT_SNAPSHOT ? 0 : order->previous,
            .total = shipment->order->cargo->size},
        .fd = shipment->order->cargo->fd,
    };
    memcpy(part.head.cluster, order->coordinator->cluster->id, sizeof(part.head.cluster));
    enum hearth_code code = HEARTH_OK;
    for (uint16_t i = 0; i < shipment->parts && code == HEARTH_OK; i++) {
        uint64_t left = part.head.total - part.head.offset;
        part.name.part = part.head.part = i;
        part.head.size = left < SHIPMENT_PART_MAX ? (uint32_t)left : SHIPMENT_PART_MAX;
        code = duty_is_stopping(duty) ? hearth_fail(err, HEARTH_CANCELLED, "the coordinator stops")
                                      : shipment_put_blocking(&part, &shipment->extents[i], err);
        part.head.offset += part.head.size;
    }
    return code == HEARTH_OK ? put_seal(shipment, &part, err) : code;
}

static enum hearth_code commit(struct shipment *shipment, struct hearth_err *err)
{
    struct coordinator *coordinator = shipment->order->coordinator;
    struct meta_object_info info;
    struct meta_commit request = {
        .intent = shipment->intent.id,
        .body = {.bucket_key_version = BUCKET_KEY_VERSION,
            .manifest = view_text("shipment"),
            .extents = shipment->extents,
            .extent_count = shipment->parts + 1u},
    };
    env_random(coordinator->env, request.body.id.bytes, sizeof(request.body.id.bytes));
    for (unsigned i = 0; i <= shipment->parts; i++) {
        request.body.size += shipment->extents[i].length;
    }
    return meta_commit(coordinator->store, &request, &info, NULL, err);
}

enum hearth_code shipment_send_blocking(const struct shipment_order *order, struct duty *duty,
    struct shipment_sent *out, struct hearth_err *err)
{
    struct hearth_err ignored;
    struct shipment shipment = {.order = order};
    arena_init(&shipment.arena, 0);
    enum hearth_code code = begin(&shipment, err);
    if (code == HEARTH_OK) {
        code = put_parts(&shipment, duty, err);
        (void)FAILPOINT(COORDINATOR_SHIP_STORED);
        if (code == HEARTH_OK) {
            code = commit(&shipment, err);
        }
        if (code != HEARTH_OK) {
            meta_abort(order->coordinator->store, shipment.intent.id, &ignored);
        }
    }
    *out = (struct shipment_sent){.number = order->number, .bucket = shipment.intent.bucket};
    arena_fini(&shipment.arena);
    return code;
}
