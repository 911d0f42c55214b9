#include "coordinator/rebalance/move_copy.h"

#include <assert.h>

/* A copy under way; without a target only read. */
struct run {
    const struct move_copy *copy;
    struct shard_inbox *inbox;
    struct shard_tagger *tagger;
    struct crypto_hash *digest;
    struct shard_call *get;
    struct shard_call *put; /* NULL: nobody is written to */
    uint32_t next_stripe;   /* to arrive */
    unsigned queued;        /* cells on their way to the target */
    unsigned owed;          /* cells to be asked for when the rest is over */
    uint64_t rest_until_ns;
    uint64_t rested_ns; /* in all */
    uint64_t deadline_ns;
    bool is_done;
    uint8_t *receipt;
    enum move_blame blame;
};

static uint32_t stripe_count(const struct run *run)
{
    return run->copy->stripes->stripe_count;
}

static bool is_true_cell(const struct run *run, struct view bytes)
{
    size_t size = ec_stripes_cell_size(run->copy->stripes, run->next_stripe);
    return bytes.size == size + EC_CELL_TAG_SIZE &&
        shard_tag_fits(run->tagger, run->copy->slot, run->next_stripe, view_of(bytes.bytes, size),
            bytes.bytes + size);
}

static void ask_for(struct run *run, unsigned cells)
{
    if (run->next_stripe < stripe_count(run)) {
        shard_get_read(run->get, cells);
    }
}

static uint64_t now_of(const struct run *run)
{
    return env_now_ns(run->copy->env);
}

static bool is_resting(const struct run *run)
{
    return run->owed > 0 && now_of(run) < run->rest_until_ns;
}

static void ask_when_rested(struct run *run)
{
    if (!is_resting(run) && run->owed > 0) {
        ask_for(run, run->owed);
        run->owed = 0;
    }
}

static void send_footer(struct run *run)
{
    struct shard_footer footer = {
        .cells = stripe_count(run), .size = ec_stripes_tagged_shard_size(run->copy->stripes)};
    crypto_hash_final(run->digest, footer.tag_digest);
    shard_put_footer(run->put, &footer);
}

static void pass_on(struct run *run, struct slice cell TAKES)
{
    const uint8_t *tag = cell.view.bytes + cell.view.size - EC_CELL_TAG_SIZE;
    crypto_hash_update(run->digest, view_of(tag, EC_CELL_TAG_SIZE));
    run->queued++;
    run->rest_until_ns =
        now_of(run) + move_pace_pass_ns(run->copy->pace, cell.view.size, &run->rested_ns);
    shard_put_cells(run->put, &cell, 1);
    if (run->next_stripe == stripe_count(run)) {
        send_footer(run);
    }
}

static enum hearth_code take_cell(struct run *run, struct slice cell TAKES, struct hearth_err *err)
{
    if (run->next_stripe == stripe_count(run) || !is_true_cell(run, cell.view)) {
        buf_unref(cell.owner);
        run->blame = MOVE_SOURCE;
        return hearth_fail(
            err, HEARTH_CHECKSUM, "the cell of stripe %u does not fit its tag", run->next_stripe);
    }
    run->next_stripe++;
    if (run->put != NULL) {
        pass_on(run, cell);
        return HEARTH_OK;
    }
    buf_unref(cell.owner);
    ask_for(run, 1);
    return HEARTH_OK;
}

static enum hearth_code source_event(
    struct run *run, const struct shard_event *event TAKES, struct hearth_err *err)
{
    if (event->kind == SHARD_CELL) {
        return take_cell(run, event->bytes, err);
    }
    run->blame = MOVE_SOURCE;
    if (event->kind == SHARD_FAILED) {
        return hearth_fail(err, event->err.code, "%s", event->err.message);
    }
    if (run->next_stripe < stripe_count(run)) {
        return hearth_fail(err, HEARTH_CHECKSUM, "it ends after stripe %u", run->next_stripe);
    }
    run->blame = MOVE_NOBODY;
    run->is_done = run->put == NULL;
    return HEARTH_OK;
}

