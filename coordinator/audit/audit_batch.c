#include "coordinator/audit/audit_batch.h"

#include "common/codec.h"
#include "common/log.h"

struct audit_visit *audit_batch_add(
    struct audit_batch *batch, const struct meta_audit_cell *cell, enum evidence_role role)
{
    if (batch->count == AUDIT_VISITS_MAX) {
        return NULL;
    }
    struct audit_visit *visit = &batch->visits[batch->count++];
    *visit = (struct audit_visit){.cell = *cell, .role = role};
    return visit;
}

/* ---- asking ---- */

/* There is an order for it. */
static bool is_askable(const struct audit_visit *visit)
{
    return !visit->is_void && visit->ask.door.order.size > 0;
}

static bool was_asked(const struct audit_visit *visit)
{
    return visit->ask.answer != AUDIT_NOT_ASKED;
}

static enum hearth_code prepare_all(struct audit_batch *batch, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < batch->count && code == HEARTH_OK; i++) {
        code = audit_visit_prepare(&batch->visits[i], &batch->asker, batch->arena, err);
    }
    return code;
}

enum phase { LEAD, CONTAINED = LEAD + AUDIT_LEADS_MAX, OTHERS, AGAIN, PHASES };

/* How many go before it. */
static unsigned depth_of(const struct audit_visit *visit)
{
    unsigned depth = 0;
    for (const struct audit_visit *lead = visit->before; lead != NULL; lead = lead->before) {
        depth++;
    }
    return depth;
}

/* It is its turn, and what went before it came. */
static bool is_lead(const struct audit_visit *visit, unsigned depth)
{
    const struct audit_visit *lead = audit_visit_lead(visit);
    return visit->role == EVIDENCE_BEFORE && depth_of(visit) == depth &&
        (lead == NULL || lead->ask.answer == AUDIT_TRUE);
}

static bool is_of_phase(const struct audit_visit *visit, enum phase phase)
{
    switch (phase) {
    case CONTAINED: return visit->is_contained;
    case OTHERS: return !visit->is_contained && visit->role == EVIDENCE_CELL;
    case AGAIN: return audit_answer_is_bad(visit->ask.answer);
    default: return is_lead(visit, (unsigned)(phase - LEAD));
    }
}

static enum hearth_code ask_phase(
    struct audit_batch *batch, enum phase phase, struct hearth_err *err)
{
    struct audit_ask *asks[AUDIT_VISITS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        struct audit_visit *visit = &batch->visits[i];
        if (!is_askable(visit) || !is_of_phase(visit, phase)) {
            continue;
        }
        if (phase == AGAIN &&
            audit_visit_prepare_again(visit, &batch->asker, batch->arena, err) != HEARTH_OK) {
            return err->code;
        }
        asks[count++] = phase == AGAIN ? &visit->again : &visit->ask;
    }
    return audit_ask_all_blocking(
        batch->asker.net, batch->asker.coordinator->env, asks, count, err);
}

static enum hearth_code ask_all(struct audit_batch *batch, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (enum phase phase = LEAD; phase < PHASES && code == HEARTH_OK; phase++) {
        code = ask_phase(batch, phase, err);
    }
    return code;
}

/* ---- weighing ---- */

/* A node is well when some cell of it came, whichever. */
static bool gave_something(const struct audit_batch *batch, uint32_t node)
{
    for (unsigned i = 0; i < batch->count; i++) {
        const struct audit_visit *visit = &batch->visits[i];
        if (visit->cell.node == node && visit->ask.answer == AUDIT_TRUE) {
            return true;
        }
    }
    return false;
}

static bool note_doubt(struct audit_batch *batch)
{
    uint64_t now_ms = meta_now_ms(batch->asker.coordinator->store);
    for (unsigned i = 0; i < batch->count; i++) {
        uint32_t node = batch->visits[i].cell.node;
        if (was_asked(&batch->visits[i])) {
            audit_doubt_note(batch->doubt, node, gave_something(batch, node), now_ms);
        }
    }
    bool is_doubted = audit_doubt_is(batch->doubt, now_ms);
    if (is_doubted) {
        log_write(LOG_AUDITOR_DOUBTED, "detail=\"%s\"",
            "more than half of the nodes seem wrong or away: nobody is judged by this");
    }
    return is_doubted;
}

