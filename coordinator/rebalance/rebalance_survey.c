#include "coordinator/rebalance/rebalance_survey.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/service/segment_orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the fleet ---- */

static const struct meta_rebalance_share *share_of(
    const struct meta_rebalance_shares *shares, uint32_t node)
{
    for (size_t i = 0; i < shares->count; i++) {
        if (shares->shares[i].node == node) {
            return &shares->shares[i];
        }
    }
    return NULL;
}

/* Also a node that was missed a few times, or not heard yet since our start: moves take longer. */
static bool may_take(const struct fleet_node *fact)
{
    return fact->takes_shards || (fact->state == META_NODE_ACTIVE && fact->health == NODE_SUSPECT);
}

static struct rebalance_node node_of(
    const struct fleet_node *fact, const struct meta_rebalance_share *share)
{
    struct rebalance_node node = {.number = fact->number,
        .owner = fact->owner,
        .network = fact->network,
        .capacity = fact->capacity,
        .free = fact->free,
        .uplink_bits = fact->uplink_bits,
        .takes_shards = may_take(fact)};
    if (share != NULL) {
        node.leaves = share->leaves;
        node.held = share->held;
        node.target = share->target;
        node.give = share->give;
        node.take = share->take;
    }
    node.weight = rebalance_weight(&node);
    return node;
}

enum hearth_code rebalance_fleet(const struct fleet_view *view,
    const struct meta_rebalance_shares *shares, struct arena *arena, struct rebalance_plan *out,
    struct hearth_err *err)
{
    struct rebalance_node *nodes = arena_take_array(arena, view->count + 1, sizeof(*nodes));
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan for %zu nodes", view->count);
    }
    out->nodes = nodes;
    out->count = 0;
    for (size_t i = 0; i < view->count; i++) {
        if (view->nodes[i].number != 0) {
            nodes[out->count++] = node_of(&view->nodes[i], share_of(shares, view->nodes[i].number));
        }
    }
    return HEARTH_OK;
}

void rebalance_fleet_refresh(struct rebalance_plan *plan, const struct fleet_view *view)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fleet_node *fact = fleet_view_node(view, plan->nodes[i].number);
        plan->nodes[i].takes_shards = fact->takes_shards;
        plan->nodes[i].free = fact->free;
    }
}

/* Whether a node answers just now, or has less room on its disk, makes no other fleet. */
static void add_to_digest(struct crypto_hash *hash, const struct fleet_node *node)
{
    uint8_t bytes[4 + 4 + META_NETWORK_SIZE + 1 + 8];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_u32(&writer, node->number);
    writer_u32(&writer, node->owner);
    writer_bytes(&writer, node->network.bytes, META_NETWORK_SIZE);
    writer_u8(&writer, (uint8_t)node->state);
    writer_u64(&writer, node->uplink_bits);
    crypto_hash_update(hash, view_of(bytes, writer.size));
}

uint64_t rebalance_fleet_digest(const struct fleet_view *view)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    for (size_t i = 0; i < view->count; i++) {
        add_to_digest(hash, &view->nodes[i]);
    }
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    struct reader reader = reader_of(view_of(digest, sizeof(digest)));
    return reader_u64(&reader) & INT64_MAX;
}

/* ---- segments ---- */

bool rebalance_is_over(const struct meta_segment *segment)
{
    return segment->dying_ms != 0 || meta_segment_is_doomed(segment);
}

enum hearth_code rebalance_segment_of(
    const struct meta_segment *segment, struct rebalance_segment *out, struct hearth_err *err)
{
    out->n = segment->n;
    for (unsigned slot = 0; slot < segment->n; slot++) {
        out->holders[slot] = segment->holders[slot].node;
    }
    return segment_shard_size(segment->k, segment->length, &out->size, err);
}

/* ---- a survey ---- */

struct survey {
    struct coordinator *coordinator;
    struct duty *duty;
    struct meta_rebalance row;
    struct rebalance_plan plan;
    struct arena arena;
    struct meta_segment page[META_SWEEP_MAX];
    unsigned widest; /* slots of the widest segment of which a shard has nowhere to go */
};

typedef void survey_fn(struct survey *survey, struct rebalance_segment *segment);

