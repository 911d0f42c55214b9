#include "coordinator/audit/audit_visit.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/service/segment_orders.h"
#include "proto/evidence_count.h"

static_assert((int)AUDIT_STRIKES_MAX == (int)EVIDENCE_STRIKES, "who is convicted is proven guilty");
static_assert((int)AUDIT_LEADS_MAX == (int)EVIDENCE_LEADS_MAX, "each of them is counted");

/* ---- what is asked ---- */

static bool is_in_place(const struct meta_segment *segment, const struct meta_audit_cell *cell)
{
    return segment->dying_ms == 0 && !meta_segment_is_doomed(segment) && cell->slot < segment->n &&
        segment->holders[cell->slot].node == cell->node &&
        segment->holders[cell->slot].p == cell->p;
}

/* An order for this slot alone, made as for any reader. door.order empty: its node has no address.
 */
static enum hearth_code make_door(const struct audit_asker *asker,
    const struct meta_segment *segment, unsigned slot, struct arena *arena, struct shard_door *out,
    struct hearth_err *err)
{
    struct wire_segment_info info;
    struct ec_slots others = ec_slots_first(segment->n);
    ec_slots_remove(&others, slot);
    const struct segment_reading reading = {
        .session_id = asker->session_id, .failed = others, .want = 1};
    enum hearth_code code =
        segment_to_wire(asker->coordinator, segment, &reading, arena, &info, err);
    *out = (struct shard_door){.node = NULL};
    for (size_t i = 0; code == HEARTH_OK && i < info.holders_count; i++) {
        if (info.holders[i].slot == slot && info.holders[i].node->endpoints_count > 0) {
            *out =
                (struct shard_door){.node = info.holders[i].node, .order = info.holders[i].order};
        }
    }
    return code;
}

static enum hearth_code make_ask(const struct audit_asker *asker,
    const struct meta_segment *segment, unsigned slot, struct audit_run run, struct arena *arena,
    struct audit_ask *out, struct hearth_err *err)
{
    *out = (struct audit_ask){.slot = slot, .run = run, .patience_ms = asker->patience_ms};
    memcpy(out->vk.bytes, segment->vk, sizeof(out->vk.bytes));
    enum hearth_code code = ec_stripes_init(&out->stripes, segment->k, segment->length, err);
    return code == HEARTH_OK ? make_door(asker, segment, slot, arena, &out->door, err) : code;
}

static struct audit_run run_of(const struct meta_audit_cell *cell)
{
    return (struct audit_run){.first = cell->first, .count = cell->count};
}

/* Around the stripe that was drawn: as a reader would, or as long as what it goes before; what a
 * reader complained of, whole. */
static struct audit_run choose_run(
    const struct audit_visit *visit, const struct audit_asker *asker, uint32_t stripe_count)
{
    if (visit->is_tip) {
        return (struct audit_run){.first = 0, .count = stripe_count};
    }
    return visit->like == NULL ? audit_shapes_draw(asker->shapes, visit->cell.first, stripe_count)
                               : audit_shape_place(asker->coordinator->env, visit->like->cell.count,
                                     visit->cell.first, stripe_count);
}

static enum hearth_code draw_run(
    struct audit_visit *visit, const struct audit_asker *asker, struct hearth_err *err)
{
    struct ec_stripes stripes;
    const struct meta_segment *segment = &visit->segment;
    enum hearth_code code = ec_stripes_init(&stripes, segment->k, segment->length, err);
    if (code == HEARTH_OK && (visit->is_tip || visit->cell.count == 0)) {
        const struct audit_run run = choose_run(visit, asker, stripes.stripe_count);
        visit->cell.first = run.first;
        visit->cell.count = run.count;
    }
    return code;
}