/* ---- what follows ---- */

static void log_shard(const struct audit_visit *visit, const struct meta_audit_result *result)
{
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(visit->cell.segment.bytes, META_ID_SIZE, segment);
    if (result->verdict.outcome == AUDIT_FAIL) {
        log_write(LOG_SHARD_CONVICTED, "node=%u segment=%s slot=%u fault=%s", visit->cell.node,
            segment, visit->cell.slot, audit_fault_text(result->verdict.fault));
    } else {
        log_write(LOG_SHARD_REPORTED, "node=%u segment=%s slot=%u by=audit detail=\"%s\"",
            visit->cell.node, segment, visit->cell.slot, "never was as its tags say");
    }
}

static void say(const struct audit_visit *visit, const struct meta_audit_result *result)
{
    if (!result->is_dropped &&
        (result->verdict.outcome == AUDIT_FAIL || result->verdict.is_damaged)) {
        log_shard(visit, result);
    }
    if (result->has_fallen) {
        log_write(LOG_NODE_SUSPENDED, "node=%u detail=\"%s\"", visit->cell.node,
            "it gets no new shards, and what it holds is made anew elsewhere");
    }
    if (result->has_risen) {
        log_write(LOG_NODE_TRUSTED_AGAIN, "node=%u", visit->cell.node);
    }
}

static enum hearth_code settle(struct audit_batch *batch, struct meta_audit_result *results,
    const struct audit_visit *const *visits, unsigned count, struct hearth_err *err)
{
    struct coordinator *coordinator = batch->asker.coordinator;
    enum hearth_code code = meta_audit_record(coordinator->store, results, count, err);
    bool is_changed = false;
    for (unsigned i = 0; i < count && code == HEARTH_OK; i++) {
        say(visits[i], &results[i]);
        batch->outcomes[results[i].is_dropped ? AUDIT_NONE : results[i].verdict.outcome]++;
        batch->damaged += results[i].is_damaged;
        is_changed = is_changed || results[i].has_fallen || results[i].has_risen;
    }
    return code == HEARTH_OK && is_changed ? node_table_reload(coordinator->nodes, err) : code;
}

/* What had no place any more is recorded too: its row goes. */
static enum hearth_code weigh_all(struct audit_batch *batch, struct hearth_err *err)
{
    struct meta_audit_result *results =
        arena_take_array(batch->arena, AUDIT_VISITS_MAX, sizeof(*results));
    const struct audit_visit *visits[AUDIT_VISITS_MAX];
    unsigned count = 0;
    if (results == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "results of audits");
    }
    bool is_doubted = note_doubt(batch);
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < batch->count && code == HEARTH_OK; i++) {
        struct audit_visit *visit = &batch->visits[i];
        if (!visit->is_void && !was_asked(visit)) {
            continue;
        }
        if (!visit->is_void) {
            code = audit_visit_weigh_blocking(visit, &batch->asker, is_doubted, batch->arena, err);
        }
        if (code == HEARTH_OK) {
            code = audit_visit_result(visit, &batch->asker, batch->arena, &results[count], err);
            visits[count++] = visit;
        }
    }
    return code == HEARTH_OK ? settle(batch, results, visits, count, err) : code;
}

enum hearth_code audit_batch_run_blocking(struct audit_batch *batch, struct hearth_err *err)
{
    enum hearth_code code = prepare_all(batch, err);
    if (code == HEARTH_OK) {
        code = ask_all(batch, err);
    }
    if (code == HEARTH_OK) {
        code = weigh_all(batch, err);
    }
    for (unsigned i = 0; i < batch->count; i++) {
        audit_visit_fini(&batch->visits[i]);
    }
    return code;
}
