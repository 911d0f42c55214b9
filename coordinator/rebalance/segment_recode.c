#include "coordinator/rebalance/segment_recode.h"

#include "common/failpoint.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/move_copy.h"
#include "coordinator/rebalance/move_sources.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/rebalance/recode_copy.h"
#include "coordinator/rebalance/recode_set.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/segment_receipts.h"

#include <stdlib.h>

/* What it works with; lives in its arena. */
struct run {
    const struct segment_recode *recode;
    struct arena arena;
    struct meta_segment segment;
    struct recode_cost cost;
    struct ec_stripes stripes; /* of the new code */
    struct verify_key vk;      /* new, too (D12) */
    struct place_choice choice;
    struct meta_offers offers;
    struct move_sources sources;
    struct repair_target targets[META_SLOTS_MAX];
    unsigned target_count;
};

/* ---- from where to where ---- */

static enum hearth_code read_segment(struct run *run, struct hearth_err *err)
{
    const struct segment_recode *recode = run->recode;
    struct meta_segment *segment = &run->segment;
    if (meta_segment_get(recode->coordinator->store, recode->segment, segment, err) != HEARTH_OK) {
        return err->code;
    }
    if (rebalance_is_over(segment)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "nobody wants the segment any more");
    }
    if (segment->profile == recode->to->number) {
        return hearth_fail(err, HEARTH_CONFLICT, "it has that profile already");
    }
    env_random(recode->coordinator->env, run->vk.bytes, sizeof(run->vk.bytes));
    return recode_cost_of(recode->to, segment, &run->cost, err) == HEARTH_OK
        ? ec_stripes_init(&run->stripes, recode->to->k, segment->length, err)
        : err->code;
}

/* Whoever holds a shard of the old code may get one of the new: the old ones go. */
static enum hearth_code choose(struct run *run, struct hearth_err *err)
{
    struct coordinator *coordinator = run->recode->coordinator;
    struct place_fleet fleet;
    const struct place_query query = {.want = run->recode->to->n,
        .least = run->recode->to->w,
        .free_bytes_min = run->cost.shard_after,
        .allow_colocation = coordinator->settings->allow_colocation};
    return node_table_fleet(coordinator->nodes, &run->arena, &fleet, err) == HEARTH_OK
        ? place_choose(&fleet, &query, coordinator->env, &run->choice, err)
        : err->code;
}

static enum hearth_code offer(struct run *run, struct hearth_err *err)
{
    struct meta_offer offers[META_SLOTS_MAX];
    for (unsigned i = 0; i < run->choice.count; i++) {
        offers[i] = (struct meta_offer){.slot = (uint16_t)i, .node = run->choice.nodes[i]};
    }
    const struct meta_repair_offer request = {.segment = run->segment.id,
        .generation = run->segment.generation,
        .offers = offers,
        .offer_count = run->choice.count,
        .recode_n = run->recode->to->n};
    return meta_repair_offer(run->recode->coordinator->store, &request, &run->offers, err);
}

static enum hearth_code plan_targets(struct run *run, struct hearth_err *err)
{
    const struct segment_putting putting = {.segment = run->segment.id,
        .size_max = run->cost.shard_after,
        .session_id = run->recode->session_id};
    const struct wire_placement *placements;
    enum hearth_code code = segment_offers_to_wire(
        run->recode->coordinator, &putting, &run->offers, &run->arena, &placements, err);
    for (size_t i = 0; i < run->offers.count && code == HEARTH_OK; i++) {
        run->targets[run->target_count++] = (struct repair_target){.slot = placements[i].slot,
            .p = placements[i].number,
            .node = run->offers.offers[i].node,
            .door = {.node = placements[i].node, .order = placements[i].order}};
    }
    return code;
}

/* ---- the bytes ---- */

static void accuse(void *context, const struct repair_source *source, const char *why)
{
    const struct run *run = context;
    move_accuse(run->recode->coordinator, &run->segment.id, source->slot, source->node, why);
}

static enum hearth_code copy(struct run *run, struct hearth_err *err)
{
    const struct segment_recode *recode = run->recode;
    const struct ec_slots none = {{0}};
    if (move_sources_find(recode->coordinator, &run->segment, none, recode->session_id, &run->arena,
            &run->sources, err) != HEARTH_OK) {
        return err->code;
    }
    const struct recode_copy job = {.net = recode->net,
        .env = recode->coordinator->env,
        .segment = &run->segment,
        .sources = run->sources.sources,
        .source_count = run->sources.count,
        .k = recode->to->k,
        .n = recode->to->n,
        .vk = run->vk,
        .targets = run->targets,
        .target_count = run->target_count,
        .pace = recode->pace,
        .halt = recode->halt,
        .accuse = accuse,
        .context = run};
    return recode_copy_blocking(&job, err);
}

