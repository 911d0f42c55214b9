#include "coordinator/rescue/rebuild_read.h"

#include "coordinator/meta/meta_segment.h"
#include "coordinator/repair/repair_read.h"
#include "erasure/ec_codec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    STALL_MS = 5000, /* a node without progress for this long is given up */
    LEAST_MS = 60 * 1000,
    BYTES_PER_MS = 128,
};

/* One part being read. */
struct part {
    const struct rebuild_reader *reader;
    const struct rebuild_shard *first; /* what is the same in all of them */
    struct arena arena;
    uint64_t deadline_ns;
    struct ec_stripes stripes;
    struct ec_codec *codec;
    struct shard_tagger *tagger;
    struct shard_inbox *inbox;
    struct repair_source sources[EC_SLOTS_MAX];
    unsigned source_count;
    struct repair_read read;
    uint8_t *sealed;  /* sealed_size bytes */
    uint8_t *scratch; /* k cells */
};

/* ---- whom to ask ---- */

/* Liars are few: the length that most of them name. */
static uint64_t length_of(const struct rebuild_run *shards)
{
    uint64_t best = 0;
    size_t best_votes = 0;
    for (size_t i = 0; i < shards->count; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < shards->count; j++) {
            votes += shards->shards[j].length == shards->shards[i].length;
        }
        if (votes > best_votes) {
            best_votes = votes;
            best = shards->shards[i].length;
        }
    }
    return best;
}

static enum hearth_code add_source(
    struct part *part, const struct rebuild_shard *shard, struct hearth_err *err)
{
    const struct rebuild_reader *reader = part->reader;
    const struct wire_node_address *node = &reader->nodes[shard->node];
    uint8_t *order = arena_take(&part->arena, ORDER_SIZE);
    if (order == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "an order");
    }
    uint64_t now = env_unix_ms(reader->env);
    struct order_request request = {.action = ORDER_GET,
        .slot = shard->slot,
        .p = shard->p,
        .session_id = reader->session_id,
        .created_unix_ms = now,
        .expires_unix_ms = now + META_ORDER_MS};
    memcpy(request.segment.bytes, shard->segment, sizeof(request.segment.bytes));
    memcpy(request.node_id, node->node_id.bytes, sizeof(request.node_id));
    order_issue(reader->issuer, &request, order);
    part->sources[part->source_count++] = (struct repair_source){.slot = shard->slot,
        .node = shard->node,
        .door = {.node = node, .order = view_of(order, ORDER_SIZE)}};
    return HEARTH_OK;
}

/* One shard a slot: the first, or in a second attempt the last of those that say they are it. */
static enum hearth_code plan_sources(struct part *part, const struct rebuild_run *shards,
    uint64_t length, bool takes_last, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    part->source_count = 0;
    for (unsigned slot = 0; slot < part->first->name.n && code == HEARTH_OK; slot++) {
        const struct rebuild_shard *chosen = NULL;
        for (size_t i = 0; i < shards->count; i++) {
            const struct rebuild_shard *shard = &shards->shards[i];
            if (shard->slot == slot && shard->length == length && (chosen == NULL || takes_last)) {
                chosen = shard;
            }
        }
        code = chosen == NULL ? HEARTH_OK : add_source(part, chosen, err);
    }
    return code;
}

/* ---- what they give ---- */

static void ignore(void *context, const struct repair_source *source, const char *why)
{
    (void)context;
    (void)source;
    (void)why;
}

static enum hearth_code await_stripe(struct part *part, struct hearth_err *err)
{
    struct env *env = part->reader->env;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !repair_read_is_ready(&part->read)) {
        uint64_t now = env_now_ns(env);
        uint64_t until = now + UINT64_C(1000000) * STALL_MS;
        struct shard_event event;
        if (now >= part->deadline_ns) {
            return hearth_fail(err, HEARTH_DEADLINE, "not read in time");
        }
        bool any = false;
        while (!any && env_now_ns(env) < until) {
            shard_net_wait(part->reader->net, part->inbox, until);
            while (code == HEARTH_OK && shard_inbox_take(part->inbox, &event)) {
                code = repair_read_event(&part->read, &event, err);
                any = true;
            }
        }
        if (!any) {
            code = repair_read_stalled(&part->read, err);
        }
    }
    return code;
}

/* The data cells of the current stripe, to where they lie in the sealed bytes. */
static enum hearth_code decode_stripe(struct part *part, unsigned stripe, struct hearth_err *err)
{
    uint8_t *cells[EC_SLOTS_MAX] = {NULL};
    struct ec_slots have = repair_read_cells(&part->read, cells);
    struct ec_slots wanted = ec_slots_minus(ec_slots_first(part->first->name.k), have);
    size_t size = ec_stripes_cell_size(&part->stripes, stripe);
    for (unsigned slot = ec_slots_next(wanted, 0); slot < EC_SLOTS_MAX;
         slot = ec_slots_next(wanted, slot + 1)) {
        cells[slot] = part->scratch + (size_t)slot * EC_CELL_SIZE_MAX;
    }
    if (ec_slots_count(wanted) > 0 &&
        ec_codec_rebuild(part->codec, size, cells, have, wanted, err) != HEARTH_OK) {
        return err->code;
    }
    for (unsigned slot = 0; slot < part->first->name.k; slot++) {
        size_t used = ec_stripes_cell_used(&part->stripes, stripe, slot);
        memcpy(part->sealed + ec_stripes_sealed_offset(&part->stripes, stripe, slot, 0),
            cells[slot], used);
    }
    repair_read_advance(&part->read);
    return HEARTH_OK;
}