enum hearth_code rebalance_check_wanted(
    struct coordinator *coordinator, uint64_t number, struct duty *duty, struct hearth_err *err)
{
    struct meta_rebalance now;
    if (duty_is_stopping(duty)) {
        return hearth_fail(err, HEARTH_CANCELLED, "the coordinator ends");
    }
    enum hearth_code code = meta_rebalance_get(coordinator->store, number, &now, err);
    if (code == HEARTH_OK && now.state != META_REBALANCE_READING) {
        return hearth_fail(err, HEARTH_CANCELLED, "it was cancelled");
    }
    return code;
}

static enum hearth_code show_page(
    struct survey *survey, size_t count, survey_fn *fn, struct hearth_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct rebalance_segment segment;
        if (rebalance_is_over(&survey->page[i])) {
            continue;
        }
        if (rebalance_segment_of(&survey->page[i], &segment, err) != HEARTH_OK) {
            return err->code;
        }
        fn(survey, &segment);
    }
    return HEARTH_OK;
}

static enum hearth_code read_all(struct survey *survey, survey_fn *fn, struct hearth_err *err)
{
    struct meta_id after = {{0}};
    size_t got = META_SWEEP_MAX;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && got == META_SWEEP_MAX) {
        code = rebalance_check_wanted(survey->coordinator, survey->row.number, survey->duty, err);
        if (code == HEARTH_OK) {
            code = meta_sweep(
                survey->coordinator->store, after, survey->page, META_SWEEP_MAX, &got, err);
        }
        if (code == HEARTH_OK && got > 0) {
            after = survey->page[got - 1].id;
            code = show_page(survey, got, fn, err);
        }
    }
    return code;
}

static void count_held(struct survey *survey, struct rebalance_segment *segment)
{
    survey->plan.slot_bytes += segment->size;
    survey->row.violations_before += rebalance_violations(&survey->plan, segment);
    for (unsigned slot = 0; slot < segment->n; slot++) {
        struct rebalance_node *node = segment->holders[slot] == 0
            ? NULL
            : rebalance_node_find(&survey->plan, segment->holders[slot]);
        if (node != NULL) {
            node->held += segment->size;
        }
    }
}

static void count_moves(struct survey *survey, struct rebalance_segment *segment)
{
    struct rebalance_picked picked;
    rebalance_pick(&survey->plan, segment, &picked);
    for (unsigned i = 0; i < picked.count; i++) {
        segment->holders[picked.moves[i].slot] = picked.moves[i].to;
    }
    survey->row.moves_planned += picked.count;
    survey->row.bytes_planned += picked.count * segment->size;
    survey->row.stuck_planned += picked.stuck;
    survey->row.violations_after += rebalance_violations(&survey->plan, segment);
    if (picked.stuck > 0 && segment->n > survey->widest) {
        survey->widest = segment->n;
    }
}

/* As the plan begins: budgets by space, else what comes and goes by the count. */
static const struct meta_rebalance_share *make_shares(
    struct survey *survey, const struct rebalance_node *before)
{
    struct meta_rebalance_share *shares =
        arena_take_array(&survey->arena, survey->plan.count + 1, sizeof(*shares));
    for (size_t i = 0; shares != NULL && i < survey->plan.count; i++) {
        const struct rebalance_node *node = &before[i];
        const uint64_t after = survey->plan.nodes[i].held;
        const uint64_t gone = node->held > after ? node->held - after : 0;
        const uint64_t come = after > node->held ? after - node->held : 0;
        const bool by_space = survey->plan.kind == REBALANCE_SPACE;
        shares[i] = (struct meta_rebalance_share){.node = node->number,
            .leaves = node->leaves,
            .held = node->held,
            .target = by_space ? node->target : after,
            .give = by_space ? node->give : gone,
            .take = by_space ? node->take : come};
        /* What goes is sent, and what comes is read back. */
        const uint64_t line_ms = rebalance_line_ms(node->uplink_bits, gone + come);
        survey->row.line_ms = line_ms > survey->row.line_ms ? line_ms : survey->row.line_ms;
    }
    return shares;
}

