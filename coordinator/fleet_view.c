#include "coordinator/fleet_view.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A view with its nodes behind it, in one allocation. */
struct counted_view {
    struct fleet_view view; /* first: users hold a pointer to it */
    atomic_uint users;
    struct fleet_node nodes[];
};

/* Until something was measured: a home box, up 95 % of the time, ten months of mean life. */
static const double UPTIME_PRIOR = 0.95;
static const double HAZARD_PRIOR = 1.2;

enum { PROBATION_MS = 7 * 24 * 60 * 60 * 1000 };

static const struct fleet_node no_node = {
    .state = META_NODE_GONE,
    .health = NODE_GONE,
    .silent_ms = UINT64_MAX,
};

static void describe(const struct node_status *status, uint64_t now_ms, struct fleet_node *out)
{
    const struct meta_node *node = &status->node;
    *out = (struct fleet_node){
        .number = node->number,
        .owner = node->owner,
        .network = node->network,
        .state = node->state,
        .health = status->health,
        .silent_ms = status->silent_ms,
        .uptime = UPTIME_PRIOR,
        .hazard = HAZARD_PRIOR,
        .capacity = node->report.capacity,
        .used = node->report.used,
        .free = node->report.free,
        .takes_shards = status->takes_shards,
        .is_probation = now_ms < node->enrolled_ms + PROBATION_MS,
    };
}

static struct counted_view *make_view(const struct node_status_list *list, uint64_t now_ms)
{
    size_t count = list->count > 0 ? list->nodes[list->count - 1].node.number : 0;
    struct counted_view *out = calloc(1, sizeof(*out) + count * sizeof(out->nodes[0]));
    if (out == NULL) {
        return NULL;
    }
    out->users = 1;
    out->view = (struct fleet_view){.taken_ms = now_ms, .count = count, .nodes = out->nodes};
    for (size_t i = 0; i < count; i++) {
        out->nodes[i] = no_node;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct node_status *status = &list->nodes[i];
        describe(status, now_ms, &out->nodes[status->node.number - 1]);
    }
    return out;
}

enum hearth_code fleet_view_take(
    struct node_table *table, const struct fleet_view **out, struct hearth_err *err)
{
    struct node_status_list list;
    struct counted_view *view = NULL;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = node_table_list(table, &arena, &list, err);
    if (code == HEARTH_OK) {
        view = make_view(&list, node_table_now_ms(table));
    }
    arena_fini(&arena);
    if (code == HEARTH_OK && view == NULL) {
        code = hearth_fail(err, HEARTH_NO_MEMORY, "view of the fleet");
    }
    if (code == HEARTH_OK) {
        *out = &view->view;
    }
    return code;
}

/* Counting users is all that ever changes of a view. */
static struct counted_view *counted(const struct fleet_view *view)
{
    return (struct counted_view *)(uintptr_t)view;
}

const struct fleet_view *fleet_view_keep(const struct fleet_view *view)
{
    unsigned before = atomic_fetch_add(&counted(view)->users, 1);
    assert(before > 0);
    return view;
}

void fleet_view_release(const struct fleet_view *view)
{
    if (view != NULL && atomic_fetch_sub(&counted(view)->users, 1) == 1) {
        free(counted(view));
    }
}

const struct fleet_node *fleet_view_node(const struct fleet_view *view, uint32_t number)
{
    return number >= 1 && number <= view->count ? &view->nodes[number - 1] : &no_node;
}
