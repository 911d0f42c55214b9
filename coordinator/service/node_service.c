/*
 * A node's heartbeat:
 *
 *   report ---------> node_table: seen, unless it is not the disk we know
 *   addresses ------> node_dialer
 *   trash results --> dead shards end
 *   damaged --------> their slots count as missing (meta_damage.h)
 *                     reply: interval, time, order keys, the next dead shards, leave to purge
 */
#include "common/codec.h"
#include "common/id_sum.h"
#include "common/log.h"
#include "coordinator/garbage/withheld.h"
#include "coordinator/meta/meta_damage.h"
#include "coordinator/meta/meta_garbage.h"
#include "coordinator/meta/meta_reconcile.h"
#include "coordinator/meta/meta_settings.h"
#include "coordinator/service/service.h"

#include <inttypes.h>

enum { PERIODS = WIRE_ORDER_KEYS_MAX, TRASH_MAX = META_DEAD_BATCH_MAX };
static_assert((int)TRASH_MAX == WIRE_TRASH_MAX, "a heartbeat is a batch, in both directions");

/* "trashed" and "never had, id barred": either way it cannot come back. */
enum { TRASH_OUTCOME_TRASHED = 1, TRASH_OUTCOME_BARRED = 2 };

static struct meta_node_report report_of(const struct wire_heartbeat_request *in)
{
    return (struct meta_node_report){
        .volume = service_id(in->volume_uuid),
        .start_count = in->start_count,
        .sequence = in->sequence,
        .capacity = in->capacity,
        .used = in->used,
        .trash = in->trash,
        .free = in->free,
        .shards = in->shards,
        .read_only = in->read_only,
        .software = in->software,
        .instance = in->instance.size > 0 ? service_id(in->instance) : (struct meta_id){{0}},
    };
}

static enum meta_fence fence_of(enum claim_verdict verdict)
{
    return verdict == CLAIM_TWO_AT_ONCE ? META_FENCE_TWO_AT_ONCE
        : verdict == CLAIM_OLDER_COPY   ? META_FENCE_OLDER_COPY
                                        : META_FENCE_OTHER_DISK;
}

/* Its slots count as missing from now on. The node gets `err` as it is. */
static enum hearth_code refuse_claim(
    struct coordinator *coordinator, const struct node_seen *seen, struct hearth_err *err)
{
    struct hearth_err failed;
    bool is_known = seen->state == META_NODE_LOST && seen->verdict != CLAIM_TWO_AT_ONCE;
    if (seen->is_second || is_known) {
        return err->code;
    }
    log_write(seen->verdict == CLAIM_TWO_AT_ONCE ? LOG_NODE_TWICE : LOG_NODE_OTHER_DISK,
        "node=%u reason=\"%s\"", seen->number, err->message);
    if (meta_health_lost(coordinator->store, seen->number, fence_of(seen->verdict), &failed) !=
            HEARTH_OK ||
        node_table_reload(coordinator->nodes, &failed) != HEARTH_OK) {
        *err = failed;
    }
    return err->code;
}

/* Counted as lost, yet here it is, with the disk we know: its shards count again, and it is drained
 * or suspended as before. */
static enum hearth_code take_back(
    struct coordinator *coordinator, const struct node_seen *seen, struct hearth_err *err)
{
    if (seen->state != META_NODE_LOST) {
        return HEARTH_OK;
    }
    log_write(LOG_NODE_RETURNED, "node=%u", seen->number);
    enum hearth_code code = meta_health_found(coordinator->store, seen->number, err);
    return code == HEARTH_OK ? node_table_reload(coordinator->nodes, err) : code;
}

