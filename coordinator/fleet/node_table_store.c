/*
 * What the node table keeps in the database: reports, and the patterns of presence.
 */
#include "coordinator/fleet/node_table_inside.h"

/* A pattern is written when an hour of it is new: what a crash loses is less than that. */
enum { PRESENCE_WRITE_MS = 60 * 60 * 1000 };

/* ---- reports ---- */

/* Takes up to META_SEEN_MAX dirty nodes; their texts are copied into the arena. */
static size_t take_dirty(
    struct node_table *table, struct arena *arena, struct meta_node_seen batch[META_SEEN_MAX])
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    size_t count = 0;
    for (size_t i = 0; i < table->shared.facts.count && count < META_SEEN_MAX; i++) {
        struct node_live *live = &table->shared.live[i];
        if (live->is_dirty) {
            live->is_dirty = false;
            batch[count] = (struct meta_node_seen){
                .number = table->shared.facts.nodes[i].number,
                .last_seen_ms = live->seen_ms,
                .report = live->report,
            };
            batch[count++].report.software = arena_copy(arena, live->report.software);
        }
    }
    return count;
}

/* They could not be written. */
static void give_back_dirty(
    struct node_table *table, const struct meta_node_seen *batch, size_t count)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    for (size_t i = 0; i < count; i++) {
        ssize_t index = node_table_index(table, batch[i].number);
        assert(index != NODE_NOT_THERE);
        table->shared.live[index].is_dirty = true;
    }
}

static enum hearth_code flush_reports(struct node_table *table, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    size_t count = META_SEEN_MAX;
    while (code == HEARTH_OK && count == META_SEEN_MAX) {
        struct meta_node_seen batch[META_SEEN_MAX];
        struct arena arena;
        arena_init(&arena, 0);
        count = take_dirty(table, &arena, batch);
        if (count > 0) {
            code = meta_node_seen(table->options.store, batch, count, err);
        }
        if (code != HEARTH_OK) {
            give_back_dirty(table, batch, count);
        }
        arena_fini(&arena);
    }
    return code;
}

/* ---- patterns ---- */

static bool is_due(const struct node_live *live)
{
    return live->presence.counted_ms >= live->presence_written_ms + PRESENCE_WRITE_MS;
}

/* Takes up to META_PRESENCE_MAX patterns, as blobs in the arena. */
static size_t take_patterns(
    struct node_table *table, struct arena *arena, struct meta_presence batch[META_PRESENCE_MAX])
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    size_t count = 0;
    for (size_t i = 0; i < table->shared.facts.count && count < META_PRESENCE_MAX; i++) {
        struct node_live *live = &table->shared.live[i];
        uint8_t *bytes = is_due(live) ? arena_take(arena, PRESENCE_BLOB_SIZE) : NULL;
        if (bytes != NULL) {
            node_presence_encode(&live->presence, bytes);
            live->presence_written_ms = live->presence.counted_ms;
            batch[count++] = (struct meta_presence){.number = table->shared.facts.nodes[i].number,
                .bytes = view_of(bytes, PRESENCE_BLOB_SIZE)};
        }
    }
    return count;
}

/* They could not be written. */
static void give_back_patterns(
    struct node_table *table, const struct meta_presence *batch, size_t count)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    for (size_t i = 0; i < count; i++) {
        ssize_t index = node_table_index(table, batch[i].number);
        assert(index != NODE_NOT_THERE);
        table->shared.live[index].presence_written_ms = 0;
    }
}

static enum hearth_code flush_patterns(struct node_table *table, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    size_t count = META_PRESENCE_MAX;
    while (code == HEARTH_OK && count == META_PRESENCE_MAX) {
        struct meta_presence batch[META_PRESENCE_MAX];
        struct arena arena;
        arena_init(&arena, 0);
        count = take_patterns(table, &arena, batch);
        if (count > 0) {
            code = meta_presence_put(table->options.store, batch, count, err);
        }
        if (code != HEARTH_OK) {
            give_back_patterns(table, batch, count);
        }
        arena_fini(&arena);
    }
    return code;
}

enum hearth_code node_table_flush(struct node_table *table, struct hearth_err *err)
{
    enum hearth_code code = flush_reports(table, err);
    return code == HEARTH_OK ? flush_patterns(table, err) : code;
}

/* One that we do not know the format of is begun anew. */
static void take_over(struct node_table *table, const struct meta_presence *row)
{
    UNLOCKS pthread_mutex_t *held = lock(&table->shared.mutex);
    ssize_t index = node_table_index(table, row->number);
    if (index != NODE_NOT_THERE) {
        struct node_live *live = &table->shared.live[index];
        node_presence_decode(row->bytes, &live->presence);
        live->presence_written_ms = live->presence.counted_ms;
    }
}

enum hearth_code node_table_load_presence(struct node_table *table, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    size_t count = META_PRESENCE_MAX;
    uint32_t after = 0;
    while (code == HEARTH_OK && count == META_PRESENCE_MAX) {
        struct meta_presence rows[META_PRESENCE_MAX];
        struct arena arena;
        arena_init(&arena, 0);
        code = meta_presence_next(table->options.store, after, &arena, rows, &count, err);
        for (size_t i = 0; code == HEARTH_OK && i < count; i++) {
            take_over(table, &rows[i]);
            after = rows[i].number;
        }
        arena_fini(&arena);
    }
    return code;
}
