#include "storaged/heartbeat.h"

#include "common/id_sum.h"
#include "common/log.h"
#include "storaged/damage_queue.h"
#include "storaged/trash_cap.h"
#include "storaged/trash_queue.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { INSTANCE_SIZE = 16 };

struct heartbeat {
    struct heartbeat_options options;
    struct trash_queue *trash;
    struct damage_queue damage;
    struct timer timer;
    uint8_t instance[INSTANCE_SIZE]; /* of this run: two daemons with one home are told apart */

    struct coordinator_call call;
    bool call_is_out;
    size_t results_sent; /* in the call: how many of the trash's results it carries */
    size_t damage_sent;  /* likewise */
    unsigned failures;   /* in a row */
    uint64_t epoch;      /* the highest recovery epoch heard, */
    uint64_t epoch_kept; /* and the one that a restart remembers */

    void (*stopped)(void *context); /* NULL: not stopping */
    void *stopped_context;
    struct task stopped_task;
};

static void next_in_ms(struct heartbeat *heartbeat, uint64_t ms)
{
    struct loop *loop = heartbeat->options.loop;
    loop_timer_set(loop, &heartbeat->timer, env_now_ns(loop_env(loop)) + ms * 1000000);
}

/* ---- the report ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void report_space(const struct heartbeat *heartbeat, struct wire_heartbeat_request *request)
{
    const struct heartbeat_options *options = &heartbeat->options;
    struct volume_stats stats;
    volume_stats(options->volume, &stats);
    uint64_t disk_free = options->disk_free_bytes(options->context);
    request->used = stats.used_bytes;
    request->trash = stats.trash_bytes;
    request->free = least(stats.free_bytes, disk_free);
    request->capacity =
        options->capacity_bytes != 0 ? options->capacity_bytes : stats.used_bytes + disk_free;
    request->shards = stats.shards;
    request->read_only = stats.read_only;
}

static void answered(struct coordinator_call *call, const struct wire_heartbeat_reply *reply);

static void send_report(struct heartbeat *heartbeat)
{
    const struct heartbeat_options *options = &heartbeat->options;
    struct volume_identity identity;
    volume_identity(options->volume, &identity);
    struct wire_heartbeat_request request = {
        .volume_uuid = view_of(identity.uuid, sizeof(identity.uuid)),
        .start_count = identity.start_counter,
        .sequence = identity.sequence,
        .endpoints = options->endpoints,
        .endpoints_count = options->endpoint_count,
        .software = view_text("hearth-storaged " HEARTH_VERSION),
        .instance = view_of(heartbeat->instance, sizeof(heartbeat->instance)),
    };
    report_space(heartbeat, &request);
    request.trash_results = trash_queue_results(heartbeat->trash, &request.trash_results_count);
    heartbeat->results_sent = request.trash_results_count;
    request.trash_withheld = trash_queue_withheld(heartbeat->trash);
    request.trash_day = trash_queue_day_bytes(heartbeat->trash);
    request.damaged = damage_queue_rows(&heartbeat->damage, &request.damaged_count);
    heartbeat->damage_sent = request.damaged_count;
    heartbeat->call = (struct coordinator_call){.request = &request, .done = answered};
    heartbeat->call_is_out = true;
    coordinator_link_send(options->link, &heartbeat->call);
}

static void run_timer(struct timer *timer)
{
    send_report((struct heartbeat *)((char *)timer - offsetof(struct heartbeat, timer)));
}

/* ---- the reply ---- */

static void learn_keys(struct heartbeat *heartbeat, const struct wire_heartbeat_reply *reply)
{
    struct order_period periods[ORDER_PERIODS_MAX];
    unsigned count = 0;
    for (size_t i = 0; i < reply->order_keys_count && count < ORDER_PERIODS_MAX; i++) {
        const struct wire_order_key *key = &reply->order_keys[i];
        struct order_period *period = &periods[count++];
        period->key_id = key->key_id;
        memcpy(period->keys.order_key, key->order_key.bytes, CRYPTO_KEY_SIZE);
        memcpy(period->keys.receipt_key, key->receipt_key.bytes, CRYPTO_KEY_SIZE);
    }
    order_check_learn(heartbeat->options.orders, reply->now_unix_ms, periods, count);
    volume_learn_time(heartbeat->options.volume, reply->now_unix_ms);
    crypto_wipe(periods, sizeof(periods));
}

/* All that was named has come, and nothing else. */
static bool is_whole(const struct wire_heartbeat_reply *reply)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < reply->trash_count; i++) {
        sum += id_sum_of(reply->trash[i].bytes);
    }
    return sum == reply->trash_sum;
}

static bool is_epoch_kept(struct heartbeat *heartbeat)
{
    if (heartbeat->epoch > heartbeat->epoch_kept) {
        heartbeat->options.epoch_rose(heartbeat->options.context, heartbeat->epoch);
    }
    return heartbeat->epoch <= heartbeat->epoch_kept;
}

/*
 * What ends shards is taken from the newest life of the coordinator alone: a copy of the one of
 * before the last restore knows of nothing that was written since.
 */
static void take_endings(struct heartbeat *heartbeat, const struct wire_heartbeat_reply *reply)
{
    if (reply->recovery_epoch < heartbeat->epoch || !is_whole(reply)) {
        log_write(LOG_TRASH_REFUSED, "named=%zu epoch=%" PRIu64 " known=%" PRIu64,
            reply->trash_count, reply->recovery_epoch, heartbeat->epoch);
        volume_confirm_purge(heartbeat->options.volume, 0);
        return;
    }
    heartbeat->epoch = reply->recovery_epoch;
    if (!is_epoch_kept(heartbeat)) { /* it will be named again */
        volume_confirm_purge(heartbeat->options.volume, 0);
        return;
    }
    volume_confirm_purge(heartbeat->options.volume, reply->purge_until_unix_ms);
    trash_queue_release(heartbeat->trash, reply->trash_released);
    trash_queue_take(heartbeat->trash, reply->trash, reply->trash_count);
}