enum hearth_code audit_visit_prepare(struct audit_visit *visit, const struct audit_asker *asker,
    struct arena *arena, struct hearth_err *err)
{
    struct meta_store *store = asker->coordinator->store;
    enum hearth_code code = meta_segment_get(store, visit->cell.segment, &visit->segment, err);
    visit->asked_ms = meta_now_ms(store);
    visit->is_tip = visit->cell.p == 0;
    if (code == HEARTH_OK && visit->is_tip && visit->cell.slot < visit->segment.n) {
        visit->cell.p = visit->segment.holders[visit->cell.slot].p;
    }
    visit->is_void = code == HEARTH_NOT_FOUND ||
        (code == HEARTH_OK &&
            (!is_in_place(&visit->segment, &visit->cell) ||
                ec_slots_has(visit->segment.damaged, visit->cell.slot)));
    if (visit->is_void || code != HEARTH_OK) {
        return visit->is_void ? HEARTH_OK : code;
    }
    code = draw_run(visit, asker, err);
    if (code == HEARTH_OK) {
        code = make_ask(asker, &visit->segment, visit->cell.slot, run_of(&visit->cell), arena,
            &visit->ask, err);
    }
    visit->ask.patience_ms = audit_patience_ms(asker->patience_ms, visit->strikes);
    return code;
}

const struct audit_visit *audit_visit_lead(const struct audit_visit *visit)
{
    const struct audit_visit *lead = visit->before;
    while (lead != NULL && lead->ask.answer == AUDIT_NOT_ASKED) {
        lead = lead->before;
    }
    return lead;
}

enum hearth_code audit_visit_prepare_again(struct audit_visit *visit,
    const struct audit_asker *asker, struct arena *arena, struct hearth_err *err)
{
    return make_ask(
        asker, &visit->segment, visit->cell.slot, run_of(&visit->cell), arena, &visit->again, err);
}

void audit_visit_fini(struct audit_visit *visit)
{
    audit_ask_fini(&visit->ask);
    audit_ask_fini(&visit->again);
}

/* ---- witnesses ---- */

static const struct audit_ask *bad_ask(const struct audit_visit *visit)
{
    return visit->again.wrong_cell.view.size > 0 ? &visit->again : &visit->ask;
}

/* Of the same stripe, from every other holder that answers. */
static enum hearth_code ask_witnesses(struct audit_visit *visit, const struct audit_asker *asker,
    struct arena *arena, struct hearth_err *err)
{
    struct audit_ask *asks = arena_take_array(arena, META_SLOTS_MAX, sizeof(*asks));
    struct audit_ask *asked[META_SLOTS_MAX];
    unsigned count = 0;
    enum hearth_code code =
        asks == NULL ? hearth_fail(err, HEARTH_NO_MEMORY, "witnesses") : HEARTH_OK;
    uint32_t stripe =
        bad_ask(visit)->answer == AUDIT_WRONG ? bad_ask(visit)->wrong_stripe : visit->cell.first;
    stripe = stripe < visit->ask.stripes.stripe_count ? stripe : visit->cell.first;
    for (unsigned slot = 0; code == HEARTH_OK && slot < visit->segment.n; slot++) {
        uint64_t silent_ms;
        uint32_t node = visit->segment.holders[slot].node;
        if (slot == visit->cell.slot || node == 0 || ec_slots_has(visit->segment.damaged, slot) ||
            node_table_health(asker->coordinator->nodes, node, &silent_ms) > NODE_SUSPECT) {
            continue;
        }
        struct audit_ask *ask = &asks[count];
        code = make_ask(asker, &visit->segment, slot,
            (struct audit_run){.first = stripe, .count = 1}, arena, ask, err);
        if (code == HEARTH_OK && ask->door.order.size > 0) {
            asked[count++] = ask;
        }
    }
    if (code == HEARTH_OK) {
        code = audit_ask_all_blocking(asker->net, asker->coordinator->env, asked, count, err);
    }
    for (unsigned i = 0; code == HEARTH_OK && i < count; i++) {
        visit->audit.witnesses_asked++;
        visit->audit.witnesses_true += asked[i]->answer == AUDIT_TRUE;
    }
    for (unsigned i = 0; i < count; i++) {
        audit_ask_fini(asked[i]);
    }
    return code;
}

/* ---- the verdict ---- */

/* As it is now; the row takes the place of the one that was read before. */
static enum hearth_code read_again(
    struct audit_visit *visit, const struct audit_asker *asker, struct hearth_err *err)
{
    enum hearth_code code =
        meta_segment_get(asker->coordinator->store, visit->cell.segment, &visit->segment, err);
    visit->audit.is_in_place = code == HEARTH_OK && is_in_place(&visit->segment, &visit->cell);
    return code == HEARTH_NOT_FOUND ? HEARTH_OK : code;
}

