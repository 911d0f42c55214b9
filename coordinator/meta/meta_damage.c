#include "coordinator/meta/meta_damage.h"

#include "coordinator/meta/meta_blob.h"
#include "coordinator/meta/meta_inside.h"

struct note_call {
    uint32_t node;
    struct meta_damaged_shard *shards;
    size_t count;
};

static bool is_news(
    const struct meta_segment *segment, uint32_t node, const struct meta_damaged_shard *shard)
{
    if (segment->dying_ms != 0 || shard->slot >= segment->n) {
        return false;
    }
    struct meta_holder holder = segment->holders[shard->slot];
    return holder.node == node && holder.p == shard->p &&
        !ec_slots_has(segment->damaged, shard->slot);
}

void meta_damage_mark_in(struct meta_tx *tx, const struct meta_segment *segment, unsigned slot)
{
    uint8_t bytes[META_SLOTS_SIZE_MAX];
    struct ec_slots damaged = segment->damaged;
    ec_slots_add(&damaged, slot);
    size_t size = meta_slots_encode(damaged, segment->n, bytes);
    struct sql *sql = sql_use(tx, SQL_SEGMENT_SET_DAMAGED);
    sql_set_id(sql, ":segment", &segment->id);
    sql_set_blob(sql, ":damaged", view_of(bytes, size));
    sql_run(sql);
}

static enum hearth_code note(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct note_call *call = arg;
    for (size_t i = 0; i < call->count; i++) {
        struct meta_damaged_shard *shard = &call->shards[i];
        struct meta_segment segment;
        shard->is_noted =
            meta_segment_in(tx, &shard->segment, &segment) && is_news(&segment, call->node, shard);
        if (shard->is_noted) {
            meta_damage_mark_in(tx, &segment, shard->slot);
        }
    }
    return HEARTH_OK;
}

enum hearth_code meta_damage_note(struct meta_store *store, uint32_t node,
    struct meta_damaged_shard *shards, size_t count, struct hearth_err *err)
{
    struct note_call call = {.node = node, .shards = shards, .count = count};
    return meta_run(store, note, &call, err);
}