static enum hearth_code end_dead(struct coordinator *coordinator, uint32_t number,
    const struct wire_heartbeat_request *in, struct arena *arena, struct hearth_err *err)
{
    struct meta_id *ids = arena_take_array(arena, in->trash_results_count, sizeof(*ids));
    size_t count = 0;
    if (ids == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu results", in->trash_results_count);
    }
    for (size_t i = 0; i < in->trash_results_count; i++) {
        const struct wire_trash_result *result = &in->trash_results[i];
        if (result->outcome == TRASH_OUTCOME_TRASHED || result->outcome == TRASH_OUTCOME_BARRED) {
            ids[count++] = service_id(result->shard_id);
        }
    }
    return count == 0 ? HEARTH_OK : meta_dead_end(coordinator->store, number, ids, count, err);
}

/* False: not a name that we made. */
static bool open_name(const struct coordinator *coordinator, const struct wire_damaged_shard *in,
    struct meta_damaged_shard *out)
{
    struct shard_name name;
    struct shard_place place;
    memcpy(name.id, in->shard_id.bytes, sizeof(name.id));
    memcpy(name.locator, in->locator.bytes, sizeof(name.locator));
    if (!shard_name_open(&coordinator->names, &name, &place)) {
        return false;
    }
    *out = (struct meta_damaged_shard){.slot = place.slot, .p = place.p};
    memcpy(out->segment.bytes, place.segment, sizeof(out->segment.bytes));
    return true;
}

static void log_damage(uint32_t number, const struct meta_damaged_shard *shard)
{
    char segment[2 * META_ID_SIZE + 1];
    hex_encode(shard->segment.bytes, META_ID_SIZE, segment);
    log_write(LOG_SHARD_REPORTED, "node=%u segment=%s slot=%u by=itself detail=\"damaged\"", number,
        segment, shard->slot);
}

static enum hearth_code note_damage(struct coordinator *coordinator, uint32_t number,
    const struct wire_heartbeat_request *in, struct arena *arena, struct hearth_err *err)
{
    struct meta_damaged_shard *shards = arena_take_array(arena, in->damaged_count, sizeof(*shards));
    size_t count = 0;
    if (shards == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu damaged shards", in->damaged_count);
    }
    for (size_t i = 0; i < in->damaged_count; i++) {
        count += open_name(coordinator, &in->damaged[i], &shards[count]);
    }
    if (count > 0 &&
        meta_damage_note(coordinator->store, number, shards, count, err) != HEARTH_OK) {
        return err->code;
    }
    for (size_t i = 0; i < count; i++) {
        if (shards[i].is_noted) {
            log_damage(number, &shards[i]);
        }
    }
    return HEARTH_OK;
}

/* ---- the reply ---- */

/* So that a thousand nodes do not come back in one second. */
static uint32_t draw_interval_ms(struct coordinator *coordinator)
{
    const uint64_t mean_ms = node_table_interval_ms(coordinator->nodes);
    const uint64_t spread_ms = mean_ms * 2 / 5; /* 20 % either way */
    return (uint32_t)(mean_ms - spread_ms / 2 + env_random_below(coordinator->env, spread_ms + 1));
}

static bool add_order_keys(struct coordinator *coordinator, const struct rpc_context *context,
    uint64_t now_ms, struct wire_heartbeat_reply *out)
{
    struct wire_order_key *rows = arena_take_array(context->arena, PERIODS, sizeof(*rows));
    struct order_keys *keys = arena_take_array(context->arena, PERIODS, sizeof(*keys));
    if (rows == NULL || keys == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < PERIODS; i++) {
        rows[i].key_id = order_period(now_ms) - 1 + i; /* previous, current, next */
        order_node_keys(&coordinator->issuer, rows[i].key_id, context->peer.id, &keys[i]);
        rows[i].order_key = view_of(keys[i].order_key, sizeof(keys[i].order_key));
        rows[i].receipt_key = view_of(keys[i].receipt_key, sizeof(keys[i].receipt_key));
    }
    out->order_keys = rows;
    out->order_keys_count = PERIODS;
    return true;
}

