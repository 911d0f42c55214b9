#include "coordinator/audit/audit_recheck.h"

enum { TOGETHER = 4 }; /* cells without a strike, of one node in one batch */

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

/* ---- others that go before them ---- */

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

/* NULL: none is left. */
static struct audit_visit *add_lead(
    const struct audit_recheck *recheck, struct audit_draw *draw, struct audit_batch *batch)
{
    struct meta_audit_cell cell;
    while (audit_draw_take(draw, recheck->node, &cell)) {
        if (!is_contained(recheck, &cell)) {
            return audit_batch_add(batch, &cell, EVIDENCE_BEFORE);
        }
    }
    return NULL;
}

/* As many as there are. */
static void add_leads(const struct audit_recheck *recheck, struct audit_draw *draw,
    struct audit_batch *batch, struct audit_visit *visit, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct audit_visit *lead = add_lead(recheck, draw, batch);
        if (lead != NULL) {
            lead->like = visit;
            lead->before = visit->before;
            visit->before = lead;
        }
    }
}

/* ---- the cells themselves ---- */

/* NULL: there is no room. */
static struct audit_visit *add_cell(
    struct audit_batch *batch, const struct meta_audit_contained *due)
{
    struct audit_visit *visit = audit_batch_add(batch, &due->cell, EVIDENCE_CELL);
    if (visit != NULL) {
        visit->is_contained = true;
        visit->strikes = due->strikes;
        visit->log = due->log;
    }
    return visit;
}

/* From a random one on.  One that has strikes is asked for alone, as the others before it are: a
 * line that breaks under many questions at once must not make it look as if it never came. */
void audit_recheck_add(const struct audit_recheck *recheck, struct env *env,
    struct audit_draw *draw, struct audit_batch *batch)
{
    const size_t count = recheck->due_count;
    const size_t first = env_random_below(env, count);
    const unsigned leads = audit_leads((uint32_t)env_random_below(env, UINT32_MAX));
    const bool is_alone = leads > 0 || recheck->due[first].strikes > 0;
    struct audit_visit *visit = add_cell(batch, &recheck->due[first]);
    if (visit != NULL) {
        add_leads(recheck, draw, batch, visit, leads);
    }
    unsigned added = 1;
    for (size_t i = 1; i < count && !is_alone && added < TOGETHER; i++) {
        const struct meta_audit_contained *one = &recheck->due[(first + i) % count];
        if (one->strikes == 0) {
            add_cell(batch, one);
            added++;
        }
    }
}
