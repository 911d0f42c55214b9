#include "client/get_holders.h"

#include "client/get_reports.h"
#include "client/segment_get.h"
#include "common/codec.h"

enum {
    MS = 1000000, /* nanoseconds */
    BUSY_PAUSE_MS = 20,
    BUSY_PATIENCE_MS = 10 * 1000,
};

void get_holders_init(struct get_holders *holders, const struct get_source *source,
    const struct wire_segment_info *info, struct get_cover *cover)
{
    *holders = (struct get_holders){
        .source = source, .info = info, .cover = cover, .retry_ns = UINT64_MAX};
    arena_init(&holders->arena, 0);
}

void get_holders_fini(struct get_holders *holders)
{
    arena_fini(&holders->arena);
}

static struct session *session_of(const struct get_holders *holders)
{
    return holders->source->transfer->session;
}

static void adopt(struct get_holders *holders, const struct wire_placement *placement)
{
    struct node_health *health = &session_of(holders)->health;
    struct get_cover *cover = holders->cover;
    cover->holders[placement->slot] = (struct get_holder){
        .placement = placement,
        .is_usable = placement->order.size > 0,
        .standing = node_health_of(health, placement->node->node_id),
        .expected_ns = node_health_expected_ns(
            health, placement->node->node_id, cover->end - cover->window->base),
    };
}

static bool makes_sense(const struct get_holders *holders, const struct wire_placement *placement)
{
    return placement->slot < holders->cover->slot_count && placement->node != NULL &&
        placement->node->node_id.size == NODE_HEALTH_ID_SIZE;
}

void get_holders_adopt(struct get_holders *holders)
{
    for (size_t i = 0; i < holders->info->holders_count; i++) {
        if (makes_sense(holders, &holders->info->holders[i])) {
            adopt(holders, &holders->info->holders[i]);
        }
    }
}

/* It lies at the holder, not at the order we showed it, nor at a sink so slow that the call's
 * deadline passed. */
static bool is_holders_fault(enum hearth_code failed)
{
    enum hearth_reaction reaction = hearth_code_reaction(failed);
    return failed != HEARTH_OK && reaction != HEARTH_REACT_FIX_CALL &&
        reaction != HEARTH_REACT_RETRY && reaction != HEARTH_REACT_RESOLVE;
}

void get_holders_note_lost(struct get_holders *holders, unsigned slot, const struct hearth_err *why)
{
    struct get_holder *holder = &holders->cover->holders[slot];
    struct node_health *health = &session_of(holders)->health;
    struct view node_id = holder->placement->node->node_id;
    if (why->code == HEARTH_UNREACHABLE &&
        ++holder->tries < holder->placement->node->endpoints_count) {
        return; /* its next address */
    }
    holder->is_usable = false;
    holder->failed = why->code;
    bool was_silent = node_health_of(health, node_id) == NODE_SILENT;
    switch (hearth_code_reaction(why->code)) {
    case HEARTH_REACT_REPAIR: node_health_note(health, node_id, NODE_WRONG); break;
    case HEARTH_REACT_ELSEWHERE: node_health_note(health, node_id, NODE_SILENT); break;
    default: break;
    }
    bool is_known = was_silent && why->code == HEARTH_UNREACHABLE; /* said once is enough */
    if (is_holders_fault(why->code) && !is_known) {
        get_reports_add(
            holders->source->reports, holders->info->segment_id, holder->placement, why);
    }
}

/* ---- asking for more ---- */

static enum hearth_code ask_more_orders(
    struct get_holders *holders, struct wire_segment_info *out, struct hearth_err *err)
{
    uint32_t failed[EC_SLOTS_MAX];
    size_t failed_count = 0;
    for (unsigned slot = 0; slot < holders->cover->slot_count; slot++) {
        if (is_holders_fault(holders->cover->holders[slot].failed)) {
            failed[failed_count++] = slot;
        }
    }
    const struct get_source *source = holders->source;
    uint8_t session_id[PKI_ID_SIZE];
    session_id_copy(session_of(holders), session_id);
    const struct wire_more_orders_request request = {
        .bucket = source->bucket,
        .key = source->key,
        .version = source->version,
        .segment_id = holders->info->segment_id,
        .failed_slots = failed,
        .failed_slots_count = failed_count,
        .session_id = view_of(session_id, sizeof(session_id)),
    };
    const struct ask ask = {
        .method = RPC_MORE_ORDERS,
        .request = &request,
        .patience_ms = ASK_PATIENCE_MS,
        .cancel = source->transfer->control.cancel,
    };
    return session_ask(session_of(holders), &ask, &holders->arena, out, err);
}

