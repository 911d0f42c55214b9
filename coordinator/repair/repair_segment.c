#include "coordinator/repair/repair_segment.h"

#include "erasure/ec_codec.h"

#include <assert.h>

/* One job with what it needs. */
struct repair {
    const struct repair_job *job;
    uint64_t deadline_ns;
    uint64_t rested_ns; /* in all */
    struct ec_stripes stripes;
    struct ec_codec *codec;
    struct shard_inbox *inbox;
    struct shard_tagger *tagger;
    struct repair_read read;
    struct repair_write write;
};

/* ---- waiting ---- */

static bool is_target(const struct repair *repair, const void *context)
{
    const struct repair_target *first = repair->write.targets;
    for (unsigned i = 0; i < repair->write.target_count; i++) {
        if (context == &first[i]) {
            return true;
        }
    }
    return false;
}

static enum hearth_code handle(
    struct repair *repair, const struct shard_event *event, struct hearth_err *err)
{
    if (is_target(repair, event->context)) {
        repair_write_event(&repair->write, event);
        return HEARTH_OK;
    }
    return repair_read_event(&repair->read, event, err);
}

static bool is_late(const struct repair *repair)
{
    return env_now_ns(repair->job->env) >= repair->deadline_ns;
}

static uint64_t stall_ns(const struct repair *repair)
{
    uint64_t until = env_now_ns(repair->job->env) + UINT64_C(1000000) * REPAIR_STALL_MS;
    return until < repair->deadline_ns ? until : repair->deadline_ns;
}

/* The next event, or false: nothing came for REPAIR_STALL_MS, or until the deadline. A wait may end
 * early, with nothing. */
static bool next_event(struct repair *repair, struct shard_event *event)
{
    struct env *env = repair->job->env;
    const uint64_t until = stall_ns(repair);
    while (!shard_inbox_take(repair->inbox, event)) {
        if (env_now_ns(env) >= until) {
            return false;
        }
        shard_net_wait(repair->job->net, repair->inbox, until);
    }
    return true;
}

/* Handles what has arrived; waits for it when there is nothing. *stalled: nothing came in time. */
static enum hearth_code pump(struct repair *repair, bool *stalled, struct hearth_err *err)
{
    struct shard_event event;
    if (!next_event(repair, &event)) {
        *stalled = !is_late(repair);
        return HEARTH_OK;
    }
    enum hearth_code code = handle(repair, &event, err);
    while (code == HEARTH_OK && shard_inbox_take(repair->inbox, &event)) {
        code = handle(repair, &event, err);
    }
    return code;
}

static enum hearth_code check_going(const struct repair *repair, struct hearth_err *err)
{
    if (is_late(repair)) {
        return hearth_fail(err, HEARTH_DEADLINE, "not done in time: stripe %u of %u",
            repair->read.stripe, repair->stripes.stripe_count);
    }
    if (repair_write_going(&repair->write) == 0) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "no new holder took its shard");
    }
    return HEARTH_OK;
}

static enum hearth_code await_stripe(struct repair *repair, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !is_late(repair) &&
        !(repair_read_is_ready(&repair->read) && repair_write_has_room(&repair->write))) {
        bool stalled = false;
        code = pump(repair, &stalled, err);
        if (stalled && !repair_write_has_room(&repair->write)) {
            repair_write_stalled(&repair->write);
        } else if (stalled) {
            code = repair_read_stalled(&repair->read, err);
        }
    }
    return code == HEARTH_OK ? check_going(repair, err) : code;
}

/* What has no receipt at the deadline is not stored. */
static enum hearth_code await_receipts(struct repair *repair, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !is_late(repair) && repair_write_going(&repair->write) > 0) {
        bool stalled = false;
        code = pump(repair, &stalled, err);
        if (stalled) {
            repair_write_stalled(&repair->write);
        }
    }
    return code;
}

/* ---- one stripe ---- */

