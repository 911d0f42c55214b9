/*
 * meta_arena.h - rows copied out of a transaction into the caller's arena.
 */
#ifndef HEARTH_COORDINATOR_META_META_ARENA_H
#define HEARTH_COORDINATOR_META_META_ARENA_H

#include "common/arena.h"
#include "coordinator/meta/meta_sql.h"

/* A copy that lives as long as the arena. Without memory the transaction fails. */
static inline struct view meta_keep(struct meta_tx *tx, struct arena *arena, struct view bytes)
{
    struct view copy = arena_copy(arena, bytes);
    if (copy.size != bytes.size && !meta_tx_failed(tx)) {
        hearth_fail(&tx->failure, HEARTH_NO_MEMORY, "metadata: %zu bytes of answer", bytes.size);
    }
    return copy;
}

/* `count` zeroed items of `size`. NULL: the transaction has failed. */
static inline void *meta_take(struct meta_tx *tx, struct arena *arena, size_t count, size_t size)
{
    void *items = arena_take_array(arena, count, size);
    if (items == NULL && !meta_tx_failed(tx)) {
        hearth_fail(&tx->failure, HEARTH_NO_MEMORY, "metadata: %zu items of answer", count);
    }
    return items;
}

#endif /* HEARTH_COORDINATOR_META_META_ARENA_H */
