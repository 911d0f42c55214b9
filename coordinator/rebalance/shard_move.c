#include "coordinator/rebalance/shard_move.h"

#include "common/cleanup.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/move_copy.h"
#include "coordinator/rebalance/move_rebuild.h"
#include "coordinator/rebalance/move_sources.h"
#include "coordinator/rebalance/node_copier.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/segment_receipts.h"

#include <stdlib.h>

/* What a move works with; lives in its arena. */
struct run {
    const struct shard_move *move;
    struct arena arena;
    struct meta_segment segment;
    struct ec_stripes stripes;
    struct verify_key vk;
    struct meta_offers offers; /* of the new placement alone */
    struct wire_placement source;
    struct wire_placement target; /* the new placement, with the order to write it */
    uint8_t receipt[RECEIPT_SIZE];
};

static enum hearth_code read_segment(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    struct meta_segment *segment = &run->segment;
    if (meta_segment_get(move->coordinator->store, move->segment, segment, err) != HEARTH_OK) {
        return err->code;
    }
    if (segment->dying_ms != 0 || meta_segment_is_doomed(segment)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "nobody wants the segment any more");
    }
    if (move->slot >= segment->n || segment->holders[move->slot].node != move->from) {
        return hearth_fail(err, HEARTH_CONFLICT, "another node holds slot %u now", move->slot);
    }
    memcpy(run->vk.bytes, segment->vk, sizeof(run->vk.bytes));
    return ec_stripes_init(&run->stripes, segment->k, segment->length, err);
}

static enum hearth_code find_source(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    const struct segment_placement placement = {
        .segment = move->segment, .slot = move->slot, .holder = run->segment.holders[move->slot]};
    return segment_placement_to_wire(
        move->coordinator, &placement, move->session_id, &run->arena, &run->source, err);
}

/* Leave for a session to write to the place that was offered. */
static enum hearth_code order_to_write(struct run *run, struct view session_id,
    const struct wire_placement **out, struct hearth_err *err)
{
    const struct segment_putting putting = {.segment = run->move->segment,
        .size_max = ec_stripes_tagged_shard_size(&run->stripes),
        .session_id = session_id};
    return segment_offers_to_wire(
        run->move->coordinator, &putting, &run->offers, &run->arena, out, err);
}

static enum hearth_code offer(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    const struct meta_offer wanted = {.slot = move->slot, .node = move->to};
    const struct meta_repair_offer request = {.segment = move->segment,
        .generation = run->segment.generation,
        .offers = &wanted,
        .offer_count = 1};
    const struct wire_placement *placements;
    if (meta_repair_offer(move->coordinator->store, &request, &run->offers, err) != HEARTH_OK ||
        order_to_write(run, move->session_id, &placements, err) != HEARTH_OK) {
        return err->code;
    }
    run->target = placements[0];
    return HEARTH_OK;
}

static void accuse(const struct run *run, uint32_t node, const struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    move_accuse(move->coordinator, &move->segment, move->slot, node, err->message);
}

static struct move_copy job_of(const struct run *run)
{
    return (struct move_copy){.net = run->move->net,
        .env = run->move->coordinator->env,
        .stripes = &run->stripes,
        .slot = run->move->slot,
        .vk = &run->vk,
        .pace = run->move->pace,
        .halt = run->move->halt};
}

/* The new holder fetches it from the old one. */
static enum hearth_code copy_directly(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    struct node_copier *copier = move->coordinator->copier;
    const struct segment_placement placement = {
        .segment = move->segment, .slot = move->slot, .holder = run->segment.holders[move->slot]};
    const struct wire_placement *target;
    struct wire_placement source;
    if (order_to_write(run, view_of(copier->session_id, PKI_ID_SIZE), &target, err) != HEARTH_OK ||
        segment_placement_to_wire(move->coordinator, &placement, run->target.node->node_id,
            &run->arena, &source, err) != HEARTH_OK) {
        return err->code;
    }
    const uint64_t size = ec_stripes_tagged_shard_size(&run->stripes);
    const struct wire_shard_copy_request request = {.put_order = target->order,
        .get_order = source.order,
        .source = source.node,
        .cells = run->stripes.stripe_count,
        .size = size,
        .rate = move_pace_rate(move->pace, size)};
    uint64_t rested_ns = 0; /* by the nodes, at that rate */
    (void)move_pace_pass_ns(move->pace, size, &rested_ns);
    return node_copier_copy(copier, move->from, move->to, &request, move->halt, run->receipt, err);
}

/* Where the two do not reach one another, the bytes come by here. */
static enum hearth_code copy_through_here(
    struct run *run, enum move_blame *blame, struct hearth_err *err)
{
    const struct move_copy job = job_of(run);
    const struct shard_door source = {.node = run->source.node, .order = run->source.order};
    const struct shard_door target = {.node = run->target.node, .order = run->target.order};
    enum hearth_code code = move_copy_blocking(&job, &source, &target, run->receipt, blame, err);
    if (*blame != MOVE_NOBODY) {
        uint32_t node = *blame == MOVE_SOURCE ? run->move->from : run->move->to;
        accuse(run, node, err);
        return hearth_err_prefix(
            err, *blame == MOVE_SOURCE ? "read from node %u" : "write to node %u", node);
    }
    return code;
}