/* Rebuilds one input from the others and each output in turn: a wrong output cannot give it back.
 */
static enum hearth_code check_outputs(const struct repair *repair, size_t cell_size,
    uint8_t *cells[EC_SLOTS_MAX], struct ec_slots have, struct hearth_err *err)
{
    unsigned witness = repair->read.readers[0].source->slot;
    const uint8_t *original = cells[witness];
    struct buf *again = buf_create(cell_size);
    if (again == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "cell of %zu bytes", cell_size);
    }
    enum hearth_code code = HEARTH_OK;
    struct ec_slots wanted = {{0}};
    ec_slots_add(&wanted, witness);
    cells[witness] = again->bytes;
    for (unsigned i = 0; i < repair->write.target_count && code == HEARTH_OK; i++) {
        struct ec_slots inputs = have;
        ec_slots_remove(&inputs, witness);
        ec_slots_add(&inputs, repair->write.targets[i].slot);
        code = ec_codec_rebuild(repair->codec, cell_size, cells, inputs, wanted, err);
        if (code == HEARTH_OK && memcmp(again->bytes, original, cell_size) != 0) {
            code =
                hearth_fail(err, HEARTH_INTERNAL, "a rebuilt cell does not give back its inputs");
        }
    }
    cells[witness] = (uint8_t *)(uintptr_t)original;
    buf_unref(again);
    return code;
}

static enum hearth_code rebuild(
    struct repair *repair, size_t cell_size, struct buf *out, struct hearth_err *err)
{
    uint8_t *cells[EC_SLOTS_MAX] = {NULL};
    struct ec_slots have = repair_read_cells(&repair->read, cells);
    struct ec_slots wanted = {{0}};
    for (unsigned i = 0; i < repair->write.target_count; i++) {
        unsigned slot = repair->write.targets[i].slot;
        cells[slot] = out->bytes + i * (cell_size + EC_CELL_TAG_SIZE);
        ec_slots_add(&wanted, slot);
    }
    enum hearth_code code = ec_codec_rebuild(repair->codec, cell_size, cells, have, wanted, err);
    return code == HEARTH_OK ? check_outputs(repair, cell_size, cells, have, err) : code;
}

static enum hearth_code repair_stripe(
    struct repair *repair, uint32_t stripe, struct hearth_err *err)
{
    size_t cell_size = ec_stripes_cell_size(&repair->stripes, stripe);
    size_t stride = cell_size + EC_CELL_TAG_SIZE;
    struct buf *out = buf_create(stride * repair->write.target_count);
    if (out == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stripe of %zu bytes", stride);
    }
    out->size = out->capacity;
    enum hearth_code code = rebuild(repair, cell_size, out, err);
    for (unsigned i = 0; i < repair->write.target_count && code == HEARTH_OK; i++) {
        uint8_t *cell = out->bytes + i * stride;
        shard_tag_make(repair->tagger, repair->write.targets[i].slot, stripe,
            view_of(cell, cell_size), cell + cell_size);
        repair_write_cell(&repair->write, i, slice_of(out, i * stride, stride));
    }
    buf_unref(out);
    return code;
}

/* ---- the budget ---- */

/* What arrives meanwhile is taken in; nobody is called slow for it. */
static enum hearth_code rest(struct repair *repair, uint64_t rest_ns, struct hearth_err *err)
{
    struct env *env = repair->job->env;
    const uint64_t until = env_now_ns(env) + rest_ns;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && env_now_ns(env) < until) {
        struct shard_event event;
        if (shard_inbox_take(repair->inbox, &event)) {
            code = handle(repair, &event, err);
        } else {
            shard_net_wait(repair->job->net, repair->inbox, until);
        }
    }
    return code;
}

