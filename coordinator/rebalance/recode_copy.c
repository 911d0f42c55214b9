#include "coordinator/rebalance/recode_copy.h"

#include <assert.h>
#include <stdlib.h>

/* One job with what it needs. */
struct run {
    const struct recode_copy *copy;
    struct ec_stripes from;
    struct ec_stripes to;
    struct ec_codec *decoder;
    struct ec_codec *encoder;
    struct shard_tagger *verifier;
    struct shard_tagger *tagger;
    struct repair_flow flow;
    struct buf *sealed; /* its first `size` bytes are read and not cut yet */
    uint32_t cut;       /* stripes of the new code on their way */
    uint64_t rested_ns;
};

/* ---- decoded ---- */

/* Points cells at what is rebuilt, in `room`, of the data slots that were not read. */
static enum hearth_code decode(struct run *run, size_t cell_size, uint8_t *cells[EC_SLOTS_MAX],
    struct buf *room, struct hearth_err *err)
{
    const unsigned witness = run->flow.read.readers[0].source->slot;
    const struct ec_slots have = repair_read_cells(&run->flow.read, cells);
    struct ec_slots wanted = {{0}};
    for (unsigned slot = 0; slot < run->from.data_count; slot++) {
        if (!ec_slots_has(have, slot)) {
            cells[slot] = room->bytes + slot * cell_size;
            ec_slots_add(&wanted, slot);
        }
    }
    if (ec_slots_count(wanted) == 0) {
        return HEARTH_OK;
    }
    enum hearth_code code = ec_codec_rebuild(run->decoder, cell_size, cells, have, wanted, err);
    return code == HEARTH_OK
        ? repair_check_outputs(run->decoder, cell_size, cells, have, witness, wanted, err)
        : code;
}

static void append(struct run *run, uint32_t stripe, uint8_t *const cells[EC_SLOTS_MAX])
{
    struct buf *sealed = run->sealed;
    for (unsigned slot = 0; slot < run->from.data_count; slot++) {
        const size_t used = ec_stripes_cell_used(&run->from, stripe, slot);
        assert(used <= sealed->capacity - sealed->size);
        if (used > 0) {
            memcpy(sealed->bytes + sealed->size, cells[slot], used);
        }
        sealed->size += used;
    }
}

static enum hearth_code read_stripe(struct run *run, uint32_t stripe, struct hearth_err *err)
{
    uint8_t *cells[EC_SLOTS_MAX] = {NULL};
    const size_t cell_size = ec_stripes_cell_size(&run->from, stripe);
    struct buf *room = buf_create(cell_size * run->from.data_count);
    if (room == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stripe of cells of %zu bytes", cell_size);
    }
    enum hearth_code code = decode(run, cell_size, cells, room, err);
    if (code == HEARTH_OK) {
        append(run, stripe, cells);
        repair_read_advance(&run->flow.read);
    }
    buf_unref(room);
    return code;
}

/* ---- encoded ---- */

static size_t stripe_used(const struct run *run, uint32_t stripe)
{
    size_t used = 0;
    for (unsigned slot = 0; slot < run->to.data_count; slot++) {
        used += ec_stripes_cell_used(&run->to, stripe, slot);
    }
    return used;
}

/* The next stripe's data cells, padded with zeros, out of what is sealed. */
static void fill(struct run *run, size_t cell_size, uint8_t *const cells[EC_SLOTS_MAX])
{
    struct buf *sealed = run->sealed;
    size_t taken = 0;
    for (unsigned slot = 0; slot < run->to.data_count; slot++) {
        const size_t used = ec_stripes_cell_used(&run->to, run->cut, slot);
        memcpy(cells[slot], sealed->bytes + taken, used);
        memset(cells[slot] + used, 0, cell_size - used);
        taken += used;
    }
    sealed->size -= taken;
    memmove(sealed->bytes, sealed->bytes + taken, sealed->size);
}

static enum hearth_code encode(
    struct run *run, size_t cell_size, uint8_t *cells[EC_SLOTS_MAX], struct hearth_err *err)
{
    const struct ec_slots data = ec_slots_first(run->copy->k);
    const struct ec_slots parity = ec_slots_minus(ec_slots_first(run->copy->n), data);
    ec_codec_encode(run->encoder, cell_size, cells);
    return repair_check_outputs(run->encoder, cell_size, cells, data, 0, parity, err);
}

static void send(struct run *run, struct buf *out, size_t cell_size)
{
    const size_t stride = cell_size + EC_CELL_TAG_SIZE;
    for (unsigned i = 0; i < run->copy->target_count; i++) {
        const unsigned slot = run->copy->targets[i].slot;
        uint8_t *cell = out->bytes + slot * stride;
        shard_tag_make(run->tagger, slot, run->cut, view_of(cell, cell_size), cell + cell_size);
        repair_write_cell(&run->flow.write, i, slice_of(out, slot * stride, stride));
    }
}

