#include "common/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

enum { ARENA_ALIGNMENT = 16, ARENA_BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t size;
    alignas(ARENA_ALIGNMENT) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t bytes_max)
{
    *arena = (struct arena){.bytes_max = bytes_max};
}

void arena_fini(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->bytes_total = 0;
}

static struct arena_block *add_block(struct arena *arena, size_t size_min)
{
    size_t size = size_min > ARENA_BLOCK_SIZE ? size_min : ARENA_BLOCK_SIZE;
    if (arena->bytes_max > 0 && size > arena->bytes_max - arena->bytes_total) {
        return NULL;
    }
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->older = arena->newest;
    block->used = 0;
    block->size = size;
    arena->newest = block;
    arena->bytes_total += size;
    return block;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ARENA_ALIGNMENT - sizeof(struct arena_block)) {
        return NULL;
    }
    size_t rounded = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    struct arena_block *block = arena->newest;
    if (block == NULL || rounded > block->size - block->used) {
        block = add_block(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *bytes = block->bytes + block->used;
    block->used += rounded;
    assert(block->used <= block->size);
    return memset(bytes, 0, rounded);
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : arena_take(arena, bytes);
}

struct view arena_copy(struct arena *arena, struct view bytes)
{
    uint8_t *copy = arena_take(arena, bytes.size);
    if (copy == NULL) {
        return (struct view){0};
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    return view_of(copy, bytes.size);
}

char *arena_text(struct arena *arena, struct view text)
{
    char *copy = arena_take(arena, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.bytes, text.size);
    }
    return copy;
}
