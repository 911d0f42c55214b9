#include "coordinator/audit/audit_recheck.h"

#include "proto/evidence_count.h"

enum { TOGETHER = 4 }; /* contained cells of one node in one batch */

unsigned audit_recheck_nodes(
    const struct audit_pace *pace, size_t *from, uint32_t nodes[AUDIT_RECHECK_NODES])
{
    unsigned count = 0;
    for (size_t i = 0; i < pace->count && count < AUDIT_RECHECK_NODES; i++) {
        size_t at = (*from + i) % pace->count;
        if (pace->nodes[at].contained > 0 && pace->nodes[at].answers) {
            nodes[count++] = (uint32_t)at + 1;
        }
    }
    *from = count == 0 ? 0 : nodes[count - 1];
    return count;
}

enum hearth_code audit_recheck_read(struct meta_store *store, uint32_t node, struct arena *arena,
    struct audit_recheck *out, struct hearth_err *err)
{
    out->node = node;
    out->shard_count = 0;
    enum hearth_code code = meta_audit_due(store, node, meta_now_ms(store), arena, out->due,
        AUDIT_RECHECK_CELLS, &out->due_count, err);
    return code == HEARTH_OK && out->due_count > 0
        ? meta_audit_contained_shards(store, node, out->shards, &out->shard_count, err)
        : code;
}

/* ---- others, between which they are asked for ---- */

/* A shard that did not come before is no good to hold another one against. */
static bool is_contained(const struct audit_recheck *recheck, const struct meta_audit_cell *cell)
{
    for (size_t i = 0; i < recheck->shard_count; i++) {
        if (recheck->shards[i].slot == cell->slot &&
            meta_id_equal(recheck->shards[i].segment, cell->segment)) {
            return true;
        }
    }
    return false;
}

/* A cell beside a contained one, of a shard that is none. NULL: none is left. */
static struct audit_visit *add_control(const struct audit_recheck *recheck, struct audit_draw *draw,
    struct audit_batch *batch, enum evidence_role role)
{
    struct meta_audit_cell cell;
    while (audit_draw_take(draw, recheck->node, &cell)) {
        if (!is_contained(recheck, &cell)) {
            return audit_batch_add(batch, &cell, role);
        }
    }
    return NULL;
}

/* Cells to go before a contained one, as many as there are: the last of them. */
static struct audit_visit *add_leads(const struct audit_recheck *recheck, struct audit_draw *draw,
    struct audit_batch *batch, unsigned count)
{
    struct audit_visit *last = NULL;
    for (unsigned i = 0; i < count; i++) {
        struct audit_visit *lead = add_control(recheck, draw, batch, EVIDENCE_BEFORE);
        if (lead != NULL) {
            lead->before = last;
            last = lead;
        }
    }
    return last;
}

/* ---- the cells themselves ---- */

static void add_cell(struct audit_batch *batch, const struct meta_audit_contained *due,
    struct audit_visit *before, struct audit_visit *after)
{
    struct audit_visit *visit = audit_batch_add(batch, &due->cell, EVIDENCE_CELL);
    if (visit != NULL) {
        visit->is_contained = true;
        visit->strikes = due->strikes;
        visit->sulks = evidence_sulks_so_far(due->log);
        visit->log = due->log;
        visit->before = before;
        visit->after = after;
    }
}

/* From a random one on.  One that was sulked about is asked for alone, so that it is known whose
 * silence it was; so is any when there is no other to go before it. */
void audit_recheck_add(const struct audit_recheck *recheck, struct env *env,
    struct audit_draw *draw, struct audit_batch *batch)
{
    const size_t count = recheck->due_count;
    const size_t first = env_random_below(env, count);
    const unsigned sulks = evidence_sulks_so_far(recheck->due[first].log);
    const unsigned leads = audit_leads(sulks, (uint32_t)env_random_below(env, UINT32_MAX));
    struct audit_visit *after = add_control(recheck, draw, batch, EVIDENCE_AFTER);
    struct audit_visit *before = add_leads(recheck, draw, batch, leads);
    unsigned added = 0;
    for (size_t i = 0; i < count && added < (before == NULL || sulks > 0 ? 1 : TOGETHER); i++) {
        const struct meta_audit_contained *one = &recheck->due[(first + i) % count];
        if (i == 0 || evidence_sulks_so_far(one->log) == 0) {
            add_cell(batch, one, before, after);
            added++;
        }
    }
}
