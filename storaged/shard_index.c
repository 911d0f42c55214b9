#include "storaged/shard_index.h"

#include "common/codec.h"
#include "common/id_sum.h"

#include <assert.h>
#include <stdlib.h>

enum {
    KEY_BITS = 44,
    KEY_SHIFT = 20,
    DAY_SHIFT = 16,
    STATE_SHIFT = 14,
    LOG_LOW_BITS = 10,
    LOG_SHIFT = 54,
    OFFSET_SHIFT = 24,
    UNIT = 64,
    ENTRY_SIZE = 16,
};
#define MASK(bits) ((UINT64_C(1) << (bits)) - 1)

/* Both zero: an empty slot, since no state is 0. */
struct entry {
    uint64_t head;
    uint64_t tail;
};

struct partition {
    struct entry *slots;
    uint32_t capacity;
    uint32_t count;
};

struct shard_index {
    struct partition partitions[SHARD_INDEX_PARTITIONS];
    struct shard_totals totals;
};

/* ---- entries ---- */

static uint64_t entry_key(const struct entry *entry)
{
    return entry->head >> KEY_SHIFT;
}

static bool entry_is_empty(const struct entry *entry)
{
    return entry->head == 0;
}

static struct entry entry_pack(uint64_t key, const struct shard_location *location)
{
    assert(location->state >= SHARD_LIVE && location->state < SHARD_STATES);
    assert(location->log <= SHARD_INDEX_LOG_MAX);
    assert(location->offset <= SHARD_INDEX_OFFSET_MAX && location->offset % UNIT == 0);
    assert(location->size <= SHARD_INDEX_SIZE_MAX && location->size % UNIT == 0);
    assert(location->day <= MASK(KEY_SHIFT - DAY_SHIFT));
    return (struct entry){
        .head = key << KEY_SHIFT | (uint64_t)location->day << DAY_SHIFT |
            (uint64_t)location->state << STATE_SHIFT | location->log >> LOG_LOW_BITS,
        .tail = (uint64_t)location->log << LOG_SHIFT | location->offset / UNIT << OFFSET_SHIFT |
            location->size / UNIT,
    };
}

static struct shard_location entry_location(const struct entry *entry)
{
    uint64_t log_high = entry->head & MASK(STATE_SHIFT);
    return (struct shard_location){
        .state = (enum shard_state)(entry->head >> STATE_SHIFT & 3),
        .log = (uint32_t)(log_high << LOG_LOW_BITS | entry->tail >> LOG_SHIFT),
        .offset = (entry->tail >> OFFSET_SHIFT & MASK(LOG_SHIFT - OFFSET_SHIFT)) * UNIT,
        .size = (entry->tail & MASK(OFFSET_SHIFT)) * UNIT,
        .day = entry->head >> DAY_SHIFT & MASK(KEY_SHIFT - DAY_SHIFT),
    };
}

static uint64_t key_of(const struct shard_id *id)
{
    uint64_t key = 0;
    for (unsigned i = 1; i <= 6; i++) {
        key = key << 8 | id->bytes[i];
    }
    return key >> (48 - KEY_BITS);
}

static void count_entry(struct shard_totals *totals, const struct shard_location *location)
{
    totals->count[location->state]++;
    totals->bytes[location->state] += location->size;
    if (location->state == SHARD_TRASHED && location->day < TRASH_DAYS) {
        totals->trash_of_day[location->day] += location->size;
    }
}

static void uncount_entry(struct shard_totals *totals, const struct shard_location *location)
{
    assert(totals->count[location->state] > 0);
    totals->count[location->state]--;
    totals->bytes[location->state] -= location->size;
    if (location->state == SHARD_TRASHED && location->day < TRASH_DAYS) {
        totals->trash_of_day[location->day] -= location->size;
    }
}

/* ---- one partition: linear probing; there is always an empty slot ---- */

static uint32_t home_slot(const struct partition *partition, uint64_t key)
{
    return (uint32_t)((key >> (KEY_BITS - 32)) * partition->capacity >> 32);
}

static uint32_t slot_after(const struct partition *partition, uint32_t slot)
{
    return slot + 1 < partition->capacity ? slot + 1 : 0;
}

static void place(struct partition *partition, struct entry entry)
{
    uint32_t slot = home_slot(partition, entry_key(&entry));
    while (!entry_is_empty(&partition->slots[slot])) {
        slot = slot_after(partition, slot);
    }
    partition->slots[slot] = entry;
    partition->count++;
}

