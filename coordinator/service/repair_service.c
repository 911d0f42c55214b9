#include "coordinator/service/repair_service.h"

#include "common/log.h"
#include "coordinator/estimate/simulate.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/meta/meta_affected.h"
#include "coordinator/repair/repair.h"
#include "coordinator/service/admin_service.h"
#include "coordinator/service/estimate_service.h"
#include "proto/wire_repair.h"

enum { CURSOR_HEAD = META_ID_SIZE + META_ID_SIZE, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* ---- repair ---- */

static void describe(struct coordinator *coordinator, struct wire_repair_info *out)
{
    struct repair_status status;
    repair_status_get(coordinator->repair, &status);
    *out = (struct wire_repair_info){
        .counted = status.is_counted,
        .segments = status.segments,
        .below_n = status.below_n,
        .below_trigger = status.below_r,
        .unreadable = status.unreadable,
        .lost = status.lost,
        .due = status.queue,
        .waiting = status.waiting,
        .without_place = status.without_place,
        .bytes = status.bytes,
        .queued = status.queued,
        .oldest_unix_ms = status.oldest_ms,
        .running = status.running,
        .bytes_per_s = status.bytes_per_s,
        .asked_unix_ms = status.asked_ms,
        .repaired_shards = status.repaired,
        .repaired_segments = status.repaired_segments,
        .repaired_bytes = status.repaired_bytes,
        .failed = status.failed,
        .now_unix_ms = meta_now_ms(coordinator->store),
    };
}

const struct wire_repair_info *repair_service_describe(
    struct coordinator *coordinator, struct arena *arena)
{
    struct wire_repair_info *out = arena_take(arena, sizeof(*out));
    if (out != NULL) {
        describe(coordinator, out);
    }
    return out;
}

static enum hearth_code repair_show(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    if (code == HEARTH_OK) {
        describe(coordinator, response);
    }
    return code;
}

/* Durable first; then a pass looks for what is below n. */
static enum hearth_code repair_run(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    (void)request;
    struct coordinator *coordinator = service;
    enum hearth_code code = admin_check(coordinator, &context->peer, err);
    if (code == HEARTH_OK) {
        code = repair_ask(coordinator->repair, err);
    }
    if (code == HEARTH_OK) {
        sweep_ask(coordinator->sweep);
        log_write(LOG_REPAIR_ASKED, "by=%s", context->peer.id_text);
        describe(coordinator, response);
    }
    return code;
}

/* ---- what cannot be read ---- */

static bool is_wanted(void *context, struct meta_id segment)
{
    struct repair_lost lost;
    return repair_is_unreadable(context, segment, &lost);
}

static enum hearth_code read_cursor(
    struct view bytes, struct meta_affected_cursor *out, struct hearth_err *err)
{
    *out = (struct meta_affected_cursor){.key = bytes};
    out->key.size = 0;
    if (bytes.size == 0) {
        return HEARTH_OK;
    }
    if (bytes.size < CURSOR_HEAD || bytes.size > CURSOR_HEAD + META_KEY_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "a cursor of %zu bytes is none of ours", bytes.size);
    }
    memcpy(out->bucket.bytes, bytes.bytes, META_ID_SIZE);
    memcpy(out->version.bytes, bytes.bytes + META_ID_SIZE, META_ID_SIZE);
    out->key = view_of(bytes.bytes + CURSOR_HEAD, bytes.size - CURSOR_HEAD);
    return HEARTH_OK;
}

static struct view write_cursor(const struct meta_affected_cursor *cursor, struct arena *arena)
{
    const size_t size = CURSOR_HEAD + cursor->key.size;
    uint8_t *bytes = arena_take(arena, size);
    if (bytes != NULL) {
        memcpy(bytes, cursor->bucket.bytes, META_ID_SIZE);
        memcpy(bytes + META_ID_SIZE, cursor->version.bytes, META_ID_SIZE);
        memcpy(bytes + CURSOR_HEAD, cursor->key.bytes, cursor->key.size);
    }
    return view_of(bytes, bytes == NULL ? 0 : size);
}

