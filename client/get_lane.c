#include "client/get_lane.h"

static void note_wait(struct get_lane *lane, uint64_t wait_ns)
{
    if (lane->cells++ == 0) {
        lane->first_ns = wait_ns;
    } else {
        lane->cells_ns += wait_ns;
    }
}

/* What was seen of the node, when the lane ends; a late cell counts as if it came now. */
static void note_call(struct get_lane *lane)
{
    struct transfer *transfer = lane->group->transfer;
    if (lane->is_late) {
        note_wait(lane, transfer_now_ns(transfer) - lane->awaited_ns);
    }
    if (lane->cells > 0) {
        node_health_note_call(&transfer->session->health, lane->node_id, lane->first_ns,
            lane->cells - 1, lane->cells_ns);
    }
}

static void close_call(struct get_lane *lane, enum get_lane_state next)
{
    assert(lane->state == GET_LANE_RUNNING);
    note_call(lane);
    shard_call_drop(lane->call);
    lane->call = NULL;
    lane->state = next;
}

static void lose(struct get_lane *lane)
{
    close_call(lane, GET_LANE_LOST);
}

/* Whether these are the very bytes that were stored as this cell. */
static bool is_true_cell(const struct get_lane *lane, struct view bytes)
{
    size_t cell_size = ec_stripes_cell_size(lane->group->shape, lane->next);
    return bytes.size == cell_size + EC_CELL_TAG_SIZE &&
        shard_tag_fits(lane->group->tagger, lane->slot, lane->next, view_of(bytes.bytes, cell_size),
            bytes.bytes + cell_size);
}

static void on_cell(struct get_lane *lane, struct shard_event *event)
{
    if (lane->next == lane->granted || !is_true_cell(lane, event->bytes.view)) {
        hearth_fail(&lane->err, HEARTH_CHECKSUM, "the cell of stripe %u is not what was stored",
            lane->next);
        lose(lane);
        return;
    }
    uint64_t wait_ns = event->at_ns > lane->awaited_ns ? event->at_ns - lane->awaited_ns : 0;
    if (wait_ns > 0) {
        get_tempo_note(lane->group->tempo, wait_ns);
    }
    note_wait(lane, wait_ns);
    get_window_add(lane->group->window, lane->next, lane->slot, event->bytes);
    event->bytes = (struct slice){0};
    lane->next++;
    lane->awaited_ns = event->at_ns;
    lane->is_late = false;
}

static void on_done(struct get_lane *lane)
{
    if (lane->next < lane->end) {
        hearth_fail(
            &lane->err, HEARTH_CHECKSUM, "it ended before stripe %u of %u", lane->next, lane->end);
        lose(lane);
        return;
    }
    get_lane_drop(lane);
}

static void on_failed(struct get_lane *lane, const struct shard_event *event)
{
    if (lane->next == lane->end) {
        get_lane_drop(lane); /* everything was there: how it took leave does not matter */
        return;
    }
    lane->err = event->err;
    lose(lane);
}

static void on_event(struct shard_listener *listener, struct shard_event *event)
{
    struct get_lane *lane = (struct get_lane *)listener;
    assert(lane->state == GET_LANE_RUNNING);
    switch (event->kind) {
    case SHARD_CELL: on_cell(lane, event); break;
    case SHARD_DONE: on_done(lane); break;
    case SHARD_FAILED: on_failed(lane, event); break;
    case SHARD_SENT: assert(false && "a get sends no cells");
    }
}

void get_lane_init(struct get_lane *lane, const struct get_lane_group *group)
{
    *lane = (struct get_lane){.listener = {on_event}, .group = group};
}

void get_lane_fini(struct get_lane *lane)
{
    if (lane->state == GET_LANE_RUNNING) {
        get_lane_drop(lane); /* its end need not have arrived for its cells to be all there */
    }
}

void get_lane_open(
    struct get_lane *lane, const struct wire_placement *placement, unsigned first, unsigned end)
{
    assert(lane->state == GET_LANE_FREE && first < end);
    struct transfer *transfer = lane->group->transfer;
    lane->state = GET_LANE_RUNNING;
    lane->slot = placement->slot;
    lane->next = first;
    lane->granted = first;
    lane->end = end;
    lane->is_late = false;
    lane->node_id = placement->node->node_id;
    lane->own_late_ns = node_health_late_ns(&transfer->session->health, lane->node_id);
    lane->first_ns = 0;
    lane->cells = 0;
    lane->cells_ns = 0;
    lane->awaited_ns = transfer_now_ns(transfer);
    const struct shard_door door = {placement->node, placement->order};
    lane->call = shard_get_open(
        transfer->session->net, &door, first, end - first, transfer->inbox, &lane->listener);
}

void get_lane_grant(struct get_lane *lane, unsigned stripe)
{
    unsigned granted = stripe < lane->end ? stripe : lane->end;
    if (lane->state != GET_LANE_RUNNING || granted <= lane->granted) {
        return;
    }
    if (lane->granted == lane->next) {
        lane->awaited_ns = transfer_now_ns(lane->group->transfer); /* until now none could come */
    }
    shard_get_read(lane->call, granted - lane->granted);
    lane->granted = granted;
}

void get_lane_drop(struct get_lane *lane)
{
    close_call(lane, GET_LANE_FREE);
}

void get_lane_give_up(struct get_lane *lane, enum hearth_code code, const char *reason)
{
    hearth_fail(&lane->err, code, "%s", reason);
    lose(lane);
}
