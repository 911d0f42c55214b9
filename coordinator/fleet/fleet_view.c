#include "coordinator/fleet/fleet_view.h"

#include "coordinator/fleet/node_hazard.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A view with its nodes behind it, in one allocation. */
struct counted_view {
    struct fleet_view view; /* first: users hold a pointer to it */
    atomic_uint users;
    struct fleet_node nodes[];
};

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
        .uptime = status->uptime,
        .capacity = node->report.capacity,
        .used = node->report.used,
        .free = node->report.free,
        .uplink_bits = node->uplink_bits,
        .takes_shards = status->takes_shards,
        .is_probation = node_is_new(node, now_ms),
    };
}

/* ---- hazards ---- */

static const double YEAR_MS = 365.25 * 24 * 60 * 60 * 1000;

/* Since it enrolled, until it was heard last when it is not there any more. */
static double age_years(const struct node_status *status, uint64_t now_ms)
{
    const struct meta_node *node = &status->node;
    bool is_over = status->health == NODE_LOST || status->health == NODE_GONE;
    uint64_t end_ms = is_over ? node->last_seen_ms : now_ms;
    return end_ms > node->enrolled_ms ? (double)(end_ms - node->enrolled_ms) / YEAR_MS : 0;
}

/* What is on record, and a silence that has become one. */
static double losses_of(const struct node_status *status)
{
    bool by_silence = status->health == NODE_LOST && status->node.state != META_NODE_LOST;
    return (double)status->record.losses + by_silence;
}

static void add_to(struct hazard_record *record, const struct node_status *status, uint64_t now_ms)
{
    record->years += age_years(status, now_ms);
    record->losses += losses_of(status);
}

static uint32_t last_owner(const struct node_status_list *list)
{
    uint32_t last = 0;
    for (size_t i = 0; i < list->count; i++) {
        last = list->nodes[i].node.owner > last ? list->nodes[i].node.owner : last;
    }
    return last;
}

/* False: out of memory. */
static bool foresee(const struct node_status_list *list, uint64_t now_ms, struct fleet_node *nodes)
{
    struct hazard_record fleet = {0};
    struct hazard_record *owners = calloc((size_t)last_owner(list) + 1, sizeof(*owners));
    if (owners == NULL) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        add_to(&fleet, &list->nodes[i], now_ms);
        add_to(&owners[list->nodes[i].node.owner], &list->nodes[i], now_ms);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct node_status *status = &list->nodes[i];
        nodes[status->node.number - 1].hazard =
            node_hazard(&fleet, &owners[status->node.owner], age_years(status, now_ms));
    }
    free(owners);
    return true;
}

/* ---- tides ---- */

static bool is_expected(const struct node_status *status)
{
    return status->health != NODE_LOST && status->health != NODE_GONE;
}

static void watch_tides(const struct node_status_list *list, struct fleet_node *nodes)
{
    double there[PRESENCE_HOURS] = {0};
    uint8_t tide_of[PRESENCE_HOURS];
    for (size_t i = 0; i < list->count; i++) {
        for (unsigned hour = 0; hour < PRESENCE_HOURS && is_expected(&list->nodes[i]); hour++) {
            there[hour] += (double)list->nodes[i].week[hour];
        }
    }
    fleet_tides(there, tide_of);
    for (size_t i = 0; i < list->count; i++) {
        const struct node_status *status = &list->nodes[i];
        fleet_swing(status->week, tide_of, nodes[status->node.number - 1].swing);
    }
}

/* ---- a view ---- */

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
    watch_tides(list, out->nodes);
    if (!foresee(list, now_ms, out->nodes)) {
        free(out);
        return NULL;
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