static enum hearth_code read_sealed(struct part *part, struct hearth_err *err)
{
    part->read = (struct repair_read){.net = part->reader->net,
        .inbox = part->inbox,
        .tagger = part->tagger,
        .stripes = &part->stripes,
        .k = part->first->name.k,
        .sources = part->sources,
        .source_count = part->source_count,
        .accuse = ignore};
    enum hearth_code code = repair_read_start(&part->read, err);
    for (unsigned i = 0; i < part->stripes.stripe_count && code == HEARTH_OK; i++) {
        code = await_stripe(part, err);
        if (code == HEARTH_OK) {
            code = decode_stripe(part, i, err);
        }
    }
    repair_read_stop(&part->read);
    return code;
}

static enum hearth_code read_from(struct part *part, const struct rebuild_run *shards,
    uint64_t length, bool takes_last, struct hearth_err *err)
{
    return plan_sources(part, shards, length, takes_last, err) == HEARTH_OK ? read_sealed(part, err)
                                                                            : err->code;
}

/* ---- what that is ---- */

static enum hearth_code open_units(struct part *part, uint8_t *plain, struct hearth_err *err)
{
    struct seal_reader *reader =
        seal_reader_create(&part->reader->keys->seal, part->first->segment);
    enum hearth_code code = HEARTH_OK;
    for (unsigned unit = 0; unit < ec_stripes_unit_count(&part->stripes) && code == HEARTH_OK;
         unit++) {
        struct ec_range sealed = ec_stripes_unit_sealed(&part->stripes, unit);
        struct ec_range range = ec_stripes_unit_plain(&part->stripes, unit);
        code = seal_reader_open(reader, unit, view_of(part->sealed + sealed.offset, sealed.size),
            plain + range.offset, err);
    }
    seal_reader_destroy(reader);
    return code;
}

static enum hearth_code check_head(
    const struct part *part, const struct shipment_head *head, struct hearth_err *err)
{
    const struct shipment_name *name = &part->first->name;
    return head->number == name->number && head->part == name->part &&
            memcmp(head->cluster, part->reader->cluster, sizeof(head->cluster)) == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CHECKSUM, "it says it is part %u of shipment %" PRIu64,
              head->part, head->number);
}

static enum hearth_code open_part(
    struct part *part, struct rebuild_bytes *out, struct hearth_err *err)
{
    struct view plain = {.size = part->stripes.plain_size};
    out->plain = malloc(plain.size);
    if (out->plain == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu bytes", plain.size);
    }
    plain.bytes = out->plain;
    enum hearth_code code = open_units(part, out->plain, err);
    if (code == HEARTH_OK) {
        code = shipment_head_decode(plain, &out->head, err);
    }
    if (code == HEARTH_OK) {
        code = check_head(part, &out->head, err);
    }
    if (code != HEARTH_OK) {
        free(out->plain);
        out->plain = NULL;
        return code;
    }
    out->bytes = view_of(out->plain + SHIPMENT_HEAD_SIZE, out->head.size);
    return HEARTH_OK;
}

/* ---- all of it ---- */

static enum hearth_code prepare(struct part *part, uint64_t length, struct hearth_err *err)
{
    const struct shipment_name *name = &part->first->name;
    struct verify_key vk;
    size_t plain_size;
    if (!shipment_size_of_shard(name->k, length, &plain_size)) {
        return hearth_fail(
            err, HEARTH_SHARDS_LOST, "no part has shards of %" PRIu64 " bytes", length);
    }
    if (ec_stripes_init(&part->stripes, name->k, plain_size, err) != HEARTH_OK ||
        ec_codec_create(EC_CODEC_CAUCHY, name->k, name->n, &part->codec, err) != HEARTH_OK) {
        return err->code;
    }
    part->deadline_ns =
        env_now_ns(part->reader->env) + UINT64_C(1000000) * (LEAST_MS + plain_size / BYTES_PER_MS);
    shipment_verify_key(part->reader->keys, part->first->segment, &vk);
    part->tagger = shard_tagger_create(&vk);
    part->inbox = shard_inbox_create(part->reader->env);
    part->sealed = malloc(part->stripes.sealed_size);
    part->scratch = malloc((size_t)name->k * EC_CELL_SIZE_MAX);
    crypto_wipe(&vk, sizeof(vk));
    return part->inbox != NULL && part->sealed != NULL && part->scratch != NULL
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NO_MEMORY, "a part of %zu bytes", plain_size);
}

static void release(struct part *part)
{
    shard_inbox_unref(part->inbox);
    shard_tagger_destroy(part->tagger);
    ec_codec_destroy(part->codec);
    free(part->sealed);
    free(part->scratch);
    arena_fini(&part->arena);
    free(part);
}

enum hearth_code rebuild_read_blocking(const struct rebuild_reader *reader,
    const struct rebuild_run *shards, struct rebuild_bytes *out, struct hearth_err *err)
{
    struct part *part = calloc(1, sizeof(*part));
    if (part == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "a part");
    }
    assert(shards->count > 0);
    part->reader = reader;
    part->first = &shards->shards[0];
    arena_init(&part->arena, 0);
    const uint64_t length = length_of(shards);
    enum hearth_code code = prepare(part, length, err);
    if (code == HEARTH_OK) {
        code = read_from(part, shards, length, false, err);
        code = code == HEARTH_SHARDS_LOST ? read_from(part, shards, length, true, err) : code;
    }
    if (code == HEARTH_OK) {
        code = open_part(part, out, err);
    }
    uint64_t number = part->first->name.number;
    unsigned which = part->first->name.part;
    release(part);
    return code == HEARTH_OK
        ? code
        : hearth_err_prefix(err, "part %u of shipment %" PRIu64, which, number);
}