/* It came, and was as much as the contained one: it might as well have been that. */
static bool is_held_against(const struct audit_visit *lead, const struct audit_visit *visit)
{
    return lead->ask.answer == AUDIT_TRUE && lead->cell.count >= visit->cell.count;
}

static unsigned count_leads(const struct audit_visit *visit)
{
    unsigned count = 0;
    for (const struct audit_visit *lead = visit->before; lead != NULL; lead = lead->before) {
        count += is_held_against(lead, visit);
    }
    return count;
}

enum hearth_code audit_visit_weigh_blocking(struct audit_visit *visit,
    const struct audit_asker *asker, bool is_auditor_doubted, struct arena *arena,
    struct hearth_err *err)
{
    uint64_t silent_ms;
    visit->audit = (struct audit_case){
        .answer = visit->ask.answer,
        .again = visit->again.answer,
        .strikes = visit->strikes,
        .leads = visit->is_contained ? count_leads(visit) : 0,
        .has_passed = ec_slots_has(visit->segment.passed, visit->cell.slot),
        .is_in_place = true,
        .is_heard = node_table_health(asker->coordinator->nodes, visit->cell.node, &silent_ms) <=
            NODE_SUSPENDED,
        .k = visit->segment.k,
        .is_auditor_doubted = is_auditor_doubted,
    };
    enum hearth_code code = HEARTH_OK;
    if (visit->ask.answer != AUDIT_TRUE) {
        code = read_again(visit, asker, err);
    }
    if (code == HEARTH_OK && audit_needs_witnesses(&visit->audit)) {
        code = ask_witnesses(visit, asker, arena, err);
    }
    if (code == HEARTH_OK) {
        audit_judge(&visit->audit, &visit->verdict);
    }
    return code;
}

/* ---- what is kept of it ---- */

static void add_try(
    struct evidence_try *tries, size_t *count, enum evidence_role role, const struct audit_ask *ask)
{
    if (ask->answer == AUDIT_NOT_ASKED || ask->door.order.size != ORDER_SIZE) {
        return;
    }
    if (*count == EVIDENCE_TRIES_MAX) { /* the oldest gives way */
        memmove(tries, tries + 1, (EVIDENCE_TRIES_MAX - 1) * sizeof(*tries));
        --*count;
    }
    struct evidence_try *one = &tries[(*count)++];
    *one = (struct evidence_try){
        .role = role,
        .answer = (uint8_t)ask->answer,
        .code = (uint16_t)ask->code,
        .asked_unix_ms = ask->asked_unix_ms,
        .ended_unix_ms = ask->ended_unix_ms,
    };
    memcpy(one->order, ask->door.order.bytes, sizeof(one->order));
}

/* First those that went first. */
static void add_leads(const struct audit_visit *visit, const struct audit_visit *lead,
    struct evidence_try *tries, size_t *count)
{
    if (lead == NULL) {
        return;
    }
    add_leads(visit, lead->before, tries, count);
    if (is_held_against(lead, visit)) {
        add_try(tries, count, EVIDENCE_BEFORE, &lead->ask);
    }
}

static void list_tries(const struct audit_visit *visit, struct evidence_try *tries, size_t *count)
{
    if (!evidence_tries_decode(visit->log, tries, count)) {
        *count = 0;
    }
    add_leads(visit, visit->is_contained ? visit->before : NULL, tries, count);
    add_try(tries, count, EVIDENCE_CELL, &visit->ask);
    add_try(tries, count, EVIDENCE_AGAIN, &visit->again);
}

static void describe_shard(const struct meta_segment *segment, struct evidence *out)
{
    uint8_t holders[META_HOLDERS_SIZE_MAX];
    size_t size = meta_holders_encode(segment->holders, segment->n, holders);
    memcpy(out->segment, segment->id.bytes, sizeof(out->segment));
    out->k = segment->k;
    out->n = segment->n;
    out->length = segment->length;
    memcpy(out->vk, segment->vk, sizeof(out->vk));
    out->generation = segment->generation;
    out->sealed_unix_ms = segment->sealed_ms;
    crypto_sha256(view_of(holders, size), out->holders_digest);
}

