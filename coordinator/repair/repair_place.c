#include "coordinator/repair/repair_place.h"

#include "coordinator/service/segment_orders.h"

enum hearth_code repair_place_init(struct repair_place *place,
    const struct coordinator *coordinator, const struct meta_segment *segment,
    const struct repair_judgement *judgement, struct hearth_err *err)
{
    uint64_t shard_size;
    if (segment_shard_size(segment->k, segment->length, &shard_size, err) != HEARTH_OK) {
        return err->code;
    }
    size_t held_count = 0;
    for (unsigned slot = 0; slot < segment->n; slot++) {
        if (ec_slots_has(judgement->held, slot)) {
            place->held[held_count++] = segment->holders[slot].node;
        }
    }
    place->query = (struct place_query){
        .want = ec_slots_count(judgement->missing),
        .least = 1,
        .free_bytes_min = shard_size,
        .excluded = place->held,
        .excluded_count = held_count,
        .allow_colocation = coordinator->settings->allow_colocation,
    };
    return HEARTH_OK;
}
