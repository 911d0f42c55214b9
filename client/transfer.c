#include "client/transfer.h"

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

enum hearth_code transfer_open(struct transfer *transfer, struct session *session,
    const struct hearth_control *control, struct hearth_err *err)
{
    *transfer = (struct transfer){.session = session};
    if (control != NULL) {
        transfer->control = *control;
    }
    transfer->inbox = shard_inbox_create(session->env);
    return transfer->inbox != NULL ? HEARTH_OK
                                   : hearth_fail(err, HEARTH_NO_MEMORY, "transfer inbox");
}

void transfer_close(struct transfer *transfer)
{
    shard_inbox_unref(transfer->inbox);
    byte_budget_release(&transfer->session->budget, transfer->memory_max);
}

enum hearth_code transfer_take_memory(
    struct transfer *transfer, uint64_t least, uint64_t wanted, struct hearth_err *err)
{
    struct session *session = transfer->session;
    uint64_t has = transfer->memory_max;
    uint64_t most = clamp(session->transfer_memory_max, TRANSFER_MEMORY_MIN, TRANSFER_MEMORY_MAX);
    uint64_t share = 0;
    wanted = clamp(wanted, least, most);
    if (wanted <= has) {
        byte_budget_release(&session->budget, has - wanted);
        transfer->memory_max = wanted;
        return HEARTH_OK;
    }
    least = least > has ? least : has + 1;
    if (byte_budget_reserve(&session->budget, least - has, wanted - has, &share, err) !=
        HEARTH_OK) {
        return err->code;
    }
    transfer->memory_max += share;
    return HEARTH_OK;
}

uint64_t transfer_now_ns(const struct transfer *transfer)
{
    return env_now_ns(transfer->session->env);
}

enum hearth_code transfer_check(const struct transfer *transfer, struct hearth_err *err)
{
    const atomic_bool *cancel = transfer->control.cancel;
    if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed)) {
        return hearth_fail(err, HEARTH_CANCELLED, "cancelled");
    }
    return HEARTH_OK;
}

void transfer_turn(struct transfer *transfer)
{
    struct shard_event event;
    while (shard_inbox_take(transfer->inbox, &event)) {
        struct shard_listener *listener = event.context;
        listener->on_event(listener, &event);
        buf_unref(event.bytes.owner);
    }
}

enum hearth_code transfer_wait(struct transfer *transfer, uint64_t until_ns, struct hearth_err *err)
{
    if (transfer->control.cancel != NULL) {
        uint64_t poll_ns = transfer_now_ns(transfer) + TRANSFER_CANCEL_POLL_MS * 1000000u;
        until_ns = until_ns < poll_ns ? until_ns : poll_ns;
    }
    shard_net_wait(transfer->session->net, transfer->inbox, until_ns);
    transfer_turn(transfer);
    return transfer_check(transfer, err);
}