/* Room for `count` entries at nine tenths full. false: no memory, nothing changed. */
static bool make_room(struct partition *partition, uint64_t count)
{
    if (count * 10 <= (uint64_t)partition->capacity * 9 && partition->capacity > count) {
        return true;
    }
    uint64_t wanted = partition->capacity + partition->capacity / 8 + 16;
    uint64_t needed = count + count / 8 + 2;
    struct partition grown = {.capacity = (uint32_t)(wanted > needed ? wanted : needed)};
    grown.slots = calloc(grown.capacity, sizeof(struct entry));
    if (grown.slots == NULL) {
        return false;
    }
    for (uint32_t slot = 0; slot < partition->capacity; slot++) {
        if (!entry_is_empty(&partition->slots[slot])) {
            place(&grown, partition->slots[slot]);
        }
    }
    assert(grown.count == partition->count);
    free(partition->slots);
    *partition = grown;
    return true;
}

/* The slot of the next entry with this key at or after `steps` from its home. NULL: none. */
static struct entry *find_from(const struct partition *partition, uint64_t key, uint32_t *steps)
{
    if (partition->capacity == 0) {
        return NULL;
    }
    uint32_t slot =
        (uint32_t)((home_slot(partition, key) + (uint64_t)*steps) % partition->capacity);
    while (!entry_is_empty(&partition->slots[slot])) {
        (*steps)++;
        if (entry_key(&partition->slots[slot]) == key) {
            return &partition->slots[slot];
        }
        slot = slot_after(partition, slot);
    }
    return NULL;
}

static struct entry *find_at(
    const struct partition *partition, uint64_t key, uint32_t log, uint64_t offset)
{
    uint32_t steps = 0;
    struct entry *entry;
    while ((entry = find_from(partition, key, &steps)) != NULL) {
        struct shard_location location = entry_location(entry);
        if (location.log == log && location.offset == offset) {
            break;
        }
    }
    return entry;
}

/*
 * Whatever was pushed past the slot moves back, until an empty slot or an entry that is at home: so
 * a search never stops early.
 */
static void take_out(struct partition *partition, struct entry *entry)
{
    uint32_t hole = (uint32_t)(entry - partition->slots);
    uint32_t slot = slot_after(partition, hole);
    while (!entry_is_empty(&partition->slots[slot])) {
        uint32_t home = home_slot(partition, entry_key(&partition->slots[slot]));
        uint32_t from_home = (slot + partition->capacity - home) % partition->capacity;
        uint32_t from_hole = (slot + partition->capacity - hole) % partition->capacity;
        if (from_home >= from_hole) {
            partition->slots[hole] = partition->slots[slot];
            hole = slot;
        }
        slot = slot_after(partition, slot);
    }
    partition->slots[hole] = (struct entry){0};
    partition->count--;
}

/* ---- the index ---- */

enum hearth_code shard_index_create(struct shard_index **out, struct hearth_err *err)
{
    struct shard_index *index = calloc(1, sizeof(*index));
    if (index == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "index of shards");
    }
    *out = index;
    return HEARTH_OK;
}

void shard_index_destroy(struct shard_index *index)
{
    if (index == NULL) {
        return;
    }
    for (unsigned i = 0; i < SHARD_INDEX_PARTITIONS; i++) {
        free(index->partitions[i].slots);
    }
    free(index);
}

const struct shard_totals *shard_index_totals(const struct shard_index *index)
{
    return &index->totals;
}

enum hearth_code shard_index_insert(struct shard_index *index, const struct shard_id *id,
    const struct shard_location *location, struct hearth_err *err)
{
    struct partition *partition = &index->partitions[id->bytes[0]];
    if (!make_room(partition, (uint64_t)partition->count + 1)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "index of shards");
    }
    place(partition, entry_pack(key_of(id), location));
    count_entry(&index->totals, location);
    return HEARTH_OK;
}

bool shard_index_next(const struct shard_index *index, const struct shard_id *id,
    struct shard_probe *probe, struct shard_location *out)
{
    const struct entry *entry =
        find_from(&index->partitions[id->bytes[0]], key_of(id), &probe->steps);
    if (entry == NULL) {
        return false;
    }
    *out = entry_location(entry);
    return true;
}