static struct wire_lost_object lost_to_wire(
    struct coordinator *coordinator, struct arena *arena, const struct meta_affected_object *object)
{
    struct repair_lost lost = {.is_lost = false};
    repair_is_unreadable(coordinator->repair, object->segment, &lost);
    return (struct wire_lost_object){
        .bucket = object->bucket,
        .key = object->key,
        .version = service_copy(arena, object->version.bytes, sizeof(object->version.bytes)),
        .segment_id = service_copy(arena, object->segment.bytes, sizeof(object->segment.bytes)),
        .is_lost = lost.is_lost,
    };
}

static enum hearth_code page_to_wire(struct coordinator *coordinator, struct arena *arena,
    const struct meta_affected_page *page, struct wire_repair_lost_reply *out,
    struct hearth_err *err)
{
    struct wire_lost_object *objects = arena_take_array(arena, page->count, sizeof(*objects));
    for (size_t i = 0; objects != NULL && i < page->count; i++) {
        objects[i] = lost_to_wire(coordinator, arena, &page->objects[i]);
    }
    *out = (struct wire_repair_lost_reply){
        .objects = objects, .objects_count = page->count, .looked_at = page->looked_at};
    if (page->looked_at == META_AFFECTED_PAGE) {
        out->next_cursor = write_cursor(&page->last, arena);
    }
    return objects != NULL && (page->looked_at < META_AFFECTED_PAGE || out->next_cursor.size > 0)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NO_MEMORY, "list of objects");
}

static enum hearth_code repair_lost(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_repair_lost_request *in = request;
    struct meta_affected_query query = {.is_wanted = is_wanted, .context = coordinator->repair};
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        read_cursor(in->cursor, &query.after, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_affected_page *page = arena_take(context->arena, sizeof(*page));
    if (page == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "list of objects");
    }
    enum hearth_code code = meta_affected(coordinator->store, &query, context->arena, page, err);
    return code == HEARTH_OK ? page_to_wire(coordinator, context->arena, page, response, err)
                             : code;
}

/* ---- what if ---- */

/* Nodes that are there and count, and their means. */
static enum hearth_code measure_fleet(
    struct coordinator *coordinator, struct simulate_fleet *fleet, struct hearth_err *err)
{
    const struct fleet_view *view;
    enum hearth_code code = fleet_view_take(coordinator->nodes, &view, err);
    if (code != HEARTH_OK) {
        return code;
    }
    fleet->nodes = 0;
    fleet->uptime = fleet->ebb = fleet->hazard = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct fleet_node *node = &view->nodes[i];
        if (node->number != 0 && node->health < NODE_LOST) {
            fleet->nodes++;
            fleet->uptime += node->uptime;
            fleet->ebb -= (double)node->swing[0];
            fleet->hazard += node->hazard;
        }
    }
    fleet_view_release(view);
    if (fleet->nodes > 0) {
        fleet->uptime /= fleet->nodes;
        fleet->ebb = fleet->ebb > 0 ? fleet->ebb / fleet->nodes : 0;
        fleet->hazard /= fleet->nodes;
    }
    return HEARTH_OK;
}

static unsigned given(uint64_t asked, unsigned otherwise)
{
    return asked > 0 ? (unsigned)asked : otherwise;
}

static double given_real(uint64_t asked, double unit, double otherwise)
{
    return asked > 0 ? (double)asked / unit : otherwise;
}

static void fill_fleet(const struct wire_simulate_request *in, struct simulate_fleet *fleet)
{
    fleet->k = given(in->k, fleet->k);
    fleet->n = given(in->n, fleet->n);
    fleet->r = given(in->r, fleet->r);
    fleet->nodes = given(in->nodes, fleet->nodes);
    fleet->lost_after_hours = given_real(in->lost_after_ms, HOUR_MS, fleet->lost_after_hours);
    fleet->repair_hours = given_real(in->repair_ms, HOUR_MS, fleet->repair_hours);
    fleet->uptime = given_real(in->uptime_ppm, 1e6, fleet->uptime);
    fleet->ebb = in->no_ebb ? 0 : given_real(in->ebb_ppm, 1e6, fleet->ebb);
    fleet->hazard = given_real(in->hazard_permille, 1e3, fleet->hazard);
    fleet->replace_days = given_real(in->replace_ms, DAY_MS, fleet->replace_days);
}