static uint64_t asked_interval_ms(const struct wire_heartbeat_reply *reply)
{
    uint64_t asked = least(reply->next_interval_ms, HEARTBEAT_INTERVAL_MS_MAX);
    return asked < HEARTBEAT_INTERVAL_MS_MIN ? HEARTBEAT_INTERVAL_MS_MIN : asked;
}

static void take_reply(struct heartbeat *heartbeat, const struct wire_heartbeat_reply *reply)
{
    if (heartbeat->failures > 0 || !heartbeat->options.orders->is_ready) {
        log_write(LOG_COORDINATOR_REACHED, "failures=%u", heartbeat->failures);
    }
    heartbeat->failures = 0;
    learn_keys(heartbeat, reply);
    trash_queue_reported(heartbeat->trash, heartbeat->results_sent);
    damage_queue_reported(&heartbeat->damage, heartbeat->damage_sent);
    take_endings(heartbeat, reply);
    next_in_ms(heartbeat, asked_interval_ms(reply));
}

/* Doubles from attempt to attempt; drawn from the upper half. */
static uint64_t retry_in_ms(struct heartbeat *heartbeat)
{
    unsigned doublings = heartbeat->failures < 10 ? heartbeat->failures : 10;
    uint64_t most = least((uint64_t)HEARTBEAT_RETRY_MS_MIN << doublings, HEARTBEAT_RETRY_MS_MAX);
    return most / 2 + env_random_below(loop_env(heartbeat->options.loop), most / 2 + 1);
}

static void take_failure(struct heartbeat *heartbeat)
{
    const struct hearth_err *err = &heartbeat->call.err;
    if (heartbeat->failures == 0) { /* the edge; the coordinator knows how long it lasted */
        log_write(LOG_COORDINATOR_LOST, "code=%s reason=\"%s\"", hearth_code_name(err->code),
            err->message);
    }
    if (err->code == HEARTH_EXPIRED) {
        heartbeat->options.certificate_expired(heartbeat->options.context);
    }
    next_in_ms(heartbeat, retry_in_ms(heartbeat));
    heartbeat->failures++;
}

static void answered(struct coordinator_call *call, const struct wire_heartbeat_reply *reply)
{
    struct heartbeat *heartbeat =
        (struct heartbeat *)((char *)call - offsetof(struct heartbeat, call));
    heartbeat->call_is_out = false;
    if (heartbeat->stopped != NULL) {
        loop_post(heartbeat->options.loop, &heartbeat->stopped_task);
    } else if (call->err.code == HEARTH_OK) {
        take_reply(heartbeat, reply);
    } else {
        take_failure(heartbeat);
    }
}

/* ---- a life ---- */

static void run_stopped(struct task *task)
{
    struct heartbeat *heartbeat =
        (struct heartbeat *)((char *)task - offsetof(struct heartbeat, stopped_task));
    heartbeat->stopped(heartbeat->stopped_context);
}

enum hearth_code heartbeat_create(
    const struct heartbeat_options *options, struct heartbeat **out, struct hearth_err *err)
{
    struct heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));
    if (heartbeat == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "heartbeat");
    }
    heartbeat->options = *options;
    heartbeat->epoch = heartbeat->epoch_kept = options->epoch_kept;
    env_random(loop_env(options->loop), heartbeat->instance, sizeof(heartbeat->instance));
    heartbeat->timer.run = run_timer;
    heartbeat->stopped_task.run = run_stopped;
    if (trash_queue_create(options->volume,
            options->trash_cap_least_bytes > 0 ? options->trash_cap_least_bytes
                                               : TRASH_CAP_LEAST_BYTES,
            &heartbeat->trash, err) != HEARTH_OK) {
        free(heartbeat);
        return err->code;
    }
    *out = heartbeat;
    return HEARTH_OK;
}

void heartbeat_destroy(struct heartbeat *heartbeat)
{
    if (heartbeat != NULL) {
        assert(!heartbeat->call_is_out);
        trash_queue_destroy(heartbeat->trash);
        free(heartbeat);
    }
}

void heartbeat_shard_damaged(
    struct heartbeat *heartbeat, const struct shard_id *id, const struct shard_locator *locator)
{
    damage_queue_add(&heartbeat->damage, id, locator);
}

void heartbeat_epoch_kept(struct heartbeat *heartbeat, uint64_t epoch)
{
    assert(epoch <= heartbeat->epoch);
    heartbeat->epoch_kept = epoch;
}

void heartbeat_set_capacity(struct heartbeat *heartbeat, uint64_t bytes)
{
    heartbeat->options.capacity_bytes = bytes;
}

void heartbeat_start(struct heartbeat *heartbeat)
{
    assert(!heartbeat->call_is_out && heartbeat->stopped == NULL);
    send_report(heartbeat);
}

void heartbeat_stop(struct heartbeat *heartbeat, void (*stopped)(void *context), void *context)
{
    assert(heartbeat->stopped == NULL);
    heartbeat->stopped = stopped;
    heartbeat->stopped_context = context;
    loop_timer_cancel(heartbeat->options.loop, &heartbeat->timer);
    trash_queue_stop(heartbeat->trash);
    if (heartbeat->call_is_out) {
        coordinator_link_cancel(heartbeat->options.link);
    } else {
        loop_post(heartbeat->options.loop, &heartbeat->stopped_task);
    }
}
