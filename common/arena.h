/*
 * arena.h - memory of one request: taken in pieces, given back at once.
 *
 * Decoded messages and answers live in the arena of their call, so nothing of them is freed singly.
 *
 * Thread-safety: none; an arena belongs to one operation.
 */
#ifndef HEARTH_COMMON_ARENA_H
#define HEARTH_COMMON_ARENA_H

#include "common/view.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t bytes_total; /* taken from malloc so far */
    size_t bytes_max;   /* 0: no limit */
};

void arena_init(struct arena *arena, size_t bytes_max);

/* Frees everything; the arena can be used again. */
void arena_fini(struct arena *arena);

/* Zeroed, aligned to 16. NULL: out of memory or past bytes_max. */
void *arena_take(struct arena *arena, size_t size);

/* `count` items of `size`; NULL also when the product overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);

/* A copy that lives as long as the arena; bytes NULL on failure of a non-empty copy. */
struct view arena_copy(struct arena *arena, struct view bytes);

/* A copy with a terminating zero. NULL: out of memory. */
char *arena_text(struct arena *arena, struct view text);

#endif /* HEARTH_COMMON_ARENA_H */