static enum hearth_code keep_budget(struct repair *repair, uint32_t stripe, struct hearth_err *err)
{
    const struct repair_job *job = repair->job;
    uint64_t bytes = ec_stripes_cell_size(&repair->stripes, stripe) + EC_CELL_TAG_SIZE;
    uint64_t rest_ns = job->pass_ns != NULL ? job->pass_ns(job->context, bytes) : 0;
    repair->rested_ns += rest_ns;
    repair->deadline_ns += rest_ns;
    if (repair->rested_ns > UINT64_C(1000000) * REPAIR_REST_MS) {
        return hearth_fail(err, HEARTH_DEADLINE,
            "the budget of repair lets too little pass: stripe %u of %u", stripe,
            repair->stripes.stripe_count);
    }
    return rest(repair, rest_ns, err);
}

/* ---- all of it ---- */

static enum hearth_code run(struct repair *repair, struct hearth_err *err)
{
    enum hearth_code code = repair_read_start(&repair->read, err);
    if (code == HEARTH_OK) {
        repair_write_start(&repair->write);
    }
    for (uint32_t stripe = 0; code == HEARTH_OK && stripe < repair->stripes.stripe_count;
         stripe++) {
        code = await_stripe(repair, err);
        if (code == HEARTH_OK) {
            code = repair_stripe(repair, stripe, err);
        }
        if (code == HEARTH_OK) {
            repair_read_advance(&repair->read);
            code = keep_budget(repair, stripe, err);
        }
    }
    if (code == HEARTH_OK) {
        repair_write_finish(&repair->write, repair->stripes.stripe_count);
        code = await_receipts(repair, err);
    }
    repair_read_stop(&repair->read);
    repair_write_stop(&repair->write);
    return code;
}

static enum hearth_code prepare(
    struct repair *repair, const struct repair_job *job, struct hearth_err *err)
{
    uint64_t most_ms = REPAIR_LEAST_MS + job->length / REPAIR_BYTES_PER_MS;
    *repair = (struct repair){
        .job = job, .deadline_ns = env_now_ns(job->env) + UINT64_C(1000000) * most_ms};
    enum hearth_code code = ec_stripes_init(&repair->stripes, job->k, job->length, err);
    if (code == HEARTH_OK) {
        code = ec_codec_create(job->codec_id, job->k, job->n, &repair->codec, err);
    }
    if (code != HEARTH_OK) {
        return code;
    }
    repair->tagger = shard_tagger_create(&job->vk);
    repair->inbox = shard_inbox_create(job->env);
    if (repair->inbox == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inbox of a repair");
    }
    repair->read = (struct repair_read){
        .net = job->net,
        .inbox = repair->inbox,
        .tagger = repair->tagger,
        .stripes = &repair->stripes,
        .k = job->k,
        .sources = job->sources,
        .source_count = job->source_count,
        .accuse = job->accuse,
        .accuse_context = job->context,
    };
    repair->write = (struct repair_write){
        .net = job->net,
        .inbox = repair->inbox,
        .shard_size = ec_stripes_tagged_shard_size(&repair->stripes),
        .targets = job->targets,
        .target_count = job->target_count,
    };
    return HEARTH_OK;
}

static bool is_any_stored(const struct repair_job *job)
{
    for (unsigned i = 0; i < job->target_count; i++) {
        if (job->targets[i].is_stored) {
            return true;
        }
    }
    return false;
}

enum hearth_code repair_segment_blocking(const struct repair_job *job, struct hearth_err *err)
{
    struct repair *repair = malloc(sizeof(*repair));
    if (repair == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "repair of a segment");
    }
    assert(job->target_count > 0);
    enum hearth_code code = prepare(repair, job, err);
    if (code == HEARTH_OK) {
        code = run(repair, err);
    }
    shard_inbox_unref(repair->inbox);
    shard_tagger_destroy(repair->tagger);
    ec_codec_destroy(repair->codec);
    free(repair);
    if (code == HEARTH_OK && !is_any_stored(job)) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "no new holder took its shard");
    }
    return code;
}