/* A segment may have got another code since it was looked up: its cells are others then, and the
 * shards of before are there for as long as our orders last. */
static bool is_same_code(const struct wire_segment_info *a, const struct wire_segment_info *b)
{
    return a->k == b->k && a->n == b->n && view_equal(a->vk, b->vk);
}

/* Orders for holders that had none, or whose order was no good; and holders that are new. */
static void get_more_orders(struct get_holders *holders)
{
    struct wire_segment_info info;
    struct hearth_err err; /* without them the holders there are must do */
    if (ask_more_orders(holders, &info, &err) != HEARTH_OK || !is_same_code(holders->info, &info)) {
        return;
    }
    for (size_t i = 0; i < info.holders_count; i++) {
        const struct wire_placement *fresh = &info.holders[i];
        if (makes_sense(holders, fresh) && fresh->order.size > 0 &&
            !holders->cover->holders[fresh->slot].is_usable) {
            adopt(holders, fresh);
        }
    }
}

/* Nodes that could not be reached may be somewhere else by now. */
static void follow_moved(struct get_holders *holders)
{
    for (unsigned slot = 0; slot < holders->cover->slot_count; slot++) {
        const struct get_holder *holder = &holders->cover->holders[slot];
        if (holder->failed != HEARTH_UNREACHABLE) {
            continue;
        }
        const struct wire_placement *moved =
            session_follow_node(session_of(holders), holder->placement, &holders->arena);
        if (moved != NULL) {
            adopt(holders, moved);
        }
    }
}

static unsigned count_reachable(const struct get_holders *holders)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < holders->cover->slot_count; slot++) {
        count += holders->cover->holders[slot].is_usable;
    }
    return count;
}

bool get_holders_find_more(struct get_holders *holders)
{
    unsigned before = count_reachable(holders);
    if (holders->asked++ < GET_HOLDERS_ASKED_MAX) {
        follow_moved(holders);
        get_more_orders(holders);
    }
    return count_reachable(holders) > before;
}

bool get_holders_wait_for_busy(struct get_holders *holders)
{
    bool is_some_busy = false;
    for (unsigned slot = 0; slot < holders->cover->slot_count; slot++) {
        is_some_busy |= holders->cover->holders[slot].failed == HEARTH_BUSY;
    }
    uint64_t now_ns = transfer_now_ns(holders->source->transfer);
    if (holders->busy_ns == 0) {
        holders->busy_ns = now_ns;
    }
    if (!is_some_busy || now_ns - holders->busy_ns > BUSY_PATIENCE_MS * (uint64_t)MS) {
        return false;
    }
    uint64_t pause_ns = BUSY_PAUSE_MS * (uint64_t)MS;
    struct env *env = session_of(holders)->env;
    holders->retry_ns = now_ns + pause_ns / 2 + env_random_below(env, pause_ns);
    return true;
}

void get_holders_retry_busy(struct get_holders *holders)
{
    holders->retry_ns = UINT64_MAX;
    for (unsigned slot = 0; slot < holders->cover->slot_count; slot++) {
        struct get_holder *holder = &holders->cover->holders[slot];
        if (holder->failed == HEARTH_BUSY) {
            holder->failed = HEARTH_OK;
            holder->is_usable = true;
        }
    }
}

void get_holders_note_progress(struct get_holders *holders)
{
    holders->asked = 0;
    holders->busy_ns = 0;
}

enum hearth_code get_holders_fail(const struct get_holders *holders, struct hearth_err *err)
{
    char segment[2 * SEGMENT_ID_SIZE + 1];
    hex_encode(holders->info->segment_id.bytes, SEGMENT_ID_SIZE, segment);
    unsigned reachable = count_reachable(holders);
    unsigned n = holders->cover->slot_count;
    return hearth_fail(err, HEARTH_SHARDS_LOST,
        "segment %.8s.. has %u of %u shards reachable, %u needed: %u missing", segment, reachable,
        n, holders->cover->shape->data_count, n - reachable);
}
