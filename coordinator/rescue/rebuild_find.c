#include "coordinator/rescue/rebuild_find.h"

#include "coordinator/rescue/shipment_head.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

static enum hearth_code make_room(struct rebuild_found *found, struct hearth_err *err)
{
    if (found->count < found->capacity) {
        return HEARTH_OK;
    }
    size_t capacity = found->capacity == 0 ? FIRST_CAPACITY : 2 * found->capacity;
    struct rebuild_shard *shards = realloc(found->shards, capacity * sizeof(*shards));
    if (shards == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu shards of shipments", capacity);
    }
    found->shards = shards;
    found->capacity = capacity;
    return HEARTH_OK;
}

enum hearth_code rebuild_found_add(struct rebuild_found *found, const struct shard_name_keys *names,
    const struct shipment_keys *keys, uint32_t node, const struct wire_shard_entry *entry,
    struct hearth_err *err)
{
    struct shard_name shard;
    struct shard_place place;
    struct shipment_name name;
    if (entry->shard_id.size != sizeof(shard.id) || entry->locator.size != sizeof(shard.locator)) {
        return HEARTH_OK;
    }
    memcpy(shard.id, entry->shard_id.bytes, sizeof(shard.id));
    memcpy(shard.locator, entry->locator.bytes, sizeof(shard.locator));
    if (!shard_name_open(names, &shard, &place) ||
        !shipment_name_open(keys, place.segment, &name) || place.slot >= name.n) {
        return HEARTH_OK;
    }
    if (make_room(found, err) != HEARTH_OK) {
        return err->code;
    }
    struct rebuild_shard *added = &found->shards[found->count++];
    *added = (struct rebuild_shard){.name = name,
        .slot = place.slot,
        .p = place.p,
        .node = node,
        .length = entry->length,
        .is_trash = entry->state == WIRE_SHARD_TRASH};
    memcpy(added->segment, place.segment, sizeof(added->segment));
    memcpy(added->id, shard.id, sizeof(added->id));
    return HEARTH_OK;
}

void rebuild_found_fini(struct rebuild_found *found)
{
    free(found->shards);
    *found = (struct rebuild_found){.shards = NULL};
}

static int order_of(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Newest first; of equal slots the live one, then the newest placement. */
static int compare(const void *left, const void *right)
{
    const struct rebuild_shard *a = left;
    const struct rebuild_shard *b = right;
    const int orders[] = {order_of(b->name.number, a->name.number),
        order_of(a->name.salt, b->name.salt), order_of(a->name.part, b->name.part),
        order_of(a->slot, b->slot), order_of(a->is_trash, b->is_trash), order_of(b->p, a->p)};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (orders[i] != 0) {
            return orders[i];
        }
    }
    return 0;
}

void rebuild_found_sort(struct rebuild_found *found)
{
    if (found->count > 0) {
        qsort(found->shards, found->count, sizeof(found->shards[0]), compare);
    }
}

/* From `first` on, as long as they are of one shipment. */
static struct rebuild_run run_from(const struct rebuild_found *found, size_t first)
{
    struct rebuild_run run = {.shards = found->shards + first};
    while (first + run.count < found->count &&
        run.shards[run.count].name.number == run.shards[0].name.number &&
        run.shards[run.count].name.salt == run.shards[0].name.salt) {
        run.count++;
    }
    return run;
}

struct rebuild_run rebuild_before(const struct rebuild_found *found, uint64_t number)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->shards[i].name.number < number) {
            return run_from(found, i);
        }
    }
    return (struct rebuild_run){.count = 0};
}

struct rebuild_run rebuild_numbered(const struct rebuild_found *found, uint64_t number)
{
    struct rebuild_run run = rebuild_before(found, number + 1);
    return run.count > 0 && run.shards[0].name.number == number ? run
                                                                : (struct rebuild_run){.count = 0};
}

struct rebuild_run rebuild_part(const struct rebuild_run *shipment, uint16_t part)
{
    struct rebuild_run run = {.count = 0};
    for (size_t i = 0; i < shipment->count; i++) {
        if (shipment->shards[i].name.part == part) {
            run.shards = run.count == 0 ? &shipment->shards[i] : run.shards;
            run.count++;
        }
    }
    return run;
}

bool rebuild_is_sealed(const struct rebuild_run *shipment)
{
    return rebuild_part(shipment, SHIPMENT_SEAL).count > 0;
}
