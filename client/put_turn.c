#include "client/put_turn.h"

#include "erasure/ec_stripe.h"

enum {
    MS = 1000000, /* nanoseconds */
    /* Long enough for a segment over a line that is not slow; so short that with 64 puts at 24
     * places the last one's patience holds. */
    TURN_MAX_MS = 5000,
};

static struct turnstile *puts_of(const struct put_turn *turn)
{
    return &turn->transfer->session->puts;
}

static bool is_wanted(void *context)
{
    struct put_turn *turn = context;
    return turnstile_is_wanted(puts_of(turn), &turn->turn);
}

void put_turn_init(struct put_turn *turn, struct transfer *transfer, struct source_reader *reader,
    uint64_t memory_wanted)
{
    *turn = (struct put_turn){
        .transfer = transfer,
        .reader = reader,
        .memory_wanted = memory_wanted,
        .patience = {.is_over = is_wanted, .context = turn},
    };
}

/* What comes while all places are taken is kept, until it is enough. */
static enum hearth_code read_ahead(struct put_turn *turn, size_t waiting, struct hearth_err *err)
{
    enum hearth_code code = source_reader_reserve(turn->reader, PUT_AHEAD_MAX, err);
    for (bool has_room = true;
         code == HEARTH_OK && has_room && !turnstile_try_enter(puts_of(turn), &turn->turn);) {
        size_t wanted = waiting + EC_UNIT_PLAIN_SIZE;
        code = source_reader_peek(turn->reader, wanted, &waiting, err);
        has_room = waiting == wanted && wanted + EC_UNIT_PLAIN_SIZE <= PUT_AHEAD_MAX;
        if (code == HEARTH_OK) {
            code = transfer_check(turn->transfer, err);
        }
    }
    return code;
}

static enum hearth_code enter(struct put_turn *turn, struct hearth_err *err)
{
    size_t waiting;
    enum hearth_code code = source_reader_peek(turn->reader, EC_UNIT_PLAIN_SIZE, &waiting, err);
    if (code == HEARTH_OK && !turnstile_try_enter(puts_of(turn), &turn->turn)) {
        code = read_ahead(turn, waiting, err);
    }
    if (code == HEARTH_OK && !turn->turn.is_inside) {
        code = turnstile_enter_blocking(puts_of(turn), &turn->turn, SESSION_PUT_PATIENCE_MS,
            turn->transfer->control.cancel, err);
    }
    return code;
}

enum hearth_code put_turn_begin(struct put_turn *turn, struct hearth_err *err)
{
    if (turn->turn.is_inside) {
        return HEARTH_OK;
    }
    enum hearth_code code = enter(turn, err);
    if (code == HEARTH_OK) {
        code = transfer_take_memory(turn->transfer, TRANSFER_MEMORY_MIN, turn->memory_wanted, err);
    }
    if (code == HEARTH_OK) {
        turn->began_ns = transfer_now_ns(turn->transfer);
        source_reader_set_patience(turn->reader, &turn->patience);
    }
    return code;
}

bool put_turn_has_lasted(struct put_turn *turn)
{
    uint64_t age_ns = transfer_now_ns(turn->transfer) - turn->began_ns;
    return age_ns > TURN_MAX_MS * (uint64_t)MS && is_wanted(turn);
}

bool put_turn_is_over(const struct put_turn *turn)
{
    return turn->turn.is_wanted;
}

void put_turn_end(struct put_turn *turn)
{
    struct hearth_err err;
    enum hearth_code code =
        transfer_take_memory(turn->transfer, PUT_OUTSIDE_MEMORY, PUT_OUTSIDE_MEMORY, &err);
    assert(code == HEARTH_OK); /* it is no more than it had */
    source_reader_set_patience(turn->reader, NULL);
    turnstile_leave(puts_of(turn), &turn->turn);
}
