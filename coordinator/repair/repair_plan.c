#include "coordinator/repair/repair_plan.h"

#include "common/codec.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/repair/repair_place.h"
#include "coordinator/repair/repair_segment.h"
#include "coordinator/service/segment_orders.h"
#include "coordinator/service/segment_receipts.h"

/* What a run works with; lives in its arena. */
struct run {
    const struct repair_plan *plan;
    struct arena arena;
    uint64_t shard_size;
    struct place_choice choice;
    struct ec_slots asked; /* k slots that are to be read first */
    struct repair_parties parties;
    struct meta_offers offers;
    struct repair_source sources[META_SLOTS_MAX];
    unsigned source_count;
    struct repair_target targets[META_SLOTS_MAX];
    unsigned target_count;
    uint64_t bytes;
};

/* ---- where to ---- */

static enum hearth_code choose(struct run *run, struct hearth_err *err)
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
    return place_choose(&fleet, &place.query, plan->coordinator->env, &run->choice, err);
}

/* The missing slots, lowest first, get the chosen nodes; a small fleet fills only some. */
static enum hearth_code offer(struct run *run, struct hearth_err *err)
{
    const struct place_choice *choice = &run->choice;
    struct meta_offer offers[META_SLOTS_MAX];
    size_t count = 0;
    for (uint16_t slot = 0; slot < run->plan->segment->n && count < choice->count; slot++) {
        if (ec_slots_has(run->plan->judgement->missing, slot)) {
            offers[count] = (struct meta_offer){.slot = slot, .node = choice->nodes[count]};
            count++;
        }
    }
    struct meta_repair_offer request = {
        .segment = run->plan->segment->id,
        .generation = run->plan->segment->generation,
        .offers = offers,
        .offer_count = count,
    };
    enum hearth_code code =
        meta_repair_offer(run->plan->coordinator->store, &request, &run->offers, err);
    (void)FAILPOINT(COORDINATOR_REPAIR_OFFERED);
    return code;
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

static const struct fleet_node *holder_of(const struct run *run, unsigned slot)
{
    return fleet_view_node(run->plan->fleet, run->plan->segment->holders[slot].node);
}

/* Up to k of them in all, those first that have little to do for repair. */
static void ask_slots(struct run *run, bool also_full)
{
    const struct repair_plan *plan = run->plan;
    unsigned count = ec_slots_count(run->asked);
    for (unsigned slot = 0; slot < plan->segment->n && count < plan->segment->k; slot++) {
        if (ec_slots_has(plan->judgement->reachable, slot) && !ec_slots_has(run->asked, slot) &&
            (also_full || !repair_budget_is_full(plan->budget, holder_of(run, slot)))) {
            ec_slots_add(&run->asked, slot);
            count++;
        }
    }
}

/* Who steps in for one of them that fails is not waited for, but pays for its bytes. */
static void gather_parties(struct run *run)
{
    ask_slots(run, false);
    ask_slots(run, true);
    for (unsigned slot = 0; slot < run->plan->segment->n; slot++) {
        if (ec_slots_has(run->asked, slot)) {
            repair_parties_add(&run->parties, holder_of(run, slot));
        }
    }
    for (unsigned i = 0; i < run->choice.count; i++) {
        repair_parties_add(&run->parties, fleet_view_node(run->plan->fleet, run->choice.nodes[i]));
    }
}

static void add_source(struct run *run, const struct wire_placement *holder)
{
    run->sources[run->source_count++] = (struct repair_source){
        .slot = holder->slot,
        .node = run->plan->segment->holders[holder->slot].node,
        .door = {.node = holder->node, .order = holder->order},
    };
}

static void add_sources(struct run *run, const struct wire_segment_info *info, bool asked)
{
    for (size_t i = 0; i < info->holders_count; i++) {
        const struct wire_placement *holder = &info->holders[i];
        if (holder->order.size > 0 && ec_slots_has(run->asked, holder->slot) == asked) {
            add_source(run, holder);
        }
    }
}

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
    if (code == HEARTH_OK) {
        add_sources(run, &info, true);
        add_sources(run, &info, false);
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

static uint64_t pass_ns(void *context, const struct repair_passed *passed)
{
    struct run *run = context;
    struct repair_parties parties = {.count = 0};
    for (unsigned i = 0; i < passed->count; i++) {
        repair_parties_add(&parties, fleet_view_node(run->plan->fleet, passed->nodes[i]));
    }
    run->bytes += passed->bytes_each * passed->count;
    (void)FAILPOINT(COORDINATOR_REPAIR_STRIPE);
    return repair_budget_pass_ns(run->plan->budget, &parties, passed->bytes_each);
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
        .pass_ns = pass_ns,
        .context = run,
    };
    memcpy(job.vk.bytes, segment->vk, sizeof(job.vk.bytes));
    enum hearth_code code = repair_segment_blocking(&job, err);
    crypto_wipe(&job.vk, sizeof(job.vk));
    (void)FAILPOINT(COORDINATOR_REPAIR_STORED);
    return code;
}

/* Returns how many there are. */
static size_t gather_receipts(const struct run *run, struct wire_slot_receipt *receipts)
{
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
    return count;
}

static enum hearth_code check_receipts(
    struct run *run, struct segment_receipts *out, struct hearth_err *err)
{
    const struct meta_segment *segment = run->plan->segment;
    struct wire_slot_receipt receipts[META_SLOTS_MAX];
    const struct segment_shown shown = {
        .segment = segment->id,
        .length = segment->length,
        .k = segment->k,
        .receipts = receipts,
        .count = gather_receipts(run, receipts),
    };
    return segment_receipts_check(run->plan->coordinator, &shown, &run->arena, out, err);
}

static enum hearth_code apply(struct run *run, unsigned *stored, struct hearth_err *err)
{
    struct segment_receipts checked;
    struct meta_seal_result result;
    if (check_receipts(run, &checked, err) != HEARTH_OK) {
        return err->code;
    }
    const struct meta_repair_apply request = {
        .segment = run->plan->segment->id,
        .generation = run->plan->segment->generation,
        .shard_length = checked.shard_length,
        .receipts = checked.good,
        .receipt_count = checked.good_count,
    };
    enum hearth_code code =
        meta_repair_apply(run->plan->coordinator->store, &request, &result, err);
    (void)FAILPOINT(COORDINATOR_REPAIR_APPLIED);
    if (code == HEARTH_OK) {
        *stored = (unsigned)(checked.good_count - result.bad_count);
    }
    return code;
}

static enum hearth_code move_shards(struct run *run, unsigned *stored, struct hearth_err *err)
{
    if (offer(run, err) != HEARTH_OK || plan_targets(run, err) != HEARTH_OK ||
        plan_sources(run, err) != HEARTH_OK || transfer(run, err) != HEARTH_OK) {
        return err->code;
    }
    return apply(run, stored, err);
}

enum hearth_code repair_plan_run_blocking(
    const struct repair_plan *plan, struct repair_done *out, struct hearth_err *err)
{
    *out = (struct repair_done){.stored = 0};
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan of a repair");
    }
    run->plan = plan;
    arena_init(&run->arena, 0);
    enum hearth_code code = choose(run, err);
    if (code == HEARTH_OK) {
        gather_parties(run);
        repair_budget_enter_blocking(plan->budget, &run->parties);
        code = move_shards(run, &out->stored, err);
        repair_budget_leave(plan->budget, &run->parties);
    }
    out->bytes = run->bytes;
    arena_fini(&run->arena);
    free(run);
    return code;
}