/* From the start each time: what the node has done is no longer named. */
static enum hearth_code add_trash(struct coordinator *coordinator, uint32_t number,
    struct arena *arena, struct wire_heartbeat_reply *out, struct hearth_err *err)
{
    struct meta_id *ids = arena_take_array(arena, TRASH_MAX, sizeof(*ids));
    struct view *views = arena_take_array(arena, TRASH_MAX, sizeof(*views));
    if (ids == NULL || views == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "dead shards");
    }
    const struct meta_id from_the_start = {{0}};
    enum hearth_code code = meta_dead_next(
        coordinator->store, number, from_the_start, ids, TRASH_MAX, &out->trash_count, err);
    for (size_t i = 0; code == HEARTH_OK && i < out->trash_count; i++) {
        views[i] = meta_id_view(&ids[i]);
        out->trash_sum += id_sum_of(ids[i].bytes);
    }
    out->trash = views;
    return code;
}

static enum hearth_code add_confirmation(struct coordinator *coordinator, uint32_t number,
    struct wire_heartbeat_reply *out, struct hearth_err *err)
{
    struct meta_settings settings;
    enum hearth_code code = meta_settings_get(coordinator->store, &settings, err);
    if (code == HEARTH_OK) {
        out->recovery_epoch = settings.recovery_epoch;
        out->trash_released = out->now_unix_ms < settings.release_until_ms;
        code = meta_purge_until(coordinator->store, number, &out->purge_until_unix_ms, err);
    }
    return code;
}

static enum hearth_code reply_to(struct coordinator *coordinator, const struct rpc_context *context,
    uint32_t number, struct wire_heartbeat_reply *out, struct hearth_err *err)
{
    out->now_unix_ms = meta_now_ms(coordinator->store);
    out->next_interval_ms = draw_interval_ms(coordinator);
    if (!add_order_keys(coordinator, context, out->now_unix_ms, out)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "order keys");
    }
    enum hearth_code code = add_confirmation(coordinator, number, out, err);
    return code == HEARTH_OK ? add_trash(coordinator, number, context->arena, out, err) : code;
}

static enum hearth_code heartbeat(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    struct coordinator *coordinator = service;
    const struct wire_heartbeat_request *in = request;
    const struct meta_node_report report = report_of(in);
    struct node_seen seen;
    enum hearth_code code =
        node_table_seen(coordinator->nodes, context->peer.id, &report, &seen, err);
    if (code == HEARTH_CONFLICT) {
        return refuse_claim(coordinator, &seen, err);
    }
    if (code == HEARTH_OK) {
        code = take_back(coordinator, &seen, err);
    }
    if (code == HEARTH_OK) {
        node_dialer_see(
            coordinator->dialer, seen.number, context->peer.id, in->endpoints, in->endpoints_count);
        withheld_note(coordinator->withheld, seen.number,
            (struct withheld_node){.shards = in->trash_withheld, .day_bytes = in->trash_day});
        code = end_dead(coordinator, seen.number, in, context->arena, err);
    }
    if (code == HEARTH_OK && in->damaged_count > 0) {
        code = note_damage(coordinator, seen.number, in, context->arena, err);
    }
    return code == HEARTH_OK ? reply_to(coordinator, context, seen.number, response, err) : code;
}

/* ---- what the dialler met ---- */

void node_service_dialled(
    void *context, uint32_t number, const struct meta_endpoint *endpoints, size_t count)
{
    struct coordinator *coordinator = context;
    struct hearth_err err;
    size_t met = 0;
    for (size_t i = 0; i < count; i++) {
        met += endpoints[i].verified_ms != 0;
    }
    log_write(LOG_NODE_DIALLED, "node=%u addresses=%zu met=%zu", number, count, met);
    enum hearth_code code =
        meta_node_set_endpoints(coordinator->store, number, endpoints, count, &err);
    if (code == HEARTH_OK) {
        code = node_table_reload(coordinator->nodes, &err);
    }
    if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=dial node=%u error=\"%s\"", number, err.message);
    }
}

const struct rpc_handler node_handlers[] = {
    {.method = RPC_HEARTBEAT, .unary = heartbeat},
};
const unsigned node_handler_count = sizeof(node_handlers) / sizeof(node_handlers[0]);
