#include "coordinator/rebalance/move_rebuild.h"

#include "common/crypto.h"
#include "coordinator/rebalance/move_sources.h"
#include "coordinator/repair/repair_segment.h"

/* What repair calls back with. */
struct run {
    const struct move_rebuild *rebuild;
    uint64_t rested_ns;
};

static void accuse(void *context, const struct repair_source *source, const char *why)
{
    const struct move_rebuild *rebuild = ((const struct run *)context)->rebuild;
    move_accuse(rebuild->coordinator, &rebuild->segment->id, source->slot, source->node, why);
}

static uint64_t pass_ns(void *context, const struct repair_passed *passed)
{
    struct run *run = context;
    return move_pace_pass_ns(
        run->rebuild->pace, passed->bytes_each * run->rebuild->segment->k, &run->rested_ns);
}

enum hearth_code move_rebuild_blocking(const struct move_rebuild *rebuild, struct arena *arena,
    uint8_t receipt[RECEIPT_SIZE], struct hearth_err *err)
{
    const struct meta_segment *segment = rebuild->segment;
    struct move_sources sources;
    struct ec_slots failed = {{0}};
    ec_slots_add(&failed, rebuild->slot);
    if (move_sources_find(rebuild->coordinator, segment, failed, rebuild->session_id, arena,
            &sources, err) != HEARTH_OK) {
        return err->code;
    }
    struct run run = {.rebuild = rebuild};
    struct repair_target target = {.slot = rebuild->slot, .door = rebuild->target};
    struct repair_job job = {.net = rebuild->net,
        .env = rebuild->coordinator->env,
        .codec_id = (unsigned)segment->codec,
        .k = segment->k,
        .n = segment->n,
        .length = segment->length,
        .sources = sources.sources,
        .source_count = sources.count,
        .targets = &target,
        .target_count = 1,
        .accuse = accuse,
        .pass_ns = pass_ns,
        .context = &run,
        .halt = rebuild->halt};
    memcpy(job.vk.bytes, segment->vk, sizeof(job.vk.bytes));
    enum hearth_code code = repair_segment_blocking(&job, err);
    crypto_wipe(&job.vk, sizeof(job.vk));
    if (code == HEARTH_OK) {
        memcpy(receipt, target.receipt, RECEIPT_SIZE);
    }
    return code;
}
