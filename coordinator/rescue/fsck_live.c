#include "coordinator/rescue/fsck_live.h"

#include "coordinator/repair/repair_session.h"
#include "coordinator/rescue/fsck_cells.h"
#include "coordinator/rescue/fsck_copy.h"

static enum hearth_code list(void *context, uint32_t node, node_inventory_page_fn *page,
    void *page_context, struct hearth_err *err)
{
    const struct fsck_cells *cells = context;
    const struct wire_list_shards_request all = {.max = 0};
    return node_inventory_list_blocking(
        cells->coordinator->inventory, node, &all, page, page_context, err);
}

static enum hearth_code check_cells(void *context, const struct meta_segment *segment,
    struct fsck_slot *out, struct hearth_err *err)
{
    return fsck_cells_check_blocking(context, segment, out, err);
}

static bool has_moved_on(void *context, const struct meta_segment *segment)
{
    const struct fsck_cells *cells = context;
    struct meta_segment now;
    struct hearth_err err;
    return meta_segment_get(cells->coordinator->store, segment->id, &now, &err) != HEARTH_OK ||
        now.generation != segment->generation || now.dying_ms != 0;
}

static void note_one(struct fsck_space *spaces, size_t count, const struct meta_node *node)
{
    for (size_t i = 0; i < count; i++) {
        if (spaces[i].node == node->number) {
            spaces[i].reported_bytes = node->report.used;
        }
    }
}

/* The metadata has what heartbeats said only from time to time. */
static enum hearth_code note_reported(
    void *context, struct fsck_space *spaces, size_t count, struct hearth_err *err)
{
    const struct fsck_cells *cells = context;
    struct arena arena;
    struct node_status_list nodes;
    arena_init(&arena, 0);
    enum hearth_code code = node_table_list(cells->coordinator->nodes, &arena, &nodes, err);
    for (size_t i = 0; code == HEARTH_OK && i < nodes.count; i++) {
        note_one(spaces, count, &nodes.nodes[i].node);
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code check_copy(struct coordinator *coordinator, struct fsck_options *options,
    struct fsck_counts *counts, struct hearth_err *err)
{
    const struct repair_session *session = coordinator->session;
    struct fsck_cells cells = {.coordinator = coordinator,
        .net = session->net,
        .session_id = view_of(session->id, sizeof(session->id))};
    const struct fsck_fleet fleet = {.list = list,
        .check_cells = check_cells,
        .has_moved_on = has_moved_on,
        .note_reported = note_reported,
        .context = &cells};
    options->fleet = &fleet;
    options->allows_colocation = coordinator->settings->allow_colocation;
    return fsck_run_blocking(options, counts, err);
}

enum hearth_code fsck_live_blocking(struct coordinator *coordinator,
    const struct fsck_options *options, struct fsck_counts *counts, struct hearth_err *err)
{
    struct fsck_options live = *options;
    struct fsck_copy copy = {.folder = ""};
    live.copied_ms = meta_now_ms(coordinator->store);
    enum hearth_code code = meta_settings_get(coordinator->store, &live.settings, err);
    if (code == HEARTH_OK) {
        code = fsck_copy_live(&copy, coordinator->settings->metadata, coordinator->store, err);
    }
    if (code == HEARTH_OK) {
        code = fsck_meta_open(coordinator->cluster, coordinator->env, copy.folder, &live.meta, err);
    }
    if (code == HEARTH_OK) {
        code = check_copy(coordinator, &live, counts, err);
    }
    fsck_meta_close(live.meta);
    fsck_copy_remove(&copy);
    return code;
}