static enum hearth_code write_stripe(struct run *run, struct hearth_err *err)
{
    uint8_t *cells[EC_SLOTS_MAX] = {NULL};
    const size_t cell_size = ec_stripes_cell_size(&run->to, run->cut);
    struct buf *out = buf_create((cell_size + EC_CELL_TAG_SIZE) * run->copy->n);
    if (out == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "stripe of cells of %zu bytes", cell_size);
    }
    out->size = out->capacity;
    for (unsigned slot = 0; slot < run->copy->n; slot++) {
        cells[slot] = out->bytes + slot * (cell_size + EC_CELL_TAG_SIZE);
    }
    fill(run, cell_size, cells);
    enum hearth_code code = encode(run, cell_size, cells, err);
    if (code == HEARTH_OK) {
        send(run, out, cell_size);
        run->cut++;
    }
    buf_unref(out);
    return code;
}

/* ---- all of it ---- */

static enum hearth_code rest(
    struct run *run, size_t cell_size, unsigned cells, struct hearth_err *err)
{
    const uint64_t bytes = (uint64_t)cells * (cell_size + EC_CELL_TAG_SIZE);
    const uint64_t rest_ns = move_pace_pass_ns(run->copy->pace, bytes, &run->rested_ns);
    return repair_flow_rest(&run->flow, rest_ns, err);
}

/* Every stripe of the new code that can be cut. */
static enum hearth_code write_stripes(struct run *run, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && run->cut < run->to.stripe_count &&
        run->sealed->size >= stripe_used(run, run->cut)) {
        const size_t cell_size = ec_stripes_cell_size(&run->to, run->cut);
        code = repair_flow_await_room(&run->flow, err);
        if (code == HEARTH_OK) {
            code = write_stripe(run, err);
        }
        if (code == HEARTH_OK) {
            code = rest(run, cell_size, run->copy->target_count, err);
        }
    }
    return code;
}

static enum hearth_code transfer(struct run *run, struct hearth_err *err)
{
    enum hearth_code code = repair_read_start(&run->flow.read, err);
    if (code == HEARTH_OK) {
        repair_write_start(&run->flow.write);
    }
    for (uint32_t stripe = 0; code == HEARTH_OK && stripe < run->from.stripe_count; stripe++) {
        code = repair_flow_await_stripe(&run->flow, err);
        if (code == HEARTH_OK) {
            code = read_stripe(run, stripe, err);
        }
        if (code == HEARTH_OK) {
            code = rest(run, ec_stripes_cell_size(&run->from, stripe), run->from.data_count, err);
        }
        if (code == HEARTH_OK) {
            code = write_stripes(run, err);
        }
    }
    if (code == HEARTH_OK) {
        assert(run->cut == run->to.stripe_count && run->sealed->size == 0);
        repair_write_finish(&run->flow.write, run->to.stripe_count);
        code = repair_flow_await_receipts(&run->flow, err);
    }
    repair_read_stop(&run->flow.read);
    repair_write_stop(&run->flow.write);
    return code;
}

static void join_halves(struct run *run)
{
    const struct recode_copy *copy = run->copy;
    run->flow.halt = copy->halt;
    run->flow.read = (struct repair_read){.net = copy->net,
        .inbox = run->flow.inbox,
        .tagger = run->verifier,
        .stripes = &run->from,
        .k = copy->segment->k,
        .sources = copy->sources,
        .source_count = copy->source_count,
        .accuse = copy->accuse,
        .accuse_context = copy->context};
    run->flow.write = (struct repair_write){.net = copy->net,
        .inbox = run->flow.inbox,
        .shard_size = ec_stripes_tagged_shard_size(&run->to),
        .targets = copy->targets,
        .target_count = copy->target_count};
}

static enum hearth_code prepare(
    struct run *run, const struct recode_copy *copy, struct hearth_err *err)
{
    const struct meta_segment *segment = copy->segment;
    struct verify_key vk;
    run->copy = copy;
    if (ec_stripes_init(&run->from, segment->k, segment->length, err) != HEARTH_OK ||
        ec_stripes_init(&run->to, copy->k, segment->length, err) != HEARTH_OK ||
        ec_codec_create((unsigned)segment->codec, segment->k, segment->n, &run->decoder, err) !=
            HEARTH_OK ||
        ec_codec_create(META_CODEC_RS_CAUCHY, copy->k, copy->n, &run->encoder, err) != HEARTH_OK ||
        repair_flow_init(&run->flow, copy->net, copy->env, segment->length, err) != HEARTH_OK) {
        return err->code;
    }
    memcpy(vk.bytes, segment->vk, sizeof(vk.bytes));
    run->verifier = shard_tagger_create(&vk);
    run->tagger = shard_tagger_create(&copy->vk);
    crypto_wipe(&vk, sizeof(vk));
    /* Less than a stripe is left when another one comes. */
    run->sealed = buf_create((size_t)(segment->k + copy->k) * EC_CELL_SIZE_MAX);
    if (run->sealed == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "sealed bytes of two stripes");
    }
    join_halves(run);
    return HEARTH_OK;
}

enum hearth_code recode_copy_blocking(const struct recode_copy *copy, struct hearth_err *err)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "another code for a segment");
    }
    enum hearth_code code = prepare(run, copy, err);
    if (code == HEARTH_OK) {
        code = transfer(run, err);
    }
    repair_flow_fini(&run->flow);
    buf_unref(run->sealed);
    shard_tagger_destroy(run->verifier);
    shard_tagger_destroy(run->tagger);
    ec_codec_destroy(run->decoder);
    ec_codec_destroy(run->encoder);
    free(run);
    return code;
}