static enum hearth_code write_planned(
    struct survey *survey, const struct rebalance_node *before, struct hearth_err *err)
{
    const struct meta_rebalance_share *shares = make_shares(survey, before);
    if (shares == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "shares of %zu nodes", survey->plan.count);
    }
    if (FAILPOINT(COORDINATOR_REBALANCE_PLANNED)) {
        return hearth_fail(err, HEARTH_IO, "failpoint");
    }
    return meta_rebalance_planned(
        survey->coordinator->store, &survey->row, shares, survey->plan.count, err);
}

static unsigned count_takers(const struct rebalance_plan *plan)
{
    unsigned count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        count += plan->nodes[i].takes_shards && !plan->nodes[i].leaves;
    }
    return count;
}

/* What is missing, in words. */
static enum hearth_code refuse(struct survey *survey, struct hearth_err *err)
{
    char reason[META_REBALANCE_TEXT_MAX + 1];
    snprintf(reason, sizeof(reason),
        "%" PRIu64 " of %" PRIu64 " shards have nowhere to go: their segments have up to %u slots,"
        " each needs an owner and a network of its own with room, and %u nodes take shards now",
        survey->row.stuck_planned, survey->row.stuck_planned + survey->row.moves_planned,
        survey->widest, count_takers(&survey->plan));
    return meta_rebalance_end(
        survey->coordinator->store, survey->row.number, META_REBALANCE_FAILED, reason, err);
}

static enum hearth_code work_out(struct survey *survey, struct hearth_err *err)
{
    struct meta_rebalance *row = &survey->row;
    if (read_all(survey, count_held, err) != HEARTH_OK) {
        return err->code;
    }
    rebalance_targets(&survey->plan);
    const struct rebalance_spread before = rebalance_spread_of(&survey->plan);
    const size_t size = survey->plan.count * sizeof(survey->plan.nodes[0]);
    struct rebalance_node *nodes = arena_take(&survey->arena, size + 1);
    if (nodes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan for %zu nodes", survey->plan.count);
    }
    memcpy(nodes, survey->plan.nodes, size);
    if (read_all(survey, count_moves, err) != HEARTH_OK) {
        return err->code;
    }
    const struct rebalance_spread after = rebalance_spread_of(&survey->plan);
    row->least_before = before.least;
    row->most_before = before.most;
    row->least_after = after.least;
    row->most_after = after.most;
    return row->kind == REBALANCE_LEAVING && row->stuck_planned > 0
        ? refuse(survey, err)
        : write_planned(survey, nodes, err);
}

static enum hearth_code find_fleet(struct survey *survey, struct hearth_err *err)
{
    const struct fleet_view *view;
    struct meta_rebalance_shares shares;
    if (meta_rebalance_shares(survey->coordinator->store, survey->row.number, &survey->arena,
            &shares, err) != HEARTH_OK ||
        fleet_view_take(survey->coordinator->nodes, &view, err) != HEARTH_OK) {
        return err->code;
    }
    survey->row.fleet = rebalance_fleet_digest(view);
    enum hearth_code code = rebalance_fleet(view, &shares, &survey->arena, &survey->plan, err);
    fleet_view_release(view);
    return code;
}

enum hearth_code rebalance_survey(struct coordinator *coordinator,
    const struct meta_rebalance *plan, struct duty *duty, struct hearth_err *err)
{
    FREES struct survey *survey = calloc(1, sizeof(*survey));
    if (survey == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "survey of a plan");
    }
    survey->coordinator = coordinator;
    survey->duty = duty;
    survey->row = *plan;
    survey->plan = (struct rebalance_plan){.kind = (enum rebalance_kind)plan->kind,
        .bytes_max = plan->bytes_max,
        .allow_colocation = coordinator->settings->allow_colocation};
    arena_init(&survey->arena, 0);
    enum hearth_code code = find_fleet(survey, err);
    if (code == HEARTH_OK) {
        code = work_out(survey, err);
    }
    if (code == HEARTH_OK) {
        log_write(LOG_REBALANCE_PLANNED,
            "plan=%" PRIu64 " moves=%" PRIu64 " bytes=%" PRIu64 " stuck=%" PRIu64, plan->number,
            survey->row.moves_planned, survey->row.bytes_planned, survey->row.stuck_planned);
    }
    arena_fini(&survey->arena);
    return code;
}