bool shard_index_find_at(const struct shard_index *index, const struct shard_id *id, uint32_t log,
    uint64_t offset, struct shard_location *out)
{
    const struct entry *entry = find_at(&index->partitions[id->bytes[0]], key_of(id), log, offset);
    if (entry == NULL) {
        return false;
    }
    *out = entry_location(entry);
    return true;
}

void shard_index_update(struct shard_index *index, const struct shard_id *id,
    const struct shard_location *before, const struct shard_location *after)
{
    struct entry *entry =
        find_at(&index->partitions[id->bytes[0]], key_of(id), before->log, before->offset);
    assert(entry != NULL);
    struct shard_location found = entry_location(entry);
    uncount_entry(&index->totals, &found);
    *entry = entry_pack(entry_key(entry), after);
    count_entry(&index->totals, after);
}

static void remove_entry(
    struct shard_index *index, struct partition *partition, struct entry *entry)
{
    struct shard_location found = entry_location(entry);
    uncount_entry(&index->totals, &found);
    take_out(partition, entry);
}

void shard_index_remove(
    struct shard_index *index, const struct shard_id *id, const struct shard_location *at)
{
    struct partition *partition = &index->partitions[id->bytes[0]];
    struct entry *entry = find_at(partition, key_of(id), at->log, at->offset);
    assert(entry != NULL);
    remove_entry(index, partition, entry);
}

static struct entry *find_item(const struct shard_index *index, const struct shard_index_item *item)
{
    return find_at(&index->partitions[item->key >> KEY_BITS], item->key & MASK(KEY_BITS),
        item->location.log, item->location.offset);
}

bool shard_index_remove_item(struct shard_index *index, const struct shard_index_item *item)
{
    struct entry *entry = find_item(index, item);
    if (entry != NULL) {
        remove_entry(index, &index->partitions[item->key >> KEY_BITS], entry);
    }
    return entry != NULL;
}

bool shard_index_has_item(const struct shard_index *index, struct shard_index_item *item)
{
    const struct entry *entry = find_item(index, item);
    if (entry != NULL) {
        item->location = entry_location(entry);
    }
    return entry != NULL;
}

void shard_index_visit(struct shard_index *index,
    void (*visit)(void *context, struct shard_location *location), void *context)
{
    for (unsigned i = 0; i < SHARD_INDEX_PARTITIONS; i++) {
        struct partition *partition = &index->partitions[i];
        for (uint32_t slot = 0; slot < partition->capacity; slot++) {
            struct entry *entry = &partition->slots[slot];
            if (!entry_is_empty(entry)) {
                struct shard_location location = entry_location(entry);
                uncount_entry(&index->totals, &location);
                visit(context, &location);
                count_entry(&index->totals, &location);
                *entry = entry_pack(entry_key(entry), &location);
            }
        }
    }
}

/* ---- walking, in the order of keys whatever the slots ---- */

enum { ANY_LOG = 0 }; /* no log has this number */

/* Keeps the `max` smallest keys of those offered; returns the new count. */
static unsigned keep_smallest(struct shard_index_item *items, unsigned count, unsigned max,
    const struct shard_index_item *item)
{
    if (count == max && item->key >= items[max - 1].key) {
        return count;
    }
    unsigned at = count < max ? count : max - 1;
    while (at > 0 && items[at - 1].key > item->key) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = *item;
    return count < max ? count + 1 : count;
}

/* A full page may have lost some of those that share its last key: they come with the next page. */
static unsigned without_last_key(const struct shard_index_item *items, unsigned count)
{
    uint64_t last = items[count - 1].key;
    while (count > 0 && items[count - 1].key == last) {
        count--;
    }
    assert(count > 0);
    return count;
}

static unsigned walk_partition(const struct partition *partition, uint64_t number, uint32_t log,
    uint64_t *cursor, struct shard_index_item *out, unsigned out_max)
{
    unsigned count = 0;
    for (uint32_t slot = 0; slot < partition->capacity; slot++) {
        const struct entry *entry = &partition->slots[slot];
        struct shard_index_item item = {
            .key = number << KEY_BITS | entry_key(entry), .location = entry_location(entry)};
        bool is_wanted = log == ANY_LOG || item.location.log == log;
        if (!entry_is_empty(entry) && is_wanted && item.key >= *cursor) {
            count = keep_smallest(out, count, out_max, &item);
        }
    }
    if (count < out_max) {
        *cursor = (number + 1) << KEY_BITS;
        return count;
    }
    uint64_t last = out[count - 1].key;
    *cursor = last;
    return without_last_key(out, count);
}

