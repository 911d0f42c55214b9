#include "coordinator/repair_plan.h"

#include "common/codec.h"
#include "common/log.h"
#include "coordinator/repair_place.h"
#include "coordinator/repair_segment.h"
#include "coordinator/segment_orders.h"
#include "coordinator/segment_receipts.h"

/* What a run works with; lives in its arena. */
struct run {
    const struct repair_plan *plan;
    struct arena arena;
    uint64_t shard_size;
    struct meta_offers offers;
    struct repair_source sources[META_SLOTS_MAX];
    unsigned source_count;
    struct repair_target targets[META_SLOTS_MAX];
    unsigned target_count;
};

/* ---- where to ---- */

static enum hearth_code choose(struct run *run, struct place_choice *choice, struct hearth_err *err)
{
    const struct repair_plan *plan = run->plan;
    struct place_fleet fleet;
    struct repair_place place;
    if (repair_place_init(&place, plan->coordinator, plan->segment, plan->judgement, err) !=
            HEARTH_OK ||
        node_table_fleet(plan->coordinator->nodes, &run->arena, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    run->shard_size = place.query.free_bytes_min;
    return place_choose(&fleet, &place.query, plan->coordinator->env, choice, err);
}

/* The missing slots, lowest first, get the chosen nodes; a small fleet fills only some. */
static enum hearth_code offer(struct run *run, struct hearth_err *err)
{
    struct place_choice choice;
    enum hearth_code code = choose(run, &choice, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_offer offers[META_SLOTS_MAX];
    size_t count = 0;
    for (uint16_t slot = 0; slot < run->plan->segment->n && count < choice.count; slot++) {
        if (ec_slots_has(run->plan->judgement->missing, slot)) {
            offers[count] = (struct meta_offer){.slot = slot, .node = choice.nodes[count]};
            count++;
        }
    }
    struct meta_repair_offer request = {
        .segment = run->plan->segment->id,
        .generation = run->plan->segment->generation,
        .offers = offers,
        .offer_count = count,
    };
    return meta_repair_offer(run->plan->coordinator->store, &request, &run->offers, err);
}

static enum hearth_code plan_targets(struct run *run, struct hearth_err *err)
{
    struct segment_putting putting = {
        .segment = run->plan->segment->id,
        .size_max = run->shard_size,
        .session_id = run->plan->session_id,
    };
    const struct wire_placement *placements;
    enum hearth_code code = segment_offers_to_wire(
        run->plan->coordinator, &putting, &run->offers, &run->arena, &placements, err);
    for (size_t i = 0; i < run->offers.count && code == HEARTH_OK; i++) {
        run->targets[run->target_count++] = (struct repair_target){
            .slot = placements[i].slot,
            .p = placements[i].number,
            .node = run->offers.offers[i].node,
            .door = {.node = placements[i].node, .order = placements[i].order},
        };
    }
    return code;
}

/* ---- where from ---- */

static enum hearth_code plan_sources(struct run *run, struct hearth_err *err)
{
    const struct meta_segment *segment = run->plan->segment;
    struct segment_reading reading = {
        .session_id = run->plan->session_id,
        .failed = ec_slots_minus(ec_slots_first(segment->n), run->plan->judgement->reachable),
        .want = segment->n,
    };
    struct wire_segment_info info;
    enum hearth_code code =
        segment_to_wire(run->plan->coordinator, segment, &reading, &run->arena, &info, err);
    for (size_t i = 0; i < info.holders_count && code == HEARTH_OK; i++) {
        const struct wire_placement *holder = &info.holders[i];
        if (holder->order.size > 0) {
            run->sources[run->source_count++] = (struct repair_source){
                .slot = holder->slot,
                .node = segment->holders[holder->slot].node,
                .door = {.node = holder->node, .order = holder->order},
            };
        }
    }
    return code;
}

/* ---- the work ---- */

static void accuse(void *context, const struct repair_source *source, const char *why)
{
    const struct run *run = context;
    node_table_accused(run->plan->coordinator->nodes, source->node);
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(run->plan->segment->id.bytes, META_ID_SIZE, segment);
    log_write(LOG_SHARD_REPORTED, "node=%u segment=%s slot=%u by=repair detail=\"%s\"",
        source->node, segment, source->slot, why);
}

static enum hearth_code transfer(struct run *run, struct hearth_err *err)
{
    const struct meta_segment *segment = run->plan->segment;
    struct repair_job job = {
        .net = run->plan->net,
        .env = run->plan->coordinator->env,
        .codec_id = (unsigned)segment->codec,
        .k = segment->k,
        .n = segment->n,
        .length = segment->length,
        .sources = run->sources,
        .source_count = run->source_count,
        .targets = run->targets,
        .target_count = run->target_count,
        .accuse = accuse,
        .accuse_context = run,
    };
    memcpy(job.vk.bytes, segment->vk, sizeof(job.vk.bytes));
    enum hearth_code code = repair_segment_blocking(&job, err);
    crypto_wipe(&job.vk, sizeof(job.vk));
    return code;
}

static enum hearth_code apply(struct run *run, unsigned *stored, struct hearth_err *err)
{
    struct wire_slot_receipt receipts[META_SLOTS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < run->target_count; i++) {
        const struct repair_target *target = &run->targets[i];
        if (target->is_stored) {
            receipts[count++] = (struct wire_slot_receipt){
                .slot = target->slot,
                .number = target->p,
                .receipt = view_of(target->receipt, sizeof(target->receipt)),
            };
        }
    }
    const struct meta_segment *segment = run->plan->segment;
    struct segment_shown shown = {
        .segment = segment->id,
        .length = segment->length,
        .k = segment->k,
        .receipts = receipts,
        .count = count,
    };
    struct segment_receipts checked;
    enum hearth_code code =
        segment_receipts_check(run->plan->coordinator, &shown, &run->arena, &checked, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct meta_repair_apply request = {
        .segment = segment->id,
        .generation = segment->generation,
        .shard_length = checked.shard_length,
        .receipts = checked.good,
        .receipt_count = checked.good_count,
    };
    struct meta_seal_result result;
    code = meta_repair_apply(run->plan->coordinator->store, &request, &result, err);
    if (code == HEARTH_OK) {
        *stored = (unsigned)(checked.good_count - result.bad_count);
    }
    return code;
}

enum hearth_code repair_plan_run_blocking(
    const struct repair_plan *plan, unsigned *stored, struct hearth_err *err)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan of a repair");
    }
    run->plan = plan;
    arena_init(&run->arena, 0);
    enum hearth_code code = offer(run, err);
    if (code == HEARTH_OK) {
        code = plan_targets(run, err);
    }
    if (code == HEARTH_OK) {
        code = plan_sources(run, err);
    }
    if (code == HEARTH_OK) {
        code = transfer(run, err);
    }
    if (code == HEARTH_OK) {
        code = apply(run, stored, err);
    }
    arena_fini(&run->arena);
    free(run);
    return code;
}
