#include "coordinator/audit/audit_pace.h"

#include "coordinator/audit/audit_rate.h"

#include <math.h>
#include <stdlib.h>

enum { CONTROLS = 16 }; /* picks to go beside contained cells */

static const double FAILED_LATELY = 0.05; /* of the decayed count: one, 150 audits ago */
static const double MARK_MAX = 3;

void audit_pace_init(struct audit_pace *pace, struct env *env)
{
    *pace = (struct audit_pace){.env = env};
}

void audit_pace_fini(struct audit_pace *pace)
{
    free(pace->nodes);
    *pace = (struct audit_pace){.count = 0};
}

static double draw_mark(struct env *env)
{
    double chance = ((double)env_random_below(env, UINT32_MAX) + 1) / UINT32_MAX;
    double mark = -log(chance);
    return mark < MARK_MAX ? mark : MARK_MAX;
}

static bool make_room(struct audit_pace *pace, size_t count)
{
    if (count <= pace->count) {
        return true;
    }
    struct audit_pace_node *nodes = realloc(pace->nodes, count * sizeof(*nodes));
    if (nodes == NULL) {
        return false;
    }
    memset(nodes + pace->count, 0, (count - pace->count) * sizeof(*nodes));
    pace->nodes = nodes;
    pace->count = count;
    return true;
}

/* ---- owed ---- */

static void count_time(struct audit_pace_node *node, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms > node->counted_ms ? now_ms - node->counted_ms : 0;
    node->owed =
        node->answers ? audit_rate_owed(node->owed, node->per_week, elapsed_ms) : node->owed;
    node->counted_ms = now_ms;
}

/* A node first seen after a start is owed what it was since its last audit. */
static void meet(struct audit_pace *pace, struct audit_pace_node *node,
    const struct meta_audit_node *score, uint64_t now_ms)
{
    node->mark = draw_mark(pace->env);
    node->counted_ms = score != NULL && score->score.last_ms > 0 ? score->score.last_ms : now_ms;
}

static struct audit_risk risk_of(const struct fleet_node *fleet_node,
    const struct audit_pace_node *node, const struct meta_audit_node *score, uint64_t now_ms)
{
    bool was_reported = node->reported_ms > 0 && now_ms < node->reported_ms + AUDIT_REPORTED_MS;
    bool failed = score != NULL && score->score.fail > FAILED_LATELY;
    return (struct audit_risk){
        .used = fleet_node->used,
        .is_new = fleet_node->is_probation || score == NULL ||
            score->score.counts[AUDIT_PASS] < AUDIT_NEW_PASSES,
        .is_doubted = fleet_node->state == META_NODE_SUSPENDED || node->contained > 0 || failed ||
            was_reported,
    };
}

bool audit_pace_update(struct audit_pace *pace, const struct fleet_view *fleet,
    const struct meta_audit_nodes *scores, uint64_t floor_per_week, uint64_t now_ms)
{
    if (!make_room(pace, fleet->count)) {
        return false;
    }
    size_t at = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        struct audit_pace_node *node = &pace->nodes[i];
        while (at < scores->count && scores->nodes[at].node < i + 1) {
            at++;
        }
        const struct meta_audit_node *score =
            at < scores->count && scores->nodes[at].node == i + 1 ? &scores->nodes[at] : NULL;
        if (node->counted_ms == 0) {
            meet(pace, node, score, now_ms);
        }
        node->answers = fleet->nodes[i].number != 0 && fleet_node_answers(&fleet->nodes[i]);
        node->requested = node->answers ? node->requested : 0; /* nobody waits for who is away */
        node->contained = score == NULL ? 0 : score->contained;
        struct audit_risk risk = risk_of(&fleet->nodes[i], node, score, now_ms);
        node->per_week = audit_rate_per_week(floor_per_week, &risk);
        count_time(node, now_ms);
    }
    return true;
}

/* ---- whose turn ---- */

static unsigned quota_of(const struct audit_pace_node *node)
{
    double soon = audit_rate_owed(node->owed, node->per_week, AUDIT_PACE_AHEAD_MS);
    unsigned picks = soon >= node->mark ? 1 + (unsigned)soon : 0;
    return picks + node->requested + (node->contained > 0 ? CONTROLS : 0);
}

size_t audit_pace_quotas(const struct audit_pace *pace, struct audit_quota *out)
{
    size_t count = 0;
    for (size_t i = 0; i < pace->count; i++) {
        unsigned picks = pace->nodes[i].answers ? quota_of(&pace->nodes[i]) : 0;
        if (picks > 0) {
            out[count++] = (struct audit_quota){.node = (uint32_t)i + 1, .picks = picks};
        }
    }
    return count;
}

struct audit_pace_node *audit_pace_find(const struct audit_pace *pace, uint32_t node)
{
    return node > 0 && node <= pace->count ? &pace->nodes[node - 1] : NULL;
}

bool audit_pace_is_due(const struct audit_pace_node *node, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms > node->counted_ms ? now_ms - node->counted_ms : 0;
    return node->answers && node->per_week > 0 &&
        audit_rate_owed(node->owed, node->per_week, elapsed_ms) >= node->mark;
}

void audit_pace_asked(struct audit_pace *pace, struct audit_pace_node *node, uint64_t now_ms)
{
    count_time(node, now_ms);
    node->owed = node->owed > node->mark ? node->owed - node->mark : 0;
    node->mark = draw_mark(pace->env);
}

uint64_t audit_pace_pause_ms(struct env *env, uint64_t mean_ms)
{
    return (uint64_t)((double)mean_ms * draw_mark(env));
}