static enum hearth_code target_event(
    struct run *run, const struct shard_event *event TAKES, struct hearth_err *err)
{
    if (event->kind == SHARD_SENT) {
        assert(event->count <= run->queued);
        run->queued -= event->count;
        run->owed += event->count;
        ask_when_rested(run);
        return HEARTH_OK;
    }
    if (event->kind == SHARD_DONE && run->next_stripe == stripe_count(run) &&
        event->bytes.view.size == RECEIPT_SIZE) {
        memcpy(run->receipt, event->bytes.view.bytes, RECEIPT_SIZE);
        buf_unref(event->bytes.owner);
        run->is_done = true;
        return HEARTH_OK;
    }
    buf_unref(event->bytes.owner);
    run->blame = MOVE_TARGET;
    return event->kind == SHARD_FAILED
        ? hearth_fail(err, event->err.code, "%s", event->err.message)
        : hearth_fail(err, HEARTH_INVALID, "its answer is no receipt");
}

static enum hearth_code late(struct run *run, struct hearth_err *err)
{
    bool waits_for_target =
        run->put != NULL && (run->queued > 0 || run->next_stripe == stripe_count(run));
    run->blame = waits_for_target ? MOVE_TARGET : MOVE_SOURCE;
    return hearth_fail(err, HEARTH_DEADLINE, "no progress at stripe %u of %u", run->next_stripe,
        stripe_count(run));
}

/* Nobody is late while we rest. */
static uint64_t stall_ns(const struct run *run)
{
    uint64_t from = is_resting(run) ? run->rest_until_ns : now_of(run);
    uint64_t until = from + UINT64_C(1000000) * MOVE_STALL_MS;
    return until < run->deadline_ns ? until : run->deadline_ns;
}

static enum hearth_code next_event(
    struct run *run, struct shard_event *event, struct hearth_err *err)
{
    const uint64_t until = stall_ns(run);
    while (!shard_inbox_take(run->inbox, event)) {
        ask_when_rested(run);
        if (halt_check(run->copy->halt, err) != HEARTH_OK) {
            return err->code;
        }
        if (now_of(run) >= until) {
            return late(run, err);
        }
        const bool rests = is_resting(run) && run->rest_until_ns < until;
        shard_net_wait(run->copy->net, run->inbox,
            halt_until_ns(run->copy->halt, run->copy->env, rests ? run->rest_until_ns : until));
    }
    return HEARTH_OK;
}

static enum hearth_code pump(struct run *run, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !run->is_done) {
        struct shard_event event;
        code = next_event(run, &event, err);
        if (code == HEARTH_OK) {
            code = event.context == &run->get ? source_event(run, &event, err)
                                              : target_event(run, &event, err);
        }
    }
    return code;
}

static enum hearth_code open_run(
    struct run *run, const struct move_copy *copy, struct hearth_err *err)
{
    *run = (struct run){.copy = copy,
        .inbox = shard_inbox_create(copy->env),
        .tagger = shard_tagger_create(copy->vk),
        .digest = crypto_hash_create(CRYPTO_SHA256),
        .deadline_ns = env_now_ns(copy->env) + UINT64_C(1000000) * MOVE_LONGEST_MS};
    return run->inbox != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "inbox of a move");
}

static void close_run(struct run *run)
{
    shard_call_drop(run->get);
    shard_call_drop(run->put);
    shard_inbox_unref(run->inbox);
    shard_tagger_destroy(run->tagger);
    crypto_hash_destroy(run->digest);
}

/* What passes slowly is asked for one by one. */
static unsigned first_cells(const struct run *run)
{
    return run->put != NULL && move_pace_rate(run->copy->pace, 1) > 0 ? 1 : MOVE_AHEAD_CELLS;
}

static void start_reading(struct run *run, const struct shard_door *door)
{
    run->get = shard_get_open(run->copy->net, door, 0, stripe_count(run), run->inbox, &run->get);
    shard_get_read(run->get, first_cells(run));
}

enum hearth_code move_copy_blocking(const struct move_copy *copy, const struct shard_door *source,
    const struct shard_door *target, uint8_t receipt[RECEIPT_SIZE], enum move_blame *blame,
    struct hearth_err *err)
{
    struct run run;
    enum hearth_code code = open_run(&run, copy, err);
    if (code == HEARTH_OK) {
        run.receipt = receipt;
        run.put = shard_put_open(
            copy->net, target, ec_stripes_tagged_shard_size(copy->stripes), run.inbox, &run.put);
        start_reading(&run, source);
        code = pump(&run, err);
    }
    *blame = run.blame;
    close_run(&run);
    return code;
}

enum hearth_code move_verify_blocking(
    const struct move_copy *copy, const struct shard_door *holder, struct hearth_err *err)
{
    struct run run;
    enum hearth_code code = open_run(&run, copy, err);
    if (code == HEARTH_OK) {
        start_reading(&run, holder);
        code = pump(&run, err);
    }
    close_run(&run);
    return code;
}
