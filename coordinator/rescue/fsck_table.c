#include "coordinator/rescue/fsck_table.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 4096 };

static enum hearth_code make_room(struct fsck_table *table, struct hearth_err *err)
{
    if (table->count < table->capacity) {
        return HEARTH_OK;
    }
    if (table->count == FSCK_SHARDS_MAX) {
        return hearth_fail(err, HEARTH_BUSY, "more than %d shards", FSCK_SHARDS_MAX);
    }
    size_t capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity;
    struct fsck_entry *entries = realloc(table->entries, capacity * sizeof(*entries));
    if (entries == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "%zu shards", capacity);
    }
    table->entries = entries;
    table->capacity = capacity;
    return HEARTH_OK;
}

enum hearth_code fsck_table_add(struct fsck_table *table, uint32_t node,
    const struct wire_shard_entry *entry, struct hearth_err *err)
{
    if (make_room(table, err) != HEARTH_OK) {
        return err->code;
    }
    struct fsck_entry *added = &table->entries[table->count++];
    *added = (struct fsck_entry){.node = node,
        .is_trash = entry->state == WIRE_SHARD_TRASH,
        .length = entry->length,
        .stored_ms = entry->stored_unix_ms};
    memcpy(added->name.id, entry->shard_id.bytes, sizeof(added->name.id));
    memcpy(added->name.locator, entry->locator.bytes, sizeof(added->name.locator));
    return HEARTH_OK;
}

static int compare(const void *left, const void *right)
{
    const struct fsck_entry *a = left;
    const struct fsck_entry *b = right;
    return a->node != b->node ? (a->node < b->node ? -1 : 1)
                              : memcmp(a->name.id, b->name.id, sizeof(a->name.id));
}

void fsck_table_sort(struct fsck_table *table)
{
    if (table->count > 0) {
        qsort(table->entries, table->count, sizeof(table->entries[0]), compare);
    }
}

void fsck_table_fini(struct fsck_table *table)
{
    free(table->entries);
    *table = (struct fsck_table){.entries = NULL};
}

struct fsck_entry *fsck_table_find(
    struct fsck_table *table, uint32_t node, const uint8_t id[SHARD_ID_SIZE])
{
    struct fsck_entry wanted = {.node = node};
    memcpy(wanted.name.id, id, sizeof(wanted.name.id));
    return table->count == 0
        ? NULL
        : bsearch(&wanted, table->entries, table->count, sizeof(table->entries[0]), compare);
}
