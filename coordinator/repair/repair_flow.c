#include "coordinator/repair/repair_flow.h"

enum hearth_code repair_flow_init(struct repair_flow *flow, struct shard_net *net, struct env *env,
    uint64_t length, struct hearth_err *err)
{
    const uint64_t most_ms = REPAIR_LEAST_MS + length / REPAIR_BYTES_PER_MS;
    *flow = (struct repair_flow){.net = net,
        .env = env,
        .inbox = shard_inbox_create(env),
        .deadline_ns = env_now_ns(env) + UINT64_C(1000000) * most_ms};
    return flow->inbox != NULL ? HEARTH_OK
                               : hearth_fail(err, HEARTH_NO_MEMORY, "inbox of a repair");
}

void repair_flow_fini(struct repair_flow *flow)
{
    shard_inbox_unref(flow->inbox);
}

/* ---- waiting ---- */

static bool is_target(const struct repair_flow *flow, const void *context)
{
    const struct repair_target *first = flow->write.targets;
    for (unsigned i = 0; i < flow->write.target_count; i++) {
        if (context == &first[i]) {
            return true;
        }
    }
    return false;
}

static enum hearth_code handle(
    struct repair_flow *flow, const struct shard_event *event, struct hearth_err *err)
{
    if (is_target(flow, event->context)) {
        repair_write_event(&flow->write, event);
        return HEARTH_OK;
    }
    return repair_read_event(&flow->read, event, err);
}

static bool is_late(const struct repair_flow *flow)
{
    return env_now_ns(flow->env) >= flow->deadline_ns;
}

static uint64_t stall_ns(const struct repair_flow *flow)
{
    uint64_t until = env_now_ns(flow->env) + UINT64_C(1000000) * REPAIR_STALL_MS;
    return until < flow->deadline_ns ? until : flow->deadline_ns;
}

/* The next event, or false: nothing came for REPAIR_STALL_MS, until the deadline or before a halt.
 * A wait may end early, with nothing. */
static bool next_event(struct repair_flow *flow, struct shard_event *event)
{
    const uint64_t until = stall_ns(flow);
    while (!shard_inbox_take(flow->inbox, event)) {
        if (env_now_ns(flow->env) >= until || halt_is_called(flow->halt)) {
            return false;
        }
        shard_net_wait(flow->net, flow->inbox, halt_until_ns(flow->halt, flow->env, until));
    }
    return true;
}

/* Handles what has arrived; waits for it when there is nothing. *stalled: nothing came in time. */
static enum hearth_code pump(struct repair_flow *flow, bool *stalled, struct hearth_err *err)
{
    struct shard_event event;
    if (!next_event(flow, &event)) {
        *stalled = !is_late(flow) && !halt_is_called(flow->halt);
        return halt_check(flow->halt, err);
    }
    enum hearth_code code = handle(flow, &event, err);
    while (code == HEARTH_OK && shard_inbox_take(flow->inbox, &event)) {
        code = handle(flow, &event, err);
    }
    return code;
}

static enum hearth_code check_going(const struct repair_flow *flow, struct hearth_err *err)
{
    if (is_late(flow)) {
        return hearth_fail(err, HEARTH_DEADLINE, "not done in time: stripe %u of %u",
            flow->read.stripe, flow->read.stripes->stripe_count);
    }
    if (repair_write_going(&flow->write) == 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "no new holder took its shard");
    }
    return HEARTH_OK;
}

static enum hearth_code await(struct repair_flow *flow, bool needs_stripe, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !is_late(flow) &&
        !((!needs_stripe || repair_read_is_ready(&flow->read)) &&
            repair_write_has_room(&flow->write))) {
        bool stalled = false;
        code = pump(flow, &stalled, err);
        if (stalled && !repair_write_has_room(&flow->write)) {
            repair_write_stalled(&flow->write);
        } else if (stalled) {
            code = repair_read_stalled(&flow->read, err);
        }
    }
    return code == HEARTH_OK ? check_going(flow, err) : code;
}

enum hearth_code repair_flow_await_stripe(struct repair_flow *flow, struct hearth_err *err)
{
    return await(flow, true, err);
}

enum hearth_code repair_flow_await_room(struct repair_flow *flow, struct hearth_err *err)
{
    return await(flow, false, err);
}

enum hearth_code repair_flow_await_receipts(struct repair_flow *flow, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !is_late(flow) && repair_write_going(&flow->write) > 0) {
        bool stalled = false;
        code = pump(flow, &stalled, err);
        if (stalled) {
            repair_write_stalled(&flow->write);
        }
    }
    return code;
}

enum hearth_code repair_flow_rest(
    struct repair_flow *flow, uint64_t rest_ns, struct hearth_err *err)
{
    const uint64_t until = env_now_ns(flow->env) + rest_ns;
    enum hearth_code code = HEARTH_OK;
    flow->deadline_ns += rest_ns;
    while (code == HEARTH_OK && env_now_ns(flow->env) < until) {
        struct shard_event event;
        if (shard_inbox_take(flow->inbox, &event)) {
            code = handle(flow, &event, err);
        } else if (halt_check(flow->halt, err) != HEARTH_OK) {
            code = err->code;
        } else {
            shard_net_wait(flow->net, flow->inbox, halt_until_ns(flow->halt, flow->env, until));
        }
    }
    return code;
}

/* ---- what is coded ---- */

static enum hearth_code check_output(const struct ec_codec *codec, size_t cell_size,
    uint8_t *cells[EC_SLOTS_MAX], struct ec_slots inputs, unsigned witness, const uint8_t *original,
    struct hearth_err *err)
{
    struct ec_slots wanted = {{0}};
    ec_slots_add(&wanted, witness);
    enum hearth_code code = ec_codec_rebuild(codec, cell_size, cells, inputs, wanted, err);
    return code != HEARTH_OK || memcmp(cells[witness], original, cell_size) == 0
        ? code
        : hearth_fail(err, HEARTH_INTERNAL, "a rebuilt cell does not give back its inputs");
}

enum hearth_code repair_check_outputs(const struct ec_codec *codec, size_t cell_size,
    uint8_t *cells[EC_SLOTS_MAX], struct ec_slots have, unsigned witness, struct ec_slots outputs,
    struct hearth_err *err)
{
    uint8_t *original = cells[witness];
    struct buf *again = buf_create(cell_size);
    if (again == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "cell of %zu bytes", cell_size);
    }
    enum hearth_code code = HEARTH_OK;
    cells[witness] = again->bytes;
    for (unsigned slot = 0; slot < EC_SLOTS_MAX && code == HEARTH_OK; slot++) {
        if (ec_slots_has(outputs, slot)) {
            struct ec_slots inputs = have;
            ec_slots_remove(&inputs, witness);
            ec_slots_add(&inputs, slot);
            code = check_output(codec, cell_size, cells, inputs, witness, original, err);
        }
    }
    cells[witness] = original;
    buf_unref(again);
    return code;
}