/* D8: as any reader would get it. */
static enum hearth_code read_back_one(
    struct run *run, const struct repair_target *target, struct hearth_err *err)
{
    const struct segment_recode *recode = run->recode;
    const struct move_copy job = {.net = recode->net,
        .env = recode->coordinator->env,
        .stripes = &run->stripes,
        .slot = target->slot,
        .vk = &run->vk,
        .halt = recode->halt};
    const struct segment_placement placement = {.segment = run->segment.id,
        .slot = (uint16_t)target->slot,
        .holder = {.node = target->node, .p = (uint16_t)target->p}};
    struct wire_placement place;
    enum hearth_code code = segment_placement_to_wire(
        recode->coordinator, &placement, recode->session_id, &run->arena, &place, err);
    if (code == HEARTH_OK) {
        const struct shard_door door = {.node = place.node, .order = place.order};
        code = move_verify_blocking(&job, &door, err);
    }
    return code;
}

/* Who does not give back what it took is no holder. */
static enum hearth_code read_back(struct run *run, struct hearth_err *err)
{
    struct hearth_err why;
    enum hearth_code code = halt_check(run->recode->halt, err);
    for (unsigned i = 0; code == HEARTH_OK && i < run->target_count; i++) {
        struct repair_target *target = &run->targets[i];
        const bool is_good = !target->is_stored || read_back_one(run, target, &why) == HEARTH_OK;
        code = halt_check(run->recode->halt, err);
        if (!is_good && code == HEARTH_OK) {
            move_accuse(run->recode->coordinator, &run->segment.id, target->slot, target->node,
                why.message);
            target->is_stored = false;
        }
    }
    return code;
}

static enum hearth_code check_enough(const struct run *run, struct hearth_err *err)
{
    unsigned stored = 0;
    for (unsigned i = 0; i < run->target_count; i++) {
        stored += run->targets[i].is_stored;
    }
    return stored >= run->recode->to->w
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_UNREACHABLE, "%u of %u new holders have their shard, %u must",
              stored, run->target_count, run->recode->to->w);
}

/* ---- the swap ---- */

static enum hearth_code check_receipts(
    struct run *run, struct segment_receipts *out, struct hearth_err *err)
{
    struct wire_slot_receipt receipts[META_SLOTS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < run->target_count; i++) {
        const struct repair_target *target = &run->targets[i];
        if (target->is_stored) {
            receipts[count++] = (struct wire_slot_receipt){.slot = target->slot,
                .number = target->p,
                .receipt = view_of(target->receipt, sizeof(target->receipt))};
        }
    }
    const struct segment_shown shown = {.segment = run->segment.id,
        .length = run->segment.length,
        .k = run->recode->to->k,
        .receipts = receipts,
        .count = count};
    return segment_receipts_check(run->recode->coordinator, &shown, &run->arena, out, err);
}

static enum hearth_code apply(struct run *run, struct hearth_err *err)
{
    const struct profile *to = run->recode->to;
    struct segment_receipts checked;
    if (check_receipts(run, &checked, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_segment_recode request = {.plan = run->recode->plan,
        .bytes = run->cost.moved,
        .apply = {.segment = run->segment.id,
            .generation = run->segment.generation,
            .profile = to->number,
            .k = to->k,
            .n = to->n,
            .w = to->w,
            .shard_length = checked.shard_length,
            .receipts = checked.good,
            .receipt_count = checked.good_count}};
    memcpy(request.apply.vk, run->vk.bytes, sizeof(request.apply.vk));
    enum hearth_code code = meta_segment_recode(run->recode->coordinator->store, &request, err);
    crypto_wipe(&request.apply.vk, sizeof(request.apply.vk));
    return code;
}

/* ---- all of it ---- */

static enum hearth_code broken(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_IO, "failpoint");
}

static enum hearth_code code_anew(struct run *run, struct hearth_err *err)
{
    if (read_segment(run, err) != HEARTH_OK || choose(run, err) != HEARTH_OK ||
        offer(run, err) != HEARTH_OK || plan_targets(run, err) != HEARTH_OK) {
        return err->code;
    }
    if (FAILPOINT(COORDINATOR_RECODE_OFFERED)) {
        return broken(err);
    }
    enum hearth_code code = copy(run, err);
    return code == HEARTH_OK && FAILPOINT(COORDINATOR_RECODE_COPIED) ? broken(err) : code;
}

static enum hearth_code hand_over(struct run *run, struct hearth_err *err)
{
    if (read_back(run, err) != HEARTH_OK || check_enough(run, err) != HEARTH_OK) {
        return err->code;
    }
    if (FAILPOINT(COORDINATOR_RECODE_VERIFIED)) {
        return broken(err);
    }
    enum hearth_code code = apply(run, err);
    (void)FAILPOINT(COORDINATOR_RECODE_APPLIED);
    return code;
}

enum hearth_code segment_recode_blocking(
    const struct segment_recode *recode, struct hearth_err *err)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "another code for a segment");
    }
    run->recode = recode;
    arena_init(&run->arena, 0);
    enum hearth_code code = code_anew(run, err);
    if (code == HEARTH_OK) {
        code = hand_over(run, err);
    }
    crypto_wipe(&run->vk, sizeof(run->vk));
    arena_fini(&run->arena);
    free(run);
    return code;
}