static void fleet_to_wire(const struct simulate_fleet *fleet, struct wire_simulate_reply *out)
{
    out->k = fleet->k;
    out->n = fleet->n;
    out->r = fleet->r;
    out->nodes = fleet->nodes;
    out->lost_after_ms = (uint64_t)(fleet->lost_after_hours * HOUR_MS);
    out->repair_ms = (uint64_t)(fleet->repair_hours * HOUR_MS);
    out->uptime_ppm = (uint32_t)(fleet->uptime * 1e6);
    out->ebb_ppm = (uint32_t)(fleet->ebb * 1e6);
    out->hazard_permille = (uint64_t)(fleet->hazard * 1e3);
    out->replace_ms = (uint64_t)(fleet->replace_days * DAY_MS);
}

static struct view warning_of(enum simulate_verdict verdict)
{
    switch (verdict) {
    case SIMULATE_TOO_SMALL:
        return view_text("the fleet is too small: a lost shard has nowhere to go until somebody "
                         "else lends a disk");
    case SIMULATE_NEVER_WHOLE:
        return view_text("the fleet is too small: repair does not bring segments back to n");
    case SIMULATE_NO_SPARE:
        return view_text(
            "the fleet is small: now and then there are fewer than n nodes to repair to");
    default: return view_text("");
    }
}

static void result_to_wire(const struct simulate_result *result, struct wire_simulate_reply *out)
{
    out->lost_digits = estimate_service_digits(result->lost);
    out->unreadable_digits = estimate_service_digits(result->unreadable);
    out->disk_permille = (uint64_t)(result->disk * 1e3);
    out->disk_full_permille = (uint64_t)(result->disk_full * 1e3);
    out->moved_permille = (uint64_t)(result->moved * 1e3);
    out->repairs_permille = (uint64_t)(result->repairs * 1e3);
    out->goal = result->goal;
    out->nodes_there = result->nodes_there;
    out->warning = warning_of(result->verdict);
}

static enum hearth_code prepare(struct coordinator *coordinator,
    const struct wire_simulate_request *in, const struct profile **profile,
    struct simulate_fleet *fleet, struct hearth_err *err)
{
    *profile = in->profile.size > 0 ? profile_by_name(in->profile) : coordinator->profile;
    if (*profile == NULL) {
        return hearth_fail(
            err, HEARTH_NOT_FOUND, "no profile is called %.*s", VIEW_ARGS(in->profile));
    }
    simulate_fleet_of(*profile, fleet);
    if (in->from_fleet && measure_fleet(coordinator, fleet, err) != HEARTH_OK) {
        return err->code;
    }
    fill_fleet(in, fleet);
    return simulate_check(fleet, err);
}

static enum hearth_code simulate(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    struct wire_simulate_reply *out = response;
    const struct profile *profile;
    struct simulate_fleet fleet;
    struct simulate_result result;
    if (admin_check(coordinator, &context->peer, err) != HEARTH_OK ||
        prepare(coordinator, request, &profile, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    simulate_run(&fleet, &result);
    *out = (struct wire_simulate_reply){.profile = view_text(profile->name)};
    fleet_to_wire(&fleet, out);
    result_to_wire(&result, out);
    return HEARTH_OK;
}

const struct rpc_handler repair_handlers[] = {
    {.method = RPC_REPAIR_STATUS, .unary = repair_show},
    {.method = RPC_REPAIR_RUN, .unary = repair_run},
    {.method = RPC_REPAIR_LOST, .unary = repair_lost},
    {.method = RPC_SIMULATE, .unary = simulate},
};
const unsigned repair_handler_count = sizeof(repair_handlers) / sizeof(repair_handlers[0]);
