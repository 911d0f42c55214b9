#include "storaged/rate_gate.h"

#include <assert.h>
#include <stddef.h>

static uint64_t now_ns(const struct rate_gate *gate)
{
    return env_now_ns(loop_env(gate->loop));
}

static struct rate_turn *take_oldest(struct rate_gate *gate)
{
    struct rate_turn *turn = gate->oldest;
    gate->oldest = turn->owned_by_gate.next;
    turn->owned_by_gate.is_waiting = false;
    return turn;
}

/* Those who may go; then sleeps until the next may. go() may ask again, and leave. */
static void let_pass(struct rate_gate *gate)
{
    while (gate->oldest != NULL) {
        uint64_t wait_ns = token_bucket_wait_ns(&gate->bucket, now_ns(gate));
        if (wait_ns > 0) {
            loop_timer_set(gate->loop, &gate->timer, now_ns(gate) + wait_ns);
            return;
        }
        struct rate_turn *turn = take_oldest(gate);
        token_bucket_take(&gate->bucket, (int64_t)turn->owned_by_gate.size);
        turn->go(turn);
    }
    loop_timer_cancel(gate->loop, &gate->timer);
}

static void timer_rang(struct timer *timer)
{
    let_pass((struct rate_gate *)((char *)timer - offsetof(struct rate_gate, timer)));
}

void rate_gate_init(struct rate_gate *gate, struct loop *loop, uint64_t rate)
{
    *gate = (struct rate_gate){.loop = loop, .timer = {.run = timer_rang}};
    token_bucket_init(&gate->bucket, rate, now_ns(gate));
}

void rate_gate_set_rate(struct rate_gate *gate, uint64_t rate)
{
    token_bucket_set_rate(&gate->bucket, rate, now_ns(gate));
    let_pass(gate);
}

static void stand_in_line(struct rate_gate *gate, struct rate_turn *turn, uint64_t size)
{
    turn->owned_by_gate.next = NULL;
    turn->owned_by_gate.size = size;
    turn->owned_by_gate.is_waiting = true;
    if (gate->oldest == NULL) {
        gate->oldest = turn;
    } else {
        gate->newest->owned_by_gate.next = turn;
    }
    gate->newest = turn;
}

bool rate_gate_ask(struct rate_gate *gate, struct rate_turn *turn, uint64_t size)
{
    assert(!turn->owned_by_gate.is_waiting);
    uint64_t wait_ns = gate->oldest == NULL ? token_bucket_wait_ns(&gate->bucket, now_ns(gate)) : 0;
    if (gate->oldest == NULL && wait_ns == 0) {
        token_bucket_take(&gate->bucket, (int64_t)size);
        return true;
    }
    if (gate->oldest == NULL) {
        loop_timer_set(gate->loop, &gate->timer, now_ns(gate) + wait_ns);
    }
    stand_in_line(gate, turn, size);
    return false;
}

void rate_gate_correct(struct rate_gate *gate, uint64_t counted, uint64_t size)
{
    token_bucket_take(&gate->bucket, (int64_t)size - (int64_t)counted);
    if (gate->oldest != NULL && size < counted) {
        loop_timer_set(
            gate->loop, &gate->timer, now_ns(gate)); /* there is more room than it knows */
    }
}

void rate_gate_leave(struct rate_gate *gate, struct rate_turn *turn)
{
    if (!turn->owned_by_gate.is_waiting) {
        return;
    }
    struct rate_turn *before = NULL;
    for (struct rate_turn *at = gate->oldest; at != turn; at = at->owned_by_gate.next) {
        assert(at != NULL);
        before = at;
    }
    if (before == NULL) {
        gate->oldest = turn->owned_by_gate.next;
    } else {
        before->owned_by_gate.next = turn->owned_by_gate.next;
    }
    if (gate->newest == turn) {
        gate->newest = before;
    }
    turn->owned_by_gate.is_waiting = false;
    if (gate->oldest == NULL) {
        loop_timer_cancel(gate->loop, &gate->timer);
    }
}