static enum hearth_code copy(struct run *run, enum move_blame *blame, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    struct node_copier *copier = move->coordinator->copier;
    *blame = MOVE_NOBODY;
    if (copier == NULL || !node_copier_may(copier, move->from, move->to)) {
        return copy_through_here(run, blame, err);
    }
    if (copy_directly(run, err) == HEARTH_OK) {
        return HEARTH_OK;
    }
    if (halt_check(move->halt, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_MOVE_INDIRECT, "from=%u to=%u reason=\"%s\"", move->from, move->to, err->message);
    return copy_through_here(run, blame, err);
}

/* A name is never used twice: what came of the copy lies under another. */
static enum hearth_code rebuild(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    if (offer(run, err) != HEARTH_OK) {
        return err->code;
    }
    const struct move_rebuild job = {.coordinator = move->coordinator,
        .net = move->net,
        .session_id = move->session_id,
        .segment = &run->segment,
        .slot = move->slot,
        .target = {.node = run->target.node, .order = run->target.order},
        .pace = move->pace,
        .halt = move->halt};
    enum hearth_code code = move_rebuild_blocking(&job, &run->arena, run->receipt, err);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "made anew from the others");
}

static bool is_silent(const struct shard_move *move)
{
    uint64_t silent_ms;
    return node_table_health(move->coordinator->nodes, move->from, &silent_ms) > NODE_SUSPECT;
}

/* Whose holder is only busy is copied another time. */
static enum hearth_code copy_or_rebuild(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    enum move_blame blame = MOVE_SOURCE;
    enum hearth_code code = is_silent(move)
        ? hearth_fail(err, HEARTH_UNREACHABLE, "nothing is heard of it")
        : copy(run, &blame, err);
    if (blame != MOVE_SOURCE || hearth_code_reaction(code) == HEARTH_REACT_RETRY) {
        return code;
    }
    log_write(LOG_MOVE_REBUILT, "from=%u to=%u reason=\"%s\"", move->from, move->to, err->message);
    return rebuild(run, err);
}

static enum hearth_code check_receipt(
    struct run *run, struct segment_receipts *checked, struct hearth_err *err)
{
    const struct wire_slot_receipt receipt = {.slot = run->move->slot,
        .number = run->target.number,
        .receipt = view_of(run->receipt, sizeof(run->receipt))};
    const struct segment_shown shown = {.segment = run->move->segment,
        .length = run->segment.length,
        .k = run->segment.k,
        .receipts = &receipt,
        .count = 1};
    enum hearth_code code =
        segment_receipts_check(run->move->coordinator, &shown, &run->arena, checked, err);
    if (code == HEARTH_OK && checked->bad_count > 0) {
        return hearth_fail(err, hearth_code_from_wire(checked->bad[0].code), "receipt: %.*s",
            VIEW_ARGS(checked->bad[0].reason));
    }
    return code;
}

/* D8: as any reader would get it. */
static enum hearth_code read_back(struct run *run, struct hearth_err *err)
{
    const struct shard_move *move = run->move;
    const struct move_copy job = job_of(run);
    const struct segment_placement placement = {.segment = move->segment,
        .slot = move->slot,
        .holder = {.node = move->to, .p = (uint16_t)run->target.number}};
    struct wire_placement place;
    enum hearth_code code = segment_placement_to_wire(
        move->coordinator, &placement, move->session_id, &run->arena, &place, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const struct shard_door door = {.node = place.node, .order = place.order};
    code = move_verify_blocking(&job, &door, err);
    if (code != HEARTH_OK && !halt_is_called(move->halt)) {
        accuse(run, move->to, err);
    }
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "read back from node %u", move->to);
}

static enum hearth_code apply(
    struct run *run, const struct segment_receipts *checked, struct hearth_err *err)
{
    const struct meta_shard_move request = {.plan = run->move->plan,
        .from = run->move->from,
        .to = run->move->to,
        .apply = {.segment = run->move->segment,
            .generation = run->segment.generation,
            .shard_length = checked->shard_length,
            .receipts = checked->good,
            .receipt_count = checked->good_count}};
    return meta_shard_move(run->move->coordinator->store, &request, err);
}

static enum hearth_code broken(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_IO, "failpoint");
}

static enum hearth_code bring_over(struct run *run, struct hearth_err *err)
{
    if (read_segment(run, err) != HEARTH_OK || find_source(run, err) != HEARTH_OK ||
        offer(run, err) != HEARTH_OK) {
        return err->code;
    }
    if (FAILPOINT(COORDINATOR_MOVE_OFFERED)) {
        return broken(err);
    }
    enum hearth_code code = copy_or_rebuild(run, err);
    if (code == HEARTH_OK && FAILPOINT(COORDINATOR_MOVE_COPIED)) {
        return broken(err);
    }
    return code;
}

static enum hearth_code hand_over(struct run *run, struct hearth_err *err)
{
    struct segment_receipts checked;
    if (check_receipt(run, &checked, err) != HEARTH_OK || read_back(run, err) != HEARTH_OK) {
        return err->code;
    }
    if (FAILPOINT(COORDINATOR_MOVE_VERIFIED)) {
        return broken(err);
    }
    enum hearth_code code = apply(run, &checked, err);
    (void)FAILPOINT(COORDINATOR_MOVE_APPLIED);
    return code;
}

enum hearth_code shard_move_blocking(const struct shard_move *move, struct hearth_err *err)
{
    FREES struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "move of a shard");
    }
    run->move = move;
    arena_init(&run->arena, 0);
    enum hearth_code code = bring_over(run, err);
    if (code == HEARTH_OK) {
        code = hand_over(run, err);
    }
    crypto_wipe(&run->vk, sizeof(run->vk));
    arena_fini(&run->arena);
    return code;
}