unsigned shard_index_walk_log(const struct shard_index *index, uint32_t log, uint64_t *cursor,
    struct shard_index_item *out, unsigned out_max)
{
    assert(out_max > 1);
    while (*cursor >> KEY_BITS < SHARD_INDEX_PARTITIONS) {
        uint64_t number = *cursor >> KEY_BITS;
        unsigned count =
            walk_partition(&index->partitions[number], number, log, cursor, out, out_max);
        if (count > 0) {
            return count;
        }
    }
    *cursor = UINT64_MAX;
    return 0;
}

unsigned shard_index_walk(const struct shard_index *index, uint64_t *cursor,
    struct shard_index_item *out, unsigned out_max)
{
    return shard_index_walk_log(index, ANY_LOG, cursor, out, out_max);
}

uint64_t shard_index_cursor(const struct shard_id *id)
{
    return (uint64_t)id->bytes[0] << KEY_BITS | key_of(id);
}

/* ---- what is in a range, in sums ---- */

static_assert(ID_SUM_KEY_BITS == KEY_BITS + 8, "an entry knows what a sum is of");

static void add_to_digest(
    struct shard_digest *digest, const struct shard_location *at, uint64_t key)
{
    if (at->state == SHARD_LIVE) {
        digest->live++;
        digest->live_sum += id_sum_of_key(key);
    } else if (at->state == SHARD_TRASHED && at->day != TRASH_DAY_PURGED) {
        digest->trash++;
        digest->trash_sum += id_sum_of_key(key);
    }
}

static void digest_partition(const struct partition *partition, uint64_t number, unsigned bits,
    uint32_t first, uint32_t count, struct shard_digest *out)
{
    for (uint32_t slot = 0; slot < partition->capacity; slot++) {
        const struct entry *entry = &partition->slots[slot];
        uint64_t key = number << KEY_BITS | entry_key(entry);
        uint32_t range = id_sum_range(key, bits);
        if (!entry_is_empty(entry) && range >= first && range - first < count) {
            struct shard_location at = entry_location(entry);
            add_to_digest(&out[range - first], &at, key);
        }
    }
}

void shard_index_digest(const struct shard_index *index, unsigned bits, uint32_t first,
    uint32_t count, struct shard_digest *out)
{
    assert(bits <= SHARD_DIGEST_BITS_MAX && count > 0 && first + count <= 1U << bits);
    memset(out, 0, count * sizeof(*out));
    uint64_t begin = (uint64_t)first << (ID_SUM_KEY_BITS - bits) >> KEY_BITS;
    uint64_t last = (((uint64_t)first + count) << (ID_SUM_KEY_BITS - bits)) - 1;
    for (uint64_t number = begin; number <= last >> KEY_BITS; number++) {
        digest_partition(&index->partitions[number], number, bits, first, count, out);
    }
}

/* ---- checkpoints ---- */

uint32_t shard_index_partition_count(const struct shard_index *index, unsigned partition)
{
    return index->partitions[partition].count;
}

void shard_index_partition_encode(const struct shard_index *index, unsigned partition, uint8_t *out)
{
    const struct partition *from = &index->partitions[partition];
    struct writer writer = writer_of(out, (size_t)from->count * ENTRY_SIZE);
    for (uint32_t slot = 0; slot < from->capacity; slot++) {
        if (!entry_is_empty(&from->slots[slot])) {
            writer_u64(&writer, from->slots[slot].head);
            writer_u64(&writer, from->slots[slot].tail);
        }
    }
    assert(!writer.failed && writer.size == writer.capacity);
}

enum hearth_code shard_index_partition_decode(
    struct shard_index *index, unsigned partition, struct view entries, struct hearth_err *err)
{
    struct partition *into = &index->partitions[partition];
    uint64_t count = entries.size / ENTRY_SIZE;
    if (count > 0 && !make_room(into, into->count + count)) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "index of shards");
    }
    struct reader reader = reader_of(entries);
    for (uint64_t i = 0; i < count; i++) {
        struct entry entry = {.head = reader_u64(&reader)};
        entry.tail = reader_u64(&reader);
        struct shard_location location = entry_location(&entry);
        if (location.state < SHARD_LIVE) {
            return hearth_fail(err, HEARTH_CHECKSUM, "an entry of the index has no state");
        }
        place(into, entry);
        count_entry(&index->totals, &location);
    }
    return HEARTH_OK;
}
