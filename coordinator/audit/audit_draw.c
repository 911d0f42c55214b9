#include "coordinator/audit/audit_draw.h"

#include <stdlib.h>

struct audit_draw *audit_draw_create(struct env *env)
{
    struct audit_draw *draw = calloc(1, sizeof(*draw));
    if (draw == NULL) {
        return NULL;
    }
    draw->sample = audit_sample_create(env);
    if (draw->sample == NULL || !audit_fresh_init(&draw->fresh, env)) {
        audit_draw_destroy(draw);
        return NULL;
    }
    return draw;
}

void audit_draw_destroy(struct audit_draw *draw)
{
    if (draw != NULL) {
        audit_sample_destroy(draw->sample);
        audit_fresh_fini(&draw->fresh);
        free(draw->used);
        free(draw);
    }
}

enum hearth_code audit_draw_begin(struct audit_draw *draw, uint64_t pass, size_t nodes,
    const struct audit_quota *quotas, size_t count, struct hearth_err *err)
{
    free(draw->used);
    draw->used = calloc(nodes + 1, sizeof(*draw->used));
    draw->used_count = draw->used == NULL ? 0 : nodes;
    draw->fresh_at = 0;
    draw->pass = 0;
    audit_fresh_begin(&draw->fresh);
    if (draw->used == NULL || !audit_sample_begin(draw->sample, quotas, count)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "sample for audits of %zu nodes", count);
    }
    draw->pass = pass;
    return HEARTH_OK;
}

void audit_draw_page(
    struct audit_draw *draw, const struct meta_segment *segments, size_t count, uint64_t now_ms)
{
    audit_sample_page(draw->sample, segments, count);
    audit_fresh_page(&draw->fresh, segments, count, now_ms);
}

void audit_draw_end(struct audit_draw *draw)
{
    audit_fresh_sort(&draw->fresh);
}

static struct meta_audit_cell cell_of(const struct audit_pick *pick)
{
    return (struct meta_audit_cell){.node = pick->node,
        .segment = pick->segment,
        .slot = pick->slot,
        .p = pick->p,
        .first = pick->stripe};
}

bool audit_draw_take(struct audit_draw *draw, uint32_t node, struct meta_audit_cell *out)
{
    size_t count;
    const struct audit_pick *picks = audit_sample_of(draw->sample, node, &count);
    if (node > draw->used_count || draw->used[node - 1] >= count) {
        return false;
    }
    *out = cell_of(&picks[draw->used[node - 1]++]);
    return true;
}

bool audit_draw_take_fresh(struct audit_draw *draw, struct meta_audit_cell *out)
{
    if (draw->fresh_at >= draw->fresh.count) {
        return false;
    }
    *out = cell_of(&draw->fresh.shards[draw->fresh_at++].pick);
    return true;
}