static void describe(const struct audit_visit *visit, const struct audit_asker *asker,
    struct arena *arena, struct evidence *out)
{
    const struct cluster *cluster = asker->coordinator->cluster;
    const struct audit_ask *bad = bad_ask(visit);
    struct wire_node_address address;
    *out = (struct evidence){
        .fault = (uint8_t)visit->verdict.fault,
        .node = visit->cell.node,
        .judged_unix_ms = meta_now_ms(asker->coordinator->store),
        .slot = visit->cell.slot,
        .p = visit->cell.p,
        .first_stripe = visit->cell.first,
        .stripes = visit->cell.count,
        .wrong_stripe = bad->wrong_stripe,
        .strikes = (uint16_t)(visit->strikes + visit->audit.leads),
        .witnesses_asked = (uint16_t)visit->audit.witnesses_asked,
        .witnesses_true = (uint16_t)visit->audit.witnesses_true,
    };
    memcpy(out->cluster, cluster->id, sizeof(out->cluster));
    if (node_table_address(asker->coordinator->nodes, visit->cell.node, arena, &address)) {
        memcpy(out->node_id, address.node_id.bytes, sizeof(out->node_id));
    }
    describe_shard(&visit->segment, out);
    list_tries(visit, out->tries, &out->try_count);
    if (visit->verdict.fault == AUDIT_FAULT_WRONG &&
        bad->wrong_cell.view.size <= EVIDENCE_CELL_MAX) {
        out->cell = bad->wrong_cell.view;
    }
}

static enum hearth_code make_evidence(const struct audit_visit *visit,
    const struct audit_asker *asker, struct arena *arena, struct view *out, struct hearth_err *err)
{
    struct evidence *evidence = arena_take_array(arena, 1, sizeof(*evidence));
    uint8_t *bytes = arena_take_array(arena, EVIDENCE_SIZE_MAX, 1);
    if (evidence == NULL || bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "evidence");
    }
    describe(visit, asker, arena, evidence);
    *out = view_of(bytes, evidence_encode(evidence, asker->coordinator->cluster->ca_key, bytes));
    return HEARTH_OK;
}

/* What a contained cell is held against its node for: the first question, then strikes alone. */
static enum hearth_code make_log(
    const struct audit_visit *visit, struct arena *arena, struct view *out, struct hearth_err *err)
{
    if (visit->is_contained && visit->verdict.strikes == 0) {
        *out = visit->log;
        return HEARTH_OK;
    }
    struct evidence_try *tries = arena_take_array(arena, EVIDENCE_TRIES_MAX, sizeof(*tries));
    uint8_t *bytes = arena_take_array(arena, EVIDENCE_TRIES_MAX, EVIDENCE_TRY_SIZE);
    if (tries == NULL || bytes == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "log of an audit");
    }
    size_t count;
    list_tries(visit, tries, &count);
    *out = view_of(bytes, evidence_tries_encode(tries, count, bytes));
    return HEARTH_OK;
}

enum hearth_code audit_visit_result(const struct audit_visit *visit,
    const struct audit_asker *asker, struct arena *arena, struct meta_audit_result *out,
    struct hearth_err *err)
{
    unsigned strikes = visit->strikes + visit->verdict.strikes;
    *out = (struct meta_audit_result){.cell = visit->cell,
        .verdict = visit->verdict,
        .is_control = visit->role != EVIDENCE_CELL,
        .is_recheck = visit->is_contained,
        .strikes = strikes,
        .due_ms = visit->asked_ms + audit_recheck_ms(asker->recheck_ms, strikes)};
    enum hearth_code code = HEARTH_OK;
    if (visit->verdict.is_contained) {
        code = make_log(visit, arena, &out->log, err);
    }
    if (code == HEARTH_OK && visit->verdict.outcome == AUDIT_FAIL) {
        code = make_evidence(visit, asker, arena, &out->evidence, err);
    }
    return code;
}
