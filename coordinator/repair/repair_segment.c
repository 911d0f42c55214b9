#include "coordinator/repair/repair_segment.h"

#include <assert.h>

/* One job with what it needs. */
struct repair {
    const struct repair_job *job;
    uint64_t rested_ns; /* in all */
    struct ec_stripes stripes;
    struct ec_codec *codec;
    struct shard_tagger *tagger;
    struct repair_flow flow;
};

/* ---- one stripe ---- */

static enum hearth_code rebuild(
    struct repair *repair, size_t cell_size, struct buf *out, struct hearth_err *err)
{
    uint8_t *cells[EC_SLOTS_MAX] = {NULL};
    const struct repair_write *write = &repair->flow.write;
    const unsigned witness = repair->flow.read.readers[0].source->slot;
    struct ec_slots have = repair_read_cells(&repair->flow.read, cells);
    struct ec_slots wanted = {{0}};
    for (unsigned i = 0; i < write->target_count; i++) {
        unsigned slot = write->targets[i].slot;
        cells[slot] = out->bytes + i * (cell_size + EC_CELL_TAG_SIZE);
        ec_slots_add(&wanted, slot);
    }
    enum hearth_code code = ec_codec_rebuild(repair->codec, cell_size, cells, have, wanted, err);
    return code == HEARTH_OK
        ? repair_check_outputs(repair->codec, cell_size, cells, have, witness, wanted, err)
        : code;
}

static enum hearth_code repair_stripe(
    struct repair *repair, uint32_t stripe, struct hearth_err *err)
{
    struct repair_write *write = &repair->flow.write;
    size_t cell_size = ec_stripes_cell_size(&repair->stripes, stripe);
    size_t stride = cell_size + EC_CELL_TAG_SIZE;
    struct buf *out = buf_create(stride * write->target_count);
    if (out == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stripe of %zu bytes", stride);
    }
    out->size = out->capacity;
    enum hearth_code code = rebuild(repair, cell_size, out, err);
    for (unsigned i = 0; i < write->target_count && code == HEARTH_OK; i++) {
        uint8_t *cell = out->bytes + i * stride;
        shard_tag_make(repair->tagger, write->targets[i].slot, stripe, view_of(cell, cell_size),
            cell + cell_size);
        repair_write_cell(write, i, slice_of(out, i * stride, stride));
    }
    buf_unref(out);
    return code;
}

/* ---- the budget ---- */

/* Those who take part in this stripe: who failed before does not, who stepped in does. */
static uint64_t pass_ns(const struct repair *repair, uint32_t stripe)
{
    struct repair_passed passed = {
        .bytes_each = ec_stripes_cell_size(&repair->stripes, stripe) + EC_CELL_TAG_SIZE};
    if (repair->job->pass_ns == NULL) {
        return 0;
    }
    passed.count = repair_read_nodes(&repair->flow.read, passed.nodes);
    passed.count += repair_write_nodes(&repair->flow.write, passed.nodes + passed.count);
    return repair->job->pass_ns(repair->job->context, &passed);
}

static enum hearth_code keep_budget(struct repair *repair, uint32_t stripe, struct hearth_err *err)
{
    const uint64_t rest_ns = pass_ns(repair, stripe);
    repair->rested_ns += rest_ns;
    if (repair->rested_ns > UINT64_C(1000000) * REPAIR_REST_MS) {
        return hearth_fail(err, HEARTH_DEADLINE,
            "the budget of repair lets too little pass: stripe %u of %u", stripe,
            repair->stripes.stripe_count);
    }
    return repair_flow_rest(&repair->flow, rest_ns, err);
}

/* ---- all of it ---- */

static enum hearth_code repair_stripes(struct repair *repair, struct hearth_err *err)
{
    struct repair_flow *flow = &repair->flow;
    enum hearth_code code = HEARTH_OK;
    for (uint32_t stripe = 0; code == HEARTH_OK && stripe < repair->stripes.stripe_count;
         stripe++) {
        code = repair_flow_await_stripe(flow, err);
        if (code == HEARTH_OK) {
            code = repair_stripe(repair, stripe, err);
        }
        if (code == HEARTH_OK) {
            repair_read_advance(&flow->read);
            code = keep_budget(repair, stripe, err);
        }
    }
    return code;
}

static enum hearth_code run(struct repair *repair, struct hearth_err *err)
{
    struct repair_flow *flow = &repair->flow;
    enum hearth_code code = repair_read_start(&flow->read, err);
    if (code == HEARTH_OK) {
        repair_write_start(&flow->write);
        code = repair_stripes(repair, err);
    }
    if (code == HEARTH_OK) {
        repair_write_finish(&flow->write, repair->stripes.stripe_count);
        code = repair_flow_await_receipts(flow, err);
    }
    repair_read_stop(&flow->read);
    repair_write_stop(&flow->write);
    return code;
}

static void connect_halves(struct repair *repair)
{
    const struct repair_job *job = repair->job;
    struct repair_flow *flow = &repair->flow;
    flow->halt = job->halt;
    flow->read = (struct repair_read){
        .net = job->net,
        .inbox = flow->inbox,
        .tagger = repair->tagger,
        .stripes = &repair->stripes,
        .k = job->k,
        .sources = job->sources,
        .source_count = job->source_count,
        .accuse = job->accuse,
        .accuse_context = job->context,
    };
    flow->write = (struct repair_write){
        .net = job->net,
        .inbox = flow->inbox,
        .shard_size = ec_stripes_tagged_shard_size(&repair->stripes),
        .targets = job->targets,
        .target_count = job->target_count,
    };
}

static enum hearth_code prepare(
    struct repair *repair, const struct repair_job *job, struct hearth_err *err)
{
    *repair = (struct repair){.job = job};
    if (ec_stripes_init(&repair->stripes, job->k, job->length, err) != HEARTH_OK ||
        ec_codec_create(job->codec_id, job->k, job->n, &repair->codec, err) != HEARTH_OK ||
        repair_flow_init(&repair->flow, job->net, job->env, job->length, err) != HEARTH_OK) {
        return err->code;
    }
    repair->tagger = shard_tagger_create(&job->vk);
    connect_halves(repair);
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
    repair_flow_fini(&repair->flow);
    shard_tagger_destroy(repair->tagger);
    ec_codec_destroy(repair->codec);
    free(repair);
    if (code == HEARTH_OK && !is_any_stored(job)) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "no new holder took its shard");
    }
    return code;
}
